/**
 * How an attempt ends on this scout, in the words of the settle frame. The executor chooses one, the attempt's
 * `Outgoing` writes it down.
 */
import { type Fault, type FaultCode, fault, plainMessage } from '../../shared/faults.ts'
import { bodyBytesMax, nameCharsMax } from '../../shared/limits/wire.ts'
import { durationOnWire } from '../../shared/protocol/frames.ts'
import type { Outcome } from '../../shared/task.ts'

export interface Ending {
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

export function done(json: string): Ending {
  const body = Buffer.from(json)
  if (body.length > bodyBytesMax) return ended('failed', fault('answer_too_large', answerTooLarge))
  return { outcome: 'done', fault: '', message: '', param: '', retryAfterMs: 0, body }
}

export function ended(outcome: Outcome, cause: Fault): Ending {
  const { code, message, param = '', retryAfterMs = 0 } = cause
  const words = { message: plainMessage(message), param: plainMessage(param).slice(0, nameCharsMax) }
  return { outcome, fault: code, ...words, retryAfterMs: durationOnWire(retryAfterMs), body: nothing }
}

export const answerTooLarge = `The answer is larger than ${bodyBytesMax} bytes.`

export const cancelled = ended('cancelled', fault('cancelled', 'The hub cancelled this attempt.'))
export const handedBack = ended('released', fault('scout_draining', 'The scout is leaving and hands this back.'))
export const lateAnswer = ended(
  'failed',
  fault('provider_timeout', "The provider did not finish before the task's deadline."),
)
export const tooMuchAtOnce = ended(
  'failed',
  fault('scout_error', 'Too many large requests arrive at this scout at once.'),
)
