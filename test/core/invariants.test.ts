/** The recount of a core that was damaged by hand: each flaw is one sentence with its number and its facts. */
import { expect, test } from 'vitest'
import { Core } from '../../orchestrator/core/core.ts'
import { violations } from '../../orchestrator/core/invariants.ts'
import { defaultCoreSettings } from '../../orchestrator/core/settings.ts'
import { countingNonces } from '../support/hub/core-harness.ts'

test('what does not hold is told with the figures that differ', () => {
  const { state } = new Core({ settings: defaultCoreSettings, seed: 1, nowMs: 0, makeNonce: countingNonces() })
  expect(violations(state)).toEqual([])
  state.leases = 3
  state.queuedByClients = 2
  state.wheel.armed = 1
  expect(violations(state)).toEqual([
    '2. leases: count 3',
    '6. queues: count 2 of clients',
    '6. queues: count 0',
    '12. wheel: 1 armed for 0 owners',
  ])
})
