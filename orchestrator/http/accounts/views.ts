/**
 * Accounts, keys, sessions and audit rows as they are shown. A digest never leaves the store, a key's text is shown
 * once by whoever makes it.
 */
import { type KeyLimits, limitsOf, scopesOf } from '../../../shared/keys/key-terms.ts'
import type { AccountRow, AuditRow, KeyRow } from '../../engine/ports/account-store.ts'
import type { Session } from '../../engine/ports/accounts.ts'
import type { Edge } from '../request-context.ts'

const microDollars = 1_000_000

function shownLimits(stored: string | null) {
  if (stored === null) return null
  const { requestsPerMinute, tokensPerMinute, budgets }: KeyLimits = limitsOf(stored)
  const shown = budgets.map(({ unit, per, amount }) =>
    unit === 'tokens' ? { unit, per, amount } : { unit: 'usd' as const, per, amount: amount / microDollars },
  )
  return { requests_per_minute: requestsPerMinute, tokens_per_minute: tokensPerMinute, budgets: shown }
}

export function shownAccount({ id, address, name, role, state, limits, createdMs }: AccountRow) {
  const who = { id, object: 'account', address, name, role, state }
  return { ...who, limits: shownLimits(limits), created: seconds(createdMs) }
}

export function shownKey(row: KeyRow, { streamsOf, scoutsOf }: Pick<Edge, 'streamsOf' | 'scoutsOf'>) {
  const { id, role, name, weight, tenant, account, generation, last4 } = row
  return {
    ...{ id, object: 'key', role, name, weight, tenant, account, generation, last4 },
    scopes: row.scopes && scopesOf(row.scopes),
    limits: shownLimits(row.limits),
    created: seconds(row.createdMs),
    expires: row.expiresMs && seconds(row.expiresMs),
    revoked: row.revokedMs && seconds(row.revokedMs),
    open: { scouts: scoutsOf(id), streams: streamsOf(id) },
  }
}

export function shownSession(session: Session) {
  const { createdMs, expiresMs } = session
  return { object: 'session', ...shownRights(session), created: seconds(createdMs), expires: seconds(expiresMs) }
}

/** What somebody who is signed in is and may. */
export function shownRights({ holder, account, key, mints, mintsUntilMs }: Session) {
  const who = { account: account && shownAccount(account), key, role: holder.role, tenant: holder.tenant }
  return { ...who, mints, mints_until: mintsUntilMs && seconds(mintsUntilMs) }
}

export function shownAudit({ seq, atMs, actor, address, action, subject, before, after }: AuditRow) {
  const what = { action, subject, before: before && JSON.parse(before), after: after && JSON.parse(after) }
  return { object: 'audit', seq, at: seconds(atMs), actor, address, ...what }
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000)
}
