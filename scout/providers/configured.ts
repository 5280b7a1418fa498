/**
 * Chooses the providers of a scout: those its environment configures, else a local model server found on its usual
 * port, else the built-in demo. The scout's start reads the settings here and asks for the providers; what each one
 * offers it asks from the provider itself.
 */

import { quoteFlaw } from '../../shared/env-file.ts'
import { providerFirstTokenMs } from '../../shared/limits/provider.ts'
import { modelCharsMax } from '../../shared/limits/wire.ts'
import type { System } from '../../shared/system.ts'
import { DemoProvider, type DemoSettings, demoDefaults } from './demo/demo.ts'
import { detectLocalService, type LocalServer, localServers } from './detect.ts'
import {
  hostedService,
  localService,
  readBaseUrl,
  rowOf,
  type Service,
  type ServiceName,
  serviceNames,
  serviceTable,
} from './dialects.ts'
import { type ModelNames, namesWith } from './models/model-names.ts'
import { readNameTable } from './models/name-settings.ts'
import type { Provider } from './provider.ts'
import { ServiceProvider } from './service/service-provider.ts'
import { isObject, type Json } from './transport/json-object.ts'

export interface ProviderSettings {
  /** `PROVIDERS`, in order of preference; empty means: all that are configured. */
  order: string[]
  /** `MODEL` and `MODELS`: offer only these; empty means: all that the providers have. */
  models: string[]
  /** The known names and those of `MODEL_NAMES`. */
  names: ModelNames
  /** How long a first token is waited for. */
  firstTokenMs: number
  /** Whether a request may make an engine fetch what is not on the public internet. */
  privateUrls: boolean
  groqKey: string | null
  openrouterKey: string | null
  openaiKey: string | null
  vllmUrl: string | null
  ollamaUrl: string | null
  lmstudioUrl: string | null
  llamacppUrl: string | null
  compatibleUrl: string | null
  compatibleKey: string | null
  /** The application as OpenRouter is to show it, and the preferences for choosing among its own providers. */
  openrouter: { referer: string | null; title: string | null; preferences: Json | null }
  demo: DemoSettings
}

/**
 * The providers of this scout, most preferred first and at least one, with notes on the choice for the operator.
 * Throws an Error of one sentence when `PROVIDERS` asks for what is unknown or lacks its key.
 */
export async function configuredProviders(
  settings: ProviderSettings,
  system: System,
  signal: AbortSignal,
  servers: readonly LocalServer[] = localServers,
): Promise<{ providers: Provider[]; notes: string[] }> {
  const { models, names, firstTokenMs, privateUrls } = settings
  const secrets = [settings.groqKey, settings.openrouterKey, settings.openaiKey, settings.compatibleKey].flatMap(
    (key) => key ?? [],
  )
  const provider = (service: Service) =>
    new ServiceProvider({ ...service, secrets, privateUrls }, models, system, names, firstTokenMs)
  if (settings.order.length > 0) {
    const providers = settings.order.map((name) =>
      name === 'demo' ? demo(settings, system) : provider(namedService(name, settings)),
    )
    return { providers, notes: settings.order.includes('demo') ? [demoNote] : [] }
  }
  const configured = serviceNames.flatMap((name) => configuredService(name, settings) ?? [])
  if (configured.length > 0) return { providers: configured.map(provider), notes: [] }
  const found = await detectLocalService(servers, system, signal)
  if (found) {
    const note = `Found ${serviceTable[found.name].title} at ${found.baseURL}: this scout offers its models.`
    return { providers: [provider(found)], notes: [note] }
  }
  return { providers: [demo(settings, system)], notes: [demoNote, demoReason] }
}

const demoNote = 'The demo provider answers here: its text is made up from a seed and no language model is behind it.'
const demoReason =
  'No provider is configured and no local model server was found: set GROQ_API_KEY, OPENROUTER_API_KEY, ' +
  'OPENAI_API_KEY, VLLM_URL or OLLAMA_URL, or start Ollama, vLLM, LM Studio or llama.cpp, for answers of a real model.'

function demo({ demo: knobs, models }: ProviderSettings, system: System): Provider {
  if (models.length === 0) return new DemoProvider(knobs, system)
  const offered = knobs.models.filter((model) => models.includes(model))
  if (offered.length > 0) return new DemoProvider({ ...knobs, models: offered }, system)
  throw new Error(
    `The demo provider has none of the models in MODEL (${models.join(', ')}): it has ${knobs.models.join(', ')}.`,
  )
}

/** The service as its variable configures it, or null when that is not set. */
export function configuredService(name: ServiceName, settings: ProviderSettings): Service | null {
  const hosted = (key: string | null) => key && hostedService(name, key)
  const local = (url: string | null) => url && localService(name, url)
  switch (name) {
    case 'groq':
      return hosted(settings.groqKey) || null
    case 'openrouter':
      return openrouter(settings)
    case 'openai':
      return hosted(settings.openaiKey) || null
    case 'vllm':
      return local(settings.vllmUrl) || null
    case 'ollama':
      return local(settings.ollamaUrl) || null
    case 'lmstudio':
      return local(settings.lmstudioUrl) || null
    case 'llamacpp':
      return local(settings.llamacppUrl) || null
    case 'compatible': {
      const service = local(settings.compatibleUrl)
      return service ? { ...service, apiKey: settings.compatibleKey } : null
    }
  }
}

function openrouter({ openrouterKey, openrouter: told }: ProviderSettings): Service | null {
  if (openrouterKey === null) return null
  const service = hostedService('openrouter', openrouterKey)
  const headers = {
    ...service.headers,
    ...(told.referer !== null && { 'HTTP-Referer': told.referer }),
    ...(told.title !== null && { 'X-OpenRouter-Title': told.title, 'X-Title': told.title }),
  }
  return { ...service, headers, extras: told.preferences === null ? {} : { provider: told.preferences } }
}

/** The service that `PROVIDERS` names; local software without its URL is taken to be at its usual port. */
function namedService(name: string, settings: ProviderSettings): Service {
  if (!isServiceName(name)) {
    const known = [...serviceNames, 'demo'].join(', ')
    throw new Error(`PROVIDERS names "${name}", which is unknown: choose among ${known}.`)
  }
  const configured = configuredService(name, settings)
  if (configured) return configured
  const { port, variable } = rowOf(name)
  if (port !== null) return localService(name, null)
  throw new Error(`PROVIDERS names ${name}, but ${variable} is not set: set it, or take ${name} out of PROVIDERS.`)
}

function isServiceName(name: string): name is ServiceName {
  return Object.hasOwn(serviceTable, name)
}

type Environment = Record<string, string | undefined>

/** The settings in `env`, or a sentence for each variable that cannot be used. Keys are never quoted in them. */
export function readProviderSettings(env: Environment): ProviderSettings | string[] {
  const errors: string[] = []
  const settings = {
    order: readList(env.PROVIDERS?.toLowerCase()),
    models: [...new Set([...readModels(env, 'MODEL', [], errors), ...readModels(env, 'MODELS', [], errors)])],
    names: namesWith(readNameTable((env.MODEL_NAMES ?? '').trim(), errors)),
    firstTokenMs:
      1_000 * readNumber(env, 'PROVIDER_FIRST_TOKEN_SECONDS', [1, 86_400], providerFirstTokenMs / 1_000, errors),
    privateUrls: readPrivateUrls(env, errors),
    groqKey: readKey(env, 'GROQ_API_KEY', errors),
    openrouterKey: readKey(env, 'OPENROUTER_API_KEY', errors),
    openaiKey: readKey(env, 'OPENAI_API_KEY', errors),
    vllmUrl: readUrl(env, 'VLLM_URL', 8000, errors),
    ollamaUrl: readUrl(env, 'OLLAMA_URL', 11434, errors),
    lmstudioUrl: readUrl(env, 'LMSTUDIO_URL', 1234, errors),
    llamacppUrl: readUrl(env, 'LLAMACPP_URL', 8080, errors),
    compatibleUrl: readUrl(env, 'COMPATIBLE_URL', 8000, errors),
    compatibleKey: readKey(env, 'COMPATIBLE_API_KEY', errors),
    openrouter: {
      referer: readHeader(env, 'OPENROUTER_REFERER', errors),
      title: readHeader(env, 'OPENROUTER_TITLE', errors),
      preferences: readPreferences(env, 'OPENROUTER_PROVIDER', errors),
    },
    demo: {
      seed: readNumber(env, 'DEMO_SEED', [0, 2 ** 32 - 1], demoDefaults.seed, errors),
      models: readModels(env, 'DEMO_MODELS', demoDefaults.models, errors),
      firstTokenMs: readNumber(env, 'DEMO_FIRST_TOKEN_MS', [0, 600_000], demoDefaults.firstTokenMs, errors),
      tokensPerSecond: readNumber(env, 'DEMO_TOKENS_PER_SECOND', [0, 1_000_000], demoDefaults.tokensPerSecond, errors),
      tokens: readNumber(env, 'DEMO_TOKENS', [1, 100_000], demoDefaults.tokens, errors),
      failureRate: readNumber(env, 'DEMO_FAILURE_RATE', [0, 1], demoDefaults.failureRate, errors),
    },
  }
  return errors.length > 0 ? errors : settings
}

function readList(text: string | undefined): string[] {
  const entries = (text ?? '').split(',').map((entry) => entry.trim())
  return [...new Set(entries.filter((entry) => entry !== ''))]
}

function readModels(env: Environment, variable: string, otherwise: readonly string[], errors: string[]): string[] {
  const models = readList(env[variable])
  const quoted = models.map((model) => quoteFlaw(variable, model)).find((flaw) => flaw !== null)
  if (quoted !== undefined) errors.push(quoted)
  const tooLong = models.find((model) => model.length > modelCharsMax)
  if (tooLong) errors.push(`${variable} holds a name of more than ${modelCharsMax} characters: shorten it.`)
  return models.length > 0 ? models : [...otherwise]
}

function readKey(env: Environment, variable: string, errors: string[]): string | null {
  const key = (env[variable] ?? '').trim()
  if (key === '') return null
  const flaw = quoteFlaw(variable, key)
  if (flaw !== null) errors.push(flaw)
  else if (!/^[\x21-\x7e]+$/.test(key))
    errors.push(`${variable} holds a space or a character that no key has: copy it again.`)
  return key
}

/** Text that can stand in a header. */
function readHeader(env: Environment, variable: string, errors: string[]): string | null {
  const text = (env[variable] ?? '').trim()
  if (!/^[\x20-\x7e]*$/.test(text)) errors.push(`${variable} may only hold plain ASCII characters.`)
  return text === '' ? null : text
}

function readPreferences(env: Environment, variable: string, errors: string[]): Json | null {
  const text = (env[variable] ?? '').trim()
  if (text === '') return null
  try {
    const preferences: unknown = JSON.parse(text)
    if (isObject(preferences)) return preferences
  } catch {
    // The sentence below covers this case, too.
  }
  errors.push(`${variable} must be a JSON object such as {"data_collection":"deny"}.`)
  return null
}

function readUrl(env: Environment, variable: string, port: number, errors: string[]): string | null {
  const text = (env[variable] ?? '').trim()
  if (text === '') return null
  const url = readBaseUrl(text)
  const pasted = url === null ? quoteFlaw(variable, text) : null
  if (pasted !== null) errors.push(pasted)
  else if (url === null) errors.push(`${variable} must be a URL without a password, such as http://127.0.0.1:${port}.`)
  return url
}

/** In the words of the hub's own setting. */
function readPrivateUrls(env: Environment, errors: string[]): boolean {
  const text = (env.SCOUT_PRIVATE_URLS ?? '').trim().toLowerCase()
  if (!['', 'allow', 'refuse'].includes(text)) errors.push('SCOUT_PRIVATE_URLS must be allow or refuse.')
  return text === 'allow'
}

function readNumber(
  env: Environment,
  variable: string,
  [least, most]: readonly [number, number],
  otherwise: number,
  errors: string[],
): number {
  const text = (env[variable] ?? '').trim()
  if (text === '') return otherwise
  const value = Number(text)
  // Only the failure rate is a share; everything else is counted in whole units.
  const isFine = value >= least && value <= most && (most === 1 || Number.isInteger(value))
  if (!isFine) errors.push(`${variable} must be a ${most === 1 ? '' : 'whole '}number from ${least} to ${most}.`)
  return value
}
