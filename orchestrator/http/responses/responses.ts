/**
 * The Responses API over durable intents: create (at once, streamed, or in the background), look at one, follow one
 * from any event on, cancel it. Whatever it is, it survives the hub; only a client that waits in front of a response
 * without `background` takes it along when it leaves.
 */
import { fault } from '../../../shared/faults.ts'
import { intentDeadlineMs, intentPriorityDefault } from '../../../shared/limits/intents.ts'
import type { IntentView } from '../../engine/ports/intents.ts'
import { viewerOf } from '../intents/intents.ts'
import type { RequestContext } from '../request-context.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { readChecked } from '../schema/body.ts'
import { idempotencyOf } from '../schema/idempotency.ts'
import { planContext } from '../schema/planning.ts'
import { formatOf, messagesOf, type ResponseFields, refusedField, responseRequest } from '../schema/response-request.ts'
import { isVirtual, templateOf, virtualNames } from '../schema/virtual-models.ts'
import { streamIntent } from '../streaming/intent-stream.ts'
import { answerOf, endOf } from '../virtual/virtual-chat.ts'
import { intentOf, labelFor, labelOf, ResponseVoice, shownResponse } from './response-view.ts'

export async function createResponse(context: RequestContext): Promise<Response> {
  const { edge, id, request, caller } = context
  const body = await readChecked(request, responseRequest)
  if ('code' in body) return refuse(id, body)
  const refused = refusedField(body.value)
  if (refused !== null) return refuse(id, refused)
  const idempotency = idempotencyOf(context, body.bytes)
  if (idempotency !== null && 'code' in idempotency) return refuse(id, idempotency)
  const fields = body.value as unknown as ResponseFields
  const deadlineMs = fields.chasm?.deadline_ms ?? intentDeadlineMs
  const plan = planOf(context, fields, deadlineMs)
  if ('code' in plan) return refuse(id, plan)
  const { id: tenant, weight = 1 } = caller!
  const { model, background } = fields
  const metadata = { ...fields.metadata, ...labelFor({ model, background: background === true }) }
  const { budgetTokens } = plan
  const limits = { priority: intentPriorityDefault, deadlineMs, ...(budgetTokens !== undefined && { budgetTokens }) }
  const submitted = { tenant, weight, plan, metadata, ...limits, ...(idempotency !== null && { idempotency }) }
  const accepted = await edge.intents.accept(submitted)
  if (accepted.type === 'refused') return refuse(id, accepted.fault)
  const view = edge.intents.intent(accepted.id, tenant)
  return view === undefined ? noSuchResponse(context) : give(context, view, fields)
}

async function give(context: RequestContext, view: IntentView, fields: ResponseFields): Promise<Response> {
  const { edge, id, caller } = context
  const isBackground = fields.background === true
  const onLeave = () => {
    if (!isBackground) void edge.intents.cancel(view.id, caller!.id)
  }
  if (fields.stream === true) {
    return streamIntent(context, {
      answer: answerOf(context, view),
      voice: new ResponseVoice(context, view, -1),
      onLeave,
    })
  }
  if (isBackground) {
    // Nothing of it has begun when it is accepted, and people poll until it has.
    return jsonResponse(id, JSON.stringify({ ...shownResponse(context, view), status: 'queued' }))
  }
  const end = await endOf(context, answerOf(context, view), onLeave)
  if ('code' in end) return refuse(id, end)
  return jsonResponse(id, JSON.stringify(shownResponse(context, edge.intents.intent(view.id, null)!)))
}

function planOf({ edge }: RequestContext, fields: ResponseFields, deadlineMs: number) {
  const { model, temperature, top_p: topP, max_output_tokens: tokens } = fields
  const messages = messagesOf(fields)
  if (!Array.isArray(messages)) return messages
  const template = isVirtual(model) ? templateOf(model) : 'single'
  if (template === undefined) {
    const text = `There is no virtual model of this name: use one of ${virtualNames.join(', ')}.`
    return fault('model_not_found', text, { param: 'model' })
  }
  const format = formatOf(fields)
  const manner = {
    ...((temperature ?? null) !== null && { temperature }),
    ...((topP ?? null) !== null && { top_p: topP }),
  }
  const lastManner = {
    ...((tokens ?? null) !== null && { max_tokens: tokens }),
    ...(format !== null && { response_format: format }),
  }
  const own = isVirtual(model) ? {} : { model }
  const params = { ...fields.chasm?.params, messages }
  return edge.planner.plan({ template, params, ...own, manner, lastManner }, planContext(edge.engine, deadlineMs))
}

export function getResponse(context: RequestContext): Response {
  const view = found(context)
  if (view === null) return noSuchResponse(context)
  const { id, request } = context
  const query = new URL(request.url).searchParams
  // Nobody reads the body of an answer to HEAD.
  if (query.get('stream') !== 'true' || request.method === 'HEAD')
    return jsonResponse(id, JSON.stringify(shownResponse(context, view)))
  const after = query.get('starting_after')
  if (after !== null && !/^\d{1,9}$/.test(after)) {
    const text = '`starting_after` must be the `sequence_number` of an event.'
    return refuse(id, fault('invalid_request', text, { param: 'starting_after' }))
  }
  const voice = new ResponseVoice(context, view, after === null ? -1 : Number(after))
  // Who only looks on takes nothing along.
  return streamIntent(context, { answer: answerOf(context, view, viewerOf(context)), voice, onLeave: () => {} })
}

export async function cancelResponse(context: RequestContext): Promise<Response> {
  const view = found(context)
  if (view === null) return noSuchResponse(context)
  const { edge, id } = context
  const refused = await edge.intents.cancel(view.id, viewerOf(context))
  if (refused !== null) return refuse(id, refused)
  return jsonResponse(id, JSON.stringify(shownResponse(context, edge.intents.intent(view.id, null)!)))
}

function found(context: RequestContext): IntentView | null {
  const { edge, rest } = context
  const view = rest.startsWith('resp_') ? edge.intents.intent(intentOf(rest), viewerOf(context)) : undefined
  return view === undefined || labelOf(view) === null ? null : view
}

function noSuchResponse({ id }: RequestContext): Response {
  const text = 'There is no such response, or it is no longer kept.'
  return refuse(id, fault('not_found', text, { param: 'id' }))
}
