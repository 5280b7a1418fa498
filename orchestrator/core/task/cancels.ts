/**
 * Cancels of attempts. A cancel is sent again until the scout acknowledges it with a settlement, because a lost one
 * would leave a generation running for nobody.
 */
import type { CancelWatch, Lease, Scout, Task } from '../model/object-graph.ts'
import type { CoreState } from '../state.ts'
import { leasesOf } from './leases.ts'

/** Why an attempt is cancelled that shows signs of life and is nobody's: whoever holds it may have made it up. */
export const staleReason = 'stale'

/** Unacknowledged cancels of one scout, for each task that it may have at once. */
export const cancelsPerCredit = 4

/** Cancels one lease at its holder, if it is connected. */
export function cancelLease(core: CoreState, task: Task, lease: Lease, reason: string): void {
  if (lease.holder !== null) watchCancel(core, lease.holder, task.id, lease.attempt, reason)
}

/** Cancels the task at every scout that works on it. */
export function cancelLeases(core: CoreState, task: Task, reason: string): void {
  for (const lease of leasesOf(task)) cancelLease(core, task, lease, reason)
}

/**
 * Sends a cancel unless one is under way. Beyond what a scout can ever have running no more are sent: its rate limit
 * ends it. The capacity it advertises now does not count, because it may be less than it still works on.
 */
export function watchCancel(core: CoreState, holder: Scout, task: number, attempt: number, reason: string): void {
  const key = `${task}/${attempt}`
  holder.cancels ??= new Map()
  if (holder.cancels.has(key) || holder.cancels.size >= cancelsPerCredit * core.settings.creditMax) return
  const idle = { dueMs: 0, timerSlot: -1 }
  const watch: CancelWatch = { timed: 'cancel', holder, task, attempt, reason, sent: 0, ...idle }
  holder.cancels.set(key, watch)
  send(core, watch)
}

/** The scout has acknowledged, or settled before it received the cancel. False when none was under way. */
export function endCancel(core: CoreState, holder: Scout, task: number, attempt: number): boolean {
  const key = `${task}/${attempt}`
  const watch = holder.cancels?.get(key)
  if (watch === undefined) return false
  core.wheel.disarm(watch)
  return holder.cancels!.delete(key)
}

/** Sends it, and again when it is due again; for as long as the scout's own lease could have kept it at work. */
export function send(core: CoreState, watch: CancelWatch): void {
  const { holder, task, attempt, reason } = watch
  const { leaseTtlMs, leaseGraceMs, cancelResendMs } = core.settings
  if (watch.sent * cancelResendMs > leaseTtlMs + leaseGraceMs) return void endCancel(core, holder, task, attempt)
  watch.sent++
  core.wheel.arm(watch, core.nowMs + core.settings.cancelResendMs)
  core.emit({ type: 'cancelAttempt', session: holder.session, task, attempt, reason })
}
