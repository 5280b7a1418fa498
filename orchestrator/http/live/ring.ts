/**
 * The last so many slots of equal length of every series of the charts, in memory of a fixed size. `traffic.ts` closes
 * slots; `history.ts` reads them. A slot in which this process did not run holds nothing, which is not the same as
 * zero.
 */
import {
  minuteSlotMs,
  minuteSlots,
  quarterSlotMs,
  quarterSlots,
  trafficSlotMs,
  trafficSlots,
} from '../../../shared/limits/http.ts'

/** What can be looked at: how long one slot is, and how many there are. */
export const historySpans = {
  '10m': { stepMs: trafficSlotMs, slots: trafficSlots },
  '24h': { stepMs: minuteSlotMs, slots: minuteSlots },
  '30d': { stepMs: quarterSlotMs, slots: quarterSlots },
} as const
export type Span = keyof typeof historySpans

const seriesNames = [
  ...(['requests', 'client_errors', 'hub_errors', 'tokens', 'first_content_p50', 'first_content_p95'] as const),
  ...(['queued', 'leased', 'scouts'] as const),
]
export type SeriesName = (typeof seriesNames)[number]
export type Sample = Record<SeriesName, number | null>

/** A sample that was written as JSON; null for what is none. What it does not name was not measured then. */
export function sampleOf(text: string): Sample | null {
  try {
    const read = JSON.parse(text) as Record<string, unknown>
    const numberOf = (name: SeriesName) => (typeof read[name] === 'number' ? read[name] : null)
    return Object.fromEntries(seriesNames.map((name) => [name, numberOf(name)])) as Sample
  } catch {
    return null
  }
}

export class Ring {
  private readonly values: Float32Array
  /** The slot's number since 1970 that each place holds. */
  private readonly slots: Float64Array

  constructor(
    readonly stepMs: number,
    private readonly length: number,
  ) {
    this.values = new Float32Array(length * seriesNames.length)
    this.slots = new Float64Array(length).fill(-1)
  }

  /** What the memory of this ring comes to. */
  get bytes(): number {
    return this.values.byteLength + this.slots.byteLength
  }

  /** Closes the slot that ends now. A clock that was set back overwrites what it then passes again. */
  put(slot: number, sample: Sample): void {
    const at = slot % this.length
    this.slots[at] = slot
    seriesNames.forEach((name, series) => {
      this.values[at * seriesNames.length + series] = sample[name] ?? Number.NaN
    })
  }

  /** The slots up to this one, oldest first; null where there is nothing. */
  read(lastSlot: number): { start: number; series: Record<SeriesName, (number | null)[]> } {
    const first = lastSlot - this.length + 1
    const column = (series: number) =>
      Array.from({ length: this.length }, (_, offset) => {
        const at = (first + offset) % this.length
        const value = this.values[at * seriesNames.length + series]!
        return this.slots[at] !== first + offset || Number.isNaN(value) ? null : Math.round(value * 100) / 100
      })
    const entries = seriesNames.map((name, series) => [name, column(series)] as const)
    return { start: first * this.stepMs, series: Object.fromEntries(entries) as Record<SeriesName, (number | null)[]> }
  }
}
