/** LangChain's OpenAI classes, pointed at a hub. */
import { type AIMessageChunk, HumanMessage, type ToolMessage } from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  abortReachesProviderMs,
  type ClientStage,
  lastSeen,
  neverEnding,
  openClientStage,
  seenEmbedModel,
  seenModel,
} from '../../support/hub/client-stage.ts'
import { chunk, event, events } from '../../support/providers/openai-stand-in.ts'

let stage: ClientStage
beforeAll(async () => {
  stage = await openClientStage()
})
afterAll(() => stage.close())

function chat(model: string, apiKey = stage.hub.clientKey): ChatOpenAI {
  return new ChatOpenAI({ model, apiKey, maxRetries: 0, configuration: { baseURL: stage.hub.baseURL } })
}

const prompt = 'Tell me of the chasm'
const Weather = z.strictObject({ city: z.string(), days: z.int().min(1).max(3) })
const weather = tool((wanted: z.infer<typeof Weather>) => `mist over ${wanted.city}`, {
  name: 'weather',
  description: 'The weather to come',
  schema: Weather,
})

async function collect(stream: AsyncIterable<AIMessageChunk>): Promise<AIMessageChunk> {
  let whole: AIMessageChunk | undefined
  for await (const piece of stream) whole = whole === undefined ? piece : whole.concat(piece)
  return whole!
}

describe.each(['demo-small', seenModel])('through %s', (name) => {
  test('invoke answers, with usage', async () => {
    const { text, usage_metadata, response_metadata } = await chat(name).invoke(prompt)
    expect(text).toContain(prompt)
    expect(usage_metadata).toMatchObject({ output_tokens: 64 })
    expect(response_metadata).toMatchObject({ finish_reason: 'stop', model_name: name })
  })

  test('stream brings the same text in pieces, and the same usage', async () => {
    const whole = await chat(name).invoke(prompt)
    const streamed = await collect(await chat(name).stream(prompt))
    expect(streamed.text).toBe(whole.text)
    const { input_tokens, output_tokens, total_tokens } = whole.usage_metadata!
    expect(streamed.usage_metadata).toMatchObject({ input_tokens, output_tokens, total_tokens })
  })

  test.each([false, true])('a bound tool is called and its answer used (streamed: %s)', async (streamed) => {
    const model = chat(name).bindTools([weather])
    const talk: (HumanMessage | AIMessageChunk | ToolMessage)[] = [new HumanMessage(prompt)]
    const next = async () =>
      (streamed ? collect(await model.stream(talk)) : model.invoke(talk)) as Promise<AIMessageChunk>
    const calling = await next()
    expect(calling.tool_calls).toHaveLength(1)
    const [call] = calling.tool_calls!
    expect(call!.name).toBe('weather')
    const { city } = Weather.parse(call!.args)
    talk.push(calling, (await weather.invoke(call!)) as ToolMessage)
    expect((await next()).text).toContain(`The tool answered: "mist over ${city}"`)
  })

  test.each(['jsonSchema', 'functionCalling'] as const)('structured output comes by %s', async (method) => {
    const forecast = await chat(name).withStructuredOutput(Weather, { method, name: 'forecast' }).invoke(prompt)
    expect(Weather.parse(forecast)).toEqual(forecast)
  })
})

test('an image reaches the provider as it was sent', async () => {
  const content = [
    { type: 'text', text: 'What is this?' },
    { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=', detail: 'low' } },
  ]
  await chat(seenModel).invoke([new HumanMessage({ content })])
  expect(lastSeen(stage.standIn).body.messages).toEqual([{ role: 'user', content }])
})

test.each(['demo-embed', seenEmbedModel])('embeddings of %s are the same as floats and as base64', async (model) => {
  const fields = { model, apiKey: stage.hub.clientKey, configuration: { baseURL: stage.hub.baseURL } }
  const packed = await new OpenAIEmbeddings(fields).embedDocuments(['one', 'two', 'three'])
  const floats = await new OpenAIEmbeddings({ ...fields, encodingFormat: 'float' }).embedDocuments([
    'one',
    'two',
    'three',
  ])
  expect(packed).toHaveLength(3)
  expect(packed).toEqual(floats)
  expect(await new OpenAIEmbeddings(fields).embedQuery('two')).toEqual(packed[1]!)
})

test('an abort in mid-stream reaches the provider', async () => {
  const { abandonedMs } = neverEnding(stage.standIn, 'talking')
  const controller = new AbortController()
  const reader = (await chat(seenModel).stream(prompt, { signal: controller.signal }))[Symbol.asyncIterator]()
  await reader.next()
  const stoppedMs = performance.now()
  controller.abort()
  expect((await abandonedMs) - stoppedMs).toBeLessThan(abortReachesProviderMs)
})

test('refusals arrive with their status and sentence', async () => {
  await expect(chat('gpt-17').invoke(prompt)).rejects.toMatchObject({
    status: 404,
    code: 'model_not_found',
    message: expect.stringContaining('demo-small'),
  })
  await expect(chat('demo-small', 'sk-bad').invoke(prompt)).rejects.toMatchObject({ status: 401 })
})

test('a stream that breaks off is an error and never a clean end', async () => {
  stage.standIn.script(() =>
    events(async (send) => {
      await send(chunk({ role: 'assistant', content: 'Once ' }))
      await send(event({ error: { message: 'out of memory', code: 500 } }))
    }),
  )
  const reading = chat(seenModel).stream(prompt).then(collect)
  await expect(reading).rejects.toMatchObject({ code: 'provider_unavailable' })
})
