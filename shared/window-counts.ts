/**
 * Counts by name within the present window of time, of a bounded number of names. Rates of strangers are kept with it:
 * of addresses that dial or sign in, of operators.
 */

/** The names beyond the bound share one count. */
const others = 'others'

export class WindowCounts {
  private window = -1
  private readonly counts = new Map<string, number>()

  /** `namesMax`: counted apart in one window. */
  constructor(
    private readonly windowMs: number,
    private readonly namesMax: number,
  ) {}

  /** Counts one more; how many there are in this window with it. */
  add(name: string, nowMs: number): number {
    const window = Math.floor(nowMs / this.windowMs)
    if (window !== this.window) {
      this.window = window
      this.counts.clear()
    }
    const counted = this.counts.size < this.namesMax || this.counts.has(name) ? name : others
    const count = (this.counts.get(counted) ?? 0) + 1
    this.counts.set(counted, count)
    return count
  }
}
