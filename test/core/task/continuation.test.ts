/** Answers that have begun and lose their scout: another one goes on with them, for clients that opted in. */
import { describe, expect, test } from 'vitest'
import { defaultRouting } from '../../../orchestrator/core/model/routing-options.ts'
import { CoreHarness, type Grant } from '../../support/hub/core-harness.ts'

const who = { scout: 'operator/s', instance: 'i' }

function begun(continues = true) {
  const bench = new CoreHarness()
  const session = bench.join(['m'], 1, who)
  const task = bench.submit({ routing: { ...defaultRouting, continues } })
  const grant = bench.grant()
  bench.started(grant)
  bench.content(grant)
  for (let i = 0; i < 4; i++) bench.join(['m'], 1)
  return { bench, session, task, grant }
}

describe('a begun answer whose scout is lost', () => {
  test('goes on at another scout, with what is left of the deadline', () => {
    const { bench, session, task, grant } = begun()
    bench.pass(700)
    bench.gone(session)
    expect(bench.take('attemptVoid')).toMatchObject([{ task, attempt: 1 }])
    bench.pass(bench.settings.retryBaseMs + 50)
    const next = bench.grant()
    expect(next).toMatchObject({ task, attempt: 2, continuing: true })
    expect(next.session).not.toBe(session)
    expect(next.deadlineMs).toBeLessThanOrEqual(grant.deadlineMs - 700)
    bench.settle(next)
    expect(bench.ended(task)).toMatchObject({ fault: null, attempts: 2 })
  })

  test('goes on also when the scout fails, hands it back, falls silent or breaks its frames', () => {
    const ends: ((bench: CoreHarness, grant: Grant) => void)[] = [
      (bench, grant) => bench.settle(grant, 'failed'),
      (bench, grant) => bench.settle(grant, 'released', 'scout_draining'),
      (bench) => bench.pass(bench.settings.leaseTtlMs + bench.settings.leaseGraceMs + 50),
      (bench, { task, attempt }) =>
        bench.step({ type: 'attemptBroken', task, attempt, fault: { code: 'chunk_gap', message: 'A gap.' } }),
    ]
    for (const end of ends) {
      const { bench, task, grant } = begun()
      end(bench, grant)
      bench.pass(bench.settings.retryBaseMs + 50)
      expect(bench.grant()).toMatchObject({ task, attempt: 2, continuing: true })
    }
  })

  test('moves only so many times', () => {
    const { bench, task, grant } = begun()
    let last = grant
    for (let move = 1; move <= bench.settings.migrationsMax; move++) {
      bench.settle(last, 'released', 'scout_draining')
      last = bench.grant()
      expect(last).toMatchObject({ attempt: move + 1, continuing: true })
    }
    bench.settle(last, 'released', 'scout_draining')
    expect(bench.ended(task).fault?.code).toBe('scout_draining')
  })

  test('waits for its scout like any other once it has moved as often as it may', () => {
    const { bench, task, grant } = begun()
    let last = grant
    for (let move = 1; move <= bench.settings.migrationsMax; move++) {
      bench.settle(last, 'released', 'scout_draining')
      last = bench.grant()
    }
    bench.gone(last.session)
    expect(bench.take('finished')).toEqual([])
    bench.pass(bench.settings.resumeWindowMs + 50)
    expect(bench.ended(task).fault?.code).toBe('scout_lost')
  })

  test('is not taken up again by the scout that lost it', () => {
    const { bench, session, grant } = begun()
    bench.gone(session)
    bench.join(['m'], 0, { ...who, held: [grant] })
    expect(bench.take('welcome').at(-1)?.held[0]?.verdict).toBe('stale')
  })

  test('still ends at once when the request itself is at fault', () => {
    const { bench, task, grant } = begun()
    bench.settle(grant, 'failed', 'invalid_request')
    expect(bench.ended(task).fault?.code).toBe('invalid_request')
  })

  test('uses up attempts like any other', () => {
    const bench = new CoreHarness({ migrationsMax: 10 })
    for (let i = 0; i < 5; i++) bench.join(['m'], 1)
    const task = bench.submit({ routing: { ...defaultRouting, continues: true } })
    for (let attempt = 1; attempt <= bench.settings.attemptsMax; attempt++) {
      const grant = bench.grant()
      bench.content(grant)
      bench.settle(grant, 'failed')
      bench.pass(500)
    }
    expect(bench.ended(task)).toMatchObject({ attempts: 3, fault: { code: 'scout_error' } })
  })
})

describe('without the wish', () => {
  test('a begun answer waits for its own scout and then fails', () => {
    const { bench, session, task } = begun(false)
    bench.gone(session)
    bench.pass(bench.settings.resumeWindowMs + 50)
    expect(bench.take('grant')).toEqual([])
    expect(bench.ended(task).fault?.code).toBe('scout_lost')
  })

  test('or fails at once when the scout says that it failed', () => {
    const { bench, task, grant } = begun(false)
    bench.settle(grant, 'failed')
    expect(bench.ended(task).fault?.code).toBe('scout_error')
  })
})

test('an answer that has not begun starts from its beginning, wish or not', () => {
  const bench = new CoreHarness()
  for (let i = 0; i < 2; i++) bench.join(['m'], 1)
  bench.submit({ routing: { ...defaultRouting, continues: true } })
  bench.settle(bench.grant(), 'released', 'scout_draining')
  expect(bench.grant()).toMatchObject({ attempt: 2, continuing: false })
})
