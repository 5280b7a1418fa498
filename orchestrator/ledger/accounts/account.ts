/**
 * The accounts of the ledger by their names. Points come from `mint`, whose balance is what was ever made, below zero;
 * they wait in escrow by day, scout and model, belong to an operator and a season once they are earned, are set aside
 * while something is disputed, and end in `burn`. Clients hold points of their own where a hub lets them spend.
 * A name is parts with tabs between, which no scout, model or tenant can have in its own name. Pure.
 */

export const mint = 'mint'
export const burn = 'burn'

export const accountKinds = ['mint', 'escrow', 'earned', 'held', 'burn', 'client', 'reserved', 'pledged'] as const
export type AccountKind = (typeof accountKinds)[number]

const separator = '\t'

/** `day`: its number since 1970, of UTC. */
export function escrowOf(day: number, scout: string, model: string): string {
  return `escrow\t${day}\t${scout}\t${model}`
}

/** `season`: as `2026-05`. */
export function earnedOf(season: string, operator: string): string {
  return `earned\t${season}\t${operator}`
}

/** Of one task in one dispute. */
export function heldOf(id: string, task: number): string {
  return `held\t${task}\t${id}`
}

/** What was taken back of one task: it says for ever that nothing is to be taken again. */
export function takenOf(task: number): string {
  return `burn\t${task}`
}

export function clientOf(tenant: string): string {
  return `client\t${tenant}`
}

/** What is set aside of a client's points for one task; `hold` is unique in its hub. */
export function reservedOf(tenant: string, hold: string): string {
  return `reserved\t${tenant}\t${hold}`
}

/** Whose points are set aside, and for which hold; null for another account. */
export function reservedIn(account: string): { tenant: string; hold: string } | null {
  const [kind, tenant, hold] = account.split(separator)
  return kind === 'reserved' && tenant !== undefined && hold !== undefined ? { tenant, hold } : null
}

/** What a side of a dispute puts at stake, for the first hearing or the second one. */
export interface Pledge {
  tenant: string
  task: number
  dispute: string
  hearing: 1 | 2
}

export function pledgedOf({ tenant, task, dispute, hearing }: Pledge): string {
  return `pledged\t${tenant}\t${task}\t${dispute}\t${hearing}`
}

/** Null for another account. */
export function pledgeIn(account: string): Pledge | null {
  const [kind, tenant, task, dispute, hearing] = account.split(separator)
  if (kind !== 'pledged' || tenant === undefined || dispute === undefined) return null
  return { tenant, task: Number(task), dispute, hearing: hearing === '2' ? 2 : 1 }
}

export function kindOf(account: string): AccountKind {
  const end = account.indexOf(separator)
  return (end < 0 ? account : account.slice(0, end)) as AccountKind
}

export interface Escrow {
  day: number
  scout: string
  model: string
}

/** What an escrow account stands for; null for another account. */
export function escrowIn(account: string): Escrow | null {
  const [kind, day, scout, model] = account.split(separator)
  if (kind !== 'escrow' || scout === undefined || model === undefined) return null
  return { day: Number(day), scout, model }
}

/** The season and operator of an account of what is earned; null for another one. */
export function earnedIn(account: string): { season: string; operator: string } | null {
  const [kind, season, operator] = account.split(separator)
  return kind === 'earned' && season !== undefined && operator !== undefined ? { season, operator } : null
}
