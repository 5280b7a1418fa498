/**
 * Every way something can go wrong, as data. A fault is a value with a code; its row here holds who is to blame,
 * whether another attempt may help, and how a client sees it. No code branches on message text.
 * (A *defect* is something else: an assertion that fails is a bug in this program and is not listed here.)
 */
import { faultMessageCharsMax } from './limits/wire.ts'

/** Who is to blame. Only `scout` counts against a scout's record. */
type Blame = 'client' | 'scout' | 'provider' | 'hub' | 'nobody'

/** `never`: final at once. `elsewhere`: try another scout, this attempt is charged. `free`: try again, not charged. */
type RetryRule = 'never' | 'elsewhere' | 'free'

interface FaultRow {
  blame: Blame
  retry: RetryRule
  /** HTTP status when the fault reaches a client before its answer began. */
  status: number
  /** OpenAI's error type, which clients switch on. */
  type: string
}

const invalid = 'invalid_request_error'
const server = 'server_error'

export const faultTable = {
  // The client's own making: the same request would fail everywhere.
  invalid_request: { blame: 'client', retry: 'never', status: 400, type: invalid },
  context_length_exceeded: { blame: 'client', retry: 'never', status: 400, type: invalid },
  content_refused: { blame: 'client', retry: 'never', status: 400, type: invalid },
  invalid_api_key: { blame: 'client', retry: 'never', status: 401, type: 'authentication_error' },
  sign_in_refused: { blame: 'client', retry: 'never', status: 401, type: 'authentication_error' },
  permission_denied: { blame: 'client', retry: 'never', status: 403, type: 'permission_error' },
  model_not_found: { blame: 'client', retry: 'never', status: 404, type: invalid },
  not_found: { blame: 'client', retry: 'never', status: 404, type: invalid },
  method_not_allowed: { blame: 'client', retry: 'never', status: 405, type: invalid },
  idempotency_in_flight: { blame: 'client', retry: 'never', status: 409, type: invalid },
  key_changed: { blame: 'client', retry: 'never', status: 409, type: invalid },
  dispute_exists: { blame: 'client', retry: 'never', status: 409, type: invalid },
  appeal_exists: { blame: 'client', retry: 'never', status: 409, type: invalid },
  too_late: { blame: 'client', retry: 'never', status: 410, type: invalid },
  request_too_slow: { blame: 'client', retry: 'never', status: 408, type: invalid },
  request_too_large: { blame: 'client', retry: 'never', status: 413, type: invalid },
  unsupported_media_type: { blame: 'client', retry: 'never', status: 415, type: invalid },
  idempotency_mismatch: { blame: 'client', retry: 'never', status: 422, type: invalid },
  mismatch: { blame: 'client', retry: 'never', status: 422, type: invalid },
  queue_full: { blame: 'client', retry: 'never', status: 429, type: 'rate_limit_error' },
  rate_limited: { blame: 'client', retry: 'never', status: 429, type: 'rate_limit_error' },
  cancelled: { blame: 'client', retry: 'never', status: 499, type: 'cancelled' },
  budget_exceeded: { blame: 'client', retry: 'never', status: 402, type: invalid },
  insufficient_points: { blame: 'client', retry: 'never', status: 402, type: invalid },
  client_stalled: { blame: 'client', retry: 'never', status: 499, type: 'cancelled' },

  // The provider behind a scout. None of these marks the scout.
  provider_rate_limited: { blame: 'provider', retry: 'free', status: 503, type: server },
  provider_unauthorized: { blame: 'provider', retry: 'elsewhere', status: 502, type: server },
  provider_unavailable: { blame: 'provider', retry: 'elsewhere', status: 502, type: server },
  cannot_continue: { blame: 'provider', retry: 'elsewhere', status: 502, type: server },
  // A statement about the model of one provider; the scout that reports it has offered what it was told it had.
  not_offered: { blame: 'provider', retry: 'elsewhere', status: 502, type: server },
  provider_timeout: { blame: 'provider', retry: 'elsewhere', status: 504, type: server },

  // The scout itself.
  contract_broken: { blame: 'scout', retry: 'elsewhere', status: 502, type: server },
  provider_bad_answer: { blame: 'scout', retry: 'elsewhere', status: 502, type: server },
  scout_error: { blame: 'scout', retry: 'elsewhere', status: 502, type: server },
  scout_lost: { blame: 'scout', retry: 'elsewhere', status: 502, type: server },
  scout_silent: { blame: 'scout', retry: 'elsewhere', status: 504, type: server },
  chunk_gap: { blame: 'scout', retry: 'elsewhere', status: 502, type: server },
  bad_answer: { blame: 'scout', retry: 'elsewhere', status: 502, type: server },

  // Nobody's or the hub's.
  answer_too_large: { blame: 'nobody', retry: 'never', status: 502, type: server },
  scout_draining: { blame: 'nobody', retry: 'free', status: 503, type: server },
  attempts_exhausted: { blame: 'nobody', retry: 'never', status: 502, type: server },
  no_agreement: { blame: 'nobody', retry: 'never', status: 502, type: server },
  no_scout_available: { blame: 'nobody', retry: 'never', status: 503, type: server },
  deadline_exceeded: { blame: 'nobody', retry: 'never', status: 504, type: server },
  store_unavailable: { blame: 'hub', retry: 'never', status: 503, type: server },
  hub_overloaded: { blame: 'hub', retry: 'free', status: 503, type: server },
  hub_draining: { blame: 'hub', retry: 'never', status: 503, type: server },
  internal_error: { blame: 'hub', retry: 'never', status: 500, type: server },
} as const satisfies Record<string, FaultRow>

export type FaultCode = keyof typeof faultTable

/** Whether the same request may succeed later: such a failure is not kept under an Idempotency-Key. */
export function mayPass(code: FaultCode): boolean {
  const { status } = faultTable[code]
  return status >= 500 || status === 429 || status === 499
}

/** Beside what is a provider's or a scout's fault: another model may have it, take it, or have somebody free. */
const ofOneModel: ReadonlySet<FaultCode> = new Set<FaultCode>([
  'model_not_found',
  'context_length_exceeded',
  'content_refused',
  'answer_too_large',
  'scout_draining',
  'attempts_exhausted',
  'no_agreement',
  'no_scout_available',
  // Another one may cost less.
  'insufficient_points',
  // Of a request that was taken: its model is at its provider's limit for longer than it can wait.
  'rate_limited',
])

/** Whether the next one may answer where a request names several models. */
export function leadsToNextModel(code: FaultCode): boolean {
  const { blame } = faultTable[code]
  return blame === 'provider' || blame === 'scout' || ofOneModel.has(code)
}

export interface Fault {
  code: FaultCode
  /** One sentence a person can act on. */
  message: string
  /** The request field at fault, as `messages[0].role`. */
  param?: string
  /** When another try may succeed. */
  retryAfterMs?: number
}

/** The causes of a failed attempt that a scout may report; any other code counts as `scout_error`. */
const reportable: ReadonlySet<string> = new Set<FaultCode>([
  'invalid_request',
  'context_length_exceeded',
  'content_refused',
  'request_too_large',
  'provider_rate_limited',
  'provider_unauthorized',
  'provider_unavailable',
  'provider_timeout',
  'cannot_continue',
  'provider_bad_answer',
  'answer_too_large',
  'not_offered',
  'scout_error',
  'scout_draining',
])

/** Whether a scout may report `code`. */
export function isReportable(code: string): code is FaultCode {
  return reportable.has(code)
}

export function fault(code: FaultCode, message: string, extra?: { param?: string; retryAfterMs?: number }): Fault {
  return { code, message, ...extra }
}

/** Text from outside, made safe to show: one line, no control characters, bounded. */
export function plainMessage(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is the point
  return text.slice(0, faultMessageCharsMax).replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
}
