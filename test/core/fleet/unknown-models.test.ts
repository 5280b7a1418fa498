/** Models that nobody offers: who waits for them, and for how long. */
import { expect, test } from 'vitest'
import { CoreHarness } from '../../support/hub/core-harness.ts'

/** The task of a durable intent that waits for a scout. */
function waiting(bench: CoreHarness): number {
  return bench.accept({ answer: [] }, { tenant: 'other', deadlineMs: 3_600_000 }).answer
}

test('a model that only a durable task waits for is unknown to clients, at once', () => {
  const bench = new CoreHarness()
  const task = waiting(bench)
  expect(bench.ended(bench.submit({ model: 'm' })).fault?.code).toBe('model_not_found')
  const session = bench.join(['m'], 1)
  expect(bench.grant()).toMatchObject({ task, session })
})

test('the boot grace is the same for a client whose model a durable task waits for, too', () => {
  const bench = new CoreHarness({ bootGraceMs: 2_000, modelGraceMs: 60_000 })
  waiting(bench)
  const early = bench.submit({ model: 'm' })
  bench.pass(2_100)
  expect(bench.ended(early).fault?.code).toBe('model_not_found')
})

test('a model whose scouts did not come back is unknown to clients, though a durable task still waits for it', () => {
  const bench = new CoreHarness()
  const session = bench.join(['m'])
  const task = waiting(bench)
  bench.gone(session)
  bench.pass(1.5 * bench.settings.modelGraceMs)
  expect(bench.ended(bench.submit({ model: 'm' })).fault?.code).toBe('model_not_found')
  bench.join(['m'], 1)
  expect(bench.grant().task).toBe(task)
})
