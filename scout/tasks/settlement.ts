/**
 * How an attempt ends on this scout, in the fields of the settle frame and within their bounds. The executor and the
 * provider attempts choose one; the attempt's output sends it.
 */
import { pauseLengthMs } from '../../shared/backoff.ts'
import { type Fault, type FaultCode, fault, plainMessage } from '../../shared/faults.ts'
import { bodyBytesMax, nameCharsMax } from '../../shared/limits/wire.ts'
import { durationOnWire } from '../../shared/protocol/frames.ts'
import type { Outcome } from '../../shared/task.ts'

export interface Settlement {
  outcome: Outcome
  /** Empty when done. */
  fault: FaultCode | ''
  message: string
  /** The request's field at fault; empty when none is. */
  param: string
  retryAfterMs: number
  body: Uint8Array
}

const nothing = new Uint8Array(0)

export function done(json: string): Settlement {
  const body = Buffer.from(json)
  if (body.length > bodyBytesMax) return settlementOf('failed', fault('answer_too_large', answerTooLarge))
  return { outcome: 'done', fault: '', message: '', param: '', retryAfterMs: 0, body }
}

/** A settlement without an answer. The texts come from services and handlers, so they are made safe here. */
export function settlementOf(outcome: Outcome, cause: Fault): Settlement {
  const { code, message, param = '' } = cause
  // The hub pauses as long as the catalog: on the wire 0 would be a time that is not known.
  const isLimit = code === 'provider_rate_limited'
  const retryAfterMs = isLimit ? pauseLengthMs(cause.retryAfterMs) : (cause.retryAfterMs ?? 0)
  const texts = { message: plainMessage(String(message)), param: plainMessage(String(param)).slice(0, nameCharsMax) }
  return { outcome, fault: code, ...texts, retryAfterMs: durationOnWire(retryAfterMs), body: nothing }
}

export const answerTooLarge = `The answer is larger than ${bodyBytesMax} bytes.`

export const cancelled = settlementOf('cancelled', fault('cancelled', 'The hub cancelled this attempt.'))
export const handedBack = settlementOf('released', fault('scout_draining', 'The scout is leaving and hands this back.'))
export const lateAnswer = settlementOf(
  'failed',
  fault('provider_timeout', "The provider did not finish before the task's deadline."),
)
export const tooMuchToTake = settlementOf(
  'failed',
  fault('scout_error', 'The request is larger than what this scout has offered to take.'),
)
export const ownDefect = settlementOf('failed', fault('scout_error', 'The scout failed while it handled this task.'))
