/** A second scout is asked when the first one lets the client wait: when, whom, who wins, and what it costs whom. */
import { describe, expect, test } from 'vitest'
import type { Submit } from '../../../orchestrator/core/events.ts'
import { defaultRouting, type RoutingOptions } from '../../../orchestrator/core/model/routing-options.ts'
import { CoreHarness, type Grant } from '../../support/hub/core-harness.ts'

function wishing(routing: Partial<RoutingOptions>): RoutingOptions {
  return { ...defaultRouting, ...routing }
}

/** A task that two scouts work on; a third one is idle. */
function hedged(fields: Partial<Submit> = {}) {
  const bench = new CoreHarness()
  for (let i = 0; i < 3; i++) bench.join(['m'], 2)
  const task = bench.submit({ routing: wishing({ hedgeAfterMs: 500 }), ...fields })
  const first = bench.grant()
  bench.started(first)
  bench.pass(550)
  const second = bench.grant()
  bench.started(second)
  return { bench, task, first, second }
}

/** Credits plus tasks of everybody: a grant moves one from the first to the second. */
function held(bench: CoreHarness): number[] {
  return [...bench.state.roster.bySession.values()].map(({ credits, running }) => 10 * credits + running)
}

function failedOf(bench: CoreHarness, grant: Grant): number {
  return bench.state.roster.records.get(grant.served.scout)!.failed
}

describe('a hedge', () => {
  test('begins after the time the client names, on another scout, as another attempt of the same task', () => {
    const { bench, task, first, second } = hedged()
    expect(second).toMatchObject({ task, attempt: 2, continuing: false })
    expect(second.session).not.toBe(first.session)
    expect(second.nonce).not.toEqual(first.nonce)
    expect(held(bench).sort()).toEqual([11, 11, 20])
  })

  test('is one: a third scout is not asked while two work', () => {
    const { bench } = hedged()
    bench.pass(1_500)
    expect(bench.take('grant')).toEqual([])
  })

  test('never begins when the client says 0, nor when content came in time', () => {
    const bench = new CoreHarness({ hedgeSamplesMin: 0, hedgeAfterMinMs: 100 })
    for (let i = 0; i < 2; i++) bench.join(['m'], 2)
    bench.submit({ routing: wishing({ hedgeAfterMs: 0 }) })
    bench.started(bench.grant())
    bench.submit({ routing: wishing({ hedgeAfterMs: 300 }) })
    const quick = bench.grant()
    bench.pass(250)
    bench.content(quick)
    bench.pass(1_500)
    expect(bench.take('grant')).toEqual([])
  })

  test("of a client that names no time begins at the model's own percentile, once that is known", () => {
    const bench = new CoreHarness({ hedgeSamplesMin: 20, hedgeAfterMinMs: 100 })
    for (let i = 0; i < 2; i++) bench.join(['m'], 8, { concurrency: 8 })
    for (let sample = 0; sample < 20; sample++) {
      bench.submit()
      const grant = bench.grant()
      bench.pass(400)
      bench.content(grant)
      bench.settle(grant)
      bench.credit(grant.session, 1)
      expect(bench.take('grant')).toEqual([])
    }
    const { firstContentP95Ms } = bench.state.index.entry('chat', 'm')!
    bench.submit()
    bench.started(bench.grant())
    bench.pass(firstContentP95Ms - 50)
    expect(bench.take('grant')).toEqual([])
    bench.pass(100)
    expect(bench.grant().attempt).toBe(2)
    // Whether a whole answer takes long is no sign of anything.
    bench.submit({ stream: false })
    bench.started(bench.grant())
    bench.pass(1_900)
    expect(bench.take('grant')).toEqual([])
  })

  test('waits for an idle scout, and takes none that works on the task already', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 4, { scout: 'operator/s', instance: 'one' })
    bench.join(['m'], 4, { scout: 'operator/s', instance: 'two' })
    bench.submit({ routing: wishing({ hedgeAfterMs: 300 }) })
    bench.started(bench.grant())
    bench.pass(1_000)
    expect(bench.take('grant')).toEqual([])
    const other = bench.join(['m'], 1)
    bench.pass(100)
    expect(bench.grant()).toMatchObject({ session: other, attempt: 2 })
  })

  test('takes no second process of the same scout either when nobody else is left', () => {
    const bench = new CoreHarness()
    const gone = bench.join(['m'], 1)
    bench.submit({ routing: wishing({ hedgeAfterMs: 300 }) })
    const first = bench.grant()
    bench.join(['m'], 1, { scout: 'operator/s', instance: 'one' })
    bench.join(['m'], 1, { scout: 'operator/s', instance: 'two' })
    bench.settle(first, 'released', 'scout_draining')
    bench.started(bench.grant())
    bench.gone(gone)
    bench.pass(1_000)
    expect(bench.take('grant')).toEqual([])
  })

  test('begins no later because nobody was idle when it was due', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 1)
    const late = bench.join(['m'])
    bench.submit({ routing: wishing({ hedgeAfterMs: 300 }) })
    bench.started(bench.grant())
    bench.pass(900)
    bench.credit(late, 1)
    bench.pass(100)
    expect(bench.grant().session).toBe(late)
  })

  test('does not begin while the hub drains', () => {
    const bench = new CoreHarness()
    for (let i = 0; i < 2; i++) bench.join(['m'], 2)
    bench.submit({ routing: wishing({ hedgeAfterMs: 300 }) })
    bench.started(bench.grant())
    bench.step({ type: 'drain' })
    bench.pass(1_000)
    expect(bench.take('grant')).toEqual([])
  })

  test('counts as an attempt: a client that allows one has none, and failing ones come to an end', () => {
    const bench = new CoreHarness()
    for (let i = 0; i < 2; i++) bench.join(['m'], 4)
    bench.submit({ routing: wishing({ hedgeAfterMs: 100, attemptsMax: 1 }) })
    bench.started(bench.grant())
    bench.pass(500)
    expect(bench.take('grant')).toEqual([])

    const { bench: other, task, second } = hedged()
    other.settle(second, 'failed')
    other.pass(1_000)
    const third = other.grant()
    other.settle(third, 'failed')
    other.pass(1_400)
    expect(other.take('grant')).toEqual([])
    expect(other.state.tasks.get(task)).toMatchObject({ charged: 2, attempt: 3, state: 'leased' })
  })
})

describe('of two scouts that work on one task', () => {
  test('the first content wins; the other is told to stop and bears no blame', () => {
    for (const winnerIsFirst of [true, false]) {
      const { bench, task, first, second } = hedged()
      const [winner, loser] = winnerIsFirst ? [first, second] : [second, first]
      bench.content(winner)
      expect(bench.take('cancelAttempt')).toMatchObject([{ session: loser.session, attempt: loser.attempt }])
      expect(bench.take('attemptVoid')).toMatchObject([{ task, attempt: loser.attempt }])
      expect(bench.state.tasks.get(task)).toMatchObject({ charged: 0, outrun: 1 })
      bench.settle(winner)
      expect(bench.ended(task)).toMatchObject({ fault: null, attempts: 2 })
      expect(bench.settle(loser, 'cancelled')).toMatchObject([{ verdict: 'stale' }])
      expect([failedOf(bench, first), failedOf(bench, second)]).toEqual([0, 0])
      const windows = [...bench.state.roster.bySession.values()].map((scout) => scout.windows)
      expect(windows).toEqual([null, null, null])
    }
  })

  test('the first settlement wins where nothing is streamed, and a later one is stale', () => {
    const { bench, task, first, second } = hedged({ stream: false })
    bench.settle(second)
    expect(bench.ended(task).fault).toBeNull()
    expect(bench.take('cancelAttempt')).toMatchObject([{ session: first.session, attempt: 1 }])
    expect(bench.settle(first)).toMatchObject([{ verdict: 'stale' }])
    expect(bench.take('finished')).toEqual([])
    expect(failedOf(bench, first)).toBe(0)
  })

  test('one that fails, hands back or is lost leaves the task to the other', () => {
    const ends: ((bench: CoreHarness, grant: Grant) => void)[] = [
      (bench, grant) => bench.settle(grant, 'failed'),
      (bench, grant) => bench.settle(grant, 'released', 'scout_draining'),
      (bench, grant) => bench.gone(grant.session),
    ]
    for (const end of ends) {
      const { bench, task, first, second } = hedged()
      end(bench, first)
      expect(bench.take('finished')).toEqual([])
      expect(bench.take('attemptVoid')).toMatchObject([{ task, attempt: 1 }])
      bench.settle(second)
      expect(bench.ended(task).fault).toBeNull()
    }
  })

  test('both can fail, and then the task is tried again', () => {
    const { bench, task, first, second } = hedged()
    bench.settle(second, 'failed')
    bench.settle(first, 'failed')
    expect(bench.take('finished')).toEqual([])
    bench.pass(1_000)
    expect(bench.grant()).toMatchObject({ task, attempt: 3 })
  })

  test('one that finds the request itself at fault ends it for both', () => {
    const { bench, task, first, second } = hedged()
    bench.settle(second, 'failed', 'context_length_exceeded')
    expect(bench.ended(task).fault?.code).toBe('context_length_exceeded')
    expect(bench.take('cancelAttempt')).toMatchObject([{ session: first.session, attempt: 1 }])
  })

  test('both are told to stop when the client leaves', () => {
    const { bench, task, first, second } = hedged()
    bench.step({ type: 'cancel', task, fault: { code: 'cancelled', message: 'Gone.' } })
    const told = bench.take('cancelAttempt').map(({ session, attempt }) => [session, attempt])
    expect(told).toEqual([
      [first.session, 1],
      [second.session, 2],
    ])
  })

  test('each costs its own scout one credit, and neither gets it back but by granting it anew', () => {
    const { bench, first, second } = hedged()
    bench.content(second)
    bench.settle(second)
    bench.settle(first, 'cancelled')
    expect(held(bench).sort()).toEqual([10, 10, 20])
  })
})
