/**
 * One task and the life it leads. The state changes only through `move`, which asserts the table below; the fields
 * that belong to a state (lease, place in the queue) are set and cleared by whoever makes the move.
 *
 *     ready --> leased --> done | failed | cancelled
 *       ^         |
 *       +-delayed-+          any of ready, delayed, leased may also end in failed or cancelled
 */
import type { Fault } from '../../shared/faults.ts'
import type { TaskKind } from '../../shared/task.ts'
import type { ModelEntry } from './capability-index.ts'
import type { Scout } from './roster.ts'
import type { Timed } from './timer-wheel.ts'

/**
 * - `ready`: waits in a model's queue. - `delayed`: waits for the time of its next attempt.
 * - `leased`: a scout works on it. - `done`, `failed`, `cancelled`: terminal; nothing leads out.
 */
export type TaskState = 'ready' | 'delayed' | 'leased' | 'done' | 'failed' | 'cancelled'

export const taskMoves: Record<TaskState, readonly TaskState[]> = {
  ready: ['leased', 'failed', 'cancelled'],
  delayed: ['ready', 'failed', 'cancelled'],
  leased: ['ready', 'delayed', 'done', 'failed', 'cancelled'],
  done: [],
  failed: [],
  cancelled: [],
}

/** The right of one scout to work on one attempt. Only a settlement that names its triple can commit. */
export interface Lease {
  attempt: number
  nonce: Uint8Array
  /** The session that holds it; null while its scout's socket is down. */
  holder: Scout | null
  /** Identity and instance that may take it up again after a reconnect. */
  scout: string
  instance: string
  model: string
  grantedMs: number
  /** When the provider was asked; 0 before the first sign. */
  startedMs: number
  /** When the first content came; 0 before. */
  contentMs: number
  expiresMs: number
}

export interface Task extends Timed {
  timed: 'task'
  id: number
  tenant: string
  kind: TaskKind
  model: string
  stream: boolean
  promptBytes: number
  state: TaskState
  submittedMs: number
  /** Total deadline. */
  deadlineMs: number
  /** Since when it waits for a scout; moves with every return to the queue. */
  queuedMs: number
  /** When it first left the queue, for the record; 0 before. */
  firstLeasedMs: number
  /** When the delay ends; only in `delayed`. */
  retryMs: number
  /** Charged and uncharged attempts begun: the number on the wire, monotone. */
  attempt: number
  charged: number
  returned: number
  /** The client has seen content: no hidden retry any more. */
  contentBegan: boolean
  lease: Lease | null
  /** Identities and operators that had it before. */
  triedScouts: string[]
  triedOperators: string[]
  lastFault: Fault | null
  entry: ModelEntry
  /** Place in its tenant's heap; -1 outside. */
  heapIndex: number
  /** Order of arrival, to break ties. */
  sequence: number
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
