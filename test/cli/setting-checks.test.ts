/** Each setting that can be used and is hardly meant: doctor says so, and what to do; a good one passes in silence. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkLines, knownVariables } from '../../scout/cli/file-checks.ts'
import { checkModels, checkSettings } from '../../scout/cli/setting-checks.ts'
import { readConfig } from '../../scout/config.ts'
import { readProviderSettings } from '../../scout/providers/configured.ts'
import { loadEnvFile, readEnvFile, type Variables } from '../../shared/env-file.ts'
import { makeKey } from '../../shared/keys/api-key.ts'
import { offersMax } from '../../shared/limits/wire.ts'
import { realSystem } from '../../shared/system.ts'
import { offerOf } from '../../shared/task.ts'
import { LiveHub } from '../support/hub/live-hub.ts'
import { startCommand } from '../support/machine/programs.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'
import { startOpenAiStandIn } from '../support/providers/openai-stand-in.ts'

const key = makeKey('scout', realSystem().randomBytes)
const groqKey = `gsk_${'a1B2'.repeat(13)}`
const good = { ORCHESTRATOR_URL: 'https://hub.example.org', SCOUT_KEY: key }

function doubts(env: Record<string, string>): string[] {
  const whole = { ...good, ...env }
  const config = readConfig(whole)
  const settings = readProviderSettings(whole)
  if (Array.isArray(config) || Array.isArray(settings))
    throw new Error(`refused: ${JSON.stringify([config, settings])}`)
  return checkSettings(whole, config, settings).map(({ health, sentence }) => {
    expect(health).toBe('warn')
    return sentence
  })
}

describe('settings in good order', () => {
  test.each([
    {},
    {
      GROQ_API_KEY: groqKey,
      OPENROUTER_API_KEY: 'sk-or-v1-0123456789abcdef',
      OPENAI_API_KEY: 'sk-proj-0123456789abcdef',
    },
    { COMPATIBLE_URL: 'https://api.example.org/v1', COMPATIBLE_API_KEY: 'sk-0123456789abcdef' },
    { COMPATIBLE_URL: 'http://10.0.0.7:8000/v1', COMPATIBLE_API_KEY: 'anything-else' },
    { ORCHESTRATOR_URL: 'http://127.0.0.1:8080', OLLAMA_URL: 'http://127.0.0.1:11434' },
    { ORCHESTRATOR_URL: 'http://orchestrator:8080', OLLAMA_URL: 'http://ollama:11434' },
    { ORCHESTRATOR_URL: 'http://192.168.1.4:8080' },
    { HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: 'localhost,.example.org,10.0.0.7:8000,*.lan,[fd00::1]' },
    { HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: '*' },
    { NO_PROXY: '10.0.0.0/8' },
    { https_proxy: 'http://proxy:3128', HTTPS_PROXY: 'http://proxy:3128', ALL_PROXY: 'socks5://proxy:1080' },
    { PROVIDERS: 'groq', GROQ_API_KEY: groqKey },
    { PROVIDER_FIRST_TOKEN_SECONDS: '60', SCOUT_PRIVATE_URLS: 'refuse' },
    { OPENAI_BASE_URL: 'http://models:8000/v1', COMPATIBLE_URL: 'http://models:8000/v1' },
  ] as Record<string, string>[])('pass: %o', (env) => {
    expect(doubts(env)).toEqual([])
  })
})

describe('a setting that is hardly meant', () => {
  test.each([
    // First tokens.
    [{ PROVIDER_FIRST_TOKEN_SECONDS: '5' }, /^PROVIDER_FIRST_TOKEN_SECONDS gives a model 5 s .* set 60 at least\.$/],
    // Proxies.
    [{ ALL_PROXY: 'http://proxy:3128' }, /^ALL_PROXY is not read here: set HTTPS_PROXY/],
    [{ all_proxy: 'socks5://proxy:1080' }, /^ALL_PROXY is not read here/],
    [
      { https_proxy: 'http://a:1', HTTPS_PROXY: 'http://b:2' },
      /^https_proxy counts, and HTTPS_PROXY says something else/,
    ],
    [
      { HTTP_PROXY: 'http://proxy:1', no_proxy: 'a', NO_PROXY: 'b' },
      /^no_proxy counts, and NO_PROXY says something else/,
    ],
    [
      { HTTPS_PROXY: 'http://proxy:1', NO_PROXY: 'a.org,10.0.0.0/8' },
      /^NO_PROXY holds 10\.0\.0\.0\/8, a network, which excepts/,
    ],
    [
      { HTTPS_PROXY: 'http://proxy:1', NO_PROXY: 'http://a.org' },
      /^NO_PROXY holds http:\/\/a\.org, a URL, which excepts nothing/,
    ],
    [{ HTTPS_PROXY: 'http://proxy:1', NO_PROXY: 'a.org/v1' }, /^NO_PROXY holds a\.org\/v1, which has a path/],
    [{ HTTPS_PROXY: 'http://proxy:1', NO_PROXY: 'a.org;b.org' }, /^NO_PROXY holds a\.org;b\.org, which is no host/],
    [
      { HTTPS_PROXY: 'http://proxy:1', NO_PROXY: 'api.*.org' },
      /^NO_PROXY holds api\.\*\.org, whose \* excepts nothing there/,
    ],
    // Keys.
    [
      { GROQ_API_KEY: 'sk-or-v1-0123456789' },
      /^GROQ_API_KEY looks like a key of OpenRouter: that belongs into OPENROUTER_API_KEY\.$/,
    ],
    [{ OPENAI_API_KEY: groqKey }, /^OPENAI_API_KEY looks like a key of Groq/],
    [
      { OPENAI_API_KEY: 'sk-ant-api03-0123456789' },
      /^OPENAI_API_KEY looks like a key of Anthropic: that belongs into COMPATIBLE/,
    ],
    [{ OPENROUTER_API_KEY: 'sk-proj-0123456789' }, /^OPENROUTER_API_KEY looks like a key of OpenAI/],
    [{ GROQ_API_KEY: key }, /^GROQ_API_KEY looks like a key of a Chasm orchestrator: that belongs into SCOUT_KEY/],
    [
      { COMPATIBLE_URL: 'https://a.org/v1', COMPATIBLE_API_KEY: key },
      /^COMPATIBLE_API_KEY looks like a key of a Chasm/,
    ],
    [{ GROQ_API_KEY: 'your-key' }, /^GROQ_API_KEY holds what stands for a key in an example/],
    [{ GROQ_API_KEY: '<key>' }, /^GROQ_API_KEY holds what stands for a key/],
    [{ OPENAI_API_KEY: 'sk-...' }, /^OPENAI_API_KEY holds what stands for a key/],
    [{ OPENAI_API_KEY: 'xxxxxxxx' }, /^OPENAI_API_KEY holds what stands for a key/],
    [{ OPENAI_API_KEY: 'undefined' }, /^OPENAI_API_KEY holds what stands for a key/],
    [{ COMPATIBLE_API_KEY: 'anything' }, /^COMPATIBLE_API_KEY is set without COMPATIBLE_URL/],
    [{ OPENROUTER_TITLE: 'Pool' }, /^OPENROUTER_REFERER, _TITLE or _PROVIDER is set without OPENROUTER_API_KEY/],
    // Other programs' variables.
    [{ OPENAI_BASE_URL: 'http://a:1/v1' }, /^OPENAI_BASE_URL is not read here: set COMPATIBLE_URL for that\.$/],
    [{ VLLM_BASE_URL: 'http://a:1/v1' }, /^VLLM_BASE_URL is not read here: set VLLM_URL/],
    // Certificates.
    [{ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, /^NODE_TLS_REJECT_UNAUTHORIZED=0 lets anybody pose as a provider/],
    [{ NODE_EXTRA_CA_CERTS: '/nowhere/ca.pem' }, /^NODE_EXTRA_CA_CERTS names a file that cannot be read/],
    // Providers.
    [
      { PROVIDERS: 'ollama', GROQ_API_KEY: groqKey },
      /^GROQ_API_KEY is set, but PROVIDERS leaves groq out: add it there/,
    ],
    [{ SCOUT_PRIVATE_URLS: 'allow' }, /^SCOUT_PRIVATE_URLS=allow lets requests send your engine to private addresses/],
    // Ways.
    [{ ORCHESTRATOR_URL: 'http://hub.example.org' }, /^ORCHESTRATOR_URL leads over the internet without TLS/],
    [{ ORCHESTRATOR_URL: 'ws://8.8.8.8:8080' }, /^ORCHESTRATOR_URL leads over the internet without TLS/],
    [
      { COMPATIBLE_URL: 'http://a.org/v1', COMPATIBLE_API_KEY: 'k-012345678' },
      /^COMPATIBLE_URL leads over the internet without TLS/,
    ],
    [
      { COMPATIBLE_URL: 'https://hub.example.org/v1' },
      /^COMPATIBLE_URL is the orchestrator itself.* round in a circle/,
    ],
    [
      { ORCHESTRATOR_URL: 'http://localhost:8080', VLLM_URL: 'http://127.0.0.1:8080/v1' },
      /^VLLM_URL is the orchestrator itself/,
    ],
  ] as [Record<string, string>, RegExp][])('%o', (env, sentence) => {
    const said = doubts(env)
    expect(said).toEqual([expect.stringMatching(sentence)])
    expect(said[0]).toMatch(/\.$/)
    for (const secret of [key, groqKey, 'k-012345678']) expect(said[0]).not.toContain(secret)
  })

  test.each([
    [{ VLLM_URL: '"http://127.0.0.1:8000"' }, /^VLLM_URL begins or ends with a quote/],
    [{ GROQ_API_KEY: `'${groqKey}'` }, /^GROQ_API_KEY begins or ends with a quote/],
    [{ MODEL: '"a","b"' }, /^MODEL begins or ends with a quote/],
    [{ MODELS: "'a'" }, /^MODELS begins or ends with a quote/],
    [{ SCOUT_NAME: '"my scout"' }, /^SCOUT_NAME begins or ends with a quote/],
  ] as [Record<string, string>, RegExp][])('that cannot be used was pasted with its quotes: %o', (env, sentence) => {
    const read = [readConfig({ ...good, ...env }), readProviderSettings({ ...good, ...env })]
    expect(read.filter((one) => Array.isArray(one)).flat()).toEqual([expect.stringMatching(sentence)])
  })
})

describe('models', () => {
  const offers = ['a', 'b'].map((model) => offerOf({ kind: 'chat', model, provider: 'vllm' }))

  test('that MODEL names and no provider has are named', () => {
    expect(checkModels({ models: ['a', 'b'] }, offers)).toEqual([])
    expect(checkModels({ models: [] }, offers)).toEqual([])
    expect(checkModels({ models: ['a', 'c', 'd'] }, offers)).toMatchObject([
      {
        health: 'warn',
        sentence: 'MODEL names c, d, which no provider here has: write it as the provider does, or take it out.',
      },
    ])
    expect(checkModels({ models: ['1', '2', '3', '4', '5'] }, offers)[0]!.sentence).toMatch(/names 1, 2, 3, 4 …,/)
    // That nobody has anything is another finding's.
    expect(checkModels({ models: ['c'] }, [])).toEqual([])
  })

  test('beyond what one scout may offer are counted', () => {
    const many = Array.from({ length: offersMax + 44 }, (_, at) =>
      offerOf({ kind: 'chat', model: `m${at}`, provider: 'p' }),
    )
    expect(checkModels({ models: [] }, [...many, ...many])).toMatchObject([
      {
        health: 'warn',
        sentence: `Only the first ${offersMax} of ${offersMax + 44} models are offered: name yours in MODEL.`,
      },
    ])
  })
})

describe('the lines of .env', () => {
  function found(text: string, env: Record<string, string> = {}): string[] {
    const folder = temporaryFolder()
    writeFileSync(join(folder, '.env'), text)
    const all: Record<string, string | undefined> = { ...env }
    expect(loadEnvFile(folder, all)).toBeNull()
    return checkLines(folder, readEnvFile(folder) as Variables, all).map(({ sentence }) => sentence)
  }

  test('that are as they should be pass, as do variables of others', () => {
    const ours = '\uFEFF# mine\n\nSCOUT_KEY=x\r\nexport SCOUT_NAME="a b" # c\n  MODEL = a\nhttp_proxy=http://p:1\n'
    expect(found(`${ours}AWS_REGION=x\nEDITOR=vi`, { SCOUT_NAME: 'a b', HOME: '/h' })).toEqual([])
  })

  test.each([
    ['SCOUT_KEY: x', /^Line 1 of \.env sets nothing: write NAME=value, or put a # before it\.$/],
    ['\n\nSCOUT_KEY', /^Line 3 of \.env sets nothing/],
    ['SCOUT-KEY=x', /^Line 1 of \.env sets nothing/],
    ['MODLE=a', /^MODLE in \.env is not read by anybody here: is MODEL meant\?$/],
    ['SCOUT_CONCURENCY=4', /is SCOUT_CONCURRENCY meant\?$/],
    ['GROQ_APIKEY=x', /is GROQ_API_KEY meant\?$/],
    ['OLAMA_URL=x', /is OLLAMA_URL meant\?$/],
    ['SCOTU_KEY=x', /is SCOUT_KEY meant\?$/],
    ['scout_key=x', /is SCOUT_KEY meant\?$/],
    ['SCOUT_KEY=x\nSCOUT_KEY=y', /^SCOUT_KEY is in \.env twice: the last one counts\.$/],
    [
      'NODE_EXTRA_CA_CERTS=/ca.pem',
      /^NODE_EXTRA_CA_CERTS in \.env comes too late, after the start: set it in the environment\.$/,
    ],
  ] as [string, RegExp][])('%j', (text, sentence) => {
    expect(found(text)).toEqual([expect.stringMatching(sentence)])
  })

  test('say what the environment sets otherwise', () => {
    expect(found('SCOUT_NAME=a\nMODEL=m', { SCOUT_NAME: 'b', MODEL: 'm' })).toEqual([
      'SCOUT_NAME in .env does not count: the environment sets it to something else.',
    ])
  })

  test('are not listed without end', () => {
    expect(found('nonsense\n'.repeat(50))).toHaveLength(5)
  })

  test('may set what .env.example shows, and nothing else is known', async () => {
    const text = await Bun.file(new URL('../../.env.example', import.meta.url)).text()
    const shown = [...text.matchAll(/^# ([A-Z_]+)=/gm)].map(([, name]) => name!)
    expect([...knownVariables].sort()).toEqual([...shown].sort())
  })
})

test('doctor prints them beside what it has tried', async () => {
  const hub = new LiveHub()
  const models = startOpenAiStandIn({ models: ['m'] })
  try {
    const folder = temporaryFolder()
    writeFileSync(join(folder, '.env'), 'MODLE=x\n', { mode: 0o600 })
    const env = {
      ...{ ORCHESTRATOR_URL: hub.url, SCOUT_KEY: hub.scoutKey, PROVIDERS: 'compatible', MODEL: 'm,n' },
      ...{ COMPATIBLE_URL: models.baseURL, GROQ_API_KEY: 'your-key', PROVIDER_FIRST_TOKEN_SECONDS: '3' },
    }
    const program = startCommand(['doctor'], folder, env)
    expect(await program.exited, program.stdout).toBe(0)
    expect(program.stdout).toMatch(/^warn {2}File {8}MODLE in \.env/m)
    expect(program.stdout).toMatch(/^warn {2}Settings {4}GROQ_API_KEY holds what stands for a key/m)
    expect(program.stdout).toMatch(/^warn {2}Settings {4}GROQ_API_KEY is set, but PROVIDERS leaves groq out/m)
    expect(program.stdout).toMatch(/^warn {2}Settings {4}PROVIDER_FIRST_TOKEN_SECONDS gives a model 3 s/m)
    expect(program.stdout).toMatch(/^ok {4}Provider {4}compatible offers 1 model: m\./m)
    expect(program.stdout).toMatch(/^warn {2}Models {6}MODEL names n, which no provider here has/m)
    expect(program.stdout).toContain('Nothing is in the way')
  } finally {
    await models.stop()
    await hub.close()
  }
})
