/**
 * The output of a response as it grows: takes the deltas of a chat completion, or a whole message, which is one large
 * delta, and makes items of them. Each step is reported to `emit` as the event that the API has for it; the same steps
 * are taken without a listener when the answer comes whole, so both forms hold the same items. Pure.
 *
 * | open      | entered by           | left by                                          |
 * |-----------|----------------------|--------------------------------------------------|
 * | nothing   | the start, a closure | the first delta                                  |
 * | reasoning | reasoning            | any other delta, the end                         |
 * | message   | text or a refusal    | any other delta, the end                         |
 * | calls     | a call of a tool     | any other delta, the end; one by the next's start |
 */
import { OutputCall } from './output-call.ts'
import { MessageItem } from './output-message.ts'
import { ReasoningItem } from './output-reasoning.ts'
import type { Emit, ItemStatus, Slot } from './slot.ts'
import type { ToolNames } from './tool-names.ts'

type Json = Record<string, unknown>

interface OpenItem {
  /** Its last form; called once. */
  close(status: ItemStatus): Json
}

/** Of one choice of a chat completion, streamed or whole. */
export interface ChoiceDelta {
  delta?: Json | null
  message?: Json | null
  logprobs?: { content?: unknown } | null
}

export class ResponseOutput {
  /** Closed items, and holes for those that are open. */
  private readonly items: (Json | null)[] = []
  private reasoning: ReasoningItem | null = null
  private message: MessageItem | null = null
  /** By the index that the provider gives them. */
  private readonly calls = new Map<number, OutputCall>()
  private hasAnswer = false

  constructor(
    private readonly response: string,
    private readonly toolNames: ToolNames,
    private readonly emit: Emit,
  ) {}

  /** The items that are whole. */
  get done(): Json[] {
    return this.items.filter((item) => item !== null)
  }

  add({ delta, message, logprobs }: ChoiceDelta): void {
    const more = delta ?? message
    if (typeof more !== 'object' || more === null) return
    this.think(textIn(more.reasoning_content) || textIn(more.reasoning))
    this.say(textIn(more.content), logprobs?.content)
    this.refuse(textIn(more.refusal))
    if (Array.isArray(more.annotations)) this.message?.annotate(more.annotations)
    if (Array.isArray(more.tool_calls)) for (const [at, call] of more.tool_calls.entries()) this.call(call, at)
  }

  think(text: string): void {
    if (text === '') return
    if (this.reasoning === null) {
      this.closeAll('completed')
      this.reasoning = new ReasoningItem(this.slot())
    }
    this.reasoning.add(text)
  }

  say(text: string, logprobs?: unknown): void {
    if (text !== '') this.openMessage().say(text, logprobs)
  }

  refuse(text: string): void {
    if (text !== '') this.openMessage().refuse(text)
  }

  private call(part: unknown, at: number): void {
    if (typeof part !== 'object' || part === null) return
    const { index } = part as { index?: unknown }
    const place = typeof index === 'number' ? index : at
    let call = this.calls.get(place)
    if (call === undefined) {
      this.closeText('completed')
      for (const [other, before] of this.calls) if (before.isWhole) this.closeCall(other, before, 'completed')
      call = new OutputCall(this.slot(), this.toolNames)
      this.calls.set(place, call)
      this.hasAnswer = true
    }
    call.add(part as Json)
  }

  /** Nothing follows. An answer that was cut ends its last items as incomplete. */
  end(status: ItemStatus): void {
    // An answer without any content is an empty message: clients look for one.
    if (!this.hasAnswer && status === 'completed') this.openMessage().say('')
    this.closeAll(status)
  }

  private openMessage(): MessageItem {
    if (this.message === null) {
      this.closeAll('completed')
      this.message = new MessageItem(this.slot())
      this.hasAnswer = true
    }
    return this.message
  }

  private slot(): Slot {
    const place = this.items.push(null) - 1
    return { response: this.response, place, emit: this.emit }
  }

  private closeAll(status: ItemStatus): void {
    this.closeText(status)
    for (const [index, call] of this.calls) this.closeCall(index, call, status)
  }

  private closeText(status: ItemStatus): void {
    if (this.reasoning !== null) this.close(this.reasoning, status)
    if (this.message !== null) this.close(this.message, status)
    this.reasoning = null
    this.message = null
  }

  private closeCall(index: number, call: OutputCall, status: ItemStatus): void {
    this.calls.delete(index)
    this.close(call, status)
  }

  private close(open: OpenItem & { readonly place: number }, status: ItemStatus): void {
    this.items[open.place] = open.close(status)
  }
}

function textIn(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
