/**
 * What the check of one streamed line costs the hub: by a whole inspection, by comparison with the line before, and the
 * whole of a chunk in its attempt stream. `npm run bench:lines`; medians over the rounds, on lines as services write
 * them.
 */
import { inspectLine } from '../../orchestrator/engine/answers/answer-check.ts'
import { askedUnknown } from '../../orchestrator/engine/answers/asked.ts'
import { AttemptStream } from '../../orchestrator/engine/answers/attempt-stream.ts'
import { Choices } from '../../orchestrator/engine/answers/choices.ts'
import { LineTemplate } from '../../orchestrator/engine/answers/line-template.ts'
import { contentLine } from '../load/stamps.ts'

const rounds = 40
const linesPerRound = 20_000
/** Rounds in which the runtime still compiles. */
const warmRounds = 10
/** Lines of one stream, after which the next one begins. */
const linesPerStream = 500

const source = { requestBytes: 1_000, asked: () => askedUnknown }
const served = { scout: 's', provider: 'p', model: 'm' }

const subjects: Record<string, (at: number) => string> = {
  "the bench's own": (at) => contentLine(`${at}@1234.567+89.012 `),
  'vLLM, two words': (at) =>
    `{"choices":[{"index":0,"delta":{"content":" word ${at}"},"logprobs":null,"finish_reason":null}]}`,
  'letters beyond ASCII': (at) => contentLine(` höre ${at} \\"das\\"`),
  'a tool call': (at) =>
    `{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{${at}"}}]}}]}`,
}

let sink: unknown

/** Nanoseconds per line, median of the rounds. */
function measure(job: () => void): number {
  const samples: number[] = []
  for (let round = 0; round < warmRounds + rounds; round++) {
    const startMs = performance.now()
    job()
    if (round >= warmRounds) samples.push(((performance.now() - startMs) * 1e6) / linesPerRound)
  }
  return samples.sort((a, b) => a - b)[rounds >> 1]!
}

function whole(lines: readonly Uint8Array[]): void {
  const choices = new Choices(source)
  const template = new LineTemplate()
  for (let at = 0; at < linesPerRound; at++) sink = inspectLine(lines[at % lines.length]!, choices, template)
}

function compared(lines: readonly Uint8Array[]): void {
  const choices = new Choices(source)
  const template = new LineTemplate()
  for (let at = 0; at < linesPerRound; at++) {
    const line = lines[at % lines.length]!
    sink = template.fits(line) || inspectLine(line, choices, template)
  }
}

function streamed(chunks: readonly Uint8Array[]): void {
  for (let done = 0; done < linesPerRound; done += linesPerStream) {
    const stream = new AttemptStream(1, 1, served, true, 'chat', false, source)
    let offset = 0
    for (let seq = 0; seq < linesPerStream; seq++) {
      const chunk = chunks[(done + seq) % chunks.length]!
      if (stream.take({ task: 1, attempt: 1, seq, offset }, chunk) !== null) throw new Error('a chunk was refused')
      offset += chunk.length
      sink = stream.takeReleased()
    }
  }
}

process.stdout.write('| line | bytes | inspected ns | compared ns | in its stream ns |\n|---|--:|--:|--:|--:|\n')
for (const [name, lineOf] of Object.entries(subjects)) {
  const texts = Array.from({ length: 997 }, (_, at) => lineOf(at))
  const lines = texts.map((text) => Buffer.from(text))
  const chunks = texts.map((text) => Buffer.from(`${text}\n`))
  const costs = [() => whole(lines), () => compared(lines), () => streamed(chunks)].map((job) =>
    measure(job).toFixed(0),
  )
  process.stdout.write(`| ${name} | ${lines[7]!.length} | ${costs.join(' | ')} |\n`)
}
if (sink === undefined) process.stdout.write('nothing was measured\n')
