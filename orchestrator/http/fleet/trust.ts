/**
 * What audits have found out about scouts, with reasons in words: of all for admins, of the own ones for who runs them,
 * who may appeal against a conviction.
 */
import { z } from 'zod'
import { fault } from '../../../shared/faults.ts'
import { modelCharsMax } from '../../../shared/limits/wire.ts'
import type { ScoutTrust, TrustFilter, TrustReport } from '../../engine/ports/trust/trust-report.ts'
import type { RequestContext } from '../request-context.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { readChecked } from '../schema/body.ts'
import { textUpTo } from '../schema/validation.ts'

export const appealRequest = z.strictObject({
  model: textUpTo(modelCharsMax).optional().describe('Where the scout is convicted for several models: one of them.'),
})

const noConvictions = fault(
  'not_found',
  'This orchestrator checks no answers, so nobody is convicted: its operator can set TRUST=observe.',
)

export function listTrust({ id, edge, query }: RequestContext): Response {
  const report = edge.engine.trustReport(scoutAsked(query))
  const audits = report && shownAudits(report)
  return jsonResponse(id, JSON.stringify({ ...shownList(report), audits }))
}

/** Of scouts that the caller's own keys let in; how many audits there were is no scout's business. */
export function listOwnTrust({ id, edge, caller, query }: RequestContext): Response {
  const report = edge.engine.trustReport({ ...scoutAsked(query), owner: caller!.tenant })
  return jsonResponse(id, JSON.stringify(shownList(report)))
}

/** By its owner, once for each conviction. */
export async function appealConviction(context: RequestContext): Promise<Response> {
  const { id, edge, caller, params } = context
  const { appeals } = edge.engine
  if (appeals === null) return refuse(id, noConvictions)
  // Who means the only one need not say anything.
  const read = context.hasUnreadBody ? await readChecked(context, appealRequest) : { value: {} }
  if ('code' in read) return refuse(id, read)
  const { model = null } = read.value as z.infer<typeof appealRequest>
  const stands = await appeals.appeal({ scout: params.id, model, owner: caller!.tenant })
  return 'code' in stands ? refuse(id, stands) : jsonResponse(id, JSON.stringify(shownTrust(stands)))
}

/** One that is unknown is as one of whom nothing was found out. */
function scoutAsked(query: URLSearchParams): TrustFilter {
  const scout = query.get('scout')
  return scout === null ? {} : { scout }
}

function shownList(report: TrustReport | null) {
  const mode = report === null ? 'off' : report.isEnforced ? 'enforce' : 'observe'
  return { object: 'list', mode, data: report?.scouts.map(shownTrust) ?? [], more: report?.more ?? 0 }
}

function shownTrust({ sinceMs, untilMs, ...trust }: ScoutTrust) {
  const until = untilMs === null ? null : Math.floor(untilMs / 1_000)
  return { object: 'scout.trust', ...trust, since: Math.floor(sinceMs / 1_000), until }
}

function shownAudits({ asked, settled, money, pending, dropped, ended, booked, braked }: TrustReport) {
  const usd = { spent_usd_24h: money && money.spent / 1e6, usd_24h_max: money && money.perDay / 1e6 }
  return { asked_24h: asked, settled_24h: settled, ...usd, pending, dropped, ended, booked, braked }
}
