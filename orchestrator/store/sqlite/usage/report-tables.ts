/**
 * What the charts and the pages of scouts look back on, as SQL: the charts' quarters of an hour, and what each scout
 * served by the day.
 */
import { usageSumMax } from '../../../../shared/limits/answers.ts'
import type { StoreWriteOf } from '../../../engine/ports/store.ts'
import type { HistoryRow, ReportReads, ServedDay } from '../../../engine/ports/usage.ts'
import type { Statements } from '../statements.ts'
import { type TransactionSteps, transact } from '../transaction.ts'

interface ReportWrites {
  history(write: StoreWriteOf<'history'>): void
  served(write: StoreWriteOf<'served'>): void
}

const counts = ['done', 'failed', 'tokens', 'busy_ms']

export function reportWrites(statements: Statements): ReportWrites {
  const keep = statements.keep<never, [number, string]>(
    `INSERT INTO history_quarter (slot, sample) VALUES (?, ?)
     ON CONFLICT (slot) DO UPDATE SET sample = excluded.sample`,
  )
  const sums = counts.map((count) => `${count} = min(${usageSumMax}, ${count} + excluded.${count})`)
  const add = statements.keep<never, [string, number, number, number, number, number]>(
    `INSERT INTO served_day (scout, day, ${counts.join(', ')}) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (scout, day) DO UPDATE SET ${sums.join(', ')}`,
  )
  return {
    history({ row: { slot, sample } }) {
      keep.run(slot, sample)
    },
    served({ scout, served: { day, done, failed, tokens, busyMs } }) {
      add.run(scout, day, done, failed, tokens, busyMs)
    },
  }
}

export function reportReads(statements: Statements): Omit<ReportReads, 'forgetReports'> {
  const history = statements.keep<HistoryRow, [number]>(
    'SELECT slot, sample FROM history_quarter WHERE slot >= ? ORDER BY slot',
  )
  const days = statements.keep<ServedDay, [string, number]>(
    `SELECT day, done, failed, tokens, busy_ms AS busyMs FROM served_day WHERE scout = ? AND day >= ? ORDER BY day`,
  )
  return {
    history: (fromSlot) => history.all(fromSlot),
    servedDays: (scout, fromDay) => days.all(scout, fromDay),
  }
}

/** Removes what is older than anybody looks back. */
export function reportRetention(statements: Statements, steps: TransactionSteps): ReportReads['forgetReports'] {
  const slots = statements.keep<never, [number, number]>(
    `DELETE FROM history_quarter WHERE slot IN
       (SELECT slot FROM history_quarter WHERE slot < ? ORDER BY slot LIMIT ?)`,
  )
  const days = statements.keep<never, [number, number]>(
    `DELETE FROM served_day WHERE (scout, day) IN
       (SELECT scout, day FROM served_day WHERE day < ? ORDER BY day LIMIT ?)`,
  )
  return (beforeSlot, beforeDay, limit) =>
    transact(steps, () => slots.run(beforeSlot, limit).changes + days.run(beforeDay, limit).changes)
}
