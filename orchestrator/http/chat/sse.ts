/**
 * A streamed answer as server-sent events. Pull-style throughout: what the client does not read is not taken from the
 * engine, which in turn holds the scout back. The status line waits for the first news, so that an early failure is a
 * proper HTTP error; once the wait gets long the stream opens and comments keep it alive.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import type { Answer, AnswerPart } from '../../engine/ports/client.ts'
import type { RequestContext } from '../request-context.ts'
import { chasmField, envelop, envelopeHead } from '../response/envelope.ts'
import { faultBody, refuse } from '../response/response.ts'
import { AnswerWatch } from '../streaming/answer-watch.ts'
import { brokenAnswer, StallTimer, streamed } from '../streaming/pull-stream.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)
const eventEnd = bytesOf('\n\n')
const doneEvent = bytesOf('data: [DONE]\n\n')
const clientGone = fault('cancelled', 'The client closed the connection before the answer began.')

interface StreamOptions {
  withUsage: boolean
  /** Say what led to the choice of the scout. */
  explains: boolean
}

/** Answers with the status of an early failure, else with the stream. */
export async function streamAnswer(context: RequestContext, answer: Answer, options: StreamOptions): Promise<Response> {
  const stream = new AnswerStream(context, answer, options)
  const refusal = await stream.open()
  if (refusal !== null) return refuse(context.id, refusal)
  return streamed(context, stream)
}

type Phase = 'opening' | 'waiting' | 'flowing' | 'stalled' | 'closed'

const phaseMoves: Record<Phase, readonly Phase[]> = {
  opening: ['waiting', 'closed'],
  waiting: ['flowing', 'stalled', 'closed'],
  flowing: ['stalled', 'closed'],
  stalled: ['closed'],
  closed: [],
}

class AnswerStream {
  private phase: Phase = 'opening'
  private readonly watch: AnswerWatch
  /** Taken while opening, for the first pull. */
  private first: AnswerPart | null = null
  /** What stands before the fields of every chunk; known from the first line on. */
  private head = eventEnd
  private readonly stall: StallTimer

  constructor(
    private readonly context: RequestContext,
    private readonly answer: Answer,
    private readonly options: StreamOptions,
  ) {
    this.watch = new AnswerWatch(answer, context.edge.system, context.request.signal)
    this.stall = new StallTimer(context, () => this.giveUp())
  }

  /** Waits for the first news, but not longer than a keep-alive. The fault of an answer that failed before it began. */
  async open(): Promise<Fault | null> {
    const { keepAliveMs } = this.context.edge.settings
    for (;;) {
      this.first = this.answer.take()
      if (this.first !== null) break
      const sign = await this.watch.next(keepAliveMs)
      if (sign === 'timeUp') break
      if (sign === 'gone') return this.fail(clientGone)
    }
    const end = this.first?.end
    if (end?.type === 'failed' && this.first!.lines.length === 0) return this.fail(end.fault)
    this.enter('waiting')
    return null
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    this.stall.stop()
    let bytes: Uint8Array | null
    try {
      bytes = await this.nextBytes()
    } catch (error) {
      bytes = this.brokenEvent(error)
    }
    // A client that left has taken its stream along.
    if (bytes === null) return this.cancel()
    controller.enqueue(bytes)
    if (this.phase === 'closed') controller.close()
    else this.stall.start()
  }

  cancel(): void {
    this.stall.stop()
    this.watch.leave()
    if (this.phase !== 'closed') this.close(499)
  }

  /** The next events or comment; null once the client has left. Closes itself with the last event. */
  private async nextBytes(): Promise<Uint8Array | null> {
    if (this.phase === 'stalled') return this.stalledEvent()
    for (;;) {
      if (this.phase === 'closed') return null
      const part = this.first ?? this.answer.take()
      this.first = null
      const bytes = part === null ? null : this.eventsOf(part)
      if (bytes !== null) return bytes
      const sign = await this.watch.next(this.context.edge.settings.keepAliveMs)
      if (sign === 'timeUp') return this.comment()
      if (sign === 'gone') return null
    }
  }

  private eventsOf(part: AnswerPart): Uint8Array | null {
    const pieces: Uint8Array[] = []
    for (const line of part.lines) this.chunk(pieces, line)
    const { end } = part
    if (end?.type === 'done') {
      if (this.options.withUsage) this.chunk(pieces, end.body)
      pieces.push(doneEvent)
      this.close(200)
    } else if (end?.type === 'failed') {
      pieces.push(errorEvent(end.fault, end.forwardedBytes))
      this.close(200)
    }
    return pieces.length === 0 ? null : Buffer.concat(pieces)
  }

  private chunk(pieces: Uint8Array[], body: Uint8Array): void {
    if (this.phase === 'waiting') {
      const head = `data: ${envelopeHead(this.answer, 'chat.completion.chunk')}`
      envelop(pieces, bytesOf(head + chasmField(this.answer, this.options.explains)), body)
      this.head = bytesOf(head)
      this.enter('flowing')
      this.context.firstByte()
    } else {
      envelop(pieces, this.head, body)
    }
    pieces.push(eventEnd)
  }

  private comment(): Uint8Array | null {
    if (this.phase === 'closed') return null
    const before = this.answer.position()
    // People count from one: position 1 is next.
    return bytesOf(before === null ? ': keep-alive\n\n' : `: waiting, position ${before + 1}\n\n`)
  }

  /** The client keeps the connection and reads nothing. */
  private giveUp(): void {
    if (this.phase === 'closed') return
    this.enter('stalled')
    this.watch.leave()
  }

  /** For a client that reads again after all, in the moment before it is cut. */
  private stalledEvent(): Uint8Array {
    this.close(499)
    const text = 'Nothing was read from this stream for too long, so the answer was stopped: read faster, or ask again.'
    return errorEvent(fault('client_stalled', text))
  }

  /** Null when the client has left meanwhile. */
  private brokenEvent(error: unknown): Uint8Array | null {
    const why = brokenAnswer(this.context, error)
    this.watch.leave()
    if (this.phase === 'closed') return null
    this.close(500)
    return errorEvent(why)
  }

  private fail(why: Fault): Fault {
    this.enter('closed')
    this.watch.end()
    return why
  }

  private close(status: number): void {
    this.enter('closed')
    this.watch.end()
    this.stall.end()
    this.context.ended(status)
  }

  private enter(next: Phase): void {
    if (!phaseMoves[this.phase].includes(next)) throw new Error(`a stream cannot go from ${this.phase} to ${next}`)
    this.phase = next
  }
}

function errorEvent(why: Fault, forwardedBytes?: number): Uint8Array {
  const extra = forwardedBytes === undefined ? undefined : { forwarded_bytes: forwardedBytes }
  return bytesOf(`data: ${faultBody(why, extra)}\n\n`)
}
