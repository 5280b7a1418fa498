/**
 * Disputes on a MemoryDisk, as the SQLite adapter has them in two tables.
 */
import type { DisputeRow, DisputeStore, DisputeWrite } from '../../engine/ports/trust/dispute-store.ts'
import { copyBytes, type MemoryDisk } from './disk.ts'
import { must, put, take, type Undo } from './undo.ts'

type WriteOf<Kind extends DisputeWrite['write']> = Extract<DisputeWrite, { write: Kind }>

export const disputeWrites = {
  dispute(disk: MemoryDisk, { row, texts }: WriteOf<'dispute'>, undo: Undo): void {
    must(!disk.disputes.has(row.id), () => `there is a dispute ${row.id} already`)
    must(ofTask(disk, row.task) === undefined, () => `there is a dispute about task ${row.task} already`)
    put(disk.disputes, row.id, { ...row }, undo)
    put(disk.disputeTexts, row.id, copyBytes(texts), undo)
  },
  disputeMove(disk: MemoryDisk, { id, from, to, texts }: WriteOf<'disputeMove'>, undo: Undo): void {
    const row = disk.disputes.get(id)
    must(row?.state === from, () => `dispute ${id} is not ${from}`)
    put(disk.disputes, id, { ...row, ...to }, undo)
    if (texts === null) take(disk.disputeTexts, id, undo)
    else if (texts !== undefined) put(disk.disputeTexts, id, copyBytes(texts), undo)
  },
}

export function disputeReads(disk: MemoryDisk): DisputeStore {
  const newest = () =>
    [...disk.disputes.values()].sort((one, other) => other.filedMs - one.filedMs || (one.id < other.id ? -1 : 1))
  return {
    dispute: (id) => copied(disk.disputes.get(id)),
    disputeOf: (task) => copied(ofTask(disk, task)),
    disputes: (limit) =>
      newest()
        .slice(0, limit)
        .map((row) => ({ ...row })),
    openDisputes(limit) {
      const open = [...disk.disputes.values()].filter(({ state }) => state !== 'final')
      const oldest = open.sort((one, other) => one.filedMs - other.filedMs || (one.id < other.id ? -1 : 1))
      return oldest.slice(0, limit).map((row) => ({ ...row }))
    },
    disputeTexts(id) {
      const texts = disk.disputeTexts.get(id)
      return texts && copyBytes(texts)
    },
    forgetDisputes(changedMs, limit) {
      const old = [...disk.disputes.values()].filter((row) => row.state === 'final' && row.changedMs < changedMs)
      const gone = old.sort((one, other) => one.changedMs - other.changedMs).slice(0, limit)
      for (const { id } of gone) {
        disk.disputes.delete(id)
        disk.disputeTexts.delete(id)
      }
      return gone.length
    },
  }
}

function ofTask(disk: MemoryDisk, task: number): DisputeRow | undefined {
  for (const row of disk.disputes.values()) if (row.task === task) return row
  return undefined
}

function copied(row: DisputeRow | undefined): DisputeRow | undefined {
  return row && { ...row }
}
