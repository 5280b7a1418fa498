/**
 * The last word about disputes, for administrators: those that were appealed, one of them with its texts, and what is
 * decided about it. Whoever reads texts of others, or decides, leaves a row in the audit log.
 */
import { z } from 'zod'
import { rulingWhyCharsMax } from '../../../shared/limits/trust/disputes.ts'
import { rulingVerdicts } from '../../../shared/scouts/dispute-words.ts'
import type { RulingAsked } from '../../engine/ports/trust/disputes.ts'
import type { RequestContext } from '../request-context.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { readSmall } from '../schema/body.ts'
import { expects, textUpTo } from '../schema/validation.ts'
import { disputesOf, shown, unknownDispute } from './disputes.ts'

export const rulingRequest = z.strictObject({
  verdict: z
    .enum(rulingVerdicts, expects(`must be ${rulingVerdicts.join(' or ')}`))
    .describe('Upheld: the answer does not hold.'),
  why: textUpTo(rulingWhyCharsMax).describe('Both sides read it.'),
})

export function listAppealed(context: RequestContext): Response {
  const { id } = context
  const disputes = disputesOf(context)
  if ('code' in disputes) return refuse(id, disputes)
  context.noteLook('disputes', null)
  return jsonResponse(id, JSON.stringify({ object: 'list', data: disputes.appealed().map(shown) }))
}

export function getForAdmins(context: RequestContext): Response {
  const { id, params } = context
  const disputes = disputesOf(context)
  if ('code' in disputes) return refuse(id, disputes)
  const found = disputes.forAdmins(params.id)
  if (found === undefined) return refuse(id, unknownDispute)
  const { tenant, view, texts } = found
  context.noteLook(view.id, tenant)
  return jsonResponse(id, JSON.stringify({ ...shown(view), texts }))
}

export async function ruleDispute(context: RequestContext): Promise<Response> {
  const { id, params, edge, actor } = context
  const disputes = disputesOf(context)
  if ('code' in disputes) return refuse(id, disputes)
  const body = await readSmall(context, rulingRequest)
  if ('code' in body) return refuse(id, body)
  const ruling = body.value as unknown as RulingAsked
  const view = await disputes.rule(params.id, ruling, actor)
  if ('code' in view) return refuse(id, view)
  edge.log.info({ dispute: view.id, verdict: ruling.verdict, by: actor.id }, 'dispute decided')
  return jsonResponse(id, JSON.stringify(shown(view)))
}
