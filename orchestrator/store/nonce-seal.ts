/**
 * Nonces of leases as they are stored: whoever reads the database, or a backup of it, must not be able to settle
 * tasks in a scout's name. Each is one random block, encrypted under a key made of the pepper, which no backup holds.
 * The data folder puts this around its store; engine and core see nonces as scouts do.
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto'
import { nonceBytes } from '../../shared/protocol/frames.ts'
import type { OpenIntent, Store, StoreWrite, TaskRow } from '../engine/ports/store.ts'

/** In front of a sealed nonce, which so differs in length from one that is not. */
const sealMark = 1

export interface NonceSeal {
  seal(nonce: Uint8Array): Uint8Array
  unseal(stored: Uint8Array): Uint8Array
}

export function nonceSeal(pepper: Uint8Array): NonceSeal {
  const key = createHmac('sha256', pepper).update('lease nonces').digest().subarray(0, nonceBytes)
  // One block each and never the same one twice, so there is nothing to chain, and one cipher serves all.
  const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false)
  const decipher = createDecipheriv('aes-128-ecb', key, null).setAutoPadding(false)
  return {
    seal: (nonce) => (nonce.length === nonceBytes ? Uint8Array.of(sealMark, ...cipher.update(nonce)) : nonce),
    unseal: (stored) =>
      stored.length === nonceBytes + 1 ? new Uint8Array(decipher.update(stored.subarray(1))) : stored,
  }
}

/** The same store, with every nonce sealed on its way in and open on its way out. */
export function sealedStore(store: Store, { seal, unseal }: NonceSeal): Store {
  const openTask = (row: TaskRow): TaskRow => (row.nonce === null ? row : { ...row, nonce: unseal(row.nonce) })
  const openWhole = (open: OpenIntent): OpenIntent => ({ ...open, tasks: open.tasks.map(openTask) })
  const sealTask = (row: TaskRow): TaskRow => (row.nonce === null ? row : { ...row, nonce: seal(row.nonce) })
  const sealWrite = (write: StoreWrite): StoreWrite => {
    if (write.write === 'lease' || write.write === 'settle') return { ...write, nonce: seal(write.nonce) }
    if (write.write !== 'intent' && write.write !== 'expand') return write
    return write.tasks.some(({ nonce }) => nonce !== null) ? { ...write, tasks: write.tasks.map(sealTask) } : write
  }
  return {
    ...store,
    commit: (writes) => store.commit(writes.map(sealWrite)),
    isCommitted: (task, attempt, nonce) => store.isCommitted(task, attempt, seal(nonce)),
    tasksOf: (intent) => store.tasksOf(intent).map(openTask),
    openIntent(id) {
      const open = store.openIntent(id)
      return open && openWhole(open)
    },
    *openIntents() {
      for (const open of store.openIntents()) yield openWhole(open)
    },
  }
}
