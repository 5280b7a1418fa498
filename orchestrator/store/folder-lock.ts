/**
 * One hub per data folder: an exclusive lock that the hub holds for its whole life. It is a SQLite lock on an empty
 * file of its own, so the operating system drops it with the process, however that ends, and nobody has to judge
 * whether a left-over file is stale. The process id beside it serves only to name the holder to a person.
 */
import { Database, SQLiteError } from 'bun:sqlite'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sqliteFlaw } from './sqlite/errors.ts'

interface FolderLock {
  release(): void
}

/** Keeps the holders reachable: a collected handle would be closed, and its lock lost, while the hub still runs. */
const held = new Set<Database>()

/** Takes the folder for this process, or returns one sentence about who has it. Does not wait. */
export function lockFolder(folder: string): FolderLock | { flaw: string } {
  const lockPath = join(folder, 'hub.lock')
  const pidPath = join(folder, 'hub.pid')
  let db: Database | undefined
  try {
    db = new Database(lockPath, { create: true })
    db.run('BEGIN EXCLUSIVE')
  } catch (error) {
    db?.close(false)
    if (error instanceof SQLiteError && error.code?.startsWith('SQLITE_BUSY')) return { flaw: inUse(folder, pidPath) }
    return { flaw: sqliteFlaw(lockPath, error) }
  }
  const holder = db
  held.add(holder)
  writeFileSync(pidPath, `${process.pid}\n`)
  return {
    release() {
      rmSync(pidPath, { force: true })
      held.delete(holder)
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
