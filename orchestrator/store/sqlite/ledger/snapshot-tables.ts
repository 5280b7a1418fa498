/**
 * What the projector made of the ledger, as SQL: balances, seasons, earnings by scout, model and day, and up to which
 * batch they go.
 */

import type { LedgerStore } from '../../../engine/ports/ledger/ledger-store.ts'
import { StoreError, type StoreWriteOf } from '../../../engine/ports/store.ts'
import type { Earning } from '../../../ledger/accounts/earnings.ts'
import type { SeasonRow } from '../../../ledger/accounts/projector.ts'
import type { Statements } from '../statements.ts'

const counts = ['tasks', 'points', 'unpaid', 'own', 'directed', 'unlisted', 'loop', 'repeat', 'convicted'] as const
type Counts = [number, number, number, number, number, number, number, number, number]

export function snapshotWrites(statements: Statements): { fold(write: StoreWriteOf<'fold'>): void } {
  const advance = statements.keep<never, [number, number]>(
    'UPDATE hub SET ledger_projected = ? WHERE ledger_projected = ?',
  )
  const put = statements.keep<never, [string, number]>(
    `INSERT INTO ledger_balance (account, points) VALUES (?, ?)
     ON CONFLICT (account) DO UPDATE SET points = excluded.points`,
  )
  const remove = statements.keep<never, [string]>('DELETE FROM ledger_balance WHERE account = ?')
  const sums = counts.map((count) => `${count} = ${count} + excluded.${count}`)
  const add = statements.keep<never, [string, string, number, ...Counts]>(
    `INSERT INTO ledger_earning (scout, model, day, ${counts.join(', ')}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (scout, day, model) DO UPDATE SET ${sums.join(', ')}`,
  )
  const putSeason = statements.keep<never, [string, string, number, string]>(
    `INSERT INTO ledger_season (season, state, since_ms, note) VALUES (?, ?, ?, ?)
     ON CONFLICT (season) DO UPDATE SET state = excluded.state, since_ms = excluded.since_ms, note = excluded.note`,
  )
  return {
    fold({ from, to, balances, earnings, seasons }) {
      const { changes } = advance.run(to, from)
      if (changes !== 1) throw new StoreError('fenced', `the ledger is not folded up to batch ${from}`)
      for (const [account, points] of balances) {
        if (points === 0) remove.run(account)
        else put.run(account, points)
      }
      for (const earning of earnings) {
        const { scout, model, day } = earning
        add.run(scout, model, day, ...(counts.map((count) => earning[count]) as Counts))
      }
      for (const { season, state, sinceMs, note } of seasons) putSeason.run(season, state, sinceMs, note)
    },
  }
}

export function snapshotReads(statements: Statements): Pick<LedgerStore, 'snapshot' | 'earnings' | 'earningRecord'> {
  const projected = statements.keep<{ projected: number }, []>('SELECT ledger_projected AS projected FROM hub')
  const balances = statements.keep<{ account: string; points: number }, []>(
    'SELECT account, points FROM ledger_balance ORDER BY account',
  )
  const seasons = statements.keep<SeasonRow, []>(
    'SELECT season, state, since_ms AS sinceMs, note FROM ledger_season ORDER BY season',
  )
  const columns = `day, scout, model, ${counts.join(', ')}`
  const ordered = 'ORDER BY day DESC, scout, model LIMIT ?'
  const all = statements.keep<Earning, [number, number, number]>(
    `SELECT ${columns} FROM ledger_earning WHERE day BETWEEN ? AND ? ${ordered}`,
  )
  // An operator's scouts are named `operator/…`; the sign after the slash ends the range.
  const ofOperator = statements.keep<Earning, [string, string, number, number, number]>(
    `SELECT ${columns} FROM ledger_earning WHERE scout >= ? AND scout < ? AND day BETWEEN ? AND ? ${ordered}`,
  )
  const ofScout = statements.keep<Earning, [string, number, number, number]>(
    `SELECT ${columns} FROM ledger_earning WHERE scout = ? AND day BETWEEN ? AND ? ${ordered}`,
  )
  const record = statements.keep<{ paidTasks: number; days: number }, [string, string]>(
    `SELECT coalesce(sum(tasks - unpaid), 0) AS paidTasks, count(*) AS days FROM ledger_earning
     WHERE scout = ? AND model = ? AND tasks > unpaid`,
  )
  return {
    snapshot: () => ({
      projected: projected.get()!.projected,
      balances: balances.all().map(({ account, points }) => [account, points]),
      seasons: seasons.all(),
    }),
    earnings({ operator, scout, from, to, limit }) {
      if (scout !== undefined) return ofScout.all(scout, from, to, limit)
      if (operator === null) return all.all(from, to, limit)
      return ofOperator.all(`${operator}/`, `${operator}0`, from, to, limit)
    },
    earningRecord: (scout, model) => record.get(scout, model)!,
  }
}
