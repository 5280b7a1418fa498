/**
 * The right to work on an attempt: how it is given, kept alive, found again and taken away. A task has one lease while
 * a scout works on it, two while it is hedged, and every frame about it is judged by the lease it names.
 */
import type { Intent, Lease, Scout, Task } from './entities.ts'
import { forgetOrphan } from './orphans.ts'
import { costOf, offerFor } from './placement.ts'
import type { CoreState } from './state.ts'
import { move } from './task.ts'

/** Gives a task to a scout that has credit; a second lease makes a hedge. */
export function grant(core: CoreState, task: Task, scout: Scout): void {
  const { settings, nowMs } = core
  const { model, provider } = offerFor(scout, task)!
  const cost = costOf(scout, task)
  if (task.leases.length === 0) move(task, 'leased')
  task.attempt++
  if (task.firstLeasedMs === 0) task.firstLeasedMs = nowMs
  noteTried(task.triedScouts, scout.record.scout)
  noteTried(task.triedOperators, scout.record.operator)
  const lease: Lease = {
    attempt: task.attempt,
    nonce: core.makeNonce(),
    holder: scout,
    scout: scout.record.scout,
    instance: scout.instance,
    operator: scout.record.operator,
    model,
    grantedMs: nowMs,
    startedMs: 0,
    contentMs: 0,
    progressMs: 0,
    expiresMs: nowMs + settings.leaseTtlMs + settings.leaseGraceMs,
    hedgeMs: nowMs + hedgeAfterMs(core, task),
  }
  task.leases.push(lease)
  core.leases++
  scout.credits--
  scout.leased.add(task)
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
    ttlMs: settings.leaseTtlMs,
    deadlineMs: Math.max(1, Math.floor(task.deadlineMs - nowMs)),
    served: { scout: scout.record.scout, provider, model },
    queuedMs: task.firstLeasedMs - task.submittedMs,
    cost,
    continuing: task.contentBegan,
  })
}

function countLease({ leasedBy }: Intent, { operator }: Lease, more: 1 | -1): void {
  if (operator === '') return
  const count = (leasedBy.get(operator) ?? 0) + more
  if (count > 0) leasedBy.set(operator, count)
  else leasedBy.delete(operator)
}

/** Each name once: placement compares how many have tried with how many there are. */
function noteTried(tried: string[], name: string): void {
  if (!tried.includes(name)) tried.push(name)
}

/** When a leased task must be looked at next if nothing more is heard. */
export function leasedDueMs(core: CoreState, task: Task): number {
  let dueMs = Math.min(task.deadlineMs, hedgeDueMs(core, task))
  for (const lease of task.leases) dueMs = Math.min(dueMs, lease.expiresMs, patienceEndsMs(core, task, lease))
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
function hedgeAfterMs({ settings }: CoreState, { wishes, intent, stream, entry }: Task): number {
  // Nobody waits for a durable task.
  if (wishes.hedgeAfterMs === 0 || intent !== null) return Number.POSITIVE_INFINITY
  if (wishes.hedgeAfterMs !== null) return wishes.hedgeAfterMs
  if (!stream || entry.firstContentSamples < settings.hedgeSamplesMin) return Number.POSITIVE_INFINITY
  return Math.max(settings.hedgeAfterMinMs, entry.firstContentP95Ms)
}

/** When a second scout is to be asked: not after content came, and never beyond the attempts the task has left. */
export function hedgeDueMs(core: CoreState, task: Task): number {
  const [only] = task.leases
  if (only === undefined || task.leases.length > 1 || task.contentBegan || only.contentMs > 0) {
    return Number.POSITIVE_INFINITY
  }
  const isLast = task.charged + 1 >= attemptsMax(core, task) || task.returned >= core.settings.returnsMax
  return isLast ? Number.POSITIVE_INFINITY : only.hedgeMs
}

/** Attempts that may be charged to this task. */
export function attemptsMax(core: CoreState, task: Task): number {
  return Math.min(core.settings.attemptsMax, task.wishes.attemptsMax)
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

/** A piece of the answer came. */
export function noteProgress(core: CoreState, task: Task, lease: Lease): void {
  const isFirst = lease.progressMs === 0
  lease.progressMs = core.nowMs
  if (isFirst) lookAgain(core, task)
}

/** What is waited for has changed, and may be due sooner than what was waited for before. */
export function lookAgain(core: CoreState, task: Task): void {
  core.wheel.arm(task, leasedDueMs(core, task))
}

export function leaseOf(task: Task, attempt: number): Lease | undefined {
  for (const lease of task.leases) if (lease.attempt === attempt) return lease
  return undefined
}

export interface Held {
  task: Task
  lease: Lease
}

/** The task as leased to this very attempt and session; undefined for anything stale, late or forged. */
export function heldBy(core: CoreState, session: number, taskId: number, attempt: number): Held | undefined {
  const task = core.tasks.get(taskId)
  if (task === undefined) return undefined
  const lease = leaseOf(task, attempt)
  return lease?.holder?.session === session ? { task, lease } : undefined
}

/**
 * Takes one lease away; its scout may have room again, which the end of the step sees to. The task keeps its state,
 * which is the caller's to change.
 */
export function release(core: CoreState, task: Task, lease: Lease): void {
  const at = task.leases.indexOf(lease)
  if (at < 0) return
  task.leases.splice(at, 1)
  core.leases--
  if (task.intent !== null) countLease(task.intent, lease, -1)
  const { holder } = lease
  if (holder === null) return forgetOrphan(core, task, lease)
  holder.leased.delete(task)
  core.freed.push(holder)
}
