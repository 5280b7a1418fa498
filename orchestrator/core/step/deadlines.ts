/**
 * What happens when a deadline passes, by the kind of thing it belonged to. Leases are looked at lazily: a renewal only
 * moves the time in the lease, and the deadline that fires too early is armed again.
 */

import { type Fault, fault } from '../../../shared/faults.ts'
import { autoModel } from '../../../shared/task.ts'
import { isDeserted } from '../fleet/absence.ts'
import type { Lease, ModelEntry, Pause, Task } from '../model/object-graph.ts'
import type { CoreState, Deadline } from '../state.ts'
import { comeBack, endAttempt } from '../task/attempts.ts'
import { cancelLease, cancelLeases, send } from '../task/cancels.ts'
import { hedgeDueMs, secondChoice } from '../task/hedging.ts'
import { expiryOf, leasesOf } from '../task/leases.ts'
import { lookAgain, patienceEndsMs } from '../task/patience.ts'
import { patientUntilMs, unqueue } from '../task/queueing.ts'
import { finish } from '../task/terminal.ts'
import { suspectDue } from '../trust/suspects.ts'
import { give } from './matching.ts'
import { endDeserted, waitedTooLong } from './nobody-left.ts'

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
  const { nowMs } = core
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
  // Nobody else had time for it, so the one verdict there is stands.
  if (task.doubt !== null) return finish(core, task, 'failed', task.doubt.fault)
  if (nowMs < patientUntilMs(core, task)) return takeAnyScout(core, task)
  finish(core, task, 'failed', waitedTooLong(core, task))
}

/** It has waited for a scout that never had it, and none had room: the same one again is better than none. */
function takeAnyScout(core: CoreState, task: Task): void {
  unqueue(core, task)
  task.triedScouts = []
  core.unplaced.push(task)
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

/**
 * The wait for a model without scouts is over, and later its grace: tasks of clients that still wait for it fail with
 * the first, and with the second it is forgotten.
 */
function forgetModel(core: CoreState, entry: ModelEntry): void {
  const { nowMs, settings } = core
  if (entry.offerers > 0 || entry.model === autoModel) return
  if (isDeserted(core, entry)) endDeserted(core, entry)
  const keptUntilMs = entry.absence === null ? nowMs : entry.absence.sinceMs + settings.modelGraceMs
  // A durable task waits until its deadline, so its queue stays.
  if (entry.queued > 0) return core.wheel.arm(entry, nowMs + settings.modelGraceMs)
  if (nowMs < keptUntilMs) return core.wheel.arm(entry, keptUntilMs)
  core.departed.note(entry)
  core.index.forget(entry)
}
