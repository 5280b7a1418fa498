/**
 * A request of Anthropic's Messages API as a chat request: the one direction of the translation, a pure function of a
 * checked request. Scouts and their providers see nothing but the chat request. Fields that a chat request has no
 * counterpart for were refused by the schema; those that change nothing here are listed in `docs/anthropic.md`.
 */
import { createHash } from 'node:crypto'
import type { Fault } from '../../../../shared/faults.ts'
import { parseExactly } from '../../../../shared/json/exact-json.ts'
import type { MessagesFields } from './messages-request.ts'
import { type Json, Refusals } from './refusals.ts'
import { chatTools } from './tools.ts'
import { chatMessages, isUnfinished } from './turns.ts'

/** Providers refuse a longer `user`; Claude Code sends three times as much. */
const userCharsMax = 64

/**
 * A request as it was written: numbers that a double cannot hold go on with the digits they came with, for they are
 * somebody's ids. `value` is the same text, parsed.
 */
export function exactFields(text: string, value: unknown): MessagesFields {
  return (/\d{16}/.test(text) ? parseExactly(text) : value) as MessagesFields
}

/** The chat request, without `stream_options`: usage comes with every answer of a scout. */
export function chatRequestOf(sent: MessagesFields): { chat: Json } | Fault {
  const refusals = new Refusals()
  const messages = chatMessages(sent, refusals)
  const tools = chatTools(sent, refusals)
  if (messages.length === 0) refusals.add('messages', 'must hold something to answer')
  if (refusals.first !== null) return refusals.first
  const { model, max_tokens: maxTokens, stream, stop_sequences: stops, service_tier: tier } = sent
  const user = sent.metadata?.user_id ?? null
  const chat = {
    model,
    messages,
    // Scouts put it in the words of their service.
    ...(maxTokens !== undefined && { max_completion_tokens: maxTokens }),
    ...(stream === true && { stream: true }),
    ...(stops && stops.length > 0 && { stop: stops }),
    ...given(sent, ['temperature', 'top_p', 'top_k', 'chasm']),
    ...tools,
    ...formOf(sent),
    ...effortOf(sent),
    ...(user !== null && { user: userOf(user) }),
    ...(tier === 'standard_only' && { service_tier: 'default' }),
    // As the engine marks an answer that is to go on at another scout; scouts fit it to their provider.
    ...(isUnfinished(messages) && { continue_final_message: true, add_generation_prompt: false }),
  }
  return { chat }
}

function given(sent: MessagesFields, fields: readonly (keyof MessagesFields)[]): Json {
  return Object.fromEntries(
    fields.filter((field) => (sent[field] ?? null) !== null).map((field) => [field, sent[field]]),
  )
}

function formOf({ output_config: config, output_format: older }: MessagesFields): Json {
  const format = config?.format ?? older
  if (!format) return {}
  return {
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: format.schema, strict: true } },
  }
}

/**
 * `high` is what Anthropic means by nothing, and Claude Code says it with each request: it is not sent, because models
 * that do not reason refuse the field. The chat dialect's highest is `xhigh`.
 */
function effortOf({ output_config: config }: MessagesFields): Json {
  const effort = config?.effort ?? 'high'
  return effort === 'high' ? {} : { reasoning_effort: effort === 'max' ? 'xhigh' : effort }
}

/** An identifier that is too long for providers goes as its digest: as stable, and as opaque. */
function userOf(id: string): string {
  return id.length <= userCharsMax ? id : createHash('sha256').update(id).digest('hex')
}
