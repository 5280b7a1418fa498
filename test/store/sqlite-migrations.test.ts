import { Database } from 'bun:sqlite'
import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Keyring } from '../../orchestrator/engine/keyring.ts'
import { applicationId, migrations } from '../../orchestrator/store/sqlite/migrations.ts'
import { openSqlite } from '../../orchestrator/store/sqlite/open.ts'
import { makeKey } from '../../shared/keys/api-key.ts'
import { realSystem } from '../../shared/system.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'
import { auditWrite, intentRow, keyRow, newIntent, outcome } from '../support/store/store-rows.ts'

test('migrations are numbered from one without a gap', () => {
  expect(migrations.map((migration) => migration.version)).toEqual(migrations.map((_, at) => at + 1))
})

test('a database of the second version keeps its intents, which ask for nothing and have no control nodes', () => {
  const path = join(temporaryFolder(), 'chasm.db')
  const db = new Database(path, { create: true })
  for (const { sql } of migrations.slice(0, 2)) db.run(sql)
  db.run(`PRAGMA user_version = 2; PRAGMA application_id = ${applicationId}`)
  db.run(`INSERT INTO intent VALUES (1, 'int_1', 'key_a', 'running', 5, 1, 2, NULL, '{}', NULL, 'answer')`)
  db.run(`INSERT INTO task VALUES (7, 1, 0, 'answer', 'chat', 'm', '[]', 'ready', 0, 0, 0,
    NULL, NULL, NULL, NULL, 0, 0, NULL)`)
  db.run(`INSERT INTO request VALUES (7, x'7b7d')`)
  db.close(true)
  const store = openSqlite(path, { mayCreate: false, checkWhole: true })
  if ('flaw' in store) throw new Error(store.flaw)
  expect([...store.openIntents()]).toMatchObject([
    { intent: { id: 'int_1', budgetTokens: null }, tasks: [{ task: 7, stage: null, waits: null, terms: null }] },
  ])
  store.close()
})

test('a database of the first version keeps its epoch and keys, each its own tenant with the weight of one', () => {
  const path = join(temporaryFolder(), 'chasm.db')
  const db = new Database(path, { create: true })
  db.run(migrations[0]!.sql)
  db.run(`PRAGMA user_version = 1; PRAGMA application_id = ${applicationId}`)
  db.run('UPDATE hub SET epoch = 41')
  for (const id of ['b', 'a']) {
    const { role, name, digest, createdMs } = keyRow(id)
    const row = [id, role, name, digest, createdMs]
    db.run('INSERT INTO api_key (id, role, name, digest, created_ms) VALUES (?, ?, ?, ?, ?)', row)
  }
  db.close(true)
  const store = openSqlite(path, { mayCreate: false, checkWhole: true })
  if ('flaw' in store) throw new Error(store.flaw)
  expect(store.nextEpoch()).toBe(42)
  expect(store.listKeys()).toEqual(['b', 'a'].map((id) => keyRow(id, { last4: null })))
  expect(store.keys({ tenant: 'b', limit: 9 }).map(({ id }) => id)).toEqual(['b'])
  expect(outcome(store, [newIntent(intentRow('int_1'))])).toBe('committed')
  store.close()
})

test('a key of a database of the fifth version still opens the hub, and its bookings stay under it', () => {
  const path = join(temporaryFolder(), 'chasm.db')
  const pepper = new Uint8Array(32).fill(3)
  const key = makeKey('client', realSystem().randomBytes)
  const db = new Database(path, { create: true })
  for (const { sql } of migrations.slice(0, 5)) db.run(sql)
  db.run(`PRAGMA user_version = 5; PRAGMA application_id = ${applicationId}`)
  const digest = createHmac('sha256', pepper).update(key).digest('hex')
  db.run(`INSERT INTO api_key (id, role, name, digest, created_ms, weight) VALUES (?, 'client', 'old', ?, 1, 2)`, [
    ...['key_old', digest],
  ])
  db.run(`INSERT INTO usage_sum VALUES ('key_old', 'm', 1, 2, 3)`)
  db.close(true)
  const store = openSqlite(path, { mayCreate: false, checkWhole: true })
  if ('flaw' in store) throw new Error(store.flaw)
  const check = new Keyring(store, pepper, realSystem()).verify(key)
  expect(check).toMatchObject({ ok: true, id: 'key_old', tenant: 'key_old', account: null, weight: 2, generation: 1 })
  expect(store.usage('key_old')).toEqual([{ model: 'm', tasks: 1, promptTokens: 2, completionTokens: 3 }])
  store.close()
})

test('no row of the audit log can be changed', () => {
  const path = join(temporaryFolder(), 'chasm.db')
  const store = openSqlite(path, { mayCreate: true, checkWhole: true })
  if ('flaw' in store) throw new Error(store.flaw)
  store.commit([auditWrite('key_1')])
  const db = new Database(path)
  expect(() => db.run(`UPDATE audit SET actor = 'nobody'`)).toThrow('an audit row is never changed')
  db.close(true)
  store.close()
})

test('a database of the tenth version gets a ledger without anything in it, whose batches cannot be changed', () => {
  const path = join(temporaryFolder(), 'chasm.db')
  const db = new Database(path, { create: true })
  for (const { sql } of migrations.slice(0, 10)) db.run(sql)
  db.run(`PRAGMA user_version = 10; PRAGMA application_id = ${applicationId}`)
  db.run('UPDATE hub SET epoch = 7')
  db.close(true)
  const store = openSqlite(path, { mayCreate: false, checkWhole: true })
  if ('flaw' in store) throw new Error(store.flaw)
  expect(store.nextEpoch()).toBe(8)
  expect(store.snapshot()).toEqual({ projected: 0, written: 0, balances: [], seasons: [] })
  const bytes = (length: number) => new Uint8Array(length)
  const batch = { seq: 1, atMs: 1, head: bytes(132), signature: bytes(64), leaves: bytes(3) }
  store.commit([{ write: 'batch', batch, tasks: [1], earned: [], asked: [] }])
  store.close()
  const again = new Database(path)
  expect(() => again.run('UPDATE ledger_batch SET at_ms = 2')).toThrow('a batch of the ledger is never changed')
  again.close()
})
