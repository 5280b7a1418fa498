/** What an engine may do that should not: each in turn, with the adapter in a process whose memory is measured. */
import { existsSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { chunkOf, usage, wholeOf } from '../support/providers/dialect-stand-in.ts'
import type { ProcessReport } from '../support/providers/provider-process.ts'

const MiB = 1024 * 1024
/** The largest answer is read as bytes and as text, and the collector of a busy machine takes its time. */
const expansionBytesMax = 96 * MiB

type Engine = (streamed: boolean) => Response
const typeOf = (streamed: boolean) => (streamed ? 'text/event-stream' : 'application/json')
const answer = (
  body: ConstructorParameters<typeof Response>[0],
  streamed: boolean,
  more: Record<string, string> = {},
) => new Response(body, { headers: { 'content-type': typeOf(streamed), ...more } })

/** Sends what `next` makes for as long as anyone reads. */
function endless(next: (count: number) => Uint8Array | string): ReadableStream<Uint8Array> {
  let count = 0
  const encoder = new TextEncoder()
  return new ReadableStream({
    async pull(controller) {
      const piece = next(count++)
      controller.enqueue(typeof piece === 'string' ? encoder.encode(piece) : piece)
      // Lets the server breathe: it shares its process with the test.
      if (count % 64 === 0) await new Promise((resolve) => setImmediate(resolve))
    },
  })
}

const filler = new Uint8Array(256 * 1024).fill(120)
const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`

/** Ten gigabytes in ten megabytes: packed members one after the other unfold one after the other. */
function bomb(): Uint8Array {
  const member = Bun.gzipSync(new Uint8Array(64 * MiB))
  return Buffer.concat(Array.from({ length: 160 }, () => member))
}

const engines: Record<string, { engine: Engine; code: string }> = {
  'answers with a web page': {
    engine: () => new Response('<!doctype html><h1>Sign in</h1>', { headers: { 'content-type': 'text/html' } }),
    code: 'provider_bad_answer',
  },
  'answers with a web page that says 502': {
    engine: () => new Response('<html>Bad gateway</html>', { status: 502, headers: { 'content-type': 'text/html' } }),
    code: 'provider_unavailable',
  },
  'never ends its body': {
    engine: (streamed) =>
      answer(
        endless(() => filler),
        streamed,
      ),
    code: 'answer_too_large',
  },
  'announces ten gigabytes and begins to send them': {
    engine: (streamed) =>
      answer(
        endless(() => filler),
        streamed,
        { 'content-length': String(10 * 1024 * MiB) },
      ),
    code: 'answer_too_large',
  },
  'never ends the body of an error': {
    engine: () =>
      new Response(
        endless(() => filler),
        { status: 500, headers: { 'content-type': 'application/json' } },
      ),
    code: 'provider_unavailable',
  },
  'packs ten gigabytes into ten megabytes': {
    engine: (streamed) => answer(bomb() as Uint8Array<ArrayBuffer>, streamed, { 'content-encoding': 'gzip' }),
    code: 'provider_bad_answer',
  },
  'sends half a chunk and ends': {
    engine: (streamed) =>
      answer(streamed ? event(chunkOf({ content: 'x' })).slice(0, 60) : '{"choices":[{"in', streamed),
    code: 'provider_bad_answer',
  },
  'sends half a chunk and falls silent': {
    engine: (streamed) => {
      const half = streamed ? event(chunkOf({ content: 'x' })).slice(0, 60) : '{"choices":[{"in'
      const begin = (controller: ReadableStreamDefaultController<Uint8Array>) =>
        controller.enqueue(new TextEncoder().encode(half))
      return answer(new ReadableStream({ start: begin }), streamed)
    },
    code: 'provider_timeout',
  },
}

const streamsOnly: Record<string, { engine: Engine; code: string }> = {
  'keeps the line open with comments and never begins': {
    engine: (streamed) =>
      answer(
        endless(() => `: ${'still here '.repeat(5_000)}\n\n`),
        streamed,
      ),
    code: 'answer_too_large',
  },
  'says ever more beside its answer': {
    engine: (streamed) =>
      answer(
        endless((count) => event({ choices: [], [`field-${count}`]: 'x'.repeat(100_000) })),
        streamed,
      ),
    code: 'answer_too_large',
  },
  'begins ever more choices': {
    engine: (streamed) =>
      answer(
        endless((count) => event({ choices: [{ index: count, delta: { content: 'x' }, finish_reason: null }] })),
        streamed,
      ),
    code: 'provider_bad_answer',
  },
}

const sane: Engine = (streamed) =>
  streamed
    ? answer(`${event(chunkOf({ content: 'hi' }, 'stop'))}${event({ choices: [], usage })}`, true)
    : Response.json(wholeOf({ content: 'hi' }, 'stop', { usage }))

let hostile: Engine = sane
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  idleTimeout: 0,
  async fetch(request) {
    const { wrong, stream } = (await request.json()) as { wrong?: boolean; stream: boolean }
    return (wrong ? hostile : sane)(stream)
  },
})
afterAll(() => server.stop(true))

async function reportOf(sdk: string, mode: string, code: string): Promise<ProcessReport> {
  const script = new URL('../support/providers/provider-process.ts', import.meta.url).pathname
  const command = [process.execPath, script, sdk, `http://127.0.0.1:${server.port}/v1`, mode]
  if (code === 'provider_timeout') command.push('silent')
  const child = Bun.spawn(command, { env: { PATH: process.env.PATH }, stdout: 'pipe', stderr: 'pipe' })
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()])
  expect([await child.exited, err]).toEqual([0, ''])
  return JSON.parse(out)
}

const cases = [
  ...Object.entries(engines).flatMap(([what, { engine, code }]) => [
    { what, engine, code, mode: 'whole' },
    { what, engine, code, mode: 'streamed' },
  ]),
  ...Object.entries(streamsOnly).map(([what, { engine, code }]) => ({ what, engine, code, mode: 'streamed' })),
]

describe.skipIf(!existsSync('/proc/self/status'))('an engine (memory is read from /proc)', () => {
  test.each(cases)('that $what ($mode) fails the attempt alone', async ({ engine, code, mode }) => {
    hostile = engine
    for (const report of await Promise.all(['openai', 'groq'].map((sdk) => reportOf(sdk, mode, code)))) {
      expect({ code: report.code, lives: report.lives }).toEqual({ code, lives: true })
      expect(report.expansionBytes).toBeLessThan(expansionBytesMax)
    }
  })
})
