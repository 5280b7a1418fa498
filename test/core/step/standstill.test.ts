/** A hub that stood still has heard nobody meanwhile, and judges by the time that it was awake. */
import { describe, expect, test } from 'vitest'
import { CoreHarness } from '../../support/hub/core-harness.ts'

/** The clock jumps, and the tick that was due comes late. */
function sleep(bench: CoreHarness, forMs: number): void {
  bench.nowMs += forMs
  bench.step({ type: 'stood', forMs })
  bench.step({ type: 'tick' })
}

describe('after a standstill', () => {
  test('leases live on by the time they had left', () => {
    const bench = new CoreHarness()
    const sessions = Array.from({ length: 20 }, () => bench.join(['m'], 1))
    for (const _ of sessions) bench.submit()
    const grants = bench.take('grant')
    for (const grant of grants) bench.started(grant)
    bench.pass(3_000)
    sleep(bench, 20_000)
    expect(bench.state.leases).toBe(20)
    // Who is not heard any more is given up as late as if nothing had happened.
    bench.pass(400)
    expect(bench.state.leases).toBe(20)
    bench.pass(200)
    expect(bench.take('attemptVoid')).toHaveLength(20)
  })

  test('leases that wait for their scout do too', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 1, { scout: 'operator/s', instance: 'i' })
    bench.accept({ a: [] })
    const { task, attempt, nonce } = bench.grant()
    bench.gone(session)
    sleep(bench, 60_000 - 10_000)
    bench.join(['m'], 0, { scout: 'operator/s', instance: 'i', held: [{ task, attempt, nonce }] })
    expect(bench.take('welcome').at(-1)?.held).toMatchObject([{ verdict: 'resumed' }])
  })

  test('no patience for the first sign, the first content or the next piece has run out', () => {
    for (const signs of [0, 1, 2]) {
      const bench = new CoreHarness({ leaseTtlMs: 300_000, firstContentMs: 2_000, contentSilenceMs: 2_000 })
      bench.join(['m'], 1)
      bench.submit()
      const grant = bench.grant()
      if (signs > 0) bench.started(grant)
      if (signs > 1) bench.content(grant)
      bench.pass(1_000)
      sleep(bench, 20_000)
      bench.pass(900)
      expect([signs, bench.state.leases]).toEqual([signs, 1])
      bench.pass(200)
      expect([signs, bench.state.leases]).toEqual([signs, 0])
    }
  })

  test('who waits for a scout has not waited meanwhile, and the grace of a model goes on', () => {
    const bench = new CoreHarness()
    bench.gone(bench.join(['m'], 1))
    const task = bench.submit()
    bench.pass(1_000)
    sleep(bench, 20_000)
    bench.pass(2_000)
    bench.join(['m'], 1)
    expect(bench.grant().task).toBe(task)
  })

  test('the deadline of a client stays what it is', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 1)
    const task = bench.submit({ deadlineMs: 10_000 })
    sleep(bench, 20_000)
    expect(bench.ended(task).fault?.code).toBe('deadline_exceeded')
  })

  test('what was heard in the turn in which it woke is not counted beyond now', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 1)
    bench.nowMs += 20_000
    bench.step({ type: 'heartbeat', session })
    bench.submit()
    bench.step({ type: 'stood', forMs: 20_000 })
    const [lease] = [...bench.state.tasks.values()].map(({ lease }) => lease!)
    expect(lease!.grantedMs).toBe(bench.nowMs)
    expect(bench.state.roster.bySession.get(session)!.heardMs).toBe(bench.nowMs)
  })
})
