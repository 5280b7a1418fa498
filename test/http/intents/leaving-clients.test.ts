import { afterEach, beforeEach, expect, test } from 'vitest'
import { startEdge, type TestEdge } from '../../support/hub/client-edge.ts'
import type { FakeIntent } from '../../support/hub/fake-intents.ts'

let edge: TestEdge
beforeEach(() => {
  edge = startEdge()
})
afterEach(() => edge.hub.stop())

const messages = [{ role: 'user', content: 'hi' }]
const routes: [string, string, object][] = [
  ['a virtual model', '/v1/chat/completions', { model: 'chasm/debate', messages }],
  ['a response', '/v1/responses', { model: 'm', input: 'hi' }],
  ['a streamed response', '/v1/responses', { model: 'm', input: 'hi', stream: true }],
]
const text = '{"choices":[{"index":0,"message":{"content":"the answer"}}]}'

function ask(path: string, body: object, headers: Record<string, string>, signal?: AbortSignal): Promise<Response> {
  return edge.post(path, body, { headers, ...(signal && { signal }) })
}

/** Waits for `count` readers of the one intent. */
async function followed(count: number): Promise<FakeIntent> {
  while (edge.intents.all.length === 0) await new Promise((resolve) => setImmediate(resolve))
  await edge.intents.all[0]!.followedBy(count)
  return edge.intents.all[0]!
}

/** Without a key other responses are chats, which are no intents. */
const keyless: typeof routes = [
  routes[0]!,
  ['a response of a virtual model', '/v1/responses', { model: 'chasm/debate', input: 'hi' }],
  ['a streamed response of a virtual model', '/v1/responses', { model: 'chasm/debate', input: 'hi', stream: true }],
]

test.each(keyless)('without a key, %s is cancelled when its client leaves', async (_, path, body) => {
  const leaving = new AbortController()
  const left = ask(path, body, {}, leaving.signal)
  left.catch(() => {})
  const intent = await followed(1)
  leaving.abort()
  await followed(0)
  expect(intent.view.state).toBe('cancelled')
})

test.each(routes)('under a key, %s goes on, and the client that returns has the answer', async (_, path, body) => {
  const headers = { 'idempotency-key': 'k' }
  const leaving = new AbortController()
  const left = ask(path, body, headers, leaving.signal)
  left.catch(() => {})
  const intent = await followed(1)
  leaving.abort()
  await followed(0)
  expect(intent.view.state).toBe('running')
  intent.settle(intent.view.resultNode, text).tell('done', { state: 'done' })
  const again = await ask(path, body, headers)
  expect([again.status, await again.text()]).toEqual([200, expect.stringContaining('the answer')])
  expect(edge.intents.all).toHaveLength(1)
})

test.each(routes)('under a key, one of two clients that wait for %s may leave', async (_, path, body) => {
  const headers = { 'idempotency-key': 'k' }
  const leaving = new AbortController()
  const staying = ask(path, body, headers)
  await followed(1)
  const left = ask(path, body, headers, leaving.signal)
  left.catch(() => {})
  const intent = await followed(2)
  leaving.abort()
  await followed(1)
  expect(intent.view.state).toBe('running')
  intent.settle(intent.view.resultNode, text).tell('done', { state: 'done' })
  const response = await staying
  expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('the answer')])
})
