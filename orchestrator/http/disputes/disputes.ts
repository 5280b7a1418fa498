/**
 * Disputes over HTTP: a client disputes an answer, both sides read how that goes on and may appeal. What belongs to
 * somebody else looks like what is not there.
 */
import type { z } from 'zod'
import { type Fault, fault } from '../../../shared/faults.ts'
import { isAudited } from '../../../shared/keys/key-terms.ts'
import { answerId } from '../../engine/ports/client.ts'
import type { DisputeSide, Disputes, DisputeView } from '../../engine/ports/trust/disputes.ts'
import type { RequestContext } from '../request-context.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { readChecked } from '../schema/body.ts'
import { disputedIn, disputeRequest } from './dispute-request.ts'

const noDisputes = fault(
  'not_found',
  'This orchestrator hears no disputes: its operator can set TRUST=observe, and HUB_EDGES=0.',
)
const notShown = fault(
  'invalid_request',
  'Others would be shown this request, which this key does not allow: send `"consent": true` to allow it this time.',
  { param: 'consent' },
)
export const unknownDispute = fault('not_found', 'There is no dispute of this id, or it is not yours.', { param: 'id' })

export async function fileDispute(context: RequestContext): Promise<Response> {
  const { id, caller } = context
  const disputes = disputesOf(context)
  if ('code' in disputes) return refuse(id, disputes)
  const read = await readChecked(context, disputeRequest)
  if ('code' in read) return refuse(id, read)
  const fields = read.value as z.infer<typeof disputeRequest>
  if (!isAudited(caller!.scopes) && fields.consent !== true) return refuse(id, notShown)
  const about = disputedIn(context, fields)
  if ('code' in about) return refuse(id, about)
  const { reason, comment = '' } = fields
  const filed = await disputes.file({ tenant: caller!.tenant, about, reason, comment })
  return 'code' in filed ? refuse(id, filed) : jsonResponse(id, JSON.stringify(shown(filed)), 201)
}

export function listDisputes(context: RequestContext): Response {
  return listed(context, 'client')
}

/** Those about the scouts that the caller's own keys let in. */
export function listDisputesOfScouts(context: RequestContext): Response {
  return listed(context, 'scout')
}

function listed(context: RequestContext, side: DisputeSide): Response {
  const { id, caller } = context
  const disputes = disputesOf(context)
  if ('code' in disputes) return refuse(id, disputes)
  const data = disputes.list(side, caller!.tenant).map(shown)
  return jsonResponse(id, JSON.stringify({ object: 'list', data }))
}

export function getDispute(context: RequestContext): Response {
  return found(context, 'client')
}

export function getDisputeOfScout(context: RequestContext): Response {
  return found(context, 'scout')
}

function found(context: RequestContext, side: DisputeSide): Response {
  const { id, caller, params } = context
  const disputes = disputesOf(context)
  if ('code' in disputes) return refuse(id, disputes)
  const view = disputes.find(params.id, side, caller!.tenant)
  return view === undefined ? refuse(id, unknownDispute) : jsonResponse(id, JSON.stringify(shown(view)))
}

export async function appealDispute(context: RequestContext): Promise<Response> {
  const { id, caller, params } = context
  const disputes = disputesOf(context)
  if ('code' in disputes) return refuse(id, disputes)
  const view = await disputes.appeal(params.id, caller!.tenant)
  return 'code' in view ? refuse(id, view) : jsonResponse(id, JSON.stringify(shown(view)))
}

export function disputesOf({ edge }: RequestContext): Disputes | Fault {
  return edge.engine.disputes ?? noDisputes
}

export function shown(dispute: DisputeView) {
  const { task, answeredMs, filedMs, changedMs, endsMs, appealEndsMs, appealedBy, rulingEndsMs, ...view } = dispute
  const times = { answered: seconds(answeredMs), filed: seconds(filedMs), changed: seconds(changedMs) }
  const appeals = { appeal_by: secondsOrNull(appealEndsMs), appealed_by: appealedBy }
  const ends = { ends_by: secondsOrNull(endsMs), ...appeals, ruling_by: secondsOrNull(rulingEndsMs) }
  return { object: 'dispute', ...view, task: answerId('chat', task), ...times, ...ends }
}

function seconds(ms: number): number {
  return Math.floor(ms / 1_000)
}

function secondsOrNull(ms: number | null): number | null {
  return ms === null ? null : seconds(ms)
}
