/** Tools of a client's at the virtual models whose last node can call them: it calls, and the others only speak. */
import type OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sdkOf } from '../../support/hub/client-stage.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import { CountingProvider } from '../../support/providers/counting-provider.ts'
import type { Json } from '../../support/providers/provider-calls.ts'

class SeeingProvider extends CountingProvider {
  readonly seen: Json[] = []

  override answer(...[request, writer, signal]: Parameters<CountingProvider['answer']>) {
    this.seen.push(JSON.parse(Buffer.from(request.body).toString()) as Json)
    return super.answer(request, writer, signal)
  }
}

let live: LiveHub
let openai: OpenAI
const provider = new SeeingProvider({ models: ['demo-small', 'demo-large'] })
beforeAll(async () => {
  live = new LiveHub()
  await live.addScout({ name: 'one', concurrency: 8, providers: [provider] })
  openai = sdkOf(live)
})
afterAll(() => live.close())

const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
const tools = [{ type: 'function' as const, function: { name: 'weather', parameters } }]
const ask = (model: string, more: object = {}) => ({
  model,
  messages: [{ role: 'user' as const, content: 'Will it rain where the chasm is?' }],
  tools,
  ...more,
})

describe.each(['chasm/ensemble', 'chasm/debate', 'chasm/plan'])('%s', (model) => {
  test('lets its last node call, whole and streamed alike', async () => {
    provider.seen.length = 0
    const whole = await openai.chat.completions.create(ask(model))
    const [choice] = whole.choices
    expect(choice!.finish_reason).toBe('tool_calls')
    expect(choice!.message).toMatchObject({ role: 'assistant', content: null })
    const [call] = choice!.message.tool_calls!
    expect(call).toMatchObject({ type: 'function', id: expect.any(String), function: { name: 'weather' } })
    const withTools = provider.seen.filter((request) => request.tools !== undefined)
    expect([withTools.length, provider.seen.length > 1]).toEqual([1, true])
    expect(withTools[0]).toMatchObject({ tools })

    const streamed = await openai.chat.completions.stream(ask(model)).finalChatCompletion()
    expect(streamed.choices[0]!.finish_reason).toBe('tool_calls')
    const called = (at: OpenAI.ChatCompletion) => {
      const { type, function: what } = at.choices[0]!.message
        .tool_calls![0] as OpenAI.ChatCompletionMessageFunctionToolCall
      return { type, name: what.name, arguments: JSON.parse(what.arguments) as Json }
    }
    expect(called(streamed)).toEqual(called(whole))
  })

  test('knows of the calls before, and answers in words where it may not call', async () => {
    const calls = [{ id: 'call_1', type: 'function' as const, function: { name: 'weather', arguments: '{}' } }]
    const messages = [
      ...ask(model).messages,
      { role: 'assistant' as const, content: null, tool_calls: calls },
      { role: 'tool' as const, tool_call_id: 'call_1', content: 'mist' },
    ]
    provider.seen.length = 0
    const { choices } = await openai.chat.completions.create(ask(model, { messages, tool_choice: 'none' }))
    expect(choices[0]!.finish_reason).toBe('stop')
    expect(choices[0]!.message.content!.length).toBeGreaterThan(10)
    for (const { messages: asked } of provider.seen) {
      const from = asked.findIndex(({ role }: Json) => role === 'user')
      expect(asked.slice(from, from + 3)).toEqual(messages)
    }
  })
})

test.each(['chasm/auto', 'chasm/map-reduce'])('%s refuses tools by name, and says who takes them', async (model) => {
  const response = await live.post('/v1/chat/completions', ask(model))
  const { error } = (await response.json()) as Json
  expect([response.status, error.code, error.param]).toEqual([400, 'invalid_request', 'tools'])
  expect(error.message).toContain('chasm/ensemble, chasm/debate, chasm/plan')
})

test('an answer of a virtual model ends as its last node ended', async () => {
  const asked = { model: 'chasm/ensemble', messages: ask('').messages, max_tokens: 5 }
  const whole = await openai.chat.completions.create(asked)
  expect(whole.choices[0]!.finish_reason).toBe('length')
  const streamed = await openai.chat.completions.stream(asked).finalChatCompletion()
  expect(streamed.choices[0]!.finish_reason).toBe('length')
})
