/**
 * The ledger as SQL: batches, the places of receipts in them, what waits to be sealed, and the rules. A batch is added
 * only behind the last one, and a task gets no second receipt because its number is the key of the table of places.
 */

import type { AskedRow, BatchRow, EarnedRow, LedgerStore } from '../../../engine/ports/ledger/ledger-store.ts'
import { StoreError, type StoreWriteOf } from '../../../engine/ports/store.ts'
import type { Statements } from '../statements.ts'
import type { SnapshotReads } from './snapshot-tables.ts'

/** Of a batch whose receipts are forgotten the leaves go; nothing else of it ever changes. */
export const receiptRetention = `
  ALTER TABLE hub ADD COLUMN ledger_forgotten INTEGER NOT NULL DEFAULT 0;
  DROP TRIGGER ledger_batch_is_append_only;
  CREATE TRIGGER ledger_batch_is_append_only BEFORE UPDATE ON ledger_batch
    WHEN new.seq IS NOT old.seq OR new.at_ms IS NOT old.at_ms OR new.head IS NOT old.head
      OR new.signature IS NOT old.signature OR length(new.leaves) > 0
    BEGIN SELECT raise(ABORT, 'a batch of the ledger is never changed'); END;
`

/** With which key each scout signs what it answers. */
export const pinTable = `
  CREATE TABLE ledger_pin (
    scout TEXT NOT NULL PRIMARY KEY,
    key BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
`

interface LedgerWrites {
  batch(write: StoreWriteOf<'batch'>): void
  earned(write: StoreWriteOf<'earned'>): void
  askLedger(write: StoreWriteOf<'askLedger'>): void
  forgetAsked(write: StoreWriteOf<'forgetAsked'>): void
  rules(write: StoreWriteOf<'rules'>): void
  pin(write: StoreWriteOf<'pin'>): void
  forgetLeaves(write: StoreWriteOf<'forgetLeaves'>): void
}

/** Places within a batch, of which there are fewer: a place in the whole chain is one number. */
const placesPerBatch = 1_024

export function ledgerWrites(statements: Statements): LedgerWrites {
  const add = statements.keep<never, [number, number, Uint8Array, Uint8Array, Uint8Array]>(
    `INSERT INTO ledger_batch (seq, at_ms, head, signature, leaves) SELECT ?1, ?2, ?3, ?4, ?5
     WHERE ?1 = 1 + coalesce((SELECT max(seq) FROM ledger_batch), 0)`,
  )
  // One statement for all receipts of a batch: each of its own would cost several times as much.
  const addPlaces = statements.keep<never, [string, number]>(
    'INSERT INTO ledger_receipt (task, place) SELECT value, ?2 + key FROM json_each(?1)',
  )
  const forgetEarned = statements.keep<never, [string]>(
    'DELETE FROM ledger_earned WHERE task IN (SELECT value FROM json_each(?1))',
  )
  const forgetAsked = statements.keep<never, [number]>('DELETE FROM ledger_asked WHERE id = ?')
  const addEarned = statements.keep<never, [number, Uint8Array]>(
    'INSERT INTO ledger_earned (task, receipt) VALUES (?, ?)',
  )
  const ask = statements.keep<never, [string]>('INSERT INTO ledger_asked (event) VALUES (?)')
  const addRules = statements.keep<never, [Uint8Array, string]>(
    'INSERT INTO ledger_rules (hash, text) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING',
  )
  const pin = statements.keep<never, [string, Uint8Array]>(
    'INSERT INTO ledger_pin (scout, key) VALUES (?, ?) ON CONFLICT (scout) DO UPDATE SET key = excluded.key',
  )
  const unpin = statements.keep<never, [string]>('DELETE FROM ledger_pin WHERE scout = ?')
  const forget = statements.keep<never, [number, number]>(
    'UPDATE hub SET ledger_forgotten = ?2 WHERE ledger_forgotten = ?1 AND ?2 > ?1',
  )
  const empty = statements.keep<never, [string, number, number]>(
    `UPDATE ledger_batch SET leaves = x''
     WHERE seq IN (SELECT value FROM json_each(?)) AND seq > ? AND seq <= ?`,
  )
  const removePlaces = statements.keep<never, [string]>(
    'DELETE FROM ledger_receipt WHERE task IN (SELECT value FROM json_each(?))',
  )
  return {
    forgetLeaves({ from, to, batches, tasks }) {
      if (forget.run(from, to).changes !== 1) {
        throw new StoreError('fenced', `receipts are not forgotten up to batch ${from}`)
      }
      const { changes } = empty.run(JSON.stringify(batches), from, to)
      if (changes !== batches.length) throw new StoreError('fenced', `batches do not lie between ${from} and ${to}`)
      removePlaces.run(JSON.stringify(tasks))
    },
    batch({ batch: { seq, atMs, head, signature, leaves }, tasks, earned, asked }) {
      const { changes } = add.run(seq, atMs, head, signature, leaves)
      if (changes !== 1) throw new StoreError('fenced', `batch ${seq} does not follow on the last one`)
      if (tasks.length > 0) addPlaces.run(JSON.stringify(tasks), seq * placesPerBatch)
      if (earned.length > 0) forgetEarned.run(JSON.stringify(earned))
      for (const id of asked) forgetAsked.run(id)
    },
    earned({ earned: { task, receipt } }) {
      addEarned.run(task, receipt)
    },
    askLedger({ event }) {
      ask.run(event)
    },
    forgetAsked({ id }) {
      forgetAsked.run(id)
    },
    rules({ hash, text }) {
      addRules.run(hash, text)
    },
    pin({ scout, key }) {
      if (key === null) unpin.run(scout)
      else pin.run(scout, key)
    },
  }
}

export function ledgerReads(statements: Statements): Omit<LedgerStore, SnapshotReads> {
  const columns = 'seq, at_ms AS atMs, head, signature, leaves'
  const last = statements.keep<BatchRow, []>(`SELECT ${columns} FROM ledger_batch ORDER BY seq DESC LIMIT 1`)
  const one = statements.keep<BatchRow, [number]>(`SELECT ${columns} FROM ledger_batch WHERE seq = ?`)
  const after = statements.keep<BatchRow, [number, number]>(
    `SELECT ${columns} FROM ledger_batch WHERE seq > ? ORDER BY seq LIMIT ?`,
  )
  const place = statements.keep<{ place: number }, [number]>('SELECT place FROM ledger_receipt WHERE task = ?')
  const forgotten = statements.keep<{ upTo: number }, []>('SELECT ledger_forgotten AS upTo FROM hub')
  const earned = statements.keep<EarnedRow, [number]>('SELECT task, receipt FROM ledger_earned ORDER BY task LIMIT ?')
  const asked = statements.keep<AskedRow, [number]>('SELECT id, event FROM ledger_asked ORDER BY id LIMIT ?')
  const rules = statements.keep<{ text: string }, [Uint8Array]>('SELECT text FROM ledger_rules WHERE hash = ?')
  const pinned = statements.keep<{ key: Uint8Array }, [string]>('SELECT key FROM ledger_pin WHERE scout = ?')
  return {
    lastBatch: () => last.get() ?? undefined,
    batch: (seq) => one.get(seq) ?? undefined,
    batchesAfter: (seq, limit) => after.all(seq, limit),
    forgottenUpTo: () => forgotten.get()!.upTo,
    receiptPlace(task) {
      const found = place.get(task)?.place
      if (found === undefined) return undefined
      return { seq: Math.floor(found / placesPerBatch), place: found % placesPerBatch }
    },
    earned: (limit) => earned.all(limit),
    asked: (limit) => asked.all(limit),
    rulesText: (hash) => rules.get(hash)?.text,
    pinned: (scout) => pinned.get(scout)?.key,
  }
}
