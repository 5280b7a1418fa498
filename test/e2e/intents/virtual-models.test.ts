/** Scrolls behind the OpenAI API: the official SDK asks one model, and a team of scouts answers. */
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { heldSystem } from '../../support/clocks/held-system.ts'
import { until } from '../../support/clocks/until.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import { CountingProvider } from '../../support/providers/counting-provider.ts'
import type { Json } from '../../support/providers/provider-calls.ts'
import { ScriptedProvider } from '../../support/providers/scripted-provider.ts'

let live: LiveHub
let openai: OpenAI
beforeAll(async () => {
  // A planning model is told how fast the others are: no time passes, so that it is told the same twice.
  live = new LiveHub({ system: heldSystem() })
  await live.addScout({ name: 'one', providers: [new CountingProvider({ models: ['demo-small', 'demo-large'] })] })
  await live.addScout({ name: 'two', providers: [new CountingProvider({ models: ['demo-small', 'demo-large'] })] })
  openai = new OpenAI({ baseURL: live.baseURL, apiKey: live.clientKey, maxRetries: 0 })
})
afterAll(() => live.close())

const question = 'What is a chasm? Who crosses it? Compare both answers.'
const document = Array.from({ length: 60 }, (_, at) => `# Chapter ${at}\n\n${`Word ${at} of it. `.repeat(40)}`).join(
  '\n\n',
)
const ask = (model: string, content: string, chasm?: Json) => ({
  model,
  messages: [{ role: 'user' as const, content }],
  ...(chasm && { chasm }),
})

const names = ['chasm/auto', 'chasm/map-reduce', 'chasm/ensemble', 'chasm/debate', 'chasm/plan']

async function inspect(path: string): Promise<Json> {
  const response = await fetch(live.url + path, { headers: { authorization: `Bearer ${live.clientKey}` } })
  return (await response.json()) as Json
}

test('virtual models are listed beside the real ones', async () => {
  const listed: string[] = []
  for await (const model of openai.models.list()) listed.push(model.id)
  expect(listed).toEqual(['demo-large', 'demo-small', ...names])
})

describe.each(names)('%s', (model) => {
  const content = model === 'chasm/map-reduce' ? `Summarize this.\n\n${document}` : question

  test('answers whole and streamed alike, with the usage of every node', async () => {
    const whole = (await openai.chat.completions.create(ask(model, content))) as Json
    const text = whole.choices[0].message.content as string
    expect(text.length).toBeGreaterThan(20)
    expect(whole).toMatchObject({ object: 'chat.completion', model, id: expect.stringMatching(/^chatcmpl-int_/) })
    const { intent, nodes } = whole.chasm as Json
    expect(nodes.length).toBeGreaterThan(3)
    const sum = nodes.reduce((total: number, node: Json) => total + node.usage.total_tokens, 0)
    expect([whole.usage.total_tokens, sum]).toEqual([sum, sum])
    const seen = await inspect(`/v1/intents/${intent}`)
    expect(seen.state).toBe('done')
    for (const { node } of nodes) {
      expect(await inspect(`/v1/intents/${intent}/nodes/${node}`)).toMatchObject({ node, state: 'done' })
    }
    const stream = openai.chat.completions.stream({
      ...ask(model, content),
      stream: true,
      stream_options: { include_usage: true },
    })
    const final = await stream.finalChatCompletion()
    expect(final.choices[0]!.message.content).toBe(text)
    expect(final.usage).toEqual(whole.usage)
  })
})

test('progress is told in comments and, when asked, in chunks without choices', async () => {
  const body = { ...ask('chasm/ensemble', question, { progress: true }), stream: true }
  const text = await (await live.post('/v1/chat/completions', body)).text()
  expect(text).toMatch(/^: started answer\.1$/m)
  expect(text).toMatch(/^: grown answer by 1$/m)
  const chunks = [...text.matchAll(/^data: (\{.*)$/gm)].map(([, json]) => JSON.parse(json!) as Json)
  const told = chunks.filter(({ chasm }) => chasm?.event !== undefined)
  expect(told.map(({ chasm }) => chasm.event)).toEqual(
    expect.arrayContaining(['planned', 'task_started', 'task_grown']),
  )
  expect(told.every(({ choices }) => choices.length === 0)).toBe(true)
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
})

test('the last node streams while it is made; when it is lost, another goes on where the text was', async () => {
  const hub = new LiveHub({ core: { retryBaseMs: 1 } })
  try {
    const provider = new ScriptedProvider()
    await hub.addScout({ name: 'slow', providers: [provider] })
    const line = (content: string, finish: string | null = null) =>
      JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] })
    const sdk = new OpenAI({ baseURL: hub.baseURL, apiKey: hub.clientKey, maxRetries: 0 })
    const stream = await sdk.chat.completions.create({ ...ask('chasm/ensemble', question), stream: true })
    const pieces = stream[Symbol.asyncIterator]()
    const next = async (): Promise<string> => {
      for (;;) {
        const { value, done } = await pieces.next()
        if (done) return 'END'
        const content = value.choices[0]?.delta.content
        if (content) return content
      }
    }
    for (let voice = 0; voice < 3; voice++) {
      const call = await provider.call()
      await call.line(line(`voice ${voice}`, 'stop'))
      call.done()
    }
    const lost = await provider.call()
    await lost.line(line('The best '))
    expect(await next()).toBe('The best ')
    lost.fail(new Error('the scout fell over'))
    const second = await provider.call()
    await second.line(line('The be'))
    await second.line(line('st answer'))
    expect(await next()).toBe('answer')
    await second.line(line('', 'stop'))
    second.done()
    expect(await next()).toBe('END')
  } finally {
    await hub.close()
  }
})

test('a client that leaves cancels every node', async () => {
  const hub = new LiveHub()
  try {
    const provider = new ScriptedProvider()
    await hub.addScout({ name: 'slow', providers: [provider] })
    const abort = new AbortController()
    const body = { ...ask('chasm/ensemble', question, { params: { answers: 3 } }), stream: true }
    const response = await hub.post('/v1/chat/completions', body, { signal: abort.signal })
    expect(response.status).toBe(200)
    const calls = [await provider.call(), await provider.call(), await provider.call()]
    abort.abort()
    await until('all three to be aborted', () => calls.every(({ aborted }) => aborted))
    const { data } = (await (
      await fetch(`${hub.url}/v1/intents`, { headers: { authorization: `Bearer ${hub.clientKey}` } })
    ).json()) as Json
    await until('the intent to be over', () => hub.hub.engine.intents.intent(data[0].id, null)!.state === 'cancelled')
  } finally {
    await hub.close()
  }
})

test.each([
  [{ model: 'chasm/nothing' }, 'model', 404],
  [{ functions: [{ name: 'f' }] }, 'functions', 400],
  [{ n: 2 }, 'n', 400],
  [{ chasm: { params: { answers: 99 } } }, 'params.answers', 400],
  [{ chasm: { only: ['x'] } }, 'chasm', 400],
])('what makes no sense for a team is refused: %o', async (fields, param, status) => {
  const response = await live.post('/v1/chat/completions', { ...ask('chasm/ensemble', question), ...fields })
  expect([response.status, ((await response.json()) as Json).error.param]).toEqual([status, param])
})

test('the same key and body have the same answer, made once', async () => {
  const options = { headers: { 'idempotency-key': 'once' } }
  const [first, second] = [
    await openai.chat.completions.create(ask('chasm/ensemble', question), options),
    await openai.chat.completions.create(ask('chasm/ensemble', question), options),
  ]
  expect(second).toEqual(first)
})

describe('a response', () => {
  test('is made, retrieved and streamed from any event on', async () => {
    const made = await openai.responses.create({ model: 'chasm/auto', input: question })
    expect(made).toMatchObject({ object: 'response', status: 'completed', model: 'chasm/auto' })
    expect(made.output_text.length).toBeGreaterThan(20)
    expect(made.usage!.total_tokens).toBe(made.usage!.input_tokens + made.usage!.output_tokens)
    expect((await openai.responses.retrieve(made.id)).output_text).toBe(made.output_text)
    const events = await collect(await openai.responses.retrieve(made.id, { stream: true }))
    expect(events.at(-1)!.type).toBe('response.completed')
    const numbers = events.map((event) => event.sequence_number)
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
    for (const after of [0, 3, 5, 17, numbers.at(-2)!]) {
      const rest = await collect(await openai.responses.retrieve(made.id, { stream: true, starting_after: after }))
      expect(rest.every((event) => event.sequence_number > after)).toBe(true)
      expect(textOf(rest)).toBe(made.output_text.slice(Math.max(0, after - 3)))
    }
  })

  test('streams as it is made, in the order of the API', async () => {
    const input = [{ role: 'user' as const, content: [{ type: 'input_text' as const, text: question }] }]
    const stream = openai.responses.stream({ model: 'demo-small', input, instructions: 'Be brief.' })
    const types: string[] = []
    for await (const event of stream) if (event.type !== types.at(-1)) types.push(event.type)
    expect(types).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ])
    const final = await stream.finalResponse()
    expect(final.output_text).toContain('You said')
  })

  test('in the background is answered at once, outlives its reader, and can be cancelled', async () => {
    const hub = new LiveHub()
    try {
      const provider = new ScriptedProvider()
      await hub.addScout({ name: 'slow', providers: [provider] })
      const sdk = new OpenAI({ baseURL: hub.baseURL, apiKey: hub.clientKey, maxRetries: 0 })
      const asked = { model: 'auto', input: 'hello', background: true, metadata: { for: 'me' } }
      const made = await sdk.responses.create(asked)
      expect(made).toMatchObject({ status: 'queued', background: true, output: [], metadata: { for: 'me' } })
      const call = await provider.call()
      const stream = await sdk.responses.retrieve(made.id, { stream: true })
      stream.controller.abort()
      await call.line('{"choices":[{"index":0,"delta":{"content":"done"},"finish_reason":"stop"}]}')
      call.done('{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}')
      const state = async () => (await sdk.responses.retrieve(made.id)).status
      while ((await state()) === 'in_progress') await new Promise((resolve) => setImmediate(resolve))
      expect((await sdk.responses.retrieve(made.id)).output_text).toBe('done')
      const other = await sdk.responses.create(asked)
      const second = await provider.call()
      expect(await sdk.responses.cancel(other.id)).toMatchObject({ status: 'cancelled' })
      await until('its scout to stop', () => second.aborted)
      await expect(sdk.responses.retrieve('resp_nothing')).rejects.toThrow('no such response')
    } finally {
      await hub.close()
    }
  })

  test('with a schema holds JSON', async () => {
    const schema = {
      type: 'object',
      properties: { n: { type: 'integer' } },
      required: ['n'],
      additionalProperties: false,
    }
    const format = { type: 'json_schema' as const, name: 'number', schema }
    const made = await openai.responses.create({ model: 'demo-small', input: 'x', text: { format } })
    expect(JSON.parse(made.output_text)).toEqual({ n: expect.any(Number) })
  })
})

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of stream) all.push(item)
  return all
}

function textOf(events: OpenAI.Responses.ResponseStreamEvent[]): string {
  return events.map((event) => (event.type === 'response.output_text.delta' ? event.delta : '')).join('')
}
