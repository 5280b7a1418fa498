/**
 * Where ready tasks wait for a scout, and the counts of them. A task that no scout has had waits in its model's fair
 * queue; one that came back waits in `returned`, which goes first, because it has had its turn; a durable one that is
 * found while the store cannot write waits in `awaitingStore`, out of the way of the clients' tasks behind it.
 * `matching.ts` puts tasks in and takes them out; whatever ends a task takes it out as well.
 *
 * `core.queued` and `entry.queued` count `waiting` and `returned` together; `queuedByClients` and `queuedByTenant`
 * count those of them that a client waits for, and bound what is accepted. `awaitingStore` is in none of these counts.
 */
import { isConstrained, servesAnybody } from '../fleet/placement.ts'
import type { ModelEntry, Scout, Task } from '../model/object-graph.ts'
import type { CoreState } from '../state.ts'
import { asideOf, isHeldBack, setAside, takeFromAside } from '../trust/suspects.ts'

/** Tasks that came back looked at for one freed scout. */
const returnedLooks = 16

/** Whether a client's task that comes for the first time finds no place. Durable tasks were bounded on acceptance. */
export function isQueueFull(core: CoreState, task: Task): boolean {
  const { readyTasksMax, readyTasksPerTenantMax } = core.settings
  if (task.intent !== null || task.attempt > 0) return false
  return core.queuedByClients >= readyTasksMax || queuedOf(core, task.tenant) >= readyTasksPerTenantMax
}

function queuedOf(core: CoreState, tenant: string): number {
  return (core.queuedByTenant.get(tenant) ?? 0) + asideOf(core, tenant)
}

/** Until when it waits for a scout. */
export function patientUntilMs({ settings }: CoreState, { intent, queuedMs, deadlineMs }: Task): number {
  return intent === null ? Math.min(deadlineMs, queuedMs + settings.queueTimeoutMs) : deadlineMs
}

/** Puts a task into the queue of its model, and arms the end of its patience. */
export function enqueue(core: CoreState, task: Task): void {
  const { queueTimeoutMs } = core.settings
  const hasTried = task.triedScouts.length > 0
  if (hasTried) task.entry.returned.add(task)
  else task.entry.waiting.push(task, isConstrained(task))
  countQueued(core, task, 1)
  const timeoutMs = task.intent === null ? queueTimeoutMs : Number.POSITIVE_INFINITY
  const patienceMs = hasTried ? Math.min(elsewhereMsOf(core, task), timeoutMs) : timeoutMs
  core.wheel.arm(task, Math.min(task.deadlineMs, task.queuedMs + patienceMs))
}

/** How long a task that came back waits for a scout that has not had it. */
function elsewhereMsOf({ settings }: CoreState, { doubt }: Task): number {
  return doubt === null ? settings.elsewhereMs : settings.secondOpinionMs
}

/** Takes a task out of the queue it waits in, if it does. */
export function unqueue(core: CoreState, task: Task): void {
  if (core.awaitingStore.delete(task) || takeFromAside(core, task)) return
  if (task.entry.waiting.has(task)) task.entry.waiting.remove(task)
  else if (!task.entry.returned.delete(task)) return
  countQueued(core, task, -1)
}

/** Takes out a task because it is served: its tenant has had its turn. */
export function serveFromQueue(core: CoreState, task: Task): void {
  if (!task.entry.returned.delete(task)) task.entry.waiting.serve(task)
  countQueued(core, task, -1)
}

function countQueued(core: CoreState, task: Task, more: 1 | -1): void {
  const { entry } = task
  entry.queued += more
  core.queued += more
  if (entry.offerers === 0) {
    if (more === 1) core.index.names.need(entry)
    else core.index.restIfUnneeded(entry)
  }
  if (task.intent !== null) return
  core.queuedByClients += more
  const ofTenant = (core.queuedByTenant.get(task.tenant) ?? 0) + more
  if (ofTenant === 0) core.queuedByTenant.delete(task.tenant)
  else core.queuedByTenant.set(task.tenant, ofTenant)
}

/** Whether this task has to wait until the store can write. */
export function waitsForStore(core: CoreState, { intent }: Task): boolean {
  return core.storeTroubled && intent !== null
}

/** Whether any queue has a task that may be given out now. */
export function hasQueued({ draining, storeTroubled, queued, queuedByClients }: CoreState): boolean {
  return !draining && (storeTroubled ? queuedByClients : queued) > 0
}

/** The task of this model that goes first among those that fit this scout, left in its queue. */
export function firstQueued(
  core: CoreState,
  entry: ModelEntry,
  scout: Scout,
  fits: (task: Task) => boolean,
): Task | undefined {
  const takesAny = servesAnybody(scout, entry)
  for (;;) {
    const task = firstReturned(entry, fits) ?? entry.waiting.peek(fits, takesAny)
    if (task === undefined) return undefined
    const mustWait = waitsForStore(core, task)
    if (!mustWait && !isHeldBack(core, task)) return task
    unqueue(core, task)
    if (mustWait) core.awaitingStore.add(task)
    else setAside(core, task)
  }
}

function firstReturned({ returned }: ModelEntry, fits: (task: Task) => boolean): Task | undefined {
  let looks = Math.min(returnedLooks, returned.size)
  for (const task of returned) {
    if (looks-- === 0) return undefined
    if (fits(task)) return task
    // To the end, so that the next freed scout looks at others.
    returned.delete(task)
    returned.add(task)
  }
  return undefined
}
