/**
 * Large answers that were made whole: each client gets its own to the last byte, and those who read nothing wait
 * within a share.
 */
import type { Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { answerPieceBytes, unreadBytesPerTenantMax } from '../../shared/limits/http.ts'
import { until } from '../support/clocks/until.ts'
import { rawChat, rawConnection, startEdge, type TestEdge } from '../support/hub/client-edge.ts'

let edge: TestEdge
const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
  return edge.hub.stop()
})

const chat = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }
const mib = 2 ** 20

function answerOf(bytes: number): string {
  const choice = { index: 0, message: { role: 'assistant', content: 'x'.repeat(bytes) }, finish_reason: 'stop' }
  return JSON.stringify({ choices: [choice] })
}

/** A client that asks and reads nothing; resolves when its answer is made. */
async function ask(answer: string): Promise<Socket> {
  const submitted = edge.engine.submitted()
  const socket = rawConnection(edge)
  sockets.push(socket)
  socket.on('error', () => {})
  socket.pause()
  socket.write(rawChat(edge, chat))
  ;(await submitted).serve().done(answer)
  return socket
}

/** Resolves once the metrics say so. */
async function seen(line: RegExp): Promise<void> {
  const limitMs = performance.now() + 20_000
  while (!line.test(await (await edge.ask('/metrics')).text())) expect(performance.now()).toBeLessThan(limitMs)
}

async function read(answer: string, key?: string): Promise<Response> {
  const submitted = edge.engine.submitted()
  const response = edge.post('/v1/chat/completions', chat, {}, key)
  ;(await submitted).serve().done(answer)
  return response
}

test.each([answerPieceBytes / 2, answerPieceBytes * 2, 4 * mib - 2_000])(
  'an answer of %i bytes arrives whole',
  async (bytes) => {
    edge = startEdge()
    const response = await read(answerOf(bytes))
    expect(response.status).toBe(200)
    const { choices } = (await response.json()) as { choices: { message: { content: string } }[] }
    expect(choices[0]!.message.content.length).toBe(bytes)
  },
)

test('a question for the head alone of a large answer is over at once', async () => {
  edge = startEdge()
  await edge.post('/v1/intents', { input: 'x' })
  const { view } = edge.intents.all[0]!.settle(edge.intents.all[0]!.view.resultNode, answerOf(2 * answerPieceBytes))
  const { id } = view
  const whole = await edge.ask(`/v1/intents/${id}`)
  expect((await whole.text()).length).toBeGreaterThan(2 * answerPieceBytes)
  const head = await edge.ask(`/v1/intents/${id}`, { method: 'HEAD' })
  expect([head.status, (await head.text()).length]).toEqual([200, 0])
  await seen(/method="HEAD",route="\/v1\/intents\/\{id\}",status="200"\} 1$/m)
})

test('those that one key does not read hold no more than its share; others go on, and room comes back', async () => {
  edge = startEdge()
  const large = answerOf(4 * mib - 2_000)
  const other = edge.keyring.issue('client', 'another').key
  const waiting: Socket[] = []
  for (let held = 0; held + large.length <= unreadBytesPerTenantMax; held += large.length)
    waiting.push(await ask(large))
  const refused = await read(large)
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '2'])
  expect(await refused.json()).toMatchObject({ error: { code: 'rate_limited' } })
  expect((await read(large, other)).status).toBe(200)
  // What is small is not held.
  expect((await read(answerOf(100))).status).toBe(200)
  for (const socket of waiting) socket.destroy()
  const limitMs = performance.now() + 20_000
  while ((await read(large)).status === 429) expect(performance.now()).toBeLessThan(limitMs)
})

test('a client that reads nothing for too long is cut off', async () => {
  edge = startEdge({ clientStallMs: 100 })
  const socket = await ask(answerOf(4 * mib - 2_000))
  let isClosed = false
  socket.on('close', () => {
    isClosed = true
  })
  await seen(/status="499"\} 1$/m)
  // What the system's buffers hold is read before the end shows.
  socket.resume()
  await until('the end of the connection', () => isClosed)
})
