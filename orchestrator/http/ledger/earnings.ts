/**
 * What the caller's scouts earned, by day, scout or model, and why some of their tasks earned nothing; for
 * administrators that of any operator. Points are in escrow until their scout is trusted, and the answer says how many.
 */
import type { Fault } from '../../../shared/faults.ts'
import { earningRowsMax } from '../../../shared/limits/ledger/ledger.ts'
import type { Earning } from '../../ledger/accounts/earnings.ts'
import { type ZeroReason, zeroReasonNames } from '../../ledger/points/zero-rules.ts'
import { endOfSeason, readSeason, seasonAt } from '../../ledger/seasons/season.ts'
import { dayMs } from '../../tenants/periods.ts'
import type { RequestContext } from '../request-context.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { pointsOf, wrong } from './ledger-of.ts'

const groupings = ['day', 'scout', 'model'] as const
type Grouping = (typeof groupings)[number]

interface Asked {
  season: string
  by: Grouping
  operator: string
  scout?: string
}

export function getEarnings(context: RequestContext): Response {
  const { id } = context
  const ledger = pointsOf(context)
  if ('code' in ledger) return refuse(id, ledger)
  const asked = earningsAsked(context)
  if ('code' in asked) return refuse(id, asked)
  const { season, by, operator, scout } = asked
  const from = Date.parse(`${season}-01T00:00:00Z`) / dayMs
  const to = endOfSeason(season) / dayMs - 1
  // One more than is shown tells whether there is more.
  const filter = { operator, ...(scout !== undefined && { scout }), from, to, limit: earningRowsMax + 1 }
  const found = ledger.earnings(filter)
  const rows = found.slice(0, earningRowsMax)
  const { earned, waiting } = ledger.pointsOf(operator, season)
  const sums = { counted: rows.reduce((sum, { points }) => sum + points, 0), vested: earned, waiting }
  const data = grouped(rows, by).map((group) => shown(group, by))
  const what = { object: 'earnings', operator, season, by, points: sums, unpaid: unpaidOf(rows) }
  return jsonResponse(id, JSON.stringify({ ...what, data, more: found.length > rows.length }))
}

function earningsAsked({ query, caller, edge }: RequestContext): Asked | Fault {
  const text = query.get('season')
  const season = text === null ? seasonAt(edge.system.wallMs()) : readSeason(text)
  if (season === null) return wrong('season', 'must be a month, as 2026-05')
  const by = query.get('by') ?? 'day'
  const grouping = groupings.find((one) => one === by)
  if (grouping === undefined) return wrong('by', `must be one of ${groupings.join(', ')}`)
  const named = query.get('operator')
  // Whose it is tells nobody whether there is anything.
  const operator = caller!.role === 'admin' && named !== null ? named : caller!.tenant
  const scout = query.get('scout')
  if (scout !== null && !scout.startsWith(`${operator}/`)) return wrong('scout', `must begin with ${operator}/`)
  return { season, by: grouping, operator, ...(scout !== null && { scout }) }
}

function grouped(rows: readonly Earning[], by: Grouping): Earning[] {
  const groups = new Map<string, Earning>()
  for (const row of rows) {
    const name = String(row[by])
    const known = groups.get(name)
    if (known === undefined) groups.set(name, { ...row })
    else for (const count of counts) known[count] += row[count]
  }
  return [...groups.values()]
}

const counts = ['tasks', 'points', 'unpaid', ...zeroReasonNames] as const

function shown(row: Earning, by: Grouping) {
  const { tasks, points, unpaid } = row
  const reasons = zeroReasonNames.filter((reason) => row[reason] > 0)
  const name = by === 'day' ? new Date(row.day * dayMs).toISOString().slice(0, 10) : row[by]
  return {
    [by]: name,
    ...{ tasks, points, unpaid },
    reasons: Object.fromEntries(reasons.map((reason) => [reason, row[reason]])),
    why: reasons.map((reason) => sentence(reason, row[reason])),
  }
}

/** Everything that earned nothing, by reason: the most tasks first. */
function unpaidOf(rows: readonly Earning[]) {
  const counted = zeroReasonNames.map((reason) => {
    const tasks = rows.reduce((sum, row) => sum + row[reason], 0)
    return { reason, tasks, why: `${capital(reasonTexts[reason])}.` }
  })
  return counted.filter(({ tasks }) => tasks > 0).sort((one, other) => other.tasks - one.tasks)
}

const reasonTexts: Record<ZeroReason, string> = {
  own: 'your own requests cost nothing and earn nothing',
  directed: 'the request named the scouts which may serve it',
  unlisted: 'the model is not in the price list and nobody else offers it',
  loop: 'your client sent the request on while its scout held it',
  repeat: 'one client asked the same more than three times in a day',
  convicted: 'answers of this scout for the model differed from those of others',
}

function sentence(reason: ZeroReason, tasks: number): string {
  return `${tasks === 1 ? '1 task' : `${tasks} tasks`} earned nothing: ${reasonTexts[reason]}.`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
