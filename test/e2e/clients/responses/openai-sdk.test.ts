/** The official OpenAI SDK over the Responses API, pointed at a hub. */
import OpenAI from 'openai'
import { zodTextFormat } from 'openai/helpers/zod'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type ClientStage, lastSeen, openClientStage, sdkOf, seenModel } from '../../../support/hub/client-stage.ts'
import { chunk, event, events } from '../../../support/providers/openai-stand-in.ts'

type Events = OpenAI.Responses.ResponseStreamEvent[]
type Item = OpenAI.Responses.ResponseInputItem

let stage: ClientStage
let openai: OpenAI
beforeAll(async () => {
  stage = await openClientStage()
  openai = sdkOf(stage.hub)
})
afterAll(() => stage.close())

const input = 'Tell me of the chasm'
const Weather = z.strictObject({ city: z.string(), days: z.int().min(1).max(3) })
const weather: OpenAI.Responses.FunctionTool = {
  type: 'function',
  name: 'weather',
  description: null,
  strict: true,
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 1, maximum: 3 } },
    required: ['city', 'days'],
    additionalProperties: false,
  },
}

async function collect(stream: AsyncIterable<OpenAI.Responses.ResponseStreamEvent>): Promise<Events> {
  const all: Events = []
  for await (const one of stream) all.push(one)
  return all
}

/** Types of the events without repetitions. */
function order(all: Events): string[] {
  return all.map(({ type }) => type).filter((type, at, types) => type !== types[at - 1])
}

describe.each(['demo-small', seenModel])('through %s', (model) => {
  test('an answer comes whole, with usage, and can be retrieved until it is deleted', async () => {
    const made = await openai.responses.create({ model, input, metadata: { for: 'me' } })
    expect(made).toMatchObject({ object: 'response', status: 'completed', model, error: null, metadata: { for: 'me' } })
    expect(made.output_text).toContain(input)
    const { input_tokens: read, output_tokens: written, total_tokens: all } = made.usage!
    expect([written, all]).toEqual([64, read + 64])
    expect((await openai.responses.retrieve(made.id)).output_text).toBe(made.output_text)
    const items = await openai.responses.inputItems.list(made.id)
    expect(items.data).toMatchObject([
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: input }] },
    ])
    await openai.responses.delete(made.id)
    await expect(openai.responses.retrieve(made.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError)
  })

  test('the same answer comes streamed, in the order of the API', async () => {
    const whole = await openai.responses.create({ model, input })
    const all = await collect(await openai.responses.create({ model, input, stream: true }))
    expect(order(all)).toEqual([
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
    expect(all.map((one) => one.sequence_number)).toEqual(all.map((_, at) => at))
    const last = all.at(-1) as OpenAI.Responses.ResponseCompletedEvent
    expect(last.response.usage).toEqual(whole.usage)
    const text = all.map((one) => (one.type === 'response.output_text.delta' ? one.delta : '')).join('')
    expect(text).toBe(whole.output_text)
  })

  test.each([false, true])('a tool is called and its result is used (kept: %s)', async (store) => {
    const asked = { model, store, tools: [weather] }
    const calling = await openai.responses.create({ ...asked, input })
    const [call] = calling.output as OpenAI.Responses.ResponseFunctionToolCall[]
    expect(call).toMatchObject({ type: 'function_call', name: 'weather', status: 'completed' })
    const { city } = Weather.parse(JSON.parse(call!.arguments))
    const result: Item = { type: 'function_call_output', call_id: call!.call_id, output: `mist over ${city}` }
    const next = store
      ? { ...asked, previous_response_id: calling.id, input: [result] }
      : { ...asked, input: [{ role: 'user' as const, content: input }, ...(calling.output as Item[]), result] }
    const said = await openai.responses.create(next)
    expect(said.output_text).toContain(`The tool answered: "mist over ${city}"`)
  })

  test('a tool is called the same streamed as whole', async () => {
    const asked = { model, input, tools: [weather], tool_choice: 'required' as const }
    const whole = await openai.responses.create(asked)
    const stream = openai.responses.stream(asked)
    const all = await collect(stream)
    expect(order(all).slice(2)).toEqual([
      'response.output_item.added',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.done',
      'response.output_item.done',
      'response.completed',
    ])
    const sent = ({ output }: OpenAI.Responses.Response) =>
      output.map((item) => (item.type === 'function_call' ? [item.name, item.arguments] : item.type))
    expect(sent(await stream.finalResponse())).toEqual(sent(whole))
  })

  test('a schema is kept and parsed', async () => {
    const text = { format: zodTextFormat(Weather, 'weather') }
    const parsed = await openai.responses.parse({ model, input, text })
    expect(Weather.parse(parsed.output_parsed)).toEqual(JSON.parse(parsed.output_text))
    expect(parsed.text).toMatchObject({ format: { type: 'json_schema', name: 'weather' } })
  })

  test('an answer that was cut off is incomplete', async () => {
    for (const stream of [false, true]) {
      const asked = { model, input, max_output_tokens: 16 }
      const made = stream ? await openai.responses.stream(asked).finalResponse() : await openai.responses.create(asked)
      expect(made).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } })
      expect(made.output_text.length).toBeGreaterThan(0)
    }
  })
})

test('in the background it calls tools too, and its stream can be resumed', async () => {
  const made = await openai.responses.create({ model: seenModel, input, tools: [weather], background: true })
  expect(made).toMatchObject({ status: 'queued', background: true, store: true, tools: [{ name: 'weather' }] })
  const all = await collect(await openai.responses.retrieve(made.id, { stream: true }))
  expect(all.at(-1)!.type).toBe('response.completed')
  const done = await openai.responses.retrieve(made.id)
  expect(done.output).toMatchObject([{ type: 'function_call', name: 'weather', status: 'completed' }])
  expect(done).toMatchObject({ status: 'completed', model: seenModel })
  expect((all.at(-1) as OpenAI.Responses.ResponseCompletedEvent).response.output).toEqual(done.output)
  const numbers = all.map((one) => one.sequence_number)
  const rest = await collect(await openai.responses.retrieve(made.id, { stream: true, starting_after: numbers[2]! }))
  expect(rest.map((one) => one.sequence_number)).toEqual(numbers.slice(3))
  const call = done.output[0] as OpenAI.Responses.ResponseFunctionToolCall
  const result: Item = { type: 'function_call_output', call_id: call.call_id, output: 'mist' }
  const said = await openai.responses.create({ model: seenModel, previous_response_id: made.id, input: [result] })
  expect(said.output_text).toContain('The tool answered: "mist"')
  await openai.responses.delete(made.id)
  await expect(openai.responses.retrieve(made.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError)
})

test('what a provider reasons, refuses and counts arrives', async () => {
  const usage = { prompt_tokens: 9, completion_tokens: 7, completion_tokens_details: { reasoning_tokens: 5 } }
  stage.standIn.script(() =>
    events(async (send) => {
      await send(chunk({ role: 'assistant', reasoning_content: 'Is it ' }))
      await send(chunk({ reasoning_content: 'allowed?' }))
      await send(chunk({ refusal: 'No.' }, 'content_filter'))
      await send(event({ choices: [], usage }))
      await send('data: [DONE]\n\n')
    }),
  )
  const stream = openai.responses.stream({ model: seenModel, input, reasoning: { effort: 'low' } })
  const all = await collect(stream)
  const made = await stream.finalResponse()
  expect(made.output).toMatchObject([
    { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Is it allowed?' }] },
    { type: 'message', status: 'incomplete', content: [{ type: 'refusal', refusal: 'No.' }] },
  ])
  expect(made).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'content_filter' } })
  expect(made.usage!.output_tokens_details).toEqual({ reasoning_tokens: 5 })
  expect(order(all)).toContain('response.reasoning_summary_text.delta')
  expect(order(all)).toContain('response.refusal.done')
  expect(lastSeen(stage.standIn).body).toMatchObject({ reasoning_effort: 'low' })
})

test('a conversation is shortened and goes on', async () => {
  const first = await openai.responses.create({ model: 'demo-small', input })
  const compacted = await openai.responses.compact({ model: seenModel, previous_response_id: first.id })
  expect(compacted.object).toBe('response.compaction')
  const onward = [...(compacted.output as Item[]), { role: 'user' as const, content: 'Go on' }]
  const next = await openai.responses.create({ model: seenModel, input: onward })
  expect(next.status).toBe('completed')
  expect(JSON.stringify(lastSeen(stage.standIn).body.messages)).toContain('Summary of the conversation so far')
  const { input_tokens: counted } = await openai.responses.inputTokens.count({ model: seenModel, input: onward })
  expect(counted).toBeGreaterThan(10)
})

test('a virtual model ends as its last node ended, and leaves nothing with `store: false`', async () => {
  const asked = { model: 'chasm/debate', input, max_output_tokens: 16, store: false }
  const made = await openai.responses.create(asked)
  expect(made).toMatchObject({
    status: 'incomplete',
    incomplete_details: { reason: 'max_output_tokens' },
    store: false,
  })
  await expect(openai.responses.retrieve(made.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError)
  const { intents } = stage.hub.hub.engine
  while (intents.list(null, { limit: 100 }).some(({ id }) => id.endsWith(made.id.slice('resp_'.length)))) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  const chat = await openai.chat.completions.create({
    ...{ model: 'chasm/debate', messages: [{ role: 'user', content: input }], max_completion_tokens: 16 },
  })
  expect(chat.choices[0]!.finish_reason).toBe('length')
})
