/** Budgets that several hubs use: nobody asks anybody, and together they stay within them. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Fault } from '../../shared/faults.ts'
import { noLimits } from '../../shared/keys/key-terms.ts'
import '../support/law/seeded-properties.ts'
import { dayMs } from '../../orchestrator/tenants/periods.ts'
import { type LimitedKey, type Reservation, Tenants } from '../../orchestrator/tenants/tenants.ts'

const saturday = Date.parse('2026-11-28T12:00:00Z')
const now = { wallMs: saturday, nowMs: 0 }
const budget = 9_000
const key: LimitedKey = {
  ...{ id: 'k', tenant: 'k', account: null, accountLimits: noLimits },
  limits: { ...noLimits, budgets: [{ per: 'day', unit: 'tokens', amount: budget }] },
}
const amount = (tokens: number) => ({ tokens, microDollars: 0 })

/** Hubs without clocks and logs: the test says when one tells and when another reads. */
class Hubs {
  readonly all: Tenants[]
  /** Words in the order in which they were told. */
  private readonly words: { hub: number; sums: ReturnType<Tenants['untold']>[number]['sums'] }[] = []
  private readonly read: number[]
  used = 0

  constructor(count: number) {
    this.all = Array.from({ length: count }, () => new Tenants({ ofKey: () => [], ofAccount: () => [] }))
    for (const tenants of this.all) tenants.joinNetwork(() => count)
    this.read = this.all.map(() => 0)
  }

  /** It reads all words, and tells its own. */
  exchange(hub: number, wallMs = saturday): void {
    for (const { hub: of, sums } of this.words.slice(this.read[hub])) {
      if (of !== hub) this.all[hub]!.usedInNetwork(String(of), 'k', sums)
    }
    this.read[hub] = this.words.length
    for (const { id, sums } of this.all[hub]!.untold(wallMs, 64)) {
      this.words.push({ hub, sums })
      this.all[hub]!.usedInNetwork(null, id, sums)
    }
  }

  /** One task of so many tokens; what stops it otherwise. */
  use(hub: number, tokens: number): Fault | null {
    const made = this.all[hub]!.reserve(key, amount(tokens), now)
    if (made === null || 'code' in made) return made
    this.all[hub]!.settle('k', null, made as Reservation, amount(tokens), saturday)
    this.used += tokens
    return null
  }
}

describe('a budget that several hubs use', () => {
  test('is spent once, however its requests are spread', () => {
    const hubs = new Hubs(3)
    for (let round = 0; round < 200; round++) {
      hubs.use(round % 3, 300)
      for (const hub of [round % 3, 0, 1, 2]) hubs.exchange(hub)
    }
    expect(hubs.used).toBe(budget)
    expect(hubs.use(0, 300)).toMatchObject({ code: 'budget_exceeded' })
    expect(hubs.all[1]!.budgets(key, now)).toMatchObject([{ used: budget, limit: budget }])
  })

  test('lets a hub that hears from nobody use its share of what was left, and no more', () => {
    const hubs = new Hubs(3)
    for (let round = 0; round < 100; round++) hubs.use(0, 300)
    expect(hubs.used).toBe(budget / 3)
    expect(hubs.use(0, 300)).toMatchObject({ code: 'rate_limited', message: expect.stringContaining('several hubs') })
    hubs.exchange(0)
    for (let round = 0; round < 100; round++) hubs.use(0, 300)
    // A third of the other two thirds, in whole tasks.
    expect(hubs.used).toBe(budget / 3 + 1_800)
  })

  test('has room for one large task at a time', () => {
    const hubs = new Hubs(3)
    expect(hubs.use(0, 8_000)).toBeNull()
    expect(hubs.use(0, 100)).toMatchObject({ code: 'rate_limited' })
    hubs.exchange(0)
    hubs.exchange(1)
    expect(hubs.use(1, 1_000)).toBeNull()
    expect(hubs.used).toBe(budget)
  })

  test('begins anew with its period', () => {
    const hubs = new Hubs(2)
    hubs.use(0, budget)
    hubs.exchange(0)
    hubs.exchange(1)
    expect(hubs.use(1, 1)).toMatchObject({ code: 'budget_exceeded' })
    const tomorrow = { wallMs: saturday + dayMs, nowMs: dayMs }
    expect(hubs.all[1]!.reserve(key, amount(budget), tomorrow)).toMatchObject({ tokens: budget })
  })

  test('is passed by at most one share of each other hub, whoever is cut off for how long', () => {
    const step = fc.record({ hub: fc.nat(2), tokens: fc.integer({ min: 1, max: 400 }), exchanges: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const hubs = new Hubs(3)
        for (const { hub, tokens, exchanges } of steps) {
          hubs.use(hub, tokens)
          if (exchanges) hubs.exchange(hub)
        }
        expect(hubs.used).toBeLessThanOrEqual(budget + 2 * (budget / 3))
      }),
    )
  })

  test('an old word that is said again changes nothing', () => {
    const hubs = new Hubs(2)
    hubs.use(0, 4_000)
    const { sums } = hubs.all[0]!.untold(saturday, 1)[0]!
    hubs.exchange(0)
    hubs.use(0, 2_000)
    hubs.exchange(0)
    hubs.exchange(1)
    hubs.all[1]!.usedInNetwork('0', 'k', sums)
    expect(hubs.all[1]!.budgets(key, now)).toMatchObject([{ used: 6_000 }])
  })
})
