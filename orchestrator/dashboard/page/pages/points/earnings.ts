/**
 * What the hub says of earnings, as rows by day, scout or model, and the days of a season with those on which nothing
 * was earned. Pure.
 */
import { dayMs, dayText } from '../../state/format.ts'

export type Grouping = 'day' | 'scout' | 'model'

export interface EarningRow {
  /** Whichever of them was asked for. */
  day?: string
  scout?: string
  model?: string
  tasks: number
  points: number
  unpaid: number
  /** Why some of the tasks earned nothing, in sentences. */
  why: string[]
}

export interface Earnings {
  operator: string
  season: string
  /** `untrusted`: what of those that wait does so for want of trust; null where the hub does not know yet. */
  points: {
    counted: number
    vested: number
    waiting: number
    untrusted: number | null
    /** Of those that wait, what is burnt because its scout was convicted, and when: seconds since 1970. */
    convicted: number
    burns: number | null
  }
  /** What earned nothing, by reason. */
  unpaid: { reason: string; tasks: number; why: string }[]
  data: EarningRow[]
  /** The oldest days are left out. */
  more: boolean
}

export interface Season {
  season: string
  state: 'open' | 'closing' | 'closed' | 'paid'
  /** Seconds since 1970. */
  since: number
  note: string
}

/** Where earnings are asked for; what is empty is left out. */
export function earningsPath(asked: Record<'season' | 'by' | 'scout' | 'operator', string>): string {
  const filled = Object.entries(asked).filter(([, value]) => value !== '')
  return `/v1/earnings?${new URLSearchParams(filled)}`
}

export function nameIn(row: EarningRow): string {
  return row.day ?? row.scout ?? row.model ?? ''
}

export function mostFirst(rows: readonly EarningRow[]): EarningRow[] {
  return [...rows].sort((one, other) => other.points - one.points || other.tasks - one.tasks)
}

/** The season that is open at this time: a month of UTC, `2026-11`. */
export function seasonAt(ms: number): string {
  return dayText(ms).slice(0, 'YYYY-MM'.length)
}

interface SeasonDay {
  day: string
  /** Null for a day that has not begun. */
  points: number | null
  paid: number | null
  unpaid: number | null
}

/** Every day of a season: nothing on a day without a row, null on one that is to come. */
export function daysOfSeason(season: string, rows: readonly EarningRow[], nowMs: number): SeasonDay[] {
  const known = new Map(rows.map((row) => [row.day, row]))
  const days: SeasonDay[] = []
  for (let ms = Date.parse(`${season}-01T00:00:00Z`); seasonAt(ms) === season; ms += dayMs) {
    const day = dayText(ms)
    const row = known.get(day)
    if (ms > nowMs) days.push({ day, points: null, paid: null, unpaid: null })
    else if (row === undefined) days.push({ day, points: 0, paid: 0, unpaid: 0 })
    else days.push({ day, points: row.points, paid: row.tasks - row.unpaid, unpaid: row.unpaid })
  }
  return days
}
