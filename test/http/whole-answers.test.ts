import { afterEach, beforeEach, expect, test } from 'vitest'
import { fault } from '../../shared/faults.ts'
import { startEdge, type TestEdge } from '../support/hub/client-edge.ts'

let edge: TestEdge
beforeEach(() => {
  edge = startEdge()
})
afterEach(() => edge.hub.stop())

const chat = { model: 'auto', messages: [{ role: 'user', content: 'hi' }] }

test("an answer is the hub's fields and then the scout's bytes as they came", async () => {
  const body = '{"choices":[{"index":0,"message":{"content":"gr\\u00fc\\u00df {"}}],"usage":{"total_tokens":1.0}}'
  edge.engine.script = (answer) => answer.serve({ scout: 'ant "1"', provider: 'demo', model: 'a/b' }).done(body)
  const response = await edge.post('/v1/chat/completions', chat)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('application/json')
  const text = await response.text()
  expect(text.endsWith(body.slice(1))).toBe(true)
  expect(JSON.parse(text)).toEqual({
    id: 'chatcmpl-0',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: 'a/b',
    chasm: { scout: 'ant "1"', provider: 'demo', model: 'a/b', attempts: 1, queued_ms: 7 },
    ...JSON.parse(body),
  })
})

test.each(['{}', ' { } ', '\t{"a":1}'])('the odd answer %j stays valid JSON', async (body) => {
  edge.engine.script = (answer) => answer.serve().done(body)
  const response = await edge.post('/v1/chat/completions', chat)
  expect(await response.json()).toMatchObject({ id: 'chatcmpl-0', ...JSON.parse(body) })
})

test('embeddings come back as a list', async () => {
  edge.engine.script = (answer) => answer.serve().done('{"data":[{"embedding":"AAAA"}]}')
  for (const input of ['text', ['a', 'b'], [1, 2], [[1], [2, 3]]]) {
    const response = await edge.post('/v1/embeddings', { model: 'm', input, encoding_format: 'base64' })
    expect(await response.json()).toMatchObject({ object: 'list', model: 'llama', data: [{ embedding: 'AAAA' }] })
  }
  expect(edge.engine.answers[0]!.submission).toMatchObject({ kind: 'embed', model: 'm', stream: false })
})

test('the request travels on byte for byte, however large and oddly written', async () => {
  edge.engine.script = (answer) => answer.serve().done()
  const content = 'Grüße, 世界 '.repeat(40_000)
  const body = ` {"model" : "m",\n "future_field":{"x":1e2}, "messages":[{"role":"user","content":"${content}"}] } `
  const response = await edge.post('/v1/chat/completions', body, {
    headers: { 'content-type': 'Application/JSON; charset=utf-8' },
  })
  expect(response.status).toBe(200)
  const { submission } = edge.engine.answers[0]!
  expect(submission.body.byteLength).toBeGreaterThan(500_000)
  expect(Buffer.from(submission.body).equals(Buffer.from(body))).toBe(true)
})

test('a submission says who asks, for which model, and within which time', async () => {
  edge.engine.script = (answer) => answer.serve().done()
  await edge.post('/v1/chat/completions', { ...chat, chasm: { deadline_ms: 1234 } })
  await edge.post('/v1/chat/completions', chat, {}, edge.keys.admin)
  const [first, second] = edge.engine.answers.map(({ submission }) => submission)
  const [client, admin] = edge.keyring.list()
  expect(first).toMatchObject({ tenant: client!.id, kind: 'chat', model: 'auto', stream: false, deadlineMs: 1234 })
  expect(second!.tenant).toBe(admin!.id)
  expect(second).not.toHaveProperty('deadlineMs')
})

test('every field of the current chat request is accepted, null where OpenAI allows it', async () => {
  edge.engine.script = (answer) => answer.serve().done()
  const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }
  const call = { id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }
  const response = await edge.post('/v1/chat/completions', {
    model: 'm',
    messages: [
      { role: 'developer', content: 'x' },
      { role: 'user', content: [{ type: 'text', text: 'a' }, image], name: 'n' },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'assistant', function_call: { name: 'f', arguments: '' } },
      { role: 'assistant', refusal: 'no' },
      { role: 'tool', tool_call_id: 'c1', content: 'y' },
      { role: 'function', name: 'f', content: null },
    ],
    ...{ stream: false, stream_options: null, n: 2, temperature: 0, top_p: 1, presence_penalty: -2, logprobs: true },
    ...{ frequency_penalty: 2, max_tokens: 1, max_completion_tokens: null, stop: ['a', 'b', 'c', 'd'], seed: -5 },
    ...{ top_logprobs: 20, tools: [{ type: 'function', function: { name: 'f' } }], tool_choice: 'auto', user: 'u' },
    ...{ parallel_tool_calls: false, response_format: { type: 'json_schema', json_schema: {} }, logit_bias: { 5: 1 } },
    ...{ metadata: {}, store: false, modalities: ['text'], reasoning_effort: 'low', service_tier: 'auto', chasm: {} },
  })
  expect(response.status).toBe(200)
})

test.each([
  { temperature: 2.7, top_p: 1.5, presence_penalty: 3, frequency_penalty: -9 },
  { max_tokens: -1 },
  { max_tokens: 0, max_completion_tokens: -1 },
  { stop: Array.from({ length: 40 }, (_, i) => `stop ${i}`) },
  { top_logprobs: 50, seed: -1 },
  {
    messages: [
      { role: 'user', content: 'x' },
      { role: 'assistant', reasoning_content: 'hm' },
    ],
  },
  { messages: [{ role: 'assistant', content: null, reasoning: 'hm' }] },
  { messages: [{ role: 'assistant' }] },
  { messages: [{ role: 'tool', content: 'x' }] },
  { messages: [{ role: 'tool', tool_call_id: 'c1' }] },
])('what a provider may accept reaches it as it was sent, and its refusal comes back: %j', async (fields) => {
  const body = JSON.stringify({ ...chat, ...fields })
  edge.engine.script = (answer) => answer.fail(fault('invalid_request', 'The provider says no.', { param: 'x' }))
  const response = await edge.post('/v1/chat/completions', body)
  expect(await response.json()).toMatchObject({ error: { message: 'The provider says no.', param: 'x' } })
  expect(Buffer.from(edge.engine.answers.at(-1)!.submission.body).toString()).toBe(body)
})

test('a failure has the status of its fault, and says when to come back', async () => {
  edge.engine.script = (answer) => answer.fail(fault('queue_full', 'Too many wait.', { retryAfterMs: 2500 }))
  const full = await edge.post('/v1/chat/completions', chat)
  expect([full.status, full.headers.get('retry-after'), full.headers.get('retry-after-ms')]).toEqual([429, '3', '2500'])
  expect(await full.json()).toEqual({
    error: { message: 'Too many wait.', type: 'rate_limit_error', param: null, code: 'queue_full' },
  })
  edge.engine.script = (answer) => answer.fail(fault('no_scout_available', 'Nobody came.'))
  const none = await edge.post('/v1/embeddings', { model: 'm', input: 'x' })
  expect([none.status, none.headers.get('retry-after'), none.headers.get('retry-after-ms')]).toEqual([503, '1', null])
  edge.engine.script = (answer) => answer.fail(fault('model_not_found', 'Not here.', { param: 'model' }))
  const unknown = await edge.post('/v1/chat/completions', chat)
  expect([unknown.status, unknown.headers.get('retry-after')]).toEqual([404, null])
  expect(await unknown.json()).toMatchObject({ error: { param: 'model', code: 'model_not_found' } })
})

test('a client that leaves while it waits stops the work', async () => {
  const leaving = new AbortController()
  const submitted = edge.engine.submitted()
  const response = edge.post('/v1/chat/completions', chat, { signal: leaving.signal })
  const answer = await submitted
  leaving.abort()
  await expect(response).rejects.toThrow()
  await answer.abandoned
})

test('a defect in the engine is a 500 with the request id, logged without the body', async () => {
  edge.engine.script = () => {
    throw new Error('boom')
  }
  const headers = { 'x-request-id': 'mine-1' }
  const response = await edge.post('/v1/chat/completions', { ...chat, user: 'secret words' }, { headers })
  expect(response.status).toBe(500)
  expect(response.headers.get('x-request-id')).toBe('mine-1')
  const { error } = (await response.json()) as { error: { message: string; code: string } }
  expect(error.code).toBe('internal_error')
  expect(error.message).toContain('mine-1')
  expect(error.message).not.toContain('boom')
  const lines = edge.logged.filter(({ level }) => level === 'error')
  expect(lines).toMatchObject([{ fields: { requestId: 'mine-1', route: '/v1/chat/completions' } }])
  expect(JSON.stringify(edge.logged)).not.toContain('secret words')
})
