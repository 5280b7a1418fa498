/**
 * The history of the database's shape from version 12 on, under the same rules as `migrations.ts`, which applies it.
 */

import { pinTable, receiptRetention } from './ledger/ledger-tables.ts'
import { snapshotExtents } from './ledger/snapshot-tables.ts'
import { disputeTables } from './trust/dispute-tables.ts'

export interface Migration {
  version: number
  sql: string
}

export const laterMigrations: readonly Migration[] = [
  {
    version: 12,
    sql: `
      CREATE TABLE shared_key (
        id TEXT NOT NULL PRIMARY KEY,
        home TEXT NOT NULL,
        seq INTEGER NOT NULL,
        print TEXT UNIQUE,
        account TEXT,
        expires_ms INTEGER,
        terms TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX shared_key_by_home ON shared_key (home);
      CREATE INDEX shared_key_by_account ON shared_key (account) WHERE account IS NOT NULL;
      CREATE INDEX shared_key_by_end ON shared_key (expires_ms) WHERE expires_ms IS NOT NULL;
      CREATE INDEX shared_key_by_seq ON shared_key (seq);
      CREATE TABLE key_print (
        id TEXT NOT NULL PRIMARY KEY,
        print TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
  // The snapshot of the ledger is written row by row.
  { version: 13, sql: snapshotExtents },
  { version: 14, sql: disputeTables },
  { version: 15, sql: receiptRetention },
  { version: 16, sql: pinTable },
]
