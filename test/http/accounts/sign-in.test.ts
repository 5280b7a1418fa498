/** Signing in with a wallet over HTTP: every row of the table of refusals with its status and sentence. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { challengeMs, challengesPerAddressMax, challengesPerMinute } from '../../../shared/limits/keys.ts'
import { realSystem } from '../../../shared/system.ts'
import { OwnPage } from '../../support/clients/own-page.ts'
import { startEdge, type TestEdge } from '../../support/hub/client-edge.ts'

const real = realSystem()
/** Of the curve's group. */
const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
let aheadMs: number
let wallAheadMs: number
let edge: TestEdge
let page: OwnPage

beforeEach(() => {
  // Tries are counted by the minute: each test begins with one.
  aheadMs = 60_000 - (real.nowMs() % 60_000)
  wallAheadMs = 0
  const system = { ...real, nowMs: () => real.nowMs() + aheadMs, wallMs: () => real.wallMs() + wallAheadMs }
  edge = startEdge({}, system)
  page = new OwnPage(`http://127.0.0.1:${edge.hub.port}`)
})
afterEach(() => edge.hub.stop())

/** Everything that the store holds of accounts and keys. */
function stored() {
  const { store } = edge
  return [store.listKeys(), store.accounts({ limit: 99 }), store.audit({ limit: 99 })]
}

async function refusalOf(response: Response) {
  const { error } = (await response.json()) as { error: { message: string; code: string } }
  return { status: response.status, message: error.message }
}

describe('a wallet', () => {
  test('signs in: the account, its role, and a cookie that the page cannot read', async () => {
    const response = await page.sign()
    expect(response.status).toBe(200)
    const session = (await response.json()) as { account: { id: string } }
    expect(session).toMatchObject({
      object: 'session',
      account: { address: page.wallet.address.toLowerCase(), role: 'member', state: 'active' },
      ...{ role: 'client', tenant: session.account.id, mints: 'signature' },
    })
    const set = response.headers.get('set-cookie')!
    expect(set).toMatch(
      new RegExp(`^chasm-${edge.hub.port}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict; Max-Age=604800$`),
    )
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await (await page.ask('/v1/me')).json()).toMatchObject({ object: 'me', tenant: session.account.id })
  })

  test('comes back to the same account', async () => {
    const accounts = [await page.sign(), await page.sign()].map(async (response) => {
      return ((await response.json()) as { account: { id: string } }).account.id
    })
    const [first, second] = await Promise.all(accounts)
    expect(second).toBe(first)
    expect(edge.store.accounts({ limit: 9 })).toHaveLength(1)
  })

  test('signs what the hub wrote: address, page, chain, nonce and what for', async () => {
    const { message, nonce, expires_in } = await page.challenge({ type: 'regenerate_key', id: 'key_1', generation: 3 })
    expect(expires_in).toBe(300)
    for (const line of [
      `127.0.0.1:${edge.hub.port} wants you to sign in with your Ethereum account:`,
      page.wallet.address,
      'Replace the secret of the key key_1. The old one stops working at once.',
      `URI: ${page.url}`,
      'Chain ID: 1',
      `Nonce: ${nonce}`,
      '- urn:chasm:key:key_1:generation:3',
    ]) {
      expect(message.split('\n')).toContain(line)
    }
  })
})

describe('a sign-in is refused, and nothing is written,', () => {
  const hostSentence = "This address is not the hub's: set PUBLIC_URL to it."
  const pageSentence = "Send this from the hub's own page."

  test.each<[string, Record<string, string>, string]>([
    ['at another host', { host: 'evil.example' }, hostSentence],
    ['at another host with the port', { host: 'evil.example:80' }, hostSentence],
    ['at another port', { host: '127.0.0.1:1' }, hostSentence],
    ['from another origin', { origin: 'http://evil.example' }, pageSentence],
    ['from another port of this host', { origin: 'http://127.0.0.1:1' }, pageSentence],
    ['from the same host by another name', { origin: 'http://localhost' }, pageSentence],
    ['from a sandbox', { origin: 'null' }, pageSentence],
    ['from a page of the same site', { 'sec-fetch-site': 'same-site' }, pageSentence],
    ['from a foreign page', { 'sec-fetch-site': 'cross-site' }, pageSentence],
    ['as a form', { 'content-type': 'application/x-www-form-urlencoded' }, pageSentence],
    ['as the text of a form', { 'content-type': 'text/plain' }, pageSentence],
  ])('%s: 403', async (_what, headers, sentence) => {
    const before = stored()
    const bodies = {
      challenge: { address: page.wallet.address, chain_id: 1, action: { type: 'sign_in' } },
      verify: { message: 'x', signature: '0x' },
      link: { token: 'x' },
      key: { key: edge.keys.admin },
    }
    for (const [path, body] of Object.entries(bodies)) {
      const refused = await page.send('POST', `/v1/auth/${path}`, body, headers)
      expect(await refusalOf(refused)).toEqual({ status: 403, message: sentence })
      expect(refused.headers.has('set-cookie')).toBe(false)
    }
    expect(stored()).toEqual(before)
  })

  test('without an Origin: 403', async () => {
    const headers = { 'content-type': 'application/json' }
    const refused = await fetch(`${page.url}/v1/auth/key`, { method: 'POST', body: '{"key":"x"}', headers })
    expect(await refusalOf(refused)).toEqual({ status: 403, message: pageSentence })
  })

  test(`with more than ${challengesPerMinute} challenges a minute: 429, until the next minute`, async () => {
    for (let asked = 0; asked < challengesPerMinute; asked++) await page.challenge()
    const wanted = { address: page.wallet.address, chain_id: 1, action: { type: 'sign_in' } }
    const refused = await page.send('POST', '/v1/auth/challenge', wanted)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await refusalOf(refused)).toMatchObject({
      status: 429,
      message: expect.stringMatching(/^Too many tries: wait \d+ s\.$/),
    })
    aheadMs += 60_000
    await page.challenge()
  })

  test(`with more than ${challengesPerAddressMax} challenges that wait: 429`, async () => {
    for (let asked = 0; asked < challengesPerAddressMax; asked++) {
      if (asked % 10 === 0) aheadMs += 60_000
      await page.challenge()
    }
    aheadMs += 60_000
    await expect(page.challenge()).rejects.toThrow(/^429: .*Too many tries: wait \d+ s\./)
  })

  test('with more than ten verifications a minute, of whatever kind: 429', async () => {
    const tries = [
      () => page.send('POST', '/v1/auth/verify', { message: 'x', signature: '0x' }),
      () => page.send('POST', '/v1/auth/link', { token: 'x' }),
      () => page.send('POST', '/v1/auth/key', { key: 'x' }),
    ]
    for (let at = 0; at < 10; at++) expect((await tries[at % 3]!()).status).toBe(401)
    for (const attempt of tries) {
      expect(await refusalOf(await attempt())).toMatchObject({
        status: 429,
        message: expect.stringMatching(/^Too many tries/),
      })
    }
  })

  test('with a nonce that nobody gave out: 401', async () => {
    const { message } = await page.challenge()
    const other = message.replace(/Nonce: .*/, `Nonce: ${'0'.repeat(32)}`)
    expect(await refusalOf(await verify(other))).toEqual({
      status: 401,
      message: 'This request is unknown or used: sign again.',
    })
  })

  test('a second time: 401, also after a wrong first time', async () => {
    for (const first of ['', 'x']) {
      const { message } = await page.challenge()
      await verify(message + first)
      expect(await refusalOf(await verify(message))).toMatchObject({ status: 401, message: /unknown or used/ })
    }
  })

  test.each([
    ['the clock that nobody sets', 0],
    ['that clock, while the other one is set back', -challengeMs],
  ])('after five minutes of %s: 401', async (_what, wallMs) => {
    const { message } = await page.challenge()
    aheadMs += challengeMs
    wallAheadMs = wallMs
    const refused = await refusalOf(await verify(message))
    expect(refused).toEqual({ status: 401, message: 'It took over 5 minutes: sign again.' })
  })

  test('with a text that differs in a byte: 401 and the field, whoever signed it', async () => {
    const changes: [RegExp, string, string][] = [
      [/^127\.0\.0\.1/, '127.0.0.2', 'domain'],
      [/URI: http:/, 'URI: https:', 'URI'],
      [/Chain ID: 1/, 'Chain ID: 137', 'Chain ID'],
      [/Issued At: 2/, 'Issued At: 3', 'Issued At'],
      [/$/, '\nResources:\n- urn:more', 'its end'],
    ]
    for (const [part, by, field] of changes) {
      const { message } = await page.challenge()
      expect(await refusalOf(await verify(message.replace(part, by)))).toEqual({
        status: 401,
        message: `The signed text differs at ${field}: sign what the page shows.`,
      })
    }
  })

  test("with the challenge of another of the hub's names: 401", async () => {
    const { message } = await page.challenge()
    const local = new OwnPage(`http://localhost:${edge.hub.port}`)
    const signature = await page.wallet.signMessage({ message })
    const refused = await local.post('/v1/auth/verify', { message, signature })
    expect(await refusalOf(refused)).toMatchObject({ status: 401, message: /differs at domain/ })
  })

  test.each([
    ['0x'],
    ['0x00'],
    [`0x${'00'.repeat(64)}`],
    [`0x${'00'.repeat(66)}`],
    ['hello'],
    [`0x${'0'.repeat(131)}`],
  ])('with the signature %s, which has not 65 bytes: 401', async (signature) => {
    const { message } = await page.challenge()
    expect(await refusalOf(await page.post('/v1/auth/verify', { message, signature }))).toEqual({
      status: 401,
      message: "Smart-contract wallets cannot be checked here: use an ordinary account or an operator's key.",
    })
  })

  test('with 65 bytes that no key made: 401', async () => {
    const { message } = await page.challenge()
    const signature = `0x${'00'.repeat(65)}`
    expect(await refusalOf(await page.post('/v1/auth/verify', { message, signature }))).toEqual({
      status: 401,
      message: 'The signature cannot be read: sign again.',
    })
  })

  test('with the twin of its signature, whose s is high: 401', async () => {
    const { message } = await page.challenge()
    const signature = await page.wallet.signMessage({ message })
    const high = (order - BigInt(`0x${signature.slice(66, 130)}`)).toString(16).padStart(64, '0')
    const last = signature.endsWith('1b') ? '1c' : '1b'
    const twin = signature.slice(0, 66) + high + last
    expect(await refusalOf(await page.post('/v1/auth/verify', { message, signature: twin }))).toEqual({
      status: 401,
      message: 'The signature cannot be read: sign again.',
    })
  })

  test('with the signature of another wallet: 401, and whose it should be', async () => {
    const { message } = await page.challenge()
    const signature = await new OwnPage(page.url).wallet.signMessage({ message })
    expect(await refusalOf(await page.post('/v1/auth/verify', { message, signature }))).toEqual({
      status: 401,
      message: `Another account signed: choose ${page.wallet.address} in the wallet.`,
    })
  })

  test('where nobody may sign up: 403', async () => {
    edge.accounts.setSignup('off', { id: 'console', address: '' })
    const before = stored()
    expect(await refusalOf(await page.sign())).toEqual({
      status: 403,
      message: 'This hub takes no new accounts: ask its operator to add your address.',
    })
    expect(stored()).toEqual(before)
  })

  test('of a suspended account: 403', async () => {
    await page.sign()
    const [account] = edge.store.accounts({ limit: 1 })
    edge.accounts.changeAccount(account!.id, { state: 'suspended' }, { id: 'console', address: '' })
    expect(await refusalOf(await page.sign())).toEqual({
      status: 403,
      message: 'This account is suspended: ask the operator.',
    })
  })

  test('of an address that is none: 400', async () => {
    await expect(page.challenge({ type: 'sign_in' }, '0x12')).rejects.toThrow(/^400: .*Ethereum address/)
  })

  async function verify(message: string): Promise<Response> {
    return page.post('/v1/auth/verify', { message, signature: await page.wallet.signMessage({ message }) })
  }
})

describe('signing up', () => {
  test('with approval waits until an administrator lets the account in', async () => {
    edge.accounts.setSignup('approve', { id: 'console', address: '' })
    for (const _ of [1, 2]) {
      expect(await refusalOf(await page.sign())).toEqual({
        status: 403,
        message: 'This account waits to be let in: ask the operator.',
      })
    }
    const [waiting, ...more] = edge.store.accounts({ limit: 9, state: 'waiting' })
    expect([waiting!.address, more]).toEqual([page.wallet.address.toLowerCase(), []])
    const path = `/v1/admin/accounts/${waiting!.id}`
    const init = { method: 'PATCH', body: '{"state":"active"}', headers: { 'content-type': 'application/json' } }
    expect((await edge.ask(path, init, edge.keys.admin)).status).toBe(200)
    expect((await page.sign()).status).toBe(200)
  })

  test('is not needed where an administrator added the address', async () => {
    edge.accounts.setSignup('off', { id: 'console', address: '' })
    const account = { name: 'Ada', address: page.wallet.address, role: 'admin' }
    const made = await edge.post('/v1/admin/accounts', account, {}, edge.keys.admin)
    expect(made.status).toBe(201)
    expect(await (await page.sign()).json()).toMatchObject({ role: 'admin', account: { name: 'Ada' } })
  })
})

test('of twenty that show one signature at once, one signs in', async () => {
  const { message } = await page.challenge()
  const signature = await page.wallet.signMessage({ message })
  const shown = Array.from({ length: 20 }, () => page.send('POST', '/v1/auth/verify', { message, signature }))
  const statuses = (await Promise.all(shown)).map(({ status }) => status).sort((one, other) => one - other)
  expect(statuses).toEqual([200, ...Array(9).fill(401), ...Array(10).fill(429)])
  expect(edge.store.accounts({ limit: 9 })).toHaveLength(1)
})

test('no secret of a sign-in is logged, and none is stored as it is', async () => {
  await page.sign()
  const token = page.cookie!.split('=')[1]!
  const made = await page.sign({ type: 'make_key', key: { role: 'client', name: 'mine' } })
  const { key } = (await made.json()) as { key: string }
  const kept = JSON.stringify([
    stored(),
    edge.logged,
    edge.store.sessionsOf({ account: edge.store.accounts({ limit: 1 })[0]!.id }),
  ])
  const metrics = await (await page.ask('/metrics')).text()
  for (const secret of [token, key, key.slice(-20)]) expect(kept + metrics).not.toContain(secret)
})
