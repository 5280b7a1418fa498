/**
 * What SQLite's errors mean: to a person who starts a program, as one sentence about the file; to the engine while it
 * runs, as a StoreError. Both go by the error's code, never by its text. Whatever has no meaning here is a defect and
 * is passed on as it came.
 */
import { SQLiteError } from 'bun:sqlite'
import { StoreError, type StoreTrouble } from '../../engine/ports/store.ts'

/** One sentence about an error that came while the file at `path` was used. What is no such error is rethrown. */
export function sqliteFlaw(path: string, error: unknown): string {
  const code = errorCode(error) ?? ''
  // An error of the first kind is a statement that does not fit the schema: a column or a table is gone.
  if (/^SQLITE_(ERROR|NOTADB|CORRUPT)/.test(code)) return damaged(path, String((error as Error).message))
  if (/^SQLITE_FULL/.test(code)) return `The disk is full: free some space for ${path} and start again.`
  if (/^SQLITE_BUSY/.test(code)) return `${path} is locked by another program: end that one and start again.`
  if (!/^SQLITE_(CANTOPEN|PERM|READONLY|IOERR|AUTH)/.test(code)) throw error
  const problem = `${path} cannot be opened (${(error as Error).message})`
  return `${problem}: check that it is there and that this user may write to it.`
}

export function damaged(path: string, finding: string): string {
  return `${path} is damaged (${finding}): restore it from a backup; it was left as it is.`
}

/** `lost` transactions were committed and are not there. */
export function lostCommits(path: string, lost: number, sideFile: string): string {
  const problem = `${path} lacks its last ${lost} commits: its write-ahead log (${path}-wal) was removed or damaged`
  const choice = `put the log back or restore a backup; to go on without what is lost, remove ${sideFile}`
  return `${problem}, and it was left as it is: ${choice}, and start again.`
}

export function vanished(path: string): string {
  const problem = `${path} is missing or empty although its folder was in use`
  return `${problem}: restore it from a backup, or move the whole folder away to start anew.`
}

const troubles: readonly [RegExp, StoreTrouble][] = [
  [/^SQLITE_FULL/, 'full'],
  [/^SQLITE_(BUSY|LOCKED)/, 'busy'],
  [/^SQLITE_(IOERR|CANTOPEN|READONLY)/, 'io'],
  [/^SQLITE_CONSTRAINT/, 'fenced'],
]

/** The error as the port names it; anything that the port has no name for comes back as it is. */
export function asStoreError(error: unknown): unknown {
  const code = errorCode(error)
  const trouble = troubles.find(([codes]) => code !== undefined && codes.test(code))?.[1]
  return trouble === undefined ? error : new StoreError(trouble, `${(error as Error).message} (${code})`, error)
}

/** SQLite's name of an error, also of one that was made a StoreError of; undefined for any other error. */
function errorCode(error: unknown): string | undefined {
  const raised = error instanceof StoreError ? error.cause : error
  return raised instanceof SQLiteError ? (raised.code ?? '') : undefined
}
