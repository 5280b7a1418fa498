/**
 * The Store port on one SQLite file: the only file that speaks SQL. The data folder opens it; the engine and the
 * keyring use it through the port. A file that is damaged, foreign or newer than this program is refused with a
 * sentence and left as it was: nothing here repairs, recreates or downgrades.
 */
import { Database, SQLiteError } from 'bun:sqlite'
import { existsSync } from 'node:fs'
import type { KeyRow, Store } from '../engine/ports.ts'
import { applicationId, migrations } from './migrations.ts'

const newestVersion = migrations.length

export interface OpenOptions {
  /** Whether a missing or empty file may become a new database. */
  mayCreate: boolean
  /** Whether to read the whole file for damage first; costs time in proportion to its size. */
  checkWhole: boolean
}

/** Opens and, where needed, migrates the database at `path`; otherwise one sentence about what is wrong with it. */
export function openSqlite(path: string, options: OpenOptions): Store | { flaw: string } {
  if (!options.mayCreate && !existsSync(path)) return { flaw: vanished(path) }
  let db: Database | undefined
  try {
    db = new Database(path, { create: options.mayCreate, readwrite: true })
    const flaw = refusal(db, path, options)
    if (flaw === null) return storeOn(db)
    db.close(true)
    return { flaw }
  } catch (error) {
    db?.close(false)
    return { flaw: sqliteFlaw(path, error) }
  }
}

/** One sentence about an error that SQLite raised for the file at `path`. Any other error is rethrown. */
export function sqliteFlaw(path: string, error: unknown): string {
  if (!(error instanceof SQLiteError)) throw error
  const code = error.code ?? ''
  if (code.startsWith('SQLITE_NOTADB') || code.startsWith('SQLITE_CORRUPT')) return damaged(path, error.message)
  if (code.startsWith('SQLITE_FULL')) return `The disk is full: free some space for ${path} and start again.`
  if (code.startsWith('SQLITE_BUSY')) return `${path} is locked by another program: end that one and start again.`
  const cannot = ['SQLITE_CANTOPEN', 'SQLITE_PERM', 'SQLITE_READONLY', 'SQLITE_IOERR', 'SQLITE_AUTH']
  if (!cannot.some((known) => code.startsWith(known))) throw error
  return `${path} cannot be opened (${error.message}): check that it is there and that this user may write to it.`
}

function damaged(path: string, finding: string): string {
  return `${path} is damaged (${finding}): restore it from a backup; it was left as it is.`
}

function vanished(path: string): string {
  const problem = `${path} is missing or empty although its folder was in use`
  return `${problem}: restore it from a backup, or move the whole folder away to start anew.`
}

/** Readies the connection and brings the schema up to date. Returns why this file cannot be used, or null. */
function refusal(db: Database, path: string, options: OpenOptions): string | null {
  db.run('PRAGMA busy_timeout = 5000')
  db.run('PRAGMA trusted_schema = OFF')
  db.run('PRAGMA cell_size_check = ON')
  db.run('PRAGMA foreign_keys = ON')
  const version = pragma(db, 'user_version')
  if (isEmpty(db)) {
    if (!options.mayCreate) return vanished(path)
  } else if (pragma(db, 'application_id') !== applicationId) {
    return `${path} is a database of another program: set DATA_DIR to a folder of Chasm's own.`
  }
  if (Number(version) > newestVersion) {
    const problem = `The data folder was written by a newer version (${path}: ${version}, known here: ${newestVersion})`
    return `${problem}: update this program, or set DATA_DIR to another folder.`
  }
  if (options.checkWhole) {
    const finding = pragma(db, 'quick_check')
    if (finding !== 'ok') return damaged(path, String(finding))
  }
  if (pragma(db, 'journal_mode = WAL') !== 'wal') {
    return `${path} is on a disk without shared memory, as network disks are: set DATA_DIR to a folder on a local disk.`
  }
  // FULL: what was committed survives the loss of power, not only of the process.
  db.run('PRAGMA synchronous = FULL')
  migrate(db)
  return null
}

function migrate(db: Database): void {
  const run = db.transaction(() => {
    // Read again under the write lock: another process may have migrated since.
    const version = Number(pragma(db, 'user_version'))
    for (const migration of migrations.filter((candidate) => candidate.version > version)) {
      db.run(migration.sql)
      db.run(`PRAGMA user_version = ${migration.version}`)
    }
    db.run(`PRAGMA application_id = ${applicationId}`)
  })
  if (pragma(db, 'user_version') !== newestVersion) run.immediate()
}

function isEmpty(db: Database): boolean {
  return once(db, 'SELECT 1 FROM sqlite_schema LIMIT 1').length === 0
}

function pragma(db: Database, text: string): unknown {
  return once(db, `PRAGMA ${text}`)[0]?.[0]
}

function once(db: Database, sql: string): unknown[][] {
  const statement = db.prepare(sql)
  try {
    return statement.values()
  } finally {
    statement.finalize()
  }
}

/** A row of `api_key` under the port's names. */
const keyColumns = 'id, role, name, digest, created_ms AS createdMs, revoked_ms AS revokedMs'

function storeOn(db: Database): Store {
  const kept: { finalize(): void }[] = []
  const keep = <Kept extends { finalize(): void }>(statement: Kept): Kept => {
    kept.push(statement)
    return statement
  }
  const addEpoch = keep(db.prepare<{ epoch: number }, []>('UPDATE hub SET epoch = epoch + 1 RETURNING epoch'))
  const addKey = keep(
    db.prepare<never, [string, string, string, string, number, number | null]>(
      'INSERT INTO api_key (id, role, name, digest, created_ms, revoked_ms) VALUES (?, ?, ?, ?, ?, ?)',
    ),
  )
  const byDigest = keep(db.prepare<KeyRow, [string]>(`SELECT ${keyColumns} FROM api_key WHERE digest = ?`))
  const byId = keep(db.prepare<KeyRow, [string]>(`SELECT ${keyColumns} FROM api_key WHERE id = ?`))
  const all = keep(db.prepare<KeyRow, []>(`SELECT ${keyColumns} FROM api_key ORDER BY seq`))
  const markRevoked = keep(
    db.prepare<never, [number, string]>('UPDATE api_key SET revoked_ms = ? WHERE id = ? AND revoked_ms IS NULL'),
  )
  return {
    nextEpoch: () => db.transaction(() => addEpoch.get()!.epoch).immediate(),
    insertKey(row) {
      addKey.run(row.id, row.role, row.name, row.digest, row.createdMs, row.revokedMs)
    },
    keyByDigest: (digest) => byDigest.get(digest) ?? undefined,
    keyById: (id) => byId.get(id) ?? undefined,
    listKeys: () => all.all(),
    revokeKey: (id, atMs) => markRevoked.run(atMs, id).changes === 1,
    close() {
      // An unfinalized statement would keep the file open behind our back.
      for (const statement of kept) statement.finalize()
      db.close(true)
    },
  }
}
