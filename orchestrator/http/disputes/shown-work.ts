/**
 * What a client shows of an answer that it disputes, as the chat that its scout was given and answered. A client of
 * another dialect shows what it sent and got there: the hub translates it as it did then, and the receipt says whether
 * that is the same. Nothing of an answer's form counts but its texts.
 */
import { type Fault, fault, plainMessage } from '../../../shared/faults.ts'
import { disputedRequestBytesMax } from '../../../shared/limits/trust/disputes.ts'
import { chatRequestOf as chatOfMessages, exactFields } from '../anthropic/request/chat-request.ts'
import { messagesRequest } from '../anthropic/request/messages-request.ts'
import { chatOf, completionRequest, promptsOf, type TextFields } from '../completions/text-request.ts'
import type { RequestContext } from '../request-context.ts'
import { conversationOf } from '../responses/conversation.ts'
import { chatRequestOf as chatOfItems } from '../responses/request/chat-request.ts'
import { JsonMeasure } from '../schema/bounds/json-bounds.ts'
import { type ResponseFields, responseRequest } from '../schema/response-request.ts'
import { refusal } from '../schema/validation.ts'

type Json = Record<string, unknown>

/** A body in a string, or an object, which stands for its shortest JSON. */
export type Shown = string | Json

export interface ShownWork {
  request: Uint8Array
  /** JSON with `choices`. */
  answer: Uint8Array
}

/** `id` is the answer's: a message's says that its request was one of Anthropic's, the others do by their fields. */
export function shownWork(context: RequestContext, id: string, request: Shown, answer: Shown): ShownWork | Fault {
  const text = typeof request === 'string' ? request : JSON.stringify(request)
  const fields = typeof request === 'string' ? fieldsIn(request) : request
  const made = fields === null ? text : requestOf(context, { id, text, fields })
  if (typeof made !== 'string') return noRequest(made)
  const choices = typeof answer === 'string' ? [said(0, answer)] : choicesIn(answer, fields)
  return { request: Buffer.from(made), answer: Buffer.from(JSON.stringify({ choices })) }
}

/** What could not be translated was not answered either. */
function noRequest({ message }: Fault): Fault {
  const text = `This is not the request of that answer, because such a one is refused: ${message}`
  return fault('mismatch', plainMessage(text), { param: 'request' })
}

/** Null for what no dialect translates: longer than a request that can be disputed, too deep, no object. */
function fieldsIn(text: string): Json | null {
  if (text.length > disputedRequestBytesMax || new JsonMeasure().add(Buffer.from(text)) !== null) return null
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null
  } catch {
    return null
  }
}

interface Sent {
  id: string
  text: string
  fields: Json
}

/** The body that the scout was given. */
function requestOf(context: RequestContext, { id, text, fields }: Sent): string | Fault {
  if (id.startsWith('msg_')) {
    const flaw = refusal(messagesRequest, fields)
    return flaw ?? chatText(chatOfMessages(exactFields(text, fields)))
  }
  if (fields.messages !== undefined) return text
  if (fields.prompt !== undefined) {
    const flaw = refusal(completionRequest, fields)
    if (flaw !== null) return flaw
    const sent = fields as TextFields
    return JSON.stringify(chatOf(sent, promptsOf(sent)[0]!))
  }
  if (fields.input === undefined && fields.previous_response_id === undefined) return text
  const flaw = refusal(responseRequest, fields)
  if (flaw !== null) return flaw
  const sent = fields as unknown as ResponseFields
  const conversation = conversationOf(context, sent)
  return 'code' in conversation ? conversation : chatText(chatOfItems(sent, conversation.items))
}

function chatText(made: { chat: Json } | Fault): string | Fault {
  return 'code' in made ? made : JSON.stringify(made.chat)
}

// ------------------------------------------------------------ answers

function said(index: number, content: string): Json {
  return { index, message: { content } }
}

/** Of what came with an answer its texts count, and of several prompts those of the first. */
function choicesIn({ output, content, stop_reason: stop, choices }: Json, request: Json | null): unknown {
  if (Array.isArray(output)) return [{ index: 0, message: messageOf(partsOf(output)) }]
  if (Array.isArray(content)) return [{ index: 0, message: messageOf(content as Json[], stop === 'refusal') }]
  if (!Array.isArray(choices)) return choices
  const ofFirst = Array.isArray(request?.prompt) && request.prompt.length > 1 ? Number(request.n ?? 1) : choices.length
  return choices.slice(0, ofFirst).map((choice: unknown, at) => {
    const { index, text } = (choice ?? {}) as Json
    return typeof text === 'string' ? said(typeof index === 'number' ? index : at, text) : choice
  })
}

/** The parts of a response's messages. */
function partsOf(output: readonly unknown[]): Json[] {
  return output.flatMap((item) => {
    const { type, content } = (item ?? {}) as Json
    return type === 'message' && Array.isArray(content) ? (content as Json[]) : []
  })
}

/** One text of all parts that are text, and one of those that refuse. */
function messageOf(parts: readonly (Json | null)[], isRefusal = false): Json {
  const joined = (kinds: readonly string[], name: string) =>
    parts.map((part) => (kinds.includes(String(part?.type)) ? String(part?.[name] ?? '') : '')).join('')
  const content = joined(['text', 'output_text'], 'text')
  return isRefusal ? { refusal: content } : { content, refusal: joined(['refusal'], 'refusal') }
}
