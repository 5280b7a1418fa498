/**
 * A streamed message as the content of a pull stream: the engine's lines are read, turned into events by
 * `message-events.ts` and written. An answer that cannot be told as a message is given up with an error event.
 */
import { type Fault, fault } from '../../../../shared/faults.ts'
import type { Answer, AnswerPart } from '../../../engine/ports/client.ts'
import type { RequestContext } from '../../request-context.ts'
import { anthropicError } from '../../response/anthropic-errors.ts'
import { chasmField, servedModel } from '../../response/envelope.ts'
import type { StreamContent } from '../../streaming/pull-stream.ts'
import type { AnswerForm, Json } from './answer-form.ts'
import { type MessageEvent, MessageEvents } from './message-events.ts'

const utf8 = new TextDecoder()
const pingEvent = Buffer.from(eventText({ type: 'ping' }))
const comment = Buffer.from(': keep-alive\n\n')

export function eventText(event: MessageEvent): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}

export function errorText(requestId: string, why: Fault): string {
  return `event: error\ndata: ${anthropicError(requestId, why)}\n\n`
}

/** The id of a message whose chat completion has this id. */
export function messageId(id: string): string {
  return `msg_${id.replace(/^chatcmpl-/, '')}`
}

export class MessageEncoder implements StreamContent<AnswerPart> {
  readonly name = 'streamed message'
  private readonly events: MessageEvents
  private isStarted = false
  private hasContent = false
  /** What ended the stream before the answer ended. */
  private broken = false
  /** When the client was given something last. */
  private givenMs: number

  constructor(
    private readonly context: RequestContext,
    private readonly answer: Answer,
    form: AnswerForm,
    /** Include the terms of the cost that chose the scout. */
    private readonly explains: boolean,
  ) {
    this.events = new MessageEvents(form)
    this.givenMs = context.edge.system.nowMs()
  }

  take(): AnswerPart | null {
    return this.answer.take()
  }

  onReadable(wake: () => void): void {
    this.answer.onReadable(wake)
  }

  isLast({ end }: AnswerPart): boolean {
    return end !== null || this.broken
  }

  release(isComplete: boolean): void {
    if (!isComplete || this.broken) this.answer.abandon()
  }

  opening(): null {
    return null
  }

  encode({ lines, end }: AnswerPart): Uint8Array | null {
    let out = ''
    for (const line of lines) {
      if (!this.broken) out += this.written(this.events.chunk(parsed(line)))
    }
    if (end?.type === 'done' && !this.broken) {
      const tail = this.events.chunk(parsed(end.body))
      out += this.written('code' in tail ? tail : this.events.end())
    } else if (end?.type === 'failed' && !this.broken) out += errorText(this.context.id, end.fault)
    return this.given(out)
  }

  /** Before the message has started only a comment may come. */
  keepAlive(): Uint8Array {
    this.givenMs = this.context.edge.system.nowMs()
    if (this.isStarted) return pingEvent
    const before = this.answer.position()
    // People count from one: position 1 is next.
    return before === null ? comment : Buffer.from(`: waiting, position ${before + 1}\n\n`)
  }

  failure(why: Fault): Uint8Array {
    return Buffer.from(errorText(this.context.id, why))
  }

  stalled(): Uint8Array {
    const text = 'Nothing was read from this stream for too long, so the answer was stopped: read faster, or ask again.'
    return this.failure(fault('client_stalled', text))
  }

  private written(events: MessageEvent[] | Fault): string {
    if (!Array.isArray(events)) {
      this.broken = true
      return errorText(this.context.id, events)
    }
    const opening = this.isStarted ? '' : this.start()
    if (events.length > 0 && !this.hasContent) {
      this.hasContent = true
      this.context.firstByte(this.answer.served)
    }
    return opening + events.map(eventText).join('')
  }

  private start(): string {
    this.isStarted = true
    const head = { id: messageId(this.answer.id), model: servedModel(this.answer) }
    const extra = JSON.parse(`{${chasmField(this.answer, this.explains).slice(0, -1)}}`) as Json
    return eventText(this.events.start(head, extra))
  }

  /** While a model reasons and nothing of it is shown, its lines come and no events: the client is told of life. */
  private given(out: string): Uint8Array | null {
    const nowMs = this.context.edge.system.nowMs()
    const { keepAliveMs } = this.context.edge.settings
    if (out === '' && nowMs - this.givenMs < keepAliveMs) return null
    this.givenMs = nowMs
    return out === '' ? pingEvent : Buffer.from(out)
  }
}

function parsed(line: Uint8Array): Json {
  return JSON.parse(utf8.decode(line)) as Json
}
