/**
 * What the caller's scouts earned, by day, scout or model, and why some of their tasks earned nothing; for
 * administrators that of any operator. Points are in escrow until their scout is trusted, and the answer says how many.
 */
import type { Fault } from '../../../shared/faults.ts'
import { earningGroupsMax, earningRowsMax, earningRowsSummed } from '../../../shared/limits/ledger/ledger.ts'
import type { LedgerReport } from '../../engine/ports/ledger/ledger.ts'
import { addEarning, type Earning, type EarningPlace, noEarning } from '../../ledger/accounts/earnings.ts'
import { countedReasonNames } from '../../ledger/points/zero-rules.ts'
import { endOfSeason, readSeason, seasonAt, startOfSeason } from '../../ledger/seasons/season.ts'
import { dayMs } from '../../tenants/periods.ts'
import type { RequestContext } from '../request-context.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { pointsOf, wrong } from './ledger-of.ts'
import { networkPoints } from './network.ts'
import { reasonSentence, tasksSentence } from './reasons.ts'

const groupings = ['day', 'scout', 'model'] as const
type Grouping = (typeof groupings)[number]

interface Asked {
  season: string
  by: Grouping
  operator: string
  scout?: string
  /** Goes on behind this row. */
  after?: EarningPlace
}

export async function getEarnings(context: RequestContext): Promise<Response> {
  const { id } = context
  const ledger = pointsOf(context)
  if ('code' in ledger) return refuse(id, ledger)
  const asked = earningsAsked(context)
  if ('code' in asked) return refuse(id, asked)
  const { season, by, operator } = asked
  const { groups, sum, next } = await addedUp(ledger, asked, () => context.edge.lane.turn())
  const { earned: vested, waiting, untrusted, convicted, burnsMs } = ledger.pointsOf(operator, season)
  const burns = convicted === 0 || burnsMs === null ? null : Math.floor(burnsMs / 1_000)
  const points = { counted: sum.points, vested, waiting, untrusted, convicted, burns }
  const data = [...groups.values()].map((group) => shown(group, by))
  const network = networkPoints(context, operator, season)
  const what = { object: 'earnings', operator, season, by, points, network, unpaid: unpaidOf(sum) }
  return jsonResponse(id, JSON.stringify({ ...what, data, more: next !== null, next: next && cursorOf(next) }))
}

interface AddedUp {
  /** By the name of the group, the newest day first. */
  groups: Map<string, Earning>
  sum: Earning
  /** The last row that is in it, where there are more. */
  next: EarningPlace | null
}

/** Rows from the newest on, some in each turn, until there are too many of them, or of their groups. */
async function addedUp(ledger: LedgerReport, asked: Asked, turn: () => Promise<void>): Promise<AddedUp> {
  const { season, by, operator, scout } = asked
  const span = { from: startOfSeason(season) / dayMs, to: endOfSeason(season) / dayMs - 1, limit: earningRowsMax }
  const groups = new Map<string, Earning>()
  const sum = noEarning(0, '', '')
  let last = asked.after
  for (let rows = 0; rows < earningRowsSummed; rows += earningRowsMax) {
    if (rows > 0) await turn()
    const whose = { operator, ...(scout !== undefined && { scout }), ...(last !== undefined && { after: last }) }
    const found = ledger.earnings({ ...span, ...whose })
    for (const row of found) {
      const name = String(row[by])
      const group = groups.get(name)
      if (group !== undefined) addEarning(group, row)
      else if (groups.size === earningGroupsMax) return { groups, sum, next: last! }
      else groups.set(name, { ...row })
      addEarning(sum, row)
      last = row
    }
    if (found.length < earningRowsMax) return { groups, sum, next: null }
  }
  return { groups, sum, next: last! }
}

/** Names a row to whoever wants the rows behind it; what it is made of is nobody's business. */
function cursorOf({ day, scout, model }: EarningPlace): string {
  return Buffer.from(`${day}\t${scout}\t${model}`).toString('base64url')
}

/** Null for a text that `cursorOf` did not make. */
function placeIn(cursor: string): EarningPlace | null {
  const [day, scout, model, ...more] = Buffer.from(cursor, 'base64url').toString('utf8').split('\t')
  const isDay = /^\d{1,6}$/.test(day ?? '')
  return isDay && scout !== undefined && model !== undefined && more.length === 0
    ? { day: Number(day), scout, model }
    : null
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
  const cursor = query.get('after')
  const after = cursor === null ? undefined : placeIn(cursor)
  if (after === null) return wrong('after', 'must be the `next` of an earlier answer')
  return { season, by: grouping, operator, ...(scout !== null && { scout }), ...(after !== undefined && { after }) }
}

function shown(row: Earning, by: Grouping) {
  const { tasks, points, unpaid } = row
  const reasons = countedReasonNames.filter((reason) => row[reason] > 0)
  const name = by === 'day' ? new Date(row.day * dayMs).toISOString().slice(0, 10) : row[by]
  return {
    [by]: name,
    ...{ tasks, points, unpaid },
    reasons: Object.fromEntries(reasons.map((reason) => [reason, row[reason]])),
    why: reasons.map((reason) => tasksSentence(reason, row[reason])),
  }
}

/** Everything that earned nothing, by reason: the most tasks first. */
function unpaidOf(sum: Earning) {
  const counted = countedReasonNames.map((reason) => {
    return { reason, tasks: sum[reason], why: reasonSentence(reason) }
  })
  return counted.filter(({ tasks }) => tasks > 0).sort((one, other) => other.tasks - one.tasks)
}
