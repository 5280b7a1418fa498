/**
 * The one machine behind every stream of server-sent events. The client pulls, so that nothing is taken from the engine
 * that nobody reads. The machine owns the waiting, the keep-alive, clients that stall or leave, defects in the middle
 * of a stream, and that each stream is counted once. Routes feed it their content and its encoding (`StreamContent`);
 * the runtime reads it.
 */
import { type Fault, fault, faultTable } from '../../../shared/faults.ts'
import type { RequestContext } from '../request-context.ts'
import { refuseInForm } from '../response/anthropic-errors.ts'
import { streamHeaders } from '../response/response.ts'
import { StallTimer } from './stall-timer.ts'
import { type Sign, StreamWait, type Waitable, type Waiter } from './stream-wait.ts'

/** What a stream consists of, and its form on the wire. Encoders return whole events and comments. */
export interface StreamContent<Part> extends Waitable {
  /** For the log: what broke. */
  readonly name: string
  /** What is new; null when nothing is. After the last part there is never another. */
  take(): Part | null
  isLast(part: Part): boolean
  /** Nothing more will be taken. `isComplete`: the last part was taken; else the client does not get the rest. */
  release(isComplete: boolean): void
  /** Goes before everything else; null for nothing. */
  opening(): Uint8Array | null
  /** Null when the client is given nothing of the part. */
  encode(part: Part): Uint8Array | null
  keepAlive(): Uint8Array
  /** The last event of a broken stream; null when its end has to do. */
  failure(why: Fault): Uint8Array | null
  /** The last event for a client that reads again after it stalled; null when its connection is only cut. */
  stalled(): Uint8Array | null
}

/**
 * | phase   | entered when                   | left by                             | what must hold                |
 * |---------|--------------------------------|-------------------------------------|-------------------------------|
 * | opening | the stream is made             | the first pull, a refusal, leaving  | nothing was sent              |
 * | flowing | the client pulls first         | last part, defect, stall, leaving   | the content is not released   |
 * | stalled | nothing was read for too long  | one more pull, the connection's end | released and counted as 499   |
 * | ended   | the last event was made        |                                     | released and counted          |
 * | left    | the client is gone, or refused |                                     | released; nothing can be sent |
 */
type Phase = 'opening' | 'flowing' | 'stalled' | 'ended' | 'left'

const phaseMoves: Record<Phase, readonly Phase[]> = {
  opening: ['flowing', 'left'],
  flowing: ['stalled', 'ended', 'left'],
  stalled: ['ended', 'left'],
  ended: [],
  left: [],
}

const keyRevoked = fault(
  'invalid_api_key',
  'The key of this request was revoked or replaced, or has expired: use another one.',
)
const clientGone = fault('cancelled', 'The client closed the connection before the answer began.')

export class PullStream<Part> implements Waiter {
  private phase: Phase = 'opening'
  /** The client's side; null before it pulls first. */
  private controller: ReadableStreamDefaultController<Uint8Array> | null = null
  private isRevoked = false
  private readonly wait: StreamWait
  private readonly stall: StallTimer

  constructor(
    private readonly context: RequestContext,
    private readonly content: StreamContent<Part>,
    /** Taken before the stream began, for the first pull. */
    private first: Part | null = null,
  ) {
    this.wait = new StreamWait(content, context, () => this.cancel())
    this.stall = new StallTimer(context, () => this.finish('stalled', 499))
    context.edge.streams.add(context.caller!.id, this)
  }

  /** The response that this stream is the body of. */
  respond(): Response {
    this.context.streams = true
    return new Response(new ReadableStream<Uint8Array>(this, { highWaterMark: 0 }), {
      headers: streamHeaders(this.context.id),
    })
  }

  /**
   * Holds the status line back until there is something, but not longer than a keep-alive. `earlyFault` picks the fault
   * of a first part that is nothing but a failure: the client gets that as a plain HTTP error.
   */
  async respondWhenReady(earlyFault: (part: Part) => Fault | null): Promise<Response> {
    const { context, content } = this
    for (let sign = ''; sign !== 'timeUp'; sign = await this.firstSign()) {
      if (this.phase === 'left') return refuseInForm(context, clientGone)
      if (this.isRevoked) {
        this.finish('left')
        return refuseInForm(context, keyRevoked)
      }
      this.first = content.take()
      if (this.first !== null) break
    }
    const why = this.first === null ? null : earlyFault(this.first)
    if (why === null) return this.respond()
    this.finish('left')
    return refuseInForm(context, why)
  }

  private firstSign(): Promise<Sign> {
    return new Promise((signed, failed) => {
      this.wait.begin(this.context.edge.settings.keepAliveMs, { signed, failed })
    })
  }

  /**
   * The client can take more: it is given that now, or when there is some. Never throws: the runtime would cut the
   * connection without an event. Nor does it return a promise, which the runtime would have to wait for at each chunk.
   */
  pull(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.stall.stop()
    this.context.holdUnread(0)
    this.controller = controller
    this.signed('readable')
  }

  signed(sign: Sign): void {
    let bytes: Uint8Array | null = null
    try {
      if (sign === 'readable') bytes = this.next()
      else if (sign === 'timeUp') bytes = this.content.keepAlive()
      if (bytes === null && this.phase === 'flowing') {
        return this.wait.begin(this.context.edge.settings.keepAliveMs, this)
      }
    } catch (error) {
      bytes = this.broken(error)
    }
    this.give(bytes)
  }

  failed(error: unknown): void {
    this.give(this.broken(error))
  }

  private give(made: Uint8Array | null): void {
    // The stream of a client that left is closed already.
    if (this.phase === 'left') return
    const controller = this.controller!
    const bytes = this.held(made)
    if (bytes !== null) controller.enqueue(bytes)
    if (this.phase === 'ended') controller.close()
    else this.stall.start()
  }

  /** Counts what the client has to read now; when there is no room for it, that ends the stream instead. */
  private held(bytes: Uint8Array | null): Uint8Array | null {
    const refused = this.phase === 'flowing' && bytes !== null ? this.context.holdUnread(bytes.length) : null
    if (refused === null) return bytes
    this.finish('ended', faultTable[refused.code].status)
    return this.content.failure(refused)
  }

  /** The key of this stream does not count any more: its client hears so instead of the rest. */
  revoke(): void {
    this.isRevoked = true
    this.wait.wakeUp()
  }

  /** The client is gone. */
  cancel(): void {
    this.finish('left', 499)
  }

  /** The next events; null when there are none now. */
  private next(): Uint8Array | null {
    const { content } = this
    if (this.phase === 'opening') {
      this.enter('flowing')
      const opening = content.opening()
      if (opening !== null) return opening
    } else if (this.phase === 'stalled') {
      const last = content.stalled()
      this.finish(last === null ? 'left' : 'ended')
      return last
    }
    if (this.isRevoked && this.phase === 'flowing') {
      this.finish('ended', 401)
      return content.failure(keyRevoked)
    }
    while (this.phase === 'flowing') {
      const part = this.first ?? content.take()
      this.first = null
      if (part === null) return null
      const bytes = content.encode(part)
      if (content.isLast(part)) this.finish('ended', 200)
      if (bytes !== null) return bytes
    }
    return null
  }

  /** A defect. Its client is given the request id and nothing else of it. */
  private broken(error: unknown): Uint8Array | null {
    const { context, content } = this
    const { edge, id } = context
    edge.log.error({ err: error, requestId: id }, `a ${content.name} broke`)
    if (this.phase !== 'flowing') return null
    this.finish('ended', 500)
    const text = `The orchestrator failed at this answer: ask again, and tell its operator the request id ${id}.`
    return content.failure(fault('internal_error', text))
  }

  /** Releases and counts, once. A refusal has no status here: the server counts it. */
  private finish(next: 'stalled' | 'ended' | 'left', status?: number): void {
    const { phase } = this
    if (phase === 'ended' || phase === 'left') return
    this.enter(next)
    if (next !== 'stalled') this.stall.end()
    if (phase === 'stalled') return
    this.context.edge.streams.remove(this.context.caller!.id, this)
    this.content.release(status === 200)
    this.wait.end()
    if (this.context.streams) this.context.ended(status!)
  }

  private enter(next: Phase): void {
    if (!phaseMoves[this.phase].includes(next)) throw new Error(`a stream cannot go from ${this.phase} to ${next}`)
    this.phase = next
  }
}
