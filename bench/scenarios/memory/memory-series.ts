/**
 * Memory of the hub over the minutes of a run: what was read each time, how fast it grows, and the chart of it. Growth
 * and soak fill it.
 */
import type { LineChart } from '../scenario.ts'

export interface MemorySample {
  minute: number
  rssMb: number
  heapMb: number
  /** What native code has allocated beside the heap. */
  nativeMb?: number
  /** What the collector has reserved: it follows the load, and is given back late. */
  capacityMb?: number
}

/** What is left when caches have filled. */
export function secondHalf(samples: readonly MemorySample[]): MemorySample[] {
  return samples.slice(samples.length >> 1)
}

/** How much a value grows per minute: the slope of the least-squares line. */
export function slopeOf(samples: readonly MemorySample[], of: (sample: MemorySample) => number): number {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const minutes = mean(samples.map(({ minute }) => minute))
  const level = mean(samples.map(of))
  const product = samples.reduce((sum, sample) => sum + (sample.minute - minutes) * (of(sample) - level), 0)
  const square = samples.reduce((sum, { minute }) => sum + (minute - minutes) ** 2, 0)
  return square === 0 ? 0 : product / square
}

export function chartOf(title: string, samples: readonly MemorySample[]): LineChart {
  const points = samples.flatMap(({ minute, rssMb, heapMb, nativeMb }) => [
    { x: minute, y: rssMb, series: 'resident memory' },
    { x: minute, y: heapMb, series: 'JavaScript heap' },
    ...(nativeMb === undefined ? [] : [{ x: minute, y: nativeMb, series: 'native' }]),
  ])
  return { title, mark: 'line', x: 'minute', y: 'MB', points }
}
