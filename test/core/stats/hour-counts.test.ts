/** The counts of a scout's last hour: what it won, what it lost and to what, and what it had no room for. */
import { describe, expect, test } from 'vitest'
import { defaultRouting } from '../../../orchestrator/core/model/routing-options.ts'
import type { ScoutRecord } from '../../../orchestrator/core/model/scout.ts'
import { type LastHour, lastHour, noteHour } from '../../../orchestrator/core/stats/hour-counts.ts'
import { missing } from '../../../orchestrator/core/stats/missed-work.ts'
import { hourSlotMs, hourSlots } from '../../../shared/limits/scheduling.ts'
import { type Offer, offerOf } from '../../../shared/task.ts'
import { CoreHarness } from '../../support/hub/core-harness.ts'

const nothing: LastHour = {
  considered: 0,
  won: 0,
  lostLatency: 0,
  lostPrice: 0,
  lostCapacity: 0,
  lostTrust: 0,
  done: 0,
  failed: 0,
}

describe('what is noted of an identity', () => {
  const slots = (from: number, number: number) =>
    Array.from({ length: number }, (_, at) => (from + at) * hourSlotMs + 5)

  test('is nothing before there was anything to count', () => {
    const { bench, sessions, scoutOf } = stage({})
    const { record } = scoutOf(sessions[0]!)
    record.done = 0
    for (const nowMs of slots(1, 30)) {
      bench.nowMs = nowMs
      bench.step({ type: 'heartbeat', session: sessions[0]! })
    }
    expect([record.noted, lastHour(record, bench.nowMs, 0)]).toEqual([null, nothing])
    expect(lastHour(record, bench.nowMs, 2.4)).toEqual({ ...nothing, considered: 2, lostCapacity: 2 })
  })

  test('forgets each slot of time when its hour is over, whether or not anything else happened', () => {
    const [quiet, busy] = [blankRecord(), blankRecord()]
    for (const [at, nowMs] of slots(0, hourSlots).entries()) {
      for (const record of [quiet, busy]) noteHour(record, nowMs)
      busy.won++
      if (at < 2) quiet.done++
    }
    const endMs = hourSlots * hourSlotMs
    expect([lastHour(busy, endMs - 1, 0).won, lastHour(quiet, endMs - 1, 0).done]).toEqual([hourSlots, 2])
    for (const hears of [false, true]) {
      for (const [passed, nowMs] of slots(hourSlots, hourSlots + 3).entries()) {
        expect(lastHour(busy, nowMs, 0).won).toBe(Math.max(0, hourSlots - 1 - passed))
        expect(lastHour(quiet, nowMs, 0).done).toBe(Math.max(0, 1 - passed))
        if (hears) noteHour(busy, nowMs)
      }
    }
    const laterMs = 1_000 * hourSlotMs
    noteHour(quiet, laterMs)
    quiet.failed++
    expect(lastHour(quiet, laterMs, 0)).toEqual({ ...nothing, failed: 1 })
    expect(lastHour(quiet, laterMs + hourSlots * hourSlotMs, 0)).toEqual(nothing)
  })
})

function blankRecord(): ScoutRecord {
  const counts = {
    won: 0,
    lostLatency: 0,
    lostPrice: 0,
    lostTrust: 0,
    passedOver: 0,
    missed: 0,
    done: 0,
    failed: 0,
    wonMs: 0,
  }
  const known = { failureRate: 0, windows: null, speeds: null, pauses: null, sessions: 1 }
  return { scout: 'ann/one', operator: 'ann', ...known, ...counts, noted: null, notedSlot: -1 }
}

interface Known {
  firstContentMs?: number
  failureRate?: number
  price?: number
  concurrency?: number
}

/** Scouts of which everything is known, each with credit for all it can take. */
function stage(...known: Known[]) {
  const bench = new CoreHarness({ creditMax: 64 })
  const sessions = known.map(({ firstContentMs = 500, failureRate = 0, price = 100_000, concurrency = 64 }) => {
    const prices = { promptPrice: price, answerPrice: price }
    const offers: Offer[] = [offerOf({ kind: 'chat', model: 'm', provider: 'p', ...prices })]
    const session = bench.join([], concurrency, { offers, concurrency })
    const capability = bench.capability(session, 'm')
    Object.assign(capability, { firstContentMs, tokensPerSecond: 50, samples: 5 })
    Object.assign(capability.scout.record, { done: 1, failureRate })
    return session
  })
  const scoutOf = (session: number) => bench.state.roster.bySession.get(session)!
  const hour = (session: number) => {
    const scout = scoutOf(session)
    const known = lastHour(scout.record, bench.nowMs, missing(scout))
    return { ...known, done: known.done - 1 }
  }
  return { bench, sessions, scoutOf, hours: () => sessions.map(hour) }
}

describe('of two scouts that were drawn', () => {
  const worse: [what: keyof LastHour, than: Known][] = [
    ['lostLatency', { firstContentMs: 5_000 }],
    ['lostTrust', { failureRate: 0.9 }],
    ['lostPrice', { price: 90_000_000 }],
    ['lostTrust', { failureRate: 0.9, firstContentMs: 600, price: 200_000 }],
  ]
  test.each(worse)('the one that does not get the task hears %s of what weighed most: %j', (what, than) => {
    const { bench, hours } = stage({}, than)
    bench.submit()
    expect(hours()).toEqual([
      { ...nothing, considered: 1, won: 1 },
      { ...nothing, considered: 1, [what]: 1 },
    ])
  })

  test('equals lose to chance, for which there is no reason to give', () => {
    const { bench, hours } = stage({}, {})
    bench.submit()
    const [one, two] = hours() as [LastHour, LastHour]
    expect(one.won + two.won).toBe(1)
    expect([one, two]).toContainEqual({ ...nothing, considered: 1 })
  })

  test('each placement considers two, and ends are counted beside it', () => {
    const { bench, hours } = stage({}, { firstContentMs: 400 }, { price: 1_000_000 }, { failureRate: 0.01 })
    for (let i = 0; i < 60; i++) bench.submit()
    const grants = bench.take('grant')
    for (const [at, grant] of grants.entries()) bench.settle(grant, at % 4 === 0 ? 'failed' : 'done')
    const sum = (of: (hour: LastHour) => number) => hours().reduce((total, hour) => total + of(hour), 0)
    expect([sum((hour) => hour.considered), sum((hour) => hour.won)]).toEqual([120, 60])
    expect([sum((hour) => hour.done), sum((hour) => hour.failed)]).toEqual([45, 15])
  })

  test('nobody loses to itself: a hedge that finds only who is at work counts for nobody', () => {
    const { bench, hours } = stage({})
    bench.submit({ routing: { ...defaultRouting, hedgeAfterMs: 100 } })
    bench.pass(1_000)
    expect(hours()).toEqual([{ ...nothing, considered: 1, won: 1 }])
  })
})

describe('a scout without room', () => {
  test('misses what goes to others while it is full, from the draw that finds it so', () => {
    const { bench, sessions, hours } = stage({ concurrency: 1, firstContentMs: 1 }, { firstContentMs: 400 })
    const [small] = sessions as [number, number]
    bench.submit()
    const first = bench.grant()
    expect(first.session).toBe(small)
    for (let i = 0; i < 20; i++) bench.submit()
    bench.settle(first)
    bench.credit(small, 1)
    const [missed, taken] = hours() as [LastHour, LastHour]
    expect(missed).toMatchObject({ won: 1, considered: 1 + missed.lostCapacity })
    // Those that drew only the large one before any found the small one full.
    expect(missed.lostCapacity).toBeGreaterThanOrEqual(14)
    expect(missed.lostCapacity).toBeLessThanOrEqual(20)
    expect(taken).toMatchObject({ won: 20, lostCapacity: 0 })
  })

  test('among many misses its share, as often as others are drawn', () => {
    const { bench, sessions, hours } = stage({ concurrency: 1, firstContentMs: 1 }, ...Array(19).fill({}))
    const [small] = sessions as [number]
    bench.submit({ routing: { ...defaultRouting, only: ['operator/s1'] } })
    const first = bench.grant()
    expect(first.session).toBe(small)
    for (let i = 0; i < 400; i++) bench.submit()
    bench.settle(first)
    bench.credit(small, 1)
    const [missed, ...others] = hours() as [LastHour, ...LastHour[]]
    const mean = others.reduce((sum, { considered }) => sum + considered, 0) / others.length
    expect(missed.lostCapacity).toBeGreaterThan(0.6 * mean)
    expect(missed.lostCapacity).toBeLessThan(1.4 * mean)
  })

  test('has not missed what it then took from the queue itself, only what another one did', () => {
    const { bench, sessions, hours } = stage({ concurrency: 1 }, { concurrency: 1 })
    const [one, two] = sessions as [number, number]
    for (let i = 0; i < 8; i++) bench.submit()
    const grants = new Map(bench.take('grant').map((grant) => [grant.session, grant]))
    const next = (session: number) => {
      bench.settle(grants.get(session)!)
      bench.credit(session, 1)
      for (const grant of bench.take('grant')) grants.set(grant.session, grant)
    }
    for (let i = 0; i < 5; i++) next(one)
    next(two)
    const [first, second] = hours() as [LastHour, LastHour]
    expect([first.won, second.won]).toEqual([6, 2])
    // Six waited: one and five of them went to the other one; of the first two the later one found the other full.
    expect(first.lostCapacity + second.lostCapacity).toBe(7)
    expect(second.lostCapacity).toBeGreaterThanOrEqual(5)
  })

  test('that is never found with room hears of its last hour all the same, and of no more', () => {
    const { bench, sessions, scoutOf, hours } = stage({ concurrency: 1, firstContentMs: 1 }, {})
    const [small, large] = sessions as [number, number]
    bench.submit({ routing: { ...defaultRouting, only: ['operator/s1'] } })
    bench.started(bench.grant())
    for (let slot = 0; slot < 2 * hourSlots; slot++) {
      bench.submit()
      const grant = bench.grant()
      expect(grant.session).toBe(large)
      bench.settle(grant)
      bench.credit(large, 1)
      bench.nowMs += hourSlotMs
      bench.step({ type: 'heartbeat', session: small })
    }
    expect(scoutOf(small).idle).toBe(false)
    expect(hours()[0]!.lostCapacity).toBeGreaterThanOrEqual(hourSlots - 1)
    expect(hours()[0]!.lostCapacity).toBeLessThanOrEqual(hourSlots)
  })

  test('that rests, drains or is gone misses nothing for want of room', () => {
    for (const end of ['pause', 'drain', 'gone'] as const) {
      const { bench, sessions, scoutOf } = stage({ concurrency: 1, firstContentMs: 1 }, {})
      const [small] = sessions as [number]
      const scout = scoutOf(small)
      bench.submit()
      const grant = bench.grant()
      if (end === 'pause') bench.settle(grant, 'released', 'provider_rate_limited', 60_000)
      else if (end === 'drain') bench.step({ type: 'scoutDraining', session: small })
      else bench.gone(small)
      bench.credit(small, 1)
      for (let i = 0; i < 20; i++) bench.submit()
      expect([end, lastHour(scout.record, bench.nowMs, missing(scout))]).toMatchObject([
        end,
        { won: 1, lostCapacity: 0 },
      ])
    }
  })
})

test('the counts are those of the identity: a new connection goes on with them', () => {
  const { bench, sessions, scoutOf } = stage({})
  bench.submit()
  bench.settle(bench.grant())
  const { record } = scoutOf(sessions[0]!)
  bench.gone(sessions[0]!)
  const again = bench.join(['m'], 1, { scout: record.scout })
  expect(lastHour(scoutOf(again).record, bench.nowMs, 0)).toEqual({ ...nothing, considered: 1, won: 1, done: 2 })
})
