/**
 * A whole chat completion as a message of Anthropic's: a pure function of the answer and of what was asked for.
 * `message-events.ts` does the same for a stream, and a test holds the two together.
 */
import { type Fault, fault } from '../../../../shared/faults.ts'
import { parseExactly } from '../../../../shared/json/exact-json.ts'
import {
  type AnswerForm,
  isObject,
  type Json,
  type MessageHead,
  reasoningIn,
  type Stop,
  signature,
  stopOf,
  textIn,
  wholeUsage,
} from './answer-form.ts'

interface Message extends Stop {
  id: string
  type: 'message'
  role: 'assistant'
  model: string
  container: null
  content: Json[]
  usage: object
}

export const badArguments = fault(
  'provider_bad_answer',
  'The model called a tool with arguments that are not a JSON object: ask again, or use another model.',
)

/** `answer` is a checked chat completion with one choice. */
export function messageOf(head: MessageHead, answer: Json, form: AnswerForm): Message | Fault {
  const choice = firstChoice(answer)
  const message = isObject(choice.message) ? choice.message : {}
  const wasCut = choice.finish_reason === 'length'
  const content = thinkingBlocks(message, form)
  const refusal = textIn(message, 'refusal')
  const text = textIn(message, 'content') + refusal
  if (text !== '') content.push(textBlock(text))
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls.filter(isObject) : []
  for (const call of calls) {
    const block = toolBlock(call)
    // A call in the middle of which the answer ended cannot be made, and the reason of the end tells why it is missing.
    if (block !== null) content.push(block)
    else if (!wasCut) return badArguments
  }
  return {
    ...messageHead(head),
    content,
    ...stopOf(choice, { calls: calls.length > 0, refusal: refusal !== '' }, form),
    usage: wholeUsage(answer.usage, answer.service_tier),
  }
}

export function firstChoice({ choices }: Json): Json {
  const first: unknown = Array.isArray(choices) ? choices[0] : null
  return isObject(first) ? first : {}
}

export function messageHead({ id, model }: MessageHead) {
  return { id, type: 'message', role: 'assistant', model, container: null } as const
}

export function textBlock(text: string): Json {
  return { type: 'text', text, citations: null }
}

export function toolStart(id: string, name: string): Json {
  return { type: 'tool_use', id, name, input: {}, caller: { type: 'direct' } }
}

function thinkingBlocks(message: Json, { thinking }: AnswerForm): Json[] {
  const reasoning = reasoningIn(message)
  if (thinking === 'none' || reasoning === '') return []
  return [{ type: 'thinking', thinking: thinking === 'shown' ? reasoning : '', signature }]
}

/** Null when its arguments are no object. */
function toolBlock(call: Json): Json | null {
  const called = isObject(call.function) ? call.function : {}
  const input = argumentsOf(textIn(called, 'arguments'))
  return input === null ? null : { ...toolStart(textIn(call, 'id'), textIn(called, 'name')), input }
}

function argumentsOf(text: string): Json | null {
  if (text.trim() === '') return {}
  try {
    const input = parseExactly(text)
    return isObject(input) ? input : null
  } catch {
    return null
  }
}
