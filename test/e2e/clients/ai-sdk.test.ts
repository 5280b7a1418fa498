/** The AI SDK through `@ai-sdk/openai-compatible`, pointed at a hub. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { APICallError, embed, embedMany, generateObject, generateText, isStepCount, Output, streamText, tool } from 'ai'
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

// Its advice on deprecated calls is not for the reader of test results.
globalThis.AI_SDK_LOG_WARNINGS = false

let stage: ClientStage
let hub: ReturnType<typeof providerOf>
beforeAll(async () => {
  stage = await openClientStage()
  hub = providerOf(stage.hub.clientKey)
})
afterAll(() => stage.close())

function providerOf(apiKey: string) {
  return createOpenAICompatible({
    name: 'chasm',
    baseURL: stage.hub.baseURL,
    apiKey,
    includeUsage: true,
    supportsStructuredOutputs: true,
  })
}

const prompt = 'Tell me of the chasm'
const Weather = z.strictObject({ city: z.string(), days: z.int().min(1).max(3) })

describe.each(['demo-small', seenModel])('through %s', (name) => {
  test('text comes whole, with usage and the reason of its end', async () => {
    const { text, usage, finishReason, response } = await generateText({ model: hub(name), prompt })
    expect(text).toContain(prompt)
    expect(usage).toMatchObject({ outputTokens: 64 })
    expect(usage.totalTokens).toBe(usage.inputTokens! + 64)
    expect(finishReason).toBe('stop')
    expect(response.modelId).toBe(name)
    expect(response.headers!['x-request-id']).toMatch(/^req_/)
  })

  test('the same text comes streamed, with the same usage', async () => {
    const whole = await generateText({ model: hub(name), prompt })
    const streamed = streamText({ model: hub(name), prompt })
    const pieces: string[] = []
    for await (const piece of streamed.textStream) pieces.push(piece)
    expect(pieces.length).toBeGreaterThan(40)
    expect(pieces.join('')).toBe(whole.text)
    expect(await streamed.finishReason).toBe('stop')
    const { inputTokens, outputTokens, totalTokens } = whole.usage
    expect(await streamed.totalUsage).toMatchObject({ inputTokens, outputTokens, totalTokens })
  })

  test.each([false, true])('a tool is called and its answer used, in two steps (streamed: %s)', async (streamed) => {
    const heard: unknown[] = []
    const weather = tool({
      description: 'The weather to come',
      inputSchema: Weather,
      execute: async (wanted) => {
        heard.push(Weather.parse(wanted))
        return `mist over ${wanted.city}`
      },
    })
    const asked = { model: hub(name), prompt, tools: { weather }, stopWhen: isStepCount(4) }
    const result = streamed ? streamText(asked) : await generateText(asked)
    expect(await result.text).toContain(`The tool answered: "mist over ${Weather.parse(heard[0]).city}"`)
    const steps = await result.steps
    expect(steps.map(({ finishReason }) => finishReason)).toEqual(['tool-calls', 'stop'])
    expect(heard).toHaveLength(1)
  })

  test('an object comes in the form of a zod schema, whole and streamed', async () => {
    const { object } = await generateObject({ model: hub(name), prompt, schema: Weather })
    expect(Weather.parse(object)).toEqual(object)
    const { output } = await generateText({ model: hub(name), prompt, output: Output.object({ schema: Weather }) })
    expect(Weather.parse(output)).toEqual(output)
    const streamed = streamText({ model: hub(name), prompt, output: Output.object({ schema: Weather }) })
    let last: unknown
    for await (const partial of streamed.partialOutputStream) last = partial
    expect(last).toEqual(output)
  })
})

test('an image reaches the provider as it was sent', async () => {
  const image = new Uint8Array(3_000).map((_, index) => index * 7)
  const content = [
    { type: 'text' as const, text: 'What is this?' },
    { type: 'file' as const, data: image, mediaType: 'image/png' },
  ]
  await generateText({ model: hub(seenModel), messages: [{ role: 'user', content }] })
  const url = `data:image/png;base64,${Buffer.from(image).toString('base64')}`
  expect(lastSeen(stage.standIn).body.messages).toEqual([
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What is this?' },
        { type: 'image_url', image_url: { url } },
      ],
    },
  ])
})

test.each(['demo-embed', seenEmbedModel])('embeddings of %s come one by one or many at once', async (name) => {
  const model = hub.embeddingModel(name)
  const { embeddings, usage } = await embedMany({ model, values: ['one', 'two', 'three'] })
  const { embedding } = await embed({ model, value: 'two' })
  expect(embeddings).toHaveLength(3)
  expect(embeddings[1]).toEqual(embedding)
  expect(embedding).toHaveLength(64)
  expect(usage.tokens).toBe(3)
})

test('an abort in mid-stream reaches the provider', async () => {
  const { abandonedMs } = neverEnding(stage.standIn, 'talking')
  const controller = new AbortController()
  const { textStream } = streamText({ model: hub(seenModel), prompt, abortSignal: controller.signal })
  const reader = textStream[Symbol.asyncIterator]()
  await reader.next()
  const stoppedMs = performance.now()
  controller.abort()
  expect((await abandonedMs) - stoppedMs).toBeLessThan(abortReachesProviderMs)
})

describe('refusals arrive as API call errors', () => {
  async function refused(asked: Promise<unknown>): Promise<APICallError> {
    const error = await asked.catch((thrown: unknown) => thrown)
    expect(APICallError.isInstance(error)).toBe(true)
    return error as APICallError
  }

  test('for an unknown model, not to be retried', async () => {
    const { statusCode, isRetryable, message } = await refused(generateText({ model: hub('gpt-17'), prompt }))
    expect({ statusCode, isRetryable }).toEqual({ statusCode: 404, isRetryable: false })
    expect(message).toContain('demo-small')
  })

  test('for a bad key, not to be retried', async () => {
    const { statusCode, isRetryable, message } = await refused(
      generateText({ model: providerOf('sk-bad')('demo-small'), prompt }),
    )
    expect({ statusCode, isRetryable }).toEqual({ statusCode: 401, isRetryable: false })
    expect(message).toContain('Authorization: Bearer')
  })

  test('in the provider’s words where it refused', async () => {
    const error = { message: 'No poems, please: ask for prose.', type: 'invalid_request_error' }
    stage.standIn.script(() => Response.json({ error }, { status: 400 }))
    const { statusCode, message } = await refused(generateText({ model: hub(seenModel), prompt }))
    expect({ statusCode, message }).toEqual({ statusCode: 400, message: error.message })
  })
})

test('a stream that breaks off is an error part and never a clean end', async () => {
  stage.standIn.script(() =>
    events(async (send) => {
      await send(chunk({ role: 'assistant', content: 'Once ' }))
      await send(event({ error: { message: 'out of memory', code: 500 } }))
    }),
  )
  const { fullStream } = streamText({ model: hub(seenModel), prompt, onError: () => {} })
  const parts: { type: string; finishReason?: string }[] = []
  for await (const part of fullStream) parts.push(part)
  expect(parts.map(({ type }) => type)).toContain('error')
  expect(parts.find(({ type }) => type === 'finish')?.finishReason).not.toBe('stop')
})
