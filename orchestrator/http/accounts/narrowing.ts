/**
 * Whether a change of a key allows less than before: what its owner may do alone. Allowing more takes a new key, or an
 * administrator. Pure.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { isAudited, type KeyLimits, type KeyScopes, limitsOf, scopesOf } from '../../../shared/keys/key-terms.ts'
import type { KeyChanges } from '../../engine/keyring.ts'
import type { KeyRow } from '../../engine/ports/account-store.ts'

function refused(param: string): Fault {
  return fault('permission_denied', `\`${param}\` would allow more than now: make another key for that.`, { param })
}

/** Which field would allow more; null when none does. `nowMs`: wall clock. */
export function widening(row: KeyRow, changes: KeyChanges, nowMs: number): Fault | null {
  const { scopes, limits, expiresMs } = { ...row, ...changes }
  if (!isNarrowerScope(scopesOf(scopes), scopesOf(row.scopes))) return refused('scopes')
  if (!isTighterLimit(limitsOf(limits), limitsOf(row.limits))) return refused('limits')
  if (isAbove(expiresMs, row.expiresMs)) return refused('expires')
  return pastEnd(changes, nowMs)
}

/** Why a key cannot end then; null when it can. */
export function pastEnd({ expiresMs }: { expiresMs?: number | null }, nowMs: number): Fault | null {
  if (expiresMs == null || expiresMs > nowMs) return null
  return fault('invalid_request', '`expires` must be in the future: revoke the key instead.', { param: 'expires' })
}

function isNarrowerScope(after: KeyScopes, before: KeyScopes): boolean {
  const isWithin = (list: readonly string[] | null, of: readonly string[] | null, isIn = sameName) =>
    of === null || list?.every((name) => of.some((other) => isIn(name, other))) === true
  return (
    isWithin(after.routes, before.routes) &&
    isWithin(after.models, before.models, isWithinPattern) &&
    isWithin(after.scouts, before.scouts) &&
    // Whoever finds the key must not be able to have its requests shown.
    (isAudited(before) || !isAudited(after))
  )
}

function sameName(name: string, other: string): boolean {
  return name === other
}

/** Whether everything that the first pattern means is meant by the second one. */
function isWithinPattern(pattern: string, other: string): boolean {
  if (!other.endsWith('*')) return pattern === other
  return pattern.replace(/\*$/, '').startsWith(other.slice(0, -1))
}

function isTighterLimit(after: KeyLimits, before: KeyLimits): boolean {
  if (isAbove(after.requestsPerMinute, before.requestsPerMinute)) return false
  if (isAbove(after.tokensPerMinute, before.tokensPerMinute)) return false
  return before.budgets.every(({ unit, per, amount }) =>
    after.budgets.some((budget) => budget.unit === unit && budget.per === per && budget.amount <= amount),
  )
}

/** null is no bound at all. */
function isAbove(after: number | null, before: number | null): boolean {
  return before !== null && (after === null || after > before)
}
