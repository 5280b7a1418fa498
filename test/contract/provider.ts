/**
 * What every Provider has to do, whatever stands behind it; each adapter's test runs this suite. The service under it
 * answers as the demo provider does: to tools with a call, to a schema with an instance.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Provider } from '../../scout/providers/provider.ts'
import { ask, collector, failure, type Json } from '../support/providers/provider-calls.ts'

export interface ProviderStage {
  /** Answers at full speed. */
  provider: Provider
  /** Begins an answer at once and says nothing more for longer than any test waits; its own clock stands still. */
  slow: Provider
  stop(): Promise<void>
}

const identityFields = ['id', 'object', 'created', 'model', 'chasm']
const hello = { messages: [{ role: 'user', content: 'Hello there, provider' }] }
const schema = {
  type: 'object',
  properties: {
    city: { type: 'string' },
    unit: { enum: ['C', 'F'] },
    days: { type: 'integer', minimum: 2, maximum: 5 },
  },
  required: ['city', 'unit', 'days'],
  additionalProperties: false,
}
const tools = [{ type: 'function', function: { name: 'weather', parameters: schema } }]

function expectFits(value: Json): void {
  expect(Object.keys(value).sort()).toEqual(['city', 'days', 'unit'])
  expect(value.city).toBeTypeOf('string')
  expect(['C', 'F']).toContain(value.unit)
  expect([2, 3, 4, 5]).toContain(value.days)
}

function delta(line: Json): Json {
  return line.choices[0].delta
}

export function providerContract(name: string, open: () => Promise<ProviderStage>): void {
  describe(`the provider contract, kept by ${name}`, () => {
    let stage: ProviderStage
    beforeAll(async () => {
      stage = await open()
    })
    afterAll(() => stage.stop())

    test('offers chat and embedding models under its name', async () => {
      const offers = await stage.provider.discover(new AbortController().signal)
      expect(offers.map(({ kind, model }) => [kind, model])).toEqual([
        ['chat', 'demo-small'],
        ['chat', 'demo-large'],
        ['embed', 'demo-embed'],
      ])
      for (const { provider } of offers) expect(provider).toBe(stage.provider.name)
    })

    test('answers in one piece, with usage and without what is the hub’s to write', async () => {
      const { answer, lines } = await ask(stage.provider, hello)
      expect(lines).toEqual([])
      for (const field of identityFields) expect(answer).not.toHaveProperty(field)
      expect(answer.choices[0].message.role).toBe('assistant')
      expect(answer.choices[0].message.content).toContain('Hello there, provider')
      expect(answer.choices[0].finish_reason).toBe('stop')
      expect(answer.usage.total_tokens).toBe(answer.usage.prompt_tokens + answer.usage.completion_tokens)
    })

    test('streams the same text in pieces: role first, finish_reason last, usage in the tail alone', async () => {
      const { answer: inOne } = await ask(stage.provider, hello)
      const { answer, lines } = await ask(stage.provider, hello, { stream: true })
      for (const line of lines) for (const field of [...identityFields, 'usage']) expect(line).not.toHaveProperty(field)
      expect(delta(lines[0]!).role).toBe('assistant')
      expect(lines.length).toBeGreaterThan(10)
      expect(lines.map(({ choices }) => choices[0].finish_reason).filter(Boolean)).toEqual(['stop'])
      expect(lines.at(-1)!.choices[0].finish_reason).toBe('stop')
      expect(lines.map((line) => delta(line).content ?? '').join('')).toBe(inOne.choices[0].message.content)
      for (const field of identityFields) expect(answer).not.toHaveProperty(field)
      expect(answer.choices).toEqual([])
      expect(answer.usage.completion_tokens).toBeGreaterThan(10)
    })

    test('sends one line at a time and waits until it was taken', async () => {
      let held = 0
      const { lines } = await ask(stage.provider, hello, {
        stream: true,
        async onLine() {
          expect(++held).toBe(1)
          await new Promise((resolve) => setImmediate(resolve))
          held--
        },
      })
      expect(lines.length).toBeGreaterThan(10)
    })

    test('calls a tool with arguments that fit its schema, streamed and not', async () => {
      const { answer } = await ask(stage.provider, { ...hello, tools, tool_choice: 'required' })
      const [call] = answer.choices[0].message.tool_calls
      expect(answer.choices[0].finish_reason).toBe('tool_calls')
      expect([call.type, call.function.name]).toEqual(['function', 'weather'])
      expectFits(JSON.parse(call.function.arguments))

      const { lines } = await ask(stage.provider, { ...hello, tools }, { stream: true })
      const pieces = lines.flatMap((line) => delta(line).tool_calls ?? [])
      expect(pieces[0]).toMatchObject({ index: 0, type: 'function', function: { name: 'weather' } })
      expect(pieces[0].id).toMatch(/^call_/)
      expectFits(JSON.parse(pieces.map((piece: Json) => piece.function.arguments).join('')))
      expect(lines.at(-1)!.choices[0].finish_reason).toBe('tool_calls')
    })

    test('answers in text that quotes the result once a tool has answered', async () => {
      const call = { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{}' } }
      const messages = [
        ...hello.messages,
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: 'call_1', content: '21 degrees and sunny' },
      ]
      const { answer } = await ask(stage.provider, { messages, tools })
      expect(answer.choices[0].message.content).toContain('21 degrees and sunny')
      expect(answer.choices[0].finish_reason).toBe('stop')
    })

    test('answers with JSON that fits the schema of response_format', async () => {
      const response_format = { type: 'json_schema', json_schema: { name: 'report', strict: true, schema } }
      const { answer } = await ask(stage.provider, { ...hello, response_format })
      expectFits(JSON.parse(answer.choices[0].message.content))
    })

    test('gives as many choices as asked for, streamed and not', async () => {
      const { answer } = await ask(stage.provider, { ...hello, n: 2 })
      expect(answer.choices.map(({ index }: Json) => index)).toEqual([0, 1])
      const { lines } = await ask(stage.provider, { ...hello, n: 2 }, { stream: true })
      for (const index of [0, 1]) {
        const own = lines.filter(({ choices }) => choices[0].index === index)
        expect(delta(own[0]!).role).toBe('assistant')
        expect(own.at(-1)!.choices[0].finish_reason).toBe('stop')
      }
    })

    test('gives log probabilities for every piece when asked', async () => {
      const { lines } = await ask(stage.provider, { ...hello, logprobs: true, top_logprobs: 2 }, { stream: true })
      const said = lines.filter((line) => delta(line).content)
      for (const line of said) {
        const [{ token, logprob, bytes, top_logprobs }] = line.choices[0].logprobs.content
        expect(token).toBe(delta(line).content)
        expect(logprob).toBeLessThanOrEqual(0)
        expect(new TextDecoder().decode(new Uint8Array(bytes))).toBe(token)
        expect(top_logprobs).toHaveLength(2)
      }
    })

    test('stops at max_tokens and says so', async () => {
      const { answer } = await ask(stage.provider, { ...hello, max_tokens: 3 })
      expect(answer.choices[0].finish_reason).toBe('length')
      expect(answer.usage.completion_tokens).toBe(3)
    })

    test('embeds as floats unless asked for base64, the same vectors both ways', async () => {
      const body = { input: ['one', 'two'], dimensions: 8 }
      const { answer: floats } = await ask(stage.provider, body, { kind: 'embed' })
      const { answer: packed } = await ask(stage.provider, { ...body, encoding_format: 'base64' }, { kind: 'embed' })
      expect(floats.data.map(({ index }: Json) => index)).toEqual([0, 1])
      expect(floats.usage.total_tokens).toBe(2)
      for (const [index, row] of packed.data.entries()) {
        const bytes = Buffer.from(row.embedding, 'base64')
        const vector = Array.from({ length: 8 }, (_, at) => bytes.readFloatLE(at * 4))
        expect(vector).toEqual(floats.data[index].embedding)
      }
    })

    test('refuses a malformed request by the name of its field', async () => {
      const fault = await failure(ask(stage.provider, { messages: [{ role: 'pirate', content: 'Arr' }] }))
      expect(fault).toMatchObject({ code: 'invalid_request', param: 'messages[0].role' })
      const whole = ask(stage.provider, { messages: [] }, { stream: true })
      expect(await failure(whole)).toMatchObject({ code: 'invalid_request', param: 'messages' })
      const noJson = stage.provider.answer(
        { kind: 'chat', model: 'demo-small', stream: false, body: new TextEncoder().encode('{"messages":') },
        collector().writer,
        new AbortController().signal,
      )
      expect(await failure(noJson)).toMatchObject({ code: 'invalid_request' })
    })

    test.each([true, false])('ends with an abort, and waits for nothing else (streamed: %s)', async (stream) => {
      const controller = new AbortController()
      const abort = () => controller.abort()
      const { signal } = controller
      const asked = ask(stage.slow, hello, { stream, signal, onLine: async () => abort() })
      if (!stream) setImmediate(abort)
      expect(await asked.catch((error: unknown) => error)).toBe(signal.reason)
    })

    test('does nothing for a request that was aborted before', async () => {
      const { lines, writer } = collector()
      const body = new TextEncoder().encode(JSON.stringify(hello))
      const request = { kind: 'chat', model: 'demo-small', stream: true, body } as const
      await expect(stage.provider.answer(request, writer, AbortSignal.abort())).rejects.toThrow(/abort/i)
      expect(lines).toEqual([])
    })
  })
}
