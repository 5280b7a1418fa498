/**
 * Forgetting in SQLite: what has been over for long goes, a bounded number of rows at a time, so that no batch holds
 * up the hub. Tasks, bodies, events and responses go with their intent; sums of usage stay for ever, single bookings do
 * not.
 */
import type { MaintenanceStore } from '../../../engine/ports/store.ts'
import type { Statements } from '../statements.ts'
import { type TransactionSteps, transact } from '../transaction.ts'

export function sqliteRetention(statements: Statements, steps: TransactionSteps): MaintenanceStore['forgetBefore'] {
  const intents = statements.keep<never, [number, number]>(
    `DELETE FROM intent WHERE seq IN
       (SELECT seq FROM intent WHERE finished_ms < ? ORDER BY finished_ms LIMIT ?)`,
  )
  const answers = statements.keep<never, [number, number]>(
    `DELETE FROM idempotency WHERE (tenant, route, key) IN
       (SELECT tenant, route, key FROM idempotency WHERE created_ms < ? ORDER BY created_ms LIMIT ?)`,
  )
  const responses = statements.keep<never, [number, number]>(
    `DELETE FROM response WHERE id IN
       (SELECT id FROM response WHERE intent_seq IS NULL AND created_ms < ? ORDER BY created_ms LIMIT ?)`,
  )
  // Task numbers grow with time, so the oldest bookings are found without an index on their time.
  const bookings = statements.keep<never, [number, number]>(
    `DELETE FROM usage WHERE at_ms < ? AND task IN (SELECT task FROM usage ORDER BY task LIMIT ?)`,
  )
  return (finishedMs, idempotencyMs, limit) =>
    transact(steps, () => {
      const forgotten = intents.run(finishedMs, limit).changes + answers.run(idempotencyMs, limit).changes
      const others = responses.run(finishedMs, limit).changes + bookings.run(finishedMs, limit).changes
      return forgotten + others
    })
}
