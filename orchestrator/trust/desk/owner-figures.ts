/**
 * Figures of trust as owners of scouts see them: as of the last midnight (UTC), or the last change of state since. Live
 * ones would tell whoever asks often enough which task was an audit. Administrators see live ones; states, which change
 * seldom, are told at once.
 */
import { dayOf } from '../../tenants/periods.ts'
import type { TrustRecord } from '../standing/record.ts'

export type OwnerFigures = Pick<TrustRecord, 'doubt' | 'passed' | 'checks' | 'failed'>

const nothingYet: OwnerFigures = { doubt: 0, passed: 0, checks: 0, failed: 0 }

export class MidnightFigures {
  /** Of records that are older than today, or were there when the process began. */
  private readonly known = new Map<TrustRecord, OwnerFigures>()
  private day = -1

  /** Of a record as it is now: as the store had it, or as its state has changed. */
  take(record: TrustRecord): void {
    this.known.set(record, figuresOf(record))
  }

  /** Takes the figures of all of them once a day. */
  turn(records: Iterable<TrustRecord>, nowMs: number): void {
    const day = dayOf(nowMs)
    const isFirst = this.day < 0
    if (day <= this.day) return
    this.day = day
    if (isFirst) return
    for (const record of records) this.known.set(record, figuresOf(record))
  }

  of(record: TrustRecord): OwnerFigures {
    return this.known.get(record) ?? nothingYet
  }
}

function figuresOf({ doubt, passed, checks, failed }: TrustRecord): OwnerFigures {
  return { doubt, passed, checks, failed }
}
