/**
 * The conversation that a request goes on with: what was kept of the responses before it, and items that it only refers
 * to. What is no longer kept is refused by name. Feeds every route that makes a chat request of items.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { conversationBytesMax, conversationTurnsMax } from '../../../shared/limits/http.ts'
import type { RequestContext } from '../request-context.ts'
import { type ContextFields, refusedAt } from '../schema/response-request.ts'
import { inputItemId, responseOfItem } from './items/item-ids.ts'
import { type KeptTurn, keptTurn } from './kept-turn.ts'

type Json = Record<string, unknown>

export interface Conversation {
  /** Everything that the model is to read. */
  items: Json[]
  /** The request's own part of it. */
  input: Json[]
}

export function conversationOf(context: RequestContext, fields: ContextFields): Conversation | Fault {
  const before = itemsBefore(context, fields.previous_response_id ?? null)
  if (!Array.isArray(before)) return before
  const given = fields.input ?? []
  const items: readonly Json[] = typeof given === 'string' ? [{ role: 'user', content: given }] : given
  const input: Json[] = []
  for (const [at, item] of items.entries()) {
    const resolved = isReference(item) ? referred(context, item, before) : item
    if (resolved === null) return noSuchItem(at)
    // What is in the conversation already is not said twice.
    if (!before.includes(resolved)) input.push(resolved)
  }
  return { items: [...before, ...input], input }
}

/** The items as they are kept: each with its type and an id. */
export function withIds(input: readonly Json[], response: string): Json[] {
  return input.map((item, at) => {
    const type = typeof item.type === 'string' ? item.type : 'message'
    const id = typeof item.id === 'string' && item.id !== '' ? item.id : inputItemId(type, response, at)
    const content = type === 'message' && typeof item.content === 'string' ? { content: [textPart(item)] } : null
    return { ...item, type, id, status: item.status ?? 'completed', ...content }
  })
}

function textPart({ role, content }: Json): Json {
  return role === 'assistant'
    ? { type: 'output_text', text: content, annotations: [] }
    : { type: 'input_text', text: content }
}

/** An item with nothing but an id is a reference, too. */
function isReference({ type, id, role }: Json): boolean {
  return type === 'item_reference' || ((type ?? null) === null && role === undefined && typeof id === 'string')
}

/** The item itself; null when it is not kept. */
function referred(context: RequestContext, { id }: Json, before: readonly Json[]): Json | null {
  if (typeof id !== 'string') return null
  const known = before.find((item) => item.id === id)
  if (known !== undefined) return known
  const response = responseOfItem(id)
  const turn = response === null ? null : keptTurn(context, response)
  return itemsOf(turn).find((item) => item.id === id) ?? null
}

function itemsOf(turn: KeptTurn | null): Json[] {
  return turn === null ? [] : [...turn.input, ...(turn.answer.output as Json[])]
}

/** All items up to the end of this response, the oldest first. */
export function itemsBefore(context: RequestContext, last: string | null): Json[] | Fault {
  const turns: Json[][] = []
  let bytes = 0
  for (let id = last; id !== null; ) {
    const turn = keptTurn(context, id)
    if (turn === null) return notKept(id)
    if (turn.isRunning)
      return refusedAt('previous_response_id', 'names a response that is still being made: wait for it')
    bytes += turn.bytes
    if (turns.length >= conversationTurnsMax || bytes > conversationBytesMax) return tooLong
    turns.push(itemsOf(turn))
    id = turn.previous
  }
  return turns.reverse().flat()
}

const tooLong = refusedAt(
  'previous_response_id',
  `goes back over more than ${conversationTurnsMax} responses, or ${conversationBytesMax} bytes of them: ` +
    'shorten them with POST /v1/responses/compact',
)

function notKept(id: string): Fault {
  const text = `There is no response ${JSON.stringify(id.slice(0, 80))}, or it is no longer kept`
  return fault('not_found', `${text}: send the earlier turns in \`input\`.`, { param: 'previous_response_id' })
}

function noSuchItem(at: number): Fault {
  const text = 'There is no such item, or it is no longer kept: send the item itself.'
  return fault('not_found', text, { param: `input[${at}].id` })
}
