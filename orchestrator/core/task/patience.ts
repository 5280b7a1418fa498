/**
 * How long a leased task waits for the next sign of work, and what such signs change. A task has one deadline in the
 * wheel: the earliest of its own, its leases' and its hedge's. Fed by the frames of attempts; `deadlines.ts` acts when
 * the time has come.
 */

import type { Lease, Task } from '../model/object-graph.ts'
import type { CoreState } from '../state.ts'
import { hedgeDueMs } from './hedging.ts'
import { expiryOf, renew } from './leases.ts'

/** When a leased task must be looked at next if no further sign comes. */
export function leasedDueMs(core: CoreState, task: Task): number {
  const { lease, hedge } = task
  let dueMs = Math.min(task.deadlineMs, hedgeDueMs(core, task))
  if (lease !== null) dueMs = Math.min(dueMs, expiryOf(core, lease), patienceEndsMs(core, task, lease))
  if (hedge !== null) dueMs = Math.min(dueMs, expiryOf(core, hedge), patienceEndsMs(core, task, hedge))
  return dueMs
}

/** By when this attempt must have shown its next sign of work: asked the provider, begun to answer, continued. */
export function patienceEndsMs(core: CoreState, task: Task, lease: Lease): number {
  const { firstSignMs, firstSignMsPerKiB, firstContentMs, contentSilenceMs } = core.settings
  const promptMs = (task.promptBytes / 1024) * firstSignMsPerKiB
  if (lease.startedMs === 0) return lease.grantedMs + firstSignMs + promptMs
  if (!task.stream) return Number.POSITIVE_INFINITY
  if (lease.progressMs === 0) return lease.startedMs + firstContentMs + promptMs
  return Math.max(lease.progressMs, lease.startedMs) + contentSilenceMs
}

/**
 * What is waited for has changed, and may be due sooner than before. A later time is not worth an entry in the wheel:
 * the deadline that fires too early is armed again.
 */
export function lookAgain(core: CoreState, task: Task): void {
  const dueMs = leasedDueMs(core, task)
  if (task.timerSlot === -1 || dueMs < task.dueMs) core.wheel.arm(task, dueMs)
}

/** The attempt gave a sign of life: its scout works on it, or still does. Each one buys the time for content anew. */
export function noteWork(core: CoreState, task: Task, lease: Lease): void {
  renew(core, lease)
  const isFirst = lease.startedMs === 0
  lease.startedMs = core.nowMs
  if (isFirst) lookAgain(core, task)
}

/** A piece of the answer came. */
export function noteProgress(core: CoreState, task: Task, lease: Lease): void {
  const isFirst = lease.progressMs === 0
  lease.progressMs = core.nowMs
  if (lease.startedMs === 0) lease.startedMs = core.nowMs
  if (isFirst) lookAgain(core, task)
}
