/**
 * Every kind of write of the port on a MemoryDisk, with the conditions the SQLite adapter has. A batch keeps a list of
 * how to undo what it did so far; a write whose condition does not hold throws `fenced`, and the list is run
 * backwards.
 */
import { isTerminalState } from '../../../shared/task-state.ts'
import type { StoreWrite, StoreWriteOf, TaskRow } from '../../engine/ports/store.ts'
import { accountWrites } from './account-writes.ts'
import {
  copyBytes,
  copyIdempotency,
  copyResponse,
  copyTask,
  idempotencyKey,
  type MemoryDisk,
  type StoredIntent,
  type StoredTask,
} from './disk.ts'
import { disputeWrites } from './disputes.ts'
import { ledgerWrites } from './ledger.ts'
import { reportWrites } from './reports.ts'
import { sharedKeyWrites } from './shared-keys.ts'
import { trustWrites } from './trust.ts'
import { must, put, take, type Undo } from './undo.ts'
import { usageWrites } from './usage.ts'

type Kind = StoreWrite['write']
type Writes = { [One in Kind]: (disk: MemoryDisk, write: StoreWriteOf<One>, undo: Undo) => void }

/** Performs all of these or none. Throws StoreError `fenced`. */
export function writeBatch(disk: MemoryDisk, batch: readonly StoreWrite[]): void {
  const undo: Undo = []
  try {
    for (const write of batch) {
      const perform = writes[write.write] as (disk: MemoryDisk, write: StoreWrite, undo: Undo) => void
      perform(disk, write, undo)
    }
  } catch (error) {
    for (const step of undo.reverse()) step()
    throw error
  }
}

/** Replaces the row of an intent or a task. */
function change<Row>(stored: { row: Row }, changes: Partial<Row>, undo: Undo): void {
  const before = stored.row
  stored.row = { ...before, ...changes }
  undo.push(() => {
    stored.row = before
  })
}

const noLease = { nonce: null, scout: null, instance: null } as const

export function sameBytes(one: Uint8Array | null, other: Uint8Array): boolean {
  return one !== null && one.length === other.length && one.every((byte, at) => byte === other[at])
}

/** The task if it is leased with this attempt. */
function leased(disk: MemoryDisk, task: number, attempt: number): StoredTask {
  const stored = disk.tasks.get(task)
  const otherwise = () => `task ${task} is not leased with attempt ${attempt}`
  must(stored !== undefined && stored.row.state === 'leased' && stored.row.attempt === attempt, otherwise)
  return stored
}

function addIntent(disk: MemoryDisk, { intent, tasks, requests }: StoreWriteOf<'intent'>, undo: Undo): void {
  must(tasks.length === requests.length, () => `intent ${intent.id}: tasks and requests differ in number`)
  must(!disk.intents.has(intent.id), () => `there is an intent ${intent.id} already`)
  must((intent.state === 'running') === (intent.finishedMs === null), () => `intent ${intent.id} is over and is not`)
  const stored: StoredIntent = { row: { ...intent }, tasks: [], events: [] }
  addTasks(disk, stored, tasks, requests, undo)
  put(disk.intents, intent.id, stored, undo)
}

function addTasks(
  disk: MemoryDisk,
  of: StoredIntent,
  rows: TaskRow[],
  requests: (Uint8Array | null)[],
  undo: Undo,
): void {
  for (const [place, row] of rows.entries()) {
    must(!disk.tasks.has(row.task), () => `there is a task ${row.task} already`)
    const given = requests[place] ?? disk.requestsAhead.get(row.task)
    must(given !== undefined, () => `task ${row.task} joins without a request`)
    const request = copyBytes(given)
    take(disk.requestsAhead, row.task, undo)
    const task: StoredTask = { row: { ...copyTask(row), intent: of.row.id }, request, result: null }
    of.tasks.push(task)
    undo.push(() => of.tasks.pop())
    put(disk.tasks, row.task, task, undo)
  }
}

/** The control node, if it waits at this stage. */
function control(disk: MemoryDisk, task: number, stage: number): StoredTask {
  const stored = disk.tasks.get(task)
  const holds = stored?.row.state === 'blocked' && stored.row.stage === stage
  must(holds, () => `task ${task} is no control node or not at stage ${stage}`)
  return stored!
}

function addResult(stored: StoredTask, result: Uint8Array, undo: Undo): void {
  stored.result = copyBytes(result)
  undo.push(() => {
    stored.result = null
  })
}

function expand(disk: MemoryDisk, write: StoreWriteOf<'expand'>, undo: Undo): void {
  const { task, stage, waits, tasks, requests } = write
  must(tasks.length === requests.length, () => `task ${task}: tasks and requests differ in number`)
  const stored = control(disk, task, stage)
  change(stored, { stage: stage + 1, waits }, undo)
  addTasks(disk, disk.intents.get(stored.row.intent)!, tasks, requests, undo)
}

function requestsAhead(disk: MemoryDisk, write: StoreWriteOf<'requestsAhead'>, undo: Undo): void {
  const { tasks, requests } = write
  must(tasks.length === requests.length, () => 'tasks and requests ahead differ in number')
  for (const [at, task] of tasks.entries()) {
    must(!disk.requestsAhead.has(task), () => `there is a request of task ${task} already`)
    put(disk.requestsAhead, task, copyBytes(requests[at]!), undo)
  }
}

function retry(disk: MemoryDisk, { intent, deadlineMs, tasks }: StoreWriteOf<'retry'>, undo: Undo): void {
  const stored = disk.intents.get(intent)
  must(stored !== undefined && stored.row.state !== 'running', () => `intent ${intent} is not over`)
  change(stored, { state: 'running', fault: null, finishedMs: null, deadlineMs }, undo)
  for (const { task, state } of tasks) {
    const over = disk.tasks.get(task)
    const holds = over?.row.intent === intent && isTerminalState(over.row.state) && over.row.state !== 'done'
    must(holds, () => `task ${task} is not over, or done, or of another intent`)
    change(over!, { state, charged: 0, returned: 0, fault: null }, undo)
  }
}

function forgetIntent(disk: MemoryDisk, { intent }: StoreWriteOf<'forgetIntent'>, undo: Undo): void {
  if (disk.intents.get(intent)?.row.state !== 'running') dropIntent(disk, intent, undo)
}

function dropIntent(disk: MemoryDisk, intent: string, undo: Undo): void {
  const stored = disk.intents.get(intent)
  if (stored === undefined) return
  for (const { row } of stored.tasks) take(disk.tasks, row.task, undo)
  for (const { id, intent: of } of disk.responses.values()) if (of === intent) take(disk.responses, id, undo)
  take(disk.suspects, intent, undo)
  // Lists go by the order of arrival, which is to be as before.
  const before = new Map(disk.intents)
  disk.intents.delete(intent)
  undo.push(() => {
    disk.intents = before
  })
}

const writes: Writes = {
  ...accountWrites,
  intent: addIntent,
  lease(disk, { task, attempt, nonce, scout, instance }, undo) {
    const stored = disk.tasks.get(task)
    must(stored?.row.state === 'ready', () => `task ${task} is not ready`)
    change(stored, { state: 'leased', attempt, nonce: copyBytes(nonce), scout, instance }, undo)
  },
  release(disk, { task, attempt, charged, returned }, undo) {
    change(leased(disk, task, attempt), { state: 'ready', ...noLease, charged, returned }, undo)
  },
  settle(disk, { task, attempt, nonce, result, served, promptTokens, completionTokens }, undo) {
    const stored = leased(disk, task, attempt)
    must(sameBytes(stored.row.nonce, nonce), () => `task ${task} is not leased with this nonce`)
    change(stored, { state: 'done', scout: null, instance: null, served, promptTokens, completionTokens }, undo)
    addResult(stored, result, undo)
  },
  decide(disk, { task, stage, result }, undo) {
    const stored = control(disk, task, stage)
    change(stored, { state: 'done' }, undo)
    addResult(stored, result, undo)
  },
  expand,
  requestsAhead,
  forgetRequestsAhead(disk, { tasks }, undo) {
    for (const task of tasks) take(disk.requestsAhead, task, undo)
  },
  retry,
  unblock(disk, { task }, undo) {
    const stored = disk.tasks.get(task)
    must(stored?.row.state === 'blocked', () => `task ${task} is not blocked`)
    change(stored, { state: 'ready' }, undo)
  },
  end(disk, { task, state, charged, fault }, undo) {
    const stored = disk.tasks.get(task)
    must(stored !== undefined && !isTerminalState(stored.row.state), () => `task ${task} is unknown or has ended`)
    change(stored, { state, ...noLease, charged, fault }, undo)
  },
  intentEnd(disk, { intent, state, fault, finishedMs }, undo) {
    const stored = disk.intents.get(intent)
    must(stored?.row.state === 'running' && state !== 'running', () => `intent ${intent} is not running`)
    change(stored, { state, fault, finishedMs }, undo)
  },
  event(disk, { event }, undo) {
    const events = disk.intents.get(event.intent)?.events
    const isNext = events !== undefined && event.seq === events.length + 1
    must(isNext, () => `${event.seq} is not the number of the next event of intent ${event.intent}`)
    events.push({ ...event })
    undo.push(() => events.pop())
  },
  ...usageWrites,
  ...reportWrites,
  ...ledgerWrites,
  ...trustWrites,
  ...sharedKeyWrites,
  ...disputeWrites,
  blame(disk, { intent, deaths }, undo) {
    if (disk.intents.has(intent)) put(disk.suspects, intent, Math.max(disk.suspects.get(intent) ?? 0, deaths), undo)
  },
  idempotency(disk, { row }, undo) {
    put(disk.idempotency, idempotencyKey(row), copyIdempotency(row), undo)
  },
  response(disk, { row }, undo) {
    if (row.intent !== null && !disk.intents.has(row.intent)) return
    put(disk.responses, row.id, copyResponse(row), undo)
  },
  forgetResponse(disk, { id }, undo) {
    take(disk.responses, id, undo)
  },
  forgetIntent,
  dropIntent: (disk, { intent }, undo) => dropIntent(disk, intent, undo),
  forgetIdempotency(disk, { tenant, route, key }, undo) {
    take(disk.idempotency, idempotencyKey({ tenant, route, key }), undo)
  },
}
