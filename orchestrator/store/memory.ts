/**
 * The Store port in memory, for tests and simulations: the same promises as the SQLite adapter, but for surviving the
 * process. Rows are copied in and out, as a database would.
 */
import type { KeyRow, Store } from '../engine/ports.ts'

export function memoryStore(): Store {
  let epoch = 0
  const keys = new Map<string, KeyRow>()
  const byDigest = (digest: string) => keys.values().find((row) => row.digest === digest)
  const copy = (row: KeyRow | undefined) => row && { ...row }
  return {
    nextEpoch() {
      epoch += 1
      return epoch
    },
    insertKey(row) {
      if (keys.has(row.id)) throw new Error(`a key with the id ${row.id} exists already`)
      if (byDigest(row.digest) !== undefined) throw new Error('a key with this digest exists already')
      keys.set(row.id, { ...row })
    },
    keyByDigest: (digest) => copy(byDigest(digest)),
    keyById: (id) => copy(keys.get(id)),
    listKeys: () => [...keys.values()].map((row) => ({ ...row })),
    revokeKey(id, atMs) {
      const row = keys.get(id)
      if (row === undefined || row.revokedMs !== null) return false
      row.revokedMs = atMs
      return true
    },
    close() {},
  }
}
