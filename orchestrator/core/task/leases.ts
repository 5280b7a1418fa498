/**
 * The right to work on an attempt: who holds it, how it is kept alive, found again and taken away. A task has one lease
 * while a scout works on it, two while it is hedged, and every frame about it is judged by the lease it names.
 * `granting.ts` makes leases; `patience.ts` decides when a task must be looked at.
 */

import { countHeld } from '../fleet/windows.ts'
import type { Intent, Lease, Scout, Task } from '../model/object-graph.ts'
import type { CoreState } from '../state.ts'
import { noteRelease } from '../trust/suspects.ts'
import { forgetOrphan } from './orphans.ts'

/** From here on this session holds the lease. */
export function hold(scout: Scout, lease: Lease): void {
  lease.holder = scout
  lease.session = scout.session
  lease.after = scout.newest
  if (scout.newest !== null) scout.newest.before = lease
  scout.newest = lease
  scout.running++
  if (scout.windows !== null) countHeld(scout, lease, 1)
}

/** It has no holder any more. */
export function drop(lease: Lease): void {
  const { holder, before, after } = lease
  if (holder === null) return
  if (before === null) holder.newest = after
  else before.after = after
  if (after !== null) after.before = before
  holder.running--
  if (holder.windows !== null) countHeld(holder, lease, -1)
  lease.holder = null
  lease.session = 0
  lease.before = null
  lease.after = null
}

/** Every lease a session holds, the newest first. */
export function heldLeases({ newest }: Scout): Lease[] {
  const held: Lease[] = []
  for (let lease = newest; lease !== null; lease = lease.after) held.push(lease)
  return held
}

/** Counts a lease of an intent in with its operator, or out. */
export function countLease({ leasedBy }: Intent, { operator }: Lease, more: 1 | -1): void {
  if (operator === '') return
  const count = (leasedBy.get(operator) ?? 0) + more
  if (count > 0) leasedBy.set(operator, count)
  else leasedBy.delete(operator)
}

/** When a lease ends without a further sign of life: of the attempt, or of the scout that holds it. */
export function expiryOf(core: CoreState, { expiresMs, holder }: Lease): number {
  if (holder === null) return expiresMs
  const { leaseTtlMs, leaseGraceMs } = core.settings
  return Math.max(expiresMs, holder.heardMs + leaseTtlMs + leaseGraceMs)
}

/** A sign of life of its scout or its attempt. */
export function renew(core: CoreState, lease: Lease): void {
  lease.expiresMs = core.nowMs + core.settings.leaseTtlMs + core.settings.leaseGraceMs
}

export function leaseOf({ lease, hedge }: Task, attempt: number): Lease | undefined {
  if (lease?.attempt === attempt) return lease
  return hedge?.attempt === attempt ? hedge : undefined
}

/** All of them, as a list of its own. */
export function leasesOf({ lease, hedge }: Task): Lease[] {
  if (lease === null) return []
  return hedge === null ? [lease] : [lease, hedge]
}

/** The lease of this very attempt and session; undefined for anything stale, late or forged. */
export function heldBy(core: CoreState, session: number, taskId: number, attempt: number): Lease | undefined {
  const task = core.tasks.get(taskId)
  if (task === undefined) return undefined
  const lease = leaseOf(task, attempt)
  return lease?.session === session ? lease : undefined
}

/**
 * Takes one lease away; its scout may have room again, which the end of the step sees to. The task keeps its state,
 * which is the caller's to change.
 */
export function release(core: CoreState, task: Task, lease: Lease): void {
  if (lease === task.lease) {
    task.lease = task.hedge
    task.hedge = null
  } else if (lease === task.hedge) task.hedge = null
  else return
  core.leases--
  noteRelease(core, task, lease)
  if (task.intent !== null) countLease(task.intent, lease, -1)
  const { holder } = lease
  if (holder === null) return forgetOrphan(core, task, lease)
  drop(lease)
  core.freed.push(holder)
}

/** Notes that the scout of this lease has had the task, so that another attempt goes elsewhere where it can. */
export function noteTried(task: Task, { scout, operator }: Lease): void {
  task.triedScouts = withName(task.triedScouts, scout)
  if (operator !== '') task.triedOperators = withName(task.triedOperators, operator)
}

/** Each name once: placement compares how many have tried with how many there are. */
function withName(tried: readonly string[], name: string): readonly string[] {
  return tried.length === 0 ? [name] : tried.includes(name) ? tried : [...tried, name]
}

/** The scout reports which provider it asked; mostly the one of its offer. */
export function noteProvider(core: CoreState, lease: Lease, provider: string): void {
  if (provider === '' || provider === lease.provider) return
  lease.provider = provider
  const served = { scout: lease.scout, provider, model: lease.model }
  core.emit({ type: 'servedBy', task: lease.task.id, attempt: lease.attempt, served })
}

/** Attempts that may be charged to this task. */
export function attemptsMax(core: CoreState, task: Task): number {
  return Math.min(core.settings.attemptsMax, task.routing.attemptsMax)
}
