/**
 * The charts' quarters of an hour, and what each scout served by the day, on a MemoryDisk, as the SQLite adapter has
 * them in two tables.
 */
import { usageSumMax } from '../../../shared/limits/answers.ts'
import type { StoreWriteOf } from '../../engine/ports/store.ts'
import type { ReportReads, ServedDay } from '../../engine/ports/usage.ts'
import type { MemoryDisk } from './disk.ts'
import { put, type Undo } from './undo.ts'

const counts = ['done', 'failed', 'tokens', 'busyMs'] as const

export const reportWrites = {
  history(disk: MemoryDisk, { row }: StoreWriteOf<'history'>, undo: Undo): void {
    put(disk.history, row.slot, { ...row }, undo)
  },
  served(disk: MemoryDisk, { scout, served }: StoreWriteOf<'served'>, undo: Undo): void {
    const name = JSON.stringify([scout, served.day])
    const known = disk.servedDays.get(name)
    const added = { scout, ...served }
    for (const count of counts) added[count] = Math.min(usageSumMax, (known?.[count] ?? 0) + served[count])
    put(disk.servedDays, name, added, undo)
  },
}

export function reportReads(disk: MemoryDisk): ReportReads {
  return {
    history(fromSlot) {
      const rows = [...disk.history.values()].filter(({ slot }) => slot >= fromSlot)
      return rows.sort((one, other) => one.slot - other.slot).map((row) => ({ ...row }))
    },
    servedDays(scout, fromDay) {
      const rows = [...disk.servedDays.values()].filter((row) => row.scout === scout && row.day >= fromDay)
      const days = rows.map(
        ({ day, done, failed, tokens, busyMs }): ServedDay => ({ day, done, failed, tokens, busyMs }),
      )
      return days.sort((one, other) => one.day - other.day)
    },
    forgetReports: (beforeSlot, beforeDay, limit) =>
      forgetOld(disk.history, ({ slot }) => slot, beforeSlot, limit) +
      forgetOld(disk.servedDays, ({ day }) => day, beforeDay, limit),
  }
}

function forgetOld<Name, Row>(rows: Map<Name, Row>, at: (row: Row) => number, before: number, limit: number): number {
  const old = [...rows].filter(([, row]) => at(row) < before).sort(([, one], [, other]) => at(one) - at(other))
  const gone = old.slice(0, limit)
  for (const [name] of gone) rows.delete(name)
  return gone.length
}
