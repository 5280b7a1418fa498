import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ScoutTrust, TrustReport } from '../../../orchestrator/engine/ports/trust/trust-report.ts'
import { startEdge, type TestEdge } from '../../support/hub/client-edge.ts'

let edge: TestEdge
beforeEach(() => {
  edge = startEdge()
})
afterEach(() => edge.hub.stop())

const trustOf = (owner: string): ScoutTrust => ({
  ...{ scout: `${owner}/ant`, model: 'm', owner, state: 'watched', doubt: 4.3, passed: 3, needed: 10 },
  ...{ checks: 12, failed: 3, sinceMs: 1_700_000_000_500, untilMs: null, sentences: ['Answers for m differed.'] },
})

const report = (...owners: string[]): TrustReport => ({
  ...{ isEnforced: true, scouts: owners.map(trustOf), more: 0, asked: 7, settled: 200, pending: 1, dropped: 0 },
  ...{ ended: { booked: 5 }, booked: { pass: 8 }, braked: ['m'] },
})

test('an admin sees what audits found out about all scouts, with reasons and counts', async () => {
  edge.engine.trust = report('a', 'b')
  const listed = await (await edge.ask('/v1/trust', {}, edge.keys.admin)).json()
  expect(listed).toMatchObject({
    mode: 'enforce',
    data: [{ object: 'scout.trust', scout: 'a/ant', state: 'watched', since: 1_700_000_000, until: null }, {}],
    audits: { asked_24h: 7, settled_24h: 200, booked: { pass: 8 }, braked: ['m'] },
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

test('nobody audits: the list is empty and says so', async () => {
  const listed = await (await edge.ask('/v1/trust', {}, edge.keys.admin)).json()
  expect(listed).toEqual({ object: 'list', mode: 'off', data: [], more: 0, audits: null })
})
