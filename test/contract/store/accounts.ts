/** What every adapter of the Store port promises about accounts, keys, sessions, links, the audit log and settings. */
import { expect, test } from 'vitest'
import type { AccountRow, KeyRow } from '../../../orchestrator/engine/ports/account-store.ts'
import type { StoreWrite } from '../../../orchestrator/engine/ports/store.ts'
import {
  accountRow,
  auditWrite,
  contents,
  keyRow,
  loginLink,
  newAccount,
  newKey,
  outcome,
  sessionRow,
} from '../../support/store/store-rows.ts'
import { type StoreMaker, storeStage } from '../../support/store/store-stage.ts'

export function accountContract(fresh: () => StoreMaker): void {
  keyContract(fresh)
  changeContract(fresh)
  ownerContract(fresh)
  signInContract(fresh)
  auditContract(fresh)
}

const odd = `Zoë's "box"; DROP TABLE api_key; -- 狐`

function keyContract(fresh: () => StoreMaker): void {
  test('finds a key by its digest and by its id, and nothing by another', () => {
    const { store } = storeStage(fresh())
    store().commit([newKey('a'), newKey('b')])
    expect(store().keyByDigest('digest-b')).toEqual(keyRow('b'))
    expect(store().keyById('a')).toEqual(keyRow('a'))
    expect(store().keyByDigest('a')).toBeUndefined()
    expect(store().keyById('digest-a')).toBeUndefined()
  })

  test('lists keys oldest first, also when the clock was set back in between', () => {
    const { store, reopen } = storeStage(fresh())
    store().commit([newKey('z', { createdMs: 900 })])
    store().commit([newKey('a', { createdMs: 100 })])
    expect(reopen().listKeys()).toEqual([keyRow('z', { createdMs: 900 }), keyRow('a', { createdMs: 100 })])
  })

  test('keeps every column of a key, with quotes and letters of any script as they were', () => {
    const { store, reopen } = storeStage(fresh())
    const owner = { tenant: 'acc_1', account: 'acc_1', generation: 3, scopes: `{"x":"${odd}"}`, limits: '{}' }
    const row = keyRow('a', {
      ...owner,
      role: 'scout',
      name: odd,
      weight: 2.5,
      expiresMs: 9,
      revokedMs: 7,
      last4: null,
    })
    store().commit([newAccount('acc_1'), { write: 'key', row }])
    expect(reopen().listKeys()).toEqual([row])
  })

  test('pages keys newest first, of one tenant or of all, and shows nothing below an unknown one', () => {
    const { store } = storeStage(fresh())
    const tenants = ['t', 'u', 't', 't', 'u']
    store().commit(tenants.map((tenant, at) => newKey(`k${at}`, { tenant })))
    const ids = (tenant: string | null, before?: string, limit = 9) =>
      store()
        .keys({ tenant, limit, ...(before && { before }) })
        .map(({ id }) => id)
    expect(ids(null)).toEqual(['k4', 'k3', 'k2', 'k1', 'k0'])
    expect(ids('t')).toEqual(['k3', 'k2', 'k0'])
    expect(ids('t', undefined, 2)).toEqual(['k3', 'k2'])
    expect(ids('t', 'k2')).toEqual(['k0'])
    expect(ids(null, 'k3', 2)).toEqual(['k2', 'k1'])
    expect([ids('t', 'nobody'), ids(null, 'nobody'), ids('nobody')]).toEqual([[], [], []])
  })

  test('knows the keys of an account that are not revoked, and which keys expire in a stretch of time', () => {
    const { store } = storeStage(fresh())
    store().commit([
      newAccount('acc_1'),
      newKey('a', { account: 'acc_1', expiresMs: 20 }),
      newKey('b', { account: 'acc_1', revokedMs: 1, expiresMs: 20 }),
      newKey('c', { expiresMs: 10 }),
      newKey('d', { account: 'acc_1' }),
      newKey('e', { expiresMs: 15 }),
    ])
    const owned = store().keysOfAccount('acc_1')
    expect(owned.map(({ id }) => id)).toEqual(['a', 'd'])
    expect(store().keysExpiring(10, 20)).toEqual(['e', 'a'])
    expect(store().keysExpiring(9, 10)).toEqual(['c'])
    expect(store().keysExpiring(20, 99)).toEqual([])
  })

  test('gives out copies of rows: changing one changes nothing in the store', () => {
    const { store } = storeStage(fresh())
    const key = keyRow('a')
    const account = accountRow('acc_1')
    store().commit([
      { write: 'key', row: key },
      { write: 'account', row: account },
    ])
    key.name = 'changed'
    account.name = 'changed'
    store().keyById('a')!.revokedMs = 1
    store().account('acc_1')!.state = 'suspended'
    expect([store().listKeys(), store().account('acc_1')]).toEqual([[keyRow('a')], accountRow('acc_1')])
  })
}

function changeContract(fresh: () => StoreMaker): void {
  const refused: [string, StoreWrite][] = [
    ['a second key with the same id', newKey('b', { id: 'a' })],
    ['a second key with the same digest', newKey('b', { digest: 'digest-a' })],
    ['a key of an account that is not there', newKey('b', { account: 'acc_9' })],
    ['a key with the weight of nothing', newKey('b', { weight: 0 })],
    ['a key with a weight below zero', newKey('b', { weight: -1 })],
    ['a key with a weight that is no number', newKey('b', { weight: Number.NaN })],
    ['a change of a key that is not there', { write: 'changeKey', row: keyRow('b'), generation: 1 }],
    ['a change of a key of another generation', { write: 'changeKey', row: keyRow('a'), generation: 2 }],
    ['a change of a revoked key', { write: 'changeKey', row: keyRow('gone'), generation: 1 }],
    ["a change to another key's digest", changed('a', { digest: 'digest-gone' })],
    ['a change to a weight of nothing', changed('a', { weight: 0 })],
    ['a second account with the same id', newAccount('acc_1')],
    ['a second account with the same address', newAccount('acc_2', { address: '0xa' })],
    ['a change of an account that is not there', { write: 'changeAccount', row: accountRow('acc_9') }],
    ["a change to another account's address", { write: 'changeAccount', row: accountRow('acc_0', { address: '0xa' }) }],
    ['a session of an account that is not there', { write: 'session', row: sessionRow('s', { account: 'acc_9' }) }],
    ['a session of nobody', { write: 'session', row: sessionRow('s', { account: null }) }],
    ['a login link of an account that is not there', loginLink('l', { account: 'acc_9' })],
    ['a second login link with the same digest', loginLink('link')],
    ['the use of a login link that is not there', { write: 'useLoginLink', digest: 'other' }],
  ]
  test.each(refused)('refuses %s, and all that came with it', (_what, write) => {
    const { store } = storeStage(fresh())
    const accounts = [newAccount('acc_0'), newAccount('acc_1', { address: '0xa' })]
    store().commit([...accounts, newKey('a'), newKey('gone', { revokedMs: 3 }), loginLink('link')])
    const before = contents(store())
    const batch: StoreWrite[] = [
      newKey('along'),
      auditWrite('along'),
      changed('a', { name: 'other' }),
      { write: 'setting', name: 'along', value: '1' },
      { write: 'session', row: sessionRow('along') },
      write,
    ]
    expect(outcome(store(), batch)).toBe('fenced')
    expect(contents(store())).toEqual(before)
    expect(store().session('along')).toBeUndefined()
    store().commit([auditWrite('next')])
    expect(store().lastAuditSeq()).toBe(1)
  })

  test('changes what may change of a key, and neither its role, tenant, account nor time', () => {
    const { store, reopen } = storeStage(fresh())
    store().commit([newKey('a'), newKey('b')])
    const fresh2 = { digest: 'new', generation: 2, last4: '1234', name: odd, weight: 3 }
    const terms = { scopes: '{"routes":[]}', limits: '{"budgets":[]}', expiresMs: 77, revokedMs: 88 }
    const fixed = { role: 'admin' as const, tenant: 'other', createdMs: 4 }
    const row: KeyRow = { ...keyRow('a'), ...fresh2, ...terms, ...fixed }
    store().commit([{ write: 'changeKey', row, generation: 1 }])
    const kept = { role: 'client', tenant: 'a', createdMs: 1_000 }
    expect(reopen().listKeys()).toEqual([{ ...row, ...kept }, keyRow('b')])
    expect([store().keyByDigest('digest-a'), store().keyByDigest('new')?.id]).toEqual([undefined, 'a'])
  })
}

function changed(id: string, changes: Partial<KeyRow>): StoreWrite {
  return { write: 'changeKey', row: keyRow(id, changes), generation: 1 }
}

function ownerContract(fresh: () => StoreMaker): void {
  test('keeps every column of an account, finds it by id and address, and changes all but id and time', () => {
    const { store, reopen } = storeStage(fresh())
    const row: AccountRow = { ...accountRow('acc_1'), address: '0xab', name: odd, role: 'admin', limits: '{"a":1}' }
    store().commit([{ write: 'account', row }, newAccount('acc_2'), newAccount('acc_3')])
    expect(reopen().account('acc_1')).toEqual(row)
    expect(store().accountByAddress('0xab')).toEqual(row)
    expect([store().account('0xab'), store().accountByAddress('0xAB')]).toEqual([undefined, undefined])
    const after: AccountRow = { ...row, address: null, name: 'b', role: 'member', state: 'suspended', limits: null }
    store().commit([{ write: 'changeAccount', row: { ...after, createdMs: 5 } }])
    expect(reopen().account('acc_1')).toEqual(after)
    expect(store().accountByAddress('0xab')).toBeUndefined()
  })

  test('pages accounts newest first, all or those of one state', () => {
    const { store } = storeStage(fresh())
    const states = ['active', 'waiting', 'active', 'suspended', 'active'] as const
    store().commit(states.map((state, at) => newAccount(`acc_${at}`, { state })))
    const ids = (filter: Parameters<ReturnType<typeof store>['accounts']>[0]) =>
      store()
        .accounts(filter)
        .map(({ id }) => id)
    expect(ids({ limit: 2 })).toEqual(['acc_4', 'acc_3'])
    expect(ids({ limit: 9, state: 'active' })).toEqual(['acc_4', 'acc_2', 'acc_0'])
    expect(ids({ limit: 9, state: 'active', before: 'acc_3' })).toEqual(['acc_2', 'acc_0'])
    expect(ids({ limit: 9, before: 'nobody' })).toEqual([])
  })

  test('keeps settings by name, replaces and removes them', () => {
    const { store, reopen } = storeStage(fresh())
    store().commit([
      { write: 'setting', name: 'signup', value: 'open' },
      { write: 'setting', name: 'other', value: odd },
      { write: 'setting', name: 'gone', value: '1' },
    ])
    store().commit([
      { write: 'setting', name: 'signup', value: 'off' },
      { write: 'setting', name: 'gone', value: null },
      { write: 'setting', name: 'never', value: null },
    ])
    expect([...reopen().settings()]).toEqual([
      ['other', odd],
      ['signup', 'off'],
    ])
  })
}

function signInContract(fresh: () => StoreMaker): void {
  test('keeps sessions by digest, replaces and forgets them, and knows those of an account and of a key', () => {
    const { store, reopen } = storeStage(fresh())
    const ofKey = sessionRow('k', { account: null, key: 'key_1', generation: 4 })
    store().commit([newAccount('acc_1'), newAccount('acc_2')])
    const others = [sessionRow('b'), sessionRow('a'), sessionRow('c', { account: 'acc_2' }), ofKey]
    store().commit(others.map((row) => ({ write: 'session', row })))
    const seen = sessionRow('b', { seenMs: 25 })
    store().commit([
      { write: 'session', row: seen },
      { write: 'forgetSession', digest: 'c' },
      { write: 'forgetSession', digest: 'never' },
    ])
    expect(reopen().session('k')).toEqual(ofKey)
    expect(store().session('c')).toBeUndefined()
    expect(store().sessionsOf({ account: 'acc_1' })).toEqual([seen, sessionRow('a')])
    expect(store().sessionsOf({ key: 'key_1' })).toEqual([ofKey])
    expect(store().sessionsOf({ account: 'acc_2' })).toEqual([])
  })

  test('a login link is used once', () => {
    const { store, reopen } = storeStage(fresh())
    store().commit([newAccount('acc_1'), loginLink('l')])
    expect(reopen().loginLink('l')).toEqual(loginLink('l').row)
    expect(outcome(store(), [{ write: 'useLoginLink', digest: 'l' }])).toBe('committed')
    expect(outcome(store(), [{ write: 'useLoginLink', digest: 'l' }])).toBe('fenced')
    expect(reopen().loginLink('l')).toBeUndefined()
  })

  test('forgets sessions, links and audit rows that are over, the oldest first, at most so many at once', () => {
    const { store } = storeStage(fresh())
    store().commit([newAccount('acc_1')])
    for (const expiresMs of [30, 10, 20, 99]) {
      store().commit([
        { write: 'session', row: sessionRow(`s${expiresMs}`, { expiresMs }) },
        loginLink(`l${expiresMs}`, { expiresMs }),
        auditWrite('a', { atMs: expiresMs }),
      ])
    }
    const left = () => [
      [10, 20, 30, 99].filter((ms) => store().session(`s${ms}`)),
      [10, 20, 30, 99].filter((ms) => store().loginLink(`l${ms}`)),
      store()
        .auditAfter(0, 9)
        .map(({ atMs }) => atMs),
    ]
    expect([store().forgetSignIns(50, 31, 2), left()]).toEqual([
      6,
      [
        [30, 99],
        [30, 99],
        [20, 99],
      ],
    ])
    expect([store().forgetSignIns(50, 31, 2), left()]).toEqual([3, [[99], [99], [99]]])
    expect([store().forgetSignIns(50, 31, 2), left()]).toEqual([0, [[99], [99], [99]]])
  })
}

function auditContract(fresh: () => StoreMaker): void {
  test('numbers audit rows without gaps and keeps every column, whoever writes', () => {
    const { store, reopen } = storeStage(fresh())
    const all = { atMs: 7, actor: odd, address: '::1', before: '{"a":1}', after: null, action: 'key.changed' as const }
    store().commit([auditWrite('key_1'), auditWrite('key_2', all)])
    expect(outcome(store(), [auditWrite('lost'), { write: 'useLoginLink', digest: 'none' }])).toBe('fenced')
    reopen().commit([auditWrite('key_1')])
    const numbered = [
      { seq: 1, ...auditWrite('key_1').row },
      { seq: 2, ...all, subject: 'key_2' },
      { seq: 3, ...auditWrite('key_1').row },
    ]
    expect(store().audit({ limit: 9 })).toEqual(numbered.toReversed())
    expect(store().audit({ limit: 9, subject: 'key_1', before: 3 })).toEqual([numbered[0]])
    expect(store().audit({ limit: 1 })).toEqual([numbered[2]])
    expect(store().auditAfter(1, 1)).toEqual([numbered[1]])
    expect(store().lastAuditSeq()).toBe(3)
  })

  test('goes on counting where it was when old audit rows are forgotten', () => {
    const { store, reopen } = storeStage(fresh())
    store().commit([auditWrite('a'), auditWrite('b')])
    store().forgetSignIns(0, 1_000, 9)
    reopen().commit([auditWrite('c')])
    expect(store().audit({ limit: 9 })).toMatchObject([{ seq: 3, subject: 'c' }])
  })

  test('notices what another store on the same data commits, and not what it commits itself', () => {
    const maker = fresh()
    const { store } = storeStage(maker)
    const other = storeStage(maker)
    const before = store().foreignCommits()
    store().commit([auditWrite('own')])
    expect(store().foreignCommits()).toBe(before)
    other.store().commit([auditWrite('foreign')])
    const after = store().foreignCommits()
    expect(after).not.toBe(before)
    expect(store().foreignCommits()).toBe(after)
    expect(store().auditAfter(1, 9)).toMatchObject([{ subject: 'foreign' }])
  })
}
