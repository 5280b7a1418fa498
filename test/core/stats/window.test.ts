/**
 * How many tasks of a model at once a scout is trusted with: less after each failure of that model, more with its
 * success, never nothing, whatever its other models do.
 */
import { describe, expect, test } from 'vitest'
import { trustedWith } from '../../../orchestrator/core/fleet/windows.ts'
import type { FaultCode } from '../../../shared/faults.ts'
import { offersMax } from '../../../shared/limits/wire.ts'
import { CoreHarness, offersOf } from '../../support/hub/core-harness.ts'

const who = { scout: 'operator/s', instance: 'i', concurrency: 8 }

/** One scout that would take eight tasks at once. */
function stage() {
  const bench = new CoreHarness({ attemptsMax: 1 })
  const session = bench.join(['m'], 8, who)
  return { bench, session }
}

/** Of all models together. */
function windowOf(bench: CoreHarness, session: number): number {
  return trustedWith(bench.state.roster.bySession.get(session)!)
}

/** Its sizes by model, of those that are not wide open. */
function windowsOf(bench: CoreHarness, session: number): Record<string, number> {
  const windows = [...(bench.state.roster.bySession.get(session)!.windows ?? [])]
  return Object.fromEntries(windows.map(([key, { size }]) => [key.replace('chat\t', ''), size]))
}

type Outcome = 'done' | 'failed' | 'released'

/** One task from beginning to end, after which the scout grants its credit anew. */
function work(bench: CoreHarness, outcome: Outcome = 'done', code?: FaultCode, model = 'm'): void {
  bench.submit({ model })
  const grant = bench.grant()
  bench.settle(grant, outcome, code)
  bench.credit(grant.session, 1)
}

/** How many tasks it is given at once. */
function takes(bench: CoreHarness): number {
  for (let i = 0; i < 10; i++) bench.submit()
  return bench.take('grant').length
}

describe('the window of a scout', () => {
  test('is all that it asks for at first', () => {
    const { bench, session } = stage()
    expect([windowOf(bench, session), takes(bench)]).toEqual([8, 8])
  })

  test('halves with each failure of the scout or its provider, and tasks at once with it', () => {
    for (const code of ['scout_error', 'bad_answer', 'provider_unavailable', 'provider_timeout'] as const) {
      const { bench, session } = stage()
      work(bench, 'failed', code)
      expect([code, windowOf(bench, session)]).toEqual([code, 4])
      work(bench, 'failed', code)
      expect([code, windowOf(bench, session), takes(bench)]).toEqual([code, 2, 2])
    }
  })

  test('bears no other kind of end', () => {
    const { bench, session } = stage()
    work(bench, 'failed', 'invalid_request')
    work(bench, 'released', 'scout_draining')
    bench.take('grant')
    expect(windowOf(bench, session)).toBe(8)
  })

  test('never falls below one: the last scout of a model is not ejected', () => {
    const { bench, session } = stage()
    for (let times = 0; times < 20; times++) work(bench, 'failed')
    expect([windowOf(bench, session), takes(bench)]).toEqual([1, 1])
  })

  test('grows by one per round of successes, up to what the scout asks for', () => {
    const { bench, session } = stage()
    for (let times = 0; times < 3; times++) work(bench, 'failed')
    expect(windowOf(bench, session)).toBe(1)
    work(bench)
    expect(windowOf(bench, session)).toBe(2)
    work(bench)
    work(bench)
    expect(windowOf(bench, session)).toBeGreaterThan(2.85)
    for (let times = 0; times < 50; times++) work(bench)
    expect([windowOf(bench, session), takes(bench)]).toEqual([8, 8])
  })

  test('is not opened anew by dialing anew', () => {
    const { bench, session } = stage()
    work(bench, 'failed')
    bench.gone(session)
    const back = bench.join(['m'], 8, who)
    expect([windowOf(bench, back), takes(bench)]).toEqual([4, 4])
  })

  test('is its own in each of two processes of one scout', () => {
    const { bench, session } = stage()
    const sibling = bench.join(['n'], 8, { ...who, instance: 'j' })
    work(bench, 'failed')
    expect([windowOf(bench, session), windowOf(bench, sibling)]).toEqual([4, 8])
  })

  test('follows the scout that asks for more, unless it has failed', () => {
    const bench = new CoreHarness({ attemptsMax: 1 })
    const session = bench.join(['m'], 0, { ...who, concurrency: 0 })
    const asksFor = (concurrency: number) =>
      bench.step({ type: 'scoutOffers', session, concurrency, offers: offersOf('m') })
    asksFor(4)
    expect(windowOf(bench, session)).toBe(4)
    bench.credit(session, 4)
    work(bench, 'failed')
    asksFor(8)
    expect(windowOf(bench, session)).toBe(2)
  })

  test('holds back credits, which are used when it has grown', () => {
    const { bench, session } = stage()
    for (let times = 0; times < 3; times++) work(bench, 'failed')
    for (let i = 0; i < 3; i++) bench.submit()
    const grant = bench.grant()
    expect(bench.state.roster.bySession.get(session)?.credits).toBe(7)
    bench.settle(grant)
    expect(bench.take('grant').length).toBe(2)
  })
})

describe('windows of several models at one scout', () => {
  const models = ['good', 'bad', 'worse']

  function stageOf(...offered: string[]) {
    const bench = new CoreHarness({ attemptsMax: 1 })
    const session = bench.join(offered, 8, who)
    const fail = (model: string, times = 1) => {
      for (let time = 0; time < times; time++) work(bench, 'failed', 'provider_unavailable', model)
    }
    const take = (model: string) => {
      for (let i = 0; i < 10; i++) bench.submit({ model })
      return bench.take('grant').filter((grant) => grant.model === model).length
    }
    return { bench, session, fail, take }
  }

  test('are each their own: models that fail take no place from one that works', () => {
    const { bench, session, fail, take } = stageOf(...models)
    fail('bad')
    fail('worse', 5)
    expect(windowsOf(bench, session)).toEqual({ bad: 4, worse: 1 })
    expect(windowOf(bench, session)).toBe(8)
    expect(take('good')).toBe(8)
  })

  test('hold for tasks that wait as for those that come', () => {
    const { bench, session, fail } = stageOf(...models)
    fail('bad', 3)
    for (let i = 0; i < 4; i++) bench.submit({ model: 'bad' })
    const first = bench.grant()
    expect(first.model).toBe('bad')
    // A task of another model that ends makes no room for this one.
    work(bench, 'done', undefined, 'good')
    expect(bench.take('grant')).toEqual([])
    bench.settle(first, 'failed', 'provider_timeout')
    const next = bench.grant()
    expect(next.model).toBe('bad')
    bench.settle(next)
    expect(bench.take('grant')).toHaveLength(2)
    expect(windowsOf(bench, session)).toEqual({ bad: 2 })
  })

  test('open again one by one, and nothing is kept of those that are open', () => {
    const { bench, session, fail } = stageOf(...models)
    fail('bad', 2)
    fail('worse', 2)
    for (let times = 0; times < 40; times++) work(bench, 'done', undefined, 'bad')
    expect(windowsOf(bench, session)).toEqual({ worse: 2 })
    for (let times = 0; times < 40; times++) work(bench, 'done', undefined, 'worse')
    expect(bench.state.roster.bySession.get(session)!.windows).toBeNull()
    bench.gone(session)
    expect(bench.state.roster.records.get(who.scout)!.windows).toBeNull()
  })

  test('leave "auto" the models that have a place', () => {
    const { bench, fail } = stageOf('bad', 'good')
    fail('bad', 5)
    for (let i = 0; i < 4; i++) bench.submit({ model: 'auto' })
    expect(bench.take('grant').map(({ model }) => model)).toEqual(['bad', 'good', 'good', 'good'])
  })

  test('send "auto" to nobody when none has one, until one has', () => {
    const { bench, fail } = stageOf('bad', 'worse')
    fail('bad', 5)
    fail('worse', 5)
    for (let i = 0; i < 3; i++) bench.submit({ model: 'auto' })
    const [first, second, ...more] = bench.take('grant')
    expect([first!.model, second!.model, more]).toEqual(['bad', 'worse', []])
    bench.settle(second!)
    expect(bench.grant().model).toBe('worse')
  })

  test('are those of the identity, over a reconnect and a change of offers', () => {
    const { bench, session, fail, take } = stageOf(...models)
    fail('bad', 2)
    bench.step({ type: 'scoutOffers', session, concurrency: 8, offers: offersOf('good') })
    expect(windowsOf(bench, session)).toEqual({})
    bench.gone(session)
    const back = bench.join(['bad', 'new'], 8, who)
    expect(windowsOf(bench, back)).toEqual({ bad: 2 })
    expect([take('bad'), take('new')]).toEqual([2, 6])
  })

  test('count what is under way when they begin, and when they are taken up again', () => {
    const { bench, session } = stageOf('m', 'n')
    for (let i = 0; i < 5; i++) bench.submit()
    const [first] = bench.take('grant')
    bench.settle(first!, 'failed', 'provider_unavailable')
    expect(bench.state.roster.bySession.get(session)!.windows!.get('chat\tm')).toEqual({
      size: 4,
      running: 4,
      places: null,
    })
    bench.step({ type: 'scoutOffers', session, concurrency: 8, offers: offersOf('n') })
    bench.step({ type: 'scoutOffers', session, concurrency: 8, offers: offersOf('n', 'm') })
    expect(bench.state.roster.bySession.get(session)!.windows!.get('chat\tm')).toEqual({
      size: 4,
      running: 4,
      places: null,
    })
    bench.submit()
    expect(bench.take('grant')).toEqual([])
  })

  test('are kept of no more models than a scout may offer', () => {
    const bench = new CoreHarness({ attemptsMax: 1 })
    const session = bench.join([], 8, who)
    for (let model = 0; model < offersMax + 10; model++) {
      bench.step({ type: 'scoutOffers', session, concurrency: 8, offers: offersOf(`m${model}`) })
      work(bench, 'failed', 'scout_error', `m${model}`)
    }
    bench.gone(session)
    const kept = [...bench.state.roster.records.get(who.scout)!.windows!.keys()]
    expect([kept.length, kept.at(-1)]).toEqual([offersMax, `chat\tm${offersMax + 9}`])
  })

  test('let a model that none of them has failed be asked as often as before: a mix of many', () => {
    const many = Array.from({ length: 32 }, (_, at) => `model-${at}`)
    const { bench, session, fail, take } = stageOf(...many)
    for (const [at, model] of many.entries()) if (at % 2 === 1) fail(model, 1 + (at % 4))
    expect(Object.keys(windowsOf(bench, session))).toHaveLength(16)
    expect(take('model-4')).toBe(8)
  })
})
