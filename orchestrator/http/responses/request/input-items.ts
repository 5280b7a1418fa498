/**
 * The items of a conversation as messages of a chat completion: messages, calls of tools with their results, and
 * summaries of what came before. Calls that one answer made become one message again, and the system's words at the
 * beginning one, because models are trained on that form. Reasoning of earlier answers is left out: a chat request has
 * no field for it that every provider takes. References have been resolved before.
 */
import type { Fault } from '../../../../shared/faults.ts'
import { refusedAt } from '../../schema/response-request.ts'
import { summaryOf } from '../items/compaction.ts'
import { customArguments } from '../items/custom-tool.ts'
import { nameForModel } from '../items/tool-names.ts'
import { contentOf, isFault } from './content-parts.ts'

type Json = Record<string, unknown>

const roles: readonly unknown[] = ['system', 'developer', 'user', 'assistant']

/** The messages, or what is wrong with an item; `place` is the name of the list. */
export function messagesOf(items: readonly Json[], instructions: string | null, place = 'input'): Json[] | Fault {
  const made = new Messages()
  if (instructions !== null && instructions !== '') made.system(instructions)
  for (const [at, item] of items.entries()) {
    const flaw = add(made, item, `${place}[${at}]`)
    if (flaw !== null) return flaw
  }
  return made.all()
}

function add(made: Messages, item: Json, place: string): Fault | null {
  // A message may come without its type.
  const type = item.type ?? 'message'
  switch (type) {
    case 'message':
      return addMessage(made, item, place)
    case 'function_call':
    case 'custom_tool_call':
      return addCall(made, item, place)
    case 'function_call_output':
    case 'custom_tool_call_output':
      return addOutput(made, item, place)
    case 'reasoning':
      return null
    case 'compaction':
      return addSummary(made, item, place)
    default: {
      const known = 'message, function_call, function_call_output, custom_tool_call, custom_tool_call_output'
      return refusedAt(`${place}.type`, `must be one of ${known}, reasoning, compaction and item_reference here`)
    }
  }
}

function addMessage(made: Messages, { role, content }: Json, place: string): Fault | null {
  if (!roles.includes(role)) return refusedAt(`${place}.role`, `must be one of ${roles.join(', ')}`)
  const mapped = contentOf(content, `${place}.content`)
  if (isFault(mapped)) return mapped
  if (role === 'assistant') made.answer(typeof mapped === 'string' ? mapped : textsIn(mapped))
  else if (role === 'user') made.add({ role, content: mapped })
  else made.system(mapped)
  return null
}

/** An answer of a model is text. */
function textsIn(parts: readonly Json[]): string {
  return parts.map(({ text }) => (typeof text === 'string' ? text : '')).join('')
}

function addCall(made: Messages, item: Json, place: string): Fault | null {
  const { type, call_id: id, name, namespace } = item
  const field = type === 'function_call' ? 'arguments' : 'input'
  for (const [key, value] of Object.entries({ call_id: id, name, [field]: item[field] })) {
    if (typeof value !== 'string') return refusedAt(`${place}.${key}`, 'is required: it must be a string')
  }
  const sent = item[field] as string
  const called = type === 'function_call' ? sent : customArguments(sent)
  made.call({ id, type: 'function', function: { name: nameForModel(name as string, namespace), arguments: called } })
  return null
}

function addOutput(made: Messages, { call_id: id, output }: Json, place: string): Fault | null {
  if (typeof id !== 'string') return refusedAt(`${place}.call_id`, 'is required: it must be a string')
  const content = contentOf(output, `${place}.output`)
  if (isFault(content)) return content
  made.result(id, content)
  return null
}

function addSummary(made: Messages, item: Json, place: string): Fault | null {
  const summary = summaryOf(item)
  if (summary === null)
    return refusedAt(`${place}.encrypted_content`, 'was not made by this server: send the earlier turns')
  made.add({ role: 'user', content: `Summary of the conversation so far:\n\n${summary}` })
  return null
}

/** Collects messages, and joins those that belong together. */
class Messages {
  private readonly messages: Json[] = []
  /** Images and files that tools returned: a tool's message holds text alone, so they follow those of this turn. */
  private shown: Json[] = []
  /** The answer under way, to which calls are added; null when another message came after it. */
  private open: Json | null = null

  all(): Json[] {
    this.close()
    return this.messages
  }

  add(message: Json): void {
    this.close()
    this.messages.push(message)
  }

  system(content: string | Json[]): void {
    this.close()
    const before = this.messages.at(-1)
    const isFirst = this.messages.length === 1 && before?.role === 'system'
    if (isFirst && typeof before.content === 'string' && typeof content === 'string') {
      before.content = `${before.content}\n\n${content}`
    } else this.messages.push({ role: 'system', content })
  }

  answer(content: string): void {
    this.close()
    this.open = { role: 'assistant', content }
    this.messages.push(this.open)
  }

  call(call: Json): void {
    if (this.open === null) {
      this.close()
      this.open = { role: 'assistant', content: null }
      this.messages.push(this.open)
    }
    this.open.tool_calls = [...((this.open.tool_calls as Json[] | undefined) ?? []), call]
  }

  result(id: string, content: string | Json[]): void {
    this.open = null
    const parts = typeof content === 'string' ? [] : content
    const others = parts.filter(({ type }) => type !== 'text')
    const text = typeof content === 'string' ? content : textsIn(parts)
    this.shown.push(...others)
    const shown = others.length > 0 && text === '' ? 'The result is in the next message of the user.' : text
    this.messages.push({ role: 'tool', tool_call_id: id, content: shown })
  }

  private close(): void {
    this.open = null
    if (this.shown.length === 0) return
    this.messages.push({ role: 'user', content: this.shown })
    this.shown = []
  }
}
