import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readProviderSettings } from '../../scout/providers/configured.ts'
import { localService, serviceNames } from '../../scout/providers/dialects.ts'
import { readModelList } from '../../scout/providers/models/model-list.ts'
import { canonicalNames, type ModelNames } from '../../scout/providers/models/model-names.ts'
import { offersOf } from '../../scout/providers/models/model-offers.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'

function namesIn(text: string): ModelNames | string[] {
  const settings = readProviderSettings({ MODEL_NAMES: text })
  return Array.isArray(settings) ? settings : settings.names
}

const offered = (ids: string[], wanted: string[] = [], names: ModelNames = canonicalNames) =>
  offersOf(readModelList({ data: ids.map((id) => ({ id })) })!, localService('ollama', null), wanted, names)

describe('the same weights', () => {
  test.each([
    ['groq', 'gemma2-9b-it', 'gemma2-9b-it'],
    ['openrouter', 'google/gemma-2-9b-it', 'gemma2-9b-it'],
    ['ollama', 'gemma2:9b', 'gemma2-9b-it'],
    ['vllm', 'google/gemma-2-9b-it', 'gemma2-9b-it'],
    ['vllm', 'meta-llama/Llama-3.1-8B-Instruct', 'llama-3.1-8b-instant'],
    ['openrouter', 'meta-llama/llama-3.1-8b-instruct', 'llama-3.1-8b-instant'],
    ['ollama', 'gpt-oss:20b', 'openai/gpt-oss-20b'],
    ['ollama', 'deepseek-r1:70b', 'deepseek-r1-distill-llama-70b'],
    ['compatible', 'Qwen/Qwen3-8B', 'qwen/qwen3-8b'],
    ['ollama', 'my-own:7b', 'my-own:7b'],
    // What one service calls a model means nothing at another.
    ['openai', 'gemma2:9b', 'gemma2:9b'],
  ] as const)('are called %s/%s there and %s here', (service, own, canonical) => {
    expect(canonicalNames.canonical(service, own)).toBe(canonical)
  })

  test('are offered once, under the canonical name, and asked for by the service’s own', () => {
    const { offers, ownNames } = offered(['gemma2:9b', 'GEMMA2:9B', 'other'])
    expect(offers.map(({ model }) => model)).toEqual(['gemma2-9b-it', 'other'])
    expect([...ownNames]).toEqual([['gemma2-9b-it', 'gemma2:9b']])
  })

  test('are offered as MODEL writes them, by either name', () => {
    expect(offered(['gemma2:9b', 'other'], ['gemma2:9b']).offers.map(({ model }) => model)).toEqual(['gemma2:9b'])
    const byCanonical = offered(['gemma2:9b', 'other'], ['gemma2-9b-it'])
    expect(byCanonical.offers.map(({ model }) => model)).toEqual(['gemma2-9b-it'])
    expect([...byCanonical.ownNames]).toEqual([['gemma2-9b-it', 'gemma2:9b']])
  })
})

describe('MODEL_NAMES', () => {
  test('adds rows, for one service or for all, and its word counts', () => {
    const names = namesIn(
      '{"mine":{"ollama":"my-own:7b","vllm":"me/own"},"ours":"same-everywhere","gemma":{"ollama":"gemma2:9b"}}',
    )
    if (Array.isArray(names)) throw new Error(names.join())
    expect(names.canonical('ollama', 'my-own:7b')).toBe('mine')
    expect(names.canonical('vllm', 'me/own')).toBe('mine')
    for (const service of serviceNames) expect(names.canonical(service, 'same-everywhere')).toBe('ours')
    expect(names.canonical('ollama', 'gemma2:9b')).toBe('gemma')
    expect(names.canonical('openrouter', 'google/gemma-2-9b-it')).toBe('gemma2-9b-it')
  })

  test('may name a file', () => {
    const folder = temporaryFolder()
    const path = join(folder, 'names.json')
    writeFileSync(path, '{"mine":{"ollama":"my-own:7b"}}\n')
    const names = namesIn(path)
    expect((names as ModelNames).canonical('ollama', 'my-own:7b')).toBe('mine')
  })

  test.each([
    ['{"mine":', /MODEL_NAMES must hold .* JSON/],
    ['{"mine":{"ollamma":"x"}}', /services are groq, /],
    ['{"mine":7}', /MODEL_NAMES/],
    ['{"mine":{"ollama":""}}', /MODEL_NAMES/],
    ['{"":"x"}', /MODEL_NAMES/],
    ['no/such/file.json', /path of a file with it that can be read/],
    [import.meta.dirname, /MODEL_NAMES/],
  ])('that reads %s is refused with a sentence', (text, sentence) => {
    expect((namesIn(text) as string[]).join(' ')).toMatch(sentence)
  })
})

test('a scout loads the SDK of a service when it is first asked, and no other', async () => {
  const at = (path: string) => JSON.stringify(new URL(`../../${path}`, import.meta.url).pathname)
  const script = `
    const { configuredProviders, readProviderSettings } = await import(${at('scout/providers/configured.ts')})
    const { realSystem } = await import(${at('shared/system.ts')})
    const { signal } = new AbortController()
    const loaded = () => ['openai', 'groq-sdk'].filter((name) =>
      Object.keys(require.cache).some((path) => path.includes('/node_modules/' + name + '/')))
    const settings = readProviderSettings({ GROQ_API_KEY: 'gsk-x', OLLAMA_URL: 'http://127.0.0.1:9' })
    const { providers } = await configuredProviders(settings, realSystem(), signal)
    const seen = [loaded()]
    const body = new TextEncoder().encode('{"messages":[]}')
    const request = { kind: 'chat', model: 'm', stream: false, body }
    for (const provider of providers) {
      await provider.answer(request, {}, AbortSignal.abort()).catch(() => {})
      seen.push(loaded())
    }
    console.log(JSON.stringify(seen))
    process.exit(0)`
  const child = Bun.spawn([process.execPath, '-e', script], { env: { PATH: process.env.PATH }, stdout: 'pipe' })
  onTestFinished(() => child.kill())
  expect(JSON.parse(await child.stdout.text())).toEqual([[], ['groq-sdk'], ['openai', 'groq-sdk']])
})
