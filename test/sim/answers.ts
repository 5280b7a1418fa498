/**
 * The one right answer to every request, a function of its bytes alone: whichever scout gives it, after however many
 * attempts, a client must have seen this and nothing else. Providers and strangers send it, checks compare with it.
 * A request may name a length; one that goes on after a forwarded prefix gets the rest.
 */

export interface KnownAnswer {
  /** Streamed, line by line; the first one carries no content, the last one ends the choice. */
  lines: string[]
  /** What settles the stream. */
  tail: string
  /** Not streamed. */
  whole: string
  text: string
}

interface Ask {
  /** Lines with content, and the characters of each. */
  want?: [lines: number, chars: number]
  messages?: { content: string }[]
  continue_final_message?: boolean
  add_generation_prompt?: boolean
}

const known = new Map<string, KnownAnswer>()
/** Characters of remembered answers, over all lives of this process; with more they are all forgotten. */
const knownCharsMax = 16_000_000
let knownChars = 0

export function answerTo(body: Uint8Array): KnownAnswer {
  const key = Bun.hash(body).toString(36)
  let answer = known.get(key)
  if (answer === undefined) {
    answer = makeAnswer(key, JSON.parse(Buffer.from(body).toString('utf8')) as Ask)
    knownChars += answer.whole.length
    if (knownChars > knownCharsMax) {
      known.clear()
      knownChars = answer.whole.length
    }
    known.set(key, answer)
  }
  return answer
}

function makeAnswer(key: string, ask: Ask): KnownAnswer {
  if (ask.continue_final_message) return continued(ask)
  const [count, chars] = ask.want ?? [3, 10]
  const words = Array.from({ length: count }, (_, at) => `${key}.${at} `.padEnd(chars, 'x'))
  return spoken(words, words.join(''))
}

/** Of what goes on after a prefix. */
const pieceChars = 12_000

/** What is left to say after the assistant's unfinished turn. */
function continued({ continue_final_message: _, add_generation_prompt: __, messages = [], ...rest }: Ask): KnownAnswer {
  const begun = messages.at(-1)!.content
  const { text } = answerTo(Buffer.from(JSON.stringify({ messages: messages.slice(0, -1), ...rest })))
  if (!text.startsWith(begun)) throw new Error('a continuation asks to go on after what was never said')
  const left = text.slice(begun.length)
  const words: string[] = []
  for (let at = 0; at < left.length; at += pieceChars) words.push(left.slice(at, at + pieceChars))
  return spoken(words, text)
}

export function spoken(words: string[], text: string): KnownAnswer {
  const line = (delta: object, finish: string | null) =>
    JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })
  const lines = [line({ role: 'assistant', content: '' }, null)]
  for (const content of words) lines.push(line({ content }, null))
  lines.push(line({}, 'stop'))
  const usage = { prompt_tokens: 7, completion_tokens: words.length }
  const message = { role: 'assistant', content: text }
  const whole = JSON.stringify({ choices: [{ index: 0, message, finish_reason: 'stop' }], usage })
  return { lines, tail: JSON.stringify({ choices: [], usage }), whole, text }
}

/** The whole answer to a request for embeddings. */
export function embeddingFor(body: Uint8Array): string {
  const embedding = [Number(BigInt(Bun.hash(body)) % 1_000n) / 1_000]
  return JSON.stringify({ data: [{ index: 0, embedding }], usage: { prompt_tokens: 1, completion_tokens: 0 } })
}

/** An answer without the counts of its usage, which are whatever its provider says. */
export function uncounted(answer: string): string {
  return answer.replace(/_tokens":[\d.e+]+/g, '_tokens":0')
}

/** The text of a stored result. */
export function contentOf(result: string): string {
  const { choices } = JSON.parse(result) as { choices: { message: { content: string | null } }[] }
  return choices[0]?.message.content ?? ''
}
