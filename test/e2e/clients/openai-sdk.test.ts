/** The official OpenAI SDK, pointed at a hub: everything it can ask for is answered as OpenAI would. */
import type OpenAI from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  type ClientStage,
  lastSeen,
  openClientStage,
  sdkOf,
  seenEmbedModel,
  seenModel,
} from '../../support/hub/client-stage.ts'

let stage: ClientStage
let openai: OpenAI
beforeAll(async () => {
  stage = await openClientStage()
  openai = sdkOf(stage.hub)
})
afterAll(() => stage.close())

const messages = [{ role: 'user' as const, content: 'Tell me of the chasm' }]
const hello = { model: 'demo-small', messages }
const weather = {
  type: 'function' as const,
  function: {
    name: 'weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 1, maximum: 3 } },
      required: ['city', 'days'],
      additionalProperties: false,
    },
  },
}
const Weather = z.strictObject({ city: z.string(), days: z.int().min(1).max(3) })

/** The hub's own field of an answer. */
function chasmOf(answer: object): { scout: string; provider: string; model: string } | undefined {
  return (answer as { chasm?: { scout: string; provider: string; model: string } }).chasm
}

async function wholeText(): Promise<string> {
  return (await openai.chat.completions.create(hello)).choices[0]!.message.content!
}

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of stream) all.push(item)
  return all
}

describe('a chat completion', () => {
  test('is answered in one piece, with usage', async () => {
    const answer = await openai.chat.completions.create(hello)
    expect(answer.id).toMatch(/^chatcmpl-/)
    expect(answer).toMatchObject({ object: 'chat.completion', model: 'demo-small' })
    expect(Math.abs(answer.created - Date.now() / 1000)).toBeLessThan(60)
    const [choice] = answer.choices
    expect(choice).toMatchObject({ index: 0, finish_reason: 'stop', message: { role: 'assistant' } })
    expect(choice!.message.content).toContain('Tell me of the chasm')
    const { prompt_tokens, completion_tokens, total_tokens } = answer.usage!
    expect(completion_tokens).toBe(64)
    expect(total_tokens).toBe(prompt_tokens + completion_tokens)
  })

  test('streams the same text in pieces, without usage unless it is asked for', async () => {
    const chunks = await collect(await openai.chat.completions.create({ ...hello, stream: true }))
    expect(chunks.length).toBeGreaterThan(60)
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
    for (const chunk of chunks) {
      expect(chunk).toMatchObject({ object: 'chat.completion.chunk', model: 'demo-small' })
      expect(chunk.choices).toHaveLength(1)
      expect(chunk.usage ?? null).toBeNull()
    }
    expect(chunks[0]!.choices[0]!.delta.role).toBe('assistant')
    expect(chunks.at(-1)!.choices[0]!.finish_reason).toBe('stop')
    expect(chunks.map(({ choices }) => choices[0]!.delta.content ?? '').join('')).toBe(await wholeText())
  })

  test('streams its usage last when that is asked for', async () => {
    const whole = await openai.chat.completions.create(hello)
    const asked = { ...hello, stream: true, stream_options: { include_usage: true } } as const
    const chunks = await collect(await openai.chat.completions.create(asked))
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage })
    for (const { choices, usage } of chunks.slice(0, -1)) {
      expect(choices).toHaveLength(1)
      expect(usage ?? null).toBeNull()
    }
  })

  test('is put together by the .stream() helper', async () => {
    const stream = openai.chat.completions.stream({ ...hello, stream_options: { include_usage: true } })
    let heard = ''
    stream.on('content', (delta) => {
      heard += delta
    })
    const final = await stream.finalChatCompletion()
    expect(final.choices[0]!.message.content).toBe(await wholeText())
    expect(heard).toBe(final.choices[0]!.message.content)
    expect(final.choices[0]!.finish_reason).toBe('stop')
    expect((await stream.totalUsage()).completion_tokens).toBe(64)
  })

  test('has as many choices as asked for, whole and streamed', async () => {
    const whole = await openai.chat.completions.create({ ...hello, n: 2 })
    expect(whole.choices.map(({ index }) => index)).toEqual([0, 1])
    const streamed = await openai.chat.completions.stream({ ...hello, n: 2 }).finalChatCompletion()
    expect(streamed.choices.map(({ message }) => message.content)).toEqual(
      whole.choices.map(({ message }) => message.content),
    )
    expect(whole.choices[0]!.message.content).not.toBe(whole.choices[1]!.message.content)
  })

  test('carries log probabilities, whole and streamed', async () => {
    const asked = { ...hello, max_tokens: 6, logprobs: true, top_logprobs: 2 }
    const { choices } = await openai.chat.completions.create(asked)
    const { content } = choices[0]!.logprobs!
    expect(content!.map(({ token }) => token).join('')).toBe(choices[0]!.message.content)
    for (const entry of content!) expect(entry.top_logprobs).toHaveLength(2)
    expect(choices[0]!.finish_reason).toBe('length')
    const streamed = await openai.chat.completions.stream(asked).finalChatCompletion()
    expect(streamed.choices[0]!.logprobs!.content).toEqual(content)
  })

  test('says which scout, provider and model served it', async () => {
    const chasm = chasmOf(await openai.chat.completions.create({ ...hello, model: seenModel }))
    expect(chasm).toMatchObject({ provider: 'vllm', model: seenModel, attempts: 1 })
    expect(chasm!.scout).toMatch(/\/seen-scout$/)
    const chunks = await collect(await openai.chat.completions.create({ ...hello, stream: true }))
    expect(chasmOf(chunks[0]!)).toMatchObject({ provider: 'demo', model: 'demo-small', attempts: 1 })
    for (const chunk of chunks.slice(1)) expect(chasmOf(chunk)).toBeUndefined()
  })

  test('of model auto is answered by a model that is named, whole and streamed', async () => {
    const offered = ['demo-small', 'demo-large', seenModel]
    const whole = await openai.chat.completions.create({ ...hello, model: 'auto' })
    expect(offered).toContain(whole.model)
    expect(chasmOf(whole)!.model).toBe(whole.model)
    const chunks = await collect(await openai.chat.completions.create({ ...hello, model: 'auto', stream: true }))
    for (const { model } of chunks) expect(offered).toContain(model)
  })

  test('has a request id of its own, or the one that was sent along', async () => {
    const whole = await openai.chat.completions.create(hello)
    expect(whole._request_id).toMatch(/^req_/)
    const headers = { 'x-request-id': 'my-trace-7' }
    const { request_id, response, data } = await openai.chat.completions.create(hello, { headers }).withResponse()
    expect(request_id).toBe('my-trace-7')
    expect(response.headers.get('x-request-id')).toBe('my-trace-7')
    expect(data).toMatchObject({ _request_id: 'my-trace-7' })
    const streamed = await openai.chat.completions.create({ ...hello, stream: true }).withResponse()
    expect(streamed.request_id).toMatch(/^req_/)
    await collect(streamed.data)
  })
})

describe.each(['demo-small', seenModel])('tools and schemas through %s', (model) => {
  const asked = { model, messages, tools: [weather] }

  test('a tool is called, the same whole as streamed', async () => {
    const whole = await openai.chat.completions.create(asked)
    const streamed = await openai.chat.completions.stream(asked).finalChatCompletion()
    for (const { choices } of [whole, streamed]) {
      expect(choices[0]!.finish_reason).toBe('tool_calls')
      const call = choices[0]!.message.tool_calls![0]!
      expect(call).toMatchObject({ type: 'function', function: { name: 'weather' } })
      expect(call.id).toMatch(/^call_/)
    }
    const callOf = ({ choices }: typeof whole) => {
      const {
        id,
        type,
        function: called,
      } = choices[0]!.message.tool_calls![0] as OpenAI.ChatCompletionMessageFunctionToolCall
      return { id, type, name: called.name, arguments: Weather.parse(JSON.parse(called.arguments)) }
    }
    expect(callOf(streamed)).toEqual(callOf(whole))
  })

  test.each([false, true])('runTools goes the whole round (streamed: %s)', async (stream) => {
    const heard: unknown[] = []
    const tool = {
      ...weather,
      function: {
        ...weather.function,
        description: 'The weather to come',
        parse: (text: string) => Weather.parse(JSON.parse(text)),
        function: (wanted: z.infer<typeof Weather>) => {
          heard.push(wanted)
          return `mist over ${wanted.city}`
        },
      },
    }
    const runner = stream
      ? openai.chat.completions.runTools({ model, messages, tools: [tool], stream: true })
      : openai.chat.completions.runTools({ model, messages, tools: [tool] })
    const said = await runner.finalContent()
    expect(heard).toHaveLength(1)
    expect(said).toContain(`The tool answered: "mist over ${Weather.parse(heard[0]).city}"`)
    expect(runner.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'assistant'])
  })

  test('parse answers in the form of a zod schema, whole and streamed', async () => {
    const response_format = zodResponseFormat(Weather, 'forecast')
    const whole = await openai.chat.completions.parse({ model, messages, response_format })
    const forecast = whole.choices[0]!.message.parsed
    expect(Weather.parse(forecast)).toEqual(forecast)
    const streamed = await openai.chat.completions.stream({ model, messages, response_format }).finalChatCompletion()
    expect(streamed.choices[0]!.message.parsed).toEqual(forecast)
  })
})

describe.each(['demo-embed', seenEmbedModel])('embeddings of %s', (model) => {
  test('are the same numbers as floats and as base64, which the SDK asks for by itself', async () => {
    const input = ['one', 'two', 'three']
    const packed = await openai.embeddings.create({ model, input })
    const floats = await openai.embeddings.create({ model, input, encoding_format: 'float' })
    expect(packed.data.map(({ index }) => index)).toEqual([0, 1, 2])
    expect(packed.data[0]!.embedding).toHaveLength(64)
    expect(packed.data).toEqual(floats.data)
    expect(packed).toMatchObject({ object: 'list', model, usage: { prompt_tokens: 3, total_tokens: 3 } })
    const raw = await stage.hub.post('/v1/embeddings', { model, input, encoding_format: 'base64' })
    const { data } = (await raw.json()) as { data: { embedding: unknown }[] }
    expect(data[0]!.embedding).toBeTypeOf('string')
  })

  test('come for 500 inputs at once, in their order', async () => {
    const input = Array.from({ length: 500 }, (_, index) => `text number ${index}`)
    const { data } = await openai.embeddings.create({ model, input })
    expect(data.map(({ index }) => index)).toEqual(input.map((_, index) => index))
    const last = await openai.embeddings.create({ model, input: input[499]! })
    expect(data[499]!.embedding).toEqual(last.data[0]!.embedding)
  })
})

describe('models', () => {
  test('are listed, each with who offers it', async () => {
    const models = await collect(openai.models.list())
    const offered = models.filter(({ owned_by }) => owned_by !== 'chasm')
    expect(offered.map(({ id }) => id)).toEqual([seenModel, seenEmbedModel, 'demo-embed', 'demo-large', 'demo-small'])
    expect(models[0]).toMatchObject({ object: 'model', owned_by: 'vllm', chasm: { kinds: ['chat'], scouts: 1 } })
  })

  test('are found by name, with a slash in it too', async () => {
    expect(await openai.models.retrieve('demo-small')).toMatchObject({ id: 'demo-small', object: 'model' })
    expect(await openai.models.retrieve(seenModel)).toMatchObject({ id: seenModel })
    const unescaped = await openai.get<OpenAI.Model>(`/models/${seenModel}`)
    expect(unescaped.id).toBe(seenModel)
  })
})

test('a request without stream is sent to the provider without stream', async () => {
  await openai.chat.completions.create({ ...hello, model: seenModel })
  expect(lastSeen(stage.standIn).body).toEqual({ ...hello, model: seenModel, stream: false })
})
