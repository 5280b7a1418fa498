/**
 * Disputes as SQL: their rows, and their texts in a table of their own, for they go sooner and are rarely read.
 */
import { StoreError } from '../../../engine/ports/store.ts'
import type { DisputeRow, DisputeStore, DisputeWrite } from '../../../engine/ports/trust/dispute-store.ts'
import type { Statements } from '../statements.ts'
import { type TransactionSteps, transact } from '../transaction.ts'

/** What migration 14 makes. */
export const disputeTables = `
  CREATE TABLE dispute (
    id TEXT NOT NULL PRIMARY KEY,
    task INTEGER NOT NULL UNIQUE,
    tenant TEXT NOT NULL,
    operator TEXT NOT NULL,
    state TEXT NOT NULL,
    verdict TEXT,
    filed_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    record TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX dispute_age ON dispute (filed_ms);
  CREATE INDEX dispute_open ON dispute (filed_ms) WHERE state <> 'final';
  CREATE INDEX dispute_over ON dispute (changed_ms) WHERE state = 'final';
  CREATE TABLE dispute_text (
    id TEXT NOT NULL PRIMARY KEY REFERENCES dispute (id) ON DELETE CASCADE,
    body BLOB NOT NULL
  ) STRICT;
`

type WriteOf<Kind extends DisputeWrite['write']> = Extract<DisputeWrite, { write: Kind }>

interface DisputeWrites {
  dispute(write: WriteOf<'dispute'>): void
  disputeMove(write: WriteOf<'disputeMove'>): void
}

export function disputeWrites(statements: Statements): DisputeWrites {
  const add = statements.keep<never, [string, number, string, string, string, string | null, number, number, string]>(
    `INSERT INTO dispute (id, task, tenant, operator, state, verdict, filed_ms, changed_ms, record)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const move = statements.keep<never, [string, string | null, number, string, string, string]>(
    'UPDATE dispute SET state = ?, verdict = ?, changed_ms = ?, record = ? WHERE id = ? AND state = ?',
  )
  const putTexts = statements.keep<never, [string, Uint8Array]>(
    'INSERT INTO dispute_text (id, body) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body',
  )
  const dropTexts = statements.keep<never, [string]>('DELETE FROM dispute_text WHERE id = ?')
  return {
    dispute({ row, texts }) {
      const { id, task, tenant, operator, state, verdict, filedMs, changedMs, record } = row
      add.run(id, task, tenant, operator, state, verdict, filedMs, changedMs, record)
      putTexts.run(id, texts)
    },
    disputeMove({ id, from, to: { state, verdict, changedMs, record }, texts }) {
      const { changes } = move.run(state, verdict, changedMs, record, id, from)
      if (changes !== 1) throw new StoreError('fenced', `dispute ${id} is not ${from}`)
      if (texts === null) dropTexts.run(id)
      else if (texts !== undefined) putTexts.run(id, texts)
    },
  }
}

const columns =
  'id, task, tenant, operator, state, verdict, filed_ms AS filedMs, changed_ms AS changedMs, record FROM dispute'

export function disputeReads(statements: Statements, steps: TransactionSteps): DisputeStore {
  const byId = statements.keep<DisputeRow, [string]>(`SELECT ${columns} WHERE id = ?`)
  const byTask = statements.keep<DisputeRow, [number]>(`SELECT ${columns} WHERE task = ?`)
  const newest = statements.keep<DisputeRow, [number]>(`SELECT ${columns} ORDER BY filed_ms DESC, id LIMIT ?`)
  const open = statements.keep<DisputeRow, [number]>(
    `SELECT ${columns} WHERE state <> 'final' ORDER BY filed_ms, id LIMIT ?`,
  )
  const texts = statements.keep<{ body: Uint8Array }, [string]>('SELECT body FROM dispute_text WHERE id = ?')
  const forget = statements.keep<{ id: string }, [number, number]>(
    `DELETE FROM dispute WHERE id IN (SELECT id FROM dispute WHERE state = 'final' AND changed_ms < ?
       ORDER BY changed_ms LIMIT ?) RETURNING id`,
  )
  return {
    dispute: (id) => byId.get(id) ?? undefined,
    disputeOf: (task) => byTask.get(task) ?? undefined,
    disputes: (limit) => newest.all(limit),
    openDisputes: (limit) => open.all(limit),
    disputeTexts: (id) => texts.get(id)?.body,
    forgetDisputes: (changedMs, limit) => transact(steps, () => forget.all(changedMs, limit).length),
  }
}
