/**
 * A request to the Responses API as the chat completion that it stands for: its items become messages, its settings the
 * fields of the same meaning, and fields that the hub does not know go on as they are. Pure. `items` is the whole
 * conversation, with what comes before the request's own input.
 */
import type { Fault } from '../../../../shared/faults.ts'
import { type ResponseFields, responseFields } from '../../schema/response-request.ts'
import { isFault } from './content-parts.ts'
import { messagesOf } from './input-items.ts'
import { chatToolsOf } from './tools.ts'

type Json = Record<string, unknown>

/** What a client writes for its own use, of which no provider knows. */
const ownFields: readonly string[] = ['client_metadata']

/** Fields of the same name and meaning on both sides. */
const sameFields = [
  ...['temperature', 'top_p', 'presence_penalty', 'frequency_penalty', 'seed', 'stop'],
  ...['prompt_cache_key', 'prompt_cache_retention', 'safety_identifier', 'user'],
] as const

/** Fields that only advise a provider: an answer of several requests is made without them. */
export const hints: readonly string[] = ['prompt_cache_key', 'prompt_cache_retention', 'safety_identifier', 'user']

/** Which field of a response's request each field of the chat request comes from, where their names differ. */
export const namedOtherwise: Readonly<Record<string, string>> = {
  max_completion_tokens: 'max_output_tokens',
  response_format: 'text.format',
  verbosity: 'text.verbosity',
  reasoning_effort: 'reasoning.effort',
  logprobs: 'top_logprobs',
}

/** In an object of its own, because fields that go on as they are may have any name. */
export function chatRequestOf(fields: ResponseFields, items: readonly Json[]): { chat: Json } | Fault {
  const messages = messagesOf(items, fields.instructions ?? null)
  if (isFault(messages)) return messages
  const tools = chatToolsOf(fields)
  if (isFault(tools)) return tools
  const { model, stream, parallel_tool_calls: parallel, max_output_tokens: tokens, service_tier: tier } = fields
  const sent = fields as unknown as Json
  const chat = {
    ...passedOn(sent),
    model,
    messages,
    ...(stream === true && { stream }),
    ...tools,
    ...(tools.tools !== undefined && typeof parallel === 'boolean' && { parallel_tool_calls: parallel }),
    ...Object.fromEntries(sameFields.filter((field) => isGiven(sent[field])).map((field) => [field, sent[field]])),
    ...(isGiven(tokens) && { max_completion_tokens: tokens }),
    // What is done anyway need not be asked for of services that know no tiers.
    ...(isGiven(tier) && tier !== 'auto' && tier !== 'default' && { service_tier: tier }),
    ...logprobsOf(fields),
    ...formOf(fields),
    ...(isGiven(fields.reasoning?.effort) && { reasoning_effort: fields.reasoning!.effort }),
  }
  return { chat }
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}

/** Fields that the hub does not know: a provider may, and refuses them by name if it does not. */
function passedOn(sent: Json): Json {
  const names = Object.keys(sent).filter((field) => !responseFields.has(field) && !ownFields.includes(field))
  return Object.fromEntries(names.filter((field) => isGiven(sent[field])).map((field) => [field, sent[field]]))
}

function logprobsOf({ top_logprobs: top, include }: ResponseFields): Json {
  const isIncluded = include?.includes('message.output_text.logprobs') === true
  if (!isIncluded && !top) return {}
  return { logprobs: true, ...(isGiven(top) && { top_logprobs: top }) }
}

function formOf({ text }: ResponseFields): Json {
  const format = formatOf(text?.format ?? null)
  return { ...(format !== null && { response_format: format }), ...(text?.verbosity && { verbosity: text.verbosity }) }
}

/** The required form of the answer, as a chat completion's `response_format`. */
function formatOf(format: Json | null): Json | null {
  if (format === null || format.type === 'text') return null
  if (format.type !== 'json_schema') return format
  const { type, name, description, schema, strict } = format
  const named = { name, ...(isGiven(description) && { description }), schema, ...(isGiven(strict) && { strict }) }
  return { type, json_schema: named }
}
