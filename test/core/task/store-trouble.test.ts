import { expect, test } from 'vitest'
import { fault } from '../../../shared/faults.ts'
import { CoreHarness } from '../../support/hub/core-harness.ts'

const gone = fault('scout_draining', 'Its edge is gone.')

test('a grant that is taken back for want of a store gives its credit back, once', () => {
  const bench = new CoreHarness()
  const session = bench.join(['m'], 4)
  bench.accept({ answer: [] })
  const { task, attempt } = bench.grant()
  const scout = bench.state.roster.bySession.get(session)!
  expect(scout.credits).toBe(3)
  bench.step({ type: 'storeTroubled', unsent: [{ session, task, attempt }] })
  expect([scout.credits, scout.running]).toEqual([4, 0])
})

test('one whose intent was cancelled meanwhile does so, too, whatever becomes of its cancel', () => {
  const bench = new CoreHarness()
  const session = bench.join(['m'], 4)
  bench.accept({ answer: [] })
  const { task, attempt } = bench.grant()
  bench.step({ type: 'cancelIntent', intent: 'int', fault: fault('cancelled', 'Cancelled by its client.') })
  expect(bench.take('cancelAttempt')).toMatchObject([{ session, task, attempt }])
  bench.step({ type: 'storeTroubled', unsent: [{ session, task, attempt }] })
  bench.submit()
  const scout = bench.state.roster.bySession.get(session)!
  expect([scout.credits, scout.running]).toEqual([3, 1])
  // Where its socket is at another process, the cancel finds nothing there.
  bench.step({ type: 'unsent', session, task, attempt, fault: gone })
  expect([scout.credits, scout.running]).toEqual([3, 1])
  bench.pass(bench.settings.cancelResendMs * 3)
  expect(bench.take('cancelAttempt')).toEqual([])
})
