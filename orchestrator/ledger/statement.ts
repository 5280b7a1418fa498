/**
 * What a season gave to whom, as files: JSON for programs, CSV for tables. Both say the same, and once the season is
 * frozen they are the same bytes whenever they are made, so that a detached signature over them stays true. Pure.
 */
import { earnedOf } from './accounts/account.ts'
import type { Projector } from './accounts/projector.ts'
import { csvLine } from './csv.ts'
import type { SeasonState } from './seasons/season.ts'

export interface StatementRow {
  operator: string
  /** As its owner agreed to be shown; empty without consent. */
  name: string
  points: number
}

export interface Statement {
  season: string
  state: SeasonState
  /** The hub's public key. */
  hub: string
  points: number
  /** The most points first, equal ones by operator. */
  operators: readonly StatementRow[]
}

interface StatementParts {
  season: string
  state: SeasonState
  hub: string
  /** The name that an operator agreed to be shown by. */
  nameOf: (operator: string) => string
}

export function statementOf(projector: Projector, { season, state, hub, nameOf }: StatementParts): Statement {
  const operators: StatementRow[] = []
  for (const operator of projector.operators()) {
    const points = projector.balances.of(earnedOf(season, operator))
    if (points > 0) operators.push({ operator, name: nameOf(operator), points })
  }
  operators.sort((one, other) => other.points - one.points || (one.operator < other.operator ? -1 : 1))
  const points = operators.reduce((sum, row) => sum + row.points, 0)
  return { season, state, hub, points, operators }
}

/** Of a frozen season `paid` says no more than `closed`: the file that was signed is not to change by it. */
export function statementJson({ season, hub, points, operators }: Statement): string {
  const rows = operators.map(({ operator, points: earned }) => ({ operator, points: earned }))
  return `${JSON.stringify({ chasm: 'season', version: 1, hub, season, points, operators: rows }, null, 2)}\n`
}

export function statementCsv({ season, operators }: Statement): string {
  const rows = operators.map(({ operator, points }) => csvLine([season, operator, points]))
  return [csvLine(['season', 'operator', 'points']), ...rows].join('')
}
