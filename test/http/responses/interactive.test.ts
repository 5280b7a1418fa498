/** A response for a client who waits, at the client edge: the way of a chat, and what is kept of it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Fault, fault } from '../../../shared/faults.ts'
import { startEdge, type TestEdge } from '../../support/hub/client-edge.ts'

import type { Json } from '../../support/providers/provider-calls.ts'

let edge: TestEdge
beforeEach(() => {
  edge = startEdge()
})
afterEach(() => edge.hub.stop())

const asked = { model: 'm', input: 'hi' }
const usage = '"usage":{"prompt_tokens":3,"completion_tokens":4}'
const said = (content: string, finish = 'stop') => {
  const choice = { index: 0, message: { role: 'assistant', content }, finish_reason: finish }
  return `{"choices":[${JSON.stringify(choice)}],${usage}}`
}
const piece = (text: string, finish: string | null = null) =>
  JSON.stringify({ choices: [{ index: 0, delta: { content: text }, finish_reason: finish }] })

/** The next answers are these texts, whole or streamed as they were asked for. */
function answering(...texts: string[]): void {
  edge.engine.script = (answer) => {
    answer.serve()
    const text = texts.shift() ?? 'more'
    if (!answer.submission.stream) return answer.done(said(text))
    for (const [at, one] of [...text].entries()) answer.line(piece(one, at === text.length - 1 ? 'stop' : null))
    answer.done(`{"choices":[],${usage}}`)
  }
}

async function create(body: Json): Promise<Json> {
  const response = await edge.post('/v1/responses', body)
  expect(response.status).toBe(200)
  return (await response.json()) as Json
}

async function events(body: Json): Promise<Json[]> {
  const text = await (await edge.post('/v1/responses', { ...body, stream: true })).text()
  const all = text.split('\n\n').filter((one) => one.startsWith('event: '))
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
  return all.map((one) => JSON.parse(one.slice(one.indexOf('\ndata: ') + '\ndata: '.length)) as Json)
}

async function get(path: string): Promise<{ status: number; body: Json }> {
  const response = await edge.ask(path)
  return { status: response.status, body: (await response.json()) as Json }
}

function messagesOf(at: number): Json[] {
  return JSON.parse(Buffer.from(edge.engine.answers[at]!.submission.body).toString('utf8')).messages
}

describe('a response for a client who waits', () => {
  test('is a chat of the engine, and no intent', async () => {
    answering('Hello')
    const made = await create({ ...asked, instructions: 'Be brief.', max_output_tokens: 9 })
    const { submission } = edge.engine.answers[0]!
    expect(submission).toMatchObject({ kind: 'chat', model: 'm', stream: false })
    expect(JSON.parse(Buffer.from(submission.body).toString('utf8'))).toEqual({
      model: 'm',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'hi' },
      ],
      max_completion_tokens: 9,
    })
    expect(edge.intents.all).toHaveLength(0)
    expect(made).toMatchObject({
      ...{
        object: 'response',
        status: 'completed',
        model: 'llama',
        error: null,
        incomplete_details: null,
        store: true,
      },
      ...{ instructions: 'Be brief.', max_output_tokens: 9, background: false, previous_response_id: null },
      usage: { input_tokens: 3, output_tokens: 4, total_tokens: 7 },
      chasm: { scout: 'ant', provider: 'demo', model: 'llama' },
    })
    expect(made.output).toMatchObject([{ type: 'message', status: 'completed', content: [{ text: 'Hello' }] }])
  })

  test('can be fetched and listed, as a stream too, until it is deleted', async () => {
    answering('Hello')
    const made = await create(asked)
    expect(await get(`/v1/responses/${made.id}`)).toEqual({ status: 200, body: made })
    const items = await get(`/v1/responses/${made.id}/input_items`)
    expect(items.body).toMatchObject({ object: 'list', has_more: false })
    expect(items.body.data).toMatchObject([
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hi' }] },
    ])
    const replayed = await (await edge.ask(`/v1/responses/${made.id}?stream=true`)).text()
    expect(replayed).toContain('event: response.output_text.delta\n')
    expect(replayed).toContain(JSON.stringify(made))
    const deleted = await edge.ask(`/v1/responses/${made.id}`, { method: 'DELETE' })
    expect(await deleted.json()).toEqual({ id: made.id, object: 'response', deleted: true })
    for (const path of ['', '/input_items']) expect((await get(`/v1/responses/${made.id}${path}`)).status).toBe(404)
  })

  test('belongs to its key', async () => {
    answering('Hello')
    const made = await create(asked)
    const other = edge.keyring.issue('client', 'another').key
    for (const [path, method] of [
      ['', 'GET'],
      ['', 'DELETE'],
      ['/input_items', 'GET'],
      ['/cancel', 'POST'],
    ]) {
      const response = await edge.ask(`/v1/responses/${made.id}${path}`, { method: method! }, other)
      expect(response.status).toBe(404)
    }
    const onward = await edge.post('/v1/responses', { ...asked, previous_response_id: made.id }, {}, other)
    expect(onward.status).toBe(404)
    expect((await get(`/v1/responses/${made.id}`)).status).toBe(200)
  })

  test('leaves nothing behind with `store: false`', async () => {
    answering('Hello', 'Hello')
    const made = await create({ ...asked, store: false })
    const streamed = await events({ ...asked, store: false })
    for (const { id, store } of [made, streamed.at(-1)!.response]) {
      expect(store).toBe(false)
      expect((await get(`/v1/responses/${id}`)).status).toBe(404)
      expect(edge.engine.store.response(id)).toBeUndefined()
    }
  })

  test('is given without its copy when the store cannot write, and says so', async () => {
    answering('Hello', 'Hello')
    edge.engine.journal.trouble = 'full'
    const made = await create(asked)
    expect([made.status, made.store]).toEqual(['completed', false])
    const { response } = (await events(asked)).at(-1)!
    expect([response.status, response.store]).toEqual(['completed', false])
  })

  test('is kept before its last event, so that a client may go on at once', async () => {
    answering('Hello', 'again')
    const { response } = (await events(asked)).at(-1)!
    expect(edge.engine.store.response(response.id)).toBeDefined()
    expect((await get(`/v1/responses/${response.id}`)).body).toEqual(response)
  })

  test('is refused with the status of what went wrong before it began', async () => {
    edge.engine.script = (answer) => answer.fail(fault('model_not_found', 'Not here.', { param: 'model' }))
    for (const stream of [false, true]) {
      const response = await edge.post('/v1/responses', { ...asked, stream })
      expect([response.status, ((await response.json()) as Json).error.code]).toEqual([404, 'model_not_found'])
    }
  })

  test.each<[Fault, string]>([
    [fault('scout_lost', 'It is lost.'), 'server_error'],
    [fault('rate_limited', 'Too many.'), 'rate_limit_exceeded'],
    [fault('content_refused', 'No.'), 'invalid_prompt'],
  ])('that breaks off ends as failed, with a code that the API has: %j', async (why, code) => {
    edge.engine.script = (answer) => answer.serve().line(piece('Hel')).fail(why)
    const all = await events(asked)
    const { type, response } = all.at(-1)!
    expect([type, response.status, response.error]).toEqual([
      'response.failed',
      'failed',
      { code, message: why.message },
    ])
    expect(response.output).toMatchObject([{ status: 'incomplete', content: [{ text: 'Hel' }] }])
    expect((await get(`/v1/responses/${response.id}`)).status).toBe(404)
  })

  test('that was cut off is incomplete, whole and streamed', async () => {
    edge.engine.script = (answer) => {
      answer.serve()
      if (answer.submission.stream) answer.line(piece('Hel', 'length')).done('{"choices":[]}')
      else answer.done(said('Hel', 'length'))
    }
    for (const response of [await create(asked), (await events(asked)).at(-1)!.response]) {
      expect(response).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } })
    }
  })

  test('is asked of the models that it names, one after the other, as a chat is', async () => {
    const rest = { scouts: 1, idle: 1, providers: ['demo'], contextTokens: 0, abilities: 0, about: '', created: 1 }
    const listing = { kinds: ['chat' as const], promptPrice: null, answerPrice: null, speed: null, ...rest }
    edge.engine.modelListings = ['m', 'other'].map((id) => ({ id, ...listing }))
    edge.engine.script = (answer) => {
      if (answer.submission.model === 'm') answer.fail(fault('provider_unavailable', 'It is down.'))
      else answer.serve().done(said('Hello'))
    }
    const made = await create({ ...asked, models: ['other'] })
    expect(made.output[0].content[0].text).toBe('Hello')
    expect(edge.engine.answers.map(({ submission }) => submission.model)).toEqual(['m', 'other'])
  })

  test('is abandoned when its client leaves', async () => {
    for (const stream of [false, true]) {
      const leaving = new AbortController()
      const submitted = edge.engine.submitted()
      const left = edge.post('/v1/responses', { ...asked, stream }, { signal: leaving.signal })
      left.catch(() => {})
      const answer = await submitted
      leaving.abort()
      await answer.abandoned
    }
  })
})

describe('a response that goes on after others', () => {
  test('has read what they read and wrote, the oldest first', async () => {
    answering('one', 'two', 'three')
    const first = await create({ ...asked, instructions: 'Only there.' })
    const second = await create({ model: 'm', input: 'and?', previous_response_id: first.id })
    const third = await create({
      model: 'm',
      input: [{ role: 'user', content: 'so?' }],
      previous_response_id: second.id,
    })
    expect(messagesOf(2)).toEqual([
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: 'one' },
      { role: 'user', content: 'and?' },
      { role: 'assistant', content: 'two' },
      { role: 'user', content: 'so?' },
    ])
    expect(third.previous_response_id).toBe(second.id)
    const texts = async (query: string) => {
      const { body } = await get(`/v1/responses/${third.id}/input_items?${query}`)
      return [body.data.map((item: Json) => item.content[0].text), body.has_more] as [string[], boolean]
    }
    expect(await texts('order=asc')).toEqual([['hi', 'one', 'and?', 'two', 'so?'], false])
    expect(await texts('limit=2')).toEqual([['so?', 'two'], true])
    const { body } = await get(`/v1/responses/${third.id}/input_items?limit=2`)
    expect(await texts(`limit=9&after=${body.last_id}`)).toEqual([['and?', 'one', 'hi'], false])
  })

  test('is refused when one of them is gone, and says which', async () => {
    answering('one', 'two')
    const first = await create(asked)
    const second = await create({ ...asked, previous_response_id: first.id })
    await edge.ask(`/v1/responses/${first.id}`, { method: 'DELETE' })
    for (const previous of [second.id, first.id, 'resp_never', 'nonsense']) {
      const response = await edge.post('/v1/responses', { ...asked, previous_response_id: previous })
      const { error } = (await response.json()) as Json
      expect([response.status, error.param]).toEqual([404, 'previous_response_id'])
      expect(error.message).toContain('no longer kept')
    }
  })

  test('may refer to items by their ids', async () => {
    edge.engine.script = (answer) => {
      const calls = [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }]
      const message = { role: 'assistant', content: null, tool_calls: calls }
      answer.serve().done(JSON.stringify({ choices: [{ index: 0, message, finish_reason: 'tool_calls' }] }))
    }
    const made = await create(asked)
    const [item] = made.output
    const output = { type: 'function_call_output', call_id: 'call_1', output: '7' }
    for (const [at, reference] of [{ type: 'item_reference', id: item.id }, { id: item.id }].entries()) {
      await create({ model: 'm', input: [{ role: 'user', content: 'hi' }, reference, output] })
      expect(messagesOf(at + 1)).toMatchObject([
        { role: 'user' },
        { tool_calls: [{ id: 'call_1' }] },
        { role: 'tool', content: '7' },
      ])
    }
    await create({
      model: 'm',
      previous_response_id: made.id,
      input: [{ type: 'item_reference', id: item.id }, output],
    })
    expect(messagesOf(3).map(({ role }) => role)).toEqual(['user', 'assistant', 'tool'])
    const unknown = await edge.post('/v1/responses', {
      model: 'm',
      input: [{ type: 'item_reference', id: 'msg_none' }],
    })
    expect([unknown.status, ((await unknown.json()) as Json).error.param]).toEqual([404, 'input[0].id'])
  })
})

describe('what the API has beside answers', () => {
  test('an estimate of the tokens of an input grows with it', async () => {
    const count = async (body: Json) => {
      const counted = (await (await edge.post('/v1/responses/input_tokens', body)).json()) as Json
      expect(counted).toMatchObject({ object: 'response.input_tokens', chasm: { estimated: true } })
      return counted.input_tokens as number
    }
    const short = await count({ model: 'm', input: 'hi' })
    const long = await count({ model: 'm', input: 'hi'.repeat(300), tools: [{ type: 'function', name: 'f' }] })
    expect(short).toBeGreaterThan(0)
    expect(long).toBeGreaterThan(short + 150)
    expect(edge.engine.answers).toHaveLength(0)
  })

  test('a compaction keeps what the user said, and its summary goes on', async () => {
    answering('They greet.', 'more')
    const input = [
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: 'hello' },
    ]
    const compacted = (await (await edge.post('/v1/responses/compact', { model: 'm', input })).json()) as Json
    expect(compacted).toMatchObject({ object: 'response.compaction', usage: { input_tokens: 3 } })
    expect(compacted.output.map(({ type }: Json) => type)).toEqual(['message', 'compaction'])
    expect(messagesOf(0)[1]!.content).toContain('user: hi\n\nassistant: hello')
    await create({ model: 'm', input: [...compacted.output, { role: 'user', content: 'so?' }] })
    expect(messagesOf(1).map(({ content }) => content)).toEqual(['hi', expect.stringContaining('They greet.'), 'so?'])
  })

  test('a compaction that was cut off, or says nothing, is none', async () => {
    for (const body of [said('cut', 'length'), said(' ')]) {
      edge.engine.script = (answer) => answer.serve().done(body)
      expect((await edge.post('/v1/responses/compact', asked)).status).toBe(502)
    }
  })
})

describe('what cannot be honoured is refused by name', () => {
  test.each<[string, Json]>([
    ['input', { input: undefined }],
    ['input', { input: [] }],
    ['conversation', { conversation: 'conv_1' }],
    ['prompt', { prompt: { id: 'p' } }],
    ['context_management', { context_management: [{ type: 'compaction' }] }],
    ['truncation', { truncation: 'auto' }],
    ['include[1]', { include: ['reasoning.encrypted_content', 'file_search_call.results'] }],
    ['stream_options.include_obfuscation', { stream: true, stream_options: { include_obfuscation: true } }],
    ['store', { store: false, background: true }],
    ['n', { n: 2 }],
    ['max_tokens', { max_tokens: 5 }],
    ['response_format', { response_format: { type: 'json_object' } }],
    ['reasoning.context', { reasoning: { context: 'all_turns' } }],
    ['tools[0].type', { tools: [{ type: 'web_search' }] }],
    ['seed', { seed: 2 ** 60 }],
    ['top_logprobs', { top_logprobs: 21 }],
    ['max_output_tokens', { max_output_tokens: 0 }],
    ['text.verbosity', { text: { verbosity: 'loud' } }],
    ['chasm.continue', { chasm: { continue: true } }],
    ['chasm.explain', { background: true, chasm: { explain: true } }],
    ['models', { background: true, models: ['chasm/auto'] }],
    ['chasm.params', { chasm: { params: { models: ['a', 'b'] } } }],
    ['chasm.deadline_ms', { chasm: { deadline_ms: 3_600_000 } }],
    ['tool_choice', { tool_choice: 'required' }],
    ['top_logprobs', { model: 'chasm/debate', top_logprobs: 2 }],
    ['reasoning.effort', { model: 'chasm/debate', reasoning: { effort: 'low' } }],
  ])('%s', async (param, more) => {
    const response = await edge.post('/v1/responses', { ...asked, ...more })
    const { error } = (await response.json()) as Json
    expect([response.status, error.param]).toEqual([400, param])
    expect(edge.engine.answers).toHaveLength(0)
  })

  test('a model that nobody offers, in the background and by a virtual model too', async () => {
    edge.engine.missing.set('m', fault('model_not_found', 'Nobody offers it.', { param: 'model' }))
    const bodies: [string, Json][] = [
      ['/v1/responses', { ...asked, background: true }],
      ['/v1/responses', { ...asked, model: 'chasm/ensemble', chasm: { params: { models: ['m', 'm'] } } }],
      [
        '/v1/chat/completions',
        {
          model: 'chasm/ensemble',
          messages: [{ role: 'user', content: 'x' }],
          chasm: { params: { models: ['m', 'm'] } },
        },
      ],
    ]
    for (const [path, body] of bodies) expect((await edge.post(path, body)).status).toBe(404)
    expect(edge.intents.all).toHaveLength(0)
  })

  test('a model that may still come after a start of the hub is waited for, and taken or refused then', async () => {
    for (const [status, missing] of [
      [200, null],
      [404, fault('model_not_found', 'Nobody offers it.', { param: 'model' })],
    ] as const) {
      edge.engine.awaited.add('m')
      const asking = edge.post('/v1/responses', { ...asked, background: true })
      for (const looks = edge.engine.looks + 2; edge.engine.looks < looks; )
        await new Promise((resolve) => setImmediate(resolve))
      if (missing !== null) edge.engine.missing.set('m', missing)
      edge.engine.awaited.delete('m')
      expect((await asking).status).toBe(status)
    }
    expect(edge.intents.all).toHaveLength(1)
  })
})
