/**
 * What has ended at the client edge, counted by route: how often, with which method and status, and how long it took.
 * Plain numbers, because every request is counted: the metrics library takes longer to count one than some routes take
 * to answer. `metrics.ts` hands the sums over at each scrape.
 */

/** Durations in the buckets of a Prometheus histogram. */
class Durations {
  /** One for each bound, and one for what is longer; not cumulative. */
  readonly counts: number[]
  sumSeconds = 0

  constructor(private readonly bounds: readonly number[]) {
    this.counts = new Array(bounds.length + 1).fill(0)
  }

  add(seconds: number): void {
    const { bounds } = this
    let at = 0
    while (at < bounds.length && seconds > bounds[at]!) at++
    this.counts[at]!++
    this.sumSeconds += seconds
  }
}

interface OfRoute {
  /** By method, then by status. */
  outcomes: Map<string, Map<number, number>>
  durations: Durations
  firstBytes: Durations
}

/** One line of a scrape. */
interface Sample {
  labels: Record<string, string | number>
  value: number
  metricName: string
}

export class RouteCounts {
  private readonly byRoute = new Map<string, OfRoute>()

  /** `bounds`: of the buckets, seconds, ascending. */
  constructor(private readonly bounds: readonly number[]) {}

  /** `firstByteMs`: until the first content; null when there was none. */
  ended(route: string, method: string, status: number, durationMs: number, firstByteMs: number | null): void {
    const counts = this.ofRoute(route)
    let byStatus = counts.outcomes.get(method)
    if (byStatus === undefined) {
      byStatus = new Map()
      counts.outcomes.set(method, byStatus)
    }
    byStatus.set(status, (byStatus.get(status) ?? 0) + 1)
    counts.durations.add(durationMs / 1_000)
    if (firstByteMs !== null) counts.firstBytes.add(firstByteMs / 1_000)
  }

  private ofRoute(route: string): OfRoute {
    let counts = this.byRoute.get(route)
    if (counts === undefined) {
      const { bounds } = this
      counts = { outcomes: new Map(), durations: new Durations(bounds), firstBytes: new Durations(bounds) }
      this.byRoute.set(route, counts)
    }
    return counts
  }

  *outcomes(): Generator<{ labels: { method: string; route: string; status: number }; count: number }> {
    for (const [route, { outcomes }] of this.byRoute) {
      for (const [method, byStatus] of outcomes) {
        for (const [status, count] of byStatus) yield { labels: { method, route, status }, count }
      }
    }
  }

  /** The samples of a histogram of this name; of routes without any value there are none. */
  samples(name: string, of: 'durations' | 'firstBytes'): Sample[] {
    const samples: Sample[] = []
    for (const [route, counts] of this.byRoute) {
      const { counts: buckets, sumSeconds } = counts[of]
      let count = 0
      const bucketSamples = buckets.map((value, at): Sample => {
        count += value
        return { labels: { le: this.bounds[at] ?? '+Inf', route }, value: count, metricName: `${name}_bucket` }
      })
      if (count === 0) continue
      samples.push(...bucketSamples, { labels: { route }, value: sumSeconds, metricName: `${name}_sum` })
      samples.push({ labels: { route }, value: count, metricName: `${name}_count` })
    }
    return samples
  }
}
