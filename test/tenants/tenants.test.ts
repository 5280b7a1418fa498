import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Fault } from '../../shared/faults.ts'
import { type Budget, budgetPeriods, budgetUnits, type KeyLimits, noLimits } from '../../shared/keys/key-terms.ts'
import { limitedOwnersMax, priceMax } from '../../shared/limits/keys.ts'
import '../support/law/seeded-properties.ts'
import { dayMs } from '../../orchestrator/tenants/periods.ts'
import { type Amount, believedPrice, chargedPrice, costAt, reserveFor } from '../../orchestrator/tenants/price.ts'
import { type LimitedKey, type Reservation, Tenants } from '../../orchestrator/tenants/tenants.ts'

const saturday = Date.parse('2026-11-28T12:00:00Z')
const at = (ms = 0) => ({ wallMs: saturday + ms, nowMs: ms })
const nobody = { ofKey: () => [], ofAccount: () => [] }
const budget = (per: Budget['per'], amount: number, unit: Budget['unit'] = 'tokens'): Budget => ({ per, unit, amount })
const within = (...budgets: Budget[]): KeyLimits => ({ ...noLimits, budgets })
const perDay = (amount: number) => within(budget('day', amount))
const keyOf = (id: string, limits: KeyLimits, accountLimits: KeyLimits | null = null): LimitedKey => {
  return { id, tenant: id, limits, account: accountLimits && 'a', accountLimits: accountLimits ?? noLimits }
}
const tokens = (amount: number): Amount => ({ tokens: amount, microDollars: 0 })

function held(made: Reservation | Fault | null): Reservation {
  if (made === null || 'code' in made) throw new Error('nothing was reserved')
  return made
}

describe('budgets', () => {
  test('admit ten of two hundred at once when there is room for ten', () => {
    const tenants = new Tenants(nobody)
    const key = keyOf('k', perDay(1_000))
    const made = Array.from({ length: 200 }, () => tenants.reserve(key, tokens(100), at()))
    const admitted = made.filter((one): one is Reservation => one !== null && !('code' in one))
    expect(admitted).toHaveLength(10)
    expect(made[10]).toMatchObject({ code: 'budget_exceeded', message: expect.stringContaining('1,000 tokens') })
    for (const one of admitted) tenants.settle('k', null, one, tokens(0), saturday)
    expect(tenants.isIdle).toBe(true)
    expect(tenants.reserve(key, tokens(1_000), at())).toMatchObject({ tokens: 1_000 })
  })

  test('count what was used in place of what was reserved', () => {
    const tenants = new Tenants(nobody)
    const key = keyOf('k', perDay(100))
    tenants.settle('k', null, held(tenants.reserve(key, tokens(90), at())), tokens(20), saturday)
    expect(tenants.budgets(key, at())).toEqual([
      { of: 'key', per: 'day', unit: 'tokens', limit: 100, used: 20, reserved: 0, resetsAtMs: saturday + dayMs / 2 },
    ])
    held(tenants.reserve(key, tokens(80), at()))
    expect(tenants.reserve(key, tokens(1), at())).toMatchObject({ code: 'budget_exceeded' })
  })

  test('of key and account the tighter one decides, and is named', () => {
    const tenants = new Tenants(nobody)
    const wide = keyOf('wide', perDay(1_000), perDay(100))
    const narrow = keyOf('narrow', perDay(10), perDay(100))
    expect(tenants.reserve(narrow, tokens(11), at())).toMatchObject({ message: expect.stringMatching(/^This key /) })
    held(tenants.reserve(narrow, tokens(10), at()))
    held(tenants.reserve(wide, tokens(90), at()))
    expect(tenants.reserve(wide, tokens(1), at())).toMatchObject({ message: expect.stringMatching(/^This account /) })
  })

  test('of several the one that resets last is named', () => {
    const key = keyOf('k', within(budget('month', 1), budget('day', 1), budget('week', 1)))
    // The month ends with Monday, the week with Sunday.
    expect(new Tenants(nobody).reserve(key, tokens(2), at())).toMatchObject({
      message: expect.stringContaining('this month; it resets on Tuesday, 2026-12-01'),
    })
  })

  test('begin anew with their period, and a clock that is set back does not reopen them', () => {
    const tenants = new Tenants(nobody)
    const key = keyOf('k', within(budget('day', 10), budget('month', 15)))
    tenants.settle('k', null, held(tenants.reserve(key, tokens(10), at())), tokens(10), saturday)
    expect(tenants.reserve(key, tokens(1), at())).toMatchObject({ message: expect.stringContaining('today') })
    const sunday = at(dayMs)
    tenants.settle('k', null, held(tenants.reserve(key, tokens(5), sunday)), tokens(5), sunday.wallMs)
    expect(tenants.reserve(key, tokens(1), at(dayMs))).toMatchObject({ message: expect.stringContaining('this month') })
    expect(tenants.reserve(key, tokens(1), at())).toMatchObject({ code: 'budget_exceeded' })
  })

  test('know what was booked before', () => {
    const day = Math.floor(saturday / dayMs)
    const booked = [0, 5, 20].map((ago) => ({ day: day - ago, tokens: 10, microDollars: 7 }))
    const asked: unknown[] = []
    const tenants = new Tenants({
      ofKey: ({ id }, since) => {
        asked.push([id, since])
        return booked
      },
      ofAccount: () => [],
    })
    const all = budgetPeriods.flatMap((per) => budgetUnits.map((unit) => budget(per, 100, unit)))
    const key = keyOf('k', within(...all))
    const used = () => tenants.budgets(key, at()).map(({ per, unit, used }) => `${per} ${unit} ${used}`)
    expect(used()).toEqual([
      ...['day tokens 10', 'day micro_dollars 7', 'week tokens 20', 'week micro_dollars 14'],
      ...['month tokens 30', 'month micro_dollars 21'],
    ])
    used()
    // Once, from the first day of the month on.
    expect(asked).toEqual([['k', Date.parse('2026-11-01T00:00:00Z') / dayMs]])
  })

  test('what a key without limits uses counts once it gets some', () => {
    const tenants = new Tenants(nobody)
    expect(tenants.reserve(keyOf('k', noLimits), tokens(5), at())).toBeNull()
    const key = keyOf('k', perDay(100))
    expect(tenants.budgets(key, at())[0]!.used).toBe(0)
    tenants.settle('k', null, null, tokens(5), saturday)
    expect(tenants.budgets(key, at())[0]).toMatchObject({ used: 5, reserved: 0 })
  })

  test('a reservation is settled once', () => {
    const tenants = new Tenants(nobody)
    const made = held(tenants.reserve(keyOf('k', perDay(9)), tokens(5), at()))
    tenants.settle('k', null, made, tokens(5), saturday)
    expect(() => tenants.settle('k', null, made, tokens(5), saturday)).toThrow('settled twice')
  })

  test('forget who asked longest ago, but nobody with a task under way', () => {
    let reads = 0
    const ofKey = () => {
      reads++
      return []
    }
    const tenants = new Tenants({ ofKey, ofAccount: () => [] })
    const key = (number: number) => keyOf(`k${number}`, perDay(10))
    const made = held(tenants.reserve(key(0), tokens(1), at()))
    for (let next = 1; next <= limitedOwnersMax; next++) tenants.budgets(key(next), at())
    reads = 0
    tenants.budgets(key(1), at())
    expect(reads).toBe(1)
    tenants.settle('k0', null, made, tokens(1), saturday)
    expect(tenants.budgets(key(0), at())[0]).toMatchObject({ used: 1, reserved: 0 })
    expect(reads).toBe(1)
  })

  test('forget nobody who asks again and again, however many others come, and no more are known than may be', () => {
    const read: string[] = []
    const ofKey = ({ id }: LimitedKey) => {
      read.push(id)
      return []
    }
    const tenants = new Tenants({ ofKey, ofAccount: () => [] })
    const key = (number: number) => keyOf(`k${number}`, perDay(10))
    for (let next = 0; next < 2 * limitedOwnersMax; next++) {
      tenants.budgets(key(next), at())
      tenants.budgets(key(0), at())
    }
    expect(read.filter((id) => id === 'k0')).toHaveLength(1)
    read.length = 0
    for (let next = 2 * limitedOwnersMax; next-- > limitedOwnersMax + 100; ) tenants.budgets(key(next), at())
    expect(read).toEqual([])
    tenants.budgets(key(1), at())
    expect(read).toEqual(['k1'])
  })

  test('conserve whatever happens: nothing stays reserved, and keys add up to their account', () => {
    const step = fc.record({
      key: fc.integer({ min: 0, max: 2 }),
      ask: fc.integer({ min: 0, max: 60 }),
      /** Of what was asked; above one for an answer without a limit. */
      share: fc.constantFrom(0, 0.5, 1, 3),
      /** Which of the tasks under way ends. */
      end: fc.integer({ min: 0, max: 9 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const tenants = new Tenants(nobody)
        const own = [noLimits, perDay(100), perDay(300)]
        const keys = own.map((limits, index) => keyOf(`k${index}`, limits, perDay(500)))
        const under: { key: LimitedKey; made: Reservation; used: number }[] = []
        const usedBy = new Map<string, number>()
        const settle = (index: number) => {
          const [one] = under.splice(index, 1)
          if (one === undefined) return
          tenants.settle(one.key.id, 'a', one.made, tokens(one.used), saturday)
          usedBy.set(one.key.id, (usedBy.get(one.key.id) ?? 0) + one.used)
        }
        for (const { key, ask, share, end } of steps) {
          const made = tenants.reserve(keys[key]!, tokens(ask), at())
          if (made !== null && !('code' in made)) under.push({ key: keys[key]!, made, used: Math.floor(ask * share) })
          const { used, reserved } = tenants.budgets(keys[0]!, at())[0]!
          expect(reserved).toBe(under.reduce((sum, one) => sum + one.made.tokens, 0))
          expect(used).toBe([...usedBy.values()].reduce((sum, one) => sum + one, 0))
          settle(end)
        }
        while (under.length > 0) settle(0)
        expect(tenants.isIdle).toBe(true)
        for (const key of keys.slice(1)) {
          expect(tenants.budgets(key, at())[0]!.used).toBe(usedBy.get(key.id) ?? 0)
        }
      }),
    )
  })
})

describe('rates', () => {
  test('let a minute of requests through at once, then one after the other', () => {
    const tenants = new Tenants(nobody)
    const key = keyOf('k', { ...noLimits, requestsPerMinute: 3 })
    const begun = (ms: number) => tenants.begin(key, at(ms))
    expect([begun(0), begun(0), begun(0)]).toEqual([null, null, null])
    expect(begun(0)).toMatchObject({ code: 'rate_limited', retryAfterMs: 20_000 })
    expect(begun(19_999)).not.toBeNull()
    expect(begun(20_000)).toBeNull()
    expect(tenants.rates(key, at(20_000))).toEqual([
      { of: 'key', unit: 'requests', limit: 3, remaining: 0, resetsInMs: 60_000 },
    ])
  })

  test('of tokens count what was used in the end, and take what is larger than a minute when they are full', () => {
    const tenants = new Tenants(nobody)
    const key = keyOf('k', { ...noLimits, tokensPerMinute: 600 })
    const first = held(tenants.reserve(key, tokens(1_200), at()))
    expect(tenants.reserve(key, tokens(1), at())).toMatchObject({ code: 'rate_limited', retryAfterMs: 60_100 })
    tenants.settle('k', null, first, tokens(100), saturday)
    expect(tenants.rates(key, at())).toMatchObject([{ unit: 'tokens', limit: 600, remaining: 500 }])
  })

  test('of two the one that makes wait longer is named', () => {
    const tenants = new Tenants(nobody)
    const key = keyOf('k', { ...noLimits, requestsPerMinute: 2 }, { ...noLimits, requestsPerMinute: 1 })
    expect(tenants.begin(key, at())).toBeNull()
    expect(tenants.begin(key, at())).toMatchObject({ message: 'This account may use 1 request a minute: wait 60 s.' })
    // What was refused was not counted.
    expect(tenants.rates(key, at())[0]).toMatchObject({ of: 'key', remaining: 1 })
  })

  test('change with their limit, and what was used stays used', () => {
    const tenants = new Tenants(nobody)
    const asked = (requestsPerMinute: number) => tenants.begin(keyOf('k', { ...noLimits, requestsPerMinute }), at())
    expect([asked(2), asked(2)]).toEqual([null, null])
    expect(asked(2)).not.toBeNull()
    expect(asked(3)).toBeNull()
    expect(asked(3)).not.toBeNull()
  })

  test('a clock of the wall that steps changes nothing', () => {
    const tenants = new Tenants(nobody)
    const key = keyOf('k', { ...noLimits, requestsPerMinute: 1 })
    expect(tenants.begin(key, { wallMs: saturday, nowMs: 0 })).toBeNull()
    expect(tenants.begin(key, { wallMs: saturday + dayMs, nowMs: 0 })).not.toBeNull()
  })
})

describe('prices', () => {
  test('reserve a third of the text, a thousand for each medium, and the limit of the answer', () => {
    const price = { prompt: 1_000_000, answer: 10_000_000 }
    const size = { textBytes: 301, media: 2, answerTokens: 50 }
    expect(reserveFor(size, price)).toEqual({ tokens: 101 + 2_000 + 50, microDollars: 2_101 + 500 })
    expect(reserveFor({ ...size, answerTokens: 0 }, price).tokens).toBe(2_101)
  })

  test('round up, saturate, and believe no scout more than the bound', () => {
    expect(costAt({ prompt: 1, answer: 0 }, 1, 0)).toBe(1)
    expect(costAt({ prompt: priceMax, answer: priceMax }, Number.MAX_SAFE_INTEGER, 1)).toBe(Number.MAX_SAFE_INTEGER)
    expect([believedPrice(null, 7), believedPrice(-1, 7), believedPrice(Number.MAX_VALUE, 7)]).toEqual([7, 0, priceMax])
  })

  test('charge no more for a token than was reserved for it', () => {
    const reserved = { prompt: 5, answer: 5 }
    expect(chargedPrice({ prompt: 9, answer: 1 }, reserved)).toEqual({ prompt: 5, answer: 1 })
    expect(chargedPrice({ prompt: 9, answer: 1 }, null)).toEqual({ prompt: 9, answer: 1 })
  })
})
