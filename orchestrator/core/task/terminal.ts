/**
 * The terminal moves. A task that ends leaves everything that held it and says so once; a durable one also decides what
 * becomes of the tasks that need it, and with the last of them its intent ends. All of that is one step, so that the
 * store never sees a child without its parents.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { TerminalTaskState } from '../../../shared/task-state.ts'
import { isChoosy } from '../fleet/placement.ts'
import type { Intent, Task } from '../model/entities.ts'
import type { CoreState } from '../state.ts'
import { cancelLeases } from './cancels.ts'
import { release } from './leases.ts'
import { isTerminal, move } from './task.ts'

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

/** What the hub decided of a task that it conducts: done, or failed with this cause. */
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
  else if (task.id === intent.result) intent.resultDone = true
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
  if (child.blockers === 0 && child.state === 'blocked' && !child.intent!.stopping) freed(core, child)
}

/** Nothing stands in the way of a blocked task any more: it can be given out, or decided. */
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

/** Without its result the intent is lost, and nobody waits for what else it began. */
function stopTheRest(core: CoreState, intent: Intent, cause: Fault): void {
  intent.stopping = true
  for (const task of [...intent.open]) {
    if (isTerminal(task)) continue
    cancelLeases(core, task, cause.code)
    finish(core, task, 'cancelled', cause)
  }
}

function endIntent(core: CoreState, intent: Intent): void {
  if (!core.intents.delete(intent.id)) return
  const { resultDone, fault } = intent
  const state = resultDone ? 'done' : fault?.code === 'cancelled' ? 'cancelled' : 'failed'
  core.persist({ change: 'intentEnd', intent: intent.id, state, fault: resultDone ? null : fault })
}

/** Cancels every task of an intent that is not terminal. */
export function cancelIntent(core: CoreState, intent: Intent, cause: Fault): void {
  intent.fault = cause
  stopTheRest(core, intent, cause)
}

/** Puts a task into the queue of its model. */
export function enqueue(core: CoreState, task: Task): void {
  if (task.triedScouts.length > 0) task.entry.returned.add(task)
  else task.entry.waiting.push(task, isChoosy(task))
  task.entry.queued++
  core.queued++
  if (task.intent !== null) return
  core.queuedByClients++
  core.queuedByTenant.set(task.tenant, (core.queuedByTenant.get(task.tenant) ?? 0) + 1)
}

/** Takes a task out of the queue it waits in, if it does. */
export function unqueue(core: CoreState, task: Task): void {
  if (core.passedOver.delete(task)) return
  if (task.entry.waiting.has(task)) task.entry.waiting.remove(task)
  else if (!task.entry.returned.delete(task)) return
  uncount(core, task)
}

/** Takes out a task because it is served: its tenant has had its turn. */
export function serveFromQueue(core: CoreState, task: Task): void {
  if (!task.entry.returned.delete(task)) task.entry.waiting.serve(task)
  uncount(core, task)
}

function uncount(core: CoreState, task: Task): void {
  task.entry.queued--
  core.queued--
  if (task.intent !== null) return
  core.queuedByClients--
  const left = (core.queuedByTenant.get(task.tenant) ?? 1) - 1
  if (left === 0) core.queuedByTenant.delete(task.tenant)
  else core.queuedByTenant.set(task.tenant, left)
}
