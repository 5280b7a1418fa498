/**
 * The model services a scout can use, as one table: the address of each, the variable that configures it, the headers
 * it needs, and how its answers differ from OpenAI's dialect. The adapter in `service-provider.ts` knows services apart
 * by these rows alone. Where each quirk was read is listed in docs/providers.md. Reading the environment and choosing
 * among them is `configured.ts`'s.
 */
import type { FaultCode } from '../../shared/faults.ts'

/**
 * Whether it can go on with a begun answer: when the request is `marked` for it (`continue_final_message` and its
 * like), from a trailing assistant turn `unmarked`, because it refuses fields it does not know, or not at all: `none`.
 */
type Continuation = 'marked' | 'unmarked' | 'none'

/** What it calls the most tokens of an answer. A request that says it in the newer way is put in these words. */
type TokensField = 'max_tokens' | 'max_completion_tokens'

/** Where it lists what a model can do: in the list itself, or at an address of its own beside OpenAI's. */
type Details = 'list' | 'ollama' | 'lmstudio' | 'llamacpp'

/** An error that means something else here than its status. What a row does not name may be anything. */
interface Quirk {
  status?: number
  code?: string
  type?: string
  param?: string
  /** Whether the body describes the error further in `metadata`. */
  metadata?: boolean
  fault: FaultCode
}

interface ServiceRow {
  /** For people. */
  title: string
  /** The address of a hosted service; null for software that runs on one's own machine. */
  hostedAt: string | null
  /** The variable that configures it: a key when hosted, a URL when local. */
  variable: string
  /** Where local software usually listens; null for what cannot be found by its port. */
  port: number | null
  headers: Readonly<Record<string, string>>
  continuation: Continuation
  tokensField: TokensField
  /** Fields that only advise, and that it refuses because it does not know them. */
  unknownHints: readonly string[]
  details: Details
  /** Where a key is checked when the list of models is open to everyone. */
  keyPath: string | null
  /** What every chat model there can do, as the service documents it. */
  abilities: readonly ('tools' | 'json')[]
  /** Ends an answer that calls tools with `stop`. */
  stopsAtTools: boolean
  quirks: readonly Quirk[]
}

/** What most software for one's own machine has in common. */
const local = {
  hostedAt: null,
  headers: {},
  continuation: 'marked',
  tokensField: 'max_tokens',
  unknownHints: [],
  keyPath: null,
  // A grammar holds any model to a schema; whether it can call tools is the model's.
  abilities: ['json'],
  stopsAtTools: true,
  quirks: [],
} as const satisfies Partial<ServiceRow>

const hosted = {
  port: null,
  headers: {},
  tokensField: 'max_completion_tokens',
  unknownHints: [],
  details: 'list',
  keyPath: null,
  abilities: [],
  stopsAtTools: false,
  quirks: [],
} as const satisfies Partial<ServiceRow>

/** In the order of preference that holds when `PROVIDERS` is not set, and in which local ports are probed. */
export const serviceTable = {
  groq: {
    ...hosted,
    title: 'Groq',
    hostedAt: 'https://api.groq.com/openai/v1',
    variable: 'GROQ_API_KEY',
    continuation: 'unmarked',
    unknownHints: ['prompt_cache_key', 'prompt_cache_retention', 'safety_identifier', 'verbosity'],
    abilities: ['tools', 'json'],
    quirks: [
      // The model's own slips; another try may well succeed, so they are not reported to the client.
      { code: 'tool_use_failed', fault: 'provider_unavailable' },
      { code: 'json_validate_failed', fault: 'provider_unavailable' },
      { code: 'model_decommissioned', fault: 'not_offered' },
      { code: 'model_permission_blocked_org', fault: 'not_offered' },
      { code: 'model_permission_blocked_project', fault: 'not_offered' },
      // More tokens than this account may send in a minute: another account may.
      { status: 413, code: 'rate_limit_exceeded', fault: 'provider_unavailable' },
      // The flex tier is full.
      { status: 498, fault: 'provider_rate_limited' },
    ],
  },
  openrouter: {
    ...hosted,
    title: 'OpenRouter',
    hostedAt: 'https://openrouter.ai/api/v1',
    variable: 'OPENROUTER_API_KEY',
    // OpenRouter shows this as the application behind the requests; the second name is the older one.
    headers: { 'X-OpenRouter-Title': 'Chasm', 'X-Title': 'Chasm' },
    continuation: 'marked',
    keyPath: '/key',
    // The input was flagged by moderation; a 403 about the key has no metadata.
    quirks: [{ status: 403, metadata: true, fault: 'content_refused' }],
  },
  openai: {
    ...hosted,
    title: 'OpenAI',
    hostedAt: 'https://api.openai.com/v1',
    variable: 'OPENAI_API_KEY',
    continuation: 'none',
  },
  ollama: {
    ...local,
    title: 'Ollama',
    variable: 'OLLAMA_URL',
    port: 11434,
    details: 'ollama',
    // Its queue is full.
    quirks: [{ status: 503, fault: 'provider_rate_limited' }],
  },
  vllm: {
    ...local,
    title: 'vLLM',
    variable: 'VLLM_URL',
    port: 8000,
    tokensField: 'max_completion_tokens',
    details: 'list',
    quirks: [{ status: 400, param: 'input_tokens', fault: 'context_length_exceeded' }],
  },
  lmstudio: { ...local, title: 'LM Studio', variable: 'LMSTUDIO_URL', port: 1234, details: 'lmstudio' },
  llamacpp: {
    ...local,
    title: 'llama.cpp',
    variable: 'LLAMACPP_URL',
    port: 8080,
    details: 'llamacpp',
    quirks: [
      { type: 'exceed_context_size_error', fault: 'context_length_exceeded' },
      // It still loads its model.
      { status: 503, fault: 'provider_rate_limited' },
    ],
  },
  compatible: {
    ...local,
    title: 'OpenAI-compatible server',
    variable: 'COMPATIBLE_URL',
    port: null,
    details: 'list',
    abilities: [],
  },
} as const satisfies Record<string, ServiceRow>

export type ServiceName = keyof typeof serviceTable
export const serviceNames = Object.keys(serviceTable) as ServiceName[]

/** The row of a service, for readers that do not care which one it is. */
export function rowOf(name: ServiceName): ServiceRow {
  return serviceTable[name]
}

/** One service as this scout will call it. */
export interface Service {
  name: ServiceName
  /** With the version path, without a trailing slash. */
  baseURL: string
  /** Null for a server that asks for none. */
  apiKey: string | null
  /** Whether it sells many kinds of models, of which only chat and embeddings are ours. */
  hosted: boolean
  headers: Readonly<Record<string, string>>
  continuation: Continuation
  /** Fields that the operator sets in every request's body. They win over the client's. */
  extras: Readonly<Record<string, unknown>>
  /** What this scout holds for other services: taken out of what this one says. */
  secrets?: readonly string[]
  /** Whether a request may name URLs that are not on the public internet. */
  privateUrls?: boolean
}

/** A service on the internet, reached with a key. */
export function hostedService(name: ServiceName, apiKey: string): Service {
  const { hostedAt, headers, continuation } = rowOf(name)
  if (hostedAt === null) throw new Error(`${name} is not a hosted service`)
  return { name, baseURL: hostedAt, apiKey, hosted: true, headers, continuation, extras: {} }
}

/** A server of one's own; without a URL at its usual port on this machine. */
export function localService(name: ServiceName, url: string | null, port: number | null = rowOf(name).port): Service {
  const { headers, continuation } = rowOf(name)
  const baseURL = url ?? `http://127.0.0.1:${port}/v1`
  return { name, baseURL, apiKey: null, hosted: false, headers, continuation, extras: {} }
}

/** `text` as a base URL: http or https, no credentials, `/v1` when it has no path. Null when it is not one. */
export function readBaseUrl(text: string): string | null {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return null
  const path = url.pathname.replace(/\/+$/, '')
  return url.origin + (path === '' ? '/v1' : path)
}
