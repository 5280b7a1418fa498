/** Bodies on their way in: how large, how slow, how many at once, and what is kept of them while they wait. */

import { heapStats } from 'bun:jsc'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import {
  bodyBytesPerLook,
  bodyLookMs,
  discardedBodiesMax,
  jsonNodesMax,
  jsonValuesMax,
  largeRequestBytesMax,
  largeRequestBytesPerTenantMax,
  pipelinedRequestsMax,
  requestBytesMax,
  requestBytesPerTenantMax,
  smallBodyMs,
} from '../../../shared/limits/http.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import { ManualSystem } from '../../support/clocks/manual-system.ts'
import { until } from '../../support/clocks/until.ts'
import { padded, rawConnection, startEdge, type TestEdge } from '../../support/hub/client-edge.ts'

let edge: TestEdge
const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
  return edge.hub.stop()
})

const chat = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }

/** A connection that has sent `text`, and all that has come back; `closed` once the hub closed it. */
function raw(text: string) {
  const socket = rawConnection(edge)
  sockets.push(socket)
  const heard = { text: '', closed: false, socket }
  socket.on('data', (bytes) => {
    heard.text += bytes.toString('latin1')
  })
  socket.on('close', () => {
    heard.closed = true
  })
  socket.on('error', () => {})
  socket.write(text)
  return heard
}

function head(length: number | null, key = edge.keys.client, path = 'POST /v1/chat/completions'): string {
  const size = length === null ? 'transfer-encoding: chunked' : `content-length: ${length}`
  const lines = [
    `${path} HTTP/1.1`,
    'host: hub',
    `authorization: Bearer ${key}`,
    'content-type: application/json',
    size,
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

async function held(): Promise<number> {
  const text = await (await edge.ask('/metrics')).text()
  return Number(/^chasm_request_bytes_in_flight (\d+)/m.exec(text)![1])
}

async function untilHeld(bytes: number): Promise<void> {
  while ((await held()) !== bytes) await Bun.sleep(1)
}

describe('bytes in flight', () => {
  test('of one key are bounded, and then of all; what is given back may be used again', async () => {
    edge = startEdge()
    const second = edge.keyring.issue('client', 'second').key
    const third = edge.keyring.issue('client', 'third').key
    const each = requestBytesPerTenantMax / bodyBytesMax
    const open = Array.from({ length: each }, () => raw(head(bodyBytesMax)))
    await untilHeld(requestBytesPerTenantMax)
    const over = await edge.post('/v1/chat/completions', chat)
    expect([over.status, over.headers.get('retry-after')]).toEqual([429, '2'])
    expect(await over.json()).toMatchObject({ error: { code: 'rate_limited' } })
    for (let count = 0; count < each; count++) raw(head(bodyBytesMax, second))
    await untilHeld(requestBytesMax)
    const full = await edge.post('/v1/chat/completions', chat, {}, third)
    expect([full.status, full.headers.get('retry-after')]).toEqual([503, '2'])
    expect(await full.json()).toMatchObject({ error: { code: 'hub_overloaded' } })
    for (const { socket } of open) socket.destroy()
    await untilHeld(requestBytesMax - requestBytesPerTenantMax)
    edge.engine.script = (answer) => answer.serve().done()
    expect((await edge.post('/v1/chat/completions', chat, {}, third)).status).toBe(200)
  })

  test('are counted until the answer has ended, also when its client leaves', async () => {
    edge = startEdge()
    const leaving = new AbortController()
    const submitted = edge.engine.submitted()
    const whole = edge.post('/v1/chat/completions', chat, { signal: leaving.signal })
    await submitted
    const bytes = JSON.stringify(chat).length
    expect(await held()).toBe(bytes)
    const streamed = edge.engine.submitted()
    const stream = edge.post('/v1/chat/completions', { ...chat, stream: true }, { signal: leaving.signal })
    await streamed
    expect(await held()).toBeGreaterThan(bytes)
    leaving.abort()
    await expect(whole).rejects.toThrow()
    await expect(stream).rejects.toThrow()
    for (const answer of edge.engine.answers) await answer.abandoned
    await untilHeld(0)
    edge.engine.script = (answer) => answer.serve().done()
    await (await edge.post('/v1/chat/completions', chat)).text()
    expect(await held()).toBe(0)
  })

  test('of large requests are bounded more tightly, so that small ones always find room', async () => {
    edge = startEdge()
    edge.engine.script = (answer) => answer.serve().done()
    const [second, third] = ['second', 'third'].map((name) => edge.keyring.issue('client', name).key)
    const each = largeRequestBytesPerTenantMax / 2
    const open = [raw(head(each)), raw(head(each))]
    await untilHeld(largeRequestBytesPerTenantMax)
    const large = padded(chat, bodyBytesMax + 1)
    expect((await edge.post('/v1/chat/completions', large)).status).toBe(429)
    raw(head(largeRequestBytesMax - largeRequestBytesPerTenantMax, second))
    await untilHeld(largeRequestBytesMax)
    expect((await edge.post('/v1/chat/completions', large, {}, third)).status).toBe(503)
    for (const key of [edge.keys.client, third]) {
      expect((await edge.post('/v1/chat/completions', chat, {}, key)).status).toBe(200)
    }
    for (const { socket } of open) socket.destroy()
    await untilHeld(largeRequestBytesMax - largeRequestBytesPerTenantMax)
    expect((await edge.post('/v1/chat/completions', large, {}, third)).status).toBe(200)
  })

  test('of undeclared bodies are counted as they arrive', async () => {
    edge = startEdge()
    const { socket } = raw(`${head(null)}10000\r\n${'x'.repeat(65_536)}\r\n`)
    await untilHeld(65_536)
    socket.write(`1\r\nx\r\n`)
    await untilHeld(65_537)
  })
})

test('nothing of a parsed body is kept while its answer is waited for', async () => {
  edge = startEdge()
  const arrays = () => {
    Bun.gc(true)
    return heapStats().objectTypeCounts.Array ?? 0
  }
  const before = arrays()
  const odd = { ...chat, odd: Array.from({ length: jsonNodesMax - 100 }, () => []) }
  const left = new AbortController()
  const waits: Promise<unknown>[] = []
  for (const stream of [false, true, false, true]) {
    const submitted = edge.engine.submitted()
    waits.push(edge.post('/v1/chat/completions', { ...odd, stream }, { signal: left.signal }).catch(() => {}))
    await submitted
  }
  odd.odd = []
  // One that is still on a stack may be found; four are kept.
  expect(arrays() - before).toBeLessThan(2 * jsonNodesMax)
  left.abort()
  await Promise.all(waits)
})

describe('a slow body', () => {
  function slowStage(): ManualSystem {
    const system = new ManualSystem()
    system.soon = (callback) => void setImmediate(callback)
    edge = startEdge({}, system)
    return system
  }

  test.each([
    ['small', 100, 'client' as const, 408],
    ['large', 1_000_000, 'client' as const, 408],
    ['of undeclared length', null, 'client' as const, 408],
    ['of a refused key', 100, 'scout' as const, 403],
  ])('%s is cut within 15 s', async (_what, length, key, status) => {
    const system = slowStage()
    const heard = raw(`${head(length, edge.keys[key])}${length === null ? '1\r\n{\r\n' : '{'}`)
    await until('a timer', () => system.pending > 0)
    for (let passed = 0; passed < 15_000 && !heard.closed; passed += 1_000) {
      system.pass(1_000)
      heard.socket.write(length === null ? '1\r\n \r\n' : ' ')
      await new Promise((resolve) => setImmediate(resolve))
    }
    await until('the end', () => heard.closed)
    expect(heard.text).toContain(`HTTP/1.1 ${status} `)
    expect(heard.text.toLowerCase()).toContain('connection: close')
  })

  test('of a refused request is waited for beside a few others; the next ones are answered at once', async () => {
    edge = startEdge()
    const more = 5
    const heard = Array.from({ length: discardedBodiesMax + more }, () => raw(`${head(100, edge.keys.scout)}{`))
    const answered = () => heard.filter(({ closed }) => closed)
    await until('the end of the others', () => answered().length === more)
    for (const { text } of answered()) expect(text).toContain('HTTP/1.1 403 ')
    for (const { socket } of heard) socket.destroy()
  })

  test('that is large may take as long as it keeps the least rate', async () => {
    const system = slowStage()
    edge.engine.script = (answer) => answer.serve().done()
    const body = JSON.stringify({ ...chat, odd: 'x'.repeat(10 * bodyBytesPerLook) })
    const heard = raw(head(null))
    await until('a timer', () => system.pending > 0)
    for (let from = 0; from < body.length; from += bodyBytesPerLook + 1_000) {
      const piece = body.slice(from, from + bodyBytesPerLook + 1_000)
      heard.socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`)
      // The piece has to be in before the clock goes on, and the turn in which it came has to be over.
      await untilHeld(from + piece.length)
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
      if (from + piece.length < body.length) system.pass(bodyLookMs)
    }
    heard.socket.write('0\r\n\r\n')
    await until('the answer', () => heard.text.includes('\r\n\r\n'))
    expect(heard.text).toContain('HTTP/1.1 200 ')
    expect(smallBodyMs).toBeLessThan(10 * bodyLookMs)
  })

  test('that is very large has to come faster, so that it holds its bytes no longer than another one', async () => {
    const system = slowStage()
    const rate = bodyBytesPerLook + 1_000
    const usual = raw(head(bodyBytesMax))
    const large = raw(head(2 * bodyBytesMax))
    await until('a timer', () => system.pending > 0)
    for (let look = 0; look < 4; look++) {
      for (const { socket } of [usual, large]) if (!socket.destroyed) socket.write(' '.repeat(rate))
      // The piece has to be in before the clock goes on.
      for (let turn = 0; turn < 20; turn++) await Bun.sleep(1)
      system.pass(bodyLookMs)
    }
    await until('the end', () => large.closed)
    expect(large.text).toContain('HTTP/1.1 408 ')
    expect([usual.text, usual.closed]).toEqual(['', false])
    // Without another piece it is cut as well.
    for (; !usual.closed; await Bun.sleep(1)) system.pass(bodyLookMs)
    expect(usual.text).toContain('HTTP/1.1 408 ')
  })
})

describe('a body that is too large', () => {
  test.each(['declared', 'undeclared'])('and %s is read to its end and then refused', async (how) => {
    edge = startEdge({ requestBytesMax: bodyBytesMax })
    const bytes = 10_000_000
    const text = 'x'.repeat(bytes)
    const heard = raw(
      how === 'declared' ? `${head(bytes)}${text}` : `${head(null)}${bytes.toString(16)}\r\n${text}\r\n0\r\n\r\n`,
    )
    await until('a response', () => heard.text.includes('request_too_large'))
    expect(heard.text).toContain('HTTP/1.1 413 ')
  })
})

describe('JSON that would take long to parse', () => {
  const list = (element: string, count: number) => `[${element}${`,${element}`.repeat(count - 1)}]`
  test.each([
    ['lists', list('[]', jsonNodesMax)],
    ['objects', list('{}', jsonNodesMax)],
    ['strings', list('"a\\""', jsonNodesMax)],
    ['names', `{"a":${list('{"b":1}', jsonNodesMax / 2)}}`],
    ['numbers', list('1', jsonValuesMax + 2)],
  ])('is refused before it is parsed: %s', async (_what, odd) => {
    edge = startEdge()
    const response = await edge.post('/v1/chat/completions', `{"odd":${odd}}`)
    expect(response.status).toBe(400)
    expect(((await response.json()) as { error: { message: string } }).error.message).toContain(
      `more than ${jsonNodesMax}`,
    )
  })

  test('is not mistaken for a long text full of brackets', async () => {
    edge = startEdge()
    edge.engine.script = (answer) => answer.serve().done()
    const content = '[{,"\\'.repeat(200_000)
    expect((await edge.post('/v1/chat/completions', { ...chat, messages: [{ role: 'user', content }] })).status).toBe(
      200,
    )
    const input = [Array.from({ length: 1_000_000 }, (_, index) => index % 10)]
    expect((await edge.post('/v1/embeddings', { model: 'm', input })).status).toBe(200)
  })
})

describe('HTTP/1', () => {
  const get = (path: string, version = '1.1') =>
    `GET ${path} HTTP/${version}\r\n${version === '1.1' ? 'host: hub\r\n' : ''}\r\n`

  test('pipelined requests are answered in order, or the connection is closed', async () => {
    edge = startEdge()
    const quick = raw(get('/healthz') + get('/nothing') + get('/readyz'))
    await until('three answers', () => quick.text.includes('"ready"') || quick.closed)
    const order = ['"ok"', '"not_found"', '"ready"'].map((part) => quick.text.indexOf(part)).filter((at) => at >= 0)
    expect(order).toEqual([...order].sort((a, b) => a - b))
    const body = JSON.stringify(chat)
    const slow = raw(`${head(body.length)}${body}${get('/healthz')}`)
    await until('the end', () => slow.closed || slow.text.includes('"ok"'))
    // Nothing of the second may come while the first waits.
    expect([slow.closed, slow.text]).toEqual([true, ''])
  })

  test('requests of one connection beyond a few in one turn are refused, and it is closed', async () => {
    edge = startEdge()
    const many = raw(get('/healthz').repeat(1_000))
    await until('the end', () => many.closed)
    const statuses = [...many.text.matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => Number(status))
    expect(statuses.slice(0, -1).every((status) => status === 200)).toBe(true)
    expect(statuses.at(-1)).toBe(429)
    expect(statuses.length).toBeLessThanOrEqual(2 * pipelinedRequestsMax + 1)
    expect(many.text).toContain('"rate_limited"')
    // Others are answered, and so is whoever comes again.
    expect((await edge.ask('/healthz')).status).toBe(200)
  })

  test("requests of many connections in one turn are nobody's pipeline", async () => {
    edge = startEdge()
    const few = get('/healthz').repeat(2)
    const connections = Array.from({ length: 60 }, () => raw(few))
    await until('all answers', () => connections.every(({ text }) => text.split('"ok"').length === 3))
    expect(connections.some(({ text }) => text.includes('HTTP/1.1 429'))).toBe(false)
  })

  test('1.0 without a Host finds its path, and its query', async () => {
    edge = startEdge()
    for (const [path, status] of [
      ['/healthz', 200],
      ['/healthz?x=/y', 200],
      ['/nothing', 404],
    ] as const) {
      const heard = raw(get(path, '1.0'))
      await until('an answer', () => heard.text !== '')
      expect(heard.text).toContain(`HTTP/1.1 ${status} `)
    }
    const key = `authorization: Bearer ${edge.keys.client}\r\n\r\n`
    const listed = raw(`GET /v1/intents?limit=0 HTTP/1.0\r\n${key}`)
    await until('an answer', () => listed.text !== '')
    expect(listed.text).toContain('HTTP/1.1 400 ')
  })
})

describe('descriptors', () => {
  test('are left over for health when too many requests are under way', async () => {
    edge = startEdge({}, undefined, () => 3)
    const left = new AbortController()
    const waits: Promise<unknown>[] = []
    for (let count = 0; count < 3; count++) {
      const submitted = edge.engine.submitted()
      waits.push(edge.post('/v1/chat/completions', chat, { signal: left.signal }).catch(() => {}))
      await submitted
    }
    const refused = await edge.post('/v1/chat/completions', chat)
    expect([refused.status, refused.headers.get('connection')]).toEqual([503, 'close'])
    expect(await refused.json()).toMatchObject({ error: { code: 'hub_overloaded' } })
    expect((await edge.ask('/healthz', {}, null)).status).toBe(200)
    left.abort()
    await Promise.all(waits)
  })

  test('are left over for other keys when one has its share of requests under way, whole or streamed', async () => {
    edge = startEdge({}, undefined, () => 4)
    const other = edge.keyring.issue('client', 'another').key
    const left = new AbortController()
    const waits: Promise<unknown>[] = []
    for (const stream of [true, false, true]) {
      const submitted = edge.engine.submitted()
      waits.push(edge.post('/v1/chat/completions', { ...chat, stream }, { signal: left.signal }).catch(() => {}))
      await submitted
    }
    const refused = await edge.ask('/v1/models')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '2'])
    expect(await refused.json()).toMatchObject({ error: { code: 'rate_limited' } })
    // What was refused is not counted: the other key still has its room.
    expect((await edge.ask('/v1/models')).status).toBe(429)
    expect((await edge.ask('/v1/models', {}, other)).status).toBe(200)
    left.abort()
    await Promise.all(waits)
    const limitMs = performance.now() + 20_000
    while ((await edge.ask('/v1/models')).status === 429) expect(performance.now()).toBeLessThan(limitMs)
  })

  test('are not held by connections without a good key', async () => {
    edge = startEdge()
    const good = raw(`GET /v1/models HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer ${edge.keys.client}\r\n\r\n`)
    const silent = raw('')
    const dripping = raw('GET /healthz HTTP/1.1\r\n')
    const refused = raw('GET /v1/models HTTP/1.1\r\nhost: hub\r\n\r\n')
    const drip = setInterval(() => dripping.socket.write('x: y\r\n'), 1_000)
    await until('the end of strangers', () => silent.closed && dripping.closed && refused.closed)
    clearInterval(drip)
    expect([good.closed, refused.text.slice(0, 12)]).toEqual([false, 'HTTP/1.1 401'])
  })
})
