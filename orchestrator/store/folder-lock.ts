/**
 * One hub per data folder, and one copy of its database at a time: an exclusive lock that the hub holds for its whole
 * life, and one for as long as a copy is made. Each is a SQLite lock on an empty file of its own, so the operating
 * system drops it with the process, however that ends, and nobody has to judge whether a left-over file is stale. The
 * process id beside the hub's serves only to name the holder to a person.
 */
import { Database, SQLiteError } from 'bun:sqlite'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sqliteFlaw } from './sqlite/errors.ts'

interface FolderLock {
  release(): void
}

/** Keeps the holders reachable: a collected handle would be closed, and its lock lost, while the hub still runs. */
const holders = new Set<Database>()

/** Takes the folder for this process, or returns one sentence about who has it. Does not wait. */
export function lockFolder(folder: string): FolderLock | { flaw: string } {
  const pidPath = join(folder, 'hub.pid')
  const lock = lockFile(join(folder, 'hub.lock'), () => inUse(folder, pidPath))
  if ('flaw' in lock) return lock
  writeFileSync(pidPath, `${process.pid}\n`)
  return {
    release() {
      rmSync(pidPath, { force: true })
      lock.release()
    },
  }
}

/** The same for a copy of the folder's database: several at once would share the disk with the hub's commits. */
export function lockCopying(folder: string): FolderLock | { flaw: string } {
  return lockFile(join(folder, 'backup.lock'), () => `Another copy of ${folder} is being made: wait for its end.`)
}

function lockFile(path: string, held: () => string): FolderLock | { flaw: string } {
  let db: Database | undefined
  try {
    db = new Database(path, { create: true })
    db.run('BEGIN EXCLUSIVE')
  } catch (error) {
    db?.close(false)
    if (error instanceof SQLiteError && error.code?.startsWith('SQLITE_BUSY')) return { flaw: held() }
    return { flaw: sqliteFlaw(path, error) }
  }
  const holder = db
  holders.add(holder)
  return {
    release() {
      holders.delete(holder)
      holder.close(true)
    },
  }
}

function inUse(folder: string, pidPath: string): string {
  const problem = `${folder} is in use by another hub${holderOf(pidPath)}`
  return `${problem}: stop that one first, or set DATA_DIR to another folder.`
}

function holderOf(pidPath: string): string {
  try {
    const pid = Number.parseInt(readFileSync(pidPath, 'utf8'), 10)
    return Number.isNaN(pid) ? '' : ` (process ${pid})`
  } catch {
    return ''
  }
}
