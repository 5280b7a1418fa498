/**
 * Trust on a MemoryDisk, as the SQLite adapter has it in two tables.
 */
import type { TrustStore, TrustWrite } from '../../engine/ports/trust/trust-store.ts'
import type { MemoryDisk } from './disk.ts'
import { put, type Undo } from './undo.ts'

type WriteOf<Kind extends TrustWrite['write']> = Extract<TrustWrite, { write: Kind }>

export const trustWrites = {
  trust(disk: MemoryDisk, { row }: WriteOf<'trust'>, undo: Undo): void {
    put(disk.trust, JSON.stringify([row.scout, row.model]), { ...row }, undo)
  },
  trustMemory(disk: MemoryDisk, { row }: WriteOf<'trustMemory'>, undo: Undo): void {
    put(disk.trustMemory, row.name, { ...row }, undo)
  },
}

export function trustReads(disk: MemoryDisk): TrustStore {
  return {
    trustRows: (limit) => newest(disk.trust, limit),
    trustMemory: (limit) => newest(disk.trustMemory, limit),
    forgetTrust: (bookedMs, limit) =>
      forgetOld(disk.trust, bookedMs, limit) + forgetOld(disk.trustMemory, bookedMs, limit),
  }
}

interface Booked {
  bookedMs: number
}

/** Rows of one time in the order of their names, as an index gives them. */
function newest<Row extends Booked>(rows: Map<string, Row>, limit: number): Row[] {
  const sorted = [...rows].sort(([a, one], [b, other]) => other.bookedMs - one.bookedMs || (a < b ? -1 : 1))
  return sorted.slice(0, limit).map(([, row]) => ({ ...row }))
}

function forgetOld<Row extends Booked>(rows: Map<string, Row>, before: number, limit: number): number {
  const old = [...rows].filter(([, row]) => row.bookedMs < before)
  const gone = old.sort(([, one], [, other]) => one.bookedMs - other.bookedMs).slice(0, limit)
  for (const [name] of gone) rows.delete(name)
  return gone.length
}
