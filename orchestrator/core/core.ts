/**
 * The entry of the core: `step` takes one event and the time, changes the state in place and pushes effects. There is
 * no promise, clock, logger or unseeded randomness in the core, so that the same events under the same seed give the
 * same effects, in production as in the simulator. The engine is the only caller. What an event does is in the modules
 * that are named here; `matching.ts` ends every step.
 */

import { fault } from '../../shared/faults.ts'
import { hourSlotMs } from '../../shared/limits/scheduling.ts'
import { autoModel } from '../../shared/task.ts'
import type { Adopt, Effect, Event, Submit } from './events.ts'
import { isDeserted, isOnlyNamed } from './fleet/absence.ts'
import { notOffered } from './fleet/not-offered.ts'
import type { Lease, ModelEntry, Scout } from './model/object-graph.ts'
import { type CoreSeed, CoreState, hubDraining, refuse } from './state.ts'
import { noteHour } from './stats/hour-counts.ts'
import { bookMissed } from './stats/missed-work.ts'
import { adopt } from './step/adopting.ts'
import { onDue } from './step/deadlines.ts'
import { matchAll } from './step/matching.ts'
import { endLimited } from './step/nobody-left.ts'
import { changeOffers, claimsEnded, join, leave } from './step/sessions.ts'
import { stoodStill } from './step/standstill.ts'
import { contentBegan, endAttempt, settle } from './task/attempts.ts'
import { cancelLease, cancelLeases, endCancel, staleReason, watchCancel } from './task/cancels.ts'
import { credit } from './task/granting.ts'
import { accept, expand } from './task/intents.ts'
import { heldBy, leaseOf, noteProvider } from './task/leases.ts'
import { newTask } from './task/new-task.ts'
import { noteProgress, noteWork } from './task/patience.ts'
import { storeRecovered, storeTroubled } from './task/store-trouble.ts'
import { cancelIntent, decide, finish } from './task/terminal.ts'
import { markTrust } from './trust/marking.ts'

export class Core {
  /** For the read side (listings, metrics) and for tests; only `step` changes it. */
  readonly state: CoreState

  constructor(seed: CoreSeed) {
    this.state = new CoreState(seed)
  }

  step(event: Event, nowMs: number, out: Effect[]): void {
    const core = this.state
    core.nowMs = nowMs
    core.out = out
    apply(core, event)
    matchAll(core)
  }
}

function apply(core: CoreState, event: Event): void {
  switch (event.type) {
    case 'submit':
      return submit(core, event)
    case 'adopt':
      return adopt(core, event, entryFor(core, event))
    case 'accept':
      return accept(core, event)
    case 'cancelIntent': {
      const intent = core.intents.get(event.intent)
      return intent && cancelIntent(core, intent, event.fault)
    }
    case 'decided':
    case 'decisionFailed':
      return decide(core, event.task, event.type === 'decided' ? null : event.fault)
    case 'expanded':
      return expand(core, event)
    case 'cancel':
      return cancel(core, event)
    case 'scoutJoined':
      return join(core, event)
    case 'claimsEnded':
      return claimsEnded(core, event.session)
    case 'scoutOffers':
      return changeOffers(core, event)
    case 'credit':
      return credit(core, event.session, event.count)
    case 'scoutDraining':
      return startDraining(core, event.session)
    case 'scoutGone':
      return leave(core, event)
    case 'started':
      return started(core, event)
    case 'contentBegan':
      return began(core, event)
    case 'renewed': {
      const lease = heldOrCancel(core, event)
      if (lease === undefined) return
      noteWork(core, lease.task, lease)
      return noteProgress(core, lease.task, lease)
    }
    case 'heartbeat':
      return heartbeat(core, event.session)
    case 'attemptBroken':
      return attemptBroken(core, event)
    case 'unsent':
      return unsent(core, event)
    case 'settle':
      return settle(core, event)
    case 'trust':
      return markTrust(core, event)
    case 'storeTroubled':
      return storeTroubled(core, event.unsent)
    case 'storeRecovered':
      return storeRecovered(core)
    case 'drain':
      return drain(core)
    case 'stood':
      return stoodStill(core, event.forMs)
    case 'tick':
      endLimited(core)
      return core.wheel.advance(core.nowMs, (deadline) => onDue(core, deadline))
  }
}

function attemptBroken(core: CoreState, event: Extract<Event, { type: 'attemptBroken' }>): void {
  const task = core.tasks.get(event.task)
  const lease = task && leaseOf(task, event.attempt)
  if (task === undefined || lease === undefined) return
  cancelLease(core, task, lease, event.fault.code)
  endAttempt(core, task, lease, event.fault)
}

function began(core: CoreState, { task: id, attempt }: Extract<Event, { type: 'contentBegan' }>): void {
  const task = core.tasks.get(id)
  if (task !== undefined) contentBegan(core, task, attempt)
}

function startDraining(core: CoreState, session: number): void {
  const scout = core.roster.bySession.get(session)
  if (scout !== undefined) core.roster.drain(scout)
}

function cancel(core: CoreState, event: Extract<Event, { type: 'cancel' }>): void {
  const task = core.tasks.get(event.task)
  if (task === undefined) return
  cancelLeases(core, task, event.fault.code)
  finish(core, task, 'cancelled', event.fault)
}

function submit(core: CoreState, event: Submit): void {
  if (core.draining) return refuse(core, event.task, hubDraining())
  const entry = entryFor(core, event)
  if (entry === undefined) {
    const fields = { param: 'model' }
    return refuse(core, event.task, fault('model_not_found', notOffered(core, event), fields))
  }
  const task = newTask(core, event.task, event, entry, null)
  core.tasks.set(task.id, task)
  core.unplaced.push(task)
}

/**
 * The model's entry: of one that is offered or whose scouts may be back soon, of `auto`, or, while a fleet may be
 * reconnecting, of any model.
 */
function entryFor(core: CoreState, { kind, model }: Submit | Adopt): ModelEntry | undefined {
  const known = core.index.entry(kind, model)
  if (known !== undefined && !isOnlyNamed(known)) return isDeserted(core, known) ? undefined : known
  if (model === autoModel) return core.index.ensureEntry(kind, model, core.nowMs)
  if (core.nowMs >= core.bootGraceUntilMs) return undefined
  const entry = known ?? core.index.ensureEntry(kind, model, core.nowMs)
  // A durable task may wait for it longer; clients do not.
  core.wheel.arm(entry, core.bootGraceUntilMs)
  return entry
}

function started(core: CoreState, event: Extract<Event, { type: 'started' }>): void {
  const lease = heldOrCancel(core, event)
  if (lease === undefined) return
  noteWork(core, lease.task, lease)
  noteProvider(core, lease, event.provider)
}

function heartbeat(core: CoreState, session: number): void {
  const scout = core.roster.bySession.get(session)
  if (scout === undefined) return
  scout.heardMs = core.nowMs
  if (core.nowMs < (scout.record.notedSlot + 1) * hourSlotMs) return
  bookMissed(scout)
  noteHour(scout.record, core.nowMs)
}

function unsent(core: CoreState, event: Extract<Event, { type: 'unsent' }>): void {
  const { session, attempt } = event
  const task = core.tasks.get(event.task)
  const lease = task && leaseOf(task, attempt)
  if (task !== undefined && lease !== undefined) {
    if (lease.holder !== null) giveBack(lease.holder)
    return endAttempt(core, task, lease, event.fault)
  }
  // Over meanwhile, and cancelled at a scout that has never heard of it.
  const scout = core.roster.bySession.get(session)
  if (scout === undefined || !endCancel(core, scout, event.task, attempt)) return
  giveBack(scout)
  core.freed.push(scout)
}

/** The credit of a grant was not used. */
function giveBack(scout: Scout): void {
  if (scout.credits < scout.capacity) scout.credits++
}

/** A sign of life of an attempt that nobody waits for means that a cancel was lost: it is sent again. */
function heldOrCancel(core: CoreState, event: { session: number; task: number; attempt: number }): Lease | undefined {
  const held = heldBy(core, event.session, event.task, event.attempt)
  if (held !== undefined) return held
  const scout = core.roster.bySession.get(event.session)
  if (scout !== undefined) watchCancel(core, scout, event.task, event.attempt, staleReason)
  return undefined
}

/**
 * Nothing new is accepted and no client's task waits any longer; leased tasks continue to their end. Durable tasks that
 * wait stay where they are: the next start finds them in the store.
 */
function drain(core: CoreState): void {
  core.draining = true
  for (const task of [...core.tasks.values()]) {
    if (task.state !== 'leased' && task.intent === null) finish(core, task, 'failed', hubDraining())
  }
}
