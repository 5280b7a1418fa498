/**
 * Brings tasks and scouts together at the end of every step: homeless tasks look for a scout or a place in the queue,
 * freed scouts look for waiting tasks. Both directions cost the same whatever the size of the fleet.
 */
import { fault } from '../../shared/faults.ts'
import { finish, grant, unqueue } from './attempts.ts'
import type { ModelEntry } from './capability-index.ts'
import { chooseScout, mayTry } from './placement.ts'
import type { Scout } from './roster.ts'
import type { CoreState } from './state.ts'
import type { Task } from './task.ts'

/** Returning tasks looked at for one freed scout: those it had itself are passed over. */
const returningLooks = 16

export function matchAll(core: CoreState): void {
  for (let task = core.homeless.pop(); task !== undefined; task = core.homeless.pop()) placeOrQueue(core, task)
  for (let scout = core.freed.pop(); scout !== undefined; scout = core.freed.pop()) serve(core, scout)
}

function placeOrQueue(core: CoreState, task: Task): void {
  if (task.state !== 'ready') return
  const scout = chooseScout(core.index, task.entry, task, core.random)
  if (scout !== undefined) grant(core, task, scout)
  else if (task.attempt === 0 && isFull(core, task)) {
    const cause = fault('queue_full', 'Too many requests are waiting for a scout. Try again in a few seconds.', {
      retryAfterMs: 2_000,
    })
    finish(core, task, 'failed', cause)
  } else queue(core, task)
}

function isFull(core: CoreState, task: Task): boolean {
  const { readyTasksMax, readyTasksPerTenantMax } = core.settings
  return core.queued >= readyTasksMax || (core.queuedByTenant.get(task.tenant) ?? 0) >= readyTasksPerTenantMax
}

function queue(core: CoreState, task: Task): void {
  task.queuedMs = core.nowMs
  if (task.attempt === 0) task.entry.waiting.push(task)
  else task.entry.returning.add(task)
  core.queued++
  core.queuedByTenant.set(task.tenant, (core.queuedByTenant.get(task.tenant) ?? 0) + 1)
  core.wheel.arm(task, Math.min(task.deadlineMs, task.queuedMs + core.settings.queueTimeoutMs))
}

/** Gives a scout waiting tasks until it is full or nothing waits that it could do. */
function serve(core: CoreState, scout: Scout): void {
  while (core.queued > 0 && scout.klass.idle.has(scout)) {
    const task = nextFor(scout)
    if (task === undefined) return
    unqueue(core, task)
    grant(core, task, scout)
  }
}

/** Of everything that waits for one of the scout's models: what has waited longest. */
function nextFor(scout: Scout): Task | undefined {
  let next: Task | undefined
  for (const entry of scout.klass.entries) {
    const task = returningFor(entry, scout) ?? entry.waiting.peek()
    if (task !== undefined && (next === undefined || task.queuedMs < next.queuedMs)) next = task
  }
  return next
}

function returningFor(entry: ModelEntry, scout: Scout): Task | undefined {
  let looks = returningLooks
  for (const task of entry.returning) {
    if (mayTry(entry, scout, task)) return task
    if (--looks === 0) return undefined
  }
  return undefined
}
