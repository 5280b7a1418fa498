/**
 * The hub's own row in SQLite: its epoch, with which goes what the last process did not come to use, and whether the
 * nonces of leases were sealed. The composition root counts the epoch once per start; the data folder has the nonces
 * sealed.
 */
import type { MaintenanceStore } from '../../engine/ports/store.ts'
import type { Statements } from './statements.ts'
import { type TransactionSteps, transact } from './transaction.ts'

export function epochCounter(statements: Statements, steps: TransactionSteps): MaintenanceStore['nextEpoch'] {
  const addEpoch = statements.keep<{ epoch: number }, []>('UPDATE hub SET epoch = epoch + 1 RETURNING epoch')
  const forgetAhead = statements.keep<never, []>(
    'DELETE FROM request_ahead WHERE NOT EXISTS (SELECT 1 FROM task WHERE task.task = request_ahead.task)',
  )
  return () =>
    transact(steps, () => {
      forgetAhead.run()
      return addEpoch.get()!.epoch
    })
}

/** Rows with a nonce that are read at once. */
const portionRows = 1_000

/**
 * Seals, once, the nonces that earlier versions of this program stored as they were. The data folder asks for it when a
 * hub opens the database; how a nonce is sealed is its matter.
 */
export function nonceSealing(statements: Statements, steps: TransactionSteps) {
  const isSealed = statements.keep<{ sealed: number }, []>('SELECT sealed FROM hub')
  const setSealed = statements.keep<never, []>('UPDATE hub SET sealed = 1')
  const portion = statements.keep<{ task: number; nonce: Uint8Array }, [number, number]>(
    'SELECT task, nonce FROM task WHERE nonce IS NOT NULL AND task > ? ORDER BY task LIMIT ?',
  )
  const change = statements.keep<never, [Uint8Array, number]>('UPDATE task SET nonce = ? WHERE task = ?')
  return (seal: (nonce: Uint8Array) => Uint8Array): void => {
    if (isSealed.get()!.sealed === 1) return
    transact(steps, () => {
      for (let rows = portion.all(-1, portionRows); rows.length > 0; ) {
        for (const { task, nonce } of rows) change.run(seal(nonce), task)
        rows = portion.all(rows.at(-1)!.task, portionRows)
      }
      setSealed.run()
    })
  }
}
