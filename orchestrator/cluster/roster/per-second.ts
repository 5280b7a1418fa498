/**
 * How often something may happen within one second; a new second begins with the first try after the last one. Pure:
 * the clock is an argument.
 */
export class PerSecond {
  private begunMs = Number.NEGATIVE_INFINITY
  private count = 0

  constructor(private readonly max: number) {}

  /** Whether one more may happen now. Changes nothing. */
  has(nowMs: number): boolean {
    return nowMs - this.begunMs >= 1_000 || this.count < this.max
  }

  /** One more has happened. */
  add(nowMs: number): void {
    if (nowMs - this.begunMs >= 1_000) {
      this.begunMs = nowMs
      this.count = 0
    }
    this.count++
  }
  /** Counts one more where it may happen; whether it may. */
  take(nowMs: number): boolean {
    const isAllowed = this.has(nowMs)
    if (isAllowed) this.add(nowMs)
    return isAllowed
  }
}
