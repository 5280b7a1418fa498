/**
 * What the framing costs. Protocol v1 (msgpack envelope around an opaque body, with pre-scan and field checks)
 * against text frames in JSON, on the frames that make up the traffic, for what each side of the wire does with
 * them. The competitors take turns in every round, and medians over the rounds are shown: `npm run bench:codec`.
 */
import { decodeFromHub, decodeFromScout, encode } from '../../shared/protocol/codec.ts'
import type { Frame } from '../../shared/protocol/frames.ts'

const rounds = 60
const roundMs = 4

const utf8 = new TextEncoder()
const fromUtf8 = new TextDecoder()

/** One format's way to do the three jobs, as thunks whose results are kept from being optimised away. */
interface Contender {
  bytes: number
  /** From the body in the form in which this format wants it. */
  encode: () => unknown
  /** From the body as a parsed value, as a provider's SDK hands it over. */
  encodeValue: () => unknown
  decode: () => unknown
  /** What the hub does: take the frame apart and have the body's bytes in hand for the other side. */
  forward: () => unknown
}

interface Subject {
  name: string
  frame: Frame & { body?: Uint8Array | null }
  from: 'scout' | 'hub'
}

function subjects(): Subject[] {
  const nonce = crypto.getRandomValues(new Uint8Array(16))
  const prompt = 'Explain, in "plain" words,\nwhy the sky is blue \u2013 and the sea. '.repeat(40).slice(0, 2048)
  const messages = [
    { role: 'system', content: 'You are brief.' },
    { role: 'user', content: prompt },
  ]
  const request = json({ model: 'llama-3.3-70b', messages, temperature: 0.7, stream: true })
  const delta = { content: ' and therefore the light' }
  const line = json({ choices: [{ index: 0, delta, logprobs: null, finish_reason: null }] }, '\n')
  const message = { role: 'assistant', content: 'Because blue light scatters most. '.repeat(20), refusal: null }
  const usage = { prompt_tokens: 512, completion_tokens: 140, total_tokens: 652 }
  const answer = json({ choices: [{ index: 0, message, logprobs: null, finish_reason: 'stop' }], usage })
  const lease = { task: 123_456, attempt: 1 }
  const terms = { kind: 'chat', model: 'llama-3.3-70b', stream: true, ttlMs: 30_000, deadlineMs: 600_000 } as const
  const end = {
    outcome: 'done',
    chunks: 0,
    fault: '',
    message: '',
    param: '',
    retryAfterMs: 0,
    provider: '',
    credits: 0,
  } as const
  return [
    { name: 'task', from: 'hub', frame: { type: 'task', ...lease, nonce, ...terms, acks: [], ...sized(request) } },
    { name: 'chunk', from: 'scout', frame: { type: 'chunk', ...lease, seq: 17, offset: 2_040, ...sized(line) } },
    { name: 'settle', from: 'scout', frame: { type: 'settle', ...lease, nonce, ...end, ...sized(answer) } },
    { name: 'credit', from: 'scout', frame: { type: 'credit', count: 4 } },
  ]
}

function json(value: unknown, ending = ''): Uint8Array {
  return utf8.encode(JSON.stringify(value) + ending)
}

function sized(body: Uint8Array): { size: number; body: Uint8Array } {
  return { size: body.length, body }
}

/** A message as a socket delivers it: a fresh view, whose first use is part of the cost. */
function arriving(message: Uint8Array): () => Buffer {
  const { buffer, byteOffset, length } = Buffer.from(message)
  return () => Buffer.from(buffer, byteOffset, length)
}

function ours({ frame, from }: Subject): Contender {
  const decode = from === 'hub' ? decodeFromHub : decodeFromScout
  const next = arriving(encode(frame))
  if (decode(next()).type !== frame.type) throw new Error(`${frame.type} does not decode`)
  const value = valueOfBody(frame.body)
  return {
    bytes: next().length,
    encode: () => encode(frame),
    encodeValue: () => encode(value === undefined ? frame : ({ ...frame, body: json(value) } as Frame)),
    decode: () => decode(next()),
    forward: () => (decode(next()) as Subject['frame']).body,
  }
}

function valueOfBody(body: Uint8Array | null | undefined): unknown {
  return body ? JSON.parse(fromUtf8.decode(body)) : undefined
}

/** The same fields under their names, the nonce as base64, no checks of any kind. */
function jsonFrame({ frame }: Subject, body: unknown): Record<string, unknown> {
  const plain: Record<string, unknown> = { ...frame }
  if ('nonce' in frame) plain.nonce = Buffer.from(frame.nonce).toString('base64')
  if (body !== undefined) plain.body = body
  return plain
}

function jsonContender(subject: Subject, body: unknown, bytesOf: (body: unknown) => Uint8Array): Contender {
  const frame = jsonFrame(subject, body)
  const value = valueOfBody(subject.frame.body)
  const next = arriving(json(frame))
  const decode = () => JSON.parse(fromUtf8.decode(next()))
  return {
    bytes: next().length,
    encode: () => json(frame),
    encodeValue: () => json(typeof body === 'string' ? { ...frame, body: JSON.stringify(value) } : frame),
    decode,
    forward: body === undefined ? decode : () => bytesOf(decode().body),
  }
}

function contendersFor(subject: Subject): Record<string, Contender> {
  const { body } = subject.frame
  const text = body ? fromUtf8.decode(body) : undefined
  const contenders = {
    'chasm.v1': ours(subject),
    'JSON, body as value': jsonContender(subject, valueOfBody(body), (value) => json(value)),
  }
  if (text === undefined) return contenders
  return {
    ...contenders,
    'JSON, body as string': jsonContender(subject, text, (value) => utf8.encode(value as string)),
  }
}

let sink: unknown

function nsPerCall(job: () => unknown, calls: number): number {
  const startMs = performance.now()
  for (let i = 0; i < calls; i++) sink = job()
  return ((performance.now() - startMs) * 1e6) / calls
}

/** Median nanoseconds of each job. Calls per round are set so that each job's turn takes about `roundMs`. */
function measure(jobs: (() => unknown)[]): number[] {
  const calls = jobs.map((job) => {
    for (let i = 0; i < 10; i++) nsPerCall(job, 1_000)
    return Math.max(100, Math.round((roundMs * 1e6) / nsPerCall(job, 1_000)))
  })
  const samples: number[][] = jobs.map(() => [])
  for (let round = 0; round < rounds; round++) {
    for (const [i, job] of jobs.entries()) samples[i]!.push(nsPerCall(job, calls[i]!))
  }
  return samples.map((ns) => ns.sort((a, b) => a - b)[rounds >> 1]!)
}

const jobNames = ['encode', 'encodeValue', 'decode', 'forward'] as const

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

print('Medians in ns; in brackets, how many times the cost of chasm.v1.\n')
print('| frame | format | bytes | encode | from value | decode | forward |')
print('|---|---|--:|--:|--:|--:|--:|')
for (const subject of subjects()) {
  const contenders = Object.entries(contendersFor(subject))
  const medians = measure(contenders.flatMap(([, contender]) => jobNames.map((job) => contender[job])))
  for (const [i, [name, contender]] of contenders.entries()) {
    const cells = jobNames.map((_, job) => {
      const ns = medians[i * jobNames.length + job]!
      return `${ns.toFixed(0)}${i === 0 ? '' : ` (${(ns / medians[job]!).toFixed(2)})`}`
    })
    print(`| ${subject.name} | ${name} | ${contender.bytes} | ${cells.join(' | ')} |`)
  }
}
print(`
encode: the body is given as each format wants it: bytes, parsed value, or text.
from value: the body is given as a parsed value, so chasm.v1 pays for writing it as JSON too.
decode: chasm.v1 includes the pre-scan and the check of every field; JSON is parsed and nothing is checked.
forward: decode, then the body as bytes for the other side. JSON with the body as value has to write it again.`)
if (sink === undefined) print('nothing was measured')
