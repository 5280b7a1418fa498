/**
 * Points that a client sets aside before it asks, and gets back as far as they were not used. What a task may cost at
 * most follows from its request alone; what it did cost from its receipt. A client pays a fee on top of what its scout
 * earns, so that two who ask each other all day lose by it. Pure: these are the events of both moments.
 */

import { spendingFeeDivisor } from '../../../shared/limits/ledger/ledger.ts'
import { burn, clientOf, reservedOf } from '../accounts/account.ts'
import type { Transfer } from '../accounts/events.ts'
import type { ListPrice } from '../points/rules.ts'
import { pointsOf } from '../points/work.ts'

/** What a client pays for work that is worth so many points: with the fee, rounded up. */
export function chargeOf(worth: number): number {
  return worth + Math.ceil(worth / spendingFeeDivisor)
}

/** What a task may cost at most: all of its prompt, and as long an answer as it allows. */
export function chargeNeeded(price: ListPrice, promptUnits: number, answerUnitsMax: number): number {
  return chargeOf(pointsOf(price, promptUnits, answerUnitsMax))
}

/** Sets so many points aside, which the client has to have. */
export function reserveEvent(tenant: string, hold: string, points: number): Transfer {
  return { type: 'transfer', why: 'reserve', from: clientOf(tenant), to: reservedOf(tenant, hold), points }
}

/** What a task cost by its receipt. */
export interface Cost {
  task: number
  points: number
}

/** The task is over and cost so many of the points that are reserved for it: no more than those; null for nothing. */
export function settleEvents(tenant: string, hold: string, reserved: number, cost: Cost | null): Transfer[] {
  const from = reservedOf(tenant, hold)
  const spent = Math.min(cost?.points ?? 0, reserved)
  const events: Transfer[] = []
  // By the note it is found again where the answer does not hold.
  if (cost !== null && spent > 0)
    events.push({ type: 'transfer', why: 'spend', from, to: burn, points: spent, note: String(cost.task) })
  const rest = reserved - spent
  if (rest > 0) events.push({ type: 'transfer', why: 'refund', from, to: clientOf(tenant), points: rest })
  return events
}
