/**
 * Millions of times in a few kilobytes: logarithmic buckets of microseconds, each 1.6 % wide, that can be added up
 * over processes and rounds. Load generators fill them, scenarios merge and read them.
 */

/** As it travels between processes: counts by bucket, and the largest time seen. */
export interface HistogramData {
  counts: number[]
  maxMs: number
}

/** Buckets per power of two. */
const steps = 64
const bucketsMax = 27 * steps

export class Histogram {
  private readonly counts = new Float64Array(bucketsMax)
  private total = 0
  private maxMs = 0

  static merged(parts: readonly HistogramData[]): Histogram {
    const sum = new Histogram()
    for (const { counts, maxMs } of parts) {
      counts.forEach((count, bucket) => {
        sum.counts[bucket]! += count
        sum.total += count
      })
      sum.maxMs = Math.max(sum.maxMs, maxMs)
    }
    return sum
  }

  get count(): number {
    return this.total
  }

  /** Negative times count as none: they are differences of clocks. */
  record(ms: number): void {
    const us = Math.min(2 ** 31 - 1, Math.max(0, Math.round(ms * 1_000)))
    this.counts[bucketOf(us)]! += 1
    this.total += 1
    if (ms > this.maxMs) this.maxMs = ms
  }

  /** The time in milliseconds that this share of all stayed below; 0 when there are none. */
  at(share: number): number {
    let left = Math.ceil(this.total * share)
    if (left === 0) return 0
    for (let bucket = 0; bucket < bucketsMax; bucket++) {
      left -= this.counts[bucket]!
      if (left <= 0) return Math.min(this.maxMs, middleUs(bucket) / 1_000)
    }
    return this.maxMs
  }

  clear(): void {
    this.counts.fill(0)
    this.total = 0
    this.maxMs = 0
  }

  data(): HistogramData {
    let last = bucketsMax
    while (last > 0 && this.counts[last - 1] === 0) last--
    return { counts: [...this.counts.subarray(0, last)], maxMs: this.maxMs }
  }
}

function bucketOf(us: number): number {
  if (us < steps) return us
  const shift = 31 - Math.clz32(us) - 6
  return shift * steps + (us >> shift)
}

function middleUs(bucket: number): number {
  if (bucket < steps) return bucket
  const shift = Math.floor(bucket / steps) - 1
  return ((bucket % steps) + steps + 0.5) * 2 ** shift
}
