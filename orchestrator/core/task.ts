/**
 * One task and the life it leads. The state changes only through `move`, which asserts the table below; the fields
 * that belong to a state (leases, place in the queue) are set and cleared by whoever makes the move.
 *
 *     blocked --> ready --> leased --> done | failed | cancelled
 *      |  ^ |       ^          |
 *      |  | |       +-delayed--+        every state that is not terminal may also end in failed or cancelled
 *      |  | +--> skipped
 *      v  |
 *     conducting --> done | failed      a node that the hub itself carries out, blocked again whenever it has grown
 */
import type { Task, TaskState, Wishes } from './entities.ts'
import type { CoreState } from './state.ts'

export const taskMoves: Record<TaskState, readonly TaskState[]> = {
  blocked: ['ready', 'conducting', 'failed', 'cancelled', 'skipped'],
  ready: ['leased', 'failed', 'cancelled'],
  delayed: ['ready', 'failed', 'cancelled'],
  leased: ['ready', 'delayed', 'done', 'failed', 'cancelled'],
  conducting: ['blocked', 'done', 'failed', 'cancelled'],
  done: [],
  failed: [],
  cancelled: [],
  skipped: [],
}

/** Nothing asked for. */
export const plainWishes: Wishes = {
  sort: 'latency',
  only: [],
  ignore: [],
  attemptsMax: Number.MAX_SAFE_INTEGER,
  hedgeAfterMs: null,
  continues: false,
  requires: null,
}

type Given = Pick<
  Task,
  'id' | 'tenant' | 'weight' | 'priority' | 'kind' | 'model' | 'promptBytes' | 'stream' | 'wishes' | 'entry' | 'intent'
>

/** A new task, ready and in no queue yet. `deadlineMs` counts from now. */
export function taskOf(core: CoreState, given: Given & { deadlineMs: number }): Task {
  // Field by field: a spread makes an object of another shape, which costs every later look at it.
  return {
    timed: 'task',
    id: given.id,
    tenant: given.tenant,
    weight: given.weight,
    priority: given.priority,
    kind: given.kind,
    model: given.model,
    promptBytes: given.promptBytes,
    stream: given.stream,
    wishes: given.wishes,
    entry: given.entry,
    intent: given.intent,
    state: 'ready',
    submittedMs: core.nowMs,
    deadlineMs: core.nowMs + given.deadlineMs,
    queuedMs: core.nowMs,
    firstLeasedMs: 0,
    retryMs: 0,
    attempt: 0,
    charged: 0,
    returned: 0,
    outrun: 0,
    contentBegan: false,
    migrations: 0,
    leases: [],
    triedScouts: [],
    triedOperators: [],
    lastFault: null,
    conducted: false,
    blockers: 0,
    children: [],
    ownDeadlineMs: Number.POSITIVE_INFINITY,
    near: '',
    chain: 0,
    heapIndex: -1,
    sequence: core.sequence++,
    dueMs: 0,
    slot: -1,
    before: null,
    after: null,
  }
}

/** The only way a task changes its state. */
export function move(task: Task, to: TaskState): void {
  if (!taskMoves[task.state].includes(to)) throw new Error(`task ${task.id}: ${task.state} -> ${to} is no legal move`)
  task.state = to
}

export function isTerminal(task: Task): boolean {
  return taskMoves[task.state].length === 0
}

/** Whether a lease's nonce is this one, in time that does not depend on where they differ. */
export function sameNonce(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!
  return difference === 0
}
