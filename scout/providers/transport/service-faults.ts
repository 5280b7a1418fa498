/**
 * Puts the errors of model services into our words, by the quirks of each service and then by status, code and type;
 * their message text is only passed on, without what looks like a secret, and never read. Fed by the adapter with what
 * the service said, before or in the middle of its answer. A fault that would take a model or a provider from everyone
 * is a suspicion here; `service/doubts.ts` looks whether it is true.
 */
import { type Fault, type FaultCode, fault, plainMessage } from '../../../shared/faults.ts'
import { withoutSecrets } from '../../../shared/secrets.ts'
import { rowOf, type Service } from '../dialects.ts'
import { isObject, type Json } from './json-object.ts'
import { readMetadataMs, readRetryAfterMs } from './retry-after.ts'
import { errorIn, reasonIn } from './service-reason.ts'

/** An error as a service reports it. */
export interface ServiceError {
  /** HTTP status; null for an error in the middle of a stream. */
  status: number | null
  /** The body, or the `error` in it; anything at all. */
  error: unknown
  headers: Headers | null
}

/** Codes that are more precise than the status they come with. */
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
  const error = errorIn(said.error)
  const status = said.status ?? statusOf(error)
  const code = quirkOf(service, status, error) ?? codeOf(status, error)
  const message = reasonOf(service, said)
  if (code === 'provider_rate_limited') {
    const inBody = readMetadataMs(error, wallMs)
    const retryAfterMs = inBody ?? (said.headers ? readRetryAfterMs(said.headers, wallMs) : undefined)
    return fault(code, busy(service, status), retryAfterMs === undefined ? {} : { retryAfterMs })
  }
  // What a service says about a key is for its operator, and may quote it.
  if (code === 'provider_unauthorized') return fault(code, unauthorized(service, status))
  const param = typeof error.param === 'string' && error.param !== '' ? { param: plainMessage(error.param) } : {}
  const isClients = code === 'invalid_request' || code === 'context_length_exceeded' || code === 'content_refused'
  return fault(code, isClients ? message : plainMessage(`${service.name} answered ${status}: ${message}`), param)
}

/** The service's own sentence, fit to be passed on. */
export function reasonOf(service: Service, { error }: Pick<ServiceError, 'error'>): string {
  const secrets = [...(service.secrets ?? []), ...(service.apiKey === null ? [] : [service.apiKey])]
  return plainMessage(withoutSecrets(reasonIn(error), secrets)) || 'it did not say why'
}

function statusOf(error: Json): number {
  for (const stated of [error.code, error.status]) {
    const code = Number(stated)
    if (code >= 400 && code <= 599) return code
  }
  return statusByType[String(error.type)] ?? 500
}

function codeOf(status: number, error: Json): FaultCode {
  // Too large for the service's limits stays so however long one waits, even when the code speaks of rates.
  if (status === 413) return 'request_too_large'
  const byCode = Object.hasOwn(faultByCode, String(error.code)) ? faultByCode[String(error.code)] : undefined
  return byCode ?? faultByStatus[status] ?? 'provider_unavailable'
}

/** The fault that the service's own row gives for an error; undefined when it has none. */
function quirkOf({ name }: Service, status: number, error: Json): FaultCode | undefined {
  const isMeant = (field: 'code' | 'type' | 'param', wanted: string | undefined) =>
    wanted === undefined || error[field] === wanted
  return rowOf(name).quirks.find(
    (quirk) =>
      (quirk.status === undefined || quirk.status === status) &&
      isMeant('code', quirk.code) &&
      isMeant('type', quirk.type) &&
      isMeant('param', quirk.param) &&
      (quirk.metadata === undefined || quirk.metadata === isObject(error.metadata)),
  )?.fault
}

function busy({ name }: Service, status: number): string {
  return status === 503 ? `${name} is busy or still loading` : `${name} is at its rate limit`
}

function unauthorized(service: Service, status: number): string {
  const { variable } = rowOf(service.name)
  if (status === 402 || status === 429) return `${service.name} answered ${status}: the account has no credit left`
  if (service.name === 'compatible') return `compatible answered ${status}: COMPATIBLE_API_KEY is not accepted`
  if (!service.hosted) {
    const instead = 'set COMPATIBLE_URL and COMPATIBLE_API_KEY instead'
    return `${service.name} answered ${status}: it wants a key: ${instead}`
  }
  return `${service.name} answered ${status}: the key in ${variable} is not accepted`
}
