/**
 * A world whose clock stands still until a test moves it. Timers fire in the order of their times when `pass` goes by
 * them, what was put off with `soon` runs before the next of them, and entropy is a counter: two runs are the same.
 */
import type { System, Timer } from '../../../shared/system.ts'

interface IdleTimer {
  dueMs: number
  order: number
  callback: () => void
}

export class ManualSystem implements System {
  private ms = 10_000
  private alarms: IdleTimer[] = []
  private later: (() => void)[] = []
  private made = 0

  nowMs(): number {
    return this.ms
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.ms
  }

  after(delayMs: number, callback: () => void): Timer {
    const timerSlot = { dueMs: this.ms + delayMs, order: this.made++, callback }
    this.alarms.push(timerSlot)
    return {
      cancel: () => {
        this.alarms = this.alarms.filter((other) => other !== timerSlot)
      },
    }
  }

  soon(callback: () => void): void {
    this.later.push(callback)
  }

  randomBytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count)
    new DataView(bytes.buffer).setUint32(0, ++this.made)
    return bytes
  }

  random(): number {
    return 0.5
  }

  /** Timers that are set. */
  get pending(): number {
    return this.alarms.length
  }

  /** The process stands still: the clock goes on, and what is due fires late, with the next `pass`. */
  stand(durationMs: number): void {
    this.ms += durationMs
  }

  /** Moves the clock on and fires whatever is due on the way. */
  pass(durationMs: number): void {
    const endMs = this.ms + durationMs
    this.settle()
    for (let next = this.nextAlarm(endMs); next !== undefined; next = this.nextAlarm(endMs)) {
      this.alarms = this.alarms.filter((timerSlot) => timerSlot !== next)
      this.ms = Math.max(this.ms, next.dueMs)
      next.callback()
      this.settle()
    }
    this.ms = endMs
  }

  private settle(): void {
    for (let run = this.later.shift(); run !== undefined; run = this.later.shift()) run()
  }

  private nextAlarm(endMs: number): IdleTimer | undefined {
    const due = this.alarms.filter((timerSlot) => timerSlot.dueMs <= endMs)
    return due.sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0]
  }
}
