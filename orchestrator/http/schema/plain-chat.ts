/**
 * Accepts the chat requests that most clients send, so that the schema library is not on the way of each of them. It
 * rejects nothing: what it does not accept goes to `chatRequest`, which also words every refusal. It accepts only what
 * the schema accepts; a property test compares the two. `body.ts` and the planner's check ask it first.
 */
import { modelCharsMax } from '../../../shared/limits/wire.ts'
import { chatRequest, roles } from './openai-requests.ts'

type Json = Record<string, unknown>

/** A field of the schema that this file has no check for is left to the schema. */
const schemaFields: ReadonlySet<string> = new Set(Object.keys(chatRequest.shape))
const knownRoles: ReadonlySet<unknown> = new Set(roles)

/** Whether the schema certainly accepts this body. False decides nothing. */
export function isPlainChat(body: Json): boolean {
  if (!isModel(body.model) || !areMessages(body.messages)) return false
  for (const field in body) {
    if (!isPlainField(field, body)) return false
  }
  return true
}

function isPlainField(field: string, body: Json): boolean {
  const value = body[field]
  switch (field) {
    case 'model':
    case 'messages':
      return true
    case 'stream':
      return isFlag(value)
    case 'stream_options':
      return isNothing(value) || (body.stream === true && isObject(value) && isFlag(value.include_usage))
    case 'temperature':
    case 'top_p':
    case 'presence_penalty':
    case 'frequency_penalty':
      return isNothing(value) || Number.isFinite(value)
    case 'max_tokens':
    case 'max_completion_tokens':
      return isNothing(value) || Number.isSafeInteger(value)
    case 'stop':
      return isNothing(value) || typeof value === 'string'
    default:
      return !schemaFields.has(field)
  }
}

function isModel(value: unknown): boolean {
  return typeof value === 'string' && value.length >= 1 && value.length <= modelCharsMax
}

function areMessages(list: unknown): boolean {
  if (!Array.isArray(list) || list.length === 0) return false
  for (const message of list) {
    if (!isPlainMessage(message)) return false
  }
  return true
}

/** Text or typed parts from a known role. Tool calls and their answers are left to the schema. */
function isPlainMessage(message: unknown): boolean {
  if (!isObject(message)) return false
  const { role, content, tool_calls: calls, tool_call_id: call } = message
  if (role === 'tool' || !knownRoles.has(role) || !isNothing(calls) || !isNothing(call)) return false
  return typeof content === 'string' || (Array.isArray(content) && content.every(isTyped))
}

function isTyped(part: unknown): boolean {
  return isObject(part) && typeof part.type === 'string'
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null
}

function isFlag(value: unknown): boolean {
  return isNothing(value) || typeof value === 'boolean'
}
