/**
 * The whole answer from its streamed lines: what a client would have got had it not asked for a stream. Durable tasks
 * are always streamed by their scout, so that events can show progress; what is stored as their result is made here.
 * The lines have been checked by `answer-check.ts` before.
 */

import { toolCallsMax } from '../../shared/limits.ts'

interface ToolCallPart {
  index?: number
  id?: string
  type?: string
  function?: { name?: string; arguments?: string }
}

interface Delta {
  [field: string]: unknown
  tool_calls?: ToolCallPart[]
}

interface ChoicePart {
  index: number
  delta: Delta
  finish_reason?: string | null
  logprobs?: { content?: unknown[] | null; refusal?: unknown[] | null } | null
}

interface Line {
  choices: ChoicePart[]
}

interface ToolCall {
  id: string
  type: string
  function: { name: string; arguments: string }
}

interface Choice {
  index: number
  message: Record<string, unknown>
  finish_reason: string | null
  logprobs: { content: unknown[] | null; refusal: unknown[] | null } | null
}

/** JSON of the answer without the hub's own fields; `tail` is the settled end of the stream, with usage if known. */
export function assembleAnswer(lines: readonly Uint8Array[], tail: Uint8Array): Uint8Array {
  const choices = new Map<number, Choice>()
  for (const line of lines) {
    const { choices: parts } = JSON.parse(Buffer.from(line).toString('utf8')) as Line
    for (const part of parts) addPart(choiceAt(choices, part.index), part)
  }
  const { usage } = JSON.parse(Buffer.from(tail).toString('utf8')) as { usage?: unknown }
  const ordered = [...choices.values()].sort((a, b) => a.index - b.index)
  return Buffer.from(JSON.stringify({ choices: ordered, ...(usage !== undefined && { usage }) }))
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
    if (value === null || value === undefined) continue
    if (field === 'tool_calls') addToolCalls(message, delta.tool_calls!)
    // Text comes in pieces; everything else (role, audio ids …) comes whole, the last word counts.
    else if (typeof value === 'string' && field !== 'role') message[field] = `${message[field] ?? ''}${value}`
    else message[field] = value
  }
  if (finish_reason) choice.finish_reason = finish_reason
  if (!logprobs) return
  choice.logprobs ??= { content: null, refusal: null }
  if (logprobs.content) choice.logprobs.content = [...(choice.logprobs.content ?? []), ...logprobs.content]
  if (logprobs.refusal) choice.logprobs.refusal = [...(choice.logprobs.refusal ?? []), ...logprobs.refusal]
}

function addToolCalls(message: Record<string, unknown>, parts: readonly ToolCallPart[]): void {
  message.tool_calls ??= []
  const calls = message.tool_calls as ToolCall[]
  for (const part of parts) {
    const at = part.index ?? calls.length
    // A stranger's number: it must not make the list grow.
    if (!Number.isInteger(at) || at < 0 || at > calls.length || at >= toolCallsMax) continue
    calls[at] ??= { id: '', type: 'function', function: { name: '', arguments: '' } }
    const call = calls[at]
    if (part.id) call.id = part.id
    if (part.type) call.type = part.type
    call.function.name += part.function?.name ?? ''
    call.function.arguments += part.function?.arguments ?? ''
  }
}

/** The text of an answer's first choice; empty when it has none. For handing a result on to the next task. */
export function textOf(result: Uint8Array): string {
  const { choices, data } = JSON.parse(Buffer.from(result).toString('utf8')) as {
    choices?: { message?: { content?: unknown } }[]
    data?: unknown
  }
  const content = choices?.[0]?.message?.content
  if (typeof content === 'string') return content
  return JSON.stringify(content ?? data ?? choices?.[0]?.message ?? null)
}
