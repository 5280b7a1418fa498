/**
 * One durable transaction: all of it happens or none, and when none, the connection is usable again. It tells apart
 * what is known to have left nothing behind from what may come back: when COMMIT fails while the log is flushed, this
 * connection no longer sees the transaction, but its pages may be complete in the log, and opening the file after a
 * crash would restore it. Any later commit overwrites them, so one is tried at once; only if that fails too, the
 * outcome is unknown.
 */
import type { Database } from 'bun:sqlite'
import { StoreError } from '../../engine/ports/store.ts'
import { asStoreError } from './errors.ts'
import type { Statements } from './statements.ts'

/** The steps of a transaction on one connection. */
export interface TransactionSteps {
  begin(): void
  commit(): void
  rollback(): void
  /** Whether a transaction is open; after some errors SQLite has ended it by itself. */
  isOpen(): boolean
  /** Counts this transaction, inside it; the number that it makes true. */
  count(): number
  /** Called with that number once it is true. */
  counted(commits: number): void
  /** Commits something that changes nothing. */
  overwrite(): void
}

/** `counted` is called with the number of commits, after each. */
export function transactionSteps(
  db: Database,
  statements: Statements,
  counted: (commits: number) => void,
): TransactionSteps {
  const begin = statements.keep<never, []>('BEGIN IMMEDIATE')
  const commit = statements.keep<never, []>('COMMIT')
  const rollback = statements.keep<never, []>('ROLLBACK')
  const touch = statements.keep<never, []>('UPDATE hub SET epoch = epoch')
  const count = statements.keep<{ commits: number }, []>('UPDATE hub SET commits = commits + 1 RETURNING commits')
  return {
    begin: () => void begin.run(),
    commit: () => void commit.run(),
    rollback: () => void rollback.run(),
    isOpen: () => db.inTransaction,
    count: () => count.get()!.commits,
    counted,
    overwrite: () => void touch.run(),
  }
}

/** Runs `work` inside a transaction. Throws StoreError; then nothing of it happened (but see `unknown`). */
export function transact<Result>(steps: TransactionSteps, work: () => Result): Result {
  let result: Result
  let commits: number
  try {
    steps.begin()
    result = work()
    commits = steps.count()
  } catch (error) {
    if (steps.isOpen()) steps.rollback()
    throw asStoreError(error)
  }
  try {
    steps.commit()
  } catch (error) {
    throw afterFailedCommit(steps, asStoreError(error))
  }
  steps.counted(commits)
  return result
}

function afterFailedCommit(steps: TransactionSteps, error: unknown): unknown {
  if (steps.isOpen()) {
    steps.rollback()
    return error
  }
  // What completes a transaction in the log is written last, so a disk that filled up before has cut it off.
  if (error instanceof StoreError && error.trouble === 'full') return error
  try {
    steps.overwrite()
    return error
  } catch {
    const reason = error instanceof Error ? error.message : String(error)
    return new StoreError('unknown', `the commit failed and could not be undone: ${reason}`, error)
  }
}
