/** Leases and the deadlines around them, cancels, and the drain of the hub. */
import { describe, expect, test } from 'vitest'
import { CoreHarness, offersOf, pair } from '../../support/hub/core-harness.ts'

describe('a lease', () => {
  test('expires without a sign of life; the holder is told to stop and another takes over', () => {
    const { bench, task, grant } = pair()
    bench.started(grant)
    bench.pass(bench.settings.leaseTtlMs + bench.settings.leaseGraceMs - 100)
    expect(bench.take('cancelAttempt')).toEqual([])
    bench.pass(200)
    expect(bench.take('cancelAttempt')).toMatchObject([{ session: grant.session, task, attempt: 1 }])
    bench.pass(200)
    expect(bench.grant()).toMatchObject({ task, attempt: 2 })
    expect(bench.state.roster.records.get(grant.served.scout)?.failed).toBe(1)
  })

  test('lives on heartbeats and on signs of its attempt', () => {
    for (const type of ['heartbeat', 'renewed'] as const) {
      const { bench, task, grant } = pair()
      bench.started(grant)
      for (let times = 0; times < 10; times++) {
        bench.pass(bench.settings.leaseTtlMs - 500)
        bench.step({ type, session: grant.session, task, attempt: grant.attempt })
      }
      expect(bench.take('cancelAttempt')).toEqual([])
      expect(bench.state.tasks.get(task)?.attempt).toBe(1)
    }
  })

  test('of a scout that never begins ends, heartbeats or not, later for a longer prompt', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 1)
    bench.submit({ promptBytes: 100 * 1024 })
    bench.grant()
    for (let times = 0; times < 5; times++) {
      bench.pass(500)
      bench.step({ type: 'heartbeat', session })
    }
    expect(bench.take('cancelAttempt')).toEqual([])
    bench.pass(600)
    expect(bench.take('cancelAttempt')[0]).toMatchObject({ reason: 'scout_silent' })
  })

  test('ends at the deadline of the request, whatever is heard', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 1)
    const task = bench.submit({ deadlineMs: 2_500 })
    const grant = bench.grant()
    expect(grant.deadlineMs).toBe(2_500)
    bench.started(grant)
    bench.pass(2_450)
    bench.step({ type: 'heartbeat', session })
    bench.pass(100)
    expect(bench.ended(task).fault).toMatchObject({
      code: 'deadline_exceeded',
      message: 'No complete answer within 3 s.',
    })
    expect(bench.take('cancelAttempt')).toMatchObject([{ session, task }])
  })

  test('the deadline also ends what waits in a queue or for its next attempt', () => {
    const bench = new CoreHarness({ retryBaseMs: 1_000_000, retryCapMs: 1_000_000 })
    bench.join(['m'], 1)
    const delayed = bench.submit({ deadlineMs: 500 })
    bench.settle(bench.grant(), 'failed')
    const waiting = bench.submit({ deadlineMs: 400 })
    bench.pass(600)
    const ends = bench.take('finished')
    expect(ends.map((end) => end.task).sort()).toEqual([delayed, waiting])
    for (const { fault } of ends) expect(fault?.code).toBe('deadline_exceeded')
  })

  test('a retry gets what is left of the deadline', () => {
    const { bench, grant } = pair()
    bench.pass(1_000)
    bench.settle(grant, 'released', 'scout_draining')
    expect(bench.grant().deadlineMs).toBe(grant.deadlineMs - 1_000)
  })
})

describe('a grant that the hub could not send', () => {
  test('gives its credit back and ends with the cause', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 2)
    const task = bench.submit()
    const { attempt } = bench.grant()
    const cause = { code: 'request_too_large', message: 'Too large.' } as const
    bench.step({ type: 'unsent', session, task, attempt, fault: cause })
    expect(bench.ended(task).fault).toEqual(cause)
    expect(bench.take('cancelAttempt')).toEqual([])
    expect(bench.state.roster.bySession.get(session)?.credits).toBe(2)
  })

  test('gives its credit back once, also when its task was over before, and is not cancelled any more', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 2)
    const task = bench.submit()
    const { attempt } = bench.grant()
    const cause = { code: 'cancelled', message: 'Gone.' } as const
    bench.step({ type: 'cancel', task, fault: cause })
    for (let twice = 0; twice < 2; twice++) bench.step({ type: 'unsent', session, task, attempt, fault: cause })
    expect(bench.state.roster.bySession.get(session)?.credits).toBe(2)
    bench.pass(3 * bench.settings.cancelResendMs)
    expect(bench.take('cancelAttempt').length).toBe(1)
  })
})

describe('a cancel', () => {
  test('is sent again until it is acknowledged by whatever settlement', () => {
    const { bench, task, grant } = pair()
    bench.step({ type: 'cancel', task, fault: { code: 'cancelled', message: 'Gone.' } })
    expect(bench.ended(task).fault?.code).toBe('cancelled')
    bench.pass(3 * bench.settings.cancelResendMs)
    const sent = bench.take('cancelAttempt')
    expect(sent.length).toBe(4)
    for (const one of sent) expect(one).toMatchObject({ session: grant.session, task, attempt: 1 })
    expect(bench.settle(grant, 'cancelled')).toMatchObject([{ type: 'verdict', verdict: 'stale' }])
    bench.pass(1_000)
    expect(bench.take('cancelAttempt')).toEqual([])
  })

  test('is not said any longer once the scout’s own lease must have stopped it', () => {
    const { bench, task } = pair()
    const { leaseTtlMs, leaseGraceMs, cancelResendMs } = bench.settings
    bench.step({ type: 'cancel', task, fault: { code: 'cancelled', message: 'Gone.' } })
    bench.pass(2 * (leaseTtlMs + leaseGraceMs))
    const said = bench.take('cancelAttempt').length
    expect(said).toBe(Math.floor((leaseTtlMs + leaseGraceMs) / cancelResendMs) + 1)
    bench.pass(leaseTtlMs)
    expect(bench.take('cancelAttempt')).toEqual([])
  })

  test('is forgotten with the session', () => {
    const { bench, task, grant } = pair()
    bench.step({ type: 'cancel', task, fault: { code: 'cancelled', message: 'Gone.' } })
    bench.take('cancelAttempt')
    bench.gone(grant.session)
    bench.pass(1_000)
    expect(bench.take('cancelAttempt')).toEqual([])
  })

  test('of a waiting task needs no scout', () => {
    const bench = new CoreHarness()
    bench.join(['m'])
    const task = bench.submit()
    bench.step({ type: 'cancel', task, fault: { code: 'cancelled', message: 'Gone.' } })
    expect(bench.ended(task)).toMatchObject({ attempts: 0, fault: { code: 'cancelled' } })
    expect(bench.state.queued).toBe(0)
  })

  test('answers every sign of life from an attempt that nobody waits for, once at a time', () => {
    const { bench, task, grant } = pair()
    bench.settle(grant)
    bench.step({ type: 'renewed', session: grant.session, task, attempt: 1 })
    bench.step({ type: 'renewed', session: grant.session, task, attempt: 1 })
    expect(bench.take('cancelAttempt')).toMatchObject([{ task, attempt: 1, reason: 'stale' }])
  })

  test('reaches a scout that has just advertised that it can do nothing', () => {
    const { bench, task, grant } = pair()
    bench.step({ type: 'scoutOffers', session: grant.session, concurrency: 0, offers: [] })
    bench.step({ type: 'cancel', task, fault: { code: 'cancelled', message: 'Gone.' } })
    expect(bench.take('cancelAttempt')).toMatchObject([{ session: grant.session, task }])
  })

  test('is not said more often than a scout could ever need, however much it invents', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'])
    for (let task = 1_000; task < 1_500; task++) bench.step({ type: 'renewed', session, task, attempt: 1 })
    expect(bench.take('cancelAttempt').length).toBe(4 * bench.settings.creditMax)
  })
})

describe('the drain of the hub', () => {
  test('ends what waits, takes nothing new, and lets work go on to its end', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 1)
    const working = bench.submit()
    const grant = bench.grant()
    const waiting = bench.submit()
    bench.step({ type: 'drain' })
    expect(bench.ended(waiting).fault?.code).toBe('hub_draining')
    expect(bench.ended(bench.submit()).fault?.code).toBe('hub_draining')
    bench.settle(grant)
    expect(bench.ended(working).fault).toBeNull()
  })

  test('does not let work wait that comes back and finds no scout', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 1)
    const task = bench.submit()
    const grant = bench.grant()
    bench.step({ type: 'drain' })
    bench.settle(grant, 'released', 'scout_draining')
    expect(bench.ended(task).fault?.code).toBe('hub_draining')
  })

  test('still lets work that comes back find an idle scout', () => {
    const { bench, task, grant, other } = pair()
    bench.step({ type: 'drain' })
    bench.settle(grant, 'released', 'scout_draining')
    expect(bench.grant()).toMatchObject({ task, session: other })
  })
})

describe('offers that change under work', () => {
  test('leave the lease as it is', () => {
    const { bench, task, grant } = pair()
    bench.step({ type: 'scoutOffers', session: grant.session, concurrency: 4, offers: offersOf('other') })
    bench.settle(grant)
    expect(bench.ended(task).fault).toBeNull()
  })
})
