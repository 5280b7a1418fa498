/**
 * What the adapter of a service needs of the SDK that speaks to it. The SDKs of OpenAI and of Groq come out of the same
 * generator and are alike in shape, so what is common to them is here; `openai-compatible.ts` and `groq.ts` each load
 * theirs and define where it differs, `service-provider.ts` calls it.
 */
import { requestDeadlineMs } from '../../../shared/limits/scheduling.ts'
import { boundedFetch } from './bounded-fetch.ts'
import type { ServiceError } from './service-faults.ts'

/** What keeps every SDK in bounds: nothing is tried twice, waited for too long, read without end, or logged. */
export const bounded = { maxRetries: 0, timeout: requestDeadlineMs, fetch: boundedFetch, logLevel: 'off' } as const

/** A streamed answer as it arrives: parsed chunks, and the headers that came before them. */
interface Chunks {
  headers: Headers
  chunks: AsyncIterable<unknown>
}

/** Paths are below the service's base URL; an absolute URL is taken as it is. Nothing is tried twice. */
export interface ServiceClient {
  get(path: string, signal: AbortSignal): Promise<Response>
  post(path: string, body: object, signal: AbortSignal): Promise<Response>
  stream(path: string, body: object, signal: AbortSignal): Promise<Chunks>
  /** The content of an error that one of these threw; null when it is none of the SDK's own. */
  read(error: unknown): ServiceError | 'timeout' | 'unreachable' | null
}

interface Asked<T> {
  asResponse(): Promise<Response>
  withResponse(): Promise<{ data: T; response: Response }>
}

interface SdkOptions {
  body?: object
  signal: AbortSignal
  stream?: boolean
}

interface SdkClient {
  get<T>(path: string, options: SdkOptions): Asked<T>
  post<T>(path: string, options: SdkOptions): Asked<T>
}

interface SdkError {
  status?: number | undefined
  error?: unknown
  headers?: Headers | undefined
}

type ErrorClass<E = unknown> = abstract new (...parameters: never[]) => E

/** The classes of an SDK's errors, the special ones being sorts of the general one. */
interface SdkErrors {
  APIConnectionTimeoutError: ErrorClass
  APIConnectionError: ErrorClass
  APIError: ErrorClass<SdkError>
}

/** `sdk` behind the interface of the adapter; `detailOf` finds the service's `error` in what the SDK keeps of it. */
export function clientOn(sdk: SdkClient, errors: SdkErrors, detailOf: (kept: unknown) => unknown): ServiceClient {
  return {
    get: (path, signal) => sdk.get(path, { signal }).asResponse(),
    post: (path, body, signal) => sdk.post(path, { body, signal }).asResponse(),
    async stream(path, body, signal) {
      const asked = sdk.post<AsyncIterable<unknown>>(path, { body, signal, stream: true })
      const { data, response } = await asked.withResponse()
      return { chunks: data, headers: response.headers }
    },
    read(error) {
      if (error instanceof errors.APIConnectionTimeoutError) return 'timeout'
      if (error instanceof errors.APIConnectionError) return 'unreachable'
      if (!(error instanceof errors.APIError)) return null
      return { status: error.status ?? null, error: detailOf(error.error), headers: error.headers ?? null }
    },
  }
}
