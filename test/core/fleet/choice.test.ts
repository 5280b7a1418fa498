/** Which of several idle scouts is preferred, and what is learnt of them. */
import { describe, expect, test } from 'vitest'
import { costOf } from '../../../orchestrator/core/fleet/cost.ts'
import { noteTried } from '../../../orchestrator/core/task/leases.ts'
import { type Offer, offerOf } from '../../../shared/task.ts'
import { CoreHarness } from '../../support/hub/core-harness.ts'

describe('the choice among idle scouts', () => {
  const busyOf = (bench: CoreHarness, session: number) => bench.state.roster.bySession.get(session)!.running

  test('prefers the one that is known to be faster', () => {
    const bench = new CoreHarness({ creditMax: 8 })
    const [slow, fast] = [
      bench.join(['m', 'slow'], 8, { concurrency: 8 }),
      bench.join(['m', 'fast'], 8, { concurrency: 8 }),
    ]
    const speed = (session: number) => bench.capability(session, 'm')
    Object.assign(speed(slow), { firstContentMs: 5_000, tokensPerSecond: 5, samples: 3 })
    Object.assign(speed(fast), { firstContentMs: 50, tokensPerSecond: 500, samples: 3 })
    for (const session of [slow, fast]) bench.state.roster.bySession.get(session)!.record.done = 3
    for (let i = 0; i < 6; i++) bench.submit()
    expect(busyOf(bench, fast)).toBe(6)
  })

  test.each([
    ['a moment ago is not tried again', 0, false],
    ['long ago is tried again, and believed', -700_000, true],
  ])('one that was slow once, %s', (_when, sampledMs, isTried) => {
    const bench = new CoreHarness()
    const [slow, fast] = [bench.join(['m'], 1), bench.join(['m'], 1)] as const
    for (const session of [slow, fast]) {
      const { record } = bench.state.roster.bySession.get(session)!
      record.done = 1
      const firstContentMs = session === slow ? 20_000 : 100
      Object.assign(bench.capability(session, 'm'), { firstContentMs, tokensPerSecond: 50, samples: 1, sampledMs })
    }
    const served = { [slow]: 0, [fast]: 0 }
    for (let i = 0; i < 200; i++) {
      bench.submit()
      const grant = bench.grant()
      bench.pass(100)
      bench.content(grant)
      bench.settle(grant)
      bench.credit(grant.session, 1)
      served[grant.session]!++
    }
    if (isTried) expect(served[slow]).toBeGreaterThan(50)
    else expect(served[slow]).toBe(0)
    expect(bench.capability(slow, 'm').firstContentMs).toBe(isTried ? 100 : 20_000)
  })

  test('spreads over equal scouts', () => {
    const bench = new CoreHarness()
    const sessions = Array.from({ length: 4 }, () => bench.join(['m'], 4))
    for (let i = 0; i < 8; i++) bench.submit()
    for (const session of sessions) expect(busyOf(bench, session)).toBeLessThan(5)
    expect(sessions.filter((session) => busyOf(bench, session) > 0).length).toBeGreaterThan(2)
  })

  test('can name the terms of its cost, and they add up', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 1)
    bench.submit()
    const { task: id } = bench.grant()
    const task = bench.state.tasks.get(id)!
    noteTried(task, task.lease!)
    const cost = costOf(bench.capability(session, 'm'), task)
    const { totalMs, ...terms } = cost
    expect(Object.values(terms).reduce((sum, term) => sum + term, 0)).toBe(totalMs)
    expect(cost.operatorMs).toBeGreaterThan(0)
    expect(cost.loadMs).toBeGreaterThan(0)
  })

  test('books speed and success of the identity, and they outlive the session', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 1, { scout: 'operator/steady' })
    bench.submit()
    const grant = bench.grant()
    bench.pass(100)
    bench.content(grant)
    bench.pass(1_000)
    bench.settle(grant)
    bench.gone(session)
    const record = bench.state.roster.records.get('operator/steady')!
    expect(record).toMatchObject({ done: 1, failed: 0, sessions: 0 })
    const speed = { firstContentMs: 100, tokensPerSecond: 10, samples: 1, sampledMs: bench.nowMs }
    expect([...record.speeds!.values()]).toEqual([speed])
    expect(bench.capability(bench.join(['m'], 1, { scout: 'operator/steady' }), 'm')).toMatchObject(speed)
  })

  test('an offer of two kinds is told apart', () => {
    const bench = new CoreHarness()
    const offers: Offer[] = [
      offerOf({ kind: 'chat', model: 'm', provider: 'talker' }),
      offerOf({ kind: 'embed', model: 'm', provider: 'embedder' }),
    ]
    bench.join([], 2, { offers })
    bench.submit({ kind: 'embed' })
    expect(bench.grant()).toMatchObject({ kind: 'embed', served: { provider: 'embedder' } })
    bench.submit({ kind: 'chat', model: 'auto' })
    expect(bench.grant()).toMatchObject({ kind: 'chat', model: 'm', served: { provider: 'talker' } })
  })
})
