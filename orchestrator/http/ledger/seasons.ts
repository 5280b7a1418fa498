/**
 * Seasons over HTTP: which there are, who earned how much in one, and the leaderboard of the one that is open. A
 * statement comes with the hub's signature over its very bytes. Administrators see every operator, others themselves;
 * names on the leaderboard are of those who agreed to be shown.
 */
import { z } from 'zod'
import { fault } from '../../../shared/faults.ts'
import { leaderboardRowsMax } from '../../../shared/limits/ledger/ledger.ts'
import type { SeasonRow } from '../../ledger/accounts/projector.ts'
import { seasonAt } from '../../ledger/seasons/season.ts'
import { type Statement, statementCsv, statementJson } from '../../ledger/statement.ts'
import type { RequestContext } from '../request-context.ts'
import { baseHeaders, jsonResponse, refuse } from '../response/response.ts'
import { readSmall } from '../schema/body.ts'
import { pointsOf, wrong } from './ledger-of.ts'
import { hubsOf, networkRows, sumsOf } from './network.ts'

const unknownSeason = fault('not_found', 'Nothing was earned in this season: GET /v1/seasons lists them.', {
  param: 'id',
})

export function listSeasons(context: RequestContext): Response {
  const { id, edge } = context
  const ledger = pointsOf(context)
  if ('code' in ledger) return refuse(id, ledger)
  const { hub } = ledger
  const network = edge.network?.ledger ?? null
  const data = ledger.seasons().map((row) => ({ ...shownSeason(row), ...(network && sumsOf(network, row.season)) }))
  data.reverse()
  return jsonResponse(id, JSON.stringify({ object: 'list', hub, ...ledger.conservation(), data }))
}

export function getStatement(context: RequestContext): Response {
  const { id, params, query, request, caller } = context
  const ledger = pointsOf(context)
  if ('code' in ledger) return refuse(id, ledger)
  const accepts = request.headers.get('accept')?.includes('text/csv') === true
  const format = query.get('format') ?? (accepts ? 'csv' : 'json')
  const [, ending, isDetached] = /^(csv|json)(\.sig)?$/.exec(format) ?? []
  if (ending === undefined) return refuse(id, wrong('format', 'must be csv or json, or csv.sig or json.sig'))
  const statement = ledger.statement(params.id)
  if (statement === undefined) return refuse(id, unknownSeason)
  const mine = caller!.role === 'admin' ? statement : ownPart(statement, caller!.tenant)
  const body = ending === 'csv' ? statementCsv(mine) : statementJson(mine)
  const signature = Buffer.from(ledger.sign(Buffer.from(body))).toString('base64url')
  // For whoever saves files and sees no headers, as browsers do.
  if (isDetached) return new Response(`${signature}\n`, { headers: baseHeaders(id, 'text/plain; charset=utf-8') })
  const headers = baseHeaders(id, ending === 'csv' ? 'text/csv; charset=utf-8' : 'application/json')
  headers['chasm-signature'] = signature
  return new Response(body, { headers })
}

function ownPart(statement: Statement, tenant: string): Statement {
  const operators = statement.operators.filter(({ operator }) => operator === tenant)
  return { ...statement, operators, points: operators.reduce((sum, { points }) => sum + points, 0) }
}

export function getLeaderboard(context: RequestContext): Response {
  const { id, edge, caller } = context
  const ledger = pointsOf(context)
  if ('code' in ledger) return refuse(id, ledger)
  const season = seasonAt(edge.system.wallMs())
  const network = edge.network?.ledger ?? null
  const rows = network === null ? ledger.leaderboard() : networkRows(network, ledger, season)
  const place = rows.findIndex(({ operator }) => operator === caller!.tenant)
  const data = rows.slice(0, leaderboardRowsMax).map(({ name, points, waiting, operator }, at) => {
    const whose = { name: name === '' ? null : name, own: operator === caller!.tenant }
    const hubs = network === null ? {} : { hubs: hubsOf(network, operator, season) }
    return { place: at + 1, ...whose, points, waiting, ...hubs }
  })
  const own = place < 0 ? null : place + 1
  const name = ledger.shownAs(caller!.tenant)
  return jsonResponse(id, JSON.stringify({ object: 'list', season, operators: rows.length, own, name, data }))
}

const nameCharsMax = 40

/** Under which name the caller agrees to be shown; null for none. */
export const leaderboardRequest = z.strictObject({
  name: z
    .string()
    .trim()
    .min(1)
    .max(nameCharsMax)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a name must not have.
    .regex(/^[^\u0000-\u001f\u007f]*$/, 'A name has no control characters.')
    .nullable(),
})

export async function nameOnLeaderboard(context: RequestContext): Promise<Response> {
  const { id, caller } = context
  const ledger = pointsOf(context)
  if ('code' in ledger) return refuse(id, ledger)
  const body = await readSmall(context, leaderboardRequest)
  if ('code' in body) return refuse(id, body)
  const { name } = body.value as z.infer<typeof leaderboardRequest>
  const trouble = await ledger.showAs(caller!.tenant, name)
  if (trouble !== null) return refuse(id, trouble)
  return jsonResponse(id, JSON.stringify({ object: 'leaderboard.name', name }))
}

function shownSeason({ season, state, sinceMs, note }: SeasonRow) {
  return { season, state, since: Math.floor(sinceMs / 1_000), note }
}
