/**
 * How long the lists of a request may be, looked at before any schema does: a schema makes something for every element,
 * which takes a second for a few hundred thousand of them. One look at the lengths of the lists that requests have, by
 * their names, whatever the route. `body.ts` asks for each body, the planner's check for each request of a plan.
 */
import { type Fault, fault } from '../../../../shared/faults.ts'
import * as limits from '../../../../shared/limits/http.ts'

type Json = Record<string, unknown>

/** Elements of the lists of a request, by field. */
const listsOfRequest: readonly (readonly [field: string, countMax: number])[] = [
  ['messages', limits.messagesMax],
  ['tools', limits.toolsMax],
  ['functions', limits.toolsMax],
  ['stop', limits.stopsMax],
  ['stop_sequences', limits.stopsMax],
  ['system', limits.contentPartsMax],
  ['include', limits.toolsMax],
  ['modalities', limits.stopsMax],
]

/** The same of one message, or of one item of `input`. */
const listsOfMessage: typeof listsOfRequest = [
  ['content', limits.contentPartsMax],
  ['tool_calls', limits.toolsMax],
]

/** The fault of the first list that is too long; null when none is. */
export function lengthFault(request: Json, place = ''): Fault | null {
  const flaw = listsIn(request, place, listsOfRequest) ?? messagesIn(request.messages, `${place}messages`)
  return flaw ?? inputIn(request.input, `${place}input`) ?? paramsIn(request.params, `${place}params`)
}

function listsIn(holder: Json, place: string, lists: typeof listsOfRequest): Fault | null {
  for (const [field, countMax] of lists) {
    const list = holder[field]
    if (Array.isArray(list) && list.length > countMax) return tooLong(`${place}${field}`, list.length, countMax)
  }
  return null
}

function tooLong(param: string, count: number, countMax: number): Fault {
  const text = `\`${param}\` has ${count} elements, and at most ${countMax} are allowed: send fewer.`
  return fault('invalid_request', text, { param })
}

function messagesIn(messages: unknown, place: string): Fault | null {
  if (!Array.isArray(messages)) return null
  for (let at = 0; at < messages.length; at++) {
    const message: unknown = messages[at]
    if (typeof message !== 'object' || message === null) continue
    const { content, tool_calls: calls } = message as Json
    // Text, as almost all is.
    if (!Array.isArray(content) && !Array.isArray(calls)) continue
    const flaw = listsIn(message as Json, `${place}[${at}].`, listsOfMessage)
    if (flaw !== null) return flaw
  }
  return null
}

/** What to embed, or the items of a conversation; the numbers of tokens are bounded as all numbers are. */
function inputIn(input: unknown, place: string): Fault | null {
  if (!Array.isArray(input)) return null
  if (input.length > limits.inputsMax) return tooLong(place, input.length, limits.inputsMax)
  let items = 0
  for (const item of input) if (typeof item === 'object' && item !== null && !Array.isArray(item)) items++
  if (items > limits.messagesMax) return tooLong(place, items, limits.messagesMax)
  return items === 0 ? null : messagesIn(input, place)
}

/** Of a template: its conversation. */
function paramsIn(params: unknown, place: string): Fault | null {
  if (typeof params !== 'object' || params === null) return null
  const { messages } = params as Json
  if (!Array.isArray(messages)) return null
  const { length } = messages
  const isLong = length > limits.messagesMax
  return isLong ? tooLong(`${place}.messages`, length, limits.messagesMax) : messagesIn(messages, `${place}.messages`)
}
