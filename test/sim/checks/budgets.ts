/**
 * What keys use, once everything has ended.
 *
 * 31. Nothing stays reserved of a budget, whatever ended its tasks: an answer, a failure, a cancel, or a crash.
 * 57. The same of points that clients spend.
 * 32. What a hub counts of a key is what is booked of it, and keys, accounts and models have the same sums.
 */
import type { HubEngine } from '../../../orchestrator/engine/engine.ts'
import type { UsagePoint } from '../../../orchestrator/engine/ports/usage.ts'
import type { MemoryDisk } from '../../../orchestrator/store/memory/disk.ts'
import { limitedKeys } from '../payers.ts'

type Fail = (invariant: number, what: string) => void

interface Sum {
  tokens: number
  microDollars: number
}

export function checkReserved({ tenants, ledger }: HubEngine, fail: Fail): void {
  if (!tenants.isIdle) fail(31, 'something is still reserved, and nothing is under way')
  const { held = 0 } = ledger ?? {}
  if (held !== 0) fail(57, `${held} points are still set aside, and nothing is under way`)
}

export function checkCounted({ tenants, journal }: HubEngine, disk: MemoryDisk, wallMs: number, fail: Fail): void {
  // What the store refused for too long is counted there, and missing here.
  if (journal.dropped > 0) return
  for (const key of limitedKeys) {
    const ofKey = booked(disk, (point) => point.tenant === key.tenant && point.key === key.id)
    const ofTenant = booked(disk, (point) => point.tenant === key.tenant)
    for (const { of, unit, used } of tenants.budgets(key, { wallMs, nowMs: 0 })) {
      const sum = of === 'key' ? ofKey : ofTenant
      const expected = unit === 'tokens' ? sum.tokens : sum.microDollars
      if (used !== expected) fail(32, `${of} of ${key.id} has used ${used} ${unit}, and ${expected} are booked`)
    }
    const byModel = [...disk.usageSums.values()].filter(({ tenant }) => tenant === key.tenant)
    const ofModels = byModel.reduce((sum, one) => sum + one.promptTokens + one.completionTokens, 0)
    if (ofModels !== ofTenant.tokens) fail(32, `${key.tenant} used ${ofTenant.tokens} tokens, its models ${ofModels}`)
  }
}

function booked({ usageDays }: MemoryDisk, isMeant: (point: UsagePoint) => boolean): Sum {
  const sum: Sum = { tokens: 0, microDollars: 0 }
  for (const point of usageDays.values()) {
    if (!isMeant(point)) continue
    sum.tokens += point.promptTokens + point.completionTokens
    sum.microDollars += point.microDollars
  }
  return sum
}
