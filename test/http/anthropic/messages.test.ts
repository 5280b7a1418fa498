/** The routes of Anthropic's API at the client edge: what goes to the engine, and what comes back. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type FaultCode, fault } from '../../../shared/faults.ts'
import { heldBlockCharsMax } from '../../../shared/limits/http.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import { startEdge, type TestEdge } from '../../support/hub/client-edge.ts'
import type { FakeAnswer } from '../../support/hub/fake-engine.ts'
import { accumulated, eventsIn } from './legal-events.ts'

type Json = Record<string, unknown>

let edge: TestEdge
beforeEach(() => {
  edge = startEdge({ requestBytesMax: bodyBytesMax })
})
afterEach(() => edge.hub.stop())

const hello = { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'Hello' }] }
const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
const chasm = { scout: 'ant', provider: 'demo', model: 'llama', attempts: 1, queued_ms: 7 }
const line = (delta: object, finish: string | null = null) =>
  JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })

function wholeAnswer(message: object, finish = 'stop'): string {
  return JSON.stringify({ choices: [{ index: 0, message, finish_reason: finish }], usage })
}

const ask = (body: object, headers: Record<string, string> = {}) => edge.post('/v1/messages', body, { headers })

/** An error in Anthropic's form, with the id of its request. */
async function refusal(response: Response) {
  const { type, error, request_id: id } = (await response.json()) as { type: string; error: Json; request_id: string }
  expect(type).toBe('error')
  expect(response.headers.get('request-id')).toBe(id)
  expect(response.headers.get('x-request-id')).toBe(id)
  expect(error.message).toMatch(/^.{10,}\.$/)
  return { status: response.status, type: error.type, message: error.message as string }
}

describe('a whole message', () => {
  test('is a chat on its way out and a message on its way back', async () => {
    edge.engine.script = (answer) => answer.serve().done(wholeAnswer({ role: 'assistant', content: 'Hi' }))
    const response = await ask({ ...hello, system: 'Be kind.' })
    expect(response.status).toBe(200)
    expect(response.headers.get('request-id')).toMatch(/^req_/)
    expect(await response.json()).toMatchObject({
      ...{ id: 'msg_0', type: 'message', role: 'assistant', model: 'llama', chasm },
      ...{ content: [{ type: 'text', text: 'Hi' }], stop_reason: 'end_turn' },
      usage: { input_tokens: 3, output_tokens: 2 },
    })
    const { submission } = edge.engine.answers[0]!
    expect(submission).toMatchObject({ kind: 'chat', model: 'm', stream: false })
    expect(JSON.parse(Buffer.from(submission.body).toString())).toEqual({
      ...{ model: 'm', max_completion_tokens: 9 },
      messages: [{ role: 'system', content: 'Be kind.' }, hello.messages[0]],
    })
  })

  test('is routed by what its model is called, as a chat is', async () => {
    edge.engine.script = (answer) => answer.serve().done(wholeAnswer({ content: 'Hi' }))
    await (await ask({ ...hello, model: 'm:floor', chasm: { max_attempts: 2 } })).text()
    expect(edge.engine.answers[0]!.submission).toMatchObject({ model: 'm', routing: { sort: 'price', attemptsMax: 2 } })
  })

  test('keeps the digits of long numbers in what tools were called with', async () => {
    edge.engine.script = (answer) => answer.serve().done(wholeAnswer({ content: 'Hi' }))
    const body = JSON.stringify({
      ...hello,
      messages: [
        ...hello.messages,
        { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'ban', input: { user: 'DIGITS' } }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: 'done' }] },
      ],
    }).replace('"DIGITS"', '123456789012345678901')
    expect((await edge.post('/v1/messages', body)).status).toBe(200)
    const sent = Buffer.from(edge.engine.answers[0]!.submission.body).toString()
    expect(sent).toContain(String.raw`"{\"user\":123456789012345678901}"`)
  })

  test('is kept under an Idempotency-Key, as is a refusal', async () => {
    edge.engine.script = (answer) => answer.serve().done(wholeAnswer({ content: 'Hi' }))
    const first = await (await ask(hello, { 'idempotency-key': 'k' })).text()
    const again = await ask(hello, { 'idempotency-key': 'k' })
    expect([again.headers.get('idempotent-replayed'), await again.text()]).toEqual(['true', first])
    edge.engine.script = (answer) => answer.fail(fault('content_refused', 'The provider refuses this prompt.'))
    for (let round = 0; round < 2; round++) {
      const response = await ask(hello, { 'idempotency-key': 'l' })
      expect([response.status, ((await response.json()) as { error: Json }).error]).toMatchObject([
        400,
        { type: 'invalid_request_error' },
      ])
    }
    expect(edge.engine.answers).toHaveLength(2)
  })

  test('of a tool called with nonsense is an error', async () => {
    const call = { id: 'c', type: 'function', function: { name: 'read', arguments: 'path=a' } }
    edge.engine.script = (answer) => answer.serve().done(wholeAnswer({ tool_calls: [call] }, 'tool_calls'))
    expect(await refusal(await ask(hello))).toMatchObject({ status: 502, type: 'api_error' })
  })
})

describe('a streamed message', () => {
  const stream = { ...hello, stream: true }
  const streamed = async (script: (answer: FakeAnswer) => void, fields: Json = {}) => {
    edge.engine.script = script
    const response = await ask({ ...stream, ...fields })
    expect([response.status, response.headers.get('request-id')]).toEqual([200, expect.stringMatching(/^req_/)])
    return response.text()
  }

  test('is told in legal order and ends with its usage', async () => {
    const text = await streamed((answer) =>
      answer
        .serve()
        .line(line({ role: 'assistant', content: '' }))
        .line(line({ content: 'He' }))
        .line(line({ content: 'llo' }))
        .line(line({}, 'length'))
        .done(JSON.stringify({ choices: [], usage })),
    )
    const events = eventsIn(text)
    expect(events[0]).toMatchObject({ type: 'message_start', message: { id: 'msg_0', model: 'llama', chasm } })
    expect(accumulated(events)).toMatchObject({
      ...{ content: [{ type: 'text', text: 'Hello' }], stop_reason: 'max_tokens' },
      usage: { input_tokens: 3, output_tokens: 2 },
    })
    expect(edge.engine.answers[0]!.submission.stream).toBe(true)
  })

  test('that fails before it began is an HTTP error', async () => {
    edge.engine.script = (answer) => answer.fail(fault('provider_timeout', 'The provider was silent for too long.'))
    expect(await refusal(await ask(stream))).toMatchObject({ status: 504, type: 'timeout_error' })
  })

  test('that breaks off ends with an error event, and with nothing after it', async () => {
    const text = await streamed((answer) =>
      answer
        .serve()
        .line(line({ content: 'He' }))
        .fail(fault('scout_lost', 'The scout was lost.'), 2),
    )
    const events = eventsIn(text)
    expect(events.at(-1)).toMatchObject({ type: 'error', error: { type: 'api_error', message: 'The scout was lost.' } })
    expect(events.at(-1)!.request_id).toMatch(/^req_/)
    expect(events.map(({ type }) => type)).not.toContain('message_stop')
  })

  test('whose calls cannot be told is given up', async () => {
    const piece = (index: number, args: string) =>
      line({ tool_calls: [{ index, id: `c${index}`, function: { name: 'write', arguments: args } }] })
    let answer: FakeAnswer | null = null
    const text = await streamed((made) => {
      answer = made
        .serve()
        .line(piece(0, '{"a"'))
        .line(piece(1, 'x'.repeat(10)))
    })
    expect(eventsIn(text).at(-1)).toMatchObject({ type: 'error', error: { type: 'api_error' } })
    await answer!.abandoned
    const full = await streamed((made) => {
      answer = made.serve().line(piece(0, '{"a"'))
      for (let index = 1; index < 4; index++) answer.line(piece(index, `{"b":"${'x'.repeat(heldBlockCharsMax / 2)}`))
    })
    expect(eventsIn(full).at(-1)).toMatchObject({ error: { message: expect.stringContaining('too much') } })
    await answer!.abandoned
  })

  test('tells that it waits, and then that it lives', async () => {
    await edge.hub.stop()
    edge = startEdge({ keepAliveMs: 5 })
    const submitted = edge.engine.submitted()
    const response = ask(stream)
    const answer = (await submitted).waits(2)
    const reader = (await response).body!.getReader()
    let text = ''
    const until = async (wanted: string) => {
      while (!text.includes(wanted)) {
        const { value, done } = await reader.read()
        if (done) throw new Error(`the stream ended before ${wanted}: ${text}`)
        text += Buffer.from(value).toString()
      }
    }
    await until(': waiting, position 3\n\n')
    expect(text).not.toContain('event:')
    answer.serve().line(line({ content: 'a' }))
    await until('"text":"a"')
    const pings = text.split('event: ping').length
    while (text.split('event: ping').length < pings + 2) await until(`${text.slice(-20)}event: ping`)
    answer.line(line({}, 'stop')).done()
    await until('message_stop')
  })

  test('of a model that thinks unseen tells that it lives', async () => {
    await edge.hub.stop()
    edge = startEdge({ keepAliveMs: 0 })
    const text = await streamed((answer) =>
      answer
        .serve()
        .line(line({ reasoning: 'hm' }))
        .line(line({}, 'stop'))
        .done(),
    )
    expect(accumulated(eventsIn(text)).content).toEqual([])
    expect(text).not.toContain('hm')
    const seen = await streamed(
      (answer) =>
        answer
          .serve()
          .line(line({ reasoning: 'hm' }))
          .line(line({}, 'stop'))
          .done(),
      { thinking: { type: 'adaptive' } },
    )
    expect(accumulated(eventsIn(seen)).content).toMatchObject([{ type: 'thinking', thinking: 'hm' }])
  })
})

describe('a failure is shown as', () => {
  const rows: [FaultCode, number, string][] = [
    ['invalid_request', 400, 'invalid_request_error'],
    ['context_length_exceeded', 400, 'invalid_request_error'],
    ['model_not_found', 404, 'not_found_error'],
    ['request_too_large', 413, 'request_too_large'],
    ['queue_full', 429, 'rate_limit_error'],
    ['rate_limited', 429, 'rate_limit_error'],
    ['budget_exceeded', 402, 'billing_error'],
    ['provider_rate_limited', 529, 'overloaded_error'],
    ['no_scout_available', 529, 'overloaded_error'],
    ['hub_overloaded', 529, 'overloaded_error'],
    ['hub_draining', 529, 'overloaded_error'],
    ['store_unavailable', 503, 'api_error'],
    ['provider_unavailable', 502, 'api_error'],
    ['internal_error', 500, 'api_error'],
    ['deadline_exceeded', 504, 'timeout_error'],
  ]
  test.each(rows)('%s: %i %s, whole and streamed', async (code, status, type) => {
    for (const stream of [false, true]) {
      edge.engine.script = (answer) => answer.fail(fault(code, 'This is what is wrong.', { retryAfterMs: 1_500 }))
      const response = await ask({ ...hello, stream })
      if ([429, 503, 529].includes(status)) expect(response.headers.get('retry-after')).toBe('2')
      expect(await refusal(response)).toMatchObject({ status, type })
    }
  })

  test('a prompt that is too long in the words by which clients know it', async () => {
    edge.engine.script = (answer) => answer.fail(fault('context_length_exceeded', 'This model reads 8192 tokens.'))
    expect((await refusal(await ask(hello))).message).toContain('prompt is too long')
  })
})

describe('what the server itself refuses has the form of its client:', () => {
  const version = { 'anthropic-version': '2023-06-01' }

  test('a key, in either header', async () => {
    edge.engine.script = (answer) => answer.serve().done(wholeAnswer({ content: 'Hi' }))
    const good = { 'x-api-key': edge.keys.client }
    expect((await edge.post('/v1/messages', hello, { headers: good }, null)).status).toBe(200)
    expect((await edge.ask('/v1/models', { headers: good }, null)).status).toBe(200)
    for (const headers of [{}, { 'x-api-key': 'sk-ant-1' }, { 'x-api-key': edge.keys.client.slice(0, -1) }]) {
      const response = await edge.post('/v1/messages', hello, { headers }, null)
      expect(await refusal(response)).toMatchObject({ status: 401, type: 'authentication_error' })
    }
    const scout = await edge.post('/v1/messages', hello, { headers: { 'x-api-key': edge.keys.scout } }, null)
    expect(await refusal(scout)).toMatchObject({ status: 403, type: 'permission_error' })
  })

  test('paths, methods and bodies', async () => {
    const unknown = await edge.post('/v1/messages/batches', hello, { headers: version })
    expect(await refusal(unknown)).toMatchObject({ status: 404, type: 'not_found_error' })
    expect(await refusal(await edge.ask('/v1/messages'))).toMatchObject({ status: 405, type: 'invalid_request_error' })
    expect(await refusal(await edge.post('/v1/messages', '{'))).toMatchObject({ status: 400 })
    const large = JSON.stringify({ ...hello, system: 'x'.repeat(bodyBytesMax) })
    expect(await refusal(await edge.post('/v1/messages', large))).toMatchObject({ status: 413 })
  })

  test('a request that becomes too large as a chat request', async () => {
    const input = { text: '"'.repeat(bodyBytesMax / 3) }
    const messages = [
      ...hello.messages,
      { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'a', input }] },
    ]
    expect(JSON.stringify({ ...hello, messages }).length).toBeLessThan(bodyBytesMax)
    expect(await refusal(await ask({ ...hello, messages }))).toMatchObject({ status: 413, type: 'request_too_large' })
    expect(edge.engine.answers).toHaveLength(0)
  })

  test('a URL in a private network, but not one that a tool was called with', async () => {
    edge.engine.script = (answer) => answer.serve().done(wholeAnswer({ content: 'Hi' }))
    const image = { type: 'image', source: { type: 'url', url: 'http://localhost/a.png' } }
    for (const block of [image, { type: 'tool_result', tool_use_id: 't', content: [image] }]) {
      const { status, message } = await refusal(await ask({ ...hello, messages: [{ role: 'user', content: [block] }] }))
      expect([status, message]).toEqual([400, expect.stringContaining('private network')])
    }
    const input = { url: 'http://localhost:3000/' }
    const messages = [
      ...hello.messages,
      { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'fetch', input }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: 'ok' }] },
    ]
    expect((await ask({ ...hello, messages })).status).toBe(200)
  })
})

describe('tokens are counted', () => {
  const count = async (fields: object) => {
    const { max_tokens: _, ...body } = hello
    const response = await edge.post('/v1/messages/count_tokens', { ...body, ...fields })
    expect(response.status).toBe(200)
    const answer = (await response.json()) as { input_tokens: number; chasm: { estimated: boolean } }
    expect(answer.chasm.estimated).toBe(true)
    return answer.input_tokens
  }

  test('roughly, without asking anyone', async () => {
    const short = await count({})
    const words = await count({ system: 'word '.repeat(1_000) })
    expect(words - short).toBeGreaterThan(1_000)
    expect(words - short).toBeLessThan(1_500)
    const tool = { name: 'read', description: 'Reads a file.', input_schema: { type: 'object' } }
    expect(await count({ tools: [tool] })).toBeGreaterThan(short + 10)
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'A'.repeat(100_000) } }
    const seen = await count({ messages: [{ role: 'user', content: [image] }] })
    expect(seen).toBeGreaterThan(1_000)
    expect(seen).toBeLessThan(2_500)
    expect(await count({ messages: [{ role: 'user', content: '世界'.repeat(500) }] })).toBeGreaterThan(700)
    expect(edge.engine.answers).toHaveLength(0)
  })

  test('not of what would be refused', async () => {
    const response = await edge.post('/v1/messages/count_tokens', {
      ...hello,
      max_tokens: undefined,
      mcp_servers: [{}],
    })
    expect(await refusal(response)).toMatchObject({ status: 400, type: 'invalid_request_error' })
  })
})
