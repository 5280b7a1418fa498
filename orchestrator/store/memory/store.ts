/**
 * The Store port in memory, for tests and simulations: the same promises as the SQLite adapter, but for surviving the
 * process. A store is a plain object of functions, so that tests of a failing disk can wrap or replace them; what it
 * wrote is on the MemoryDisk and is there for the next store. Rows are copied in and out, as a database
 * would.
 */
import { usageSumMax } from '../../../shared/limits/answers.ts'
import type {
  IdempotencyStore,
  IntentFilter,
  IntentStore,
  OpenIntent,
  ResponseStore,
  Store,
  SummedIntent,
  UsageStore,
  UsageSum,
} from '../../engine/ports/store.ts'
import { accountReads, forgetSignIns } from './account-reads.ts'
import {
  copyBytes,
  copyIdempotency,
  copyResponse,
  copyTask,
  idempotencyKey,
  MemoryDisk,
  type StoredIntent,
} from './disk.ts'
import { disputeReads } from './disputes.ts'
import { ledgerReads } from './ledger.ts'
import { reportReads } from './reports.ts'
import { sharedKeyReads } from './shared-keys.ts'
import { trustReads } from './trust.ts'
import { usageReads } from './usage.ts'
import { sameBytes, writeBatch } from './writes.ts'

export function memoryStore(disk = new MemoryDisk()): Store {
  let closed = false
  let ownCommits = 0
  const committed = () => {
    disk.commits += 1
    ownCommits += 1
  }
  const writable = () => {
    if (closed) throw new Error('this store is closed')
  }
  return {
    ...accountReads(disk),
    ...readsOn(disk),
    ...usageReads(disk),
    ...reportReads(disk),
    ...ledgerReads(disk),
    ...trustReads(disk),
    ...sharedKeyReads(disk),
    ...disputeReads(disk),
    nextEpoch() {
      writable()
      disk.epoch += 1
      disk.requestsAhead.clear()
      committed()
      return disk.epoch
    },
    commit(writes) {
      writable()
      if (writes.length === 0) return
      writeBatch(disk, writes)
      committed()
    },
    foreignCommits: () => disk.commits - ownCommits,
    forgetSignIns(nowMs, auditMs, limit) {
      writable()
      committed()
      return forgetSignIns(disk, nowMs, auditMs, limit)
    },
    forgetBefore(finishedMs, idempotencyMs, limit) {
      writable()
      committed()
      return forgetIntents(disk, finishedMs, limit) + forgetOthers(disk, finishedMs, idempotencyMs, limit)
    },
    backup(path) {
      if (disk.copies.has(path)) throw new Error(`there is a backup at ${path} already`)
      disk.copies.set(path, disk.copy())
    },
    close() {
      // A clean end: nothing is in hand.
      if (!closed) disk.inHand = null
      closed = true
    },
  }
}

function readsOn(
  disk: MemoryDisk,
): IntentStore & IdempotencyStore & ResponseStore & Pick<UsageStore, 'usage' | 'unbooked'> {
  return {
    intent(id) {
      const stored = disk.intents.get(id)
      return stored && { ...stored.row }
    },
    intents: (filter) => listed(disk, filter),
    tasksOf: (intent) => disk.intents.get(intent)?.tasks.map((task) => copyTask(task.row)) ?? [],
    request: (task) => copyIfAny(disk.tasks.get(task)?.request),
    result: (task) => copyIfAny(disk.tasks.get(task)?.result),
    isCommitted(task, attempt, nonce) {
      const row = disk.tasks.get(task)?.row
      return row?.state === 'done' && row.attempt === attempt && sameBytes(row.nonce, nonce)
    },
    eventsAfter(intent, seq, limit) {
      const events = disk.intents.get(intent)?.events ?? []
      return events.slice(seq, seq + limit).map((event) => ({ ...event }))
    },
    idempotency(tenant, route, key) {
      const row = disk.idempotency.get(idempotencyKey({ tenant, route, key }))
      return row && copyIdempotency(row)
    },
    response(id) {
      const row = disk.responses.get(id)
      return row && copyResponse(row)
    },
    unkept() {
      const rows = [...disk.responses.values()].filter(({ request }) => request.length === 0)
      return rows.flatMap(({ intent }) => (intent === null ? [] : [intent]))
    },
    usage: (tenant) => usageByModel(disk, tenant),
    unbooked: () => disk.unbooked,
    deaths: () => new Map(disk.suspects),
    noteInHand(name) {
      disk.inHand = name
    },
    inHand: () => disk.inHand,
    noteDeaths(owed, inHand) {
      disk.owedDeaths = owed.map((one) => ({ ...one }))
      disk.inHand = inHand
    },
    owedDeaths: () => disk.owedDeaths,
    *openIntents() {
      for (const stored of disk.intents.values()) if (stored.row.state === 'running') yield whole(stored)
    },
    openIntent(id) {
      const stored = disk.intents.get(id)
      return stored && whole(stored)
    },
  }
}

function whole({ row, tasks, events }: StoredIntent): OpenIntent {
  const requestBytes = tasks.map(({ request }) => request.length)
  return { intent: { ...row }, tasks: tasks.map((task) => copyTask(task.row)), requestBytes, lastSeq: events.length }
}

function listed(disk: MemoryDisk, { tenant, state, before, limit }: IntentFilter): SummedIntent[] {
  const rows = [...disk.intents.values()].map((stored) => stored.row)
  const end = before === undefined ? rows.length : rows.findIndex((row) => row.id === before)
  return rows
    .slice(0, Math.max(end, 0))
    .reverse()
    .filter((row) => (tenant === null || row.tenant === tenant) && (state === undefined || row.state === state))
    .slice(0, limit)
    .map((row) => {
      const tasks = disk.intents.get(row.id)!.tasks.map((task) => task.row)
      const sumOf = (tokens: 'promptTokens' | 'completionTokens') =>
        Math.min(
          usageSumMax,
          tasks.reduce((sum, task) => sum + task[tokens], 0),
        )
      return { ...row, promptTokens: sumOf('promptTokens'), completionTokens: sumOf('completionTokens') }
    })
}

type Usage = Omit<UsageSum, 'tenant'>

function usageByModel(disk: MemoryDisk, tenant: string | null): Usage[] {
  const byModel = new Map<string, Usage>()
  for (const sum of disk.usageSums.values()) {
    if (tenant !== null && sum.tenant !== tenant) continue
    const { model, tasks, promptTokens, completionTokens } = sum
    const total = byModel.get(model) ?? { model, tasks: 0, promptTokens: 0, completionTokens: 0 }
    total.tasks = Math.min(usageSumMax, total.tasks + tasks)
    total.promptTokens = Math.min(usageSumMax, total.promptTokens + promptTokens)
    total.completionTokens = Math.min(usageSumMax, total.completionTokens + completionTokens)
    byModel.set(model, total)
  }
  return [...byModel.values()].sort((one, other) => (one.model < other.model ? -1 : 1))
}

function forgetIntents(disk: MemoryDisk, finishedMs: number, limit: number): number {
  const finished = [...disk.intents.values()].filter(
    ({ row }) => row.finishedMs !== null && row.finishedMs < finishedMs,
  )
  const oldest = finished.sort((one, other) => one.row.finishedMs! - other.row.finishedMs!).slice(0, limit)
  for (const { row, tasks } of oldest) {
    for (const task of tasks) disk.tasks.delete(task.row.task)
    disk.intents.delete(row.id)
    disk.suspects.delete(row.id)
    for (const { id, intent } of disk.responses.values()) if (intent === row.id) disk.responses.delete(id)
  }
  return oldest.length
}

function forgetOthers(disk: MemoryDisk, finishedMs: number, idempotencyMs: number, limit: number): number {
  const old = [...disk.idempotency].filter(([, row]) => row.createdMs < idempotencyMs)
  const oldest = old.sort(([, one], [, other]) => one.createdMs - other.createdMs).slice(0, limit)
  for (const [key] of oldest) disk.idempotency.delete(key)
  const oldResponses = [...disk.responses.values()].filter((row) => row.intent === null && row.createdMs < finishedMs)
  const responses = oldResponses.sort((one, other) => one.createdMs - other.createdMs).slice(0, limit)
  for (const { id } of responses) disk.responses.delete(id)
  const firstBooked = [...disk.bookings.values()].sort((one, other) => one.task - other.task).slice(0, limit)
  const booked = firstBooked.filter((row) => row.atMs < finishedMs)
  for (const { task } of booked) disk.bookings.delete(task)
  return oldest.length + responses.length + booked.length
}

function copyIfAny(bytes: Uint8Array | null | undefined): Uint8Array | undefined {
  return bytes ? copyBytes(bytes) : undefined
}
