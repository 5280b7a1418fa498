/**
 * What is shown of the keys of a list beside their terms: whose each is, what is left of its own budgets, and the day
 * on which it was last used. One question to the store for each tenant and account, however many keys the list has of
 * it.
 */
import { limitsOf, noLimits } from '../../../shared/keys/key-terms.ts'
import { lastUseDays } from '../../../shared/limits/store.ts'
import type { KeyRow } from '../../engine/ports/account-store.ts'
import { dayMs, dayOf } from '../../tenants/periods.ts'
import type { Edge } from '../request-context.ts'

type Uses = Pick<Edge, 'engine' | 'system'>

export function useOf({ engine, system }: Uses, rows: readonly KeyRow[]) {
  const now = { wallMs: system.wallMs(), nowMs: system.nowMs() }
  const fromDay = dayOf(now.wallMs) - lastUseDays + 1
  const lastDays = new Map<string, number>()
  for (const tenant of new Set(rows.map((row) => row.tenant))) {
    for (const { key, day } of engine.lastUses(tenant, fromDay)) lastDays.set(key, day)
  }
  return ({ id, tenant, limits: stored }: KeyRow) => {
    const limits = limitsOf(stored)
    const own = { id, tenant, account: null, limits, accountLimits: noLimits }
    const standings = limits.budgets.length === 0 ? [] : engine.tenants.budgets(own, now)
    const left = standings.map(({ of: _, resetsAtMs, ...standing }) => {
      return { ...standing, resets_at: new Date(resetsAtMs).toISOString() }
    })
    const day = lastDays.get(id)
    return { left, last_used: day === undefined ? null : new Date(day * dayMs).toISOString().slice(0, 10) }
  }
}

/** Whose a key is: the account's id, name and address; null where it is nobody's. */
export function ownersOf({ accounts }: Pick<Edge, 'accounts'>, rows: readonly KeyRow[]) {
  const owners = new Map<string, { id: string; name: string; address: string | null } | null>()
  for (const { account } of rows) {
    if (account === null || owners.has(account)) continue
    const row = accounts.account(account)
    owners.set(account, row === undefined ? null : { id: row.id, name: row.name, address: row.address })
  }
  return ({ account }: KeyRow) => ({ owner: account === null ? null : (owners.get(account) ?? null) })
}
