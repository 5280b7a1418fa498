import { afterEach, beforeEach, expect, test } from 'vitest'
import { StoreError } from '../../orchestrator/engine/ports/store.ts'
import { fault } from '../../shared/faults.ts'
import { StreamReader } from '../support/clients/stream-reader.ts'
import { until } from '../support/clocks/until.ts'
import { startEdge, type TestEdge } from '../support/hub/client-edge.ts'

let edge: TestEdge
beforeEach(() => {
  edge = startEdge()
  edge.engine.script = (answer) => answer.serve().done(`{"choices":[],"number":${edge.engine.answers.length}}`)
})
afterEach(() => edge.hub.stop())

const chat = { model: 'auto', messages: [{ role: 'user', content: 'hi' }] }
const vectors = { model: 'm', input: 'x' }

function ask(body: object = chat, key = 'k-1', path = '/v1/chat/completions', as?: string): Promise<Response> {
  return edge.post(path, body, { headers: { 'idempotency-key': key } }, as)
}

const replayed = (response: Response) => response.headers.get('idempotent-replayed')
const codeOf = async (response: Response) => ((await response.json()) as { error: { code: string } }).error.code

test.each([
  ['/v1/chat/completions', chat],
  ['/v1/embeddings', vectors],
])('a repetition at %s gets the same bytes and asks nobody', async (path, body) => {
  const first = await ask(body, 'k-1', path)
  const text = await first.text()
  expect([first.status, replayed(first)]).toEqual([200, null])
  for (let round = 0; round < 2; round++) {
    const again = await ask(body, 'k-1', path)
    expect([again.status, replayed(again), await again.text()]).toEqual([200, 'true', text])
    expect(again.headers.get('content-type')).toBe('application/json')
    expect(again.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'))
  }
  expect(edge.engine.answers).toHaveLength(1)
})

test('an answer is in the store before the client has it', async () => {
  await (await ask()).text()
  const [client] = edge.keyring.list()
  const row = edge.engine.store.idempotency(client!.id, 'POST /v1/chat/completions', 'k-1')
  expect(row).toMatchObject({ status: 200, bodyHash: expect.stringMatching(/^[0-9a-f]{64}$/) })
})

test('another body under the key is 422; another key, route or client asks anew', async () => {
  await ask()
  const changed = await ask({ ...chat, temperature: 1 })
  expect([changed.status, await codeOf(changed)]).toEqual([422, 'idempotency_mismatch'])
  const other = edge.keyring.issue('client', 'another').key
  for (const response of [
    await ask(chat, 'k-2'),
    await ask(vectors, 'k-1', '/v1/embeddings'),
    await ask(chat, 'k-1', '/v1/chat/completions', other),
  ]) {
    expect([response.status, replayed(response)]).toEqual([200, null])
  }
  expect(edge.engine.answers).toHaveLength(4)
})

test('while the first is under way a repetition is 409, and afterwards the answer', async () => {
  edge.engine.script = () => {}
  const submitted = edge.engine.submitted()
  const first = ask()
  const answer = await submitted
  const second = await ask()
  expect([second.status, second.headers.get('retry-after')]).toEqual([409, '1'])
  expect(await codeOf(second)).toBe('idempotency_in_flight')
  expect((await ask({ ...chat, n: 1 })).status).toBe(422)
  answer.serve().done()
  const text = await (await first).text()
  expect(await (await ask()).text()).toBe(text)
  expect(edge.engine.answers).toHaveLength(1)
})

test.each([
  ['queue_full', 429],
  ['scout_lost', 502],
  ['no_scout_available', 503],
  ['deadline_exceeded', 504],
] as const)('a failure that may pass (%s) is not kept', async (code, status) => {
  const { script } = edge.engine
  edge.engine.script = (answer) => answer.fail(fault(code, 'It did not work out.'))
  expect((await ask()).status).toBe(status)
  edge.engine.script = script
  const again = await ask()
  expect([again.status, replayed(again)]).toEqual([200, null])
})

test('a failure that is final is kept like an answer', async () => {
  edge.engine.script = (answer) => answer.fail(fault('content_refused', 'Not this.', { param: 'messages' }))
  const first = await ask()
  const text = await first.text()
  expect(JSON.parse(text)).toMatchObject({ error: { code: 'content_refused', param: 'messages' } })
  const again = await ask()
  expect([again.status, replayed(again), await again.text()]).toEqual([400, 'true', text])
  expect(edge.engine.answers).toHaveLength(1)
})

test('a client that leaves and comes back with its key is served anew', async () => {
  const { script } = edge.engine
  edge.engine.script = () => {}
  const submitted = edge.engine.submitted()
  const leaving = new AbortController()
  const headers = { 'idempotency-key': 'k-1' }
  const left = edge.post('/v1/chat/completions', chat, { headers, signal: leaving.signal })
  const answer = await submitted
  leaving.abort()
  await expect(left).rejects.toThrow()
  await answer.abandoned
  edge.engine.script = script
  let again = await ask()
  // The edge hears of the abort a moment before it lets go of the key.
  while (again.status === 409) again = await ask()
  expect([again.status, replayed(again)]).toEqual([200, null])
})

test('a stream takes no notice of the key', async () => {
  edge.engine.script = (answer) => answer.serve().line('{"choices":[{"index":0,"delta":{"content":"a"}}]}').done()
  for (let round = 0; round < 2; round++) {
    const reader = await new StreamReader(await ask({ ...chat, stream: true })).over()
    expect(reader).toMatchObject({ text: 'a', isDone: true })
  }
  expect(edge.engine.answers).toHaveLength(2)
  expect((await ask()).status).toBe(200)
})

test('a key that is none is refused before anyone is asked', async () => {
  for (const key of ['', 'a b', 'k'.repeat(256)]) {
    const response = await ask(chat, key)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { param: 'Idempotency-Key' } })
  }
  expect(edge.engine.answers).toEqual([])
})

test('what cannot be kept is not said, and nobody is asked until the store has recovered', async () => {
  const { store } = edge.engine
  const commit = store.commit.bind(store)
  store.commit = () => {
    throw new StoreError('full', 'the disk is full')
  }
  for (let round = 0; round < 2; round++) {
    const refused = await ask()
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await codeOf(refused)).toBe('store_unavailable')
  }
  expect(edge.engine.answers).toHaveLength(1)
  expect((await edge.post('/v1/chat/completions', chat)).status).toBe(200)
  store.commit = commit
  await until('the store to be tried again', () => edge.engine.journal.trouble === null)
  const healed = await ask()
  expect([healed.status, replayed(healed)]).toEqual([200, null])
  expect(replayed(await ask())).toBe('true')
})
