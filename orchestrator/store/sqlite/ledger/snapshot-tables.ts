/**
 * What the projector made of the ledger, as SQL: balances, seasons, earnings by scout, model and day, and up to which
 * batch all of it goes, and each row.
 */

import type { BalanceRow, LedgerStore } from '../../../engine/ports/ledger/ledger-store.ts'
import { StoreError, type StoreWriteOf } from '../../../engine/ports/store.ts'
import { type Earning, earningCounts } from '../../../ledger/accounts/earnings.ts'
import type { SeasonRow } from '../../../ledger/accounts/projector.ts'
import type { Statements } from '../statements.ts'

/** Each row says up to which batch it goes. */
export const snapshotExtents = `
  ALTER TABLE hub ADD COLUMN ledger_written INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE ledger_balance ADD COLUMN up_to INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX ledger_balance_empty ON ledger_balance (up_to) WHERE points = 0;
  ALTER TABLE ledger_earning ADD COLUMN up_to INTEGER NOT NULL DEFAULT 0;
`

const counts = earningCounts
type Counts = [number, number, number, number, number, number, number, number, number]

export function snapshotWrites(statements: Statements): { fold(write: StoreWriteOf<'fold'>): void } {
  const advance = statements.keep<never, [number, number, number]>(
    'UPDATE hub SET ledger_projected = ?, ledger_written = ? WHERE ledger_projected = ?',
  )
  const put = statements.keep<never, [string, number, number]>(
    `INSERT INTO ledger_balance (account, points, up_to) VALUES (?, ?, ?)
     ON CONFLICT (account) DO UPDATE SET points = excluded.points, up_to = excluded.up_to`,
  )
  const removeEmpty = statements.keep<never, [number]>('DELETE FROM ledger_balance WHERE points = 0 AND up_to <= ?')
  const sums = counts.map((count) => `${count} = ${count} + excluded.${count}`)
  const add = statements.keep<never, [string, string, number, number, ...Counts]>(
    `INSERT INTO ledger_earning (scout, model, day, up_to, ${counts.join(', ')})
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (scout, day, model) DO UPDATE SET up_to = excluded.up_to, ${sums.join(', ')}`,
  )
  const putSeason = statements.keep<never, [string, string, number, string]>(
    `INSERT INTO ledger_season (season, state, since_ms, note) VALUES (?, ?, ?, ?)
     ON CONFLICT (season) DO UPDATE SET state = excluded.state, since_ms = excluded.since_ms, note = excluded.note`,
  )
  return {
    fold({ from, to, balances, balancesUpTo, earnings, earningsUpTo, seasons }) {
      const { changes } = advance.run(to, Math.max(balancesUpTo, earningsUpTo), from)
      if (changes !== 1) throw new StoreError('fenced', `the ledger is not folded up to batch ${from}`)
      for (const { account, points } of balances) put.run(account, points, balancesUpTo)
      removeEmpty.run(to)
      for (const earning of earnings) {
        const { scout, model, day } = earning
        add.run(scout, model, day, earningsUpTo, ...(counts.map((count) => earning[count]) as Counts))
      }
      for (const { season, state, sinceMs, note } of seasons) putSeason.run(season, state, sinceMs, note)
    },
  }
}

/** The place that is gone on behind, its day twice, and how many rows. */
type Rest = [day: number, sameDay: number, scout: string, model: string, limit: number]

export type SnapshotReads = 'snapshot' | 'earnings' | 'earningRecord' | 'earningUpTo' | 'unpaidOf'

export function snapshotReads(statements: Statements): Pick<LedgerStore, SnapshotReads> {
  const extent = statements.keep<{ projected: number; written: number }, []>(
    'SELECT ledger_projected AS projected, ledger_written AS written FROM hub',
  )
  const balances = statements.keep<BalanceRow, []>(
    'SELECT account, points, up_to AS upTo FROM ledger_balance ORDER BY account',
  )
  const seasons = statements.keep<SeasonRow, []>(
    'SELECT season, state, since_ms AS sinceMs, note FROM ledger_season ORDER BY season',
  )
  const columns = `day, scout, model, ${counts.join(', ')}`
  const ordered = `AND (day < ? OR (day = ? AND (scout, model) > (?, ?))) ORDER BY day DESC, scout, model LIMIT ?`
  const all = statements.keep<Earning, [number, number, ...Rest]>(
    `SELECT ${columns} FROM ledger_earning WHERE day BETWEEN ? AND ? ${ordered}`,
  )
  // An operator's scouts are named `operator/…`; the sign after the slash ends the range.
  const ofOperator = statements.keep<Earning, [string, string, number, number, ...Rest]>(
    `SELECT ${columns} FROM ledger_earning WHERE scout >= ? AND scout < ? AND day BETWEEN ? AND ? ${ordered}`,
  )
  const ofScout = statements.keep<Earning, [string, number, number, ...Rest]>(
    `SELECT ${columns} FROM ledger_earning WHERE scout = ? AND day BETWEEN ? AND ? ${ordered}`,
  )
  const upTo = statements.keep<{ upTo: number }, [number, string, string]>(
    'SELECT up_to AS upTo FROM ledger_earning WHERE day = ? AND scout = ? AND model = ?',
  )
  const unpaid = statements.keep<Earning, [number]>(
    `SELECT ${columns} FROM ledger_earning WHERE day = ? AND unpaid > 0`,
  )
  const record = statements.keep<{ paidTasks: number; days: number }, [string, string]>(
    `SELECT coalesce(sum(tasks - unpaid), 0) AS paidTasks, count(*) AS days FROM ledger_earning
     WHERE scout = ? AND model = ? AND tasks > unpaid`,
  )
  return {
    snapshot: () => ({
      ...extent.get()!,
      balances: balances.all(),
      seasons: seasons.all(),
    }),
    earnings({ operator, scout, from, to, after, limit }) {
      const place = after ?? { day: to + 1, scout: '', model: '' }
      const rest: Rest = [place.day, place.day, place.scout, place.model, limit]
      if (scout !== undefined) return ofScout.all(scout, from, to, ...rest)
      if (operator === null) return all.all(from, to, ...rest)
      return ofOperator.all(`${operator}/`, `${operator}0`, from, to, ...rest)
    },
    earningUpTo: (day, scout, model) => upTo.get(day, scout, model)?.upTo ?? 0,
    unpaidOf: (day) => unpaid.all(day),
    earningRecord: (scout, model) => record.get(scout, model)!,
  }
}
