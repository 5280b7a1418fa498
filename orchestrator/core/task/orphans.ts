/**
 * Leases whose scout is away, by who may take them up: one instance of one identity. Every module that takes a lease
 * from its holder, gives it back or ends it maintains this list, so that a scout that comes back without a lease is
 * detected at once, whatever the number of tasks.
 */

import { instanceKey } from '../fleet/roster.ts'
import type { Lease, Task } from '../model/object-graph.ts'
import type { CoreState } from '../state.ts'

/** The lease has lost its holder, or came out of the store without one. */
export function noteOrphan(core: CoreState, task: Task, { scout, instance }: Lease): void {
  const key = instanceKey(scout, instance)
  const tasks = core.orphans.get(key)
  if (tasks === undefined) core.orphans.set(key, new Set([task]))
  else tasks.add(task)
}

/** The lease was taken up, or is no more. */
export function forgetOrphan(core: CoreState, task: Task, { scout, instance }: Lease): void {
  const key = instanceKey(scout, instance)
  const tasks = core.orphans.get(key)
  if (tasks?.delete(task) && tasks.size === 0) core.orphans.delete(key)
}

/** What this instance of a scout held before and has not taken up again. */
export function orphansOf(core: CoreState, scout: string, instance: string): Task[] {
  return [...(core.orphans.get(instanceKey(scout, instance)) ?? [])]
}
