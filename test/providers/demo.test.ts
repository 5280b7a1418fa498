import { describe, expect, test } from 'vitest'
import { DemoProvider, type DemoSettings, demoDefaults } from '../../scout/providers/demo/demo.ts'
import type { System } from '../../shared/system.ts'
import { heldSystem } from '../support/clocks/held-system.ts'
import { ask, collector, failure, type Json } from '../support/providers/provider-calls.ts'

const hello = { messages: [{ role: 'user', content: 'Tell me of the chasm' }] }
const atOnce = { firstTokenMs: 0, tokensPerSecond: 0 }

function demo(settings: Partial<DemoSettings> = {}, system: System = heldSystem()): DemoProvider {
  return new DemoProvider({ ...demoDefaults, ...atOnce, ...settings }, system)
}

async function textOf(provider: DemoProvider, body: Json = hello): Promise<string> {
  return (await ask(provider, body)).answer.choices[0].message.content
}

describe('the demo provider', () => {
  test('says what it is and echoes what was said', async () => {
    const text = await textOf(demo())
    expect(text).toMatch(/^This is Chasm's built-in demo provider, not a language model\./)
    expect(text).toContain('Tell me of the chasm')
  })

  test('goes on after any beginning of its answer, so that both together are the answer in one go', async () => {
    const requests: Json[] = [hello, { ...hello, max_tokens: 20 }, { ...hello, stop: ['short list'] }]
    for (const request of requests) {
      const { message, finish_reason } = (await ask(demo(), request)).answer.choices[0]
      const whole: string = message.content
      for (let length = 1; length <= whole.length; length += 7) {
        const said = whole.slice(0, length)
        const messages = [...request.messages, { role: 'assistant', content: said, prefix: true }]
        const body = { ...request, messages, continue_final_message: true }
        const [choice] = (await ask(demo(), body)).answer.choices
        expect([said + choice.message.content, choice.finish_reason]).toEqual([whole, finish_reason])
        const { lines } = await ask(demo(), body, { stream: true })
        const rest = lines.map(({ choices }) => choices[0].delta.content ?? '').join('')
        expect(said + rest).toBe(whole)
      }
    }
  })

  test('answers anew when it is not told to go on', async () => {
    const messages = [...hello.messages, { role: 'assistant', content: 'This is' }]
    expect(await textOf(demo(), { messages })).toMatch(/^This is Chasm's/)
  })

  test('gives the same bytes for the same request and seed, in another process-wide order too', async () => {
    const requests = [hello, { ...hello, n: 3, logprobs: true, top_logprobs: 3 }, { ...hello, temperature: 0.5 }]
    const record = async (provider: DemoProvider, order: Json[]) => {
      const answers = new Map<Json, unknown>()
      for (const request of order) {
        const { lines, writer } = collector()
        const body = new TextEncoder().encode(JSON.stringify(request))
        const chat = { kind: 'chat', model: 'demo-small', stream: true, body } as const
        const tail = await provider.answer(chat, writer, new AbortController().signal)
        answers.set(request, [lines, tail, await ask(provider, request)])
      }
      return requests.map((request) => answers.get(request))
    }
    const first = await record(demo(), requests)
    expect(await record(demo(), requests.toReversed())).toEqual(first)
    expect(await record(demo({ seed: 2 }), requests)).not.toEqual(first)
  })

  test('streams exactly what it answers in one piece', async () => {
    const provider = demo()
    const { answer } = await ask(provider, hello)
    const { answer: tail, lines } = await ask(provider, hello, { stream: true })
    expect(lines.map(({ choices }) => choices[0].delta.content ?? '').join('')).toBe(answer.choices[0].message.content)
    expect(tail.usage).toEqual(answer.usage)
    expect(lines[0]).toEqual({
      choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null, logprobs: null }],
    })
    expect(lines.at(-1)).toEqual({ choices: [{ index: 0, delta: {}, finish_reason: 'stop', logprobs: null }] })
  })

  test('answers as long as it is set to', async () => {
    for (const tokens of [5, 64, 500]) {
      const { answer } = await ask(demo({ tokens }), hello)
      expect(answer.usage.completion_tokens).toBe(tokens)
    }
  })

  test('ends before the first stop text', async () => {
    const text = await textOf(demo(), { ...hello, stop: ['demo', 'chasm'] })
    expect(text).toBe("This is Chasm's built-in ")
  })

  test('keeps its pace by the clock: first token, then tokens per second', async () => {
    const system = heldSystem()
    const provider = demo({ firstTokenMs: 200, tokensPerSecond: 50, tokens: 100 }, system)
    const timesMs: number[] = []
    const onLine = async (line: Json) => {
      if (line.choices[0].delta.content) timesMs.push(system.nowMs())
    }
    await system.drive(ask(provider, hello, { stream: true, onLine }))
    expect(timesMs[0]).toBe(200)
    expect(timesMs).toHaveLength(100)
    expect(timesMs.at(-1)).toBe(200 + 99 * 20)

    const beganMs = system.nowMs()
    await system.drive(ask(provider, hello))
    expect(system.nowMs() - beganMs).toBe(200 + 100 * 20)
  })

  test('sets no timer at full speed', async () => {
    const system = heldSystem()
    await ask(demo({ tokens: 1_000 }, system), hello, { stream: true })
    expect(system.nowMs()).toBe(0)
    expect(system.delays()).toEqual([])
  })

  test('leaves no timer behind when it is aborted', async () => {
    const system = heldSystem()
    const controller = new AbortController()
    const asked = ask(demo({ firstTokenMs: 1_000 }, system), hello, { signal: controller.signal })
    expect(system.delays()).toEqual([1_000])
    controller.abort()
    expect(await asked.catch((error: unknown) => error)).toBe(controller.signal.reason)
    expect(system.delays()).toEqual([])
  })

  test('fails as often as it is told to, and for the same requests under the same seed', async () => {
    const failures = async (provider: DemoProvider) => {
      const failed: boolean[] = []
      for (let index = 0; index < 400; index++) {
        const outcome = await ask(provider, hello).catch((error: unknown) => error)
        failed.push(outcome instanceof Error)
      }
      return failed
    }
    const first = await failures(demo({ failureRate: 0.25 }))
    expect(await failures(demo({ failureRate: 0.25 }))).toEqual(first)
    const share = first.filter(Boolean).length / first.length
    expect(share).toBeGreaterThan(0.15)
    expect(share).toBeLessThan(0.35)
    expect(await failure(ask(demo({ failureRate: 1 }), hello))).toMatchObject({ code: 'provider_unavailable' })
  })

  test('offers what it is set to, and refuses any other model', async () => {
    const provider = demo({ models: ['alpha', 'alpha-embed'] })
    expect((await provider.discover()).map(({ kind, model }) => [kind, model])).toEqual([
      ['chat', 'alpha'],
      ['embed', 'alpha-embed'],
    ])
    expect(await failure(ask(provider, hello))).toMatchObject({ code: 'not_offered' })
    expect(await failure(ask(provider, hello, { model: 'alpha-embed' }))).toMatchObject({ code: 'not_offered' })
  })

  test('takes images, audio and parts it does not know, and counts them', async () => {
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
      { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
    ]
    const { answer } = await ask(demo(), { messages: [{ role: 'user', content }] })
    expect(answer.choices[0].message.content).toContain('What is this?')
    expect(answer.usage.prompt_tokens).toBe(3 + 2 * 85)
  })

  test('answers JSON mode with an object', async () => {
    const text = await textOf(demo(), { ...hello, response_format: { type: 'json_object' } })
    expect(JSON.parse(text)).toMatchObject({ heard: 'Tell me of the chasm' })
  })

  test('calls the tool that is named, none when told so', async () => {
    const tools = ['first', 'second'].map((name) => ({ type: 'function', function: { name } }))
    const calls = async (tool_choice: unknown) =>
      (await ask(demo(), { ...hello, tools, tool_choice })).answer.choices[0].message.tool_calls?.map(
        (call: Json) => call.function.name,
      )
    expect(await calls('auto')).toEqual(['first'])
    expect(await calls({ type: 'function', function: { name: 'second' } })).toEqual(['second'])
    expect(await calls('none')).toBeUndefined()
  })

  test('embeds texts and token lists as unit vectors that follow from the text', async () => {
    const embed = async (input: unknown, extra = {}) =>
      (await ask(demo(), { input, ...extra }, { kind: 'embed' })).answer.data.map((row: Json) => row.embedding)
    const [one] = await embed('a text')
    expect(one).toHaveLength(64)
    expect(one.reduce((sum: number, value: number) => sum + value * value, 0)).toBeCloseTo(1, 5)
    expect(await embed(['another', 'a text'])).toContainEqual(one)
    expect(await embed([1, 2, 3])).toHaveLength(1)
    expect(await embed([[1, 2, 3], [4]])).toHaveLength(2)
    expect((await embed('a text', { dimensions: 3 }))[0]).toHaveLength(3)
  })
})

describe('what the demo provider refuses', () => {
  test.each([
    [{}, 'messages'],
    [{ messages: ['x'] }, 'messages[0]'],
    [{ messages: [{ role: 'user' }] }, 'messages[0].content'],
    [{ messages: [{ role: 'user', content: ['x'] }] }, 'messages[0].content[0]'],
    [{ ...hello, n: 0 }, 'n'],
    [{ ...hello, n: 1.5 }, 'n'],
    [{ ...hello, max_tokens: -1 }, 'max_tokens'],
    [{ ...hello, max_completion_tokens: 'many' }, 'max_completion_tokens'],
    [{ ...hello, top_logprobs: 3 }, 'top_logprobs'],
    [{ ...hello, stop: [1] }, 'stop'],
    [{ ...hello, tools: 'all' }, 'tools'],
    [{ ...hello, tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name'],
    [{ ...hello, tool_choice: { type: 'function', function: { name: 'x' } } }, 'tool_choice'],
    [{ ...hello, response_format: { type: 'xml' } }, 'response_format.type'],
    [{ ...hello, response_format: { type: 'json_schema' } }, 'response_format.json_schema.schema'],
  ])('%j names %s', async (body, param) => {
    const fault = await failure(ask(demo(), body))
    expect(fault).toMatchObject({ code: 'invalid_request', param })
    expect(fault.message).toContain(param)
  })

  test.each([
    [{}, 'input'],
    [{ input: '' }, 'input'],
    [{ input: ['a', ''] }, 'input[1]'],
    [{ input: 'x', dimensions: 0 }, 'dimensions'],
    [{ input: Array(2_000).fill('x'), dimensions: 1_000 }, 'dimensions'],
    [{ input: 'x', encoding_format: 'hex' }, 'encoding_format'],
  ])('an embedding of %j names %s', async (body, param) => {
    expect(await failure(ask(demo(), body, { kind: 'embed' }))).toMatchObject({ code: 'invalid_request', param })
  })
})
