/**
 * The deterministic heart: `step` takes one event and the time, changes the state in place and pushes the effects it
 * wants. No promise, clock, logger or chance of its own is in here, so that the same events under the same seed give
 * the same effects, in production as in the simulator. The engine is the only caller.
 */
import { fault } from '../../shared/faults.ts'
import { autoModel } from '../../shared/task.ts'
import { cancelLease, currentAttempt, endAttempt, finish, renew, settle, watchCancel } from './attempts.ts'
import type { ModelEntry } from './capability-index.ts'
import { onDue } from './deadlines.ts'
import type { Effect, Event, Submit } from './events.ts'
import { matchAll } from './matching.ts'
import { notOffered } from './not-offered.ts'
import { changeOffers, credit, join, leave } from './sessions.ts'
import { type CoreSeed, CoreState, refuse } from './state.ts'
import { isTerminal, type Task } from './task.ts'

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
    case 'cancel': {
      const task = core.tasks.get(event.task)
      if (task === undefined) return
      cancelLease(core, task, event.fault.code)
      return finish(core, task, 'cancelled', event.fault)
    }
    case 'scoutJoined':
      return join(core, event)
    case 'scoutOffers':
      return changeOffers(core, event)
    case 'credit':
      return credit(core, event.session, event.count)
    case 'scoutDraining': {
      const scout = core.roster.bySession.get(event.session)
      return scout && core.roster.drain(scout)
    }
    case 'scoutGone':
      return leave(core, event.session)
    case 'started':
      return started(core, event)
    case 'contentBegan': {
      const task = core.tasks.get(event.task)
      if (task?.lease?.attempt !== event.attempt) return
      task.contentBegan = true
      task.lease.contentMs = core.nowMs
      return
    }
    case 'renewed': {
      const task = attemptOrCancel(core, event)
      return task && renew(core, task.lease!)
    }
    case 'heartbeat': {
      for (const task of core.roster.bySession.get(event.session)?.leased ?? []) renew(core, task.lease!)
      return
    }
    case 'attemptBroken': {
      const task = core.tasks.get(event.task)
      if (task?.lease?.attempt !== event.attempt) return
      cancelLease(core, task, event.fault.code)
      return endAttempt(core, task, event.fault)
    }
    case 'settle':
      return settle(core, event)
    case 'drain':
      return drain(core)
    case 'tick':
      return core.wheel.advance(core.nowMs, (deadline) => onDue(core, deadline))
  }
}

function submit(core: CoreState, event: Submit): void {
  if (core.draining)
    return refuse(core, event.task, fault('hub_draining', 'The orchestrator is restarting. Try again in a moment.'))
  const entry = entryFor(core, event)
  if (entry === undefined) {
    const fields = { param: 'model' }
    return refuse(core, event.task, fault('model_not_found', notOffered(core, event), fields))
  }
  const task: Task = {
    timed: 'task',
    id: event.task,
    tenant: event.tenant,
    kind: event.kind,
    model: event.model,
    stream: event.stream,
    promptBytes: event.promptBytes,
    state: 'ready',
    submittedMs: core.nowMs,
    deadlineMs: core.nowMs + event.deadlineMs,
    queuedMs: core.nowMs,
    firstLeasedMs: 0,
    retryMs: 0,
    attempt: 0,
    charged: 0,
    returned: 0,
    contentBegan: false,
    lease: null,
    triedScouts: [],
    triedOperators: [],
    lastFault: null,
    entry,
    heapIndex: -1,
    sequence: core.sequence++,
    dueMs: 0,
    slot: -1,
    before: null,
    after: null,
  }
  core.tasks.set(task.id, task)
  core.homeless.push(task)
}

/** The queue to join: a known model, `auto`, or, while a fleet is on its way back, any model. */
function entryFor(core: CoreState, { kind, model }: Submit): ModelEntry | undefined {
  const known = core.index.entry(kind, model)
  if (known !== undefined) return known
  if (model === autoModel) return core.index.ensureEntry(kind, model, core.nowMs)
  if (core.nowMs >= core.bootGraceUntilMs) return undefined
  const entry = core.index.ensureEntry(kind, model, core.nowMs)
  core.wheel.arm(entry, core.bootGraceUntilMs)
  return entry
}

function started(core: CoreState, event: Extract<Event, { type: 'started' }>): void {
  const task = attemptOrCancel(core, event)
  if (task === undefined) return
  const lease = task.lease!
  if (lease.startedMs === 0) lease.startedMs = core.nowMs
  renew(core, lease)
  const served = { scout: lease.scout, provider: event.provider, model: lease.model }
  core.emit({ type: 'servedBy', task: task.id, attempt: lease.attempt, served })
}

/** A sign of life of an attempt that nobody waits for means that a cancel was lost: say it again. */
function attemptOrCancel(core: CoreState, event: { session: number; task: number; attempt: number }): Task | undefined {
  const task = currentAttempt(core, event.session, event.task, event.attempt)
  if (task !== undefined) return task
  const scout = core.roster.bySession.get(event.session)
  if (scout !== undefined) watchCancel(core, scout, event.task, event.attempt, 'stale')
  return undefined
}

/** Nothing new is taken and nothing waits any longer; what scouts work on goes on to its end. */
function drain(core: CoreState): void {
  core.draining = true
  for (const task of [...core.tasks.values()]) {
    if (task.state === 'leased' || isTerminal(task)) continue
    finish(core, task, 'failed', fault('hub_draining', 'The orchestrator is restarting. Try again in a moment.'))
  }
}
