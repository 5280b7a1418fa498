/**
 * Bookings of usage as SQL: a durable task is booked once, and everything is added to the sums for ever and to those by
 * key, model, hour and day. Sums stop at the largest number that every reader can hold.
 */
import { usageSumMax } from '../../../../shared/limits/answers.ts'
import { isTokenCount, StoreError, type StoreWriteOf } from '../../../engine/ports/store.ts'
import { tallyOf, type UsageTally } from '../../../engine/ports/usage.ts'
import { asStoreError } from '../errors.ts'
import type { Statements } from '../statements.ts'
import { type TransactionSteps, transact } from '../transaction.ts'

/** Rows of usage that could not be booked. */
export interface Unbooked {
  rows: number
}

interface UsageWrites {
  usage(write: StoreWriteOf<'usage'>): void
  tally(write: StoreWriteOf<'tally'>): void
}

const hoursPerDay = 24

export function usageWrites(statements: Statements, unbooked: Unbooked): UsageWrites {
  const book = statements.keep<
    never,
    [number, string, string, string, string, number, number, number, string, number, number]
  >(
    `INSERT INTO usage (task, tenant, scout, provider, model, prompt_tokens, completion_tokens, at_ms, key,
       micro_dollars, estimated)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const add = statements.keep<never, [string, string, number, number, number]>(
    `INSERT INTO usage_sum (tenant, model, tasks, prompt_tokens, completion_tokens) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (tenant, model) DO UPDATE SET ${adding(['tasks', 'prompt_tokens', 'completion_tokens'])}`,
  )
  const addTo = (period: 'hour' | 'day') =>
    statements.keep<never, [number, string, string, string, number, number, number, number, number, number]>(
      `INSERT INTO usage_${period} (${period}, tenant, key, model, ${counts.join(', ')})
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (tenant, ${period}, key, model) DO UPDATE SET ${adding(counts)}`,
    )
  const [addHour, addDay] = [addTo('hour'), addTo('day')]
  const tallied = (tally: UsageTally) => {
    const { hour, tenant, key, model, tasks, failed, promptTokens, completionTokens, microDollars, estimated } = tally
    // What failed is no use of the model: the sums for ever hold what was served.
    if (tasks > 0) add.run(tenant, model, tasks, promptTokens, completionTokens)
    const values = [tasks, failed, promptTokens, completionTokens, microDollars, estimated] as const
    addHour.run(hour, tenant, key, model, ...values)
    addDay.run(Math.floor(hour / hoursPerDay), tenant, key, model, ...values)
  }
  return {
    usage({ usage }) {
      const { task, tenant, scout, provider, model, promptTokens, completionTokens, atMs, key, microDollars } = usage
      const estimated = usage.isEstimated ? 1 : 0
      ifBookable(unbooked, [promptTokens, completionTokens, microDollars], () => {
        const tokens = [promptTokens, completionTokens] as const
        book.run(task, tenant, scout, provider, model, ...tokens, atMs, key, microDollars, estimated)
        tallied(tallyOf(usage))
      })
    },
    tally({ tally }) {
      ifBookable(unbooked, [tally.promptTokens, tally.completionTokens, tally.microDollars], () => tallied(tally))
    },
  }
}

const counts = ['tasks', 'failed', 'prompt_tokens', 'completion_tokens', 'micro_dollars', 'estimated']

function adding(columns: readonly string[]): string {
  return columns.map((column) => `${column} = min(${usageSumMax}, ${column} + excluded.${column})`).join(', ')
}

/**
 * Usage is worth less than the answer that it is booked with: what cannot be booked is counted and left out, and the
 * batch goes on. A fault of the disk still takes the whole batch back.
 */
function ifBookable(unbooked: Unbooked, numbers: readonly number[], book: () => void): void {
  if (!numbers.every(isTokenCount)) {
    unbooked.rows++
    return
  }
  try {
    book()
  } catch (error) {
    const known = asStoreError(error)
    if (!(known instanceof StoreError) || known.trouble !== 'fenced') throw error
    unbooked.rows++
  }
}

/** Removes what is older than reports and budgets ask for. */
export function usageRetention(
  statements: Statements,
  steps: TransactionSteps,
): (beforeHour: number, beforeDay: number, limit: number) => number {
  const remove = (period: 'hour' | 'day') =>
    statements.keep<never, [number, number]>(
      `DELETE FROM usage_${period} WHERE (tenant, ${period}, key, model) IN
         (SELECT tenant, ${period}, key, model FROM usage_${period} WHERE ${period} < ? ORDER BY ${period} LIMIT ?)`,
    )
  const [hours, days] = [remove('hour'), remove('day')]
  return (beforeHour, beforeDay, limit) =>
    transact(steps, () => hours.run(beforeHour, limit).changes + days.run(beforeDay, limit).changes)
}
