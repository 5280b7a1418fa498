/**
 * How a task gets its scout: credits come in, a grant uses one and makes the lease. Fed by `matching.ts`, which has
 * chosen the scout; the grant itself leaves as an effect, after the lease of a durable task is persisted.
 */

import { durationMsMax } from '../../../shared/limits/wire.ts'
import { costOf } from '../fleet/cost.ts'
import type { Capability, Lease, Task } from '../model/object-graph.ts'
import { move } from '../model/task.ts'
import type { CoreState } from '../state.ts'
import { noteGrant } from '../trust/suspects.ts'
import { hedgeAfterMs } from './hedging.ts'
import { countLease, hold } from './leases.ts'
import { lookAgain } from './patience.ts'

/** Completes the reason of the close. */
const tooManyCredits = 'more credits than its concurrency'

/** The scout invites so many more tasks; more than it can run breaks the protocol. */
export function credit(core: CoreState, session: number, count: number): void {
  const scout = core.roster.bySession.get(session)
  if (scout === undefined) return
  if (scout.credits + count > scout.capacity) {
    core.emit({ type: 'closeSession', session, why: 'badFrame', detail: tooManyCredits })
    // The settlement that came along with the credit may have made room, but a session that is closed gets no tasks.
    core.roster.drain(scout)
    return
  }
  scout.credits += count
  core.freed.push(scout)
}

/** Gives a task to a scout that has credit; a second lease makes a hedge. */
export function grant(core: CoreState, task: Task, capability: Capability): void {
  const { settings, nowMs } = core
  const { scout, provider, offer } = capability
  const { model } = capability.entry
  const cost = costOf(capability, task)
  if (task.lease === null) move(task, 'leased')
  task.attempt++
  if (task.firstLeasedMs === 0) task.firstLeasedMs = nowMs
  const lease = newLease(core, task, capability)
  if (task.lease === null) task.lease = lease
  else task.hedge = lease
  core.leases++
  noteGrant(core, task, lease)
  scout.record.won++
  scout.record.wonMs = nowMs
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
    promptPrice: offer.promptPrice,
    answerPrice: offer.answerPrice,
    continuing: task.contentBegan,
  })
}

function newLease(core: CoreState, task: Task, capability: Capability): Lease {
  const { settings, nowMs } = core
  const { scout, provider, entry } = capability
  return {
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
    model: entry.model,
    provider,
    grantedMs: nowMs,
    startedMs: 0,
    contentMs: 0,
    progressMs: 0,
    expiresMs: nowMs + settings.leaseTtlMs + settings.leaseGraceMs,
    hedgeMs: nowMs + hedgeAfterMs(core, task),
  }
}

/** The duration as a frame carries it. A deadline may be past or far away after the clock has stepped. */
function inFrame(durationMs: number): number {
  return Math.min(durationMsMax, Math.max(1, Math.floor(durationMs)))
}
