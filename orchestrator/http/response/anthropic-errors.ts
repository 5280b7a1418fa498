/**
 * Refusals and failures as clients of Anthropic's API know them: its form, its types, and 529 where it says that it is
 * overloaded. The server and the streams refuse in the form of whoever asks; Anthropic's routes word their own.
 */
import { type Fault, type FaultCode, faultTable } from '../../../shared/faults.ts'
import { refuse } from './response.ts'

/** What of a request tells its dialect. */
interface Asking {
  readonly id: string
  readonly request: Request
}

/** By this SDKs know that the whole conversation is wanted with each request, and send it. */
const noThreads = { error_code: 'thread_unsupported_request', unsupported: ['thread'] }
const messagesPath = /^[^?]*\/messages(?![^/?])/

const overloaded = 529
const overloads: ReadonlySet<FaultCode> = new Set<FaultCode>([
  ...(['hub_overloaded', 'hub_draining', 'no_scout_available', 'provider_rate_limited', 'scout_draining'] as const),
])

const types: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  [overloaded]: 'overloaded_error',
}

/** Whether the client speaks Anthropic's dialect: its SDKs say so in each request, and the path does as well. */
export function speaksAnthropic({ request }: Asking): boolean {
  return request.headers.has('anthropic-version') || messagesPath.test(request.url)
}

/** A refusal in the form that the client knows. */
export function refuseInForm(asking: Asking, fault: Fault, more?: Record<string, string>): Response {
  return speaksAnthropic(asking) ? refuseAnthropic(asking.id, fault, more) : refuse(asking.id, fault, more)
}

export function refuseAnthropic(requestId: string, fault: Fault, more?: Record<string, string>): Response {
  const { status, headers } = refuse(requestId, fault, { ...more, 'request-id': requestId })
  const shown = overloads.has(fault.code) ? overloaded : status
  return new Response(anthropicError(requestId, fault), { status: shown, headers })
}

/** The body of a refusal, and the data of an error event. */
export function anthropicError(requestId: string, { code, message, param }: Fault): string {
  const status = overloads.has(code) ? overloaded : faultTable[code].status
  const type = types[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error')
  // By these words clients know that shortening the conversation helps.
  const text = code === 'context_length_exceeded' ? `prompt is too long: ${message}` : message
  const details = param === 'thread' && code === 'invalid_request' ? { details: noThreads } : {}
  return JSON.stringify({ type: 'error', error: { type, message: text, ...details }, request_id: requestId })
}
