import { afterEach, describe, expect, test } from 'vitest'
import {
  configuredProviders,
  configuredService,
  type ProviderSettings,
  readProviderSettings,
} from '../../scout/providers/configured.ts'
import { detectLocalService, type LocalServer } from '../../scout/providers/detect.ts'
import type { ServiceName } from '../../scout/providers/dialects.ts'
import { readBaseUrl } from '../../scout/providers/dialects.ts'
import { ServiceProvider } from '../../scout/providers/service/service-provider.ts'
import { providerProbeMs } from '../../shared/limits/provider.ts'
import { realSystem } from '../../shared/system.ts'
import { heldSystem } from '../support/clocks/held-system.ts'
import { type OpenAiStandIn, type Scripted, startOpenAiStandIn } from '../support/providers/openai-stand-in.ts'
import { ask } from '../support/providers/provider-calls.ts'

const { signal } = new AbortController()
const standIns: OpenAiStandIn[] = []
afterEach(async () => {
  for (const standIn of standIns.splice(0)) await standIn.stop()
})

function listen(script?: Scripted): OpenAiStandIn {
  const standIn = startOpenAiStandIn()
  if (script) standIn.script(script)
  standIns.push(standIn)
  return standIn
}

/** A port where nobody listens any more. */
async function closedPort(): Promise<number> {
  const standIn = startOpenAiStandIn()
  await standIn.stop()
  return standIn.port
}

function settingsOf(env: Record<string, string>): ProviderSettings {
  const settings = readProviderSettings(env)
  if (Array.isArray(settings)) throw new Error(settings.join(' '))
  return settings
}

function choose(env: Record<string, string>, servers: LocalServer[] = []) {
  return configuredProviders(settingsOf(env), realSystem(), signal, servers)
}

describe('choosing providers', () => {
  test('takes all that are configured, in the order of PROVIDERS if that is set', async () => {
    const env = { OPENAI_API_KEY: 'sk-x', GROQ_API_KEY: 'gsk-x', VLLM_URL: 'http://127.0.0.1:9' }
    const names = async (extra = {}) => (await choose({ ...env, ...extra })).providers.map(({ name }) => name)
    expect(await names()).toEqual(['groq', 'openai', 'vllm'])
    expect(await names({ PROVIDERS: 'vllm, groq' })).toEqual(['vllm', 'groq'])
    expect(await names({ PROVIDERS: 'demo' })).toEqual(['demo'])
    expect(await names({ PROVIDERS: 'ollama,demo' })).toEqual(['ollama', 'demo'])
  })

  test('takes a local server when none is configured, and says where it found it', async () => {
    const { port, baseURL, seen } = listen()
    const { providers, notes } = await choose({}, [{ name: 'lmstudio', port }])
    expect(providers.map(({ name }) => name)).toEqual(['lmstudio'])
    expect(notes[0]).toContain(`LM Studio at ${baseURL}`)
    await ask(providers[0]!, { messages: [{ role: 'user', content: 'Hi' }] })
    expect(seen.at(-1)!.path).toBe('/v1/chat/completions')
  })

  test('falls back to the demo, and says plainly what it is and what to set', async () => {
    const { providers, notes } = await choose({}, [{ name: 'ollama', port: await closedPort() }])
    expect(providers.map(({ name }) => name)).toEqual(['demo'])
    expect(notes.join(' ')).toMatch(/no language model/)
    expect(notes.join(' ')).toMatch(/GROQ_API_KEY.*OLLAMA_URL/)
  })

  test('asks Groq through its own SDK and everything else through the other', async () => {
    const env = { GROQ_API_KEY: 'gsk-x', OPENAI_API_KEY: 'sk-x', LMSTUDIO_URL: 'http://127.0.0.1:9' }
    const { providers } = await choose(env)
    expect(providers.map(({ name }) => name)).toEqual(['groq', 'openai', 'lmstudio'])
    const { baseURL, seen } = listen()
    const asking = async (name: ServiceName) => {
      const service = { ...configuredService(name, settingsOf(env))!, baseURL }
      await ask(new ServiceProvider(service, [], realSystem()), { messages: [{ role: 'user', content: 'Hi' }] })
      return seen.at(-1)!.headers.get('user-agent')
    }
    expect(await asking('groq')).toMatch(/^Groq\/JS/)
    expect(await asking('openai')).toMatch(/^OpenAI\/JS/)
    expect(await asking('lmstudio')).toMatch(/^OpenAI\/JS/)
  })

  test('tells OpenRouter whose application it is and what to heed, whatever the client wishes', async () => {
    const { baseURL, seen } = listen()
    const settings = settingsOf({
      OPENROUTER_API_KEY: 'sk-or-x',
      OPENROUTER_REFERER: 'https://chasm.example',
      OPENROUTER_TITLE: 'My pool',
      OPENROUTER_PROVIDER: '{"data_collection":"deny","sort":"price"}',
    })
    const service = configuredService('openrouter', settings)!
    const provider = new ServiceProvider({ ...service, baseURL }, [], realSystem())
    const routing = { sort: 'latency', only: ['x'] }
    await ask(provider, { messages: [{ role: 'user', content: 'Hi' }], provider: routing })
    const { headers, body } = seen.at(-1)!
    expect(headers.get('http-referer')).toBe('https://chasm.example')
    expect([headers.get('x-openrouter-title'), headers.get('x-title')]).toEqual(['My pool', 'My pool'])
    // The hub has routed by the client's own preferences already.
    expect(body.provider).toEqual({ data_collection: 'deny', sort: 'price' })
  })

  test('sends a compatible server its key', async () => {
    const { baseURL, seen } = listen()
    const { providers } = await choose({ COMPATIBLE_URL: baseURL, COMPATIBLE_API_KEY: 'their-key' })
    await ask(providers[0]!, { messages: [{ role: 'user', content: 'Hi' }] })
    expect(seen.at(-1)!.headers.get('authorization')).toBe('Bearer their-key')
  })

  test('does not look for local servers when something is configured', async () => {
    const { port, seen } = listen()
    await choose({ GROQ_API_KEY: 'gsk-x' }, [{ name: 'ollama', port }])
    expect(seen).toEqual([])
  })

  test('narrows the demo to MODEL', async () => {
    const { providers } = await choose({ PROVIDERS: 'demo', MODEL: 'demo-large' })
    expect((await providers[0]!.discover(signal)).map(({ model }) => model)).toEqual(['demo-large'])
    await expect(choose({ PROVIDERS: 'demo', MODEL: 'gpt' })).rejects.toThrow(/MODEL \(gpt\).*demo-small/)
  })

  test.each([
    [{ PROVIDERS: 'grok' }, /PROVIDERS names "grok", which is unknown: choose among groq, .*demo/],
    [{ PROVIDERS: 'toString' }, /unknown/],
    [{ PROVIDERS: 'groq' }, /GROQ_API_KEY is not set/],
    [{ PROVIDERS: 'demo,openai' }, /OPENAI_API_KEY is not set/],
    [{ PROVIDERS: 'compatible' }, /COMPATIBLE_URL is not set/],
  ])('refuses %j with a sentence', async (env, sentence) => {
    await expect(choose(env)).rejects.toThrow(sentence)
  })
})

describe('reading the settings', () => {
  test('has a default for everything', () => {
    expect(readProviderSettings({})).toMatchObject({ firstTokenMs: 600_000, privateUrls: false })
    const told = { PROVIDER_FIRST_TOKEN_SECONDS: '30', SCOUT_PRIVATE_URLS: 'allow' }
    expect(readProviderSettings(told)).toMatchObject({ firstTokenMs: 30_000, privateUrls: true })
    expect(readProviderSettings({})).toMatchObject({ order: [], models: [], groqKey: null, ollamaUrl: null })
    expect(settingsOf({}).demo).toMatchObject({ seed: 1, failureRate: 0, tokens: 64 })
  })

  test('reads lists, keys, URLs and the demo’s knobs', () => {
    const settings = settingsOf({
      PROVIDERS: ' Groq , demo,groq',
      MODEL: 'a, b',
      MODELS: 'b,c',
      GROQ_API_KEY: ' gsk-x ',
      OPENAI_API_KEY: '',
      OLLAMA_URL: 'http://10.0.0.1:11434/',
      DEMO_SEED: '7',
      DEMO_MODELS: 'm',
      DEMO_FIRST_TOKEN_MS: '0',
      DEMO_TOKENS_PER_SECOND: '0',
      DEMO_TOKENS: '10',
      DEMO_FAILURE_RATE: '0.5',
    })
    expect(settings).toMatchObject({
      order: ['groq', 'demo'],
      models: ['a', 'b', 'c'],
      groqKey: 'gsk-x',
      openrouterKey: null,
      openaiKey: null,
      vllmUrl: null,
      ollamaUrl: 'http://10.0.0.1:11434/v1',
      demo: { seed: 7, models: ['m'], firstTokenMs: 0, tokensPerSecond: 0, tokens: 10, failureRate: 0.5 },
    })
  })

  test('says of every bad variable what it wants, and never shows a key', () => {
    const errors = readProviderSettings({
      GROQ_API_KEY: 'gsk secret',
      VLLM_URL: 'localhost:8000',
      OLLAMA_URL: 'http://me:secret@host',
      DEMO_TOKENS: 'many',
      DEMO_TOKENS_PER_SECOND: '1.5',
      DEMO_FAILURE_RATE: '2',
      MODEL: 'x'.repeat(200),
      PROVIDER_FIRST_TOKEN_SECONDS: '0',
      SCOUT_PRIVATE_URLS: 'perhaps',
    }) as string[]
    const waiting = ['PROVIDER_FIRST_TOKEN_SECONDS', 'SCOUT_PRIVATE_URLS']
    const variables = [
      'MODEL',
      ...waiting,
      'GROQ_API_KEY',
      'VLLM_URL',
      'OLLAMA_URL',
      'DEMO_TOKENS_PER_SECOND',
      'DEMO_TOKENS',
    ]
    expect(errors.map((sentence) => sentence.split(' ')[0])).toEqual([...variables, 'DEMO_FAILURE_RATE'])
    expect(errors.join(' ')).not.toContain('secret')
  })

  test.each([
    ['http://127.0.0.1:8000', 'http://127.0.0.1:8000/v1'],
    ['http://127.0.0.1:8000/', 'http://127.0.0.1:8000/v1'],
    ['https://host/openai/v1/', 'https://host/openai/v1'],
    ['ftp://host', null],
    ['nonsense', null],
  ])('takes %s as %s', (text, url) => expect(readBaseUrl(text)).toBe(url))
})

describe('looking for local servers', () => {
  const find = (servers: OpenAiStandIn[]) =>
    detectLocalService(
      servers.map(({ port }, index) => ({ name: index === 0 ? 'ollama' : 'vllm', port })),
      realSystem(),
      signal,
    )

  test('takes the first that has models', async () => {
    const [one, two] = [listen(), listen()]
    expect(await find([one, two])).toMatchObject({ name: 'ollama', baseURL: one.baseURL, apiKey: null })
  })

  test.each([
    ['a hub', () => Response.json({ data: [{ id: 'm' }] }, { headers: { 'x-chasm': '1' } })],
    ['a server that wants a key', () => Response.json({ error: {} }, { status: 401 })],
    ['a web page', () => new Response('<html>')],
    ['another JSON', () => Response.json({ models: ['m'] })],
    ['no models', () => Response.json({ data: [] })],
    ['a redirect', () => Response.redirect('http://127.0.0.1:1/v1/models')],
  ])('passes over %s', async (_name, script) => {
    const [one, two] = [listen(script), listen()]
    expect(await find([one, two])).toMatchObject({ name: 'vllm', baseURL: two.baseURL })
  })

  test('waits for a silent one no longer than a probe may take', async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>()
    const silent = listen((_request, aborted) => {
      resolve()
      return new Promise((answer) => aborted.addEventListener('abort', () => answer(new Response())))
    })
    const system = heldSystem()
    const found = detectLocalService([{ name: 'ollama', port: silent.port }], system, signal)
    await asked
    expect(system.delays()).toEqual([providerProbeMs])
    system.advance(providerProbeMs)
    expect(await found).toBeNull()
  })
})
