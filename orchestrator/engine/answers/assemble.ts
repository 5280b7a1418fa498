/**
 * The whole answer from its streamed lines: what a client would have got had it not asked for a stream. Durable tasks
 * are always streamed by their scout, so that events can show progress; what is stored as their result is made here.
 * The lines have been checked by `answer-check.ts` before, but only as far as clients need it: inside a delta anything
 * may be anything, and what does not fit is left out.
 */

import { toolCallsMax } from '../../../shared/limits/intents.ts'

interface ChoicePart {
  index: number
  delta: Record<string, unknown>
  finish_reason?: string | null
  logprobs?: unknown
}

interface ToolCall {
  id: string
  type: string
  function: { name: string; arguments: string }
}

interface Logprobs {
  content: unknown[] | null
  refusal: unknown[] | null
}

interface Choice {
  index: number
  message: Record<string, unknown>
  finish_reason: string | null
  logprobs: Logprobs | null
}

/**
 * JSON of the answer without the hub's own fields; `tail` is the settled end of the stream, with usage if known. Null
 * when the answer is nested too deeply to be written down.
 */
export function assembleAnswer(lines: readonly Uint8Array[], tail: Uint8Array): Uint8Array | null {
  const choices = new Map<number, Choice>()
  for (const line of lines) {
    for (const part of (parse(line) as { choices: ChoicePart[] }).choices) addPart(choiceAt(choices, part.index), part)
  }
  const { usage } = parse(tail) as { usage?: unknown }
  const ordered = [...choices.values()].sort((a, b) => a.index - b.index)
  const text = written({ choices: ordered, ...(usage !== undefined && { usage }) })
  return text === null ? null : Buffer.from(text)
}

function parse(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
}

/** JSON of a stranger's value. Reading JSON bears more depth than writing it; null when it is too deep for that. */
function written(value: unknown): string | null {
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

function choiceAt(choices: Map<number, Choice>, index: number): Choice {
  let choice = choices.get(index)
  if (choice === undefined) {
    // Without a prototype: the fields are a stranger's.
    const message = Object.assign(Object.create(null), { role: 'assistant', content: null })
    choice = { index, message, finish_reason: null, logprobs: null }
    choices.set(index, choice)
  }
  return choice
}

function addPart(choice: Choice, { delta, finish_reason, logprobs }: ChoicePart): void {
  const { message } = choice
  for (const [field, value] of Object.entries(delta)) {
    if (value === null) continue
    const before = message[field]
    if (field === 'tool_calls') addToolCalls(message, value)
    // Text comes in pieces; everything else (role, audio ids …) comes whole, the last word counts.
    else if (typeof value === 'string' && typeof before === 'string' && field !== 'role')
      message[field] = before + value
    else message[field] = value
  }
  if (finish_reason) choice.finish_reason = finish_reason
  if (!isObject(logprobs)) return
  choice.logprobs ??= { content: null, refusal: null }
  addLogprobs(choice.logprobs, 'content', logprobs.content)
  addLogprobs(choice.logprobs, 'refusal', logprobs.refusal)
}

function addLogprobs(logprobs: Logprobs, of: keyof Logprobs, more: unknown): void {
  if (!Array.isArray(more)) return
  logprobs[of] ??= []
  // One by one: copying the list for every line would cost its square.
  for (const one of more) logprobs[of].push(one)
}

function addToolCalls(message: Record<string, unknown>, parts: unknown): void {
  if (!Array.isArray(parts)) return
  message.tool_calls ??= []
  const calls = message.tool_calls as ToolCall[]
  for (const part of parts) {
    if (!isObject(part)) continue
    const at = part.index ?? calls.length
    // A stranger's number: it must not make the list grow.
    if (typeof at !== 'number' || !Number.isInteger(at) || at < 0 || at > calls.length || at >= toolCallsMax) continue
    calls[at] ??= { id: '', type: 'function', function: { name: '', arguments: '' } }
    const call = calls[at]
    const named = isObject(part.function) ? part.function : {}
    call.id = textOr(part.id, call.id)
    call.type = textOr(part.type, call.type)
    call.function.name += textOr(named.name, '')
    call.function.arguments += textOr(named.arguments, '')
  }
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' && value !== '' ? value : otherwise
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a result says, for handing it on to the next task: the first choice's text, or else its JSON. */
export function textOf(result: Uint8Array): string {
  const { choices, data } = parse(result) as { choices?: { message?: { content?: unknown } }[]; data?: unknown }
  const content = choices?.[0]?.message?.content
  if (typeof content === 'string') return content
  return written(content ?? data ?? choices?.[0]?.message ?? null) ?? 'null'
}
