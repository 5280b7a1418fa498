/**
 * Who pays in the simulated world: two keys of one account, one key of its own, all with budgets and rates that are
 * wide enough to refuse nobody, and a key that has limits every other minute. The rows of those whose work is durable
 * are on the hub's disk, where a hub that comes back finds them.
 */
import type { ChargedKey } from '../../orchestrator/engine/ports/charged-key.ts'
import type { MemoryDisk } from '../../orchestrator/store/memory/disk.ts'
import { type KeyLimits, noLimits, noScopes, storedLimits } from '../../shared/keys/key-terms.ts'

const wide: KeyLimits = {
  requestsPerMinute: null,
  tokensPerMinute: 1_000_000_000,
  budgets: [
    { unit: 'tokens', per: 'day', amount: 1_000_000_000_000 },
    { unit: 'micro_dollars', per: 'month', amount: 1_000_000_000_000 },
  ],
}

function payer(id: string, tenant: string, account: string | null, limits: KeyLimits): ChargedKey {
  return { id, tenant, account, scopes: noScopes, limits, accountLimits: account === null ? noLimits : wide }
}

const lasting = {
  t1: [payer('k1', 't1', 't1', wide), payer('k2', 't1', 't1', noLimits)],
  t2: [payer('t2', 't2', null, wide)],
} as const
const k3 = payer('k3', 't3', 't3', wide)
const k3Unlimited: ChargedKey = { ...k3, limits: noLimits, accountLimits: noLimits }
/** How long the key of `t3` keeps its limits, and how long it has none. */
const changesEveryMs = 60_000

/** Everybody whose use is limited, alone or with others. */
export const limitedKeys: readonly ChargedKey[] = [...lasting.t1, ...lasting.t2, k3]

export const tenants = ['t1', 't2', 't3'] as const
export type Tenant = (typeof tenants)[number]

/** The key with which a tenant sends its request of this number at this time of the world. */
export function payerOf(tenant: Tenant, number: number, nowMs: number): ChargedKey {
  if (tenant === 't3') return Math.floor(nowMs / changesEveryMs) % 2 === 0 ? k3Unlimited : k3
  const keys = lasting[tenant]
  return keys[number % keys.length]!
}

export function storePayers({ accounts, keys }: MemoryDisk): void {
  const times = { createdMs: 0, expiresMs: null, revokedMs: null }
  for (const { id, tenant, account, limits, accountLimits } of [...lasting.t1, ...lasting.t2]) {
    if (account !== null) {
      const owner = { id: account, address: null, name: account, role: 'member', state: 'active' } as const
      accounts.set(account, { ...owner, limits: storedLimits(accountLimits), createdMs: 0 })
    }
    const own = { id, role: 'client', name: id, digest: id, weight: 1, tenant, account, generation: 1 } as const
    keys.set(id, { ...own, scopes: null, limits: storedLimits(limits), ...times, last4: null })
  }
}
