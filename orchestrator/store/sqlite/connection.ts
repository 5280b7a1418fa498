/**
 * Readies a connection for the store: settings, checks, migrations. A file that is damaged, foreign or newer than this
 * program is refused with a sentence and left as it was: nothing here repairs, recreates or downgrades.
 */
import { type Database, SQLiteError } from 'bun:sqlite'
import { walBytesKept } from '../../../shared/limits/store.ts'
import { sideFileOf } from '../beside/side-file.ts'
import { damaged, lostCommits, vanished } from './errors.ts'
import { applicationId, migrations } from './migrations.ts'

const newestVersion = migrations.length
/** From this version on a database counts its commits. */
const countedSince = 4
/** A program that starts, or copies the database, can wait for another one's lock; a running hub should not. */
const bootBusyMs = 5_000
const bootBusyPollMs = 20

export interface OpenOptions {
  /** Whether a missing or empty file may become a new database. */
  mayCreate: boolean
  /** Whether to read the whole file for damage first; costs time in proportion to its size. */
  checkWhole: boolean
}

/** What a look at the file tells: why it cannot be used, or null. Nothing is written, also not on closing. */
export function inspect(db: Database, path: string, options: OpenOptions, committed: number | null): string | null {
  db.run(`PRAGMA busy_timeout = ${bootBusyMs}`)
  db.run('PRAGMA trusted_schema = OFF')
  db.run('PRAGMA cell_size_check = ON')
  const version = Number(pragma(db, 'user_version'))
  if (isEmpty(db)) return options.mayCreate ? null : vanished(path)
  if (pragma(db, 'application_id') !== applicationId) {
    return `${path} is a database of another program: set DATA_DIR to a folder of Chasm's own.`
  }
  if (version > newestVersion) {
    const problem = `The data folder was written by a newer version (${path}: ${version}, known here: ${newestVersion})`
    return `${problem}: update this program, or set DATA_DIR to another folder.`
  }
  if (options.checkWhole) {
    const finding = pragma(db, 'quick_check')
    if (finding !== 'ok') return damaged(path, String(finding))
  }
  const missing = tablesOf(version).find((table) => !hasTable(db, table))
  if (missing !== undefined) return damaged(path, `its table "${missing}" is missing`)
  return committed === null || version < countedSince ? null : lossFlaw(db, path, committed)
}

/** Fewer commits in the database than were made: what is missing was in its log. */
function lossFlaw(db: Database, path: string, committed: number): string | null {
  const commits = Number(once(db, 'SELECT commits FROM hub')[0]?.[0])
  return commits < committed ? lostCommits(path, committed - commits, sideFileOf(path)) : null
}

/** Sets the connection up and brings the schema up to date. Returns why this file cannot be used, or null. */
export function readyConnection(db: Database, path: string): string | null {
  db.run(`PRAGMA busy_timeout = ${bootBusyMs}`)
  db.run('PRAGMA trusted_schema = OFF')
  db.run('PRAGMA cell_size_check = ON')
  db.run('PRAGMA foreign_keys = ON')
  if (whenFree(() => pragma(db, 'journal_mode = WAL')) !== 'wal') {
    return `${path} is on a disk without shared memory, as network disks are: set DATA_DIR to a folder on a local disk.`
  }
  // FULL: what was committed survives the loss of power, not only of the process; macOS needs a second setting for it.
  db.run('PRAGMA synchronous = FULL')
  db.run('PRAGMA fullfsync = ON')
  db.run(`PRAGMA journal_size_limit = ${walBytesKept}`)
  migrate(db)
  return null
}

/**
 * Tries again for as long as SQLite itself would wait for a lock: where two programs that have read a new database both
 * want to change how it is written, it refuses one of them without waiting.
 */
function whenFree<T>(work: () => T): T {
  for (let tries = bootBusyMs / bootBusyPollMs; ; tries--) {
    try {
      return work()
    } catch (error) {
      const isBusy = error instanceof SQLiteError && error.code?.startsWith('SQLITE_BUSY') === true
      if (!isBusy || tries <= 0) throw error
      Bun.sleepSync(bootBusyPollMs)
    }
  }
}

/** The tables that a database of this version must have. */
function tablesOf(version: number): string[] {
  const made = migrations.filter((migration) => migration.version <= version).map(({ sql }) => sql)
  return [...made.join('\n').matchAll(/CREATE TABLE (\w+)/g)].map(([, table]) => table!)
}

function hasTable(db: Database, table: string): boolean {
  return once(db, `SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '${table}'`).length === 1
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
