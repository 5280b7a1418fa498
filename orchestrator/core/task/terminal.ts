/**
 * The terminal moves. A task that ends leaves everything that held it and emits `finished` once; the end of a durable
 * one also decides what becomes of the tasks that need it, and with the last of them its intent ends. All of that is
 * one step, so that the store never has a child without its parents.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { TerminalTaskState } from '../../../shared/task-state.ts'
import { moveIntent } from '../model/intent.ts'
import type { Intent, Task } from '../model/object-graph.ts'
import { isTerminal, move } from '../model/task.ts'
import type { CoreState } from '../state.ts'
import { cancelLeases } from './cancels.ts'
import { release } from './leases.ts'
import { unqueue } from './queueing.ts'

/** Ends a task. `cause` is null exactly when it is done; a durable task's settlement has been persisted before. */
export function finish(core: CoreState, task: Task, state: TerminalTaskState, cause: Fault | null): void {
  while (task.lease !== null) release(core, task, task.lease)
  if (task.state === 'ready') unqueue(core, task)
  move(task, state)
  core.wheel.disarm(task)
  core.tasks.delete(task.id)
  const queuedMs = (task.firstLeasedMs || core.nowMs) - task.submittedMs
  if (task.intent !== null && state !== 'done') {
    core.persist({ change: 'end', task: task.id, state, charged: task.charged, fault: cause })
  }
  core.emit({ type: 'finished', task: task.id, fault: cause, attempts: task.attempt, queuedMs })
  if (task.intent !== null) followUp(core, task.intent, task, state, cause)
}

/** The hub's decision about a control node: done, or failed with this cause. */
export function decide(core: CoreState, id: number, cause: Fault | null): void {
  const task = core.tasks.get(id)
  // Its intent may have been cancelled, or its time been over, since the decision was asked for.
  if (task?.state !== 'deciding') return
  if (cause === null) core.persist({ change: 'decide', task: id })
  finish(core, task, cause === null ? 'done' : 'failed', cause)
}

function followUp(core: CoreState, intent: Intent, task: Task, state: TerminalTaskState, cause: Fault | null): void {
  intent.open.delete(task)
  intent.ended.set(task.id, state)
  if (cause !== null) intent.fault ??= cause
  for (const child of task.children) {
    if (cause === null || child.control) unblock(core, child)
    else if (!isTerminal(child)) finish(core, child, 'skipped', cause)
  }
  if (cause !== null && task.id === intent.result) stopTheRest(core, intent, cause)
  if (intent.open.size === 0) endIntent(core, intent)
}

/** One need less. */
function unblock(core: CoreState, child: Task): void {
  child.blockers--
  if (child.blockers === 0 && child.state === 'blocked' && child.intent!.state === 'running') freed(core, child)
}

/** A blocked task has no blockers left: it can be given out, or decided. */
export function freed(core: CoreState, task: Task): void {
  if (task.control) {
    move(task, 'deciding')
    return core.emit({ type: 'decide', task: task.id })
  }
  core.persist({ change: 'unblock', task: task.id })
  move(task, 'ready')
  giveOut(core, task)
}

/** From now on a durable task waits for its first scout. */
export function giveOut(core: CoreState, task: Task): void {
  task.queuedMs = core.nowMs
  task.deadlineMs = Math.min(task.deadlineMs, core.nowMs + task.ownDeadlineMs)
  core.unplaced.push(task)
}

/** Without its result the intent is lost, and nobody waits for the other tasks. */
function stopTheRest(core: CoreState, intent: Intent, cause: Fault): void {
  // The result itself may be among what is being cancelled.
  if (intent.state !== 'running') return
  moveIntent(intent, 'stopping')
  for (const task of [...intent.open]) {
    if (isTerminal(task)) continue
    cancelLeases(core, task, cause.code)
    finish(core, task, 'cancelled', cause)
  }
}

function endIntent(core: CoreState, intent: Intent): void {
  // The end of the last task may have been part of the end of another one.
  if (intent.state === 'over') return
  moveIntent(intent, 'over')
  core.intents.delete(intent.id)
  const { id, ended, result, fault } = intent
  if (ended.get(result) === 'done') return core.persist({ change: 'intentEnd', intent: id, state: 'done', fault: null })
  const state = fault?.code === 'cancelled' ? 'cancelled' : 'failed'
  core.persist({ change: 'intentEnd', intent: id, state, fault })
}

/** Cancels every task of an intent that is not terminal. */
export function cancelIntent(core: CoreState, intent: Intent, cause: Fault): void {
  intent.fault = cause
  stopTheRest(core, intent, cause)
}
