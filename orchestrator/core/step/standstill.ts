/**
 * The process stood still for a while (it was stopped, or its machine was moved): nothing was heard, so nobody was
 * silent. Leases and all that is measured by signs of scouts go on where they were, by the time that was really
 * observed. A client's deadline is its own and stays. Told by the engine, which knows when a tick was due.
 */
import type { Lease } from '../model/object-graph.ts'
import type { CoreState } from '../state.ts'
import { leasesOf } from '../task/leases.ts'

export function stoodStill(core: CoreState, forMs: number): void {
  const { nowMs, settings } = core
  for (const scout of core.roster.bySession.values()) scout.heardMs = Math.min(nowMs, scout.heardMs + forMs)
  for (const task of core.tasks.values()) {
    if (task.state === 'ready') task.queuedMs = Math.min(nowMs, task.queuedMs + forMs)
    for (const lease of leasesOf(task)) shift(core, lease, forMs)
  }
  for (const entry of core.index.entries.values()) {
    if (entry.absence !== null) entry.absence.sinceMs = Math.min(nowMs, entry.absence.sinceMs + forMs)
    if (entry.timerSlot === -1) continue
    core.wheel.arm(entry, Math.min(entry.dueMs + forMs, nowMs + Math.max(settings.modelGraceMs, settings.bootGraceMs)))
  }
  if (core.bootGraceUntilMs > nowMs - forMs) core.bootGraceUntilMs += forMs
}

/** Moves all of its times on; what a frame of this very turn has set is not moved beyond now. */
function shift({ nowMs, settings }: CoreState, lease: Lease, forMs: number): void {
  const moved = (sinceMs: number) => (sinceMs === 0 ? 0 : Math.min(nowMs, sinceMs + forMs))
  lease.grantedMs = moved(lease.grantedMs)
  lease.startedMs = moved(lease.startedMs)
  lease.contentMs = moved(lease.contentMs)
  lease.progressMs = moved(lease.progressMs)
  lease.expiresMs = Math.min(nowMs + settings.leaseTtlMs + settings.leaseGraceMs, lease.expiresMs + forMs)
  lease.hedgeMs += forMs
}
