/** What happens without a request: keys expire, another process changes them, and what is over is removed. */
import { beforeEach, expect, test } from 'vitest'
import { AccountWatch } from '../../orchestrator/accounts/account-watch.ts'
import { HubAccounts } from '../../orchestrator/accounts/accounts.ts'
import { consoleActor, Keyring } from '../../orchestrator/engine/keyring.ts'
import { MemoryDisk } from '../../orchestrator/store/memory/disk.ts'
import { memoryStore } from '../../orchestrator/store/memory/store.ts'
import { auditMs, keyWatchMs, loginLinkMs, sessionMs, signInsForgetMs } from '../../shared/limits/keys.ts'
import { ManualSystem } from '../support/clocks/manual-system.ts'

const pepper = new Uint8Array(32)
let system: ManualSystem
let hub: ReturnType<typeof open>
/** The key command on the same folder. */
let command: ReturnType<typeof open>
let dropped: string[]
/** Audit rows that the watch has read. */
let rowsRead: number

function open(disk: MemoryDisk) {
  const store = memoryStore(disk)
  const keyring = new Keyring(store, pepper, system)
  return { store, keyring, accounts: new HubAccounts({ store, keyring, system, signup: 'off' }) }
}

beforeEach(() => {
  system = new ManualSystem()
  const disk = new MemoryDisk()
  hub = open(disk)
  command = open(disk)
  dropped = []
  hub.keyring.onDropped((id) => dropped.push(id))
  rowsRead = 0
  const auditAfter = (seq: number, limit: number) => {
    const rows = hub.store.auditAfter(seq, limit)
    rowsRead += rows.length
    return rows
  }
  new AccountWatch({ ...hub.store, auditAfter }, hub.keyring, system).start()
})

test('a key that expires is dropped within half a second, and refused at its time', () => {
  const expiresMs = system.wallMs() + 1_000
  const { key, row } = hub.keyring.issue('scout', 'a', { expiresMs })
  hub.keyring.issue('scout', 'b', { expiresMs: expiresMs + 60_000 })
  expect(hub.keyring.verify(key).ok).toBe(true)
  system.pass(999)
  expect(hub.keyring.verify(key).ok).toBe(true)
  system.pass(1)
  expect(hub.keyring.verify(key)).toMatchObject({ ok: false, flaw: expect.stringContaining('has expired') })
  system.pass(keyWatchMs)
  expect(dropped).toEqual([row.id])
})

test('a key that another process revokes or replaces is dropped within half a second', () => {
  const [gone, replaced, kept] = ['gone', 'replaced', 'kept'].map((name) => hub.keyring.issue('client', name))
  for (const made of [gone!, replaced!, kept!]) expect(hub.keyring.verify(made.key).ok).toBe(true)
  command.keyring.revoke(gone!.row.id, consoleActor)
  const fresh = command.keyring.regenerate(replaced!.row.id, 1, consoleActor)
  if (typeof fresh === 'string') throw new Error(fresh)
  system.pass(keyWatchMs)
  expect(dropped).toEqual([gone!.row.id, replaced!.row.id])
  const checks = [gone!.key, replaced!.key, fresh.key, kept!.key].map((key) => hub.keyring.verify(key).ok)
  expect(checks).toEqual([false, false, true, true])
  system.pass(10 * keyWatchMs)
  expect(dropped).toHaveLength(2)
})

test('what the hub itself has changed is not read again when another process changes something', () => {
  const made = Array.from({ length: 20 }, (_, at) => hub.keyring.issue('client', `k${at}`))
  system.pass(keyWatchMs)
  command.keyring.revoke(made[0]!.row.id, consoleActor)
  hub.keyring.issue('client', 'one more')
  system.pass(keyWatchMs)
  expect([dropped, rowsRead]).toEqual([[made[0]!.row.id], 2])
})

test('what another process changes about a key and its account counts soon after', () => {
  const account = hub.accounts.makeAccount({ name: 'a', address: null, role: 'member', limits: null }, consoleActor)
  if ('code' in account) throw new Error(account.message)
  const { key, row } = hub.keyring.issue('client', 'a', { account: account.id })
  expect(hub.keyring.verify(key)).toMatchObject({ ok: true, tenant: account.id, limits: { tokensPerMinute: null } })
  const limits = '{"requestsPerMinute":null,"tokensPerMinute":5,"budgets":[]}'
  command.keyring.amend(row.id, { limits }, consoleActor)
  command.accounts.changeAccount(account.id, { limits }, consoleActor)
  system.pass(keyWatchMs)
  const five = { tokensPerMinute: 5 }
  expect(hub.keyring.verify(key)).toMatchObject({ ok: true, limits: five, accountLimits: five })
  expect(dropped).toEqual([])
  command.accounts.changeAccount(account.id, { state: 'suspended' }, consoleActor)
  system.pass(keyWatchMs)
  expect(hub.keyring.verify(key)).toMatchObject({ ok: false, flaw: expect.stringContaining('suspended') })
  expect(dropped).toContain(row.id)
  command.accounts.changeAccount(account.id, { state: 'active' }, consoleActor)
  system.pass(keyWatchMs)
  expect(hub.keyring.verify(key).ok).toBe(true)
})

test('the secret that the hub itself has replaced is not dropped a second time when others write', () => {
  const { row } = hub.keyring.issue('scout', 'a')
  hub.keyring.regenerate(row.id, 1)
  expect(dropped).toEqual([row.id])
  command.keyring.issue('client', 'other', {}, consoleActor)
  system.pass(keyWatchMs)
  expect(dropped).toEqual([row.id])
})

test('sessions, links and audit rows that are over are removed in time', () => {
  const made = hub.accounts.links.make(null, consoleActor)
  if ('code' in made) throw new Error(made.message)
  const visitor = { address: '::1', domain: 'hub', origin: 'http://hub' }
  const used = hub.accounts.useLink(visitor, made.token)
  if ('code' in used) throw new Error(used.message)
  hub.accounts.links.make(null, consoleActor)
  expect(hub.store.sessionsOf({ account: made.account.id })).toHaveLength(1)
  system.stand(Math.max(sessionMs, loginLinkMs))
  system.pass(signInsForgetMs)
  expect(hub.store.sessionsOf({ account: made.account.id })).toEqual([])
  expect(hub.store.audit({ limit: 9 }).length).toBeGreaterThan(3)
  system.stand(auditMs)
  system.pass(signInsForgetMs)
  expect(hub.store.audit({ limit: 9 })).toEqual([])
})
