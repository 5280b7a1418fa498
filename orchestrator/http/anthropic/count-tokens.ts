/**
 * `POST /v1/messages/count_tokens`: how many tokens a request will be counted as, more or less. Only the provider that
 * answers has the tokenizer of its model, so this is an estimate, and the answer says so.
 */
import type { RequestContext } from '../request-context.ts'
import { refuseAnthropic } from '../response/anthropic-errors.ts'
import { jsonResponse } from '../response/response.ts'
import { readForTranslation } from '../schema/body.ts'
import { estimatedTokens } from '../schema/token-estimate.ts'
import { chatRequestOf } from './request/chat-request.ts'
import { countTokensRequest, type MessagesFields } from './request/messages-request.ts'

export async function countTokens(context: RequestContext): Promise<Response> {
  const { id } = context
  const body = await readForTranslation(context, countTokensRequest)
  if ('code' in body) return refuseAnthropic(id, body)
  const made = chatRequestOf(body.value as unknown as MessagesFields)
  if ('code' in made) return refuseAnthropic(id, made)
  const answer = { input_tokens: estimatedTokens(made.chat), chasm: { estimated: true } }
  return jsonResponse(id, JSON.stringify(answer), 200, { 'request-id': id })
}
