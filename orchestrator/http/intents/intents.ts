/**
 * Durable intents over HTTP: make one, list them, look at one, cancel it; `intents-events.ts` follows one. A client
 * sees the intents of its own key, an admin all. Planning is the planner's, everything after the 202 the engine's.
 */

import { fault } from '../../../shared/faults.ts'
import { intentDeadlineMs, intentPriorityDefault } from '../../../shared/limits.ts'
import type { IntentSubmission, Viewer } from '../../engine/ports/intents.ts'
import type { Exchange } from '../request-context.ts'
import { shownAccepted, shownIntent, wholeIntent } from '../response/intent-view.ts'
import { refuse, replyJson } from '../response/response.ts'
import { type JsonBody, readChecked } from '../schema/body.ts'
import { idempotencyOf } from '../schema/idempotency.ts'
import { type IntentFields, intentRequest, listQuery } from '../schema/intent-request.ts'
import { planContext } from '../schema/planning.ts'
import { behindModel } from '../schema/virtual-models.ts'

export async function createIntent(exchange: Exchange): Promise<Response> {
  const { id, edge, request } = exchange
  const body = await readChecked(request, intentRequest)
  if ('code' in body) return refuse(id, body)
  const idempotency = idempotencyOf(exchange, body.bytes)
  if (idempotency !== null && 'code' in idempotency) return refuse(id, idempotency)
  const fields = behindModel(body.value as IntentFields)
  const plan = edge.planner.plan(fields, planContext(edge.engine, fields.deadline_ms ?? intentDeadlineMs))
  if ('code' in plan) return refuse(id, plan)
  const { budgetTokens } = plan
  const submitted = { ...submission(exchange, body), plan, ...(budgetTokens !== undefined && { budgetTokens }) }
  const accepted = await edge.intents.accept(idempotency === null ? submitted : { ...submitted, idempotency })
  if (accepted.type === 'refused') return refuse(id, accepted.fault)
  const view = edge.intents.intent(accepted.id, null)
  if (view === undefined) {
    const text = 'The intent made with this Idempotency-Key is no longer kept: send the request with a new key.'
    return refuse(id, fault('not_found', text, { param: 'Idempotency-Key' }))
  }
  return replyJson(id, JSON.stringify(shownAccepted(view)), 202, {
    location: `/v1/intents/${accepted.id}`,
    ...(accepted.replayed && { 'idempotent-replayed': 'true' }),
  })
}

export function listIntents(exchange: Exchange): Response {
  const { id, edge, request } = exchange
  const query = listQuery(request.url)
  if ('code' in query) return refuse(id, query)
  const { limit, after, state } = query
  const viewer = viewerOf(exchange)
  if (after !== undefined && edge.intents.intent(after, viewer) === undefined) {
    const text = 'There is no such intent to go on after: list from the start, without `after`.'
    return refuse(id, fault('not_found', text, { param: 'after' }))
  }
  // One more than asked for tells whether there is a next page.
  const filter = { limit: limit + 1, ...(state && { state }), ...(after && { before: after }) }
  const found = edge.intents.list(viewer, filter)
  const data = found.slice(0, limit).map(shownIntent)
  const page = { object: 'list', data, has_more: found.length > limit, last_id: data.at(-1)?.id ?? null }
  return replyJson(id, JSON.stringify(page))
}

export function getIntent(exchange: Exchange): Response {
  const { id, edge, rest } = exchange
  const found = edge.intents.whole(rest, viewerOf(exchange))
  if (found === undefined) return noSuchIntent(exchange)
  return replyJson(id, wholeIntent(found.view, found.tasks, found.result))
}

/** What had ended before stays as it was, and is shown. */
export async function cancelIntent(exchange: Exchange): Promise<Response> {
  const { id, edge, rest } = exchange
  const refused = await edge.intents.cancel(rest, viewerOf(exchange))
  if (refused === null) return getIntent(exchange)
  return refused.code === 'not_found' ? noSuchIntent(exchange) : refuse(id, refused)
}

/** The same words for an id that never was and for one of another key: who guesses ids learns nothing. */
export function noSuchIntent({ id }: Exchange): Response {
  const text = 'There is no such intent, or it is no longer kept: GET /v1/intents lists yours.'
  return refuse(id, fault('not_found', text, { param: 'id' }))
}

export function viewerOf({ caller }: Exchange): Viewer {
  return caller!.role === 'admin' ? null : caller!.id
}

function submission({ caller }: Exchange, { value }: JsonBody): Omit<IntentSubmission, 'plan'> {
  const { deadline_ms: deadlineMs, priority, metadata } = value as IntentFields
  return {
    tenant: caller!.id,
    weight: caller!.weight ?? 1,
    priority: priority ?? intentPriorityDefault,
    deadlineMs: deadlineMs ?? intentDeadlineMs,
    metadata: metadata ?? {},
  }
}
