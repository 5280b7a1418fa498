/**
 * Seasons: a month of UTC each. A season is open while points can be earned in it; after its month it is closing, so
 * that disputes can end; closed, nothing of it changes any more; and paid once somebody has noted how. Pure: whoever
 * calls says what time it is.
 */
import { receiptsKeptMs, seasonClosingMs } from '../../../shared/limits/ledger/ledger.ts'

/**
 * - `open`: from its first receipt on. - `closing`: its month is over. - `closed`: frozen; what its operators have
 *   earned is final. - `paid`: somebody has paid for it, outside of the ledger.
 */
export type SeasonState = 'open' | 'closing' | 'closed' | 'paid'
export const seasonStates: readonly SeasonState[] = ['open', 'closing', 'closed', 'paid']

const seasonMoves: Record<SeasonState, readonly SeasonState[]> = {
  open: ['closing'],
  closing: ['closed'],
  closed: ['paid'],
  paid: [],
}

export function mayMove(from: SeasonState, to: SeasonState): boolean {
  return seasonMoves[from].includes(to)
}

/** Whether what was earned in it is final. */
export function isFrozen(state: SeasonState | undefined): boolean {
  return state === 'closed' || state === 'paid'
}

export const dayMs = 86_400_000

/** The season of a time in milliseconds since 1970. */
export function seasonAt(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 7)
}

/** The last day that was asked for: most receipts of a batch are of one. */
const lately = { day: 0, season: '1970-01' }

/** The season of a day, by its number since 1970. */
export function seasonOfDay(day: number): string {
  if (day === lately.day) return lately.season
  const season = seasonAt(day * dayMs)
  lately.day = day
  lately.season = season
  return season
}

/** Null for a text that names no month. */
export function readSeason(text: string): string | null {
  return /^20\d\d-(0[1-9]|1[0-2])$/.test(text) ? text : null
}

export function startOfSeason(season: string): number {
  return Date.parse(`${season}-01T00:00:00Z`)
}

/** The first moment after its month. */
export function endOfSeason(season: string): number {
  const [year, month] = season.split('-').map(Number)
  return Date.UTC(year!, month!, 1)
}

/**
 * The moment from which on receipts are kept: the start of the oldest season that is not frozen, or has not been over
 * for long enough.
 */
export function receiptsKeptFrom(seasons: Iterable<{ season: string; state: SeasonState }>, nowMs: number): number {
  let fromMs = startOfSeason(seasonAt(nowMs - receiptsKeptMs))
  for (const { season, state } of seasons) {
    if (!isFrozen(state)) fromMs = Math.min(fromMs, startOfSeason(season))
  }
  return fromMs
}

/** The move that is due now by the calendar alone; null for none. */
export function moveDue(season: string, state: SeasonState, nowMs: number): SeasonState | null {
  const endMs = endOfSeason(season)
  if (state === 'open' && nowMs >= endMs) return 'closing'
  if (state === 'closing' && nowMs >= endMs + seasonClosingMs) return 'closed'
  return null
}
