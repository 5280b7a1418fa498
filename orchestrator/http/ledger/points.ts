/**
 * Points to spend, where a hub has its clients spend them: what the caller has, and how what its scouts earned becomes
 * that, for itself or for the owner of another key.
 */
import { z } from 'zod'
import { type Fault, fault } from '../../../shared/faults.ts'
import { depositPointsMax } from '../../../shared/limits/ledger/ledger.ts'
import type { LedgerReport } from '../../engine/ports/ledger/ledger.ts'
import type { RequestContext } from '../request-context.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { readSmall } from '../schema/body.ts'
import { pointsOf } from './ledger-of.ts'

const notSpent = fault('not_found', 'Requests cost no points at this orchestrator: its operator can set POINTS=spend.')
const noSuchKey = fault('not_found', 'There is no such key.', { param: 'to' })

export const depositRequest = z.strictObject({
  points: z.int().min(1).max(depositPointsMax),
  /** The id of a key. */
  to: z.string().max(100).optional(),
})

export function getPoints(context: RequestContext): Response {
  const ledger = pointsOf(context)
  return 'code' in ledger ? refuse(context.id, ledger) : shown(context, ledger)
}

export async function depositPoints(context: RequestContext): Promise<Response> {
  const { id, caller, edge } = context
  const ledger = pointsOf(context)
  if ('code' in ledger) return refuse(id, ledger)
  if (ledger.spendable(caller!.tenant) === null) return refuse(id, notSpent)
  const body = await readSmall(context, depositRequest)
  if ('code' in body) return refuse(id, body)
  const { points, to } = body.value as z.infer<typeof depositRequest>
  const client = to === undefined ? caller!.tenant : edge.keys.row(to)?.tenant
  const trouble: Fault | null = client === undefined ? noSuchKey : await ledger.deposit(caller!.tenant, client, points)
  return trouble === null ? shown(context, ledger) : refuse(id, trouble)
}

function shown({ id, caller }: RequestContext, ledger: LedgerReport): Response {
  const spendable = ledger.spendable(caller!.tenant)
  return spendable === null
    ? refuse(id, notSpent)
    : jsonResponse(id, JSON.stringify({ object: 'points', ...spendable }))
}
