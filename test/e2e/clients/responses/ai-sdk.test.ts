/** The AI SDK through `@ai-sdk/openai`, whose models speak the Responses API, pointed at a hub. */
import { createOpenAI } from '@ai-sdk/openai'
import { APICallError, generateText, isStepCount, Output, streamText, tool } from 'ai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type ClientStage, lastSeen, openClientStage, seenModel } from '../../../support/hub/client-stage.ts'
import { chunk, events } from '../../../support/providers/openai-stand-in.ts'

// Its advice on deprecated calls is not for the reader of test results.
globalThis.AI_SDK_LOG_WARNINGS = false

let stage: ClientStage
let hub: ReturnType<typeof createOpenAI>
beforeAll(async () => {
  stage = await openClientStage()
  hub = createOpenAI({ baseURL: stage.hub.baseURL, apiKey: stage.hub.clientKey })
})
afterAll(() => stage.close())

const prompt = 'Tell me of the chasm'
const Weather = z.strictObject({ city: z.string(), days: z.int().min(1).max(3) })

describe.each(['demo-small', seenModel])('through %s', (name) => {
  test('text comes whole, with usage and the reason of its end', async () => {
    const { text, usage, finishReason, response } = await generateText({ model: hub(name), prompt })
    expect(text).toContain(prompt)
    expect(usage.outputTokens).toBe(64)
    expect(finishReason).toBe('stop')
    expect(response.modelId).toBe(name)
  })

  test('the same text comes streamed, with the same usage', async () => {
    const whole = await generateText({ model: hub(name), prompt })
    const streamed = streamText({ model: hub(name), prompt })
    let text = ''
    for await (const piece of streamed.textStream) text += piece
    expect(text).toBe(whole.text)
    expect(await streamed.finishReason).toBe('stop')
    expect((await streamed.usage).outputTokens).toBe(whole.usage.outputTokens)
  })

  test.each([
    ['whole', true],
    ['whole', false],
    ['streamed', true],
    ['streamed', false],
  ])('an agent calls a tool and goes on with its result (%s, kept: %s)', async (form, store) => {
    const cities: string[] = []
    const weather = tool({
      description: 'The weather to come',
      inputSchema: Weather,
      execute: async ({ city }) => {
        cities.push(city)
        return `mist over ${city}`
      },
    })
    const asked = {
      ...{ model: hub(name), prompt, tools: { weather }, stopWhen: isStepCount(3) },
      providerOptions: { openai: { store } },
    }
    const made = form === 'whole' ? await generateText(asked) : streamText(asked)
    const text = await made.text
    expect(cities).toHaveLength(1)
    expect(text).toContain(`mist over ${cities[0]}`)
    expect(await made.steps).toHaveLength(2)
  })

  test('a second turn goes on after the messages of the first', async () => {
    const first = await generateText({ model: hub(name), prompt })
    const messages = [
      { role: 'user' as const, content: prompt },
      ...first.response.messages,
      { role: 'user' as const, content: 'And the other side?' },
    ]
    const second = await generateText({ model: hub(name), messages })
    expect(second.text).toContain('And the other side?')
    const responseId = first.providerMetadata!.openai!.responseId as string
    const providerOptions = { openai: { previousResponseId: responseId } }
    const onward = await generateText({ model: hub(name), prompt: 'And the other side?', providerOptions })
    expect(onward.text).toBe(second.text)
  })

  test('an object keeps its schema', async () => {
    const { output } = await generateText({ model: hub(name), prompt, output: Output.object({ schema: Weather }) })
    expect(Weather.parse(output)).toEqual(output)
  })

  test('an answer that was cut off says so', async () => {
    const { finishReason } = await generateText({ model: hub(name), prompt, maxOutputTokens: 16 })
    expect(finishReason).toBe('length')
  })
})

test('reasoning arrives as reasoning, and the next turn goes on', async () => {
  stage.standIn.script(() =>
    events(async (send) => {
      await send(chunk({ role: 'assistant', reasoning_content: 'Deep.' }))
      await send(chunk({ content: 'It is deep.' }, 'stop'))
      await send('data: [DONE]\n\n')
    }),
  )
  const streamed = streamText({ model: hub(seenModel), prompt })
  expect(await streamed.text).toBe('It is deep.')
  expect(await streamed.reasoningText).toBe('Deep.')
  const { messages } = await streamed.response
  const next = [{ role: 'user' as const, content: prompt }, ...messages, { role: 'user' as const, content: 'How?' }]
  await generateText({ model: hub(seenModel), messages: next })
  expect(lastSeen(stage.standIn).body.messages).toEqual([
    { role: 'user', content: prompt },
    { role: 'assistant', content: 'It is deep.' },
    { role: 'user', content: 'How?' },
  ])
})

test('an unknown model is refused at once', async () => {
  const asked = generateText({ model: hub('gpt-17'), prompt, maxRetries: 0 })
  await expect(asked).rejects.toSatisfy((error) => APICallError.isInstance(error) && error.statusCode === 404)
})
