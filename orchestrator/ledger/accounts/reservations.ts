/**
 * Points that a client sets aside before it asks, and gets back as far as they were not used. What a task may cost at
 * most follows from its request alone; what it did cost from its receipt. Pure: these are the events of both moments.
 */

import type { ListPrice } from '../points/rules.ts'
import { pointsOf } from '../points/work.ts'
import { burn, clientOf, reservedOf } from './account.ts'
import type { Balances } from './balances.ts'
import type { Transfer } from './events.ts'

/** What a task may cost at most: all of its prompt, and as long an answer as it allows. */
export function reserveNeeded(price: ListPrice, promptUnits: number, answerUnitsMax: number): number {
  return pointsOf(price, promptUnits, answerUnitsMax)
}

/** Sets so many points aside for a task; null when the client has fewer. */
export function reserve(balances: Balances, tenant: string, task: number, points: number): Transfer | null {
  const from = clientOf(tenant)
  if (balances.of(from) < points) return null
  return { type: 'transfer', why: 'reserve', from, to: reservedOf(task), points }
}

/** The task is over and cost so many points; one that failed, or earned nothing, costs none. */
export function settle(balances: Balances, tenant: string, task: number, cost: number): Transfer[] {
  const from = reservedOf(task)
  const reserved = balances.of(from)
  const spent = Math.min(cost, reserved)
  const events: Transfer[] = []
  if (spent > 0) events.push({ type: 'transfer', why: 'spend', from, to: burn, points: spent })
  const rest = reserved - spent
  if (rest > 0) events.push({ type: 'transfer', why: 'refund', from, to: clientOf(tenant), points: rest })
  return events
}
