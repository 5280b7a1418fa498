/**
 * Waits for the content of a stream while three things may happen: there is some, time runs out, or the client leaves.
 * `pull-stream.ts` waits through this. The request's abort signal is touched only by a stream that really waits, and
 * one wait allocates nothing: chunks are frequent. A stream goes on when what woke it is done, so that nothing is
 * encoded in the middle of a step of the engine, and before the next message is read, of which some are large.
 */
import type { RequestContext } from '../request-context.ts'
import { IdleTimer } from './idle-timer.ts'

export interface Waitable {
  /** Calls one of the two once, as soon as there is something or never will be; maybe before it returns. */
  onReadable(wake: () => void, fail: (error: unknown) => void): void
}

/** `gone` is final. */
export type Sign = 'readable' | 'timeUp' | 'gone'

/** Who waits. */
export interface Waiter {
  /** Exactly one of the two is called, once for each wait. */
  signed(sign: Sign): void
  failed(error: unknown): void
}

const once = { once: true }

export class StreamWait implements EventListenerObject {
  private isOver = false
  private isListening = false
  /** Whether the content has been asked to call, and has not. */
  private isAsked = false
  /** Null when nobody waits. */
  private waiter: Waiter | null = null
  private readonly idleTimer: IdleTimer

  constructor(
    private readonly content: Waitable,
    private readonly context: RequestContext,
    /** The client left. */
    private readonly onGone: () => void,
  ) {
    this.idleTimer = new IdleTimer(context.edge.system, () => this.sign('timeUp'))
  }

  /** Waits for the next sign, at most `delayMs` from now. One waiter at a time. */
  begin(delayMs: number, waiter: Waiter): void {
    if (!this.isOver && !this.isListening) this.listen()
    if (this.isOver) return waiter.signed('gone')
    this.idleTimer.set(delayMs)
    this.waiter = waiter
    if (this.isAsked) return
    this.isAsked = true
    this.content.onReadable(this.wake, this.fail)
  }

  /** A wait that goes on ends as if there were content. */
  wakeUp(): void {
    this.sign('readable')
  }

  /** Nothing is waited for any more; a wait that goes on ends as `gone`. */
  end(): void {
    if (this.isOver) return
    this.isOver = true
    this.idleTimer.end()
    this.sign('gone')
  }

  /** The request was aborted. */
  handleEvent(): void {
    if (!this.isOver) this.onGone()
  }

  private listen(): void {
    this.isListening = true
    const { signal } = this.context.request
    if (signal.aborted) this.onGone()
    else signal.addEventListener('abort', this, once)
  }

  private sign(sign: Sign): void {
    const { waiter } = this
    this.waiter = null
    this.idleTimer.off()
    waiter?.signed(sign)
  }

  private readonly wake = (): void => {
    this.isAsked = false
    if (this.waiter !== null) queueMicrotask(this.rouse)
  }

  /** Whoever waits by now: when there is nothing for it after all, it waits on. */
  private readonly rouse = (): void => this.sign('readable')

  private readonly fail = (error: unknown): void => {
    const { waiter } = this
    this.waiter = null
    this.idleTimer.off()
    waiter?.failed(error)
  }
}
