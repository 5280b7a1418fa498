import { Database } from 'bun:sqlite'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { applicationId, migrations } from '../../orchestrator/store/sqlite/migrations.ts'
import { openSqlite } from '../../orchestrator/store/sqlite/open.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'
import { intentRow, keyRow, newIntent, outcome } from '../support/store/store-rows.ts'

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
