/**
 * The part of the OpenAPI document about other dialects than OpenAI's chat: Anthropic's Messages API and the old
 * completions. Their request bodies are the schemas that check them.
 */
import { count, inHeader, type Json, json, type Operation, object, orNull, ref, seconds, text } from './parts.ts'

const some = { type: 'array', items: { type: 'object' } }

export const dialectSchemas: Json = {
  Message: object(
    {
      ...{ id: text, type: { const: 'message' }, role: { const: 'assistant' }, model: text },
      content: { ...some, description: 'Blocks of text, of thinking and of tool calls.' },
      stop_reason: { enum: ['end_turn', 'max_tokens', 'stop_sequence', 'tool_use', 'refusal', null] },
      stop_sequence: { ...orNull(text), description: 'Where the provider tells which one it was.' },
      ...{ stop_details: orNull({ type: 'object' }), container: { type: 'null' }, chasm: ref('Served') },
      usage: object({
        ...{ input_tokens: count, cache_read_input_tokens: count, cache_creation_input_tokens: count },
        output_tokens: count,
      }),
    },
    ['chasm'],
  ),
  TokenCount: object({
    input_tokens: count,
    chasm: object({ estimated: { const: true, description: 'Only the provider that answers can count exactly.' } }),
  }),
  AnthropicError: object({
    type: { const: 'error' },
    error: object({ type: text, message: { ...text, description: 'One sentence that says what to do.' } }),
    request_id: text,
  }),
  TextCompletion: object(
    {
      id: text,
      object: { const: 'text_completion' },
      created: seconds,
      model: text,
      choices: some,
      chasm: ref('Served'),
    },
    ['chasm'],
  ),
}

const messageEvents = {
  'text/event-stream': { schema: { ...text, description: 'message_start, content_block_start and so on.' } },
}
const textChunks = { 'text/event-stream': { schema: ref('TextCompletion') } }
const repeatable = 'A repetition with the same key and body gets the answer of the first. Ignored with `stream: true`.'

export const dialectOperations: Record<string, Operation> = {
  'POST /v1/completions': {
    summary: 'Continue a text, or several: the API from before there was chat. Fields not listed pass through.',
    access: 'client',
    parameters: [inHeader('Idempotency-Key', repeatable)],
    takes: 'CompletionRequest',
    gives: [200, 'The texts; with `stream: true` as events.', { ...json(ref('TextCompletion')), ...textChunks }],
  },
  'POST /v1/messages': {
    summary: "Answer a conversation in the words of Anthropic's Messages API. The key may also come as `x-api-key`.",
    access: 'client',
    parameters: [
      inHeader('Idempotency-Key', repeatable),
      inHeader('anthropic-version', 'Accepted; all versions are answered alike.'),
      inHeader('anthropic-beta', 'Accepted; features that are not offered are refused where they are used.'),
    ],
    takes: 'MessagesRequest',
    gives: [200, 'The message; with `stream: true` as events.', { ...json(ref('Message')), ...messageEvents }],
    fails: 'AnthropicError',
  },
  'POST /v1/messages/count_tokens': {
    summary: 'About how many tokens a request will be counted as: an estimate, made without asking a provider.',
    access: 'client',
    takes: 'CountTokensRequest',
    gives: [200, 'The estimate.', json(ref('TokenCount'))],
    fails: 'AnthropicError',
  },
}
