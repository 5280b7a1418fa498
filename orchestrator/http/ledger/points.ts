/**
 * Points to spend, where a hub has its clients spend them: what the caller has, what changed that, and how what its
 * scouts earned becomes that, for itself or for the owner of another key.
 */
import { z } from 'zod'
import { type Fault, fault } from '../../../shared/faults.ts'
import {
  depositPointsMax,
  movementBatchesMax,
  movementBatchesPerTurn,
  movementRowsMax,
} from '../../../shared/limits/ledger/ledger.ts'
import type { LedgerReport } from '../../engine/ports/ledger/ledger.ts'
import { Movements } from '../../ledger/spending/movements.ts'
import { dayMs } from '../../tenants/periods.ts'
import type { RequestContext } from '../request-context.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { readSmall } from '../schema/body.ts'
import { numberAsked, pointsOf } from './ledger-of.ts'

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

/** Newest first. What the chain has of the last second is not in it yet. */
export async function listMovements(context: RequestContext): Promise<Response> {
  const { id, caller, query, edge } = context
  const ledger = pointsOf(context)
  if ('code' in ledger) return refuse(id, ledger)
  if (ledger.spendable(caller!.tenant) === null) return refuse(id, notSpent)
  const end = ledger.lastSeq() + 1
  const before = numberAsked(query, 'before', end)
  if (typeof before !== 'number') return refuse(id, before)
  const movements = new Movements(caller!.tenant)
  // Batch numbers begin with 1.
  let upTo = Math.min(before, end)
  const last = Math.max(1, upTo - movementBatchesMax)
  while (upTo > last && movements.size < movementRowsMax) {
    const from = Math.max(last, upTo - movementBatchesPerTurn)
    for (const batch of ledger.batchesAfter(from - 1, upTo - from)) movements.add(batch)
    upTo = from
    await edge.lane.turn()
  }
  const data = movements.rows().map(({ day, kind, points, count }) => {
    return { day: new Date(day * dayMs).toISOString().slice(0, 10), kind, points, count }
  })
  return jsonResponse(id, JSON.stringify({ object: 'list', data, next: upTo > 1 ? upTo : null }))
}

function shown({ id, caller }: RequestContext, ledger: LedgerReport): Response {
  const spendable = ledger.spendable(caller!.tenant)
  return spendable === null
    ? refuse(id, notSpent)
    : jsonResponse(id, JSON.stringify({ object: 'points', ...spendable }))
}
