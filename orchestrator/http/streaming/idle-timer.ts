/**
 * A timer for what is put off again with every piece of a stream. Putting it off costs a number: the runtime's timer is
 * left to ring, and is set anew only when it rang too early.
 */
import type { System, Timer } from '../../../shared/system.ts'

export class IdleTimer {
  /** When it is to ring; Infinity while it is off. */
  private dueMs = Number.POSITIVE_INFINITY
  private timer: { handle: Timer; ringsMs: number } | null = null

  constructor(
    private readonly system: System,
    private readonly ring: () => void,
  ) {}

  /** Rings this long from now instead of when it was to ring before. */
  set(delayMs: number): void {
    this.dueMs = this.system.nowMs() + delayMs
    if (this.timer !== null && this.timer.ringsMs <= this.dueMs) return
    this.timer?.handle.cancel()
    this.start(delayMs)
  }

  /** It does not ring until it is set again. */
  off(): void {
    this.dueMs = Number.POSITIVE_INFINITY
  }

  /** Nothing is left of it. */
  end(): void {
    this.off()
    this.timer?.handle.cancel()
    this.timer = null
  }

  private start(delayMs: number): void {
    const handle = this.system.after(delayMs, () => this.rang())
    this.timer = { handle, ringsMs: this.system.nowMs() + delayMs }
  }

  private rang(): void {
    this.timer = null
    if (this.dueMs === Number.POSITIVE_INFINITY) return
    const leftMs = this.dueMs - this.system.nowMs()
    if (leftMs > 0) return this.start(leftMs)
    this.off()
    this.ring()
  }
}
