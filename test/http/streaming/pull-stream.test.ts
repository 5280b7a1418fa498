import { expect, test } from 'vitest'
import { RequestContext } from '../../../orchestrator/http/request-context.ts'
import { OpenStreams } from '../../../orchestrator/http/streaming/open-streams.ts'
import { PullStream, type StreamContent } from '../../../orchestrator/http/streaming/pull-stream.ts'
import { StallTimer } from '../../../orchestrator/http/streaming/stall-timer.ts'
import { ByteAccount } from '../../../shared/byte-account.ts'
import { fault } from '../../../shared/faults.ts'
import { unreadPartBytesFree } from '../../../shared/limits/http.ts'
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
    holdUnread: () => null,
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
    onReadable: (wake) => wake(),
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
function supplied(options: { stalled?: string; holdUnread?: RequestContext['holdUnread'] } = {}) {
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
    holdUnread: options.holdUnread ?? (() => null),
  } as unknown as RequestContext
  const bytes = (text: string) => new TextEncoder().encode(text)
  const content: StreamContent<string> = {
    name: 'test stream',
    take: () => parts.shift() ?? null,
    onReadable: (waiter) => (wake = waiter),
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

test('a stream that waits goes on behind what brings its content, not in the middle of it', async () => {
  const { read, supply, parts } = supplied()
  await read()
  const waiting = read()
  await Promise.resolve()
  supply('a')
  expect(parts).toEqual(['a'])
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

test('what a client has not read counts until it reads on, and without room the stream ends and says so', async () => {
  const unread: number[] = []
  const holdUnread = (bytes: number) => {
    unread.push(bytes)
    return bytes > 5 && bytes < 8 ? fault('rate_limited', 'No room.') : null
  }
  const { read, supply, told } = supplied({ holdUnread })
  await read()
  supply('abc')
  await read()
  expect(unread).toEqual([0, 8, 0, 3])
  supply('too long')
  expect(await read()).toBe('too long')
  supply('broken')
  expect([await read(), await read()]).toEqual(['rate_limited', 'END'])
  expect(told).toEqual(['abandoned', 'counted 429'])
})

test('a request counts what its client has not read, when it is much, and gives all of it back', () => {
  const bytesInFlight = new ByteAccount(400_000, 300_000)
  const edge = { system: new ManualSystem(), unreadBytes: bytesInFlight, metrics: { ended() {} } }
  const request = new Request('http://hub/v1/x')
  const context = new RequestContext(request, { timeout() {}, pendingRequests: 0 } as never, edge as never)
  context.caller = { id: 'key_1' } as never
  context.route = { method: 'GET', access: 'client' } as never
  expect(context.holdUnread(unreadPartBytesFree)).toBeNull()
  expect(bytesInFlight.held).toBe(0)
  expect(context.holdUnread(200_000)).toBeNull()
  expect(bytesInFlight.held).toBe(200_000)
  expect(context.holdUnread(250_000)).toBeNull()
  expect(bytesInFlight.held).toBe(250_000)
  expect(context.holdUnread(300_001)).toMatchObject({ code: 'rate_limited' })
  expect(bytesInFlight.held).toBe(0)
  bytesInFlight.take('another', 150_000)
  expect(context.holdUnread(260_000)).toMatchObject({ code: 'hub_overloaded' })
  expect(context.holdUnread(100_000)).toBeNull()
  context.ended(200)
  expect(bytesInFlight.held).toBe(150_000)
})
