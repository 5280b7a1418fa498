/**
 * Opens the database file: the way into the SQLite adapter. The data folder calls it and gets the store, or one
 * sentence about what is wrong with the file and what to do. A file that is there is looked at first over a connection
 * that cannot write, so that one that is refused stays as it was, with its write-ahead log.
 */
import { Database } from 'bun:sqlite'
import { chmodSync, existsSync, statSync } from 'node:fs'
import type { System } from '../../../shared/system.ts'
import { readSideFile, SideFile } from '../beside/side-file.ts'
import { inspect, type OpenOptions, readyConnection } from './connection.ts'
import { sqliteFlaw, vanished } from './errors.ts'
import { type Beside, type SqliteStore, sqliteStore } from './store.ts'

/** For its owner alone: it holds what clients asked and were answered. */
const fileMode = 0o600

/**
 * Opens and, where needed, migrates the database at `path`; otherwise one sentence about what is wrong with it.
 * `system`: of a hub that runs on it.
 */
export function openSqlite(
  path: string,
  options: OpenOptions,
  system: Pick<System, 'soon'> | null = null,
): SqliteStore | { flaw: string } {
  if (!options.mayCreate && !existsSync(path)) return { flaw: vanished(path) }
  let db: Database | undefined
  try {
    const left = options.checkWhole ? readSideFile(path) : null
    const refused = existsSync(path) && statSync(path).size > 0 ? look(path, options, left?.commits ?? null) : null
    if (refused !== null) return { flaw: refused }
    db = new Database(path, { create: options.mayCreate, readwrite: true })
    keepPrivate(path)
    const flaw = options.mayCreate || statSync(path).size > 0 ? readyConnection(db, path) : vanished(path)
    if (flaw === null) {
      keepPrivate(path)
      const beside: Beside | null = options.checkWhole
        ? {
            file: new SideFile(path, left !== null && left.owed.length > 0),
            inHand: left?.inHand ?? null,
            owed: left?.owed ?? [],
          }
        : null
      return sqliteStore(db, beside, system)
    }
    db.close(true)
    return { flaw }
  } catch (error) {
    db?.close(false)
    return { flaw: sqliteFlaw(path, error) }
  }
}

function look(path: string, options: OpenOptions, committed: number | null): string | null {
  const db = new Database(path, { readonly: true })
  try {
    return inspect(db, path, options, committed)
  } finally {
    db.close(false)
  }
}

/** Also in a folder that others may read, and when an earlier program left the files open to them. */
function keepPrivate(path: string): void {
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    if (existsSync(file) && (statSync(file).mode & 0o077) !== 0) chmodSync(file, fileMode)
  }
}
