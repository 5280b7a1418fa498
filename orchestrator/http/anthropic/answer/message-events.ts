/**
 * The chunks of a streamed chat completion as events of a message: a pure state machine. Blocks are told one after the
 * other, each with its start, its pieces and its stop; what belongs to a later block while the arguments of a tool call
 * are not whole waits. `message-encoder.ts` writes the events, `translated-chat.ts` those of virtual models.
 */
import { type Fault, fault } from '../../../../shared/faults.ts'
import { JsonExtent } from '../../../../shared/json/json-extent.ts'
import { heldBlockCharsMax } from '../../../../shared/limits/http.ts'
import {
  type AnswerForm,
  isObject,
  type Json,
  type MessageHead,
  notStopped,
  reasoningIn,
  signature,
  stopOf,
  textIn,
  usageOf,
  wholeUsage,
} from './answer-form.ts'
import { badArguments, firstChoice, messageHead, textBlock, toolStart } from './message.ts'

export interface MessageEvent extends Json {
  type: string
}

/** A block that has not been told to its end. */
interface Block {
  kind: 'text' | 'thinking' | 'tool'
  isStarted: boolean
  /** What has come of it and has not been told. */
  held: string
  /** Of tool calls. */
  id: string
  name: string
  extent: JsonExtent
}

const tooMuchHeld = fault('answer_too_large', 'The model sent too much of several tool calls at once: ask again.')

export class MessageEvents {
  /** In the order in which they are told; the first may be under way. */
  private readonly blocks: Block[] = []
  private readonly calls = new Map<unknown, Block>()
  private heldChars = 0
  /** Of the first block. */
  private index = 0
  private hasPinged = false
  private refused = false
  private ending: Json = {}
  private usage: unknown
  private events: MessageEvent[] = []

  constructor(private readonly form: AnswerForm) {}

  /** Usage is known at the end only: until then its counts are 0. */
  start(head: MessageHead, extra: Json = {}): MessageEvent {
    const message = { ...messageHead(head), content: [], ...notStopped, usage: wholeUsage(null, null), ...extra }
    return { type: 'message_start', message }
  }

  /** The events that a chunk brings; a fault when it cannot be gone on with. */
  chunk(chunk: Json): MessageEvent[] | Fault {
    if (isObject(chunk.usage)) this.usage = chunk.usage
    const choice = firstChoice(chunk)
    if (typeof choice.finish_reason === 'string') this.ending = choice
    const delta = isObject(choice.delta) ? choice.delta : {}
    if (this.form.thinking !== 'none') this.add('thinking', reasoningIn(delta))
    this.add('text', textIn(delta, 'content'))
    const refusal = textIn(delta, 'refusal')
    this.refused ||= refusal !== ''
    this.add('text', refusal)
    if (Array.isArray(delta.tool_calls)) {
      for (const piece of delta.tool_calls) if (isObject(piece) && !this.addCall(piece)) return badArguments
    }
    this.tell(false)
    return this.heldChars > heldBlockCharsMax ? tooMuchHeld : this.taken()
  }

  /** The last events; a fault when the answer is none after all. */
  end(): MessageEvent[] | Fault {
    const wasCut = this.ending.finish_reason === 'length'
    const isBroken = ({ kind, extent, name }: Block) =>
      kind === 'tool' && (name === '' || !(extent.isWhole || extent.isEmpty))
    if (!wasCut && this.blocks.some(isBroken)) return badArguments
    this.tell(true)
    const stop = stopOf(this.ending, { calls: this.calls.size > 0, refusal: this.refused }, this.form)
    this.events.push(
      { type: 'message_delta', delta: { ...stop, container: null }, usage: usageOf(this.usage) },
      { type: 'message_stop' },
    )
    return this.taken()
  }

  private add(kind: 'text' | 'thinking', text: string): void {
    if (text === '') return
    let last = this.blocks.at(-1)
    if (last?.kind !== kind) {
      last = this.begin(kind)
    }
    this.hold(last, text)
  }

  /** False when its arguments are no object, or go on behind their end. */
  private addCall(piece: Json): boolean {
    const called = isObject(piece.function) ? piece.function : {}
    const given = textIn(called, 'arguments')
    let call = this.calls.get(piece.index)
    if (call === undefined) {
      call = this.begin('tool')
      this.calls.set(piece.index, call)
    } else if (!this.blocks.includes(call)) return given.trim() === ''
    if (call.extent.isEmpty && !/^\s*(\{|$)/.test(given)) return false
    call.id ||= textIn(piece, 'id')
    call.name ||= textIn(called, 'name')
    call.extent.read(given)
    this.hold(call, given)
    return !call.extent.isOverrun
  }

  private begin(kind: Block['kind']): Block {
    const block = { kind, isStarted: false, held: '', id: '', name: '', extent: new JsonExtent() }
    this.blocks.push(block)
    return block
  }

  private hold(block: Block, text: string): void {
    block.held += text
    this.heldChars += text.length
  }

  /** Tells what can be told; at the end all of it. */
  private tell(isEnd: boolean): void {
    for (let block = this.blocks[0]; block !== undefined; block = this.blocks[0]) {
      if (!block.isStarted) {
        if (block.kind === 'tool' && block.name === '') {
          // It may come late; an answer that was cut off before it has no such call.
          if (!isEnd) return
          this.blocks.shift()
          continue
        }
        this.startBlock(block)
      }
      this.tellHeld(block)
      const isOver = block.kind === 'tool' ? block.extent.isWhole : true
      if (!isEnd && (this.blocks.length === 1 || !isOver)) return
      this.stopBlock(block)
    }
  }

  private startBlock(block: Block): void {
    block.isStarted = true
    this.events.push({ type: 'content_block_start', index: this.index, content_block: blockStart(block) })
    if (!this.hasPinged) this.events.push({ type: 'ping' })
    this.hasPinged = true
  }

  private tellHeld(block: Block): void {
    const { held, kind } = block
    if (held === '') return
    this.heldChars -= held.length
    block.held = ''
    if (kind === 'text') this.delta({ type: 'text_delta', text: held })
    else if (kind === 'tool') this.delta({ type: 'input_json_delta', partial_json: held })
    else if (this.form.thinking === 'shown') this.delta({ type: 'thinking_delta', thinking: held })
  }

  private stopBlock({ kind }: Block): void {
    if (kind === 'thinking') this.delta({ type: 'signature_delta', signature })
    this.events.push({ type: 'content_block_stop', index: this.index++ })
    this.blocks.shift()
  }

  private delta(delta: Json): void {
    this.events.push({ type: 'content_block_delta', index: this.index, delta })
  }

  private taken(): MessageEvent[] {
    const { events } = this
    this.events = []
    return events
  }
}

function blockStart({ kind, id, name }: Block): Json {
  if (kind === 'text') return textBlock('')
  if (kind === 'thinking') return { type: 'thinking', thinking: '', signature: '' }
  return toolStart(id, name)
}
