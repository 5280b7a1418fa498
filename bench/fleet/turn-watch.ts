/**
 * How long the loop of this process was not free: a timer that is due every few milliseconds, and how much later it
 * came. A machine that others use, too, makes every process wait for a processor; that time is the machine's and not
 * the loop's, so it is told apart by what Linux counts for this thread. The hub's process of the bench has one.
 */
import { openSync, readFileSync, readSync } from 'node:fs'
import { clockMs } from '../load/calls.ts'

const everyMs = 5

export interface Turns {
  /** The longest stall of the loop by the clock. */
  stallMs: number
  /** The longest without the time in which the thread waited for a processor: what the loop itself took. */
  turnMs: number
  /** When that one was over, by the clock of `clockMs`; 0 without one. */
  turnEndedMs: number
}

export class TurnWatch {
  private timer: Timer | null = null
  private lastMs = 0
  private lastWaitedMs = 0
  private stallMs = 0
  private turnMs = 0
  private turnEndedMs = 0
  private readonly waits = new OwnWaits()

  /** The longest since the last call; the first call begins. */
  take(): Turns {
    if (this.timer === null) this.begin()
    const { stallMs, turnMs, turnEndedMs } = this
    this.stallMs = 0
    this.turnMs = 0
    this.turnEndedMs = 0
    return { stallMs, turnMs, turnEndedMs }
  }

  private begin(): void {
    this.lastMs = performance.now()
    this.lastWaitedMs = this.waits.ms()
    this.timer = setInterval(() => this.look(), everyMs)
  }

  private look(): void {
    const nowMs = performance.now()
    const nowWaitedMs = this.waits.ms()
    const lateMs = nowMs - this.lastMs - everyMs
    this.stallMs = Math.max(this.stallMs, lateMs)
    const turnMs = lateMs - (nowWaitedMs - this.lastWaitedMs)
    if (turnMs > this.turnMs) {
      this.turnMs = turnMs
      this.turnEndedMs = clockMs()
    }
    this.lastMs = nowMs
    this.lastWaitedMs = nowWaitedMs
  }
}

/** Time that the main thread of a process was ready to run and had no processor; 0 where it is not counted. */
export function waitedMs(pid = process.pid): number {
  try {
    return waitedIn(readFileSync(schedstatOf(pid), 'utf8'))
  } catch {
    return 0
  }
}

function schedstatOf(pid: number): string {
  return `/proc/${pid}/task/${pid}/schedstat`
}

function waitedIn(schedstat: string): number {
  const [, waitedNs = '0'] = schedstat.split(' ')
  return Number(waitedNs) / 1e6
}

/** The same of this process, which looks often: the file stays open, because to open it costs the most. */
class OwnWaits {
  private readonly buffer = Buffer.alloc(64)
  private descriptor: number | null = null

  ms(): number {
    try {
      this.descriptor ??= openSync(schedstatOf(process.pid), 'r')
      const bytes = readSync(this.descriptor, this.buffer, 0, this.buffer.length, 0)
      return waitedIn(this.buffer.toString('latin1', 0, bytes))
    } catch {
      return 0
    }
  }
}
