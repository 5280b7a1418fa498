/**
 * The Responses API over durable intents: create one (in the foreground, streamed, or in the background), retrieve it,
 * follow it from any event on, cancel it. Every response survives the hub. A client that leaves cancels its foreground
 * response, unless the request has an Idempotency-Key. `response-view.ts` has the form of responses and their events.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { intentDeadlineMs } from '../../../shared/limits/intents.ts'
import type { IntentView } from '../../engine/ports/intents.ts'
import type { PlanAsked } from '../../engine/ports/planner.ts'
import { type Acceptance, clientLeft, readAndAccept } from '../intents/accept-plan.ts'
import { viewerOf } from '../intents/intents.ts'
import type { RequestContext } from '../request-context.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { formatOf, messagesOf, type ResponseFields, refusedField, responseRequest } from '../schema/response-request.ts'
import { isVirtual, templateOf, virtualNames } from '../schema/virtual-models.ts'
import { streamIntent } from '../streaming/intent-stream.ts'
import { answerOf, endOf } from '../virtual/virtual-chat.ts'
import { intentOf, labelFor, labelOf, ResponseEncoder, shownResponse } from './response-view.ts'

export async function createResponse(context: RequestContext): Promise<Response> {
  const accepted = await readAndAccept(context, responseRequest, planRequestOf)
  if ('code' in accepted) return refuse(context.id, accepted)
  const { background, stream } = accepted.sent as unknown as ResponseFields
  return answer(context, accepted.acceptance, { isBackground: background === true, isStreamed: stream === true })
}

/** All that is still needed of the request once it was accepted: its parsed body is many times as large. */
interface Manner {
  isBackground: boolean
  isStreamed: boolean
}

function planRequestOf(sent: Record<string, unknown>) {
  const fields = sent as unknown as ResponseFields
  const asked = refusedField(sent) ?? askedOf(fields)
  if ('code' in asked) return asked
  const { model, background } = fields
  return {
    asked,
    tellsOutcome: background !== true,
    deadlineMs: fields.chasm?.deadline_ms ?? intentDeadlineMs,
    metadata: { ...fields.metadata, ...labelFor({ model, background: background === true }) },
  }
}

async function answer(
  context: RequestContext,
  accepted: Acceptance,
  { isBackground, isStreamed }: Manner,
): Promise<Response> {
  const { edge, id } = context
  const { view } = accepted
  const onLeave = () => {
    if (!isBackground) clientLeft(context, accepted)
  }
  if (isStreamed) {
    return streamIntent(context, {
      answer: answerOf(context, view),
      encoder: new ResponseEncoder(context, view, -1),
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

function askedOf(fields: ResponseFields): PlanAsked | Fault {
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
  return { template, params: { ...fields.chasm?.params, messages }, ...own, manner, lastManner }
}

export function getResponse(context: RequestContext): Response {
  const view = found(context)
  if (view === null) return noSuchResponse(context)
  const { id, request, query } = context
  // Nobody reads the body of an answer to HEAD.
  if (query.get('stream') !== 'true' || request.method === 'HEAD')
    return jsonResponse(id, JSON.stringify(shownResponse(context, view)))
  const after = query.get('starting_after')
  if (after !== null && !/^\d{1,9}$/.test(after)) {
    const text = '`starting_after` must be the `sequence_number` of an event.'
    return refuse(id, fault('invalid_request', text, { param: 'starting_after' }))
  }
  const encoder = new ResponseEncoder(context, view, after === null ? -1 : Number(after))
  // A reader of an existing response does not cancel it by leaving.
  return streamIntent(context, { answer: answerOf(context, view, viewerOf(context)), encoder, onLeave: () => {} })
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
  const { edge, params } = context
  const isOurs = params.id.startsWith('resp_')
  const view = isOurs ? edge.intents.intent(intentOf(params.id), viewerOf(context)) : undefined
  return view === undefined || labelOf(view) === null ? null : view
}

function noSuchResponse({ id }: RequestContext): Response {
  const text = 'There is no such response, or it is no longer kept.'
  return refuse(id, fault('not_found', text, { param: 'id' }))
}
