import { afterEach, expect, test } from 'vitest'
import { rawConnection, startEdge, type TestEdge } from '../../support/hub/client-edge.ts'
import type { FakeIntent } from '../../support/hub/fake-intents.ts'

let edge: TestEdge
afterEach(() => edge.hub.stop())

const path = '/v1/intents/int_0/events'
const done = '{"state":"done"}'

async function make(settings?: Parameters<typeof startEdge>[0]): Promise<FakeIntent> {
  edge = startEdge(settings)
  await edge.post('/v1/intents', { input: 'x' })
  return edge.intents.all[0]!
}

/** Reads until what was read contains `wanted`. */
async function readUntil(
  reader: Pick<ReadableStreamDefaultReader<Uint8Array>, 'read'>,
  wanted: string,
): Promise<string> {
  let text = ''
  while (!text.includes(wanted)) {
    const { value, done: isOver } = await reader.read()
    if (isOver) throw new Error(`the stream ended before ${wanted}: ${text}`)
    text += new TextDecoder().decode(value)
  }
  return text
}

test('events carry id, type and data, and the stream ends after done', async () => {
  const intent = await make()
  intent.tell('planned', { nodes: ['answer'] }).tell('task_started', { node: 'answer' })
  const response = await edge.ask(path)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  expect(response.headers.get('cache-control')).toBe('no-cache')
  expect(response.headers.get('x-request-id')).toMatch(/^req_/)
  const reader = response.body!.getReader()
  expect(await readUntil(reader, 'id: 2')).toBe(
    'id: 1\nevent: planned\ndata: {"nodes":["answer"]}\n\nid: 2\nevent: task_started\ndata: {"node":"answer"}\n\n',
  )
  intent.tell('chunk', { text: 'a\nb' })
  expect(await readUntil(reader, '\n\n')).toBe('id: 3\nevent: chunk\ndata: {"text":"a\\nb"}\n\n')
  intent.tell('done', { state: 'done' })
  expect(await readUntil(reader, '\n\n')).toBe(`id: 4\nevent: done\ndata: ${done}\n\n`)
  expect((await reader.read()).done).toBe(true)
  await intent.followedBy(0)
  expect(await (await edge.ask('/metrics')).text()).toContain('route="/v1/intents/{id}/events",status="200"} 1')
})

test('a client goes on after the last event it has, named in the header or in the URL', async () => {
  const intent = await make()
  intent.tell('planned').tell('task_started').tell('done', { state: 'done' })
  const last = `id: 3\nevent: done\ndata: ${done}\n\n`
  expect(await (await edge.ask(path, { headers: { 'last-event-id': '2' } })).text()).toBe(last)
  expect(await (await edge.ask(`${path}?last_event_id=2`)).text()).toBe(last)
  const whole = await (await edge.ask(path)).text()
  expect(whole.match(/^id: \d$/gm)).toEqual(['id: 1', 'id: 2', 'id: 3'])
  expect(await (await edge.ask(path, { headers: { 'last-event-id': 'not one of ours' } })).text()).toBe(whole)
  await intent.followedBy(0)
})

test('a client that has had the last event is told to stop coming back', async () => {
  const intent = await make()
  intent.tell('done')
  const response = await edge.ask(path, { headers: { 'last-event-id': '1' } })
  expect([response.status, await response.text()]).toEqual([204, ''])
  await intent.followedBy(0)
})

test('a quiet stream is kept alive by comments', async () => {
  const intent = await make({ keepAliveMs: 20 })
  const reader = (await edge.ask(path)).body!.getReader()
  expect(await readUntil(reader, '\n\n')).toMatch(/^(: keep-alive\n\n)+$/)
  intent.tell('planned')
  await readUntil(reader, 'event: planned')
  await readUntil(reader, ': keep-alive')
  intent.tell('done')
  await readUntil(reader, 'event: done')
  expect((await reader.read()).done).toBe(true)
})

test('the events of another key stay its own, and an admin may follow them', async () => {
  const intent = await make()
  intent.tell('done')
  const other = edge.keyring.issue('client', 'another client').key
  expect((await edge.ask(path, {}, other)).status).toBe(404)
  expect(await (await edge.ask(path, {}, edge.keys.admin)).text()).toContain('event: done')
})

test('a client that leaves is followed no longer, and the intent goes on', async () => {
  const intent = await make()
  intent.tell('planned')
  const leaving = new AbortController()
  const response = await edge.ask(path, { signal: leaving.signal })
  await readUntil(response.body!.getReader(), 'planned')
  await intent.followedBy(1)
  leaving.abort()
  await intent.followedBy(0)
  expect(intent.view.state).toBe('running')
})

test('a question for the head alone leaves nobody following', async () => {
  const intent = await make()
  intent.tell('planned')
  const response = await edge.ask(path, { method: 'HEAD' })
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
  expect(await response.text()).toBe('')
  await intent.followedBy(0)
})

test('a client that reads nothing is cut off in the end', async () => {
  const intent = await make({ clientStallMs: 300 })
  // More than the kernel's buffers hold on both ends of a loopback connection.
  intent.tell('chunk', { text: 'x'.repeat(32 * 1024 * 1024) })
  const socket = rawConnection(edge)
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.on('error', () => {})
  socket.pause()
  socket.write(`GET ${path} HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer ${edge.keys.client}\r\n\r\n`)
  await intent.followedBy(1)
  await intent.followedBy(0)
  expect(await (await edge.ask('/metrics')).text()).toContain('route="/v1/intents/{id}/events",status="499"} 1')
  socket.resume()
  await closed
})

test('a defect breaks the stream off, is logged, and the client can come back', async () => {
  const intent = await make()
  intent.tell('planned')
  const reader = (await edge.ask(path)).body!.getReader()
  await readUntil(reader, 'planned')
  intent.tell('chunk', 'defect' as never)
  expect((await reader.read()).done).toBe(true)
  expect(edge.logged).toMatchObject([{ level: 'error', message: 'a stream of events broke' }])
  await intent.followedBy(0)
})

test('fifty readers of one intent each get every event once and in order', async () => {
  const intent = await make()
  const texts = Array.from({ length: 50 }, async () => (await edge.ask(path)).text())
  await intent.followedBy(50)
  let told = 0
  // Bursts of one to four, each in its own turn of the loop, so that events meet the readers waiting and busy.
  const burst = () => {
    for (let left = 1 + (told % 4); left > 0 && told < 200; left--) intent.tell('chunk', { told: told++ })
    if (told < 200) setImmediate(burst)
    else intent.tell('done')
  }
  burst()
  const wanted = Array.from({ length: 201 }, (_, at) => `id: ${at + 1}`)
  for (const text of await Promise.all(texts)) expect(text.match(/^id: \d+$/gm)).toEqual(wanted)
})

test('a revoked key ends the stream with an error that says so', async () => {
  const intent = await make()
  intent.tell('planned')
  const reader = (await edge.ask(path)).body!.getReader()
  await readUntil(reader, 'planned')
  edge.keyring.revoke(edge.keyring.list()[0]!.id)
  expect(await readUntil(reader, '\n\n')).toMatch(/^event: error\ndata: .*"code":"invalid_api_key"/)
  expect((await reader.read()).done).toBe(true)
  await intent.followedBy(0)
})
