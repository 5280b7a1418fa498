/** The numbers of a grant stay within the bounds of its frame, whatever a task has been through and the clock does. */

import { describe, expect, test } from 'vitest'
import { attemptNumberMax, durationMsMax } from '../../../shared/limits/wire.ts'
import { frameTable } from '../../../shared/protocol/frames.ts'
import { CoreHarness } from '../../support/hub/core-harness.ts'

const { attempt: attemptField, deadlineMs: deadlineField, ttlMs: ttlField } = frameTable.task.fields

describe('the number of an attempt', () => {
  test('is bounded by the frame table', () => {
    expect([attemptField.accepts(attemptNumberMax), attemptField.accepts(attemptNumberMax + 1)]).toEqual([true, false])
  })

  test('may reach the bound; the task then fails with a cause, and nobody is charged', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 4)
    const { a } = bench.accept({ a: [] }, {}, { a: { attempt: attemptNumberMax - 1, charged: 0, returned: 0 } })
    const grant = bench.grant()
    expect(grant.attempt).toBe(attemptNumberMax)
    bench.settle(grant, 'released', 'scout_draining')
    bench.credit(session, 1)
    bench.pass(bench.settings.elsewhereMs)
    expect(bench.take('grant')).toEqual([])
    expect(bench.ended(a)).toMatchObject({ attempts: attemptNumberMax, fault: { code: 'attempts_exhausted' } })
    expect(bench.changes().slice(-2)).toEqual([`${a} failed`, 'int failed'])
    const record = [...bench.state.roster.records.values()][0]
    expect(record).toMatchObject({ failed: 0, failureRate: 0 })
  })

  test('of a task that is tried again beyond it is never given out', () => {
    for (const attempt of [attemptNumberMax, attemptNumberMax + 5]) {
      const bench = new CoreHarness()
      bench.join(['m'], 4)
      const { a } = bench.accept({ a: [] }, {}, { a: { attempt } })
      expect(bench.take('grant')).toEqual([])
      expect(bench.ended(a).fault).toMatchObject({ code: 'attempts_exhausted' })
    }
  })

  test('is looked at also when the task waits in a queue for a scout', () => {
    const bench = new CoreHarness()
    bench.join(['m'])
    const { a } = bench.accept({ a: [] }, {}, { a: { attempt: attemptNumberMax } })
    expect(bench.ended(a).fault).toMatchObject({ code: 'attempts_exhausted' })
    expect(bench.state.queued).toBe(0)
  })

  test('leaves room for a second scout, or there is no race', () => {
    const bench = new CoreHarness()
    for (let i = 0; i < 2; i++) bench.join(['m'], 4)
    const task = bench.state.tasks.get(bench.submit({ routing: hedged }))!
    // As if many grants had been taken back before their scouts received them.
    Object.assign(task, { attempt: attemptNumberMax, outrun: attemptNumberMax - 1 })
    task.lease!.attempt = attemptNumberMax
    bench.take('grant')
    bench.pass(500)
    expect(bench.take('grant')).toEqual([])
  })
})

const hedged = {
  sort: 'latency',
  only: [],
  ignore: [],
  attemptsMax: 3,
  hedgeAfterMs: 100,
  continues: false,
  requires: null,
} as const

describe('the durations of a grant', () => {
  test('are cut to what the frame carries', () => {
    const bench = new CoreHarness({ leaseTtlMs: 3 * durationMsMax })
    bench.join(['m'], 4)
    bench.submit({ deadlineMs: 2 * durationMsMax })
    const { deadlineMs, ttlMs } = bench.grant()
    expect([deadlineMs, ttlMs]).toEqual([durationMsMax, durationMsMax])
    expect(deadlineField.accepts(deadlineMs) && ttlField.accepts(ttlMs)).toBe(true)
  })

  test('stay whole and at least 1 when the clock steps back or forth', () => {
    for (const stepMs of [-400_000_000, 59_999.5]) {
      const bench = new CoreHarness()
      bench.nowMs = 500_000_000
      const session = bench.join(['m'])
      bench.submit()
      bench.nowMs += stepMs
      bench.credit(session, 1)
      const grants = bench.take('grant')
      for (const { deadlineMs } of grants) {
        expect(Number.isInteger(deadlineMs) && deadlineMs >= 1 && deadlineField.accepts(deadlineMs)).toBe(true)
      }
      expect(grants.length).toBe(1)
    }
  })
})
