/** Durable intents as scrolls: what begins when, how an end travels through what needs it, and what is persisted. */
import { describe, expect, test } from 'vitest'
import { fault } from '../../../shared/faults.ts'
import { CoreHarness, type Grant } from '../../support/hub/core-harness.ts'

/** Two scouts with room. */
function stage(settings = {}): CoreHarness {
  const bench = new CoreHarness(settings)
  bench.join(['m'], 8, { concurrency: 8 })
  bench.join(['m'], 8, { concurrency: 8 })
  return bench
}

function byTask(bench: CoreHarness): Map<number, Grant> {
  return new Map(bench.take('grant').map((grant) => [grant.task, grant]))
}

function cancelIntent(bench: CoreHarness): void {
  bench.step({ type: 'cancelIntent', intent: 'int', fault: fault('cancelled', 'The client cancelled it.') })
}

describe('an accepted scroll', () => {
  test('begins with the tasks that need nothing, and with no others', () => {
    const bench = stage()
    const { a, b, c, d } = bench.accept({ a: [], b: [], c: ['a'], d: ['b', 'c'] })
    expect([...byTask(bench).keys()].sort()).toEqual([a, b])
    expect([c, d].map((task) => bench.state.tasks.get(task)?.state)).toEqual(['blocked', 'blocked'])
  })

  test('frees a task only when all that it needs is done', () => {
    const bench = stage()
    const { a, b, c } = bench.accept({ a: [], b: [], c: ['a', 'b'] })
    const grants = byTask(bench)
    bench.settle(grants.get(a)!)
    expect(bench.take('grant')).toEqual([])
    expect(bench.state.tasks.get(c)).toMatchObject({ state: 'blocked', blockers: 1 })
    bench.settle(grants.get(b)!)
    expect(bench.grant().task).toBe(c)
  })

  test('persists settlement, freed child and its lease in one step and in that order, before the verdict', () => {
    const bench = stage()
    const { a } = bench.accept({ a: [], b: ['a'], c: ['a'] })
    expect(bench.changes()).toEqual(['lease 1'])
    const effects = bench.settle(byTask(bench).get(a)!)
    expect(effects.map(({ type }) => type).indexOf('verdict')).toBeGreaterThan(0)
    expect(bench.changes().slice(0, 3)).toEqual(['settle 1', 'unblock 2', 'unblock 3'])
    const leases = effects.filter((effect) => effect.type === 'persist' && effect.change.change === 'lease')
    expect(leases.length).toBe(2)
    for (const grant of bench.take('grant')) {
      const before = effects.slice(0, effects.indexOf(grant))
      expect(before.some((e) => e.type === 'persist' && 'nonce' in e.change && e.change.nonce === grant.nonce)).toBe(
        true,
      )
    }
  })

  test('ends once, as done, when all of its tasks have ended and its result is there', () => {
    const bench = stage()
    bench.accept({ side: [], a: [], b: ['a'] })
    const [first, second] = bench.take('grant')
    for (const grant of [first!, second!]) bench.settle(grant)
    expect(bench.changes().filter((change) => change.startsWith('int'))).toEqual([])
    bench.settle(bench.grant())
    expect(bench.changes().at(-1)).toBe('int done')
    expect(bench.state.intents.size).toBe(0)
  })

  test('is done when its result is, whatever became of a branch that the result does not need', () => {
    const bench = stage()
    const { side, result } = bench.accept({ side: [], child: ['side'], result: [] })
    const grants = byTask(bench)
    bench.settle(grants.get(side)!, 'failed', 'invalid_request')
    bench.changes()
    bench.settle(grants.get(result)!)
    expect(bench.changes()).toEqual([`settle ${result}`, 'int done'])
  })

  test('goes on after its result is done, and ends with its last task', () => {
    const bench = stage()
    const ids = bench.accept({ side: [], result: [] })
    const grants = byTask(bench)
    bench.settle(grants.get(ids.result)!)
    expect(bench.changes().at(-1)).toBe(`settle ${ids.result}`)
    bench.settle(grants.get(ids.side)!)
    expect(bench.changes()).toEqual([`settle ${ids.side}`, 'int done'])
  })

  test('counts a need that is named twice as met once it is done', () => {
    const bench = stage()
    const { b } = bench.accept({ a: [], b: ['a', 'a'] })
    bench.settle(bench.grant())
    expect(bench.grant().task).toBe(b)
  })
})

describe('a task that fails', () => {
  test('skips whatever needs it, directly or not, and with the result the intent fails with its cause', () => {
    const bench = stage()
    const { a, b, c, d } = bench.accept({ a: [], b: ['a'], c: ['b'], d: ['c', 'a'] })
    bench.changes()
    bench.settle(bench.grant(), 'failed', 'invalid_request')
    expect(bench.changes()).toEqual([`${a} failed`, `${b} skipped`, `${c} skipped`, `${d} skipped`, 'int failed'])
    const ends = bench.take('finished')
    expect(ends.map(({ task }) => task).sort()).toEqual([a, b, c, d])
    expect(new Set(ends.map(({ fault: cause }) => cause?.code))).toEqual(new Set(['invalid_request']))
  })

  test('leaves what does not need it alone as long as the result can still be had', () => {
    const bench = stage()
    const { side, other } = bench.accept({ side: [], other: [], result: ['other'] })
    const grants = byTask(bench)
    bench.settle(grants.get(side)!, 'failed', 'invalid_request')
    expect(bench.take('cancelAttempt')).toEqual([])
    bench.settle(grants.get(other)!)
    bench.settle(bench.grant())
    expect(bench.changes().at(-1)).toBe('int done')
  })

  test('takes the result with it, and then nobody goes on with the rest', () => {
    const bench = stage()
    const { side, waiting, doomed, result } = bench.accept({
      side: [],
      waiting: ['side'],
      doomed: [],
      result: ['doomed'],
    })
    const grants = byTask(bench)
    bench.changes()
    bench.settle(grants.get(doomed)!, 'failed', 'content_refused')
    const changes = bench.changes()
    expect(changes.slice(0, 2)).toEqual([`${doomed} failed`, `${result} skipped`])
    expect(changes.slice(2).sort()).toEqual([`${side} cancelled`, `${waiting} skipped`, 'int failed'].sort())
    expect(changes.at(-1)).toBe('int failed')
    expect(bench.take('cancelAttempt')).toMatchObject([{ task: side, session: grants.get(side)!.session }])
    expect(bench.settle(grants.get(side)!)).toMatchObject([{ verdict: 'stale' }])
  })

  test('is tried again before it fails, and each attempt that ended is persisted', () => {
    const bench = stage()
    bench.join(['m'], 1)
    const { a } = bench.accept({ a: [] })
    for (let attempt = 0; attempt < 3; attempt++) {
      bench.settle(bench.grant(), 'failed', 'provider_unavailable')
      bench.pass(300)
    }
    const again = [`lease ${a}`, `release ${a}`]
    expect(bench.changes()).toEqual([...again, ...again, `lease ${a}`, `${a} failed`, 'int failed'])
  })
})

describe('cancelling an intent', () => {
  test('stops every scout that works on it and ends every task, those that wait for others included', () => {
    const bench = stage()
    const ids = bench.accept({ a: [], b: [], c: ['a'], d: ['c'] })
    const grants = byTask(bench)
    bench.changes()
    cancelIntent(bench)
    expect(bench.take('cancelAttempt').map(({ task }) => task)).toEqual([ids.a, ids.b])
    const changes = bench.changes()
    expect(changes.at(-1)).toBe('int cancelled')
    expect(
      changes
        .slice(0, -1)
        .map((change) => Number(change.split(' ')[0]))
        .sort(),
    ).toEqual(Object.values(ids))
    expect(bench.take('finished').every((end) => end.fault?.code === 'cancelled')).toBe(true)
    expect(bench.settle(grants.get(ids.a)!)).toMatchObject([{ verdict: 'stale' }])
    expect(bench.state.tasks.size).toBe(0)
  })

  test('is heard once, and not for an intent that is over or was never there', () => {
    const bench = stage()
    bench.accept({ a: [] })
    bench.changes()
    cancelIntent(bench)
    expect(bench.changes().length).toBe(2)
    cancelIntent(bench)
    expect(bench.changes()).toEqual([])
  })

  test('after the result is done leaves the intent done', () => {
    const bench = stage()
    const ids = bench.accept({ side: [], result: [] })
    bench.settle(byTask(bench).get(ids.result)!)
    bench.changes()
    cancelIntent(bench)
    expect(bench.changes()).toEqual([`${ids.side} cancelled`, 'int done'])
  })

  test('counts as cancelled also when a branch had failed before', () => {
    const bench = stage()
    const ids = bench.accept({ side: [], result: [] })
    bench.settle(byTask(bench).get(ids.side)!, 'failed', 'invalid_request')
    cancelIntent(bench)
    expect(bench.changes().at(-1)).toBe('int cancelled')
  })
})

describe('durable tasks', () => {
  test('alone are persisted: a plain request leaves no trace in the store', () => {
    const bench = stage()
    for (const outcome of ['done', 'failed', 'released'] as const) {
      bench.submit()
      bench.settle(bench.grant(), outcome)
      bench.pass(3_000)
      bench.take('grant')
    }
    bench.step({ type: 'cancel', task: bench.submit(), fault: fault('cancelled', 'Gone.') })
    expect(bench.changes()).toEqual([])
  })

  test('wait for a scout until their deadline, not just as long as a client would', () => {
    const bench = new CoreHarness()
    bench.join(['m'])
    const { a } = bench.accept({ a: [] }, { deadlineMs: 20_000 })
    bench.pass(bench.settings.queueTimeoutMs + 5_000)
    expect(bench.take('finished')).toEqual([])
    bench.pass(5_100)
    expect(bench.ended(a).fault?.code).toBe('deadline_exceeded')
    expect(bench.changes()).toEqual([`${a} failed`, 'int failed'])
  })

  test('are taken though the queue of clients is full, and do not fill it', () => {
    const bench = new CoreHarness({ readyTasksMax: 1, readyTasksPerTenantMax: 1 })
    bench.join(['m'])
    bench.accept({ a: [], b: [], c: [] })
    const plain = bench.submit()
    expect(bench.take('finished')).toEqual([])
    expect(bench.ended(bench.submit()).fault?.code).toBe('queue_full')
    expect([plain, bench.state.queued]).toEqual([4, 4])
  })

  test('survive that their model is forgotten, while they wait and while they are blocked', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m', 'n'], 1)
    const { b } = bench.accept({ a: [], b: ['a'] }, {}, { b: { model: 'n' } })
    const grant = bench.grant()
    bench.started(grant)
    bench.step({ type: 'scoutOffers', session, concurrency: 4, offers: [] })
    for (let beats = 0; beats < 3; beats++) {
      bench.pass(2_000)
      bench.step({ type: 'heartbeat', session })
    }
    expect(bench.state.index.entry('chat', 'n')).toBeUndefined()
    bench.settle(grant)
    bench.pass(3 * bench.settings.modelGraceMs)
    const later = bench.join(['n'], 1)
    expect(bench.grant()).toMatchObject({ task: b, session: later })
  })

  test('stay where they are while the hub drains, and no more of them begin', () => {
    const bench = stage()
    bench.accept({ a: [], b: ['a'], c: [] })
    const [first, second] = bench.take('grant')
    bench.changes()
    bench.step({ type: 'drain' })
    expect(bench.take('finished')).toEqual([])
    bench.settle(first!)
    bench.settle(second!, 'released', 'scout_draining')
    expect(bench.take('grant')).toEqual([])
    const a = first!.task
    expect(bench.changes()).toEqual([`settle ${a}`, `unblock ${a + 1}`, `release ${second!.task}`])
  })

  test('can begin anew after a scout has sent content, because nobody has seen it', () => {
    const bench = stage()
    const { a } = bench.accept({ a: [] })
    const grant = bench.grant()
    bench.started(grant)
    bench.content(grant)
    bench.settle(grant, 'failed')
    bench.pass(200)
    expect(bench.grant()).toMatchObject({ task: a, attempt: 2, continuing: false })
  })

  test('are not hedged', () => {
    const bench = stage({ hedgeSamplesMin: 0, hedgeAfterMinMs: 100 })
    bench.accept({ a: [] })
    bench.started(bench.grant())
    bench.pass(1_000)
    expect(bench.take('grant')).toEqual([])
  })

  test('of one intent share its end when their deadline comes', () => {
    const bench = stage()
    bench.accept({ a: [], b: ['a'], c: ['b'] }, { deadlineMs: 1_000 })
    bench.pass(1_100)
    expect(bench.take('finished').length).toBe(3)
    expect(bench.changes().at(-1)).toBe('int failed')
  })
})
