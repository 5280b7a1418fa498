/**
 * The Store port on one SQLite connection, put together from its parts: keys, writes, reads, retention, backup. The
 * connection must be readied before; from then on it belongs to this store alone.
 */
import type { Database } from 'bun:sqlite'
import { storeBusyMs } from '../../../shared/limits/store.ts'
import type { Store } from '../../engine/ports/store.ts'
import { sqliteBackup } from './backup.ts'
import { sqliteKeys } from './keys.ts'
import { sqliteReads } from './reads.ts'
import { sqliteRetention } from './retention.ts'
import { Statements } from './statements.ts'
import { transact, transactionSteps } from './transaction.ts'
import { sqliteWriter } from './writes.ts'

export function sqliteStore(db: Database): Store {
  const statements = new Statements(db)
  const steps = transactionSteps(db, statements)
  const apply = sqliteWriter(statements)
  const keys = sqliteKeys(statements, steps)
  return {
    ...keys,
    nextEpoch() {
      const epoch = keys.nextEpoch()
      // A hub runs once it has its epoch: from then on a wait for a lock holds up its loop.
      db.run(`PRAGMA busy_timeout = ${storeBusyMs}`)
      return epoch
    },
    ...sqliteReads(statements),
    commit(writes) {
      if (writes.length === 0) return
      transact(steps, () => {
        for (const write of writes) apply(write)
      })
    },
    forgetBefore: sqliteRetention(statements, steps),
    backup: sqliteBackup(statements),
    close() {
      statements.finalize()
      db.close(true)
    },
  }
}
