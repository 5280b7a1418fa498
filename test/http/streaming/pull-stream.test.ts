import { expect, test } from 'vitest'
import type { RequestContext } from '../../../orchestrator/http/request-context.ts'
import { OpenStreams } from '../../../orchestrator/http/streaming/open-streams.ts'
import { PullStream, type StreamContent } from '../../../orchestrator/http/streaming/pull-stream.ts'
import { StallTimer } from '../../../orchestrator/http/streaming/stall-timer.ts'
import { ManualSystem } from '../../support/clocks/manual-system.ts'

function stage() {
  const system = new ManualSystem()
  const told: string[] = []
  const edge = { system, settings: { clientStallMs: 60_000 }, streams: new OpenStreams() }
  const server = { timeout: (_: unknown, seconds: number) => told.push(`cut in ${seconds} s`) }
  const context = {
    edge,
    server,
    id: 'req_1',
    request: null,
    streams: false,
    ended: () => {},
    caller: { id: 'key_1' },
  } as unknown as RequestContext
  return { system, told, context, timer: new StallTimer(context, () => told.push('given up')) }
}

test('a client that reads nothing for too long is given up, and then its socket is cut', () => {
  const { system, told, timer } = stage()
  timer.start()
  system.pass(59_999)
  expect(told).toEqual([])
  system.pass(1)
  expect(told).toEqual(['given up', 'cut in 1 s'])
})

test('a client that asks for more in time is not, however often', () => {
  const { system, told, timer } = stage()
  for (let times = 0; times < 5; times++) {
    timer.start()
    system.pass(40_000)
    timer.stop()
  }
  timer.stop()
  system.pass(120_000)
  expect([told, system.pending]).toEqual([[], 0])
})

test('a stream gives nothing before it is read, and hears when its reader leaves', async () => {
  const { context, told } = stage()
  const content: StreamContent<string> = {
    name: 'test',
    take() {
      told.push('pull')
      return 'x'
    },
    readable: () => Promise.resolve(),
    isLast: () => false,
    release: () => void told.push('cancel'),
    opening: () => null,
    encode: (part) => new TextEncoder().encode(part),
    keepAlive: () => new Uint8Array(),
    failure: () => null,
    stalled: () => null,
  }
  const response = new PullStream(context, content).respond()
  expect([context.streams, response.headers.get('content-type')]).toEqual([true, 'text/event-stream; charset=utf-8'])
  expect(told).toEqual([])
  const reader = response.body!.getReader()
  await reader.read()
  expect(told).toEqual(['pull'])
  await reader.cancel()
  expect(told).toEqual(['pull', 'cancel'])
})

/** A stream whose parts the test supplies: `'end'` is its last one, `'defect'` cannot be encoded. */
function supplied(options: { stalled?: string } = {}) {
  const system = new ManualSystem()
  const told: string[] = []
  const parts: string[] = []
  const leaving = new AbortController()
  let wake = () => {}
  const edge = {
    system,
    settings: { clientStallMs: 60_000, keepAliveMs: 5_000 },
    streams: new OpenStreams(),
    log: { error: (_: object, message: string) => told.push(message) },
  }
  const context = {
    caller: { id: 'key_1' },
    ...{ edge, server: { timeout: () => {} }, id: 'req_1', request: { signal: leaving.signal }, streams: false },
    ended: (status: number) => told.push(`counted ${status}`),
  } as unknown as RequestContext
  const bytes = (text: string) => new TextEncoder().encode(text)
  const content: StreamContent<string> = {
    name: 'test stream',
    take: () => parts.shift() ?? null,
    readable: () => new Promise((resolve) => (wake = resolve)),
    isLast: (part) => part === 'end',
    release: (isComplete) => told.push(isComplete ? 'completed' : 'abandoned'),
    opening: () => bytes('opening '),
    encode(part) {
      if (part === 'defect') throw new Error('no such part')
      return part === 'nothing' ? null : bytes(part)
    },
    keepAlive: () => bytes('keep-alive'),
    failure: (why) => bytes(why.code),
    stalled: () => (options.stalled === undefined ? null : bytes(options.stalled)),
  }
  const supply = (...more: string[]) => {
    parts.push(...more)
    wake()
  }
  const stream = new PullStream(context, content)
  const reader = stream.respond().body!.getReader()
  const read = async () => {
    const { value, done } = await reader.read()
    return done ? 'END' : new TextDecoder().decode(value)
  }
  return { system, told, supply, leaving, reader, read, parts }
}

test('a stream opens, skips what gives its client nothing, and ends with its last part', async () => {
  const { read, supply, told } = supplied()
  expect(await read()).toBe('opening ')
  supply('a', 'nothing', 'b')
  expect([await read(), await read()]).toEqual(['a', 'b'])
  const next = read()
  supply('nothing')
  supply('end')
  expect([await next, await read()]).toEqual(['end', 'END'])
  expect(told).toEqual(['completed', 'counted 200'])
})

test('a wait is filled with comments, and its content comes when it is there', async () => {
  const { read, supply, system } = supplied()
  await read()
  for (let times = 0; times < 2; times++) {
    const waiting = read()
    await Promise.resolve()
    system.pass(5_000)
    expect(await waiting).toBe('keep-alive')
  }
  const waiting = read()
  await Promise.resolve()
  supply('a')
  expect(await waiting).toBe('a')
})

test('a defect is logged, told in-band, and counted once', async () => {
  const { read, supply, told, reader } = supplied()
  await read()
  supply('defect', 'end')
  expect([await read(), await read()]).toEqual(['internal_error', 'END'])
  await reader.cancel()
  expect(told).toEqual(['a test stream broke', 'abandoned', 'counted 500'])
})

test('a client that leaves while the stream waits is counted once, whichever way the runtime reports it', async () => {
  const { read, leaving, told, reader } = supplied()
  await read()
  void read()
  await Promise.resolve()
  leaving.abort()
  await reader.cancel()
  expect(told).toEqual(['abandoned', 'counted 499'])
})

test.each([undefined, 'too slow'])(
  'a client that stalls is counted once, also when it reads again: %s',
  async (last) => {
    const { read, supply, system, told, reader, parts } = supplied(last === undefined ? {} : { stalled: last })
    await read()
    supply('a')
    await read()
    system.pass(60_000)
    expect(told).toEqual(['abandoned', 'counted 499'])
    supply('b')
    if (last === undefined) void read()
    else expect([await read(), await read()]).toEqual([last, 'END'])
    await reader.cancel()
    expect([told, parts]).toEqual([['abandoned', 'counted 499'], ['b']])
  },
)
