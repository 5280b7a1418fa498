/**
 * The Store port on one SQLite connection, put together from its parts: accounts, writes, reads, retention, backup. The
 * connection must be readied before; from then on it belongs to this store alone.
 */
import type { Database } from 'bun:sqlite'
import { storeBusyMs } from '../../../shared/limits/store.ts'
import type { System } from '../../../shared/system.ts'
import type { IntentDeaths, Store } from '../../engine/ports/store.ts'
import type { SideFile } from '../beside/side-file.ts'
import { accountReads } from './accounts/account-reads.ts'
import { signInRetention } from './accounts/account-writes.ts'
import { sharedKeyReads } from './accounts/shared-keys.ts'
import { epochCounter, nonceSealing } from './hub-row.ts'
import { ledgerReads } from './ledger/ledger-tables.ts'
import { snapshotReads } from './ledger/snapshot-tables.ts'
import { sqliteReads } from './reads.ts'
import { Statements } from './statements.ts'
import { transact, transactionSteps } from './transaction.ts'
import { disputeReads } from './trust/dispute-tables.ts'
import { trustReads } from './trust/trust-tables.ts'
import { sqliteBackup } from './upkeep/backup.ts'
import { LogFolding } from './upkeep/log-folding.ts'
import { sqliteRetention } from './upkeep/retention.ts'
import { reportReads, reportRetention } from './usage/report-tables.ts'
import { usageReads } from './usage/usage-reads.ts'
import { type Unbooked, usageRetention } from './usage/usage-writes.ts'
import { sqliteWriter } from './writes.ts'

export interface SqliteStore extends Store {
  /** Seals what an earlier version stored open; does nothing the second time. */
  sealNonces(seal: (nonce: Uint8Array) => Uint8Array): void
}

/** What a hub's store writes beside its database; a guest has none of it. */
export interface Beside {
  file: SideFile
  /** What the process before worked on when it died, and deaths before that which are not in the database. */
  inHand: string | null
  owed: readonly IntentDeaths[]
}

/** `system`: of a running hub, whose loop is not to be held up. */
export function sqliteStore(
  db: Database,
  beside: Beside | null,
  system: Pick<System, 'soon'> | null = null,
): SqliteStore {
  const statements = new Statements(db)
  const folding = system === null ? null : new LogFolding(db, statements, system)
  const steps = transactionSteps(db, statements, (commits) => beside?.file.committed(commits))
  const unbooked: Unbooked = { rows: 0 }
  const apply = sqliteWriter(statements, unbooked)
  let inHand = beside?.inHand ?? null
  let owed = beside?.owed ?? []
  const nextEpoch = epochCounter(statements, steps)
  const forgetBefore = sqliteRetention(statements, steps)
  return {
    nextEpoch() {
      const epoch = nextEpoch()
      // A hub runs once it has its epoch: from then on a wait for a lock holds up its loop.
      db.run(`PRAGMA busy_timeout = ${storeBusyMs}`)
      return epoch
    },
    ...accountReads(statements),
    ...sqliteReads(statements),
    ...usageReads(statements),
    ...reportReads(statements),
    ...ledgerReads(statements),
    ...snapshotReads(statements),
    ...trustReads(statements, steps),
    ...sharedKeyReads(statements),
    ...disputeReads(statements, steps),
    unbooked: () => unbooked.rows,
    inHand: () => inHand,
    noteInHand(name) {
      if (name === inHand) return
      inHand = name
      beside?.file.noteInHand(name)
    },
    noteDeaths(deaths, name) {
      owed = deaths
      inHand = name
      beside?.file.noteDeaths(deaths, name)
    },
    owedDeaths: () => owed,
    commit(writes) {
      if (writes.length === 0) return
      transact(steps, () => {
        for (const write of writes) apply(write)
      })
      folding?.committed(writes)
    },
    sealNonces: nonceSealing(statements, steps),
    forgetBefore(finishedMs, idempotencyMs, limit) {
      const rows = forgetBefore(finishedMs, idempotencyMs, limit)
      folding?.removed(rows)
      return rows
    },
    forgetUsage: usageRetention(statements, steps),
    forgetReports: reportRetention(statements, steps),
    forgetSignIns: signInRetention(statements, steps),
    backup: sqliteBackup(statements),
    close() {
      folding?.end()
      statements.finalize()
      db.close(true)
      beside?.file.close()
    },
  }
}
