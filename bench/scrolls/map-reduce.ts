/**
 * A 300-page text through `map-reduce`, on one demo scout and on sixteen: how much faster sixteen are, and whether both
 * give the same result to the byte. Real hub, real sockets, durable storage; the demo provider answers at the pace of a
 * model. `bun bench/scrolls/map-reduce.ts [scouts] [pages]`.
 */
import { LiveHub } from '../../test/support/hub/live-hub.ts'

const charsPerPage = 2_000
const partChars = 5_000
const pace = { firstTokenMs: 50, tokensPerSecond: 200, tokens: 64 }
const scoutsMany = Number(process.argv[2] ?? 16)
const pages = Number(process.argv[3] ?? 300)

interface Run {
  text: string
  tasks: number
  durationMs: number
}

/** The same text for everybody: chapters of pages, pages of sentences. */
function book(): string {
  const chapters: string[] = []
  for (let page = 0; page < pages; page++) {
    if (page % 20 === 0) chapters.push(`# Chapter ${page / 20 + 1}`)
    const sentence = `On page ${page} the travellers cross another chasm, and write down what they saw of it. `
    chapters.push(sentence.repeat(Math.ceil(charsPerPage / sentence.length)).slice(0, charsPerPage))
  }
  return chapters.join('\n\n')
}

async function measure(scouts: number): Promise<Run> {
  const live = new LiveHub()
  for (let at = 0; at < scouts; at++) await live.addScout({ name: `scout-${at}`, concurrency: 1, demo: pace })
  const params = { question: 'What did the travellers see?', document: book(), chars: partChars, model: 'demo-small' }
  const body = { model: 'chasm/map-reduce', messages: [{ role: 'user', content: 'What did the travellers see?' }] }
  const beganMs = performance.now()
  const response = await live.post('/v1/chat/completions', { ...body, chasm: { params } })
  const answer = (await response.json()) as {
    choices: { message: { content: string } }[]
    chasm: { nodes: { scout: string | null }[] }
  }
  const durationMs = performance.now() - beganMs
  if (!response.ok) throw new Error(JSON.stringify(answer))
  await live.close()
  const tasks = answer.chasm.nodes.filter(({ scout }) => scout !== null).length
  return { text: answer.choices[0]!.message.content, tasks, durationMs }
}

const one = await measure(1)
const many = await measure(scoutsMany)
const isSame = one.text === many.text
const factor = one.durationMs / many.durationMs
const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`
process.stdout.write(
  `${[
    `${pages} pages, ${one.tasks} tasks`,
    `1 scout:   ${seconds(one.durationMs)}`,
    `${scoutsMany} scouts: ${seconds(many.durationMs)}`,
    `factor:    ${factor.toFixed(1)}`,
    `identical: ${isSame}`,
  ].join('\n')}\n`,
)
// With fewer scouts or pages there is no target.
const isFull = scoutsMany >= 16 && pages >= 300
process.exit(isSame && (!isFull || factor >= 10) ? 0 : 1)
