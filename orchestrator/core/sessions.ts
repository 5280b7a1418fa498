/**
 * Scouts come, change, and go. A new session starts with no credits and takes up the leases it still holds; a lost one
 * leaves its work behind: what the client has seen nothing of goes elsewhere at once, what it has waits a while for the
 * scout to come back.
 */
import { fault } from '../../shared/faults.ts'
import { endAttempt, renew, wasCommitted } from './attempts.ts'
import type { ModelEntry } from './capability-index.ts'
import type { Event, HeldReply, ScoutJoined } from './events.ts'
import type { Scout } from './roster.ts'
import type { CoreState } from './state.ts'
import { sameNonce, type Task } from './task.ts'

export function join(core: CoreState, joined: ScoutJoined): void {
  const twin = core.roster.twin(joined)
  const orphans = twin === undefined ? [] : takeOff(core, twin)
  if (twin !== undefined) core.emit({ type: 'closeSession', session: twin.session, why: 'superseded' })
  const scout = core.roster.join(joined, core.nowMs)
  keepEntries(core, scout.advertised)
  const held = joined.held.map((lease) => takeUp(core, scout, lease))
  const { session, scout: name } = joined
  core.emit({ type: 'welcome', session, scout: name, creditMax: scout.capacity, held })
  for (const task of orphans) if (task.lease !== null && task.lease.holder === null) abandonLease(core, task)
}

/** A lease the scout presents: it goes on if nobody else has the task, or learns what became of it. */
function takeUp(core: CoreState, scout: Scout, presented: ScoutJoined['held'][number]): HeldReply {
  const { task: id, attempt, nonce } = presented
  const task = core.tasks.get(id)
  const lease = task?.lease
  const isOwn =
    lease?.holder === null &&
    lease.attempt === attempt &&
    lease.scout === scout.record.scout &&
    lease.instance === scout.instance &&
    sameNonce(lease.nonce, nonce)
  if (task === undefined || !lease || !isOwn) {
    return { task: id, attempt, verdict: wasCommitted(core, id, attempt, nonce) ? 'committed' : 'stale' }
  }
  lease.holder = scout
  scout.leased.add(task)
  renew(core, lease)
  return { task: id, attempt, verdict: 'resumed' }
}

export function leave(core: CoreState, session: number): void {
  const scout = core.roster.bySession.get(session)
  if (scout === undefined) return
  for (const task of takeOff(core, scout)) abandonLease(core, task)
}

/** Off the roster with it; its tasks come back, leased to nobody. */
function takeOff(core: CoreState, scout: Scout): Task[] {
  const orphans = [...scout.leased]
  for (const task of orphans) task.lease!.holder = null
  scout.leased.clear()
  for (const pause of scout.pauses.values()) core.wheel.disarm(pause)
  for (const watch of scout.cancels.values()) core.wheel.disarm(watch)
  scout.pauses.clear()
  scout.cancels.clear()
  core.roster.leave(scout)
  forgetEntries(core, scout.advertised)
  return orphans
}

/** The holder's socket is gone. Content that the client has seen can only be continued by the same scout. */
function abandonLease(core: CoreState, task: Task): void {
  const lease = task.lease!
  if (!task.contentBegan) {
    endAttempt(core, task, fault('scout_lost', 'The scout that worked on this lost its connection.'))
    return
  }
  lease.expiresMs = Math.min(lease.expiresMs, core.nowMs + core.settings.resumeWindowMs)
  core.wheel.arm(task, Math.min(lease.expiresMs, task.deadlineMs))
}

export function credit(core: CoreState, session: number, count: number): void {
  const scout = core.roster.bySession.get(session)
  if (scout === undefined) return
  if (scout.credits + count > scout.capacity) {
    core.emit({ type: 'closeSession', session, why: 'badFrame' })
    return
  }
  scout.credits += count
  core.roster.refresh(scout)
  core.freed.push(scout)
}

export function changeOffers(core: CoreState, event: Extract<Event, { type: 'scoutOffers' }>): void {
  const scout = core.roster.bySession.get(event.session)
  if (scout === undefined) return
  scout.capacity = Math.min(event.concurrency, core.settings.creditMax)
  scout.credits = Math.min(scout.credits, scout.capacity)
  const before = scout.advertised
  core.roster.changeOffers(scout, event.offers, core.nowMs)
  keepEntries(core, scout.advertised)
  forgetEntries(core, before)
  core.freed.push(scout)
}

/** Models somebody offers have no end date. */
function keepEntries(core: CoreState, advertised: readonly ModelEntry[]): void {
  for (const entry of advertised) core.wheel.disarm(entry)
}

/** Models that nobody offers any more are held open for a while: their scouts are probably on the way back. */
function forgetEntries(core: CoreState, advertised: readonly ModelEntry[]): void {
  for (const entry of advertised) {
    if (entry.offerers === 0) core.wheel.arm(entry, core.nowMs + core.settings.modelGraceMs)
  }
}
