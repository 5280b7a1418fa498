/**
 * One attempt from grant to end, and what its end means for the task: done, another attempt, or terminal. Every
 * settlement passes `settle`, the only place where an answer can be committed, and only by the current lease.
 */
import { fullJitterMs } from '../../shared/backoff.ts'
import { type Fault, fault, faultTable } from '../../shared/faults.ts'
import { pauseDefaultMs, pauseMaxMs } from '../../shared/limits.ts'
import type { Event } from './events.ts'
import { servedModel } from './placement.ts'
import { bookOutcome, bookSpeed, type Scout } from './roster.ts'
import type { CoreState } from './state.ts'
import { type Lease, move, sameNonce, type Task } from './task.ts'

/** Gives a ready task to a scout that has credit. */
export function grant(core: CoreState, task: Task, scout: Scout): void {
  const { settings, nowMs } = core
  const model = servedModel(scout, task)
  const provider = scout.klass.offers.find((o) => o.kind === task.kind && o.model === model)?.provider ?? ''
  move(task, 'leased')
  task.attempt++
  if (task.firstLeasedMs === 0) task.firstLeasedMs = nowMs
  task.triedScouts.push(scout.record.scout)
  task.triedOperators.push(scout.record.operator)
  const lease: Lease = {
    attempt: task.attempt,
    nonce: core.makeNonce(),
    holder: scout,
    scout: scout.record.scout,
    instance: scout.instance,
    model,
    grantedMs: nowMs,
    startedMs: 0,
    contentMs: 0,
    expiresMs: nowMs + settings.leaseTtlMs + settings.leaseGraceMs,
  }
  task.lease = lease
  scout.credits--
  scout.leased.add(task)
  core.roster.refresh(scout)
  core.wheel.arm(task, leaseDueMs(core, task, lease))
  core.emit({
    type: 'grant',
    session: scout.session,
    task: task.id,
    attempt: lease.attempt,
    nonce: lease.nonce,
    kind: task.kind,
    model,
    stream: task.stream,
    ttlMs: settings.leaseTtlMs,
    deadlineMs: Math.max(1, Math.floor(task.deadlineMs - nowMs)),
    served: { scout: scout.record.scout, provider, model },
  })
}

/** When a leased task must be looked at next if nothing more is heard. */
export function leaseDueMs(core: CoreState, task: Task, lease: Lease): number {
  const firstSignDueMs = lease.startedMs > 0 ? Number.POSITIVE_INFINITY : firstSignMs(core, task, lease)
  return Math.min(task.deadlineMs, lease.expiresMs, firstSignDueMs)
}

/** By when the provider must have been asked: prompts take time to travel and to be read. */
export function firstSignMs(core: CoreState, task: Task, lease: Lease): number {
  const { firstSignMs, firstSignMsPerKiB } = core.settings
  return lease.grantedMs + firstSignMs + (task.promptBytes / 1024) * firstSignMsPerKiB
}

export function renew(core: CoreState, lease: Lease): void {
  lease.expiresMs = core.nowMs + core.settings.leaseTtlMs + core.settings.leaseGraceMs
}

/** The task as leased to this very attempt and session; undefined for anything stale, late or forged. */
export function currentAttempt(core: CoreState, session: number, taskId: number, attempt: number): Task | undefined {
  const task = core.tasks.get(taskId)
  if (task?.lease === null || task?.lease.attempt !== attempt) return undefined
  return task.lease.holder?.session === session ? task : undefined
}

/** An attempt's end as its scout reports it. Exactly one settlement per task can pass the fence. */
export function settle(core: CoreState, event: Extract<Event, { type: 'settle' }>): void {
  const { session, task: taskId, attempt, nonce, outcome } = event
  const scout = core.roster.bySession.get(session)
  if (scout === undefined) return
  endCancel(core, scout, taskId, attempt)
  const task = currentAttempt(core, session, taskId, attempt)
  const lease = task?.lease
  if (task === undefined || !lease || !sameNonce(lease.nonce, nonce)) {
    const verdict = wasCommitted(core, taskId, attempt, nonce) ? 'committed' : 'stale'
    core.emit({ type: 'verdict', session, task: taskId, attempt, verdict })
    return
  }
  core.rememberCommitted(taskId, attempt, nonce)
  if (outcome === 'done') {
    bookOutcome(scout.record, false)
    const firstMs = lease.contentMs > 0 ? lease.contentMs - lease.grantedMs : core.nowMs - lease.grantedMs
    bookSpeed(scout.record, lease.model, firstMs, event.tokens, lease.contentMs > 0 ? core.nowMs - lease.contentMs : 0)
    releaseLease(core, task)
    finish(core, task, 'done', null)
  } else {
    const cause = event.fault ?? fault('scout_error', `The scout reported "${outcome}" without a cause.`)
    if (cause.code === 'provider_rate_limited') pause(core, scout, lease.model, cause.retryAfterMs)
    endAttempt(core, task, outcome === 'released' ? { ...cause, code: freeCode(cause) } : cause)
  }
  core.emit({ type: 'verdict', session, task: taskId, attempt, verdict: 'committed' })
}

/** Work handed back costs no attempt, whatever reason is given for it. */
function freeCode(cause: Fault): Fault['code'] {
  return faultTable[cause.code].retry === 'free' ? cause.code : 'scout_draining'
}

export function wasCommitted(core: CoreState, task: number, attempt: number, nonce: Uint8Array): boolean {
  const known = core.committed.get(task)
  return known !== undefined && known.attempt === attempt && sameNonce(known.nonce, nonce)
}

/** Ends the current attempt without an answer; the task tries again where that may help. */
export function endAttempt(core: CoreState, task: Task, cause: Fault): void {
  const { blame, retry } = faultTable[cause.code]
  const record = core.roster.records.get(task.lease!.scout)
  if (blame === 'scout' && record !== undefined) bookOutcome(record, true)
  releaseLease(core, task)
  task.lastFault = cause
  if (retry === 'free') task.returned++
  else task.charged++
  const spent = task.charged >= core.settings.attemptsMax || task.returned > core.settings.returnsMax
  if (retry === 'never' || task.contentBegan || spent) {
    finish(core, task, 'failed', cause)
    return
  }
  core.emit({ type: 'attemptVoid', task: task.id, attempt: task.attempt })
  if (retry === 'free') {
    move(task, 'ready')
    core.homeless.push(task)
    return
  }
  const { retryBaseMs, retryCapMs } = core.settings
  move(task, 'delayed')
  task.retryMs = core.nowMs + fullJitterMs(task.charged - 1, retryBaseMs, retryCapMs, core.random.unit())
  core.wheel.arm(task, Math.min(task.retryMs, task.deadlineMs))
}

/** Tells the holder to stop, if it can be told, and keeps telling it until it acknowledges. */
export function cancelLease(core: CoreState, task: Task, reason: string): void {
  const lease = task.lease
  if (lease?.holder) watchCancel(core, lease.holder, task.id, lease.attempt, reason)
}

/** Sends a cancel unless one is under way. A scout that invites more than it can have running is left to its rate limit. */
export function watchCancel(core: CoreState, holder: Scout, task: number, attempt: number, reason: string): void {
  const key = `${task}/${attempt}`
  if (holder.cancels.has(key) || holder.cancels.size >= 4 * holder.capacity) return
  const idle = { dueMs: 0, slot: -1, before: null, after: null }
  const watch = { timed: 'cancel' as const, holder, task, attempt, reason, ...idle }
  holder.cancels.set(key, watch)
  core.wheel.arm(watch, core.nowMs + core.settings.cancelResendMs)
  core.emit({ type: 'cancelAttempt', session: holder.session, task, attempt, reason })
}

function endCancel(core: CoreState, holder: Scout, task: number, attempt: number): void {
  const key = `${task}/${attempt}`
  const watch = holder.cancels.get(key)
  if (watch === undefined) return
  core.wheel.disarm(watch)
  holder.cancels.delete(key)
}

/** The terminal move: takes the task out of everything that holds it and says so once. */
export function finish(core: CoreState, task: Task, state: 'done' | 'failed' | 'cancelled', cause: Fault | null): void {
  releaseLease(core, task)
  unqueue(core, task)
  move(task, state)
  core.wheel.disarm(task)
  core.tasks.delete(task.id)
  const queuedMs = (task.firstLeasedMs || core.nowMs) - task.submittedMs
  core.emit({ type: 'finished', task: task.id, fault: cause, attempts: task.attempt, queuedMs })
}

/** Takes a task out of the queue it waits in, if it does. */
export function unqueue(core: CoreState, task: Task): void {
  if (task.heapIndex >= 0) task.entry.waiting.remove(task)
  else if (!task.entry.returning.delete(task)) return
  core.queued--
  const left = (core.queuedByTenant.get(task.tenant) ?? 1) - 1
  if (left === 0) core.queuedByTenant.delete(task.tenant)
  else core.queuedByTenant.set(task.tenant, left)
}

function releaseLease(core: CoreState, task: Task): void {
  const holder = task.lease?.holder
  task.lease = null
  if (!holder) return
  holder.leased.delete(task)
  core.roster.refresh(holder)
  core.freed.push(holder)
}

/** Negative credit: the provider behind this scout wants to be left alone with this model for a while. */
function pause(core: CoreState, scout: Scout, model: string, retryAfterMs: number | undefined): void {
  const pauseMs = Math.min(retryAfterMs || pauseDefaultMs, pauseMaxMs)
  let entry = scout.pauses.get(model)
  if (entry === undefined) {
    entry = { timed: 'pause', holder: scout, model, dueMs: 0, slot: -1, before: null, after: null }
    scout.pauses.set(model, entry)
    core.roster.reclassify(scout, core.nowMs)
  }
  core.wheel.arm(entry, core.nowMs + pauseMs)
}
