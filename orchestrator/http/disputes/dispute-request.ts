/**
 * What a client sends to dispute an answer, as a schema and as the dispute desk takes it. A request may be shown as
 * the bytes of its body in a string, or as an object, which stands for its shortest JSON, as most SDKs send it; an
 * answer as its text, or as the object that came. Other dialects are translated in `shown-work.ts`.
 */
import { z } from 'zod'
import { type Fault, fault } from '../../../shared/faults.ts'
import { disputeCommentCharsMax } from '../../../shared/limits/trust/disputes.ts'
import { disputeReasons } from '../../../shared/scouts/dispute-words.ts'
import type { Disputed } from '../../engine/ports/trust/disputes.ts'
import { taskIn } from '../ledger/receipts.ts'
import type { RequestContext } from '../request-context.ts'
import { expects, textUpTo } from '../schema/validation.ts'
import { shownWork } from './shown-work.ts'

const shown = z.union([z.string(), z.record(z.string(), z.unknown())], expects('must be a string or an object'))

export const disputeRequest = z.strictObject({
  task: textUpTo(64)
    .optional()
    .describe('The id of the answer (`chatcmpl-…`, `msg_…`, `cmpl-…`; of a response its `chasm.task`), or a number.'),
  intent: textUpTo(64).optional().describe('The id of an intent, in the place of `task`.'),
  node: textUpTo(256).optional().describe('A node of the intent; the one that makes its result when absent.'),
  reason: z.enum(disputeReasons, expects(`must be one of ${disputeReasons.join(', ')}`)),
  comment: textUpTo(disputeCommentCharsMax).optional().describe('For yourself and administrators.'),
  request: shown.optional().describe('With `task`: the body as it was sent, as a string, or as its JSON.'),
  consent: z
    .boolean(expects('must be a boolean'))
    .optional()
    .describe('true: others may be shown the request, which the key does not allow by itself (`audit: false`).'),
  answer: shown.optional().describe('With `task`: the text of the answer, or the object that came.'),
})

type DisputeFields = z.infer<typeof disputeRequest>

const which = fault('invalid_request', 'Name the answer: send `task` with `request` and `answer`, or `intent`.', {
  param: 'task',
})

export function disputedIn(context: RequestContext, fields: DisputeFields): Disputed | Fault {
  const { task, intent, node, request, answer } = fields
  if ((task === undefined) === (intent === undefined)) return which
  if (intent !== undefined) return { type: 'node', intent, node: node ?? null }
  const number = taskIn(task!)
  if (number === null) {
    return fault('invalid_request', '`task` must be the id of an answer, or the number of a task.', { param: 'task' })
  }
  if (request === undefined || answer === undefined) return which
  const shownNow = shownWork(context, task!, request, answer)
  return 'code' in shownNow ? shownNow : { type: 'task', task: number, ...shownNow }
}
