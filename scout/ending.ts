/**
 * How an attempt ends on this scout, in the words of the settle frame. The executor chooses one, the attempt's
 * `Outgoing` writes it down.
 */
import { type FaultCode, plainMessage } from '../shared/faults.ts'
import { bodyBytesMax } from '../shared/limits.ts'
import type { Outcome } from '../shared/task.ts'

export interface Ending {
  outcome: Outcome
  /** Empty when done. */
  fault: FaultCode | ''
  message: string
  retryAfterMs: number
  body: Uint8Array
}

const nothing = new Uint8Array(0)
const dayMs = 86_400_000

export function done(json: string): Ending {
  const body = Buffer.from(json)
  if (body.length > bodyBytesMax) return ended('failed', 'answer_too_large', answerTooLarge)
  return { outcome: 'done', fault: '', message: '', retryAfterMs: 0, body }
}

export function ended(outcome: Outcome, fault: FaultCode, message: string, retryAfterMs = 0): Ending {
  const wholeMs = Math.min(dayMs, Math.max(0, Math.ceil(retryAfterMs)))
  return { outcome, fault, message: plainMessage(message), retryAfterMs: wholeMs, body: nothing }
}

export const answerTooLarge = `The answer is larger than ${bodyBytesMax} bytes.`

export const cancelled = ended('cancelled', 'cancelled', 'The hub cancelled this attempt.')
export const handedBack = ended('released', 'scout_draining', 'The scout is leaving and hands this back.')
export const lateAnswer = ended('failed', 'provider_timeout', "The provider did not finish before the task's deadline.")
export const tooMuchAtOnce = ended('failed', 'scout_error', 'Too many large requests arrive at this scout at once.')
