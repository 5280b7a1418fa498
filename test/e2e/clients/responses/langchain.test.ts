/** LangChain's OpenAI class over the Responses API, pointed at a hub. */
import { AIMessage, type AIMessageChunk, HumanMessage, SystemMessage, type ToolMessage } from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { ChatOpenAI } from '@langchain/openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type ClientStage, lastSeen, openClientStage, seenModel } from '../../../support/hub/client-stage.ts'

let stage: ClientStage
beforeAll(async () => {
  stage = await openClientStage()
})
afterAll(() => stage.close())

function chat(model: string, more: object = {}): ChatOpenAI {
  const configuration = { baseURL: stage.hub.baseURL }
  return new ChatOpenAI({
    model,
    apiKey: stage.hub.clientKey,
    maxRetries: 0,
    configuration,
    useResponsesApi: true,
    ...more,
  })
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
    const { text, usage_metadata: usage } = await chat(name).invoke(prompt)
    expect(text).toContain(prompt)
    expect(usage).toMatchObject({ output_tokens: 64 })
  })

  test('stream brings the same text in pieces, and the same usage', async () => {
    const whole = await chat(name).invoke(prompt)
    const streamed = await collect(await chat(name).stream(prompt))
    expect(streamed.text).toBe(whole.text)
    expect(streamed.usage_metadata).toMatchObject({ output_tokens: 64 })
  })

  test.each([
    ['whole', false],
    ['streamed', false],
    ['whole', true],
  ])('a tool is called and its result is used (%s, with zero data retention: %s)', async (form, zdrEnabled) => {
    const model = chat(name, { zdrEnabled }).bindTools([weather])
    const talk: (HumanMessage | AIMessageChunk | ToolMessage)[] = [new HumanMessage(prompt)]
    const next = async () =>
      (form === 'streamed' ? collect(await model.stream(talk)) : model.invoke(talk)) as Promise<AIMessageChunk>
    const calling = await next()
    expect(calling.tool_calls).toHaveLength(1)
    const [call] = calling.tool_calls!
    const { city } = Weather.parse(call!.args)
    talk.push(calling, (await weather.invoke(call!)) as ToolMessage)
    expect((await next()).text).toContain(`The tool answered: "mist over ${city}"`)
  })

  test.each(['jsonSchema', 'functionCalling'] as const)('structured output comes by %s', async (method) => {
    const forecast = await chat(name).withStructuredOutput(Weather, { method, name: 'forecast' }).invoke(prompt)
    expect(Weather.parse(forecast)).toEqual(forecast)
  })
})

test('a conversation with a system message and an image reaches the provider whole', async () => {
  const url = 'data:image/png;base64,iVBORw0KGgo='
  const content = [
    { type: 'text', text: 'What is this?' },
    { type: 'image_url', image_url: { url, detail: 'low' } },
  ]
  await chat(seenModel).invoke([
    new SystemMessage('Be brief.'),
    new HumanMessage('Hello'),
    new AIMessage('Hi'),
    new HumanMessage({ content }),
  ])
  expect(lastSeen(stage.standIn).body.messages).toEqual([
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hello' },
    { role: 'assistant', content: 'Hi' },
    { role: 'user', content },
  ])
})
