/** The core's small parts, each against a naive model of what it should do. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Random } from '../../../orchestrator/core/model/random.ts'
import { type Timed, TimerWheel } from '../../../orchestrator/core/model/timer-wheel.ts'
import '../../support/law/seeded-properties.ts'

interface Owner extends Timed {
  name: number
}

function owner(name: number): Owner {
  return { name, dueMs: 0, timerSlot: -1 }
}

describe('the timer wheel', () => {
  test('hands out a deadline once, never early and at the latest one slot late', () => {
    const wheel = new TimerWheel<Owner>(1_000)
    const one = owner(1)
    wheel.arm(one, 1_120)
    const due: number[] = []
    for (let nowMs = 1_000; nowMs <= 2_000; nowMs += 10) wheel.advance(nowMs, () => due.push(nowMs))
    expect(due).toEqual([1_150])
    expect([one.timerSlot, wheel.armed]).toEqual([-1, 0])
  })

  test('moves and forgets deadlines, also two in one slot', () => {
    const wheel = new TimerWheel<Owner>(0)
    const [a, b, c] = [owner(1), owner(2), owner(3)]
    for (const one of [a, b, c]) wheel.arm(one, 100)
    wheel.disarm(b)
    wheel.disarm(b)
    wheel.arm(a, 300)
    expect(wheel.armed).toBe(2)
    const due: number[] = []
    wheel.advance(250, (one) => due.push(one.name))
    wheel.advance(300, (one) => due.push(one.name))
    expect(due).toEqual([3, 1])
  })

  test('keeps a deadline that lies many turns ahead', () => {
    const wheel = new TimerWheel<Owner>(0)
    wheel.arm(owner(1), 2_000_000)
    const due: number[] = []
    for (let nowMs = 0; nowMs <= 2_100_000; nowMs += 1_000) wheel.advance(nowMs, () => due.push(nowMs))
    expect(due).toEqual([2_000_000])
  })

  test('meets every owner after a pause of many turns, and keeps those that are still to come', () => {
    const wheel = new TimerWheel<Owner>(0)
    const owners = Array.from({ length: 500 }, (_, i) => owner(i))
    for (const one of owners) wheel.arm(one, one.name * 997)
    wheel.arm(owner(900), 5_000_000)
    wheel.arm(owner(901), 3_000_000)
    const due: number[] = []
    wheel.advance(4_000_000, (one) => due.push(one.name))
    expect(due.sort((a, b) => a - b)).toEqual([...owners.map((one) => one.name), 901])
    wheel.advance(5_000_000, (one) => due.push(one.name))
    expect(due.at(-1)).toBe(900)
    expect(wheel.armed).toBe(0)
  })

  test('comes to an end when whoever is due arms itself again', () => {
    const wheel = new TimerWheel<Owner>(0)
    wheel.arm(owner(1), 50)
    let calls = 0
    wheel.advance(1_000_000, (one) => {
      calls++
      wheel.arm(one, 1_000_000 + 1)
    })
    expect(calls).toBe(1)
    wheel.advance(1_000_050, () => calls++)
    expect(calls).toBe(2)
  })

  test('does what a list of deadlines would do', () => {
    const command = fc.oneof(
      fc.record({ do: fc.constant('arm'), who: fc.nat(9), inMs: fc.oneof(fc.nat(2_000), fc.nat(1_500_000)) }),
      fc.record({ do: fc.constant('disarm'), who: fc.nat(9), inMs: fc.constant(0) }),
      fc.record({ do: fc.constant('advance'), who: fc.nat(9), inMs: fc.oneof(fc.nat(300), fc.nat(900_000)) }),
    )
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        let nowMs = 12_345
        const wheel = new TimerWheel<Owner>(nowMs)
        const owners = Array.from({ length: 10 }, (_, i) => owner(i))
        const model = new Map<number, number>()
        for (const { do: what, who, inMs } of commands) {
          if (what === 'arm') {
            wheel.arm(owners[who]!, nowMs + inMs)
            model.set(who, nowMs + inMs)
          } else if (what === 'disarm') {
            wheel.disarm(owners[who]!)
            model.delete(who)
          } else {
            nowMs += inMs
            wheel.advance(nowMs, ({ name }) => {
              expect(model.get(name)).toBeLessThanOrEqual(nowMs)
              model.delete(name)
            })
            // A slot is 50 ms long: what is overdue by more must have been handed out.
            for (const dueMs of model.values()) expect(dueMs).toBeGreaterThan(nowMs - 100)
          }
          expect(wheel.armed).toBe(model.size)
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('the random source', () => {
  test('repeats itself under the same seed and only then', () => {
    const draw = (seed: number) => {
      const random = new Random(seed)
      return Array.from({ length: 100 }, () => random.next32())
    }
    expect(draw(42)).toEqual(draw(42))
    const firsts = [0, 1, 2, 2 ** 32, 2 ** 32 + 1, 2 ** 52].map((seed) => draw(seed).join())
    expect(new Set(firsts).size).toBe(firsts.length)
  })

  test('is uniform over the unit interval', () => {
    const random = new Random(3)
    const buckets = new Array<number>(10).fill(0)
    for (let draw = 0; draw < 100_000; draw++) {
      const value = random.unit()
      expect(value >= 0 && value < 1).toBe(true)
      buckets[Math.floor(value * 10)]!++
    }
    for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(500)
  })

  test('draws below a bound and reaches each number', () => {
    const random = new Random(9)
    const seen = new Set(Array.from({ length: 200 }, () => random.below(7)))
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6])
  })
})
