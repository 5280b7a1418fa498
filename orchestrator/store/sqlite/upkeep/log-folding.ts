/**
 * Folds the write-ahead log into the database in turns of the loop of its own. SQLite by itself does it inside the
 * commit that fills the log, which then holds the loop for twice as long. The store of a running hub reports what it
 * commits; other programs leave it to SQLite.
 */
import type { Database } from 'bun:sqlite'
import { foldBytes, foldRowBytes } from '../../../../shared/limits/store.ts'
import type { System } from '../../../../shared/system.ts'
import { StoreError, type StoreWrite, sizeOfWrite } from '../../../engine/ports/store.ts'
import { asStoreError } from '../errors.ts'
import type { Statements } from '../statements.ts'

export class LogFolding {
  /** Written since the last time, by estimate. */
  private bytes = 0
  private isScheduled = false
  private isOver = false
  private readonly checkpoint: { all(): unknown[] }

  constructor(
    db: Database,
    statements: Statements,
    private readonly system: Pick<System, 'soon'>,
  ) {
    db.run('PRAGMA wal_autocheckpoint = 0')
    // Waits for nobody: what a reader still needs stays in the log until the next time.
    this.checkpoint = statements.keep<unknown, []>('PRAGMA wal_checkpoint(PASSIVE)')
  }

  committed(writes: readonly StoreWrite[]): void {
    let written = 0
    for (const write of writes) {
      const { rows, bytes } = sizeOfWrite(write)
      written += rows * foldRowBytes + bytes
    }
    this.wrote(written)
  }

  /** What went with these rows is not known: folded in next. */
  removed(rows: number): void {
    if (rows > 0) this.wrote(foldBytes)
  }

  private wrote(bytes: number): void {
    this.bytes += bytes
    if (this.bytes < foldBytes || this.isScheduled) return
    this.isScheduled = true
    this.system.soon(this.fold)
  }

  private readonly fold = (): void => {
    this.isScheduled = false
    if (this.isOver) return
    try {
      this.checkpoint.all()
      this.bytes = 0
    } catch (error) {
      // The disk is full, or does not work: the log still has everything, and the next commit tries again.
      const known = asStoreError(error)
      if (!(known instanceof StoreError)) throw known
    }
  }

  /** The store is about to be closed, which folds in what is left. */
  end(): void {
    this.isOver = true
  }
}
