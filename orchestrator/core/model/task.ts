/**
 * A task and its leases as data, with the table of the task's states. The state changes only through `move`, which
 * asserts the table; the fields that belong to a state are set and cleared by the module that makes the move. What a
 * task and a lease refer to is in `object-graph.ts`.
 *
 *     blocked --> ready --> leased --> done | failed | cancelled
 *      |  ^ |       ^          |
 *      |  | |       +-delayed--+        every state that is not terminal may also end in failed or cancelled
 *      |  | +--> skipped
 *      v  |
 *     deciding --> done | failed        a control node, blocked again whenever it was expanded
 */
import type { Fault } from '../../../shared/faults.ts'
import type { TaskKind } from '../../../shared/task.ts'
import type { TaskState } from '../../../shared/task-state.ts'
import type { Queued } from './ready-queue.ts'
import type { RoutingOptions } from './routing-options.ts'
import type { Timed } from './timer-wheel.ts'

/**
 * - `blocked`: in an intent, needs results that are not there yet. Entered on acceptance, by a control node also when
 *   it is expanded. Ends when the last need is done (for a control node: terminal), or `skipped` when one is lost.
 *   `blockers` counts what it waits for.
 * - `ready`: needs a scout. Entered on submission, when unblocked, and when an attempt ended that may be repeated at
 *   once. Ends with a grant or with its deadline. Is in exactly one place: the step's `unplaced`, a queue of its model,
 *   or `awaitingStore`.
 * - `delayed`: an attempt failed, and `retryMs` is when the next may begin. Ends by the timer. In no queue.
 * - `leased`: a scout works on it, or two when hedged. Entered with a grant, or out of the store. Ends with the last
 *   lease: by a settlement, a failure, a lost scout or an expiry. `lease` is not null exactly then.
 * - `deciding`: a control node whose needs are terminal; the planner was asked, and its answer ends the state.
 * - `done`, `failed`, `cancelled`, `skipped`: terminal. The task is in no table, queue or wheel any more.
 */
export const taskMoves: Record<TaskState, readonly TaskState[]> = {
  blocked: ['ready', 'deciding', 'failed', 'cancelled', 'skipped'],
  ready: ['leased', 'failed', 'cancelled'],
  delayed: ['ready', 'failed', 'cancelled'],
  leased: ['ready', 'delayed', 'done', 'failed', 'cancelled'],
  deciding: ['blocked', 'done', 'failed', 'cancelled'],
  done: [],
  failed: [],
  cancelled: [],
  skipped: [],
}

/** The only way a task changes its state. */
export function move(task: TaskData, to: TaskState): void {
  if (!taskMoves[task.state].includes(to)) throw new Error(`task ${task.id}: ${task.state} -> ${to} is no legal move`)
  task.state = to
}

export function isTerminal(task: TaskData): boolean {
  return taskMoves[task.state].length === 0
}

/** A scout's verdict that a task can never be done, which waits for a second one: see `trust/second-opinion.ts`. */
interface Doubt {
  scout: string
  operator: string
  /** What it was asked to serve the task with. */
  model: string
  /** Its words, which the client hears if nobody contradicts them. */
  fault: Fault
}

export interface TaskData extends Timed, Queued {
  timed: 'task'
  id: number
  state: TaskState
  kind: TaskKind
  model: string
  stream: boolean
  promptBytes: number
  routing: RoutingOptions
  submittedMs: number
  /** Since when it waits for a scout; moves with every return to the queue. */
  queuedMs: number
  /** When it first left the queue, for the record; 0 before. */
  firstLeasedMs: number
  /** When the delay ends; only in `delayed`. */
  retryMs: number
  /** Attempts begun, charged or not: the number on the wire, monotone. */
  attempt: number
  charged: number
  /** Attempts that their scouts handed back uncharged; stored as `returned`. */
  handedBack: number
  /** Attempts that lost a race against another one of the task, or were taken back before they were sent. */
  outrun: number
  /** The client has received content: no hidden retry any more. */
  contentBegan: boolean
  /** Scouts and operators whose attempts ended without an answer. */
  triedScouts: readonly string[]
  triedOperators: readonly string[]
  lastFault: Fault | null
  /** A scout's verdict about the task that another operator has not confirmed yet. */
  doubt: Doubt | null
  /** Times the scout that had it was lost. */
  lost: number
  /** Times a begun answer moved to another scout. */
  migrations: number
  /** The model's `sought` when it last looked for a scout. */
  sought: number
  /** No scout works on it: the hub decides once its needs are terminal, done or not. */
  control: boolean
  /** Needs that are not done; of a control node those that are not terminal. */
  blockers: number
  /** Milliseconds from when it becomes ready; Infinity for the intent's own deadline. */
  ownDeadlineMs: number
  /** Scout that answered the last of its needs; it may still have the conversation's prefix. Empty for none. */
  near: string
}

/** The right of one scout to work on one attempt. Only a settlement that names its triple can commit. */
export interface LeaseData {
  attempt: number
  nonce: Uint8Array
  /** Number of the session that holds it; 0 while its scout's socket is down. */
  session: number
  /** Identity and instance that may take it up again after a reconnect. */
  scout: string
  instance: string
  /** Key of the scout; empty for a lease out of the store. */
  operator: string
  model: string
  provider: string
  grantedMs: number
  /** When the provider was asked; 0 before the first sign. */
  startedMs: number
  /** When the first content came; 0 before. */
  contentMs: number
  /** When the last piece of the answer came; 0 before. */
  progressMs: number
  /** When it ends, unless its holder gives a sign of life: see `expiryOf`. */
  expiresMs: number
  /** When a second scout is asked if no content has come; Infinity for never. */
  hedgeMs: number
}
