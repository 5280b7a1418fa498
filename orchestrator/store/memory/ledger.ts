/**
 * The ledger on a MemoryDisk, as the SQLite adapter has it in its tables.
 */

import type { BatchRow, LedgerStore } from '../../engine/ports/ledger/ledger-store.ts'
import type { StoreWriteOf } from '../../engine/ports/store.ts'
import { addEarning, type Earning, earningKey, inReading, isMeant, noEarning } from '../../ledger/accounts/earnings.ts'
import { copyBytes, type MemoryDisk } from './disk.ts'
import { must, put, take, type Undo } from './undo.ts'

export const ledgerWrites = {
  batch(disk: MemoryDisk, { batch, tasks, earned, asked }: StoreWriteOf<'batch'>, undo: Undo): void {
    const { seq } = batch
    must(seq === disk.batches.length + 1, () => `batch ${seq} does not follow on the last one`)
    disk.batches.push(copyBatch(batch))
    undo.push(() => disk.batches.pop())
    for (const [place, task] of tasks.entries()) {
      must(!disk.receiptPlaces.has(task), () => `task ${task} has a receipt already`)
      put(disk.receiptPlaces, task, { seq, place }, undo)
    }
    for (const task of earned) take(disk.earned, task, undo)
    for (const id of asked) take(disk.asked, id, undo)
  },
  earned(disk: MemoryDisk, { earned: { task, receipt } }: StoreWriteOf<'earned'>, undo: Undo): void {
    must(!disk.earned.has(task), () => `task ${task} has earned already`)
    put(disk.earned, task, copyBytes(receipt), undo)
  },
  askLedger(disk: MemoryDisk, { event }: StoreWriteOf<'askLedger'>, undo: Undo): void {
    disk.lastAsked++
    put(disk.asked, disk.lastAsked, event, undo)
  },
  forgetAsked(disk: MemoryDisk, { id }: StoreWriteOf<'forgetAsked'>, undo: Undo): void {
    take(disk.asked, id, undo)
  },
  rules(disk: MemoryDisk, { hash, text }: StoreWriteOf<'rules'>, undo: Undo): void {
    const name = hex(hash)
    if (!disk.rules.has(name)) put(disk.rules, name, text, undo)
  },
  pin(disk: MemoryDisk, { scout, key }: StoreWriteOf<'pin'>, undo: Undo): void {
    if (key === null) take(disk.pins, scout, undo)
    else put(disk.pins, scout, copyBytes(key), undo)
  },
  forgetLeaves(disk: MemoryDisk, { from, to, batches, tasks }: StoreWriteOf<'forgetLeaves'>, undo: Undo): void {
    must(disk.forgotten === from && to > from, () => `receipts are not forgotten up to batch ${from}`)
    disk.forgotten = to
    undo.push(() => Object.assign(disk, { forgotten: from }))
    for (const seq of batches) {
      must(seq > from && seq <= to, () => `batch ${seq} does not lie between ${from} and ${to}`)
      const row = disk.batches[seq - 1]!
      disk.batches[seq - 1] = { ...row, leaves: new Uint8Array() }
      undo.push(() => disk.batches.splice(seq - 1, 1, row))
    }
    for (const task of tasks) take(disk.receiptPlaces, task, undo)
  },
  fold(disk: MemoryDisk, write: StoreWriteOf<'fold'>, undo: Undo): void {
    const { from, to, balances, balancesUpTo, earnings, earningsUpTo, seasons } = write
    const { projected, written } = disk
    must(projected === from, () => `the ledger is not folded up to batch ${from}`)
    Object.assign(disk, { projected: to, written: Math.max(balancesUpTo, earningsUpTo) })
    undo.push(() => Object.assign(disk, { projected, written }))
    for (const { account, points } of balances) {
      put(disk.balances, account, { account, points, upTo: balancesUpTo }, undo)
    }
    for (const { account, points, upTo } of [...disk.balances.values()]) {
      if (points === 0 && upTo <= to) take(disk.balances, account, undo)
    }
    for (const earning of earnings) {
      const { day, scout, model } = earning
      const key = earningKey(earning)
      const sum = { ...(disk.earnings.get(key)?.earning ?? noEarning(day, scout, model)) }
      addEarning(sum, earning)
      put(disk.earnings, key, { earning: sum, upTo: earningsUpTo }, undo)
    }
    for (const row of seasons) put(disk.seasons, row.season, { ...row }, undo)
  },
}

export function ledgerReads(disk: MemoryDisk): LedgerStore {
  const copied = (row: BatchRow | undefined) => row && copyBatch(row)
  return {
    lastBatch: () => copied(disk.batches.at(-1)),
    batch: (seq) => copied(disk.batches[seq - 1]),
    batchesAfter: (seq, limit) => disk.batches.slice(seq, seq + limit).map(copyBatch),
    forgottenUpTo: () => disk.forgotten,
    receiptPlace(task) {
      const place = disk.receiptPlaces.get(task)
      return place && { ...place }
    },
    earned(limit) {
      const rows = [...disk.earned].sort(([one], [other]) => one - other).slice(0, limit)
      return rows.map(([task, receipt]) => ({ task, receipt: copyBytes(receipt) }))
    },
    asked: (limit) => [...disk.asked].slice(0, limit).map(([id, event]) => ({ id, event })),
    rulesText: (hash) => disk.rules.get(hex(hash)),
    pinned(scout) {
      const key = disk.pins.get(scout)
      return key && copyBytes(key)
    },
    snapshot() {
      const balances = [...disk.balances.values()].sort((one, other) => (one.account < other.account ? -1 : 1))
      const seasons = [...disk.seasons.values()].sort((one, other) => (one.season < other.season ? -1 : 1))
      const { projected, written } = disk
      const copies = { balances: balances.map((row) => ({ ...row })), seasons: seasons.map((row) => ({ ...row })) }
      return { projected, written, ...copies }
    },
    earnings(filter) {
      const rows = earningsOf(disk).filter((row) => isMeant(row, filter))
      return rows
        .sort(inReading)
        .slice(0, filter.limit)
        .map((row) => ({ ...row }))
    },
    earningUpTo: (day, scout, model) => disk.earnings.get(earningKey({ day, scout, model }))?.upTo ?? 0,
    unpaidOf: (day) =>
      earningsOf(disk)
        .filter((row) => row.day === day && row.unpaid > 0)
        .map((row) => ({ ...row })),
    earningRecord(scout, model) {
      const rows = earningsOf(disk).filter((row) => row.scout === scout && row.model === model)
      const paid = rows.filter(({ tasks, unpaid }) => tasks > unpaid)
      return { paidTasks: paid.reduce((sum, { tasks, unpaid }) => sum + tasks - unpaid, 0), days: paid.length }
    },
  }
}

function earningsOf(disk: MemoryDisk): Earning[] {
  return [...disk.earnings.values()].map(({ earning }) => earning)
}

function copyBatch({ seq, atMs, head, signature, leaves }: BatchRow): BatchRow {
  return { seq, atMs, head: copyBytes(head), signature: copyBytes(signature), leaves: copyBytes(leaves) }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
