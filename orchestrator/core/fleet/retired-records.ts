/**
 * The records of identities that are not connected, the longest-gone first. An identity's name is a stranger's text, so
 * they are bounded per operator and in all, and a record weighs as much as it has names of models in it. Fed by the
 * roster, which forgets what no longer fits.
 */
import type { ScoutRecord } from '../model/scout.ts'

export interface RecordBounds {
  recordsMax: number
  recordsPerOperatorMax: number
}

/** The counts of its last hour take about as much as so many names. */
const notedWeight = 3

export function weightOf({ speeds, pauses, windows, noted }: ScoutRecord): number {
  const names = (speeds?.size ?? 0) + (pauses?.size ?? 0) + (windows?.size ?? 0)
  return 1 + names + (noted === null ? 0 : notedWeight)
}

/** What one operator has, or all of them. */
class Pile {
  readonly records = new Set<ScoutRecord>()
  weight = 0
}

export class RetiredRecords {
  private readonly all = new Pile()
  private readonly byOperator = new Map<string, Pile>()

  constructor(private readonly bounds: RecordBounds) {}

  get weight(): number {
    return this.all.weight
  }

  get size(): number {
    return this.all.records.size
  }

  /** Adds the record of who has just gone, beside so many in use; returns those that have to be forgotten for it. */
  add(record: ScoutRecord, used: number): ScoutRecord[] {
    const { recordsMax, recordsPerOperatorMax } = this.bounds
    const own = this.byOperator.get(record.operator) ?? new Pile()
    this.byOperator.set(record.operator, own)
    for (const pile of [own, this.all]) {
      pile.records.add(record)
      pile.weight += weightOf(record)
    }
    const gone: ScoutRecord[] = []
    this.shrink(own, recordsPerOperatorMax, gone)
    this.shrink(this.all, recordsMax - used, gone)
    return gone
  }

  private shrink(pile: Pile, weightMax: number, gone: ScoutRecord[]): void {
    for (const oldest of pile.records) {
      if (pile.weight <= weightMax) return
      this.remove(oldest)
      gone.push(oldest)
    }
  }

  /** It is connected again, or forgotten. Its names must not have changed since it was added. */
  remove(record: ScoutRecord): void {
    const own = this.byOperator.get(record.operator)
    if (own === undefined || !own.records.has(record)) return
    for (const pile of [own, this.all]) {
      pile.records.delete(record)
      pile.weight -= weightOf(record)
    }
    if (own.records.size === 0) this.byOperator.delete(record.operator)
  }
}
