/**
 * Waits for the content of a stream while three things may happen: there is some, time runs out, or the client leaves.
 * `pull-stream.ts` waits through this. The request's abort signal is touched only by a stream that really waits, and
 * one wait allocates a promise and nothing else: chunks are frequent.
 */
import type { RequestContext } from '../request-context.ts'
import { IdleTimer } from './idle-timer.ts'

interface Waitable {
  /** One waiter at a time. */
  readable(): Promise<void>
}

/** `gone` is final. */
export type Sign = 'readable' | 'timeUp' | 'gone'

const once = { once: true }
const gone = Promise.resolve<Sign>('gone')

export class StreamWait implements EventListenerObject {
  private isOver = false
  private isListening = false
  /** Whether `readable` has been called and has not resolved. */
  private isAsked = false
  private resolve: (sign: Sign) => void = () => {}
  private reject: (error: unknown) => void = () => {}
  private readonly idleTimer: IdleTimer

  constructor(
    private readonly content: Waitable,
    private readonly context: RequestContext,
    /** The client left. */
    private readonly onGone: () => void,
  ) {
    this.idleTimer = new IdleTimer(context.edge.system, () => this.resolve('timeUp'))
  }

  /** The next sign, at most `delayMs` from now. */
  next(delayMs: number): Promise<Sign> {
    if (!this.isOver && !this.isListening) this.listen()
    if (this.isOver) return gone
    this.idleTimer.set(delayMs)
    return new Promise(this.begin)
  }

  /** A wait that goes on ends as if there were content. */
  wakeUp(): void {
    this.idleTimer.off()
    this.resolve('readable')
  }

  /** Nothing is waited for any more; a wait that goes on ends as `gone`. */
  end(): void {
    if (this.isOver) return
    this.isOver = true
    this.idleTimer.end()
    this.resolve('gone')
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

  private readonly begin = (resolve: (sign: Sign) => void, reject: (error: unknown) => void): void => {
    this.resolve = resolve
    this.reject = reject
    if (this.isAsked) return
    this.isAsked = true
    this.content.readable().then(this.wake, this.fail)
  }

  private readonly wake = (): void => {
    this.isAsked = false
    this.idleTimer.off()
    this.resolve('readable')
  }

  private readonly fail = (error: unknown): void => {
    this.idleTimer.off()
    this.reject(error)
  }
}
