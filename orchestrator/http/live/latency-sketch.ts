/**
 * How long something took, as counts in classes that grow by a fifth each: enough for medians and 95th percentiles on a
 * chart, and of a fixed size whatever is fed in. Fed by `traffic.ts`.
 */

const growth = 1.2
const classes = 64
const logGrowth = Math.log(growth)

/** The classes that hold anything, and how much. */
export type LatencyCounts = readonly (readonly [at: number, count: number])[]

export class LatencySketch {
  private readonly counts = new Uint32Array(classes)
  private total = 0

  /** Below a millisecond counts as one; above 80 s as that. */
  add(ms: number): void {
    const at = ms <= 1 ? 0 : Math.min(classes - 1, Math.floor(Math.log(ms) / logGrowth))
    this.counts[at]!++
    this.total++
  }

  counted(): LatencyCounts {
    return [...this.counts.entries()].filter(([, count]) => count > 0)
  }

  /** What a sketch of another process has counted. */
  addCounted(counted: LatencyCounts): void {
    for (const [at, count] of counted) {
      this.counts[at]! += count
      this.total += count
    }
  }

  /** Milliseconds below which this share of all was, to within a class; null while nothing was added. */
  quantile(share: number): number | null {
    if (this.total === 0) return null
    const wanted = Math.max(1, Math.ceil(this.total * share))
    let seen = 0
    let at = 0
    while (at < classes - 1 && seen + this.counts[at]! < wanted) seen += this.counts[at++]!
    return Math.round(growth ** (at + 0.5))
  }

  /** Takes in all that the other one has. */
  addAll({ counts, total }: LatencySketch): void {
    for (let at = 0; at < classes; at++) this.counts[at]! += counts[at]!
    this.total += total
  }

  clear(): void {
    this.counts.fill(0)
    this.total = 0
  }
}
