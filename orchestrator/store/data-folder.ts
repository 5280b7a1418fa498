/**
 * DATA_DIR as a whole: the database, the pepper under which keys are hashed, and the lock that keeps a second hub out.
 * The hub and the key command open it; each gets the store and the pepper, or one sentence about what is wrong and
 * what to do. Nothing that exists is ever replaced: a missing half of a used folder is a refusal, not a fresh start.
 */
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { System } from '../../shared/system.ts'
import type { Store } from '../engine/ports/store.ts'
import { lockFolder } from './folder-lock.ts'
import { nonceSeal, sealedStore } from './nonce-seal.ts'
import { sqliteFlaw } from './sqlite/errors.ts'
import { openSqlite } from './sqlite/open.ts'

const pepperBytes = 32

/** `hub`: takes the lock and checks the whole database. `guest`: beside a running hub or without one. */
export type FolderUse = 'hub' | 'guest'

export interface DataFolder {
  store: Store
  pepper: Uint8Array
  /** Closes the store and gives up the lock. */
  close(): void
}

/** Where the database of a data folder is. */
export function databaseIn(dataDir: string): string {
  return join(resolve(dataDir), 'chasm.db')
}

/** Opens `dataDir`, creating what a new one needs. */
export function openDataFolder(dataDir: string, use: FolderUse, system: System): DataFolder | { flaw: string } {
  const folder = resolve(dataDir)
  const opened: { close(): void }[] = []
  const close = () => {
    for (const part of opened.splice(0).reverse()) part.close()
  }
  try {
    const result = openParts(folder, use, system, opened)
    if ('flaw' in result) close()
    return 'flaw' in result ? result : { ...result, close }
  } catch (error) {
    close()
    return { flaw: fileFlaw(folder, error) }
  }
}

function openParts(folder: string, use: FolderUse, system: System, opened: { close(): void }[]) {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (use === 'hub') {
    const lock = lockFolder(folder)
    if ('flaw' in lock) return lock
    opened.push({ close: lock.release })
  }
  const pepperPath = join(folder, 'pepper')
  const databasePath = databaseIn(folder)
  const found = readPepper(pepperPath)
  // The pepper is made after the database, so where it is, there was one.
  const isHub = use === 'hub'
  const store = openSqlite(databasePath, { mayCreate: found === undefined, checkWhole: isHub }, isHub ? system : null)
  if ('flaw' in store) return store
  opened.push(store)
  const hasKeys = store.listKeys().length > 0
  // Looked for again after the keys: another process may just have made both.
  const pepper = found ?? readPepper(pepperPath)
  if (pepper === undefined && hasKeys) {
    const problem = `${pepperPath} is missing, and without it no key in ${databasePath} can be checked`
    return { flaw: `${problem}: restore it from a backup, or move the whole folder away to start anew.` }
  }
  const usable = pepper ?? createPepper(folder, pepperPath, system)
  if (usable.length !== pepperBytes) {
    return { flaw: `${pepperPath} is damaged (${usable.length} bytes, not ${pepperBytes}): restore it from a backup.` }
  }
  const seal = nonceSeal(usable)
  try {
    if (isHub) store.sealNonces(seal.seal)
  } catch (error) {
    return { flaw: sqliteFlaw(databasePath, error) }
  }
  return { store: sealedStore(store, seal), pepper: usable }
}

function readPepper(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Appears whole or not at all, and only once, also when a hub and a key command make a new folder together. */
function createPepper(folder: string, path: string, system: System): Uint8Array {
  const draft = join(folder, `pepper.${Buffer.from(system.randomBytes(8)).toString('hex')}`)
  try {
    writeFileSync(draft, system.randomBytes(pepperBytes), { mode: 0o600, flush: true })
    linkSync(draft, path)
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
  const directory = openSync(folder, 'r')
  fsyncSync(directory)
  closeSync(directory)
  return readFileSync(path)
}

function fileFlaw(folder: string, error: unknown): string {
  const code = errorCode(error)
  if (code === undefined) throw error
  if (code === 'ENOSPC') return `The disk is full: free some space for ${folder} and start again.`
  return `${folder} cannot be used as the data folder (${code}): set DATA_DIR to a folder that this user may write to.`
}

/** The system's name of a file error; undefined for anything else. */
function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'syscall' in error && 'code' in error ? String(error.code) : undefined
}
