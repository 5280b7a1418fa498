/**
 * What the adapter of a service needs of the SDK that speaks to it. The SDKs of OpenAI and of Groq come out of the same
 * generator and are alike in shape, so what is common to them is here; `openai-compatible.ts` and `groq.ts` each load
 * theirs, `service-provider.ts` calls it. Bodies are read by us, since what services send is bounded there.
 */
import { intentDeadlineMsMax } from '../../../shared/limits/intents.ts'
import { type AnswerWatch, boundedFetch, ServiceRefusal } from './bounded-fetch.ts'
import type { RequestContent } from './request-content.ts'
import type { ServiceError } from './service-faults.ts'

/** What keeps every SDK in bounds: nothing is tried twice, read without end, or logged. `Patience` ends the waiting. */
export const bounded = { maxRetries: 0, timeout: intentDeadlineMsMax, fetch: boundedFetch, logLevel: 'off' } as const

/** Paths are below the service's base URL; an absolute URL is taken as it is. Nothing is tried twice. */
export interface ServiceClient {
  get(path: string, signal: AbortSignal): Promise<Response>
  post(path: string, content: RequestContent, signal: AbortSignal, watch?: AnswerWatch): Promise<Response>
  /** The content of an error that one of these threw; null when it is none of theirs. */
  read(error: unknown): ServiceError | 'timeout' | 'unreachable' | null
}

interface SdkOptions {
  headers?: Record<string, string>
  signal: AbortSignal
  fetchOptions?: object
}

interface SdkClient {
  get(path: string, options: SdkOptions): { asResponse(): Promise<Response> }
  post(path: string, options: SdkOptions): { asResponse(): Promise<Response> }
}

type ErrorClass = abstract new (...parameters: never[]) => unknown

/** The classes of an SDK's errors, the first being a sort of the second. */
interface SdkErrors {
  APIConnectionTimeoutError: ErrorClass
  APIConnectionError: ErrorClass
}

/** `sdk` behind the interface of the adapter. */
export function clientOn(sdk: SdkClient, errors: SdkErrors): ServiceClient {
  return {
    get: (path, signal) => sdk.get(path, { signal }).asResponse(),
    post: (path, content, signal, watch) => {
      const fetchOptions = { content, ...(watch && { watch }) }
      return sdk.post(path, { headers: { 'content-type': 'application/json' }, signal, fetchOptions }).asResponse()
    },
    read(error) {
      const cause = error instanceof Error ? error.cause : null
      if (cause instanceof ServiceRefusal) return { status: cause.status, error: cause.body, headers: cause.headers }
      if (error instanceof errors.APIConnectionTimeoutError) return 'timeout'
      return error instanceof errors.APIConnectionError ? 'unreachable' : null
    },
  }
}
