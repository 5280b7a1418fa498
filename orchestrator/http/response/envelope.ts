/**
 * Puts the hub's own fields in front of an answer's without decoding it: the scout sends the bytes of one JSON object,
 * the hub writes `{"id":…,"object":…,"created":…,"model":…,` and appends what follows its opening brace. The engine
 * has checked that the bytes are one object, and that those keys are not in it.
 */
import { reservedField } from '../../../shared/protocol/reserved-fields.ts'
import type { Cost } from '../../core/fleet/cost.ts'
import type { Answer } from '../../engine/ports/client.ts'

const openingBrace = 0x7b
const closingBrace = 0x7d
const space = 0x20
const quote = 0x22

/** The hub's fields of a whole answer or of one streamed chunk, ending in a comma. Only after the answer is served. */
export function envelopeHead(answer: Answer, object: string): string {
  const { model } = servedBy(answer)
  const id = reservedField('id', JSON.stringify(answer.id))
  const kind = reservedField('object', `"${object}"`)
  return `{${id}${kind}${reservedField('created', answer.created)}${reservedField('model', JSON.stringify(model))}`
}

/**
 * Which scout, provider and model served the answer, what audits have shown of that scout, and, once it has ended, what
 * it cost, ending in a comma; with the
 * terms of the cost that led to them when the client asks for an explanation.
 */
export function chasmField(answer: Answer, explains = false): string {
  return reservedField('chasm', JSON.stringify(servedShown(answer, explains)))
}

/** What an answer cost, of whose serving the client has been told; ending in a comma. */
export function costField(microDollars: number): string {
  return reservedField('chasm', JSON.stringify({ micro_dollars: microDollars }))
}

/** The same as a value. */
function servedShown(answer: Answer, explains: boolean): object {
  const { scout, provider, model } = servedBy(answer)
  const { attempts, queuedMs, cost, trust, microDollars } = answer
  const known = trust === null ? {} : { trust }
  const charged = microDollars === null ? {} : { micro_dollars: microDollars }
  const shown = { scout, provider, model, ...known, attempts, queued_ms: Math.round(queuedMs), ...charged }
  const explained = explains && cost !== null ? { ...shown, cost_ms: shownCost(cost) } : shown
  return explained
}

/** The same of an answer whose own id does not name its task. */
export function servedAs(answer: Answer, explains: boolean): object {
  return { task: answer.id, ...servedShown(answer, explains) }
}

/** Terms of a placement's cost, whole milliseconds each. */
export function shownCost(cost: Cost) {
  return {
    first_content: Math.round(cost.firstContentMs),
    tokens: Math.round(cost.tokensMs),
    load: Math.round(cost.loadMs),
    price: Math.round(cost.priceMs),
    failure: Math.round(cost.failureMs),
    operator: Math.round(cost.operatorMs),
    total: Math.round(cost.totalMs),
  }
}

/** Appends to `pieces` the object whose fields are those of `head` and then those of `body`. */
export function envelop(pieces: Uint8Array[], head: Uint8Array, body: Uint8Array): void {
  const brace = braceOf(body)
  pieces.push(isEmpty(body, brace) ? head.subarray(0, -1) : head, body.subarray(brace + 1))
}

/** Bytes that `writeEnvelope` writes, with a head of so many. */
export function envelopedBytes(headBytes: number, body: Uint8Array): number {
  return headBytes + body.length - braceOf(body) - 1
}

/**
 * Writes the same object into `target`, and returns where it ends. The body goes first: the head's last comma takes the
 * place of its opening brace.
 */
export function writeEnvelope(target: Uint8Array, at: number, head: Uint8Array, body: Uint8Array): number {
  const brace = braceOf(body)
  const comma = at + head.length - 1
  target.set(brace === 0 ? body : body.subarray(brace), comma)
  target.set(head, at)
  if (body[brace + 1] !== quote && isEmpty(body, brace)) target[comma] = space
  return comma + body.length - brace
}

/** There may be space before it. */
function braceOf(body: Uint8Array): number {
  return body[0] === openingBrace ? 0 : body.indexOf(openingBrace)
}

/** Whether the object that begins here has no field. */
function isEmpty(body: Uint8Array, brace: number): boolean {
  let next = brace + 1
  while (next < body.length && body[next]! <= space) next++
  return body[next] === closingBrace
}

/** The model that served the answer. Only after the answer is served. */
export function servedModel(answer: Answer): string {
  return servedBy(answer).model
}

function servedBy(answer: Answer) {
  // A defect: the engine promises it from the first line or the end on.
  if (answer.served === null) throw new Error(`answer ${answer.id} has content but nobody who served it`)
  return answer.served
}
