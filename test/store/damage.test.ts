/** Folders that were damaged while no hub ran: each is refused by name and left as it was, or loses nothing. */
import { Database } from 'bun:sqlite'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Store } from '../../orchestrator/engine/ports/store.ts'
import { applicationId, migrations } from '../../orchestrator/store/sqlite/migrations.ts'
import { openSqlite } from '../../orchestrator/store/sqlite/open.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'
import { intentRow, newIntent, outcome, taskRow, usageRow } from '../support/store/store-rows.ts'

const asHub = { mayCreate: false, checkWhole: true }

/** The files of a hub that was killed after so many intents, in a folder of their own. */
function killed(intents = 5): string {
  const path = join(temporaryFolder(), 'chasm.db')
  const store = opened(path, true)
  for (let at = 0; at < intents; at++) addIntent(store, at)
  const folder = temporaryFolder()
  for (const end of ['', '-wal', '-state']) copyFileSync(path + end, join(folder, `chasm.db${end}`))
  return join(folder, 'chasm.db')
}

function addIntent(store: Store, at: number): void {
  store.commit([newIntent(intentRow(`int_${at}`), [taskRow(at, `int_${at}`)])])
}

function opened(path: string, mayCreate = false): Store {
  const store = openSqlite(path, { mayCreate, checkWhole: true })
  if ('flaw' in store) throw new Error(store.flaw)
  onTestFinished(() => store.close())
  return store
}

function hashOf(bytes: Uint8Array): string {
  return new Bun.CryptoHasher('sha256').update(bytes).digest('hex')
}

/** The refusal, after which the database and its log must be what they were. */
function refusal(path: string): string {
  // An empty log says what a missing one says.
  const bytesOf = (file: string) => (existsSync(file) ? readFileSync(file) : new Uint8Array(0))
  const files = () => ['', '-wal', '-state'].map((end) => hashOf(bytesOf(path + end)))
  const before = files()
  const result = openSqlite(path, asHub)
  if (!('flaw' in result)) throw new Error('the database was opened')
  expect(files()).toEqual(before)
  return result.flaw
}

describe('a write-ahead log', () => {
  test('of a hub that was killed is read, and nothing is lost', () => {
    expect([...opened(killed()).openIntents()]).toHaveLength(5)
  })

  test.each<[string, (wal: string) => void]>([
    ['is gone', (wal) => rmSync(wal)],
    ['is empty', (wal) => writeFileSync(wal, '')],
    ['is garbage', (wal) => writeFileSync(wal, readFileSync(wal).fill(0xa5))],
    [
      'is garbage from the middle on',
      (wal) => writeFileSync(wal, readFileSync(wal).fill(0xa5, statSync(wal).size / 2)),
    ],
    ['was cut', (wal) => writeFileSync(wal, readFileSync(wal).subarray(0, -6_000))],
  ])('that %s is missed, and the start is refused until the operator says so', (_what, damage) => {
    const path = killed()
    // A hub that ended well and died later: the database itself has its tables.
    opened(path).close()
    const store = opened(path)
    addIntent(store, 100)
    const folder = temporaryFolder()
    const later = join(folder, 'chasm.db')
    for (const end of ['', '-wal', '-state']) copyFileSync(path + end, later + end)
    damage(`${later}-wal`)
    expect(refusal(later)).toMatch(/lacks its last \d+ commits.*-wal.*restore a backup; to go on.* remove .*-state/)
    expect(refusal(later)).toMatch(/lacks its last/)
    rmSync(`${later}-state`)
    addIntent(opened(later), 200)
  })

  test('is left alone when the database is refused for something else', () => {
    const path = killed()
    const db = new Database(path)
    db.run('PRAGMA wal_autocheckpoint = 0')
    db.run(`PRAGMA user_version = ${migrations.length + 1}`)
    const copy = join(temporaryFolder(), 'chasm.db')
    for (const end of ['', '-wal', '-state']) copyFileSync(path + end, copy + end)
    db.close(true)
    expect(statSync(`${copy}-wal`).size).toBeGreaterThan(0)
    expect(refusal(copy)).toContain('newer version')
  })

  test('that a clean end leaves no trace of is not missed, nor is a backup put in the place of the database', () => {
    const path = join(temporaryFolder(), 'chasm.db')
    const store = opened(path, true)
    addIntent(store, 1)
    store.backup(`${path}.copy`)
    addIntent(store, 2)
    store.close()
    expect(readdirSync(join(path, '..')).sort()).toEqual(['chasm.db', 'chasm.db.copy'])
    copyFileSync(`${path}.copy`, path)
    expect([...opened(path).openIntents()]).toHaveLength(1)
  })
})

describe('a table', () => {
  const tables = ['hub', 'api_key', 'intent', 'task', 'request', 'result', 'event', 'usage', 'usage_sum', 'idempotency']

  test.each([...tables, 'suspect'])('"%s" that is missing is named', (table) => {
    const path = join(temporaryFolder(), 'chasm.db')
    opened(path, true).close()
    const db = new Database(path)
    db.run(`PRAGMA foreign_keys = OFF; DROP TABLE ${table}`)
    db.close(true)
    expect(refusal(path)).toMatch(
      new RegExp(`is damaged \\(its table "${table}" is missing\\): restore it from a backup`),
    )
  })

  test('that lacks a column is refused in a sentence', () => {
    const path = join(temporaryFolder(), 'chasm.db')
    opened(path, true).close()
    const db = new Database(path)
    db.run('ALTER TABLE task DROP COLUMN terms')
    db.close(true)
    expect(refusal(path)).toMatch(/is damaged \(.*terms.*\): restore it from a backup/)
  })
})

test('a database whose sums of usage stand at the edge of 64 bits starts, heals, and books on', () => {
  const path = join(temporaryFolder(), 'chasm.db')
  const db = new Database(path, { create: true })
  for (const { sql } of migrations.slice(0, 3)) db.run(sql)
  db.run(`PRAGMA user_version = 3; PRAGMA application_id = ${applicationId}`)
  db.run(`INSERT INTO usage_sum VALUES ('key_a', 'demo', 1025, 9223372036854775000, 9223372036854775807)`)
  db.run(`INSERT INTO usage_sum VALUES ('key_b', 'demo', 1, 9223372036854775807, 7)`)
  db.close(true)
  const store = opened(path)
  const most = Number.MAX_SAFE_INTEGER
  expect(store.usage('key_b')).toEqual([{ model: 'demo', tasks: 1, promptTokens: most, completionTokens: 7 }])
  expect(outcome(store, [{ write: 'usage', usage: usageRow(1) }, newIntent(intentRow('int_1'))])).toBe('committed')
  expect(store.usage('key_a')).toEqual([{ model: 'demo', tasks: 1026, promptTokens: most, completionTokens: most }])
  expect(store.usage(null)).toEqual([{ model: 'demo', tasks: 1027, promptTokens: most, completionTokens: most }])
  expect(store.unbooked()).toBe(0)
})

test('the files are for their owner alone, also in a folder that existed and when they were open to others', () => {
  const path = join(temporaryFolder(), 'chasm.db')
  chmodSync(join(path, '..'), 0o755)
  const modes = () => ['', '-wal', '-shm', '-state'].map((end) => statSync(path + end).mode & 0o777)
  const store = opened(path, true)
  addIntent(store, 1)
  expect(modes()).toEqual([0o600, 0o600, 0o600, 0o600])
  store.close()
  chmodSync(path, 0o644)
  addIntent(opened(path), 2)
  expect(modes()).toEqual([0o600, 0o600, 0o600, 0o600])
})
