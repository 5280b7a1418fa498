import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hostedService, localService, rowOf, serviceNames } from '../../scout/providers/dialects.ts'
import type { Provider } from '../../scout/providers/provider.ts'
import { ServiceProvider } from '../../scout/providers/service/service-provider.ts'
import { heldSystem } from '../support/clocks/held-system.ts'
import { type Dialect, type DialectStandIn, startDialectStandIn } from '../support/providers/dialect-stand-in.ts'
import { groq, openai, openrouter } from '../support/providers/hosted-dialects.ts'
import { llamacpp, lmstudio, ollama, vllm } from '../support/providers/local-dialects.ts'
import { ask, failure, type Json } from '../support/providers/provider-calls.ts'

const dialects = [groq, openrouter, openai, ollama, vllm, lmstudio, llamacpp]
const { signal } = new AbortController()
const question = { messages: [{ role: 'user', content: 'What is 1 + 2?' }] }
const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }]

function providerFor(dialect: Dialect, standIn: DialectStandIn, key = dialect.key): Provider {
  // A wall clock that stands at the first of January 2024: resets are told as moments.
  const system = heldSystem()
  const { baseURL } = standIn
  if (key === null) return new ServiceProvider(localService(dialect.name, baseURL), [], system)
  const service = { ...hostedService(dialect.name, key), baseURL }
  return new ServiceProvider(service, [], system)
}

test('every service but the nameless one has a dialect', () => {
  expect(dialects.map(({ name }) => name).sort()).toEqual(serviceNames.filter((name) => name !== 'compatible').sort())
})

describe.each(dialects)('a stand-in of $name', (dialect) => {
  let standIn: DialectStandIn
  let provider: Provider
  const model = dialect.offers[0]!.model!

  beforeAll(async () => {
    standIn = startDialectStandIn(dialect)
    provider = providerFor(dialect, standIn)
  })
  afterAll(() => standIn.stop())

  test('lists its models, what they can and what they cost, under their canonical names', async () => {
    const offers = await provider.discover(signal)
    expect(offers).toMatchObject(dialect.offers)
    expect(offers).toHaveLength(dialect.offers.length)
  })

  test('is asked for a model by its own name for it', async () => {
    await provider.discover(signal)
    await ask(provider, question, { model })
    expect(standIn.seen.at(-1)!.body.model).toBe(dialect.model)
  })

  test('answers in a stream whose usage is in the tail alone, and in one piece', async () => {
    const { answer, lines } = await ask(provider, question, { model, stream: true })
    expect(lines.map(({ choices }) => choices[0].delta.content ?? '').join('')).toBe('Three.')
    expect(lines.at(-1)!.choices[0].finish_reason).toBe('stop')
    for (const line of lines)
      for (const field of ['usage', 'x_groq', 'id', 'model']) expect(line[field]).toBeUndefined()
    expect(answer).toMatchObject({ choices: [], usage: { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 } })
    const whole = await ask(provider, question, { model })
    expect(whole.answer.choices[0].message.content).toBe('Three.')
    expect(whole.answer.usage.total_tokens).toBe(12)
    expect(whole.answer).not.toHaveProperty('x_groq')
  })

  test('calls tools in pieces that a client can put together, and in one piece', async () => {
    const { lines } = await ask(provider, { ...question, tools }, { model, stream: true })
    const calls: Json[] = []
    for (const piece of lines.flatMap(({ choices }) => choices[0].delta.tool_calls ?? [])) {
      calls[piece.index] ??= { ...piece, function: { ...piece.function, arguments: '' } }
      calls[piece.index]!.function.arguments += piece.function.arguments
    }
    const whole = await ask(provider, { ...question, tools }, { model })
    for (const made of [calls, whole.answer.choices[0].message.tool_calls]) {
      expect(
        made.map((call: Json) => [call.type, call.function.name, JSON.parse(call.function.arguments).city]),
      ).toEqual([
        ['function', 'weather', 'Oslo'],
        ['function', 'weather', 'Rome'],
      ])
    }
    expect(lines.at(-1)!.choices[0].finish_reason).toBe('tool_calls')
    expect(whole.answer.choices[0].finish_reason).toBe('tool_calls')
  })

  test.each(dialect.errors)('says that $what', async (error) => {
    for (const stream of [false, true]) {
      // What fails after the headers is a chunk of the stream there.
      if (stream && error.status === 200) continue
      standIn.fail(error)
      const fault = await failure(ask(provider, question, { model, stream }))
      standIn.recover()
      expect([fault.code, fault.retryAfterMs]).toEqual([error.fault, error.retryAfterMs])
    }
    expect(error.source).not.toBe('')
  })

  test('breaks in the middle of a stream', async () => {
    standIn.breakNext()
    expect(await failure(ask(provider, question, { model, stream: true }))).toMatchObject({
      code: dialect.broken.fault,
    })
  })
})

describe.each(dialects.filter(({ key }) => key !== null))('a key that $name does not know', (dialect) => {
  test('is refused when the service is asked what it has, by the name of its variable', async () => {
    const standIn = startDialectStandIn(dialect)
    const fault = await failure(providerFor(dialect, standIn, 'gsk-wrong').discover(signal))
    await standIn.stop()
    const { variable } = rowOf(dialect.name)
    expect(fault).toMatchObject({
      code: 'provider_unauthorized',
      message: `${dialect.name} answered 401: the key in ${variable} is not accepted`,
    })
  })
})

describe('a limit that an answer has just used up', () => {
  test('is told with the answer, so that the next request need not run into it', async () => {
    const headers = { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '7.66s' }
    const server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: () => Response.json(groq.text.whole, { headers }),
    })
    const service = { ...hostedService('groq', 'x'), baseURL: `http://127.0.0.1:${server.port}/v1` }
    const provider = new ServiceProvider(service, [], heldSystem())
    const body = new TextEncoder().encode(JSON.stringify(question))
    const request = { kind: 'chat', model: 'm', stream: false, body } as const
    expect((await provider.answer(request, { line: async () => {} }, signal)).pauseMs).toBe(7_660)
    await server.stop(true)
  })
})
