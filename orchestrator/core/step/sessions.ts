/**
 * Sessions begin, change their offers, and end. A new session starts with no credits and takes up the leases it still
 * holds. The leases of a lost one end at once and their tasks go elsewhere, unless content was forwarded or the task is
 * durable: then they wait a while for the scout to come back, but not for a process that another one has replaced.
 */

import { type Fault, fault } from '../../../shared/faults.ts'
import { autoModel } from '../../../shared/task.ts'
import type { Event, HeldReply, ScoutJoined } from '../events.ts'
import { awaitedUntilMs, type Leaving, noteAbsence } from '../fleet/absence.ts'
import { keepPauses, noteLimited, renotePauses, takeUpPauses } from '../fleet/pauses.ts'
import { sameNonce } from '../model/nonce.ts'
import type { Lease, OfferClass, Scout, Task } from '../model/object-graph.ts'
import type { CoreState } from '../state.ts'
import { bookMissed } from '../stats/missed-work.ts'
import { awaitSizes } from '../stats/request-sizes.ts'
import { endAttempt, mayMigrate } from '../task/attempts.ts'
import { drop, expiryOf, heldLeases, hold, leaseOf, leasesOf, renew } from '../task/leases.ts'
import { forgetOrphan, noteOrphan, orphansOf } from '../task/orphans.ts'
import { lookAgain } from '../task/patience.ts'
import { takeBack } from '../task/store-trouble.ts'
import { recallConvicted } from '../trust/marking.ts'
import { noteLost } from '../trust/suspects.ts'

export function join(core: CoreState, joined: ScoutJoined): void {
  const twin = core.roster.twin(joined)
  const orphans = twin === undefined ? [] : takeOff(core, twin, 'superseded')
  if (twin !== undefined) core.emit({ type: 'closeSession', session: twin.session, why: 'superseded' })
  const scout = core.roster.join(joined, core.nowMs)
  keepEntries(core, scout)
  takeUpPauses(core, scout)
  const held = joined.held.map((lease) => takeUp(core, scout, lease))
  const { session, scout: name } = joined
  core.emit({ type: 'welcome', session, scout: name, creditMax: scout.capacity, held })
  for (const orphan of orphans) if (orphan.lease.holder === null) abandonLease(core, orphan)
}

/** A lease the scout presents: it continues if it is still in force, or is answered with what became of it. */
function takeUp(core: CoreState, scout: Scout, presented: ScoutJoined['held'][number]): HeldReply {
  const { task: id, attempt, nonce } = presented
  const task = core.tasks.get(id)
  const lease = task && leaseOf(task, attempt)
  const isOwn =
    lease?.holder === null &&
    lease.scout === scout.record.scout &&
    lease.instance === scout.instance &&
    sameNonce(lease.nonce, nonce)
  if (task === undefined || !lease || !isOwn) {
    return { task: id, attempt, nonce, verdict: core.committed.has(id, attempt, nonce) ? 'committed' : 'stale' }
  }
  forgetOrphan(core, task, lease)
  hold(scout, lease)
  renew(core, lease)
  return { task: id, attempt, nonce, verdict: 'resumed' }
}

/**
 * A scout is back and has presented what it holds. The hub waits for no other durable lease of this process: its grant
 * may never have been sent, because the hub ended between its commit and that, so nobody is charged. Nor for a chat's,
 * when it has presented nothing at all; nor for a process in whose place this one has come.
 *
 * A step of its own, because it must be committed before its effects, and no welcome should wait for the store.
 */
export function claimsEnded(core: CoreState, session: number): void {
  const scout = core.roster.bySession.get(session)
  if (scout === undefined) return
  const causeOf = ({ intent }: Task) => (intent !== null ? neverBegun : scout.isBlank ? cameWithout : null)
  endOrphans(core, scout.record.scout, scout.instance, causeOf)
  const replaced = core.lostInstances.replacedBy(scout, core.nowMs)
  if (replaced !== null) endOrphans(core, scout.record.scout, replaced, () => startedAnew)
}

const neverBegun = fault('scout_draining', 'The scout that was to work on this came back without it.')
const cameWithout = fault('scout_lost', 'The scout that worked on this lost its connection and came back without it.')
const expelled = fault('scout_draining', 'The key of the scout that worked on this stopped working.')
const startedAnew = fault('scout_lost', 'The scout that worked on this ended and was started anew.')

function endOrphans(core: CoreState, name: string, instance: string, causeOf: (task: Task) => Fault | null): void {
  for (const task of orphansOf(core, name, instance)) {
    const cause = causeOf(task)
    for (const lease of leasesOf(task)) {
      const isIts = lease.holder === null && lease.scout === name && lease.instance === instance
      if (isIts && cause !== null) endAttempt(core, task, lease, cause)
    }
  }
}

export function leave(
  core: CoreState,
  { session, unsent = [], isExpelled }: Extract<Event, { type: 'scoutGone' }>,
): void {
  const scout = core.roster.bySession.get(session)
  if (scout === undefined) return
  for (const grant of unsent) takeBack(core, grant)
  const orphans = takeOff(core, scout, scout.state === 'draining' ? 'left' : 'lost')
  for (const orphan of orphans) {
    if (isExpelled !== true) abandonLease(core, orphan)
    else if (isCurrent(orphan)) endAttempt(core, orphan.task, orphan.lease, expelled)
  }
}

/** Whether the lease is still one of its task's. */
function isCurrent({ task, lease }: Pick<Orphan, 'task' | 'lease'>): boolean {
  return leaseOf(task, lease.attempt) === lease
}

interface Orphan {
  task: Task
  lease: Lease
  /** Its scout had announced that it leaves. */
  isForsaken: boolean
}

/** Off the roster with it; its tasks come back, leased to nobody. */
function takeOff(core: CoreState, scout: Scout, how: Leaving | 'superseded'): Orphan[] {
  const orphans: Orphan[] = []
  const isForsaken = scout.state === 'draining'
  const held = heldLeases(scout)
  if (how === 'lost') {
    if (held.length > 0) noteLost(core, scout, held)
    const { leaseTtlMs, leaseGraceMs } = core.settings
    core.lostInstances.note(scout, core.nowMs, core.nowMs + leaseTtlMs + leaseGraceMs)
  }
  for (const lease of held) {
    const { task } = lease
    lease.expiresMs = expiryOf(core, lease)
    drop(lease)
    orphans.push({ task, lease, isForsaken })
    noteOrphan(core, task, lease)
  }
  keepPauses(core, scout)
  if (!isForsaken) awaitSizes(scout.klass, core.nowMs, core.settings.modelGraceMs)
  for (const watch of scout.cancels?.values() ?? []) core.wheel.disarm(watch)
  scout.cancels = null
  core.roster.leave(scout)
  bookMissed(scout)
  scout.pauses = null
  forgetEntries(core, scout, scout.klass, how === 'superseded' ? 'withdrawn' : how)
  recallConvicted(core, scout.klass.entries)
  return orphans
}

/**
 * The holder's socket is gone. What a client waits for goes elsewhere at once, unless it has seen content that only the
 * same scout can go on with; a durable task, for which nobody waits, leaves its scout one lease's time to come back, or
 * the time in which most do where another one could have the task. A scout that has drained does not come back.
 */
function abandonLease(core: CoreState, { task, lease, isForsaken }: Orphan): void {
  if (!isCurrent({ task, lease })) return
  const goesOn = task.contentBegan && !mayMigrate(core, task)
  if (isForsaken || (!goesOn && task.intent === null)) {
    return endAttempt(core, task, lease, fault('scout_lost', 'The scout that worked on this lost its connection.'))
  }
  if (goesOn || task.entry.scouts > 0) {
    lease.expiresMs = Math.min(lease.expiresMs, core.nowMs + core.settings.resumeWindowMs)
  }
  lookAgain(core, task)
}

export function changeOffers(core: CoreState, event: Extract<Event, { type: 'scoutOffers' }>): void {
  const scout = core.roster.bySession.get(event.session)
  if (scout === undefined) return
  scout.capacity = Math.min(event.concurrency, core.settings.creditMax)
  scout.credits = Math.min(scout.credits, scout.capacity)
  const before = scout.klass
  core.roster.changeOffers(scout, event.offers, core.nowMs)
  keepEntries(core, scout)
  forgetEntries(core, scout, before, 'withdrawn')
  renotePauses(core, scout)
  core.freed.push(scout)
  recallConvicted(core, before.entries)
}

/** Models somebody offers have no end date. */
function keepEntries(core: CoreState, { klass }: Scout): void {
  for (const entry of klass.entries) {
    entry.absence = null
    core.wheel.disarm(entry)
  }
}

/** Models that nobody offers any more are held open for a while: their scouts are probably on the way back. */
function forgetEntries(core: CoreState, scout: Scout, { entries }: OfferClass, how: Leaving): void {
  for (const entry of entries) {
    // Of those that nobody offers any more, some may have made room for others.
    if (entry.known && entry.offerers === 0 && entry.model !== autoModel) {
      noteAbsence(entry, scout, how, core.nowMs)
      core.wheel.arm(entry, awaitedUntilMs(core, entry))
    }
  }
  noteLimited(core, entries)
}
