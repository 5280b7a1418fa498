/**
 * The routes of the Responses API: create a response, retrieve it, follow it from any event on, cancel it, delete it,
 * list what it read. Who waits for a response has it made as a chat (`interactive.ts`); in the background, by a virtual
 * model or under an Idempotency-Key it is a durable intent (`durable.ts`).
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { inputItemsPageDefault, inputItemsPageMax } from '../../../shared/limits/http.ts'
import { viewerOf } from '../intents/intents.ts'
import type { RequestContext } from '../request-context.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { readChecked } from '../schema/body.ts'
import { type ResponseFields, refusedField, responseRequest } from '../schema/response-request.ts'
import { isVirtual } from '../schema/virtual-models.ts'
import { streamIntent } from '../streaming/intent-stream.ts'
import { answerOf } from '../virtual/virtual-chat.ts'
import { itemsBefore } from './conversation.ts'
import { answerDurably } from './durable.ts'
import { DurableEncoder } from './durable-view.ts'
import { answerNow } from './interactive.ts'
import { type KeptTurn, keptTurn } from './kept-turn.ts'
import { replay } from './replay.ts'

export async function createResponse(context: RequestContext): Promise<Response> {
  const read = await readChecked(context, responseRequest)
  if ('code' in read) return refuse(context.id, read)
  const refused = refusedField(read.value)
  if (refused !== null) return refuse(context.id, refused)
  const fields = read.value as unknown as ResponseFields
  return isDurable(context, fields) ? answerDurably(context, read) : answerNow(context, fields)
}

/** An Idempotency-Key asks for an answer that is there for who sends the request again. */
function isDurable({ request }: RequestContext, { model, background, store }: ResponseFields): boolean {
  if (background === true || isVirtual(model)) return true
  return store !== false && request.headers.has('idempotency-key')
}

export function getResponse(context: RequestContext): Response {
  const turn = found(context)
  if (turn === null) return noSuchResponse(context)
  const { id, request, query, edge } = context
  // Nobody reads the body of an answer to HEAD.
  if (query.get('stream') !== 'true' || request.method === 'HEAD') return jsonResponse(id, JSON.stringify(turn.answer))
  const after = query.get('starting_after')
  if (after !== null && !/^\d{1,9}$/.test(after)) {
    return refuse(id, unfit('starting_after', 'must be the `sequence_number` of an event'))
  }
  const view = turn.intent === null ? undefined : edge.intents.intent(turn.intent, null)
  if (view === undefined) {
    if (after === null) return replay(context, turn)
    return refuse(id, unfit('starting_after', 'is for responses that were made in the background: follow it anew'))
  }
  const encoder = new DurableEncoder(context, view, turn.echo, after === null ? -1 : Number(after))
  // A reader of an existing response does not cancel it by leaving.
  return streamIntent(context, { answer: answerOf(context, view, viewerOf(context)), encoder, onLeave: () => {} })
}

export async function cancelResponse(context: RequestContext): Promise<Response> {
  const turn = found(context)
  if (turn === null) return noSuchResponse(context)
  const { edge, id } = context
  // What was made for a client who waited is whole once it is kept.
  if (turn.intent === null) return jsonResponse(id, JSON.stringify(turn.answer))
  const refused = await edge.intents.cancel(turn.intent, viewerOf(context))
  if (refused !== null) return refuse(id, refused)
  const now = found(context)
  return now === null ? noSuchResponse(context) : jsonResponse(id, JSON.stringify(now.answer))
}

export async function deleteResponse(context: RequestContext): Promise<Response> {
  const turn = found(context)
  if (turn === null) return noSuchResponse(context)
  const { edge, id } = context
  const { id: response, intent } = turn
  const refused =
    intent === null
      ? await edge.engine.responses.forget(response)
      : await edge.intents.forget(intent, viewerOf(context))
  if (refused !== null) return refuse(id, refused)
  return jsonResponse(id, JSON.stringify({ id: response, object: 'response', deleted: true }))
}

/** What the response read: its own input, and before that what it went on after. */
export function listInputItems(context: RequestContext): Response {
  const { id, query } = context
  const turn = found(context)
  if (turn === null) return noSuchResponse(context)
  const order = query.get('order') ?? 'desc'
  if (order !== 'asc' && order !== 'desc') return refuse(id, unfit('order', 'must be asc or desc'))
  const named = query.get('limit') ?? String(inputItemsPageDefault)
  const limit = /^\d{1,4}$/.test(named) ? Number(named) : 0
  if (limit < 1 || limit > inputItemsPageMax) {
    return refuse(id, unfit('limit', `must be a whole number from 1 to ${inputItemsPageMax}`))
  }
  const before = itemsBefore(context, turn.previous)
  if (!Array.isArray(before)) return refuse(id, before)
  const items = [...before, ...turn.input]
  if (order === 'desc') items.reverse()
  const after = query.get('after')
  const at = after === null ? -1 : items.findIndex((item) => item.id === after)
  if (after !== null && at < 0) return refuse(id, fault('not_found', 'There is no such item here.', { param: 'after' }))
  const data = items.slice(at + 1, at + 1 + limit)
  const [first, last] = [data[0]?.id ?? null, data.at(-1)?.id ?? null]
  const page = { object: 'list', data, first_id: first, last_id: last, has_more: items.length > at + 1 + limit }
  return jsonResponse(id, JSON.stringify(page))
}

function found(context: RequestContext): KeptTurn | null {
  const turn = keptTurn(context, context.params.id, viewerOf(context))
  if (turn !== null) context.noteLook(turn.id, turn.tenant)
  return turn
}

function unfit(param: string, rule: string): Fault {
  return fault('invalid_request', `\`${param}\` ${rule}.`, { param })
}

function noSuchResponse({ id }: RequestContext): Response {
  const text = 'There is no such response, or it is no longer kept.'
  return refuse(id, fault('not_found', text, { param: 'id' }))
}
