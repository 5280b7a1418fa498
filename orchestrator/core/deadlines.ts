/**
 * What happens when a deadline passes, by the kind of thing it belonged to. Leases are looked at lazily: a renewal only
 * moves the time in the lease, and the deadline that fires too early is armed again.
 */
import { type Fault, fault } from '../../shared/faults.ts'
import { autoModel } from '../../shared/task.ts'
import { cancelLease, endAttempt, finish, firstSignMs, leaseDueMs } from './attempts.ts'
import type { ModelEntry } from './capability-index.ts'
import { notOffered } from './not-offered.ts'
import type { CancelWatch, Pause } from './roster.ts'
import type { CoreState, Deadline } from './state.ts'
import { type Lease, move, type Task } from './task.ts'

export function onDue(core: CoreState, deadline: Deadline): void {
  switch (deadline.timed) {
    case 'task':
      return taskDue(core, deadline)
    case 'pause':
      return pauseOver(core, deadline)
    case 'cancel':
      return resendCancel(core, deadline)
    case 'model':
      return forgetModel(core, deadline)
  }
}

function taskDue(core: CoreState, task: Task): void {
  const { nowMs, settings } = core
  if (nowMs >= task.deadlineMs) {
    cancelLease(core, task, 'deadline_exceeded')
    const seconds = Math.round((task.deadlineMs - task.submittedMs) / 1000)
    return finish(core, task, 'failed', fault('deadline_exceeded', `No complete answer within ${seconds} s.`))
  }
  if (task.lease !== null) return leaseDue(core, task, task.lease)
  if (task.state === 'delayed') {
    if (nowMs < task.retryMs) return core.wheel.arm(task, Math.min(task.retryMs, task.deadlineMs))
    move(task, 'ready')
    core.homeless.push(task)
    return
  }
  finish(core, task, 'failed', waitedTooLong(task, settings.queueTimeoutMs))
}

function waitedTooLong(task: Task, queueTimeoutMs: number): Fault {
  const seconds = Math.round(queueTimeoutMs / 1000)
  const before = task.lastFault === null ? '' : ` The attempt before failed: ${task.lastFault.message}`
  const message = `No scout was free for "${task.model}" within ${seconds} s.${before}`
  return fault('no_scout_available', message, { retryAfterMs: 5_000 })
}

function leaseDue(core: CoreState, task: Task, lease: Lease): void {
  const { nowMs } = core
  if (nowMs >= lease.expiresMs) {
    cancelLease(core, task, 'lease_expired')
    const cause =
      lease.holder === null
        ? fault('scout_lost', 'The scout that worked on this lost its connection and did not come back in time.')
        : fault('scout_silent', 'The scout that worked on this gave no sign of life.')
    return endAttempt(core, task, cause)
  }
  if (lease.startedMs === 0 && nowMs >= firstSignMs(core, task, lease)) {
    cancelLease(core, task, 'scout_silent')
    return endAttempt(core, task, fault('scout_silent', 'The scout took this but never began to work on it.'))
  }
  core.wheel.arm(task, leaseDueMs(core, task, lease))
}

function pauseOver(core: CoreState, pause: Pause): void {
  pause.holder.pauses.delete(pause.model)
  core.roster.reclassify(pause.holder, core.nowMs)
  core.freed.push(pause.holder)
}

function resendCancel(core: CoreState, watch: CancelWatch): void {
  const { holder, task, attempt, reason } = watch
  core.emit({ type: 'cancelAttempt', session: holder.session, task, attempt, reason })
  core.wheel.arm(watch, core.nowMs + core.settings.cancelResendMs)
}

/** The grace for a model without scouts is over: who still waits for it learns that nobody offers it. */
function forgetModel(core: CoreState, entry: ModelEntry): void {
  if (entry.offerers > 0 || entry.model === autoModel) return
  const waiting = [...entry.returning, ...entry.waiting]
  for (const task of waiting) {
    finish(core, task, 'failed', fault('model_not_found', notOffered(core, entry), { param: 'model' }))
  }
  core.index.entries.delete(entry.key)
}
