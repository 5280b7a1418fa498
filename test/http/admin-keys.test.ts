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
  expect(listed.map(({ name }) => name)).toEqual(['Ada', 'a scout', 'an admin', 'a client'])

  const revoked = await edge.ask(`/v1/admin/keys/${shown.id}`, { method: 'DELETE' }, asAdmin())
  expect(await revoked.json()).toEqual({ id: shown.id, object: 'key', deleted: true })
  const refused = await edge.ask('/v1/models', {}, shown.key!)
  expect(refused.status).toBe(401)
  expect(await refused.text()).toContain('revoked')
  const after = (await (await edge.ask('/v1/admin/keys', {}, asAdmin())).json()) as { data: ShownKey[] }
  expect(after.data[0]!.revoked).toBeGreaterThan(1_700_000_000)

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
  [{ role: 'client', name: 'x', expires: 1 }, 'expires'],
  [{ role: 'client', name: 'x', expires: 2_000_000_000.5 }, 'expires'],
  [{ role: 'client', name: 'x', account: 'acc_none' }, 'account'],
  [{ role: 'client', name: 'x', scopes: [] }, 'scopes'],
  [{ role: 'client', name: 'x', scopes: { routes: ['chats'] } }, 'scopes.routes[0]'],
  [{ role: 'client', name: 'x', scopes: { models: ['a*b'] } }, 'scopes.models[0]'],
  [{ role: 'client', name: 'x', scopes: { models: Array(65).fill('m') } }, 'scopes.models'],
  [{ role: 'client', name: 'x', scopes: { scouts: ['a\nb'] } }, 'scopes.scouts[0]'],
  [{ role: 'client', name: 'x', scopes: { audit: 'no' } }, 'scopes.audit'],
  [{ role: 'client', name: 'x', limits: { requests_per_minute: 0 } }, 'limits.requests_per_minute'],
  [{ role: 'client', name: 'x', limits: { tokens_per_minute: 1e300 } }, 'limits.tokens_per_minute'],
  [
    { role: 'client', name: 'x', limits: { budgets: [{ unit: 'eur', per: 'day', amount: 1 }] } },
    'limits.budgets[0].unit',
  ],
  [
    { role: 'client', name: 'x', limits: { budgets: [{ unit: 'usd', per: 'day', amount: 0 }] } },
    'limits.budgets[0].amount',
  ],
  [
    { role: 'client', name: 'x', limits: { budgets: [{ unit: 'tokens', per: 'day', amount: 0.5 }] } },
    'limits.budgets[0].amount',
  ],
  [
    { role: 'client', name: 'x', limits: { budgets: [1, 2].map((amount) => ({ unit: 'usd', per: 'day', amount })) } },
    'limits.budgets',
  ],
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
  expect(data.map(({ weight }) => weight)).toEqual([100, 0.1, 1, 1, 1])
})

test('a key that cannot be made or revoked on a full disk is refused with 503, which is no defect', async () => {
  const { id } = edge.keyring.list()[0]!
  edge.store.commit = () => {
    throw new StoreError('full', 'database or disk is full')
  }
  const made = await edge.post('/v1/admin/keys', { role: 'client', name: 'x' }, {}, asAdmin())
  const revoked = await edge.ask(`/v1/admin/keys/${id}`, { method: 'DELETE' }, asAdmin())
  for (const response of [made, revoked]) {
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('5')
    expect(await response.json()).toMatchObject({ error: { code: 'store_unavailable' } })
  }
  expect(edge.logged.map(({ level }) => level)).toEqual(['warn', 'warn'])
})

test('keys are listed in pages, of one tenant or of all', async () => {
  for (const name of ['b', 'c', 'd']) edge.keyring.issue('client', name)
  const page = async (query: string) => {
    const response = await edge.ask(`/v1/admin/keys?${query}`, {}, asAdmin())
    return (await response.json()) as { data: ShownKey[]; next: string | null }
  }
  const first = await page('limit=4')
  const second = await page(`limit=4&before=${first.next}`)
  const names = [...first.data, ...second.data].map(({ name }) => name)
  expect(names).toEqual(['d', 'c', 'b', 'a scout', 'an admin', 'a client'])
  expect([first.next, second.next]).toEqual([first.data[3]!.id, null])
  const own = await page(`tenant=${first.data[0]!.id}`)
  expect(own.data.map(({ name }) => name)).toEqual(['d'])
  for (const query of ['limit=0', 'limit=201', 'limit=x', 'limit=-1', `before=${'x'.repeat(65)}`]) {
    expect((await edge.ask(`/v1/admin/keys?${query}`, {}, asAdmin())).status).toBe(400)
  }
})

test('what a key may do is changed by administrators, up as well as down', async () => {
  const { id } = edge.keyring.list()[0]!
  const patch = (body: object) =>
    edge.post(`/v1/admin/keys/${id}`, body, { method: 'PATCH' }, asAdmin()).then((response) => response.json())
  const scopes = { routes: ['chat'], models: ['m*'], scouts: null }
  const limits = {
    requests_per_minute: null,
    tokens_per_minute: 9,
    budgets: [{ unit: 'usd', per: 'month', amount: 0.25 }],
  }
  expect(await patch({ scopes, limits, weight: 3, expires: 4_000_000_000 })).toMatchObject({
    ...{ id, scopes, limits, weight: 3, expires: 4_000_000_000, name: 'a client' },
  })
  expect(await patch({ name: 'b' })).toMatchObject({ scopes, limits, name: 'b' })
  expect(await patch({ scopes: null, limits: null, expires: null })).toMatchObject({
    ...{ scopes: null, limits: null, expires: null, name: 'b', weight: 3 },
  })
  expect(await patch({ role: 'admin' })).toMatchObject({ error: { param: 'role' } })
})

test('an administrator replaces a secret, of the generation that was looked at', async () => {
  const { id } = edge.keyring.list()[0]!
  const path = `/v1/admin/keys/${id}/regenerate`
  const stale = await edge.post(path, { generation: 2 }, {}, asAdmin())
  expect(stale.status).toBe(409)
  const made = await edge.post(path, { generation: 1 }, {}, asAdmin())
  expect(made.status).toBe(201)
  const { key, generation } = (await made.json()) as ShownKey & { generation: number }
  expect(generation).toBe(2)
  const statuses = [edge.keys.client, key!].map(async (each) => (await edge.ask('/v1/models', {}, each)).status)
  expect(await Promise.all(statuses)).toEqual([401, 200])
  expect((await edge.post('/v1/admin/keys/key_none/regenerate', { generation: 1 }, {}, asAdmin())).status).toBe(404)
})

test('accounts and settings are made and changed, and the audit log has who did it and from where', async () => {
  const admin = edge.keyring.list()[1]!.id
  const made = await edge.post('/v1/admin/accounts', { name: 'Ada', role: 'admin' }, {}, asAdmin())
  expect(made.status).toBe(201)
  const account = (await made.json()) as { id: string }
  expect(account).toMatchObject({ object: 'account', address: null, role: 'admin', state: 'active', limits: null })
  const path = `/v1/admin/accounts/${account.id}`
  const address = `0x${'aB'.repeat(20)}`
  expect((await edge.post(path, { address }, { method: 'PATCH' }, asAdmin())).status).toBe(400)
  const changed = await edge.post(path, { address: address.toLowerCase() }, { method: 'PATCH' }, asAdmin())
  expect(await changed.json()).toMatchObject({ id: account.id, name: 'Ada', address: address.toLowerCase() })
  const twice = await edge.post('/v1/admin/accounts', { name: 'B', address: address.toLowerCase() }, {}, asAdmin())
  expect(await twice.json()).toMatchObject({ error: { code: 'invalid_request', param: 'address' } })
  expect(await (await edge.ask(path, {}, asAdmin())).json()).toMatchObject({ id: account.id })
  expect((await edge.ask('/v1/admin/accounts/acc_none', {}, asAdmin())).status).toBe(404)
  expect((await edge.ask('/v1/admin/accounts?state=gone', {}, asAdmin())).status).toBe(400)
  const list = await edge.ask('/v1/admin/accounts?state=active', {}, asAdmin())
  expect(await list.json()).toMatchObject({ object: 'list', data: [{ id: account.id }], next: null })

  const settings = await edge.post('/v1/admin/settings', { signup: 'approve' }, { method: 'PATCH' }, asAdmin())
  expect(await settings.json()).toEqual({ object: 'settings', signup: 'approve' })
  expect(await (await edge.ask('/v1/auth', {}, null)).json()).toMatchObject({ signup: 'approve', session: null })

  const audit = (await (await edge.ask('/v1/admin/audit?limit=4', {}, asAdmin())).json()) as {
    data: object[]
    next: string
  }
  expect(audit.data).toMatchObject([
    { actor: admin, action: 'setting.changed', before: { value: 'open' }, after: { value: 'approve' } },
    { actor: admin, address: '127.0.0.1', action: 'account.changed', subject: account.id },
    { action: 'key.made' },
    { action: 'account.made', subject: account.id, before: null, after: { name: 'Ada' } },
  ])
  const rest = await edge.ask(`/v1/admin/audit?before=${audit.next}`, {}, asAdmin())
  expect(await rest.json()).toMatchObject({ data: [{ seq: 3 }, { seq: 2 }, { seq: 1 }], next: null })
  const about = await edge.ask(`/v1/admin/audit?subject=${account.id}`, {}, asAdmin())
  expect(((await about.json()) as { data: object[] }).data).toHaveLength(2)
})
