/** What is expected of a hub whose process stood still; the checker asks here. Invariant 25. */
import { tickMs } from '../../../shared/limits/scheduling.ts'
import { wakeGraceMs } from '../../../shared/limits/wire.ts'
import { closeTable } from '../../../shared/protocol/close-codes.ts'

export class Standstill {
  /** All the time that the hub stood still in this life. */
  totalMs = 0
  private wokeMs = Number.NEGATIVE_INFINITY

  /** It stands still from now on. */
  begins(nowMs: number, forMs: number): void {
    this.wokeMs = nowMs + forMs
    this.totalMs += forMs
  }

  /** It has not looked at the clock since. */
  isAsleep(nowMs: number): boolean {
    return nowMs < this.wokeMs + 2 * tickMs
  }

  /** Why this close is wrong; null when it is not. */
  flawOf(nowMs: number, code: number, reason: string): string | null {
    const sinceMs = nowMs - this.wokeMs
    // Who never greeted gets no ping, and no round trip.
    if (code !== closeTable.silent.code || reason !== closeTable.silent.meaning) return null
    return sinceMs >= 0 && sinceMs < wakeGraceMs ? `was called silent ${sinceMs} ms after the hub stood still` : null
  }
}
