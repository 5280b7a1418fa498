/**
 * What of today's tasks earned nothing, by scout: each scout is told so once a minute, and for that nothing is to be
 * looked up. Pure.
 */

import { earnsNothing } from '../points/zero-rules.ts'
import type { Receipt } from '../receipts/receipt.ts'
import { addEarning, addReceipt, type Earning, noEarning } from './earnings.ts'

export class UnpaidToday {
  private day = -1
  private readonly byScout = new Map<string, Earning>()

  /** What was counted before: rows of earnings, all of one day. */
  restore(rows: readonly Earning[]): void {
    for (const row of rows) {
      const known = this.rowOf(row.day, row.scout)
      if (known !== null) addEarning(known, row)
    }
  }

  /** `known`: the row that this scout and day had before; the one that it has now comes back. */
  count(day: number, worked: Pick<Receipt, 'scout' | 'points' | 'flags'>, known: Earning | null): Earning | null {
    if (!earnsNothing(worked.flags)) return known
    const row = known ?? this.rowOf(day, worked.scout)
    if (row !== null) addReceipt(row, worked)
    return row
  }

  /** Undefined where everything earned. */
  of(scout: string, day: number): Earning | undefined {
    return day === this.day ? this.byScout.get(scout) : undefined
  }

  /** Null for a day that is over. */
  private rowOf(day: number, scout: string): Earning | null {
    if (day < this.day) return null
    if (day > this.day) this.byScout.clear()
    this.day = day
    const known = this.byScout.get(scout)
    if (known !== undefined) return known
    const row = noEarning(day, scout, '')
    this.byScout.set(scout, row)
    return row
  }
}
