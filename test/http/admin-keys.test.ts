import { afterEach, beforeEach, expect, test } from 'vitest'
import { StoreError } from '../../orchestrator/engine/ports/store.ts'
import { startEdge, type TestEdge } from '../support/hub/client-edge.ts'

let edge: TestEdge
beforeEach(() => {
  edge = startEdge()
})
afterEach(() => edge.hub.stop())

const asAdmin = () => edge.keys.admin

interface ShownKey {
  id: string
  role: string
  name: string
  key?: string
  revoked: number | null
}

test('an admin makes a key, sees it once, and revokes it', async () => {
  const made = await edge.post('/v1/admin/keys', { role: 'client', name: 'Ada' }, {}, asAdmin())
  expect(made.status).toBe(201)
  const shown = (await made.json()) as ShownKey
  expect(shown).toMatchObject({ object: 'key', role: 'client', name: 'Ada', weight: 1, revoked: null })
  expect(shown.key).toMatch(/^chasm_client_[0-9A-Za-z]{49}$/)
  expect((await edge.ask('/v1/models', {}, shown.key!)).status).toBe(200)

  const listedText = await (await edge.ask('/v1/admin/keys', {}, asAdmin())).text()
  expect(listedText).not.toMatch(/chasm_client_|digest/)
  for (const { digest } of edge.keyring.list()) expect(listedText).not.toContain(digest)
  const listed = (JSON.parse(listedText) as { data: ShownKey[] }).data
  expect(listed.map(({ name }) => name)).toEqual(['a client', 'an admin', 'a scout', 'Ada'])

  const revoked = await edge.ask(`/v1/admin/keys/${shown.id}`, { method: 'DELETE' }, asAdmin())
  expect(await revoked.json()).toEqual({ id: shown.id, object: 'key', deleted: true })
  const refused = await edge.ask('/v1/models', {}, shown.key!)
  expect(refused.status).toBe(401)
  expect(await refused.text()).toContain('revoked')
  const after = (await (await edge.ask('/v1/admin/keys', {}, asAdmin())).json()) as { data: ShownKey[] }
  expect(after.data.at(-1)!.revoked).toBeGreaterThan(1_700_000_000)

  const again = await edge.ask(`/v1/admin/keys/${shown.id}`, { method: 'DELETE' }, asAdmin())
  expect(again.status).toBe(404)
  expect(await again.json()).toMatchObject({ error: { code: 'not_found', param: 'id' } })
  expect(edge.logged.map(({ message }) => message)).toEqual(['key made', 'key revoked'])
  expect(JSON.stringify(edge.logged)).not.toMatch(/chasm_client_/)
})

test.each([
  [{ name: 'x' }, 'role'],
  [{ role: 'king', name: 'x' }, 'role'],
  [{ role: 'client' }, 'name'],
  [{ role: 'client', name: '' }, 'name'],
  [{ role: 'client', name: 'x'.repeat(65) }, 'name'],
  [{ role: 'client', name: 'x\u001b[2J' }, 'name'],
  [{ role: 'client', name: 'x', colour: 1 }, 'colour'],
  [{ role: 'client', name: 'x', weight: 0 }, 'weight'],
  [{ role: 'client', name: 'x', weight: 100.5 }, 'weight'],
  [{ role: 'client', name: 'x', weight: '3' }, 'weight'],
])('the key request %j is refused and %s is named', async (body, param) => {
  const response = await edge.post('/v1/admin/keys', body, {}, asAdmin())
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error: { code: 'invalid_request', param } })
  expect(edge.keyring.list()).toHaveLength(3)
})

test('a key is made with its weight, which the list shows', async () => {
  for (const weight of [0.1, 100]) {
    const made = await edge.post('/v1/admin/keys', { role: 'client', name: 'heavy', weight }, {}, asAdmin())
    expect(await made.json()).toMatchObject({ weight })
  }
  const { data } = (await (await edge.ask('/v1/admin/keys', {}, asAdmin())).json()) as { data: { weight: number }[] }
  expect(data.map(({ weight }) => weight)).toEqual([1, 1, 1, 0.1, 100])
})

test('a key that cannot be made or revoked on a full disk is refused with 503, which is no defect', async () => {
  const full = () => {
    throw new StoreError('full', 'database or disk is full')
  }
  edge.keyring.issue = full
  edge.keyring.revoke = full
  const made = await edge.post('/v1/admin/keys', { role: 'client', name: 'x' }, {}, asAdmin())
  const revoked = await edge.ask('/v1/admin/keys/key_1', { method: 'DELETE' }, asAdmin())
  for (const response of [made, revoked]) {
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('5')
    expect(await response.json()).toMatchObject({ error: { code: 'store_unavailable' } })
  }
  expect(edge.logged.map(({ level }) => level)).toEqual(['warn', 'warn'])
})
