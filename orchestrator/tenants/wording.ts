/**
 * What a key hears that a limit stops: one sentence that names the limit, whose it is, and when it is over. Pure.
 */
import { type Fault, fault } from '../../shared/faults.ts'
import type { Budget } from '../../shared/keys/key-terms.ts'
import { dayMs, nextFirstDay, type Period } from './periods.ts'

/** Whose limit it is. */
export type Owner = 'key' | 'account'

/** What a rate counts. */
export type RateUnit = 'requests' | 'tokens'

const currents: Record<Period, string> = { day: 'today', week: 'this week', month: 'this month' }

/** `day`: the number of the current day. `nowMs`: the time of day decides how long to wait. */
export function budgetFault(owner: Owner, { per, unit, amount }: Budget, day: number, nowMs: number): Fault {
  const resetMs = nextFirstDay(per, day) * dayMs
  const resets = per === 'day' ? 'at 00:00 UTC' : `on ${dateOf(resetMs)} at 00:00 UTC`
  const text = `This ${owner} has used its ${shownAmount(amount, unit)} for ${currents[per]}; it resets ${resets}.`
  return fault('budget_exceeded', text, { retryAfterMs: Math.max(1, resetMs - nowMs) })
}

/** Of a budget that other hubs use as well. */
export function shareFault(owner: Owner): Fault {
  const text = `The rest of this ${owner}'s budget is for several hubs, and the part of this one is in use: wait 1 s.`
  return fault('rate_limited', text, { retryAfterMs: 1_000 })
}

export function rateFault(owner: Owner, unit: RateUnit, limit: number, waitMs: number): Fault {
  const seconds = Math.max(1, Math.ceil(waitMs / 1_000))
  const shown = limit === 1 ? `1 ${unit.slice(0, -1)}` : `${grouped(limit)} ${unit}`
  const text = `This ${owner} may use ${shown} a minute: wait ${seconds} s.`
  return fault('rate_limited', text, { retryAfterMs: Math.max(1, waitMs) })
}

/** `$5`, `$0.25`, `1,000,000 tokens`. */
export function shownAmount(amount: number, unit: Budget['unit']): string {
  if (unit === 'tokens') return `${grouped(amount)} ${amount === 1 ? 'token' : 'tokens'}`
  const cents = amount % microsPerCent === 0
  const dollars = amount / microsPerDollar
  if (Number.isInteger(dollars)) return `$${grouped(dollars)}`
  const whole = Math.floor(dollars)
  const rest = String(amount - whole * microsPerDollar).padStart(6, '0')
  return `$${grouped(whole)}.${cents ? rest.slice(0, 2) : rest.replace(/0+$/, '')}`
}

const microsPerDollar = 1_000_000
const microsPerCent = 10_000

/** With a comma between thousands. */
function grouped(amount: number): string {
  return String(amount).replace(/\B(?=(\d{3})+$)/g, ',')
}

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

/** As in `Monday, 2026-11-30`. */
function dateOf(atMs: number): string {
  const date = new Date(atMs)
  return `${days[date.getUTCDay()]}, ${date.toISOString().slice(0, 10)}`
}
