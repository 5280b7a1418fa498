/**
 * How an attempt ends, and what its end means for the task: done, another attempt, or terminal. Every settlement passes
 * `settle`, the only place where an answer can be committed, and only by the current lease.
 */
import { fullJitterMs, pauseLengthMs } from '../../../shared/backoff.ts'
import { type Fault, fault, faultTable } from '../../../shared/faults.ts'
import { autoModel } from '../../../shared/task.ts'
import type { Event } from '../events.ts'
import { pauseUntil } from '../fleet/pauses.ts'
import { growWindow, shrinkWindow } from '../fleet/windows.ts'
import { sameNonce } from '../model/nonce.ts'
import type { Lease, Scout, Task } from '../model/object-graph.ts'
import { move } from '../model/task.ts'
import type { CoreState } from '../state.ts'
import { bookFirstContent, bookOutcome, bookSpeed } from '../stats/records.ts'
import { contradict, doubts, isSecondOpinion } from '../trust/second-opinion.ts'
import { noteAnswer } from '../trust/suspects.ts'
import { cancelLease, endCancel } from './cancels.ts'
import { credit } from './granting.ts'
import { stopOthers } from './hedging.ts'
import { attemptsMax, heldBy, leaseOf, leasesOf, noteProvider, noteTried, release } from './leases.ts'
import { lookAgain, noteProgress } from './patience.ts'
import { finish } from './terminal.ts'

/**
 * An attempt's end as its scout reports it, and the credits that come along with it. Exactly one settlement per task
 * can pass the fence.
 */
export function settle(core: CoreState, event: Extract<Event, { type: 'settle' }>): void {
  endOf(core, event)
  if (event.credits > 0) credit(core, event.session, event.credits)
}

function endOf(core: CoreState, event: Extract<Event, { type: 'settle' }>): void {
  const { session, task: taskId, attempt, outcome } = event
  const lease = heldBy(core, session, taskId, attempt)
  if (lease === undefined || !sameNonce(lease.nonce, event.nonce)) {
    const { nonce } = event
    const stranger = core.roster.bySession.get(session)
    if (stranger === undefined) return
    endCancel(core, stranger, taskId, attempt)
    const verdict = core.committed.has(taskId, attempt, nonce) ? 'committed' : 'stale'
    core.emit({ type: 'verdict', session, task: taskId, attempt, nonce, verdict })
    return
  }
  // From here on the lease's own nonce: the one that came along is a view that would keep its whole frame.
  const { task, nonce } = lease
  const scout = lease.holder!
  core.committed.remember(taskId, attempt, nonce)
  noteProvider(core, lease, event.provider)
  if (outcome === 'done') {
    bookAnswer(core, scout, lease, event)
    contradict(core, task, lease)
    noteAnswer(core, task)
    if (task.intent !== null) {
      core.persist({ change: 'settle', task: taskId, attempt, nonce })
      task.intent.spentTokens += event.usedTokens ?? 0
      for (const child of task.children) child.near = lease.scout
    }
    release(core, task, lease)
    stopOthers(core, task)
    finish(core, task, 'done', null)
  } else {
    const cause = event.fault ?? fault('scout_error', `The scout reported "${outcome}" without a cause.`)
    // Of a lease of before a restart it is not known which model was chosen for `auto`.
    if (cause.code === 'provider_rate_limited' && lease.model !== autoModel) {
      pauseUntil(core, scout, lease.model, core.nowMs + pauseLengthMs(cause.retryAfterMs))
    }
    if (cause.code === 'not_offered' || cause.code === 'provider_unauthorized') {
      scout.refusal = { code: cause.code, model: lease.model, atMs: core.nowMs }
    }
    endReported(core, task, lease, outcome === 'released' ? { ...cause, code: freeCode(cause) } : cause)
  }
  core.emit({ type: 'verdict', session, task: taskId, attempt, nonce, verdict: 'committed' })
}

type Answered = Pick<Extract<Event, { type: 'settle' }>, 'tokens' | 'usedTokens'>

function bookAnswer(core: CoreState, scout: Scout, lease: Lease, { tokens, usedTokens }: Answered): void {
  const { contentMs, grantedMs, capability } = lease
  bookOutcome(scout.record, false)
  core.served.answered(scout.record, usedTokens || tokens, core.nowMs - grantedMs)
  if (growWindow(scout, lease)) core.roster.widened(scout)
  if (capability === null) return
  const firstContentMs = (contentMs || core.nowMs) - grantedMs
  const tokensMs = contentMs > 0 ? core.nowMs - contentMs : 0
  bookSpeed(capability, { firstContentMs, tokens, tokensMs }, core.nowMs)
}

/** Work handed back is not charged, whatever reason is given for it. */
function freeCode(cause: Fault): Fault['code'] {
  return faultTable[cause.code].retry === 'free' ? cause.code : 'scout_draining'
}

/** The first content of an attempt: of two that race it wins, and the client's task is bound to it. */
export function contentBegan(core: CoreState, task: Task, attempt: number): void {
  const lease = leaseOf(task, attempt)
  if (lease === undefined) return
  lease.contentMs = core.nowMs
  noteProgress(core, task, lease)
  bookFirstContent(task.entry, core.nowMs - lease.grantedMs)
  // The pieces of a durable task are not final before its settlement: it can still begin anew.
  if (task.intent === null) task.contentBegan = true
  stopOthers(core, task, lease)
}

/** Ends one attempt as its scout reports it; a verdict that would be final may need a second one first. */
function endReported(core: CoreState, task: Task, lease: Lease, cause: Fault): void {
  const isStuck = task.contentBegan && !mayMigrate(core, task)
  if (isStuck || !doubts(core, task, lease, cause)) return endAttempt(core, task, lease, cause)
  release(core, task, lease)
  noteTried(task, lease)
  task.lastFault = cause
  task.outrun++
  core.emit({ type: 'attemptVoid', task: task.id, attempt: lease.attempt })
  if (task.lease !== null) return lookAgain(core, task)
  if (task.contentBegan) task.migrations++
  const { id, charged, handedBack: returned } = task
  if (task.intent !== null) core.persist({ change: 'release', task: id, attempt: lease.attempt, charged, returned })
  comeBack(core, task)
}

/** Ends one attempt without an answer; the task tries again where that may help. */
export function endAttempt(core: CoreState, task: Task, lease: Lease, cause: Fault): void {
  const { blame, retry } = faultTable[cause.code]
  const record = core.roster.records.get(lease.scout)
  if (blame === 'scout' && record !== undefined) {
    bookOutcome(record, true)
    core.served.failed(record)
  }
  const isBusy = blame === 'scout' || (blame === 'provider' && retry !== 'free')
  if (isBusy && lease.holder !== null) shrinkWindow(lease.holder, lease)
  release(core, task, lease)
  noteTried(task, lease)
  task.lastFault = cause
  if (cause.code === 'scout_lost') task.lost++
  if (retry === 'free') task.handedBack++
  else task.charged++
  const spent = task.charged >= attemptsMax(core, task) || task.handedBack > core.settings.returnsMax
  if (task.lease !== null && retry !== 'never') {
    core.emit({ type: 'attemptVoid', task: task.id, attempt: lease.attempt })
    return lookAgain(core, task)
  }
  const stuck = task.contentBegan && !mayMigrate(core, task)
  // One attempt more is what a verdict costs, unless it was handed back.
  if (retry === 'never' || stuck || spent || (isSecondOpinion(task, lease) && retry !== 'free')) {
    for (const other of leasesOf(task)) cancelLease(core, task, other, cause.code)
    return finish(core, task, 'failed', task.doubt?.fault ?? cause)
  }
  if (task.contentBegan) task.migrations++
  core.emit({ type: 'attemptVoid', task: task.id, attempt: lease.attempt })
  const { id, charged, handedBack: returned } = task
  if (task.intent !== null) core.persist({ change: 'release', task: id, attempt: lease.attempt, charged, returned })
  if (retry === 'free') return comeBack(core, task)
  const { retryBaseMs, retryCapMs, returnWindowMs } = core.settings
  move(task, 'delayed')
  const delayMs = fullJitterMs(task.charged - 1, retryBaseMs, retryCapMs, core.random.unit())
  // It may be what ended them: the next one is not taken before the last has had time to come back.
  const isDangerous = task.intent === null && task.lost > 1 && cause.code === 'scout_lost'
  task.retryMs = core.nowMs + (isDangerous ? returnWindowMs + delayMs : delayMs)
  core.wheel.arm(task, Math.min(task.retryMs, task.deadlineMs))
}

/** Whether a begun answer may continue at another scout. */
export function mayMigrate(core: CoreState, task: Task): boolean {
  return task.routing.continues && task.migrations < core.settings.migrationsMax
}

/** Waits for a scout again. */
export function comeBack(core: CoreState, task: Task): void {
  move(task, 'ready')
  task.queuedMs = core.nowMs
  core.unplaced.push(task)
}
