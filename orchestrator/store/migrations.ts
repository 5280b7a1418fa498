/**
 * The database's shape as a history: each entry changes the one before it, is never edited once released, and runs in
 * one transaction with the bump of `user_version` to its place in the list. The SQLite adapter applies what is missing;
 * a database with more history than this list was written by a newer program.
 */

/** Marks a file as ours ("chsm"), so that another program's database is never mistaken for it. */
export const applicationId = 0x6368736d

export interface Migration {
  version: number
  sql: string
}

export const migrations: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE hub (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        epoch INTEGER NOT NULL
      ) STRICT;
      INSERT INTO hub VALUES (1, 0);

      CREATE TABLE api_key (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        role TEXT NOT NULL CHECK (role IN ('admin', 'client', 'scout')),
        name TEXT NOT NULL,
        digest TEXT NOT NULL UNIQUE,
        created_ms INTEGER NOT NULL,
        revoked_ms INTEGER
      ) STRICT;
    `,
  },
]
