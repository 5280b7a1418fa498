/** What an operator is told to look at. */
import { expect, test } from 'vitest'
import { findings, type Watched } from '../../../orchestrator/http/live/attention.ts'
import { FakeEngine } from '../../support/hub/fake-engine.ts'

const stats = new FakeEngine().stats()
const sound = { ...stats, scouts: 3, tasksQueued: 0, usageDropped: 0 }
const fleet = { failing: 0, paused: 0, idle: 0 }
const well: Watched = { stats: sound, fleet, sample: null, isReady: true, waiting: 0 }
const sample = {
  ...{ requests: 10, client_errors: 5, hub_errors: 0, tokens: 0, first_content_p50: null, first_content_p95: null },
  ...{ queued: 0, leased: 0, scouts: 3 },
}

test('nothing, when all is well; what clients do wrong is theirs', () => {
  expect(findings(well)).toEqual([])
  expect(findings({ ...well, sample })).toEqual([])
})

test.each([
  [{ isReady: false }, 'The orchestrator takes no new requests', 'overview'],
  [{ stats: { ...sound, scouts: 0 } }, 'No scout is connected', 'connect/scout'],
  [{ stats: { ...sound, tasksQueued: 1, creditsHeld: 0 } }, '1 task waits for a scout', 'scouts'],
  [{ sample: { ...sample, hub_errors: 1 } }, '10 % of the requests of the last seconds failed', 'scouts'],
  [{ stats: { ...sound, usageDropped: 2 } }, '2 rows of usage could not be written and are lost', 'usage'],
  [{ fleet: { failing: 1, paused: 0, idle: 0 } }, '1 scout fails more than one task in five', 'scouts?show=failing'],
  [{ fleet: { failing: 0, paused: 2, idle: 0 } }, '2 scouts wait for a provider', 'scouts?show=paused'],
  [{ fleet: { failing: 0, paused: 0, idle: 1 } }, '1 scout had no task in 24 hours', 'scouts?show=idle'],
  [{ waiting: 1 }, '1 account waits to be let in', 'admin/accounts?state=waiting'],
  [{ waiting: 20 }, '20 accounts or more wait to be let in', 'admin/accounts?state=waiting'],
] satisfies [Partial<Watched>, string, string][])('%j: a sentence, a remedy and a page', (change, problem, page) => {
  const [found, ...more] = findings({ ...well, ...change })
  expect(found).toMatchObject({ problem: expect.stringContaining(problem), page })
  expect(found!.remedy).toMatch(/\.$/)
  expect(more).toEqual([])
})
