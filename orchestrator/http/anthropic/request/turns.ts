/**
 * The turns of a conversation in Anthropic's dialect as messages of a chat completion. One turn of a user may become
 * several messages: each result of a tool is a message of its own there, before what else the user says. Reasoning of
 * earlier turns has no place in a chat completion and is left out, as Anthropic itself leaves out that of older turns.
 */
import { contentKinds, partsOf, plainText, shown, textOf, textPart } from './blocks.ts'
import type { MessagesFields } from './messages-request.ts'
import { isObject, type Json, objectsIn, type Refusals } from './refusals.ts'

const known = {
  tool_use: new Set(['type', 'id', 'name', 'input', 'cache_control', 'caller']),
  tool_result: new Set(['type', 'tool_use_id', 'content', 'is_error', 'cache_control']),
  mid_conv_system: new Set(['type', 'content', 'cache_control']),
}

/** What was thought or decided about is not sent on. */
const leftOut: ReadonlySet<unknown> = new Set(['thinking', 'redacted_thinking'])

export function chatMessages({ system, messages }: MessagesFields, refusals: Refusals): Json[] {
  const chat: Json[] = []
  const instructions = system == null ? '' : plainText(system, 'system', refusals)
  if (instructions !== '') chat.push({ role: 'system', content: instructions })
  for (const [at, { role, content }] of messages.entries()) {
    if (refusals.first !== null) break
    const place = `messages[${at}].content`
    if (typeof content === 'string') chat.push({ role, content })
    else if (role === 'system') chat.push({ role, content: plainText(content, place, refusals) })
    else if (role === 'assistant') chat.push(assistantMessage(content, place, refusals))
    else new UserTurn(chat, refusals).take(content, place)
  }
  markUnfinished(chat)
  return chat
}

/** The last turn is an answer that was begun, to be gone on with: the mark by which scouts know it. */
function markUnfinished(chat: Json[]): void {
  const last = chat.at(-1)
  if (last?.role !== 'assistant' || last.tool_calls !== undefined) return
  if (last.content === '') chat.pop()
  else last.prefix = true
}

/** Whether the request wants an answer gone on with. */
export function isUnfinished(chat: readonly Json[]): boolean {
  return chat.at(-1)?.prefix === true
}

function assistantMessage(content: Json[], place: string, refusals: Refusals): Json {
  let text = ''
  const calls: Json[] = []
  for (const [at, block] of content.entries()) {
    const here = `${place}[${at}]`
    if (block.type === 'text') text += textOf(partsOf(block, here, refusals)[0] ?? textPart('')) ?? ''
    else if (block.type === 'tool_use') calls.push(toolCall(block, here, refusals))
    else if (!leftOut.has(block.type)) {
      refusals.add(`${here}.type`, `must be text, thinking or tool_use here, and is ${shown(block.type)}`)
    }
  }
  if (calls.length === 0) return { role: 'assistant', content: text }
  return { role: 'assistant', content: text === '' ? null : text, tool_calls: calls }
}

function toolCall(block: Json, place: string, refusals: Refusals): Json {
  refusals.only(block, known.tool_use, place)
  const { input, caller } = block
  if (!isObject(input)) refusals.add(`${place}.input`, 'must be an object')
  if (isObject(caller) && caller.type !== 'direct') refusals.add(`${place}.caller.type`, 'must be "direct"')
  const called = { name: refusals.text(block, 'name', place), arguments: JSON.stringify(input) }
  return { id: refusals.text(block, 'id', place), type: 'function', function: called }
}

/** One turn of a user: results of tools first, since they answer the message before; then everything else in order. */
class UserTurn {
  private readonly results: Json[] = []
  /** Pictures of results, which a tool's message cannot hold. */
  private readonly pictures: Json[] = []
  private readonly rest: Json[] = []
  private parts: Json[] = []

  constructor(
    private readonly chat: Json[],
    private readonly refusals: Refusals,
  ) {}

  take(content: Json[], place: string): void {
    for (const [at, block] of content.entries()) this.takeBlock(block, `${place}[${at}]`)
    this.endMessage()
    const [first] = this.rest
    if (this.pictures.length > 0) {
      if (first?.role === 'user') first.content = saidIn([...this.pictures, ...partsIn(first.content)])
      else this.rest.unshift({ role: 'user', content: saidIn(this.pictures) })
    }
    this.chat.push(...this.results, ...this.rest)
    if (content.length === 0) this.chat.push({ role: 'user', content: '' })
  }

  private takeBlock(block: Json, place: string): void {
    const { refusals } = this
    switch (block.type) {
      case 'tool_result':
        this.results.push(this.result(block, place))
        break
      case 'mid_conv_system':
        refusals.only(block, known.mid_conv_system, place)
        this.endMessage()
        this.rest.push({ role: 'system', content: plainText(block.content, `${place}.content`, refusals) })
        break
      default:
        if (typeof block.type === 'string' && contentKinds.includes(block.type)) {
          this.parts.push(...partsOf(block, place, refusals))
        } else {
          const kinds = [...contentKinds, 'tool_result'].join(', ')
          refusals.add(`${place}.type`, `must be one of ${kinds} here, and is ${shown(block.type)}`)
        }
    }
  }

  private endMessage(): void {
    if (this.parts.length > 0) this.rest.push({ role: 'user', content: saidIn(this.parts) })
    this.parts = []
  }

  /** A tool's message holds text alone; pictures and files follow in the user's. */
  private result(block: Json, place: string): Json {
    const { refusals } = this
    refusals.only(block, known.tool_result, place)
    const id = refusals.text(block, 'tool_use_id', place)
    const { content, is_error: isError } = block
    const parts = resultParts(content, `${place}.content`, refusals)
    const texts = parts.map(textOf).filter((text) => text !== null)
    const pictures = parts.filter((part) => textOf(part) === null)
    if (pictures.length > 0) {
      texts.push(`(${pictures.length} of its parts are not text and follow in the next message.)`)
      this.pictures.push(textPart(`Of the result of the tool call ${id}:`), ...pictures)
    }
    const text = texts.join('\n\n')
    return { role: 'tool', tool_call_id: id, content: isError === true ? `Error: ${text}` : text }
  }
}

function resultParts(content: unknown, place: string, refusals: Refusals): Json[] {
  if (content == null) return []
  if (typeof content === 'string') return [textPart(content)]
  return objectsIn(content, place, refusals).flatMap((block, at) => partsOf(block, `${place}[${at}]`, refusals))
}

/** Text alone as a string, which every provider takes; else the parts. */
function saidIn(parts: readonly Json[]): string | Json[] {
  const texts = parts.map(textOf)
  return texts.includes(null) ? [...parts] : texts.join('\n\n')
}

function partsIn(content: unknown): Json[] {
  return typeof content === 'string' ? [textPart(content)] : (content as Json[])
}
