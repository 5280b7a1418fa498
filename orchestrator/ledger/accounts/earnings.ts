/**
 * What each scout earned by day and model: sums for its operator to look at, with the reasons of what earned nothing.
 * They are made of receipts by the projector and never decide about points. Pure.
 */
import { unpaidCharsMax } from '../../../shared/limits/ledger/ledger.ts'
import { type CountedReason, countedReasonNames, earnsNothing, zeroReasons } from '../points/zero-rules.ts'
import type { Receipt } from '../receipts/receipt.ts'

/** What one scout did with one model in one day of UTC. */
export interface Earning {
  day: number
  scout: string
  model: string
  tasks: number
  points: number
  /** Those of its tasks that earned nothing. */
  unpaid: number
  /** The same by reason; a task with two reasons counts in both. */
  own: number
  directed: number
  unlisted: number
  loop: number
  repeat: number
  convicted: number
}

/** Adds one row's numbers to those of another one. */
export function addEarning(sum: Earning, more: Earning): void {
  for (const count of earningCounts) sum[count] += more[count]
}

/** What is added up; the rest of a row says of what. */
export const earningCounts = [
  ...(['tasks', 'points', 'unpaid'] as const),
  ...(['own', 'directed', 'unlisted', 'loop', 'repeat', 'convicted'] as const),
]

const dayS = 86_400

export function dayOfReceipt({ atS }: Pick<Receipt, 'atS'>): number {
  return Math.floor(atS / dayS)
}

export function earningKey({ day, scout, model }: EarningPlace): string {
  return `${day}\t${scout}\t${model}`
}

/** The row of a scout, model and day. */
export type EarningPlace = Pick<Earning, 'day' | 'scout' | 'model'>

/** The order in which rows are read: the newest day first, those of one day by scout and model. */
export function inReading(one: EarningPlace, other: EarningPlace): number {
  if (one.day !== other.day) return other.day - one.day
  const [first, second] = [nameOf(one), nameOf(other)]
  return first === second ? 0 : first < second ? -1 : 1
}

function comesBehind(row: EarningPlace, place: EarningPlace): boolean {
  return inReading(row, place) > 0
}

/** Which rows are asked for. */
export interface EarningChoice {
  /** Whose scouts: an operator, or one scout of it; null for all. */
  operator: string | null
  scout?: string
  /** Numbers of days, both included. */
  from: number
  to: number
  /** Goes on behind this row. */
  after?: EarningPlace
}

export function isMeant(row: EarningPlace, { operator, scout, from, to, after }: EarningChoice): boolean {
  if (row.day < from || row.day > to || (after !== undefined && !comesBehind(row, after))) return false
  return scout === undefined ? operator === null || row.scout.startsWith(`${operator}/`) : row.scout === scout
}

function nameOf({ scout, model }: EarningPlace): string {
  return `${scout}\0${model}`
}

export function noEarning(day: number, scout: string, model: string): Earning {
  const reasons = { own: 0, directed: 0, unlisted: 0, loop: 0, repeat: 0, convicted: 0 }
  return { day, scout, model, tasks: 0, points: 0, unpaid: 0, ...reasons }
}

export function addReceipt(earning: Earning, { points, flags }: Pick<Receipt, 'points' | 'flags'>): void {
  earning.tasks++
  earning.points += points
  if (!earnsNothing(flags)) return
  earning.unpaid++
  for (const reason of zeroReasons(flags)) if (reason !== 'elsewhere') earning[reason]++
}

const reasonWords: Record<CountedReason, string> = {
  own: 'your own requests',
  directed: 'requests that named their scout',
  unlisted: 'a model that is not listed',
  loop: 'requests that came back in a loop',
  repeat: 'the same request too often',
  convicted: 'a model that gave other answers',
}

/** Why tasks of a scout earned nothing, for its operator; null where all earned. */
export function unpaidSentence(rows: readonly Earning[]): string | null {
  const unpaid = rows.reduce((sum, row) => sum + row.unpaid, 0)
  if (unpaid === 0) return null
  const parts = countedReasonNames.flatMap((reason) => {
    const tasks = rows.reduce((sum, row) => sum + row[reason], 0)
    return tasks === 0 ? [] : [`${tasks} were ${reasonWords[reason]}`]
  })
  const sentence = `Today ${unpaid} of its tasks earned nothing: ${parts.join(', ')}`
  return sentence.length < unpaidCharsMax ? `${sentence}.` : `${sentence.slice(0, unpaidCharsMax - 1)}…`
}
