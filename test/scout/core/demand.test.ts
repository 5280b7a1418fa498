import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Demand } from '../../../scout/core/demand.ts'
import { Pace } from '../../../scout/core/pace.ts'
import '../../support/law/seeded-properties.ts'

describe('demand', () => {
  test('asks for nothing before a session, after its end, and once somebody leaves', () => {
    const demand = new Demand(4)
    expect(demand.ask(0)).toBe(0)
    demand.open(256)
    expect(demand.ask(0)).toBe(4)
    demand.close()
    expect(demand.ask(0)).toBe(0)
    demand.open(256)
    demand.stop()
    expect(demand.ask(0)).toBe(0)
  })

  test('starts from zero in every session', () => {
    const demand = new Demand(4)
    demand.open(256)
    expect(demand.ask(0)).toBe(4)
    demand.open(256)
    expect(demand.use()).toBe(false)
    expect(demand.ask(1)).toBe(3)
  })

  test('never asks for more than the hub will hold', () => {
    const demand = new Demand(10)
    demand.open(3)
    expect(demand.ask(0)).toBe(3)
  })

  test('still honours what it has granted after it stopped asking', () => {
    const demand = new Demand(2)
    demand.open(2)
    demand.ask(0)
    demand.stop()
    expect([demand.use(), demand.use(), demand.use()]).toEqual([true, true, false])
  })

  test('whatever happens, credits held and places taken never exceed the concurrency', () => {
    const events = fc.array(fc.constantFrom('ask', 'task', 'end', 'reconnect', 'hubDrain'), { maxLength: 200 })
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 0, max: 20 }),
        events,
        (concurrency, max, list) => {
          const demand = new Demand(concurrency)
          let held = 0
          let occupied = 0
          demand.open(max)
          for (const event of list) {
            if (event === 'ask') held += demand.ask(occupied)
            else if (event === 'task') {
              expect(demand.use()).toBe(held > 0)
              if (held > 0) {
                held--
                occupied++
              }
            } else if (event === 'end') occupied = Math.max(0, occupied - 1)
            else if (event === 'hubDrain') demand.stop()
            else {
              demand.open(max)
              held = 0
            }
            expect(held).toBeGreaterThanOrEqual(0)
            expect(held + occupied).toBeLessThanOrEqual(concurrency)
          }
        },
      ),
    )
  })
})

describe('pace', () => {
  test('over any span a sender that asks first stays within the rate of the hub', () => {
    const gaps = fc.array(fc.tuple(fc.nat(300), fc.integer({ min: 1, max: 50 })), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(gaps, (list) => {
        const perSecond = 100
        const pace = new Pace(perSecond, 0)
        let nowMs = 0
        // The hub's bucket: a second of burst, filled at the full rate.
        let level = perSecond
        let filledMs = 0
        for (const [gapMs, amount] of list) {
          nowMs += gapMs
          nowMs += pace.waitMs(amount, nowMs)
          expect(pace.waitMs(amount, nowMs)).toBe(0)
          pace.spend(amount)
          level = Math.min(perSecond, level + ((nowMs - filledMs) * perSecond) / 1_000) - amount
          filledMs = nowMs
          expect(level).toBeGreaterThanOrEqual(0)
        }
      }),
      // Once failed by a rounding error.
      {
        examples: [
          [
            [
              [0, 4],
              [0, 49],
              [1, 21],
              [0, 1],
            ],
          ],
        ],
      },
    )
  })
})
