/**
 * Keys, the hub's epoch and the sealing of nonces in SQLite: the part of the store that the keyring, the composition
 * root and the data folder use. Small rows, rare writes; each write is a transaction of its own.
 */
import type { KeyRow, KeyStore, MaintenanceStore } from '../../engine/ports/store.ts'
import type { Statements } from './statements.ts'
import { type TransactionSteps, transact } from './transaction.ts'

/** A row of `api_key` under the port's names. */
const columns = 'id, role, name, digest, weight, created_ms AS createdMs, revoked_ms AS revokedMs'

export function sqliteKeys(
  statements: Statements,
  steps: TransactionSteps,
): KeyStore & Pick<MaintenanceStore, 'nextEpoch'> {
  const addEpoch = statements.keep<{ epoch: number }, []>('UPDATE hub SET epoch = epoch + 1 RETURNING epoch')
  const add = statements.keep<never, [string, string, string, string, number, number, number | null]>(
    'INSERT INTO api_key (id, role, name, digest, weight, created_ms, revoked_ms) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  const byDigest = statements.keep<KeyRow, [string]>(`SELECT ${columns} FROM api_key WHERE digest = ?`)
  const byId = statements.keep<KeyRow, [string]>(`SELECT ${columns} FROM api_key WHERE id = ?`)
  const all = statements.keep<KeyRow, []>(`SELECT ${columns} FROM api_key ORDER BY seq`)
  const revoke = statements.keep<never, [number, string]>(
    'UPDATE api_key SET revoked_ms = ? WHERE id = ? AND revoked_ms IS NULL',
  )
  return {
    nextEpoch: () => transact(steps, () => addEpoch.get()!.epoch),
    insertKey(row) {
      const { id, role, name, digest, weight, createdMs, revokedMs } = row
      transact(steps, () => add.run(id, role, name, digest, weight, createdMs, revokedMs))
    },
    keyByDigest: (digest) => byDigest.get(digest) ?? undefined,
    keyById: (id) => byId.get(id) ?? undefined,
    listKeys: () => all.all(),
    revokeKey: (id, atMs) => transact(steps, () => revoke.run(atMs, id).changes === 1),
  }
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
