/**
 * Why a dispute or an appeal is not taken, each in one sentence that says what to do. What is somebody else's looks
 * like what is not there.
 */
import { type Fault, fault } from '../../../../shared/faults.ts'
import {
  disputedAnswerBytesMax,
  disputedRequestBytesMax,
  disputesPerClientMin,
  lostAmong,
  lostMax,
  openPerClientMax,
} from '../../../../shared/limits/trust/disputes.ts'
import { dayMs } from '../../../tenants/periods.ts'
import type { QuotaFlaw } from '../../disputes/quotas.ts'

const hourMs = 3_600_000

export const unknown = fault('not_found', 'There is no dispute of this id, or it is not yours: GET /v1/disputes.')
export const noReceipts = fault(
  'not_found',
  'This orchestrator gives no receipts, so it can only hear disputes about nodes of intents: send `intent`.',
)
export const noAnswer = fault(
  'not_found',
  'There is no such answer of yours; one can be disputed from about a second after its end, for 72 hours.',
)
export const notChat = fault('mismatch', 'Only answers of chats can be disputed.')
export const partial = fault('mismatch', 'You left before this answer was whole, so nobody can say what it lacks.')
export const continued = fault('mismatch', 'Two scouts gave this answer together, and neither can answer for it alone.')
export const own = fault('mismatch', 'Your own scout gave this answer: look at its log instead.')
export const noText = fault('mismatch', 'This answer calls tools; only texts can be compared with others.')
export const made = fault(
  'mismatch',
  'The hub made the request of this node from results of others: only nodes that need no other can be disputed.',
)
export const tooLate = fault('too_late', 'An answer can be disputed for 72 hours after it was given.')
export const tooLarge = fault(
  'request_too_large',
  `Only requests of up to ${disputedRequestBytesMax} bytes and answers of up to ${disputedAnswerBytesMax} can be ` +
    'disputed.',
)
export const mismatch: Record<'request' | 'answer', Fault> = {
  request: fault(
    'mismatch',
    'This is not the request of that answer: send the body exactly as it was sent then, as a string if need be.',
    { param: 'request' },
  ),
  answer: fault(
    'mismatch',
    'This is not the answer that was given: send its text, or its `choices`, exactly as you got them.',
    { param: 'answer' },
  ),
}
export const exists = fault('dispute_exists', 'There is a dispute about this answer: GET /v1/disputes.')

export const notDecided = fault('mismatch', 'There is no verdict yet that could be appealed.')
export const appealed = fault('dispute_exists', 'This verdict was appealed once, and that is final.')
export const appealTooLate = fault('too_late', 'A verdict can be appealed for 72 hours; this one stands.')
export const noAppeal = fault('mismatch', 'Administrators decide after an appeal; there is none, or it is being heard.')
export const rulingTooLate = fault('too_late', 'This dispute is over.')
export const hasWon = fault('mismatch', 'The verdict is in your favour.')

const limits: Record<QuotaFlaw, [sentence: string, retryAfterMs: number]> = {
  client_open: [`You have ${openPerClientMax} disputes under way: wait for one of them to be decided.`, hourMs],
  owner_open: ['Many answers of this scout are under dispute already: try again later.', hourMs],
  client_month: [
    `In 30 days you may file ${disputesPerClientMin} disputes and one for each hundred of your tasks; rejected ones ` +
      'count twice.',
    dayMs,
  ],
  client_lost: [`You lost ${lostMax} of your last ${lostAmong} disputes: wait a week after the last one.`, dayMs],
  owner_lost: [`You lost ${lostMax} of your last ${lostAmong} appeals: wait a week after the last one.`, dayMs],
  day: ['This orchestrator has taken as many disputes as it may in a day: try again tomorrow.', dayMs],
}

export function overQuota(flaw: QuotaFlaw): Fault {
  const [sentence, retryAfterMs] = limits[flaw]
  return fault('rate_limited', sentence, { retryAfterMs })
}
