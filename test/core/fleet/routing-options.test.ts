/** What a client may ask of placement: whom to take, whom to leave out, what counts, and how often to try. */
import { describe, expect, test } from 'vitest'
import {
  defaultRouting,
  type Requirements,
  type RoutingOptions,
} from '../../../orchestrator/core/model/routing-options.ts'
import { type Offer, offerOf } from '../../../shared/task.ts'
import { CoreHarness } from '../../support/hub/core-harness.ts'

function wishing(routing: Partial<RoutingOptions>): { routing: RoutingOptions } {
  return { routing: { ...defaultRouting, ...routing } }
}

function offer(model: string, provider: string): Offer {
  return offerOf({ kind: 'chat', model, provider })
}

/** Two scouts of two operators with two providers, all with room for many. */
function stage() {
  const bench = new CoreHarness()
  const many = { concurrency: 8 }
  const one = bench.join([], 8, {
    ...many,
    scout: 'ann/one',
    operator: 'ann',
    offers: [offer('m', 'p'), offer('n', 'q')],
  })
  const two = bench.join([], 8, { ...many, scout: 'bob/two', operator: 'bob', offers: [offer('m', 'q')] })
  return { bench, one, two }
}

describe('a client that names', () => {
  for (const [what, name] of [
    ['scout', 'bob/two'],
    ['operator', 'bob'],
    ['provider', 'q'],
  ] as const) {
    test(`a ${what} gets no other, and by ignoring it never gets it`, () => {
      const { bench, one, two } = stage()
      for (let i = 0; i < 4; i++) {
        bench.submit(wishing({ only: [name] }))
        expect(bench.grant().session).toBe(two)
        bench.submit(wishing({ ignore: [name] }))
        expect(bench.grant().session).toBe(one)
      }
    })
  }

  test('several may be given any of them, but none that it also ignores', () => {
    const { bench, one, two } = stage()
    const seen = new Set<number>()
    for (let i = 0; i < 8; i++) {
      bench.submit(wishing({ only: ['ann/one', 'q'] }))
      seen.add(bench.grant().session)
    }
    expect(seen).toEqual(new Set([one, two]))
    bench.submit(wishing({ only: ['ann/one', 'bob/two'], ignore: ['bob'] }))
    expect(bench.grant().session).toBe(one)
  })

  test('a provider and leaves the model open gets a model of that provider', () => {
    const { bench, one } = stage()
    bench.submit({ model: 'auto', ...wishing({ only: ['q'], ignore: ['bob'] }) })
    expect(bench.grant()).toMatchObject({ session: one, model: 'n', served: { provider: 'q', model: 'n' } })
    bench.submit({ model: 'auto', ...wishing({ ignore: ['p', 'bob'] }) })
    expect(bench.grant()).toMatchObject({ session: one, model: 'n' })
  })

  test('nobody that there is waits, and hears in the end that nobody was free', () => {
    const { bench } = stage()
    const task = bench.submit(wishing({ only: ['carol'] }))
    bench.pass(bench.settings.queueTimeoutMs + 50)
    expect(bench.ended(task).fault?.code).toBe('no_scout_available')
  })

  test('somebody who comes later is served then', () => {
    const { bench } = stage()
    const task = bench.submit(wishing({ only: ['carol'] }))
    const later = bench.join(['m'], 1, { scout: 'carol/three', operator: 'carol' })
    expect(bench.grant()).toMatchObject({ task, session: later })
  })

  test('one scout gets it again after a failure, once no other was found', () => {
    const { bench, two } = stage()
    bench.submit(wishing({ only: ['bob'] }))
    bench.settle(bench.grant(), 'failed')
    bench.pass(bench.settings.elsewhereMs + 200)
    expect(bench.grant()).toMatchObject({ session: two, attempt: 2 })
  })
})

describe('tasks that not every scout may have', () => {
  test('hold up nobody who waits behind them, of the same tenant or another', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'])
    for (let i = 0; i < 40; i++) bench.submit({ tenant: 'choosy', ...wishing({ only: ['nobody'] }) })
    const own = bench.submit({ tenant: 'choosy' })
    const other = bench.submit({ tenant: 'plain' })
    bench.credit(session, 2)
    expect(
      bench
        .take('grant')
        .map(({ task }) => task)
        .sort(),
    ).toEqual([own, other])
  })

  test('do not hide each other: every one is looked at in its time', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 0, { scout: 'ann/one' })
    for (let i = 0; i < 40; i++) bench.submit(wishing({ only: ['nobody'] }))
    const wanted = bench.submit(wishing({ only: ['ann/one'] }))
    for (let credits = 0; credits < 4; credits++) bench.credit(session, 1)
    const busy = bench.join(['n'], 1)
    for (let looks = 0; looks < 10; looks++)
      bench.step({
        type: 'scoutOffers',
        session,
        concurrency: 4,
        offers: bench.state.roster.bySession.get(session)!.klass.offers as Offer[],
      })
    expect(bench.grant()).toMatchObject({ task: wanted, session })
    expect(bench.state.roster.bySession.get(busy)?.credits).toBe(1)
  })

  test('of many tenants do not hide what any scout may have', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'])
    for (let i = 0; i < 40; i++) bench.submit({ tenant: `t${i}`, ...wishing({ only: ['nobody'] }) })
    const plain = bench.submit({ tenant: 'plain' })
    bench.credit(session, 1)
    expect(bench.grant().task).toBe(plain)
  })

  test('do not use up the turns of a tenant that weighs less', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'])
    bench.submit({ tenant: 'choosy', ...wishing({ only: ['nobody'] }) })
    const plain = bench.submit({ tenant: 'light', weight: 0.2 })
    bench.credit(session, 1)
    expect(bench.grant().task).toBe(plain)
  })

  test('win no turns for their tenant by being choosy', () => {
    const bench = new CoreHarness({ creditMax: 50 })
    const session = bench.join(['m'], 0, { concurrency: 50 })
    for (let i = 0; i < 20; i++) bench.submit({ tenant: 'sly', ...wishing({ ignore: ['nobody'] }) })
    const plain = new Set(Array.from({ length: 10 }, () => bench.submit({ tenant: 'plain' })))
    bench.credit(session, 20)
    expect(bench.take('grant').filter(({ task }) => plain.has(task)).length).toBe(10)
  })

  test('keep their priority among those of their tenant', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'])
    bench.submit({ priority: 5 })
    const urgent = bench.submit({ priority: 9, ...wishing({ ignore: ['nobody'] }) })
    bench.submit({ priority: 7 })
    bench.credit(session, 1)
    expect(bench.grant().task).toBe(urgent)
  })

  test('are taken out of the queue when their client leaves', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'])
    const task = bench.submit(wishing({ ignore: ['nobody'] }))
    bench.step({ type: 'cancel', task, fault: { code: 'cancelled', message: 'Gone.' } })
    bench.credit(session, 1)
    expect([bench.take('grant'), bench.state.queued]).toEqual([[], 0])
  })
})

describe('what counts', () => {
  test('decides between a scout that begins soon and one that writes fast', () => {
    for (const [sort, wanted] of [
      ['latency', 'soon'],
      ['throughput', 'fast'],
    ] as const) {
      const { bench, one: soon, two: fast } = stage()
      const speed = (session: number) => bench.capability(session, 'm')
      for (const session of [soon, fast]) speed(session).scout.record.done = 1
      Object.assign(speed(soon), { firstContentMs: 100, tokensPerSecond: 40, samples: 5 })
      Object.assign(speed(fast), { firstContentMs: 3_000, tokensPerSecond: 200, samples: 5 })
      for (let i = 0; i < 4; i++) {
        bench.submit(wishing({ sort }))
        const { session, cost } = bench.grant()
        expect([sort, session]).toEqual([sort, wanted === 'soon' ? soon : fast])
        const { totalMs, ...terms } = cost
        expect(Object.values(terms).reduce((sum, ms) => sum + ms, 0)).toBe(totalMs)
      }
    }
  })
})

describe('what an answer costs', () => {
  const priced = (promptPrice: number | null, answerPrice: number | null, model = 'm') =>
    offerOf({ kind: 'chat', model, provider: 'p', promptPrice, answerPrice })

  /** Two scouts with equal records, except for these changes. */
  function stageOf(one: Offer, two: Offer) {
    const bench = new CoreHarness()
    const sessions = [one, two].map((offered) => bench.join([], 8, { concurrency: 8, offers: [offered] }))
    for (const session of sessions) {
      const capability = bench.capability(session, 'm')
      capability.scout.record.done = 1
      Object.assign(capability, { firstContentMs: 500, tokensPerSecond: 50, samples: 5 })
    }
    return { bench, one: sessions[0]!, two: sessions[1]! }
  }

  function winners({ bench }: { bench: CoreHarness }, sort: RoutingOptions['sort']): Set<number> {
    const won = new Set<number>()
    for (let i = 0; i < 6; i++) {
      bench.submit(wishing({ sort }))
      const grant = bench.grant()
      won.add(grant.session)
      bench.settle(grant)
      bench.credit(grant.session, 1)
    }
    return won
  }

  test('decides where it is asked for, however slow the cheaper scout is; else only between equals', () => {
    const stage = stageOf(priced(50_000, 80_000), priced(60_000, 80_000))
    expect(winners(stage, 'latency')).toEqual(new Set([stage.one]))
    Object.assign(stage.bench.capability(stage.one, 'm'), { firstContentMs: 3_000 })
    expect(winners(stage, 'latency')).toEqual(new Set([stage.two]))
    expect(winners(stage, 'throughput')).toEqual(new Set([stage.two]))
    expect(winners(stage, 'price')).toEqual(new Set([stage.one]))
  })

  test('is taken for the usual where no price is told: less than a dear one, more than a cheap one', () => {
    const dear = stageOf(priced(null, null), priced(2_500_000, 10_000_000))
    expect(winners(dear, 'price')).toEqual(new Set([dear.one]))
    const cheap = stageOf(priced(null, null), priced(50_000, 80_000))
    expect(winners(cheap, 'price')).toEqual(new Set([cheap.two]))
  })

  test('is told as a term: a millionth of a dollar is a tenth of a millisecond, or a second', () => {
    const { bench } = stageOf(priced(1_000_000, 5_000_000), priced(1_000_000, 5_000_000))
    for (const [sort, ms] of [
      ['latency', 200],
      ['throughput', 200],
      ['price', 2_000_000],
    ] as const) {
      bench.submit(wishing({ sort }))
      expect(bench.grant().cost.priceMs).toBe(ms)
    }
  })

  test('of vectors is that of the prompt alone', () => {
    const bench = new CoreHarness()
    const offers = [offerOf({ kind: 'embed', model: 'e', provider: 'p', promptPrice: 20_000 })]
    bench.join([], 1, { offers })
    bench.submit({ kind: 'embed', model: 'e', ...wishing({ sort: 'price' }) })
    expect(bench.grant().cost.priceMs).toBe(20_000)
  })

  test('cannot be more than can be counted, whatever a scout says', () => {
    const most = Number.MAX_SAFE_INTEGER
    const stage = stageOf(priced(most, most), priced(null, null))
    expect(winners(stage, 'price')).toEqual(new Set([stage.two]))
    expect(winners(stageOf(priced(most, most), priced(most, most)), 'price').size).toBeGreaterThan(0)
  })
})

describe('the most attempts', () => {
  test('can be fewer than the hub would make, never more', () => {
    for (const [wished, made] of [
      [1, 1],
      [2, 2],
      [50, 3],
    ] as const) {
      const { bench } = stage()
      const task = bench.submit(wishing({ attemptsMax: wished }))
      for (let attempt = 0; attempt < made; attempt++) {
        while (bench.state.leases === 0) bench.pass(50)
        bench.settle(bench.grant(), 'failed', 'provider_unavailable')
      }
      expect(bench.ended(task).attempts).toBe(made)
    }
  })
})

describe('the highest price a client would pay', () => {
  function asking(promptPrice: number | null, answerPrice: number | null) {
    const bench = new CoreHarness()
    bench.join([], 8, { concurrency: 8, offers: [{ ...offer('m', 'p'), promptPrice, answerPrice }] })
    return (requires: Requirements) => {
      const task = bench.submit(wishing({ requires }))
      return bench.state.tasks.get(task)!.state === 'leased'
    }
  }

  test('may be that of the prompt or of the answer alone, or of both', () => {
    const isServed = asking(50_000, 80_000)
    expect(isServed({ promptPriceMax: 50_000 })).toBe(true)
    expect(isServed({ promptPriceMax: 49_999 })).toBe(false)
    expect(isServed({ answerPriceMax: 80_000 })).toBe(true)
    expect(isServed({ answerPriceMax: 79_999 })).toBe(false)
    expect(isServed({ promptPriceMax: 50_000, answerPriceMax: 79_999 })).toBe(false)
    expect(isServed({ priceMax: 80_000 })).toBe(true)
    expect(isServed({ priceMax: 79_999 })).toBe(false)
    expect(isServed({ priceMax: 1, promptPriceMax: 50_000, answerPriceMax: 80_000 })).toBe(true)
  })

  test('is met by no price that is not known', () => {
    expect(asking(null, 80_000)({ promptPriceMax: 1_000_000 })).toBe(false)
    expect(asking(null, 80_000)({ answerPriceMax: 80_000 })).toBe(true)
    expect(asking(null, null)({ priceMax: 1_000_000 })).toBe(false)
  })
})
