/**
 * What is odd about settings that are well-formed: a key of another service, a proxy's exceptions that except nothing,
 * an address in the clear, models that nobody has. The readers of the configuration refuse what cannot be used; here
 * is what can be used and is hardly meant. `doctor` and `init` print it. No sentence repeats a key.
 */
import { accessSync, constants } from 'node:fs'
import { firstTokenLeastMs, modelsShownMax } from '../../shared/limits/command-line.ts'
import { urlFlaw } from '../../shared/network/fetchable-url.ts'
import { proxyDoubts } from '../../shared/network/proxy-rule.ts'
import { offersThatFit } from '../../shared/protocol/offers.ts'
import type { Offer } from '../../shared/task.ts'
import type { ScoutConfig } from '../config.ts'
import { configuredService, type ProviderSettings } from '../providers/configured.ts'
import { rowOf, serviceNames } from '../providers/dialects.ts'
import { type Finding, finding } from './findings.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Of the whole environment; `config` and `settings` are null where their readers refused them. */
export function checkSettings(
  env: Environment,
  config: Pick<ScoutConfig, 'url'> | null,
  settings: ProviderSettings | null,
): Finding[] {
  const doubts = [...proxyDoubts(env), ...keyDoubts(env), ...strangerDoubts(env), ...certificateDoubts(env)]
  if (settings !== null) doubts.push(...providerDoubts(env, settings), ...wayDoubts(config?.url ?? null, settings))
  if (config !== null && isOpen(config.url)) {
    doubts.push('ORCHESTRATOR_URL leads over the internet without TLS, and the key with it: write https://.')
  }
  return doubts.map((sentence) => finding('Settings', 'warn', sentence))
}

// ---------------------------------------------------------------- keys

/** How the keys of services begin; the longest that fits counts. */
const keyBeginnings: readonly [beginning: string, whose: string, variable: string][] = [
  ['chasm_', 'a Chasm orchestrator', 'SCOUT_KEY'],
  ['gsk_', 'Groq', 'GROQ_API_KEY'],
  ['sk-or-', 'OpenRouter', 'OPENROUTER_API_KEY'],
  ['sk-ant-', 'Anthropic', 'COMPATIBLE_API_KEY'],
  ['sk-', 'OpenAI', 'OPENAI_API_KEY'],
]
const placeholder =
  /^(<.*>|\{.*\}|\.{2,}|x{4,}|.*\.\.\.$|(your|my|the|insert|change|replace|enter|paste|todo)[-_ ]?.*)$/i
const nothing = /^(null|none|nil|undefined|true|false|key|secret)$/i

function keyDoubts(env: Environment): string[] {
  return ['GROQ_API_KEY', 'OPENROUTER_API_KEY', 'OPENAI_API_KEY', 'COMPATIBLE_API_KEY'].flatMap((variable) => {
    const key = (env[variable] ?? '').trim()
    if (key === '') return []
    if (placeholder.test(key) || nothing.test(key)) {
      return [`${variable} holds what stands for a key in an example: put the real one there, or take it out.`]
    }
    const [, whose, right] = keyBeginnings.find(([beginning]) => key.startsWith(beginning)) ?? []
    // Any service may be behind the compatible one, except for the hub itself.
    const isOwn = right === variable || (variable === 'COMPATIBLE_API_KEY' && right !== 'SCOUT_KEY')
    return whose === undefined || isOwn ? [] : [`${variable} looks like a key of ${whose}: that belongs into ${right}.`]
  })
}

// ---------------------------------------------------------------- variables that are not ours

/** What other programs read, and people take for ours. */
const strangers: Readonly<Record<string, string>> = {
  OPENAI_BASE_URL: 'COMPATIBLE_URL',
  OPENAI_API_BASE: 'COMPATIBLE_URL',
  GROQ_BASE_URL: 'COMPATIBLE_URL',
  OPENROUTER_BASE_URL: 'COMPATIBLE_URL',
  VLLM_BASE_URL: 'VLLM_URL',
  OLLAMA_BASE_URL: 'OLLAMA_URL',
  LMSTUDIO_BASE_URL: 'LMSTUDIO_URL',
  CHASM_URL: 'ORCHESTRATOR_URL',
  CHASM_KEY: 'SCOUT_KEY',
  CONCURRENCY: 'SCOUT_CONCURRENCY',
}

function strangerDoubts(env: Environment): string[] {
  return Object.entries(strangers).flatMap(([variable, ours]) =>
    isSet(env, variable) && !isSet(env, ours) ? [`${variable} is not read here: set ${ours} for that.`] : [],
  )
}

function isSet(env: Environment, variable: string): boolean {
  return (env[variable] ?? '').trim() !== ''
}

function certificateDoubts(env: Environment): string[] {
  const doubts: string[] = []
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    const instead = 'take it out, and name your authority in NODE_EXTRA_CA_CERTS'
    doubts.push(`NODE_TLS_REJECT_UNAUTHORIZED=0 lets anybody pose as a provider and have its key: ${instead}.`)
  }
  const path = (env.NODE_EXTRA_CA_CERTS ?? '').trim()
  if (path !== '' && !isReadable(path)) {
    doubts.push('NODE_EXTRA_CA_CERTS names a file that cannot be read, so it adds no authority: correct its path.')
  }
  return doubts
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}

// ---------------------------------------------------------------- providers

function providerDoubts(env: Environment, settings: ProviderSettings): string[] {
  const { order, firstTokenMs, privateUrls, openrouter, openrouterKey } = settings
  const doubts: string[] = []
  if (firstTokenMs < firstTokenLeastMs) {
    const advice = 'a model that has to be loaded first needs more, so take it out, or set 60 at least'
    doubts.push(`PROVIDER_FIRST_TOKEN_SECONDS gives a model ${firstTokenMs / 1_000} s for its first token: ${advice}.`)
  }
  if (privateUrls) {
    const advice = 'leave that only where every client may reach what your engine can reach'
    doubts.push(`SCOUT_PRIVATE_URLS=allow lets requests send your engine to private addresses: ${advice}.`)
  }
  const left = order.length === 0 ? [] : serviceNames.filter((name) => !order.includes(name))
  for (const name of left) {
    if (configuredService(name, settings) === null) continue
    doubts.push(
      `${rowOf(name).variable} is set, but PROVIDERS leaves ${name} out: add it there, or take the other out.`,
    )
  }
  if (isSet(env, 'COMPATIBLE_API_KEY') && settings.compatibleUrl === null) {
    doubts.push('COMPATIBLE_API_KEY is set without COMPATIBLE_URL, and has no effect: set that as well.')
  }
  const { referer, title, preferences } = openrouter
  if (openrouterKey === null && (referer ?? title ?? preferences) !== null) {
    doubts.push('OPENROUTER_REFERER, _TITLE or _PROVIDER is set without OPENROUTER_API_KEY, and has no effect.')
  }
  return doubts
}

/** Where the addresses lead: round in a circle, or in the clear. */
function wayDoubts(hubUrl: string | null, settings: ProviderSettings): string[] {
  return serviceNames.flatMap((name) => {
    const service = configuredService(name, settings)
    if (service === null || service.hosted) return []
    const { baseURL: url } = service
    const { variable } = rowOf(name)
    if (hubUrl !== null && originOf(url) === originOf(hubUrl)) {
      return [`${variable} is the orchestrator itself, whose tasks would come round in a circle: name a model server.`]
    }
    const hasKey = name === 'compatible' && settings.compatibleKey !== null
    if (!hasKey || !isOpen(url)) return []
    return [`${variable} leads over the internet without TLS, and its key with it: write https://.`]
  })
}

/** With the port that is used; `localhost` is what most mean by it. */
function originOf(url: string): string {
  const { protocol, hostname, port } = new URL(url)
  const usedPort = port || (/^(https|wss):/.test(protocol) ? '443' : '80')
  return `${hostname === 'localhost' ? '127.0.0.1' : hostname}:${usedPort}`
}

/** Whether what is sent there crosses the internet and can be read on the way. */
function isOpen(url: string): boolean {
  const { protocol, host } = new URL(url)
  return /^(http|ws):$/.test(protocol) && urlFlaw(`http://${host}/`) === null
}

// ---------------------------------------------------------------- models

/**
 * What MODEL and MODELS name and no provider has, and what is more than can be offered. `found` are the offers of the
 * providers that could be asked.
 */
export function checkModels({ models }: Pick<ProviderSettings, 'models'>, found: readonly Offer[]): Finding[] {
  const findings: Finding[] = []
  const offered = new Set(found.map(({ model }) => model))
  const missing = models.filter((model) => !offered.has(model))
  if (missing.length > 0 && found.length > 0) {
    const names = missing.slice(0, modelsShownMax).join(', ') + (missing.length > modelsShownMax ? ' …' : '')
    const advice = 'write it as the provider does, or take it out'
    findings.push(finding('Models', 'warn', `MODEL names ${names}, which no provider here has: ${advice}.`))
  }
  const distinct = [...new Map(found.map((offer) => [`${offer.kind} ${offer.model}`, offer])).values()]
  const fitting = offersThatFit(distinct).length
  if (fitting < distinct.length) {
    const text = `Only the first ${fitting} of ${distinct.length} models are offered: name yours in MODEL.`
    findings.push(finding('Models', 'warn', text))
  }
  return findings
}
