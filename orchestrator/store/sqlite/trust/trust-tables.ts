/**
 * Trust as SQL: the rows of scouts with their models, and what is remembered of models.
 */
import type { TrustMemoryRow, TrustRow, TrustStore, TrustWrite } from '../../../engine/ports/trust/trust-store.ts'
import type { Statements } from '../statements.ts'
import { type TransactionSteps, transact } from '../transaction.ts'

type WriteOf<Kind extends TrustWrite['write']> = Extract<TrustWrite, { write: Kind }>

interface TrustWrites {
  trust(write: WriteOf<'trust'>): void
  trustMemory(write: WriteOf<'trustMemory'>): void
}

export function trustWrites(statements: Statements): TrustWrites {
  const keep = statements.keep<never, [string, string, number, string]>(
    `INSERT INTO trust (scout, model, booked_ms, record) VALUES (?, ?, ?, ?)
     ON CONFLICT (scout, model) DO UPDATE SET booked_ms = excluded.booked_ms, record = excluded.record`,
  )
  const remember = statements.keep<never, [string, number, string]>(
    `INSERT INTO trust_memory (name, booked_ms, body) VALUES (?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET booked_ms = excluded.booked_ms, body = excluded.body`,
  )
  return {
    trust({ row: { scout, model, bookedMs, record } }) {
      keep.run(scout, model, bookedMs, record)
    },
    trustMemory({ row: { name, bookedMs, body } }) {
      remember.run(name, bookedMs, body)
    },
  }
}

export function trustReads(statements: Statements, steps: TransactionSteps): TrustStore {
  const rows = statements.keep<TrustRow, [number]>(
    'SELECT scout, model, booked_ms AS bookedMs, record FROM trust ORDER BY booked_ms DESC, scout, model LIMIT ?',
  )
  const memory = statements.keep<TrustMemoryRow, [number]>(
    'SELECT name, booked_ms AS bookedMs, body FROM trust_memory ORDER BY booked_ms DESC, name LIMIT ?',
  )
  const forget = statements.keep<never, [number, number]>(
    `DELETE FROM trust WHERE (scout, model) IN
       (SELECT scout, model FROM trust WHERE booked_ms < ? ORDER BY booked_ms LIMIT ?)`,
  )
  const forgetMemory = statements.keep<never, [number, number]>(
    `DELETE FROM trust_memory WHERE name IN
       (SELECT name FROM trust_memory WHERE booked_ms < ? ORDER BY booked_ms LIMIT ?)`,
  )
  return {
    trustRows: (limit) => rows.all(limit),
    trustMemory: (limit) => memory.all(limit),
    forgetTrust: (bookedMs, limit) =>
      transact(steps, () => forget.run(bookedMs, limit).changes + forgetMemory.run(bookedMs, limit).changes),
  }
}
