/**
 * The right to work on an attempt: how it is given, kept alive, found again and taken away. A task has one lease while
 * a scout works on it, two while it is hedged, and every frame about it is judged by the lease it names.
 */

import { attemptNumberMax, durationMsMax } from '../../../shared/limits/wire.ts'
import { costOf } from '../fleet/placement.ts'
import type { Capability, Intent, Lease, Scout, Task } from '../model/entities.ts'
import type { CoreState } from '../state.ts'
import { forgetOrphan } from './orphans.ts'
import { move } from './task.ts'

/** The scout invites so many more tasks; more than it can run breaks the protocol. */
export function credit(core: CoreState, session: number, count: number): void {
  const scout = core.roster.bySession.get(session)
  if (scout === undefined) return
  if (scout.credits + count > scout.capacity) {
    core.emit({ type: 'closeSession', session, why: 'badFrame' })
    // What came along with the grant may have made room, and nothing more is given to who is being shut out.
    core.roster.drain(scout)
    return
  }
  scout.credits += count
  core.freed.push(scout)
}

/** Gives a task to a scout that has credit; a second lease makes a hedge. */
export function grant(core: CoreState, task: Task, capability: Capability): void {
  const { settings, nowMs } = core
  const { scout, provider } = capability
  const { model } = capability.entry
  const cost = costOf(capability, task)
  if (task.lease === null) move(task, 'leased')
  task.attempt++
  if (task.firstLeasedMs === 0) task.firstLeasedMs = nowMs
  const lease: Lease = {
    task,
    attempt: task.attempt,
    nonce: core.makeNonce(),
    holder: null,
    session: 0,
    before: null,
    after: null,
    scout: scout.record.scout,
    instance: scout.instance,
    operator: scout.record.operator,
    capability,
    model,
    provider,
    grantedMs: nowMs,
    startedMs: 0,
    contentMs: 0,
    progressMs: 0,
    expiresMs: nowMs + settings.leaseTtlMs + settings.leaseGraceMs,
    hedgeMs: nowMs + hedgeAfterMs(core, task),
  }
  if (task.lease === null) task.lease = lease
  else task.hedge = lease
  core.leases++
  scout.record.won++
  scout.credits--
  hold(scout, lease)
  core.roster.refresh(scout)
  lookAgain(core, task)
  const { attempt, nonce, instance } = lease
  if (task.intent !== null) {
    countLease(task.intent, lease, 1)
    core.persist({ change: 'lease', task: task.id, attempt, nonce, scout: lease.scout, instance })
  }
  core.emit({
    type: 'grant',
    session: scout.session,
    task: task.id,
    attempt,
    nonce,
    kind: task.kind,
    model,
    stream: task.stream,
    ttlMs: inFrame(settings.leaseTtlMs),
    deadlineMs: inFrame(task.deadlineMs - nowMs),
    served: { scout: scout.record.scout, provider, model },
    queuedMs: task.firstLeasedMs - task.submittedMs,
    cost,
    continuing: task.contentBegan,
  })
}

/** The duration as a frame carries it. A deadline may be past or far away after the clock has stepped. */
function inFrame(durationMs: number): number {
  return Math.min(durationMsMax, Math.max(1, Math.floor(durationMs)))
}

/** From here on this session holds the lease. */
export function hold(scout: Scout, lease: Lease): void {
  lease.holder = scout
  lease.session = scout.session
  lease.after = scout.newest
  if (scout.newest !== null) scout.newest.before = lease
  scout.newest = lease
  scout.running++
}

/** It has no holder any more. */
export function drop(lease: Lease): void {
  const { holder, before, after } = lease
  if (holder === null) return
  if (before === null) holder.newest = after
  else before.after = after
  if (after !== null) after.before = before
  holder.running--
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

function countLease({ leasedBy }: Intent, { operator }: Lease, more: 1 | -1): void {
  if (operator === '') return
  const count = (leasedBy.get(operator) ?? 0) + more
  if (count > 0) leasedBy.set(operator, count)
  else leasedBy.delete(operator)
}

/** When a leased task must be looked at next if nothing more is heard. */
export function leasedDueMs(core: CoreState, task: Task): number {
  const { lease, hedge } = task
  let dueMs = Math.min(task.deadlineMs, hedgeDueMs(core, task))
  if (lease !== null) dueMs = Math.min(dueMs, expiryOf(core, lease), patienceEndsMs(core, task, lease))
  if (hedge !== null) dueMs = Math.min(dueMs, expiryOf(core, hedge), patienceEndsMs(core, task, hedge))
  return dueMs
}

/** By when this attempt must have shown its next sign of work: asked the provider, begun to answer, gone on. */
export function patienceEndsMs(core: CoreState, task: Task, lease: Lease): number {
  const { firstSignMs, firstSignMsPerKiB, firstContentMs, contentSilenceMs } = core.settings
  const promptMs = (task.promptBytes / 1024) * firstSignMsPerKiB
  if (lease.startedMs === 0) return lease.grantedMs + firstSignMs + promptMs
  if (!task.stream) return Number.POSITIVE_INFINITY
  return lease.progressMs === 0 ? lease.grantedMs + firstContentMs + promptMs : lease.progressMs + contentSilenceMs
}

/** How long one scout may keep the client without content before a second one is asked; Infinity for always. */
function hedgeAfterMs({ settings }: CoreState, { routing, intent, stream, entry }: Task): number {
  // Nobody waits for a durable task.
  if (routing.hedgeAfterMs === 0 || intent !== null) return Number.POSITIVE_INFINITY
  if (routing.hedgeAfterMs !== null) return routing.hedgeAfterMs
  if (!stream || entry.firstContentSamples < settings.hedgeSamplesMin) return Number.POSITIVE_INFINITY
  return Math.max(settings.hedgeAfterMinMs, entry.firstContentP95Ms)
}

/** When a second scout is to be asked: not after content came, and never beyond the attempts the task has left. */
export function hedgeDueMs(core: CoreState, task: Task): number {
  const { lease } = task
  if (lease === null || task.hedge !== null || task.contentBegan || lease.contentMs > 0) {
    return Number.POSITIVE_INFINITY
  }
  const isLast =
    task.charged + 1 >= attemptsMax(core, task) ||
    task.returned >= core.settings.returnsMax ||
    task.attempt >= attemptNumberMax
  return isLast ? Number.POSITIVE_INFINITY : lease.hedgeMs
}

/** Attempts that may be charged to this task. */
export function attemptsMax(core: CoreState, task: Task): number {
  return Math.min(core.settings.attemptsMax, task.routing.attemptsMax)
}

/** When a lease ends if nothing more is heard: of it, or of the scout that holds it. */
export function expiryOf(core: CoreState, { expiresMs, holder }: Lease): number {
  if (holder === null) return expiresMs
  const { leaseTtlMs, leaseGraceMs } = core.settings
  return Math.max(expiresMs, holder.heardMs + leaseTtlMs + leaseGraceMs)
}

/** Its scout lives. */
export function renew(core: CoreState, lease: Lease): void {
  lease.expiresMs = core.nowMs + core.settings.leaseTtlMs + core.settings.leaseGraceMs
}

/** The attempt itself was heard of: its scout works on it. */
export function noteWork(core: CoreState, task: Task, lease: Lease): void {
  renew(core, lease)
  if (lease.startedMs > 0) return
  lease.startedMs = core.nowMs
  lookAgain(core, task)
}

/** The scout says whom it asked; most ask the provider of their offer. */
export function noteProvider(core: CoreState, lease: Lease, provider: string): void {
  if (provider === '' || provider === lease.provider) return
  lease.provider = provider
  const served = { scout: lease.scout, provider, model: lease.model }
  core.emit({ type: 'servedBy', task: lease.task.id, attempt: lease.attempt, served })
}

/** A piece of the answer came. */
export function noteProgress(core: CoreState, task: Task, lease: Lease): void {
  const isFirst = lease.progressMs === 0
  lease.progressMs = core.nowMs
  if (lease.startedMs === 0) lease.startedMs = core.nowMs
  if (isFirst) lookAgain(core, task)
}

/**
 * What is waited for has changed, and may be due sooner than what was waited for before. Later is not worth an entry in
 * the wheel: who looks too early looks again.
 */
export function lookAgain(core: CoreState, task: Task): void {
  const dueMs = leasedDueMs(core, task)
  if (task.timerSlot === -1 || dueMs < task.dueMs) core.wheel.arm(task, dueMs)
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
  if (task.intent !== null) countLease(task.intent, lease, -1)
  const { holder } = lease
  if (holder === null) return forgetOrphan(core, task, lease)
  drop(lease)
  core.freed.push(holder)
}
