/**
 * Keys and accounts of a network's hubs on a MemoryDisk, as the SQLite adapter has them in two tables.
 */
import type { SharedKeyStore, SharedKeyWrite } from '../../engine/ports/network/shared-keys.ts'
import type { MemoryDisk } from './disk.ts'
import { must, put, type Undo } from './undo.ts'

type WriteOf<Kind extends SharedKeyWrite['write']> = Extract<SharedKeyWrite, { write: Kind }>

export const sharedKeyWrites = {
  shared(disk: MemoryDisk, { row }: WriteOf<'shared'>, undo: Undo): void {
    const isOther = ({ id, print }: { id: string; print: string | null }) => print === row.print && id !== row.id
    must(row.print === null || !disk.shared.values().some(isOther), () => 'there is another key with this print')
    put(disk.shared, row.id, { ...row }, undo)
  },
  keyPrint(disk: MemoryDisk, { id, print }: WriteOf<'keyPrint'>, undo: Undo): void {
    put(disk.keyPrints, id, print, undo)
  },
}

export function sharedKeyReads(disk: MemoryDisk): SharedKeyStore {
  const rows = () => [...disk.shared.values()].sort((one, other) => (one.id < other.id ? -1 : 1))
  const copyOf = <Row extends object>(row: Row | undefined) => row && { ...row }
  return {
    shared: (id) => copyOf(disk.shared.get(id)),
    sharedByPrint: (print) => copyOf(disk.shared.values().find((row) => row.print === print)),
    sharedOf(owner) {
      const isOf = (row: { home: string; account: string | null }) =>
        'home' in owner ? row.home === owner.home : row.account === owner.account
      return rows().flatMap((row) => (isOf(row) ? [row.id] : []))
    },
    sharedExpiring(afterMs, untilMs) {
      const ends = rows().flatMap(({ id, expiresMs }) =>
        expiresMs !== null && expiresMs > afterMs && expiresMs <= untilMs ? [{ id, expiresMs }] : [],
      )
      return ends.sort((one, other) => one.expiresMs - other.expiresMs).map(({ id }) => id)
    },
    lastSharedSeq: () => Math.max(0, ...rows().map(({ seq }) => seq)),
    sharedAfter(seq, limit) {
      const newer = rows().filter((row) => row.seq > seq)
      return newer.sort((one, other) => one.seq - other.seq).slice(0, limit)
    },
    keyPrint: (id) => disk.keyPrints.get(id),
  }
}
