/**
 * Puts the errors of OpenAI-compatible services into our words, by status, code and type; their message text is only
 * passed on, never read. Fed by the adapter with what the service said, before or in the middle of its answer.
 */
import { type Fault, type FaultCode, fault, plainMessage } from '../../shared/faults.ts'
import { pauseMaxMs } from '../../shared/limits.ts'
import { type Service, serviceTable } from './dialects.ts'

/** What a service said of an error. */
export interface ServiceError {
  /** HTTP status; null for an error in the middle of a stream. */
  status: number | null
  /** The `error` object (or text) of the body; anything at all. */
  error: unknown
  headers: Headers | null
}

/** Codes that say more than the status they come with. */
const faultByCode: Readonly<Record<string, FaultCode>> = {
  context_length_exceeded: 'context_length_exceeded',
  content_filter: 'content_refused',
  content_policy_violation: 'content_refused',
  insufficient_quota: 'provider_unauthorized',
  rate_limit_exceeded: 'provider_rate_limited',
  model_not_found: 'not_offered',
}

const faultByStatus: Readonly<Record<number, FaultCode>> = {
  400: 'invalid_request',
  401: 'provider_unauthorized',
  402: 'provider_unauthorized',
  403: 'provider_unauthorized',
  404: 'not_offered',
  408: 'provider_timeout',
  413: 'request_too_large',
  415: 'invalid_request',
  422: 'invalid_request',
  429: 'provider_rate_limited',
  504: 'provider_timeout',
}

/** In the middle of a stream there is no status; some services put one into `code`, others name a type. */
const statusByType: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  permission_error: 403,
  rate_limit_error: 429,
  tokens: 429,
  requests: 429,
}

/** The fault behind a service's error. `wallMs` is the wall clock, for a `retry-after` that names a date. */
export function faultOfService(service: Service, said: ServiceError, wallMs: number): Fault {
  const error = (typeof said.error === 'object' && said.error !== null ? said.error : {}) as Record<string, unknown>
  const status = said.status ?? statusOf(error)
  const code = codeOf(status, error)
  const text = typeof said.error === 'string' ? said.error : error.message
  const message = plainMessage(typeof text === 'string' && text !== '' ? text : 'it did not say why')
  if (code === 'provider_rate_limited') {
    const retryAfterMs = said.headers ? readRetryAfterMs(said.headers, wallMs) : undefined
    return fault(code, `${service.name} is at its rate limit`, retryAfterMs === undefined ? {} : { retryAfterMs })
  }
  // What a service says about a key may quote it.
  if (code === 'provider_unauthorized') return fault(code, unauthorized(service, status))
  const param = typeof error.param === 'string' && error.param !== '' ? { param: plainMessage(error.param) } : {}
  const isClients = code === 'invalid_request' || code === 'context_length_exceeded' || code === 'content_refused'
  return fault(code, isClients ? message : plainMessage(`${service.name} answered ${status}: ${message}`), param)
}

function statusOf(error: Record<string, unknown>): number {
  const code = Number(error.code)
  if (code >= 400 && code <= 599) return code
  return statusByType[String(error.type)] ?? 500
}

function codeOf(status: number, error: Record<string, unknown>): FaultCode {
  // Too large for the service's limits stays so however long one waits, even when the code speaks of rates.
  if (status === 413) return 'request_too_large'
  const byCode = Object.hasOwn(faultByCode, String(error.code)) ? faultByCode[String(error.code)] : undefined
  return byCode ?? faultByStatus[status] ?? 'provider_unavailable'
}

function unauthorized(service: Service, status: number): string {
  const { variable } = serviceTable[service.name]
  if (status === 402 || status === 429) return `${service.name} answered ${status}: the account has no credit left`
  if (!service.hosted) return `${service.name} answered ${status}: it wants a key, which Chasm does not send to it`
  return `${service.name} answered ${status}: the key in ${variable} is not accepted`
}

/** How long a service asks to be left alone, at most `pauseMaxMs`; undefined when it does not say. */
export function readRetryAfterMs(headers: Headers, wallMs: number): number | undefined {
  const waitMs = statedMs(headers, wallMs)
  return waitMs === undefined ? undefined : Math.min(Math.max(Math.ceil(waitMs), 0), pauseMaxMs)
}

function statedMs(headers: Headers, wallMs: number): number | undefined {
  const exact = headers.get('retry-after-ms')
  if (exact !== null && /^\d+(\.\d+)?$/.test(exact)) return Number(exact)
  const after = headers.get('retry-after')
  if (after !== null) {
    if (/^\d+(\.\d+)?$/.test(after)) return Number(after) * 1_000
    const at = Date.parse(after)
    if (!Number.isNaN(at)) return at - wallMs
  }
  // Which limit was hit shows in what remains; the other one's reset may be hours away and means nothing.
  const resets = (['requests', 'tokens'] as const).flatMap((limit) => {
    const waitMs = readDurationMs(headers.get(`x-ratelimit-reset-${limit}`) ?? '')
    return waitMs === undefined ? [] : [{ waitMs, isHit: headers.get(`x-ratelimit-remaining-${limit}`) === '0' }]
  })
  const hit = resets.filter(({ isHit }) => isHit)
  if (hit.length > 0) return Math.max(...hit.map(({ waitMs }) => waitMs))
  return resets.length > 0 ? Math.min(...resets.map(({ waitMs }) => waitMs)) : undefined
}

const unitMs: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 }

/** `2m59.56s`, `120ms`, `6h0m0s`. */
function readDurationMs(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|[dhms]))+$/.test(text)) return undefined
  let sumMs = 0
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g)) sumMs += Number(count) * unitMs[unit!]!
  return sumMs
}
