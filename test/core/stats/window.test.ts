/** How many tasks at once a scout is trusted with: less after each failure, more with success, never nothing. */
import { describe, expect, test } from 'vitest'
import type { FaultCode } from '../../../shared/faults.ts'
import { CoreHarness, offersOf } from '../../support/hub/core-harness.ts'

const who = { scout: 'operator/s', instance: 'i', concurrency: 8 }

/** One scout that would take eight tasks at once. */
function stage() {
  const bench = new CoreHarness({ attemptsMax: 1 })
  const session = bench.join(['m'], 8, who)
  return { bench, session }
}

function windowOf(bench: CoreHarness, session: number): number {
  return bench.state.roster.bySession.get(session)!.window
}

/** One task from beginning to end, after which the scout grants its credit anew. */
function work(bench: CoreHarness, outcome: 'done' | 'failed' | 'released' = 'done', code?: FaultCode): void {
  bench.submit()
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

  test('is not halved for the failures of one model while another one works', () => {
    const bench = new CoreHarness({ attemptsMax: 1 })
    const session = bench.join(['good', 'bad'], 8, who)
    const one = (model: string, outcome: 'done' | 'failed') => {
      bench.submit({ model })
      bench.settle(bench.grant(), outcome, outcome === 'failed' ? 'provider_unavailable' : undefined)
      bench.credit(session, 1)
    }
    one('good', 'done')
    for (let times = 0; times < 4; times++) one('bad', 'failed')
    expect(windowOf(bench, session)).toBe(8)
    // Once the other one fails, too, it is the scout.
    one('good', 'failed')
    expect(windowOf(bench, session)).toBe(4)
    // A model that has come back is one like any other.
    one('bad', 'done')
    const before = windowOf(bench, session)
    one('bad', 'failed')
    expect(windowOf(bench, session)).toBe(before / 2)
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
