/**
 * The periods that budgets count in: days, weeks and months of UTC, as numbers of days since 1970. Weeks begin on
 * Monday. Pure arithmetic on given times; nothing here reads a clock.
 */
import type { Budget } from '../../shared/keys/key-terms.ts'

export type Period = Budget['per']

export const dayMs = 86_400_000

/** The number of the day that holds this time (milliseconds since 1970). */
export function dayOf(atMs: number): number {
  return Math.floor(atMs / dayMs)
}

/** The first day of the period that holds this day. */
export function firstDay(period: Period, day: number): number {
  if (period === 'day') return day
  // The first day of 1970 was a Thursday.
  if (period === 'week') return day - ((((day + 3) % 7) + 7) % 7)
  const date = new Date(day * dayMs)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) / dayMs
}

/** The first day after the period that holds this day. */
export function nextFirstDay(period: Period, day: number): number {
  if (period === 'day') return day + 1
  if (period === 'week') return firstDay('week', day) + 7
  const date = new Date(day * dayMs)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) / dayMs
}
