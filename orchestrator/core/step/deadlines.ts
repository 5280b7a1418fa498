/**
 * What happens when a deadline passes, by the kind of thing it belonged to. Leases are looked at lazily: a renewal only
 * moves the time in the lease, and the deadline that fires too early is armed again.
 */

import { type Fault, fault } from '../../../shared/faults.ts'
import { autoModel } from '../../../shared/task.ts'
import { notOffered } from '../fleet/not-offered.ts'
import type { Lease, ModelEntry, Pause, Task } from '../model/object-graph.ts'
import type { CoreState, Deadline } from '../state.ts'
import { comeBack, endAttempt } from '../task/attempts.ts'
import { cancelLease, cancelLeases, send } from '../task/cancels.ts'
import { hedgeDueMs, secondChoice } from '../task/hedging.ts'
import { expiryOf, leasesOf } from '../task/leases.ts'
import { lookAgain, patienceEndsMs } from '../task/patience.ts'
import { unqueue } from '../task/queueing.ts'
import { finish } from '../task/terminal.ts'
import { suspectDue } from '../trust/suspects.ts'
import { give } from './matching.ts'

export function onDue(core: CoreState, deadline: Deadline): void {
  switch (deadline.timed) {
    case 'task':
      return taskDue(core, deadline)
    case 'pause':
      return pauseOver(core, deadline)
    case 'cancel':
      return send(core, deadline)
    case 'model':
      return forgetModel(core, deadline)
    case 'suspect':
      return suspectDue(core, deadline)
  }
}

function taskDue(core: CoreState, task: Task): void {
  const { nowMs, settings } = core
  if (nowMs >= task.deadlineMs) {
    cancelLeases(core, task, 'deadline_exceeded')
    const seconds = Math.round((task.deadlineMs - task.submittedMs) / 1000)
    return finish(core, task, 'failed', fault('deadline_exceeded', `No complete answer within ${seconds} s.`))
  }
  if (task.state === 'leased') return leasedDue(core, task)
  if (task.state === 'delayed') {
    if (nowMs < task.retryMs) return core.wheel.arm(task, Math.min(task.retryMs, task.deadlineMs))
    return comeBack(core, task)
  }
  const patientUntilMs = task.intent === null ? task.queuedMs + settings.queueTimeoutMs : task.deadlineMs
  // Nobody else had time for it, so the one verdict there is stands.
  if (task.doubt !== null) return finish(core, task, 'failed', task.doubt.fault)
  if (nowMs < patientUntilMs) return takeAnyScout(core, task)
  finish(core, task, 'failed', waitedTooLong(task, settings.queueTimeoutMs))
}

/** It has waited for a scout that never had it, and none had room: the same one again is better than none. */
function takeAnyScout(core: CoreState, task: Task): void {
  unqueue(core, task)
  task.triedScouts = []
  core.unplaced.push(task)
}

function waitedTooLong(task: Task, queueTimeoutMs: number): Fault {
  const seconds = Math.round(queueTimeoutMs / 1000)
  const before = task.lastFault === null ? '' : ` The attempt before failed: ${task.lastFault.message}`
  const message = `No scout was free for "${task.model}" within ${seconds} s.${before}`
  return fault('no_scout_available', message, { retryAfterMs: 5_000 })
}

function leasedDue(core: CoreState, task: Task): void {
  for (const lease of leasesOf(task)) {
    const cause = whatIsWrong(core, task, lease)
    if (cause === null) continue
    cancelLease(core, task, lease, cause.code)
    endAttempt(core, task, lease, cause)
  }
  if (task.state !== 'leased') return
  const second = core.nowMs >= hedgeDueMs(core, task) ? secondChoice(core, task) : undefined
  if (second !== undefined) give(core, task, second)
  lookAgain(core, task)
}

function whatIsWrong(core: CoreState, task: Task, lease: Lease): Fault | null {
  const { nowMs } = core
  if (nowMs >= expiryOf(core, lease)) {
    if (lease.holder !== null) return fault('scout_silent', 'The scout that worked on this gave no sign of life.')
    return fault('scout_lost', 'The scout that worked on this lost its connection and did not come back in time.')
  }
  if (nowMs < patienceEndsMs(core, task, lease)) return null
  if (lease.startedMs === 0) return fault('scout_silent', 'The scout took this but never began to work on it.')
  if (lease.progressMs === 0) return fault('scout_silent', 'The scout began to work on this but no content came.')
  return fault('scout_silent', 'The scout stopped in the middle of the answer.')
}

function pauseOver(core: CoreState, pause: Pause): void {
  core.roster.resume(pause.holder, pause.model)
  core.freed.push(pause.holder)
}

/** The grace for a model without scouts is over: tasks of clients that still wait for it fail. */
function forgetModel(core: CoreState, entry: ModelEntry): void {
  if (entry.offerers > 0 || entry.model === autoModel) return
  for (const task of [...entry.returned, ...entry.waiting]) {
    if (task.intent !== null) continue
    finish(core, task, 'failed', fault('model_not_found', notOffered(core, entry), { param: 'model' }))
  }
  if (entry.returned.size + entry.waiting.size === 0) return core.index.forget(entry)
  // A durable task waits until its deadline, so its queue stays. To all others the model is unknown from here on.
  core.index.disown(entry)
  core.wheel.arm(entry, core.nowMs + core.settings.modelGraceMs)
}
