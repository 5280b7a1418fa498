/**
 * How many tokens a request to the Responses API would have as its input, for clients that plan ahead: an estimate, and
 * the answer says so. Nobody is asked.
 */
import type { RequestContext } from '../request-context.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { readChecked } from '../schema/body.ts'
import { type ResponseFields, refusedField, tokenCountRequest } from '../schema/response-request.ts'
import { estimatedTokens } from '../schema/token-estimate.ts'
import { conversationOf } from './conversation.ts'
import { chatRequestOf } from './request/chat-request.ts'

export async function countInputTokens(context: RequestContext): Promise<Response> {
  const { id } = context
  const read = await readChecked(context, tokenCountRequest)
  if ('code' in read) return refuse(id, read)
  const refused = refusedField(read.value)
  if (refused !== null) return refuse(id, refused)
  const fields = read.value as unknown as ResponseFields
  const conversation = conversationOf(context, fields)
  if ('code' in conversation) return refuse(id, conversation)
  const mapped = chatRequestOf(fields, conversation.items)
  if ('code' in mapped) return refuse(id, mapped)
  const shown = {
    object: 'response.input_tokens',
    input_tokens: estimatedTokens(mapped.chat),
    chasm: { estimated: true },
  }
  return jsonResponse(id, JSON.stringify(shown))
}
