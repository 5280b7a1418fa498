/**
 * Waiting for an answer while three things may happen: it says something, time runs out, or the client leaves. Streams
 * of answers and of events wait through this; when the client leaves, the work is stopped at once.
 */
import type { System } from '../../../shared/system.ts'
import { IdleTimer } from './idle-timer.ts'

/** What is waited for: an answer, the events of an intent. */
interface Watched {
  readable(): Promise<void>
  /** The client is gone. */
  abandon(): void
}

/** `gone` is final. */
export type Sign = 'readable' | 'timeUp' | 'gone'

export class AnswerWatch {
  private gone = false
  /** Whether `readable` has been asked and has not answered: an answer takes one waiter at a time. */
  private asked = false
  private wake: (sign: Sign) => void = () => {}
  private readonly idleTimer: IdleTimer

  constructor(
    private readonly watched: Watched,
    system: System,
    client: AbortSignal,
  ) {
    this.idleTimer = new IdleTimer(system, () => this.wake('timeUp'))
    if (client.aborted) this.leave()
    else client.addEventListener('abort', () => this.leave(), { once: true })
  }

  /** The client left, or is given up. */
  leave(): void {
    if (this.gone) return
    this.gone = true
    this.idleTimer.end()
    this.watched.abandon()
    this.wake('gone')
  }

  /** Nothing is waited for any more. */
  end(): void {
    this.idleTimer.end()
  }

  /** The next sign, at most `delayMs` from now. */
  next(delayMs: number): Promise<Sign> {
    if (this.gone) return Promise.resolve('gone')
    return new Promise((resolve, reject) => {
      this.idleTimer.set(delayMs)
      this.wake = (sign) => {
        this.idleTimer.off()
        resolve(sign)
      }
      if (this.asked) return
      this.asked = true
      this.watched.readable().then(() => {
        this.asked = false
        this.wake('readable')
      }, reject)
    })
  }
}
