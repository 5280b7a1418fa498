import { afterEach, beforeEach, expect, test } from 'vitest'
import type { AppealAsked } from '../../../orchestrator/engine/ports/trust/appeals.ts'
import type { ScoutTrust, TrustReport } from '../../../orchestrator/engine/ports/trust/trust-report.ts'
import { fault } from '../../../shared/faults.ts'
import { startEdge, type TestEdge } from '../../support/hub/client-edge.ts'

let edge: TestEdge
beforeEach(() => {
  edge = startEdge()
})
afterEach(() => edge.hub.stop())

const trustOf = (owner: string): ScoutTrust => ({
  ...{ scout: `${owner}/ant`, model: 'm', owner, state: 'watched', doubt: 4.3, passed: 3, needed: 10 },
  ...{ checks: 12, failed: 3, sinceMs: 1_700_000_000_500, untilMs: null, appeal: null },
  sentences: ['Answers for m differed.'],
})

const report = (...owners: string[]): TrustReport => ({
  ...{
    isEnforced: true,
    scouts: owners.map(trustOf),
    more: 0,
    asked: 7,
    settled: 200,
    money: { spent: 1_500_000, perDay: 2e6 },
    pending: 1,
    dropped: 0,
  },
  ...{ ended: { booked: 5 }, booked: { pass: 8 }, braked: ['m'] },
})

test('an admin sees what audits found out about all scouts, with reasons and counts', async () => {
  edge.engine.trust = report('a', 'b')
  const listed = await (await edge.ask('/v1/trust', {}, edge.keys.admin)).json()
  expect(listed).toMatchObject({
    mode: 'enforce',
    data: [{ object: 'scout.trust', scout: 'a/ant', state: 'watched', since: 1_700_000_000, until: null }, {}],
    audits: { spent_usd_24h: 1.5, usd_24h_max: 2, asked_24h: 7, settled_24h: 200, booked: { pass: 8 }, braked: ['m'] },
  })
  expect((await edge.ask('/v1/trust')).status).toBe(403)
})

test('who runs scouts sees its own, and no counts', async () => {
  const { tenant } = edge.keyring.list().find(({ role }) => role === 'client')!
  edge.engine.trust = report('a', tenant)
  const listed = (await (await edge.ask('/v1/me/trust')).json()) as { data: unknown[] }
  expect(listed.data).toMatchObject([{ owner: tenant, sentences: ['Answers for m differed.'] }])
  expect(listed).not.toHaveProperty('audits')
})

test('of one scout alone what was found out about it is told, to whom it may be', async () => {
  const { tenant } = edge.keyring.list().find(({ role }) => role === 'client')!
  edge.engine.trust = report('a', tenant)
  const of = async (path: string, key?: string) => {
    const { data } = (await (await edge.ask(path, {}, key)).json()) as { data: { scout: string }[] }
    return data.map(({ scout }) => scout)
  }
  expect(await of('/v1/trust?scout=a%2Fant', edge.keys.admin)).toEqual(['a/ant'])
  expect(await of(`/v1/me/trust?scout=${tenant}%2Fant`)).toEqual([`${tenant}/ant`])
  expect(await of('/v1/me/trust?scout=a%2Fant')).toEqual([])
})

test('an appeal is made by whoever sends it, of the scout in the path and the model in the body', async () => {
  const { tenant } = edge.keyring.list().find(({ role }) => role === 'client')!
  const asked: AppealAsked[] = []
  edge.engine.appeals = {
    appeal: async (of) => {
      asked.push(of)
      if (of.model === 'none') return fault('not_found', 'Nothing is known of such a scout.')
      return { ...trustOf(tenant), state: 'convicted', appeal: 'under_way' }
    },
  }
  const path = `/v1/trust/${encodeURIComponent(`${tenant}/ant`)}/appeal`
  const bare = await edge.ask(path, { method: 'POST' })
  expect([bare.status, await bare.json()]).toMatchObject([200, { object: 'scout.trust', appeal: 'under_way' }])
  expect((await edge.post(path, { model: 'm' })).status).toBe(200)
  expect((await edge.post(path, { model: 'none' })).status).toBe(404)
  expect((await edge.post(path, { modell: 'm' })).status).toBe(400)
  expect(asked.map(({ model }) => model)).toEqual([null, 'm', 'none'])
  expect(asked[0]).toEqual({ scout: `${tenant}/ant`, model: null, owner: tenant })
  expect((await edge.post(path, {}, {}, null)).status).toBe(401)
})

test('nobody convicts: an appeal is to nobody', async () => {
  expect((await edge.post('/v1/trust/a%2Fant/appeal', {})).status).toBe(404)
})

test('nobody audits: the list is empty and says so', async () => {
  const listed = await (await edge.ask('/v1/trust', {}, edge.keys.admin)).json()
  expect(listed).toEqual({ object: 'list', mode: 'off', data: [], more: 0, audits: null })
})
