/**
 * A token bucket: how fast the scout may send so that it never reaches the hub's own limits. The link keeps one per
 * rate of `shared/limits/wire.ts` and asks before it takes work from the outbox.
 */
import { paceShare } from '../../shared/limits/scout.ts'

/** The bucket holds this much of a second; the rest of the hub's burst is left for frames bunched on their way. */
const burstSeconds = 0.5

export class Pace {
  private readonly perMs: number
  private readonly full: number
  private level: number
  private atMs: number

  /** `perSecond` is what the hub allows. */
  constructor(perSecond: number, nowMs: number) {
    this.perMs = (perSecond * paceShare) / 1_000
    this.full = perSecond * burstSeconds
    this.level = this.full
    this.atMs = nowMs
  }

  /** Milliseconds until `amount` may be spent, 0 when it may be now; one beyond the burst waits for a full bucket. */
  waitMs(amount: number, nowMs: number): number {
    this.level = Math.min(this.full, this.level + (nowMs - this.atMs) * this.perMs)
    this.atMs = nowMs
    const missing = Math.min(amount, this.full) - this.level
    // What is missing after a wait is rounding, never a part of a frame or byte.
    return missing < 1e-6 ? 0 : Math.ceil(missing / this.perMs)
  }

  /** Counts what was sent; may go below zero, and later sends wait the longer. */
  spend(amount: number): void {
    this.level -= amount
  }
}
