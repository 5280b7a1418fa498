/**
 * The model services a scout can speak to, as one table: where each lives, which variable configures it, what it wants
 * in its headers. All of them speak the OpenAI dialect; the adapter in `openai-compatible.ts` is told apart only by
 * these rows. Reading the environment and choosing among them is `configured.ts`'s.
 */
/**
 * Whether it can go on with a begun answer: when the request is `marked` for it (`continue_final_message` and its
 * like), from a trailing assistant turn `unmarked`, because it refuses fields it does not know, or not at all: `none`.
 */
type Continuation = 'marked' | 'unmarked' | 'none'

interface ServiceRow {
  /** For people. */
  title: string
  /** Where a hosted service lives; null for software that runs on somebody's own machine. */
  hostedAt: string | null
  /** The variable that configures it: a key when hosted, a URL when local; null when it is only found by its port. */
  variable: string | null
  /** Where local software usually listens. */
  port: number | null
  headers: Readonly<Record<string, string>>
  continuation: Continuation
}

/** In the order of preference that holds when `PROVIDERS` is not set, and in which local ports are probed. */
export const serviceTable = {
  groq: {
    title: 'Groq',
    hostedAt: 'https://api.groq.com/openai/v1',
    variable: 'GROQ_API_KEY',
    port: null,
    headers: {},
    continuation: 'unmarked',
  },
  openrouter: {
    title: 'OpenRouter',
    hostedAt: 'https://openrouter.ai/api/v1',
    variable: 'OPENROUTER_API_KEY',
    port: null,
    // OpenRouter shows these as the application behind the requests.
    headers: { 'X-Title': 'Chasm' },
    continuation: 'marked',
  },
  openai: {
    title: 'OpenAI',
    hostedAt: 'https://api.openai.com/v1',
    variable: 'OPENAI_API_KEY',
    port: null,
    headers: {},
    continuation: 'none',
  },
  ollama: { title: 'Ollama', hostedAt: null, variable: 'OLLAMA_URL', port: 11434, headers: {}, continuation: 'marked' },
  vllm: { title: 'vLLM', hostedAt: null, variable: 'VLLM_URL', port: 8000, headers: {}, continuation: 'marked' },
  lmstudio: { title: 'LM Studio', hostedAt: null, variable: null, port: 1234, headers: {}, continuation: 'marked' },
  llamacpp: { title: 'llama.cpp', hostedAt: null, variable: null, port: 8080, headers: {}, continuation: 'marked' },
} as const satisfies Record<string, ServiceRow>

export type ServiceName = keyof typeof serviceTable
export const serviceNames = Object.keys(serviceTable) as ServiceName[]

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
}

/** A service somebody else runs, reached with a key. */
export function hostedService(name: ServiceName, apiKey: string): Service {
  const { hostedAt, headers, continuation } = serviceTable[name]
  if (hostedAt === null) throw new Error(`${name} is not a hosted service`)
  return { name, baseURL: hostedAt, apiKey, hosted: true, headers, continuation }
}

/** A server of one's own; without a URL at its usual port on this machine. */
export function localService(
  name: ServiceName,
  url: string | null,
  port: number | null = serviceTable[name].port,
): Service {
  return {
    name,
    baseURL: url ?? `http://127.0.0.1:${port}/v1`,
    apiKey: null,
    hosted: false,
    headers: {},
    continuation: 'marked',
  }
}

/** `text` as a base URL: http or https, no credentials, `/v1` when it has no path. Null when it is not one. */
export function readBaseUrl(text: string): string | null {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return null
  const path = url.pathname.replace(/\/+$/, '')
  return url.origin + (path === '' ? '/v1' : path)
}
