/**
 * Durable intents over HTTP: make one, list them, look at one, cancel it; `events.ts` follows one. A client
 * sees the intents of its own key, an admin all. Planning is the planner's, everything after the 202 the engine's.
 */

import { fault } from '../../../shared/faults.ts'
import { intentDeadlineMs, intentPriorityDefault } from '../../../shared/limits/intents.ts'
import type { Viewer } from '../../engine/ports/intents.ts'
import type { RequestContext } from '../request-context.ts'
import { shownAccepted, shownIntent, wholeIntent } from '../response/intent-view.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { type IntentFields, intentRequest, listQuery } from '../schema/intent-request.ts'
import { behindModel } from '../schema/virtual-models.ts'
import { readAndAccept } from './accept-plan.ts'

export async function createIntent(context: RequestContext): Promise<Response> {
  const { id } = context
  const accepted = await readAndAccept(context, intentRequest, planRequestOf)
  if ('code' in accepted) return refuse(id, accepted)
  const { view, replayed } = accepted.acceptance
  return jsonResponse(id, JSON.stringify(shownAccepted(view)), 202, {
    location: `/v1/intents/${view.id}`,
    ...(replayed && { 'idempotent-replayed': 'true' }),
  })
}

function planRequestOf(sent: IntentFields) {
  const { deadline_ms: deadlineMs, priority, metadata } = sent
  return {
    asked: behindModel(sent),
    deadlineMs: deadlineMs ?? intentDeadlineMs,
    metadata: metadata ?? {},
    priority: priority ?? intentPriorityDefault,
  }
}

export function listIntents(context: RequestContext): Response {
  const { id, edge } = context
  const query = listQuery(context.query)
  if ('code' in query) return refuse(id, query)
  const { limit, after, state } = query
  const viewer = viewerOf(context)
  if (after !== undefined && edge.intents.intent(after, viewer) === undefined) {
    const text = 'There is no such intent to go on after: list from the start, without `after`.'
    return refuse(id, fault('not_found', text, { param: 'after' }))
  }
  if (viewer === null) context.noteLook('intents', null)
  // One more than asked for tells whether there is a next page.
  const filter = { limit: limit + 1, ...(state && { state }), ...(after && { before: after }) }
  const found = edge.intents.list(viewer, filter)
  const data = found.slice(0, limit).map(shownIntent)
  const page = { object: 'list', data, has_more: found.length > limit, last_id: data.at(-1)?.id ?? null }
  return jsonResponse(id, JSON.stringify(page))
}

export function getIntent(context: RequestContext): Response {
  const { id, edge, params } = context
  const found = edge.intents.whole(params.id, viewerOf(context))
  if (found === undefined) return noSuchIntent(context)
  context.noteLook(params.id, found.view.tenant)
  return jsonResponse(id, wholeIntent(found.view, found.tasks, found.result))
}

/** What had ended before stays as it was, and is shown. */
export async function cancelIntent(context: RequestContext): Promise<Response> {
  const { id, edge, params } = context
  const refused = await edge.intents.cancel(params.id, viewerOf(context))
  if (refused === null) return getIntent(context)
  return refused.code === 'not_found' ? noSuchIntent(context) : refuse(id, refused)
}

/** The same words for an id that never was and for one of another key: who guesses ids learns nothing. */
export function noSuchIntent({ id }: RequestContext): Response {
  const text = 'There is no such intent, or it is no longer kept: GET /v1/intents lists yours.'
  return refuse(id, fault('not_found', text, { param: 'id' }))
}

export function viewerOf({ caller }: RequestContext): Viewer {
  return caller!.role === 'admin' ? null : caller!.tenant
}
