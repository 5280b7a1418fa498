/** How long an attempt may be silent: before its first sign, before its content, between its pieces, and in all. */
import { describe, expect, test } from 'vitest'
import type { Submit } from '../../../orchestrator/core/events.ts'
import type { CoreSettings } from '../../../orchestrator/core/settings.ts'
import { CoreHarness, type Grant } from '../../support/hub/core-harness.ts'

const patience: Partial<CoreSettings> = { firstSignMs: 1_000, firstContentMs: 3_000, contentSilenceMs: 1_500 }

/** One task on one scout. */
function working(fields: Partial<Submit> = {}, settings: Partial<CoreSettings> = patience) {
  const bench = new CoreHarness(settings)
  const session = bench.join(['m'], 1)
  const task = bench.submit(fields)
  const grant = bench.grant()
  return { bench, session, task, grant }
}

/** Lets time pass with regular heartbeats of the scout. */
function beating(bench: CoreHarness, session: number, durationMs: number): void {
  for (let passedMs = 0; passedMs < durationMs; passedMs += 250) {
    bench.step({ type: 'heartbeat', session })
    bench.pass(Math.min(250, durationMs - passedMs))
  }
}

function renewed(bench: CoreHarness, { session, task, attempt }: Grant): void {
  bench.step({ type: 'renewed', session, task, attempt })
}

/** Why the attempt was given up; undefined while it was not. */
function givenUp(bench: CoreHarness, task: number): string | undefined {
  return bench.take('cancelAttempt').length === 0 ? undefined : bench.state.tasks.get(task)?.lastFault?.message
}

describe('an attempt is given up', () => {
  test('without a first sign of work, however lively its scout is', () => {
    const { bench, session, task } = working()
    beating(bench, session, 950)
    expect(givenUp(bench, task)).toBeUndefined()
    beating(bench, session, 100)
    expect(givenUp(bench, task)).toContain('never began')
  })

  test('without content, counted from its grant and later for a longer prompt', () => {
    for (const promptBytes of [0, 100 * 1024]) {
      const { bench, session, task, grant } = working({ promptBytes })
      bench.started(grant)
      beating(bench, session, 2_950 + (promptBytes / 1024) * bench.settings.firstSignMsPerKiB)
      expect(givenUp(bench, task)).toBeUndefined()
      beating(bench, session, 100)
      expect(givenUp(bench, task)).toContain('no content came')
    }
  })

  test('not while its scout says that it still waits for its provider, before the content and after it', () => {
    const { bench, session, task, grant } = working()
    for (let signs = 0; signs < 4; signs++) {
      bench.started(grant)
      beating(bench, session, 2_900)
    }
    renewed(bench, grant)
    for (let signs = 0; signs < 4; signs++) {
      beating(bench, session, 1_400)
      bench.started(grant)
    }
    beating(bench, session, 1_450)
    expect(givenUp(bench, task)).toBeUndefined()
    beating(bench, session, 100)
    expect(givenUp(bench, task)).toContain('stopped in the middle')
  })

  test('when it falls silent in the middle, and each piece buys the same time anew', () => {
    const { bench, session, task, grant } = working()
    bench.started(grant)
    renewed(bench, grant)
    for (let pieces = 0; pieces < 4; pieces++) {
      beating(bench, session, 1_400)
      renewed(bench, grant)
    }
    beating(bench, session, 1_450)
    expect(givenUp(bench, task)).toBeUndefined()
    beating(bench, session, 100)
    expect(givenUp(bench, task)).toContain('stopped in the middle')
  })

  test('in time also when the shorter patience begins while a longer one runs', () => {
    const settings = { ...patience, leaseTtlMs: 60_000, firstContentMs: 50_000, firstSignMs: 20_000 }
    const { bench, task, grant } = working({}, settings)
    bench.started(grant)
    renewed(bench, grant)
    bench.pass(1_450)
    expect(givenUp(bench, task)).toBeUndefined()
    bench.pass(100)
    expect(givenUp(bench, task)).toContain('stopped in the middle')
  })

  test('after content has been seen, and then the request fails with it', () => {
    const { bench, session, task, grant } = working()
    bench.started(grant)
    bench.content(grant)
    beating(bench, session, 1_550)
    expect(bench.ended(task).fault).toMatchObject({ code: 'scout_silent' })
    expect(bench.take('cancelAttempt')).toMatchObject([{ session, task }])
  })

  test('when its scout gives no sign at all, before any patience ends', () => {
    const { bench, task, grant } = working({ stream: false })
    bench.started(grant)
    bench.pass(bench.settings.leaseTtlMs + bench.settings.leaseGraceMs - 50)
    expect(givenUp(bench, task)).toBeUndefined()
    bench.pass(100)
    expect(givenUp(bench, task)).toContain('no sign of life')
  })

  test('and the scout is blamed, its task tried again', () => {
    const { bench, session, task } = working()
    beating(bench, session, 1_050)
    expect(bench.state.roster.records.get('operator/s1')).toMatchObject({ failed: 1 })
    expect(bench.state.tasks.get(task)).toMatchObject({ charged: 1, lastFault: { code: 'scout_silent' } })
  })
})

describe('an answer in one piece', () => {
  test('may take as long as its deadline allows, once it has begun', () => {
    const { bench, session, task, grant } = working({ stream: false, deadlineMs: 20_000 })
    bench.started(grant)
    beating(bench, session, 19_000)
    expect(givenUp(bench, task)).toBeUndefined()
    bench.settle(grant)
    expect(bench.ended(task).fault).toBeNull()
  })

  test('must begin in time like any other', () => {
    const { bench, session, task } = working({ stream: false })
    beating(bench, session, 1_050)
    expect(givenUp(bench, task)).toContain('never began')
  })
})

test('the deadline ends a stream in its full flow', () => {
  const { bench, task, grant, session } = working({ deadlineMs: 4_000 })
  bench.started(grant)
  bench.content(grant)
  for (let pieces = 0; pieces < 4; pieces++) {
    beating(bench, session, 1_000)
    renewed(bench, grant)
  }
  bench.pass(50)
  expect(bench.ended(task).fault?.code).toBe('deadline_exceeded')
})
