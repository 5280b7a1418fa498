/** Sessions over HTTP: what a cookie may do, from where, how it begins and ends, and what it may not do. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { StoreError } from '../../../orchestrator/engine/ports/store.ts'
import { freshSignInMs, sessionIdleMs } from '../../../shared/limits/keys.ts'
import { realSystem } from '../../../shared/system.ts'
import { OwnPage } from '../../support/clients/own-page.ts'
import { startEdge, type TestEdge } from '../../support/hub/client-edge.ts'

const real = realSystem()
const root = { id: 'console', address: '' }
let aheadMs: number
let edge: TestEdge
let page: OwnPage

beforeEach(() => {
  aheadMs = 0
  edge = startEdge({}, { ...real, nowMs: () => real.nowMs() + aheadMs })
  page = new OwnPage(`http://127.0.0.1:${edge.hub.port}`)
})
afterEach(() => edge.hub.stop())

interface ShownKey {
  id: string
  key: string
  generation: number
  name: string
}

async function operator(): Promise<OwnPage> {
  const made = edge.accounts.links.make(null, root)
  if ('code' in made) throw new Error(made.message)
  const admin = new OwnPage(page.url)
  expect((await admin.post('/v1/auth/link', { token: made.token })).status).toBe(200)
  return admin
}

describe('a cookie', () => {
  test('lets its account see its own keys, models and intents, and nothing of administrators', async () => {
    await page.sign()
    const statuses = ['/v1/me', '/v1/me/keys', '/v1/models', '/v1/intents', '/v1/admin/keys'].map(async (path) => {
      return (await page.ask(path)).status
    })
    expect(await Promise.all(statuses)).toEqual([200, 200, 200, 200, 403])
  })

  test.each<[string, string, Record<string, string>]>([
    ['a write from a foreign page', 'DELETE', { origin: 'http://evil.example' }],
    ['a write from another port', 'DELETE', { origin: 'http://127.0.0.1:1' }],
    ['a write from the same site', 'DELETE', { 'sec-fetch-site': 'same-site' }],
    ['a read from a foreign page', 'GET', { origin: 'http://evil.example' }],
    ['a read that another site begins', 'GET', { 'sec-fetch-site': 'cross-site' }],
    ['a read at another name', 'GET', { host: 'evil.example' }],
  ])('does not count for %s', async (_what, method, headers) => {
    await page.sign()
    const before = edge.store.audit({ limit: 99 })
    const path = method === 'GET' ? '/v1/me' : '/v1/auth/session'
    const status = (await page.ask(path, { method, headers })).status
    expect(status).toBe(headers.host === undefined ? 403 : 401)
    expect(edge.store.audit({ limit: 99 })).toEqual(before)
    expect((await page.ask('/v1/me')).status).toBe(200)
  })

  test('does not count for a write without an Origin', async () => {
    await page.sign()
    const refused = await fetch(`${page.url}/v1/auth/session`, { method: 'DELETE', headers: { cookie: page.cookie! } })
    expect(refused.status).toBe(403)
    expect((await page.ask('/v1/me')).status).toBe(200)
  })

  test('is never offered to pages of other origins, whatever CORS_ORIGINS says', async () => {
    const open = startEdge({ corsOrigins: ['http://evil.example'] })
    const mine = new OwnPage(`http://127.0.0.1:${open.hub.port}`)
    await mine.sign()
    const refused = await mine.ask('/v1/me', { headers: { origin: 'http://evil.example' } })
    expect(refused.status).toBe(403)
    expect(refused.headers.has('access-control-allow-credentials')).toBe(false)
    await open.hub.stop()
  })

  test('that somebody planted is worth nothing after a sign-in', async () => {
    const stranger = new OwnPage(page.url)
    await stranger.sign()
    page.cookie = stranger.cookie
    await page.sign()
    expect(page.cookie).not.toBe(stranger.cookie)
    expect(await (await page.ask('/v1/me')).json()).toMatchObject({
      account: { address: page.wallet.address.toLowerCase() },
    })
  })

  test('has the name and marks of https behind a proxy', async () => {
    const secure = startEdge({ publicUrl: 'https://hub.example' })
    const headers = { host: 'hub.example', origin: 'https://hub.example' }
    const mine = new OwnPage(`http://127.0.0.1:${secure.hub.port}`)
    const made = await mine.send('POST', '/v1/auth/key', { key: secure.keys.client }, headers)
    expect(made.headers.get('set-cookie')).toMatch(
      /^__Host-chasm=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure; Max-Age=604800$/,
    )
    expect((await mine.send('POST', '/v1/auth/key', { key: secure.keys.client })).status).toBe(403)
    await secure.hub.stop()
  })
})

test('the one address that a hub was told to listen on is its page as well', async () => {
  const listening = startEdge({ pageHosts: ['127.0.0.1', '192.0.2.5'] })
  const { port } = listening.hub
  const mine = new OwnPage(`http://127.0.0.1:${port}`)
  const at = (host: string) => ({ host: `${host}:${port}`, origin: `http://${host}:${port}` })
  const statuses = ['192.0.2.5', '192.0.2.6'].map(async (host) => {
    return (await mine.send('POST', '/v1/auth/key', { key: listening.keys.client }, at(host))).status
  })
  expect(await Promise.all(statuses)).toEqual([200, 403])
  await listening.hub.stop()
})

describe('a session ends', () => {
  test('when its owner signs out, here or everywhere', async () => {
    await page.sign()
    const elsewhere = new OwnPage(page.url, undefined)
    Object.assign(elsewhere, { wallet: page.wallet })
    await elsewhere.sign()
    const third = page.cookie
    await page.sign()
    const out = await page.ask('/v1/auth/session', { method: 'DELETE' })
    expect(await out.json()).toEqual({ object: 'session', deleted: true })
    expect(out.headers.get('set-cookie')).toMatch(/=; .*Max-Age=0$/)
    expect((await page.ask('/v1/me')).status).toBe(401)
    const all = await elsewhere.ask('/v1/auth/sessions', { method: 'DELETE' })
    expect(await all.json()).toEqual({ object: 'session', deleted: true, count: 2 })
    page.cookie = third
    expect([(await page.ask('/v1/me')).status, (await elsewhere.ask('/v1/me')).status]).toEqual([401, 401])
  })

  test('after a while without a request', async () => {
    await page.sign()
    aheadMs = sessionIdleMs - 1_000
    expect((await page.ask('/v1/me')).status).toBe(200)
    aheadMs += sessionIdleMs
    const refused = await page.ask('/v1/me')
    expect(refused.status).toBe(401)
    expect(await refused.text()).toContain('The session is over: sign in again.')
  })

  test('with its account', async () => {
    await page.sign()
    const [account] = edge.store.accounts({ limit: 1 })
    edge.accounts.changeAccount(account!.id, { state: 'suspended' }, root)
    expect((await page.ask('/v1/me')).status).toBe(401)
  })

  test('with the key that opened it: replaced or revoked', async () => {
    for (const end of ['regenerate', 'revoke'] as const) {
      const { key, row } = edge.keyring.issue('client', 'pasted')
      expect((await page.post('/v1/auth/key', { key })).status).toBe(200)
      expect(await (await page.ask('/v1/me')).json()).toMatchObject({ key: row.id, role: 'client', mints: 'never' })
      if (end === 'regenerate') edge.keyring.regenerate(row.id, 1)
      else edge.keyring.revoke(row.id)
      expect((await page.ask('/v1/me')).status).toBe(401)
    }
  })
})

describe('a login link', () => {
  test('signs the operator in as an administrator, once', async () => {
    const made = edge.accounts.links.make(null, root)
    if ('code' in made) throw new Error(made.message)
    const first = await page.post('/v1/auth/link', { token: made.token })
    expect(await first.json()).toMatchObject({ role: 'admin', account: { name: 'operator' }, mints: 'session' })
    expect((await page.ask('/v1/admin/keys')).status).toBe(200)
    const second = await new OwnPage(page.url).post('/v1/auth/link', { token: made.token })
    expect(second.status).toBe(401)
    expect(await second.text()).toContain('This link is unknown, used or over')
    expect(second.headers.has('set-cookie')).toBe(false)
  })

  test('is over after ten minutes of the clock that nobody sets', async () => {
    const made = edge.accounts.links.make(null, root)
    if ('code' in made) throw new Error(made.message)
    aheadMs = 600_000
    expect((await page.post('/v1/auth/link', { token: made.token })).status).toBe(401)
  })
})

describe('making keys', () => {
  test('takes a signature each, and the key answers', async () => {
    await page.sign()
    const scopes = { routes: ['chat'], models: ['demo*'], scouts: null }
    const limits = { requests_per_minute: 5, budgets: [{ unit: 'usd', per: 'day', amount: 0.5 }] }
    const wanted = { role: 'client', name: 'laptop', scopes, limits, expires: 4_000_000_000 }
    const response = await page.sign({ type: 'make_key', key: wanted })
    expect(response.status).toBe(201)
    const made = (await response.json()) as ShownKey
    expect(made).toMatchObject({
      ...{ object: 'key', role: 'client', name: 'laptop', generation: 1, last4: made.key.slice(-4), scopes },
      limits: { requests_per_minute: 5, tokens_per_minute: null, budgets: limits.budgets },
      ...{ expires: 4_000_000_000, revoked: null, open: { scouts: 0, streams: 0 } },
    })
    expect((await edge.ask('/v1/models', {}, made.key)).status).toBe(200)
  })

  test('by a session alone is refused for a wallet, also of an administrator, and writes nothing', async () => {
    edge.accounts.makeAccount({ name: 'Ada', address: page.wallet.address, role: 'admin', limits: null }, root)
    await page.sign()
    const { length } = edge.store.listKeys()
    const made = await page.send('POST', '/v1/admin/keys', { role: 'client', name: 'x' })
    const replaced = await page.send('POST', `/v1/admin/keys/${edge.store.listKeys()[0]!.id}/regenerate`, {
      generation: 1,
    })
    for (const refused of [made, replaced]) {
      expect(refused.status).toBe(403)
      expect(await refused.text()).toContain('A wallet signs for each key')
    }
    expect(edge.store.listKeys()).toHaveLength(length)
  })

  test('by an administrator without a wallet works for 15 minutes after signing in', async () => {
    const admin = await operator()
    const made = await admin.send('POST', '/v1/admin/keys', { role: 'client', name: 'x' })
    expect(made.status).toBe(201)
    expect(await made.json()).toMatchObject({ account: edge.store.operatorAccount()!.id })
    const nobodys = await admin.send('POST', '/v1/admin/keys', { role: 'client', name: 'x', account: null })
    expect(await nobodys.json()).toMatchObject({ account: null })
    aheadMs = freshSignInMs
    const refused = await admin.send('POST', '/v1/admin/keys', { role: 'client', name: 'y' })
    expect(refused.status).toBe(403)
    expect(await refused.text()).toContain('sign in again')
    expect((await admin.ask('/v1/admin/keys')).status).toBe(200)
  })

  test.each([
    ['an administrator', { role: 'admin', name: 'x' }],
    ['somebody else', { role: 'client', name: 'x', account: 'acc_of_another' }],
  ])('for %s is not for members: 403', async (_who, key) => {
    await page.sign()
    const { length } = edge.store.listKeys()
    expect((await page.sign({ type: 'make_key', key })).status).toBe(403)
    expect(edge.store.listKeys()).toHaveLength(length)
  })

  test('replaces a secret under its id; the old one is refused at once, and a second time is 409', async () => {
    await page.sign()
    const made = (await (await page.sign({ type: 'make_key', key: { role: 'client', name: 'a' } })).json()) as ShownKey
    const action = { type: 'regenerate_key', id: made.id, generation: 1 }
    const response = await page.sign(action)
    expect(response.status).toBe(201)
    const again = (await response.json()) as ShownKey
    expect(again).toMatchObject({ id: made.id, name: 'a', generation: 2 })
    expect([
      (await edge.ask('/v1/models', {}, made.key)).status,
      (await edge.ask('/v1/models', {}, again.key)).status,
    ]).toEqual([401, 200])
    const late = await page.sign(action)
    expect(late.status).toBe(409)
    expect(await late.json()).toMatchObject({
      error: { code: 'key_changed', message: 'The key changed meanwhile: look again.' },
    })
  })

  test('of another account looks as if there were none: 404', async () => {
    const other = new OwnPage(page.url)
    await other.sign()
    const made = (await (await other.sign({ type: 'make_key', key: { role: 'client', name: 'a' } })).json()) as ShownKey
    await page.sign()
    const unknown = { type: 'regenerate_key', id: 'key_none', generation: 1 }
    const bodies = [{ ...unknown, id: made.id }, unknown].map(async (action) => (await page.sign(action)).json())
    const [foreign, none] = await Promise.all(bodies)
    expect(foreign).toEqual(none)
    expect(foreign).toMatchObject({ error: { code: 'not_found' } })
    for (const method of ['PATCH', 'DELETE']) {
      const init = {
        method,
        headers: { 'content-type': 'application/json' },
        ...(method === 'PATCH' && { body: '{}' }),
      }
      expect((await page.ask(`/v1/me/keys/${made.id}`, init)).status).toBe(404)
    }
    const listed = (await (await page.ask('/v1/me/keys')).json()) as { data: ShownKey[] }
    expect(listed.data.map(({ name }) => name)).toEqual(['Playground'])
  })
})

describe("one's own keys", () => {
  test('can be made to allow less, and not more', async () => {
    await page.sign()
    const scopes = { routes: ['chat', 'intents'], models: ['llama*'], audit: false }
    const limits = { tokens_per_minute: 100, budgets: [{ unit: 'tokens', per: 'day', amount: 50 }] }
    const wanted = { role: 'client', name: 'a', scopes, limits, expires: 4_000_000_000 }
    const { id } = (await (await page.sign({ type: 'make_key', key: wanted })).json()) as ShownKey
    const wider = [
      { scopes: null },
      { scopes: { ...scopes, routes: ['chat', 'responses'] } },
      { scopes: { ...scopes, models: ['*'] } },
      { scopes: { ...scopes, models: ['lla*'] } },
      { scopes: { ...scopes, audit: true } },
      { limits: null },
      { limits: { ...limits, tokens_per_minute: 101 } },
      { limits: { ...limits, budgets: [] } },
      { limits: { ...limits, budgets: [{ unit: 'tokens', per: 'day', amount: 51 }] } },
      { expires: null },
      { expires: 4_000_000_001 },
    ]
    for (const changes of wider) {
      const refused = await page.send('PATCH', `/v1/me/keys/${id}`, changes)
      expect([changes, refused.status]).toEqual([changes, 403])
    }
    const narrower = {
      scopes: { routes: ['chat'], models: ['llama-3*'], scouts: ['x'], audit: false },
      name: 'b',
      expires: 3_999_999_999,
    }
    const changed = await page.send('PATCH', `/v1/me/keys/${id}`, narrower)
    expect(await changed.json()).toMatchObject({ ...narrower, id, limits: { tokens_per_minute: 100 } })
  })

  test('are all of them for the account, and one for a key of it', async () => {
    await page.sign()
    const made = (await (await page.sign({ type: 'make_key', key: { role: 'client', name: 'a' } })).json()) as ShownKey
    const other = (await (await page.sign({ type: 'make_key', key: { role: 'client', name: 'b' } })).json()) as ShownKey
    const names = async (response: Response) =>
      ((await response.json()) as { data: ShownKey[] }).data.map(({ name }) => name)
    expect(await names(await page.ask('/v1/me/keys'))).toEqual(['b', 'a', 'Playground'])
    expect(await names(await edge.ask('/v1/me/keys', {}, made.key))).toEqual(['a'])
    expect((await edge.ask(`/v1/me/keys/${other.id}`, { method: 'DELETE' }, made.key)).status).toBe(404)
    expect((await page.ask(`/v1/me/keys/${other.id}`, { method: 'DELETE' })).status).toBe(200)
    expect((await edge.ask('/v1/models', {}, other.key)).status).toBe(401)
  })

  test('but for the one of the sessions, which stays', async () => {
    await page.sign()
    const { data } = (await (await page.ask('/v1/me/keys')).json()) as { data: ShownKey[] }
    expect((await page.ask(`/v1/me/keys/${data[0]!.id}`, { method: 'DELETE' })).status).toBe(403)
    const refused = await edge.ask(`/v1/admin/keys/${data[0]!.id}`, { method: 'DELETE' }, edge.keys.admin)
    expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining('suspend the account')])
    expect((await page.ask('/v1/me')).status).toBe(200)
  })
})

test('a full disk refuses sign-ins and keys with 503, and who is signed in goes on', async () => {
  await page.sign()
  const admin = await operator()
  const commit = edge.store.commit
  edge.store.commit = () => {
    throw new StoreError('full', 'database or disk is full')
  }
  const { message } = await page.challenge()
  const signature = await page.wallet.signMessage({ message })
  const refused = [
    await new OwnPage(page.url).post('/v1/auth/verify', { message, signature }),
    await new OwnPage(page.url).post('/v1/auth/key', { key: edge.keys.client }),
    await page.sign({ type: 'make_key', key: { role: 'client', name: 'x' } }),
    await admin.send('POST', '/v1/admin/keys', { role: 'client', name: 'x' }),
    await admin.send('PATCH', '/v1/admin/settings', { signup: 'off' }),
  ]
  expect(refused.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503])
  expect(refused.every(({ headers }) => headers.get('retry-after') === '5' && !headers.has('set-cookie'))).toBe(true)
  aheadMs = sessionIdleMs - 1_000
  expect([(await page.ask('/v1/me')).status, (await edge.ask('/v1/models')).status]).toEqual([200, 200])
  edge.store.commit = commit
  expect(edge.accounts.signup()).toBe('open')
})
