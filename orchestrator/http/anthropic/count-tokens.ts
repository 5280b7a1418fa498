/**
 * `POST /v1/messages/count_tokens`: how many tokens a request will be counted as, more or less. Only the provider that
 * answers has the tokenizer of its model, so this is an estimate, and the answer says so.
 */
import type { RequestContext } from '../request-context.ts'
import { refuseAnthropic } from '../response/anthropic-errors.ts'
import { jsonResponse } from '../response/response.ts'
import { readObject } from '../schema/body.ts'
import { refusal } from '../schema/validation.ts'
import { isObject, type Json } from './answer/answer-form.ts'
import { chatRequestOf } from './request/chat-request.ts'
import { countTokensRequest, type MessagesFields } from './request/messages-request.ts'

/** English text and code have about so many characters a token; other scripts have more tokens than that. */
const charsPerToken = 4
const quartersPerOther = 3
const tokensPerMessage = 4
const tokensPerTool = 12
/** What an image of the usual size costs where its size is known. */
const tokensPerImage = 1_600
const bytesPerFileToken = 50

export async function countTokens(context: RequestContext): Promise<Response> {
  const { id } = context
  const body = await readObject(context)
  if ('code' in body) return refuseAnthropic(id, body)
  const flaw = refusal(countTokensRequest, body.value)
  if (flaw !== null) return refuseAnthropic(id, flaw)
  const made = chatRequestOf(body.value as unknown as MessagesFields)
  if ('code' in made) return refuseAnthropic(id, made)
  const answer = { input_tokens: estimatedTokens(made.chat), estimated: true }
  return jsonResponse(id, JSON.stringify(answer), 200, { 'request-id': id })
}

/** Of a chat request: its messages, its tools and the form of its answer. */
function estimatedTokens({ messages, tools, response_format: format }: Json): number {
  let tokens = format === undefined ? 0 : inText(JSON.stringify(format))
  for (const tool of (tools ?? []) as Json[]) tokens += tokensPerTool + inText(JSON.stringify(tool.function))
  for (const { content, tool_calls: calls } of messages as Json[]) {
    tokens += tokensPerMessage + inContent(content)
    if (calls !== undefined) tokens += inText(JSON.stringify(calls))
  }
  return Math.ceil(tokens)
}

function inContent(content: unknown): number {
  if (typeof content === 'string') return inText(content)
  if (!Array.isArray(content)) return 0
  return content.reduce<number>((sum, part: Json) => sum + inPart(part), 0)
}

function inPart(part: Json): number {
  if (part.type === 'text') return inText(part.text as string)
  const data = isObject(part.file) ? part.file.file_data : null
  return typeof data === 'string' ? data.length / bytesPerFileToken : tokensPerImage
}

function inText(text: string): number {
  let quarters = 0
  for (let at = 0; at < text.length; at++) quarters += text.charCodeAt(at) < 0x80 ? 1 : quartersPerOther
  return quarters / charsPerToken
}
