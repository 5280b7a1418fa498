/** The AI SDK through `@ai-sdk/openai`, over chat completions, pointed at a hub by its base URL and key alone. */
import { createOpenAI } from '@ai-sdk/openai'
import { APICallError, embedMany, generateText, isStepCount, Output, streamText, tool } from 'ai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  type ClientStage,
  neverEnding,
  openClientStage,
  seenEmbedModel,
  seenModel,
} from '../../support/hub/client-stage.ts'

globalThis.AI_SDK_LOG_WARNINGS = false

let stage: ClientStage
beforeAll(async () => {
  stage = await openClientStage()
})
afterAll(() => stage.close())

const provider = (apiKey = stage.hub.clientKey) => createOpenAI({ baseURL: stage.hub.baseURL, apiKey })
const prompt = 'Tell me of the chasm'
const Weather = z.strictObject({ city: z.string(), days: z.int().min(1).max(3) })

describe.each(['demo-small', seenModel])('through %s', (name) => {
  test('text comes whole and streamed alike, with usage', async () => {
    const whole = await generateText({ model: provider().chat(name), prompt })
    expect(whole.text).toContain(prompt)
    expect([whole.finishReason, whole.usage.outputTokens]).toEqual(['stop', 64])
    const streamed = streamText({ model: provider().chat(name), prompt })
    let text = ''
    for await (const piece of streamed.textStream) text += piece
    expect(text).toBe(whole.text)
    expect((await streamed.totalUsage).outputTokens).toBe(64)
  })

  test.each([false, true])('an agent calls a tool and uses its answer (streamed: %s)', async (streamed) => {
    const called: unknown[] = []
    const weather = tool({
      description: 'The weather to come',
      inputSchema: Weather,
      execute: async (wanted) => {
        called.push(wanted)
        return `mist over ${wanted.city}`
      },
    })
    const asked = { model: provider().chat(name), prompt, tools: { weather }, stopWhen: isStepCount(4) }
    const result = streamed ? streamText(asked) : await generateText(asked)
    expect(await result.text).toContain('The tool answered: "mist over')
    expect(called).toHaveLength(1)
    expect((await result.steps).map(({ finishReason }) => finishReason)).toEqual(['tool-calls', 'stop'])
  })

  test('an object comes in the form of a zod schema', async () => {
    const asked = { model: provider().chat(name), prompt, output: Output.object({ schema: Weather }) }
    const { output } = await generateText(asked)
    expect(Weather.parse(output)).toEqual(output)
    let last: unknown
    for await (const partial of streamText(asked).partialOutputStream) last = partial
    expect(last).toEqual(output)
  })
})

test.each(['demo-embed', seenEmbedModel])('vectors of %s come many at once', async (name) => {
  const { embeddings } = await embedMany({ model: provider().embedding(name), values: ['one', 'two', 'three'] })
  expect(embeddings.map(({ length }) => length)).toEqual([64, 64, 64])
})

test('refusals arrive as API call errors that are not to be retried', async () => {
  const refused = async (asked: PromiseLike<unknown>) => {
    const error = await Promise.resolve(asked).catch((thrown: unknown) => thrown)
    expect(APICallError.isInstance(error)).toBe(true)
    const { statusCode, isRetryable } = error as APICallError
    return { statusCode, isRetryable }
  }
  expect(await refused(generateText({ model: provider().chat('gpt-17'), prompt }))).toEqual({
    ...{ statusCode: 404, isRetryable: false },
  })
  expect(await refused(generateText({ model: provider('sk-bad').chat('demo-small'), prompt }))).toEqual({
    ...{ statusCode: 401, isRetryable: false },
  })
})

test('an abort in the middle reaches the provider', async () => {
  const { abandonedMs } = neverEnding(stage.standIn, 'talking')
  const controller = new AbortController()
  const { textStream } = streamText({ model: provider().chat(seenModel), prompt, abortSignal: controller.signal })
  await textStream[Symbol.asyncIterator]().next()
  controller.abort()
  await abandonedMs
})
