/** Changing keys: secrets that are replaced, ends, terms, accounts; each with its audit row in the same transaction. */
import { beforeEach, describe, expect, test } from 'vitest'
import { HubAccounts } from '../../orchestrator/accounts/accounts.ts'
import { Keyring } from '../../orchestrator/engine/keyring.ts'
import { StoreError, type StoreWrite } from '../../orchestrator/engine/ports/store.ts'
import { memoryStore } from '../../orchestrator/store/memory/store.ts'
import { realSystem } from '../../shared/system.ts'
import { contents } from '../support/store/store-rows.ts'

const ada = { id: 'acc_ada', address: '::1' }
let store: ReturnType<typeof memoryStore>
let keyring: Keyring
let accounts: HubAccounts
let wallAheadMs: number
let aheadMs: number
let dropped: string[]

beforeEach(() => {
  store = memoryStore()
  wallAheadMs = 0
  aheadMs = 0
  const real = realSystem()
  const system = { ...real, wallMs: () => real.wallMs() + wallAheadMs, nowMs: () => real.nowMs() + aheadMs }
  keyring = new Keyring(store, new Uint8Array(32), system)
  accounts = new HubAccounts({ store, keyring, system, signup: 'off' })
  dropped = []
  keyring.onDropped((id) => dropped.push(id))
})

describe('replacing a secret', () => {
  test('keeps id, tenant and terms, refuses the old one at once, and says so once', () => {
    const { key, row } = keyring.issue('client', 'app', { weight: 2, scopes: '{"routes":["chat"]}' })
    keyring.verify(key)
    const made = keyring.regenerate(row.id, 1, ada)
    if (typeof made === 'string') throw new Error(made)
    expect(keyring.verify(key)).toMatchObject({ ok: false, flaw: expect.stringContaining('was replaced') })
    expect(keyring.verify(made.key)).toMatchObject({ ok: true, id: row.id, tenant: row.id, weight: 2, generation: 2 })
    expect(made.row).toMatchObject({ ...row, digest: made.row.digest, generation: 2, last4: made.key.slice(-4) })
    expect(dropped).toEqual([row.id])
    expect(store.audit({ limit: 1 })).toMatchObject([
      {
        actor: 'acc_ada',
        address: '::1',
        action: 'key.regenerated',
        before: '{"generation":1}',
        after: '{"generation":2}',
      },
    ])
  })

  test('of another generation, a revoked key, one without a secret, and none changes nothing', () => {
    const { key, row } = keyring.issue('client', 'app')
    const gone = keyring.issue('client', 'gone').row
    keyring.revoke(gone.id)
    const bare = keyring.issue('client', 'bare', { isSecretless: true }).row
    const before = contents(store)
    dropped = []
    const outcomes = [
      keyring.regenerate(row.id, 2),
      keyring.regenerate(row.id, 0),
      keyring.regenerate(gone.id, 1),
      keyring.regenerate(bare.id, 0),
      keyring.regenerate('key_none', 1),
    ]
    expect(outcomes).toEqual(['changed', 'changed', 'unknown', 'changed', 'unknown'])
    expect(contents(store)).toEqual(before)
    expect([keyring.verify(key).ok, dropped]).toEqual([true, []])
  })

  test('that cannot be written leaves the old one as it was', () => {
    const { key, row } = keyring.issue('client', 'app')
    const { commit } = store
    store.commit = () => {
      throw new StoreError('full', 'the disk is full')
    }
    expect(() => keyring.regenerate(row.id, 1)).toThrow(StoreError)
    store.commit = commit
    expect([keyring.verify(key).ok, dropped]).toEqual([true, []])
  })
})

describe('the end of a key', () => {
  test('counts for one that is remembered, by the clock of the wall', () => {
    const { key } = keyring.issue('client', 'app', { expiresMs: Date.now() + 60_000 })
    expect(keyring.verify(key).ok).toBe(true)
    wallAheadMs = 60_000
    expect(keyring.verify(key)).toMatchObject({ ok: false, flaw: expect.stringContaining('has expired') })
  })

  test('is not put off by setting that clock back', () => {
    const { key } = keyring.issue('client', 'app', { expiresMs: Date.now() + 60_000 })
    expect(keyring.verify(key).ok).toBe(true)
    aheadMs = 60_000
    wallAheadMs = -3_600_000
    expect(keyring.verify(key).ok).toBe(false)
  })
})

test('a key of a closed account is refused with a sentence, and dropped when the account closes', () => {
  const account = accounts.makeAccount({ name: 'a', address: null, role: 'member', limits: null }, ada)
  if ('code' in account) throw new Error(account.message)
  const { key, row } = keyring.issue('client', 'app', { account: account.id })
  expect(keyring.verify(key).ok).toBe(true)
  accounts.changeAccount(account.id, { state: 'suspended' }, ada)
  expect(keyring.verify(key)).toMatchObject({ ok: false, flaw: 'its account is suspended: ask the operator' })
  expect(dropped).toContain(row.id)
  accounts.changeAccount(account.id, { state: 'waiting' }, ada)
  expect(keyring.verify(key)).toMatchObject({ ok: false, flaw: expect.stringContaining('waits to be let in') })
  accounts.changeAccount(account.id, { state: 'active' }, ada)
  expect(keyring.verify(key).ok).toBe(true)
})

test('a key without a secret is known by its id alone', () => {
  const { key, row } = keyring.issue('client', 'Playground', { isSecretless: true })
  expect([key, row.generation, row.last4]).toEqual(['', 0, null])
  expect(keyring.holder(row.id)).toMatchObject({ ok: true, id: row.id, role: 'client' })
  expect(keyring.verify(key).ok).toBe(false)
  expect(keyring.holder('key_none').ok).toBe(false)
})

test('every change and its audit row are one transaction', () => {
  const batches: StoreWrite[][] = []
  const { commit } = store
  store.commit = (writes) => {
    batches.push([...writes])
    commit(writes)
  }
  const account = accounts.makeAccount({ name: 'a', address: null, role: 'admin', limits: null }, ada)
  if ('code' in account) throw new Error(account.message)
  const { row } = keyring.issue('client', 'app', {}, ada)
  keyring.amend(row.id, { name: 'other' }, ada)
  keyring.regenerate(row.id, 1, ada)
  keyring.revoke(row.id, ada)
  accounts.changeAccount(account.id, { name: 'b' }, ada)
  accounts.setSignup('open', ada)
  const made = accounts.links.make(null, ada)
  if ('code' in made) throw new Error(made.message)
  const visitor = { address: '::1', domain: 'hub', origin: 'http://hub' }
  const signedIn = accounts.useLink(visitor, made.token)
  if ('code' in signedIn) throw new Error(signedIn.message)
  accounts.endSession(signedIn.session, ada)
  const actions = batches.map((writes) => writes.flatMap((one) => (one.write === 'audit' ? [one.row.action] : [])))
  expect(actions).toEqual([
    ['account.made', 'key.made'],
    ...['key.made', 'key.changed', 'key.regenerated', 'key.revoked', 'account.changed', 'setting.changed'].map(
      (action) => [action],
    ),
    ['link.made'],
    ['session.begun'],
    ['session.ended'],
  ])
  const others = batches.map((writes) => writes.filter(({ write }) => write !== 'audit').length)
  expect(others.every((count) => count >= 1)).toBe(true)
  expect(JSON.stringify(store.audit({ limit: 99 }))).not.toMatch(/chasm_|[0-9a-f]{64}/)
})
