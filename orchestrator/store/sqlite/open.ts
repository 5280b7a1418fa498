/**
 * Opens the database file: the way into the SQLite adapter. The data folder calls it and gets the store, or one
 * sentence about what is wrong with the file and what to do.
 */
import { Database } from 'bun:sqlite'
import { existsSync } from 'node:fs'
import type { Store } from '../../engine/ports/store.ts'
import { type OpenOptions, readyConnection } from './connection.ts'
import { sqliteFlaw, vanished } from './errors.ts'
import { sqliteStore } from './store.ts'

/** Opens and, where needed, migrates the database at `path`; otherwise one sentence about what is wrong with it. */
export function openSqlite(path: string, options: OpenOptions): Store | { flaw: string } {
  if (!options.mayCreate && !existsSync(path)) return { flaw: vanished(path) }
  let db: Database | undefined
  try {
    db = new Database(path, { create: options.mayCreate, readwrite: true })
    const flaw = readyConnection(db, path, options)
    if (flaw === null) return sqliteStore(db)
    db.close(true)
    return { flaw }
  } catch (error) {
    db?.close(false)
    return { flaw: sqliteFlaw(path, error) }
  }
}
