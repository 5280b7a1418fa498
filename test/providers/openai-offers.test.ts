import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hostedService, localService, type Service } from '../../scout/providers/dialects.ts'
import { ServiceProvider } from '../../scout/providers/service/service-provider.ts'
import { realSystem } from '../../shared/system.ts'
import { type OpenAiStandIn, startOpenAiStandIn } from '../support/providers/openai-stand-in.ts'
import { failure } from '../support/providers/provider-calls.ts'

let standIn: OpenAiStandIn
let provider: ServiceProvider

function providerAt(change: Partial<Service> = {}, models: string[] = []): ServiceProvider {
  return new ServiceProvider({ ...localService('vllm', standIn.baseURL), ...change }, models, realSystem())
}

beforeEach(() => {
  standIn = startOpenAiStandIn()
  provider = providerAt()
})
afterEach(() => standIn.stop())

describe('what is offered', () => {
  const signal = new AbortController().signal
  const list =
    (...ids: string[]) =>
    () =>
      Response.json({ object: 'list', data: ids.map((id) => ({ id })) })

  test('is what the service lists, with its context length where it says one', async () => {
    expect((await provider.discover(signal))[0]).toMatchObject({
      kind: 'chat',
      model: 'demo-small',
      provider: 'vllm',
      contextTokens: 8_192,
    })
  })

  test('leaves out what a hosted service sells beside chat and embeddings, unless MODEL names it', async () => {
    const ids = ['gpt-x', 'whisper-1', 'tts-1', 'text-embedding-3-small', 'omni-moderation-latest', 'dall-e-3']
    const hosted = { ...hostedService('openai', 'sk-x'), baseURL: standIn.baseURL }
    standIn.script(list(...ids))
    expect((await providerAt(hosted).discover(signal)).map(({ kind, model }) => [kind, model])).toEqual([
      ['chat', 'gpt-x'],
      ['embed', 'text-embedding-3-small'],
    ])
    standIn.script(list(...ids))
    expect((await providerAt(hosted, ['tts-1', 'gpt-x']).discover(signal)).map(({ model }) => model)).toEqual([
      'gpt-x',
      'tts-1',
    ])
  })

  test('passes over names that cannot travel and stops at the bound', async () => {
    standIn.script(list('', 'x'.repeat(200), 'a\nb', ...Array.from({ length: 400 }, (_, index) => `m${index}`)))
    const offers = await provider.discover(signal)
    expect(offers).toHaveLength(256)
    expect(offers[0]!.model).toBe('m0')
  })

  test('is refused with a sentence that says what to do', async () => {
    const groq = { ...hostedService('groq', 'gsk-secret'), baseURL: standIn.baseURL }
    standIn.script(() => Response.json({ error: { message: 'Invalid key gsk-secret' } }, { status: 401 }))
    const unauthorized = await failure(providerAt(groq).discover(signal))
    expect(unauthorized.code).toBe('provider_unauthorized')
    expect(unauthorized.message).toBe('groq answered 401: the key in GROQ_API_KEY is not accepted')

    const missing = await failure(providerAt({}, ['nowhere']).discover(signal))
    expect(missing).toMatchObject({ code: 'not_offered' })
    expect(missing.message).toContain('MODEL')

    standIn.script(list())
    expect((await failure(provider.discover(signal))).message).toContain('load one')
    standIn.script(() => new Response('<html>'))
    expect(await failure(provider.discover(signal))).toMatchObject({ code: 'provider_bad_answer' })
    standIn.script(() => Response.json({ models: [] }))
    expect(await failure(provider.discover(signal))).toMatchObject({ code: 'provider_bad_answer' })
  })
})
