/** A scout's verdict about a client's request: a stranger's word, which needs a second one where there is somebody. */
import { describe, expect, test } from 'vitest'
import { defaultRouting } from '../../../orchestrator/core/model/routing-options.ts'
import type { FaultCode } from '../../../shared/faults.ts'
import { CoreHarness } from '../../support/hub/core-harness.ts'

const verdicts: FaultCode[] = [
  'invalid_request',
  'content_refused',
  'context_length_exceeded',
  'request_too_large',
  'answer_too_large',
]

/** A scout of one operator that has the task, and one of another. */
function two(creditsOfOther = 1) {
  const bench = new CoreHarness({ secondOpinionMs: 3_000 })
  bench.join(['m'], 4, { scout: 'liar/s', operator: 'liar' })
  const task = bench.submit()
  const grant = bench.grant()
  const other = bench.join(['m'], creditsOfOther, { scout: 'honest/s', operator: 'honest' })
  const record = (name: string) => bench.state.roster.records.get(name)!
  return { bench, task, grant, other, record }
}

describe('a verdict about the client', () => {
  for (const code of verdicts) {
    test(`(${code}) that another operator contradicts is not heard, and counts against its scout`, () => {
      const { bench, task, grant, other, record } = two()
      bench.settle(grant, 'failed', code)
      const second = bench.grant()
      expect(second).toMatchObject({ session: other, task, attempt: 2 })
      expect(record('liar/s').failureRate).toBe(0)
      bench.settle(second)
      expect(bench.ended(task).fault).toBeNull()
      expect(record('liar/s')).toMatchObject({ failed: 1, failureRate: 0.2 })
      expect(record('honest/s').failed).toBe(0)
    })
  }

  test('that another operator confirms is final, and costs nobody anything', () => {
    const { bench, task, grant, record } = two()
    bench.settle(grant, 'failed', 'invalid_request')
    bench.settle(bench.grant(), 'failed', 'content_refused')
    expect(bench.ended(task).fault?.code).toBe('invalid_request')
    for (const name of ['liar/s', 'honest/s']) expect(record(name)).toMatchObject({ failed: 0, failureRate: 0 })
  })

  test('is final at once while there is one operator only, however many scouts it has', () => {
    const bench = new CoreHarness()
    for (let at = 0; at < 3; at++) bench.join(['m'], 1)
    const task = bench.submit()
    bench.settle(bench.grant(), 'failed', 'invalid_request')
    expect(bench.ended(task).fault?.code).toBe('invalid_request')
  })

  test('waits for a busy scout of another operator, past idle ones of its own', () => {
    const { bench, task, grant, other } = two(0)
    for (let at = 0; at < 5; at++) bench.join(['m'], 4, { scout: `liar/${at}`, operator: 'liar' })
    bench.settle(grant, 'failed', 'invalid_request')
    bench.pass(2_900)
    expect(bench.take('grant')).toEqual([])
    bench.credit(other, 1)
    const second = bench.grant()
    expect(second).toMatchObject({ session: other, attempt: 2 })
    bench.settle(second)
    expect(bench.ended(task).fault).toBeNull()
  })

  test('stands when nobody else has time for the task', () => {
    const { bench, task, grant } = two(0)
    bench.settle(grant, 'failed', 'invalid_request')
    bench.pass(3_100)
    expect(bench.ended(task).fault?.code).toBe('invalid_request')
  })

  test('stands when the other attempt fails for another reason, but not when it is handed back', () => {
    for (const outcome of ['failed', 'released'] as const) {
      const { bench, task, grant } = two(2)
      bench.settle(grant, 'failed', 'invalid_request')
      bench.settle(bench.grant(), outcome, 'scout_error')
      if (outcome === 'released') {
        bench.settle(bench.grant())
        expect(bench.ended(task).fault).toBeNull()
      } else expect(bench.ended(task).fault?.code).toBe('invalid_request')
    }
  })

  test('is final at once for a client that excludes everybody else', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 4, { scout: 'one/s', operator: 'one' })
    bench.join(['m'], 4, { scout: 'other/s', operator: 'other' })
    const task = bench.submit({ routing: { ...defaultRouting, only: ['one'] } })
    bench.settle(bench.grant(), 'failed', 'invalid_request')
    expect(bench.ended(task).fault?.code).toBe('invalid_request')
  })

  test('does not end a race with a scout of another operator', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 1, { scout: 'liar/s', operator: 'liar' })
    const task = bench.submit({ routing: { ...defaultRouting, hedgeAfterMs: 200 } })
    const first = bench.grant()
    bench.join(['m'], 1, { scout: 'honest/s', operator: 'honest' })
    bench.pass(300)
    const second = bench.grant()
    bench.settle(first, 'failed', 'content_refused')
    bench.settle(second)
    expect(bench.ended(task).fault).toBeNull()
    expect(bench.state.roster.records.get('liar/s')!.failed).toBe(1)
  })

  test.each([
    ['says the same', 'failed', 'invalid_request'],
    ['fails', 'failed', 'scout_error'],
    ['is lost', null, null],
  ] as const)('is not final when a scout of the same operator that races with the first %s', (_what, outcome, code) => {
    const bench = new CoreHarness({ secondOpinionMs: 3_000 })
    bench.join(['m'], 1, { scout: 'liar/s', operator: 'liar' })
    const task = bench.submit({ routing: { ...defaultRouting, hedgeAfterMs: 200 } })
    const first = bench.grant()
    const accomplice = bench.join(['m'], 1, { scout: 'liar/t', operator: 'liar' })
    bench.pass(300)
    const race = bench.grant()
    const other = bench.join(['m'], 0, { scout: 'honest/s', operator: 'honest' })
    bench.settle(first, 'failed', 'content_refused')
    if (outcome === null) bench.gone(accomplice)
    else bench.settle(race, outcome, code)
    bench.pass(1_500)
    bench.credit(other, 1)
    const second = bench.grant()
    expect(second).toMatchObject({ session: other, attempt: 3 })
    bench.settle(second)
    expect(bench.ended(task).fault).toBeNull()
  })

  test('of a node of an intent needs a second one too', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 4, { scout: 'liar/s', operator: 'liar' })
    bench.accept({ a: [] })
    const grant = bench.grant()
    const other = bench.join(['m'], 4, { scout: 'honest/s', operator: 'honest' })
    bench.settle(grant, 'failed', 'content_refused')
    const second = bench.grant()
    expect(second).toMatchObject({ session: other, attempt: 2 })
    bench.settle(second)
    expect(bench.changes().at(-1)).toBe('int done')
  })
})

describe('what concerns one request', () => {
  test('blames no scout: of its model it has said what it was told', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 4)
    bench.submit()
    bench.settle(bench.grant(), 'failed', 'not_offered')
    const { failed, failureRate } = bench.state.roster.records.get('operator/s1')!
    expect({ failed, failureRate }).toEqual({ failed: 0, failureRate: 0 })
    expect(bench.state.index.entry('chat', 'm')?.scouts).toBe(1)
  })

  test('is answered at once when its scout was the last to offer the model', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 4)
    const task = bench.submit()
    bench.settle(bench.grant(), 'failed', 'not_offered')
    bench.step({ type: 'scoutOffers', session, concurrency: 4, offers: [] })
    bench.pass(bench.settings.retryBaseMs + 50)
    expect(bench.ended(task).fault?.code).toBe('model_not_found')
  })
})
