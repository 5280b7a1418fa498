/**
 * What an orchestrator answers to `GET /v1/earnings`, checked field by field: whatever else comes is no answer. Pure.
 */

export interface EarningSum {
  tasks: number
  points: number
  unpaid: number
}

export interface PointSums {
  vested: number
  waiting: number
  /** Those that wait for want of trust; null where the orchestrator does not say. */
  untrusted: number | null
  /** Those of a scout that was convicted, and when they are burnt: seconds since 1970, null where it does not say. */
  convicted: number
  burns: number | null
}

export interface EarningsAnswer {
  operator: string
  /** As `2026-05`. */
  season: string
  points: PointSums
  /** What earned nothing, by reason, each in a sentence. */
  unpaid: { why: string; tasks: number }[]
  /** By the name of a model, or the day. */
  data: (EarningSum & { name: string })[]
  /** Where it goes on; null at the end, and from an earlier orchestrator, which leaves out what is beyond. */
  next: string | null
  more: boolean
}

type Loose = { readonly [name: string]: unknown } | null | undefined

/** Null for anything else. */
export function earningsAnswerIn(json: unknown, by: 'model' | 'day'): EarningsAnswer | null {
  const answer = json as Loose
  const points = answer?.points as Loose
  const { operator, season, data, unpaid, more, next = null } = answer ?? {}
  const { vested, waiting, untrusted = null, convicted = 0, burns = null } = points ?? {}
  if (!isText(operator) || !isText(season) || typeof more !== 'boolean') return null
  if (!isCount(vested) || !isCount(waiting) || (untrusted !== null && !isCount(untrusted))) return null
  if (!isCount(convicted) || (burns !== null && !isTime(burns))) return null
  if (next !== null && !isText(next)) return null
  const rows = allOf(data, (row) => rowIn(row, by))
  const reasons = allOf(unpaid, reasonIn)
  if (rows === null || reasons === null) return null
  return {
    operator,
    season,
    points: { vested, waiting, untrusted, convicted, burns },
    unpaid: reasons,
    data: rows,
    next,
    more,
  }
}

function rowIn(row: Loose, by: 'model' | 'day') {
  const { [by]: name, tasks, points, unpaid } = row ?? {}
  return isText(name) && isCount(tasks) && isCount(points) && isCount(unpaid) ? { name, tasks, points, unpaid } : null
}

function reasonIn(row: Loose) {
  const { why, tasks } = row ?? {}
  return isText(why) && isCount(tasks) ? { why, tasks } : null
}

/** Null unless it is a list of nothing else. */
function allOf<T>(list: unknown, read: (row: Loose) => T | null): T[] | null {
  if (!Array.isArray(list)) return null
  const found: T[] = []
  for (const row of list as Loose[]) {
    const one = read(row)
    if (one === null) return null
    found.push(one)
  }
  return found
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

/** Seconds that a calendar can show. */
function isTime(value: unknown): value is number {
  return isCount(value) && value <= 8_640_000_000_000
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
