/**
 * Brings tasks and scouts together at the end of every step: unplaced tasks look for a scout or a place in the queue,
 * freed scouts look for waiting tasks. Both directions cost the same whatever the size of the fleet.
 */

import { type Fault, fault } from '../../../shared/faults.ts'
import { newcomersWokenMax } from '../../../shared/limits/trust/audits.ts'
import { attemptNumberMax } from '../../../shared/limits/wire.ts'
import { isDeserted } from '../fleet/absence.ts'
import { canServe } from '../fleet/capability-index.ts'
import { type Choice, capabilityFor, choose, mayTry } from '../fleet/placement.ts'
import { hasRoom } from '../fleet/roster.ts'
import { awaitPlace } from '../fleet/windows.ts'
import type { Scout, Task } from '../model/object-graph.ts'
import { type CoreState, hubDraining } from '../state.ts'
import { noteServed, noteSought } from '../stats/missed-work.ts'
import { sizeFlaw } from '../stats/request-sizes.ts'
import { grant } from '../task/granting.ts'
import { enqueue, firstQueued, hasQueued, isQueueFull, serveFromQueue, waitsForStore } from '../task/queueing.ts'
import { finish } from '../task/terminal.ts'
import { isHeldBack, setAside } from '../trust/suspects.ts'
import { deserted, limited, queueFull } from './nobody-left.ts'

/** Queues compared for one freed scout. */
const queuesLooked = 8

export function matchAll(core: CoreState): void {
  const { freed, unplaced } = core
  // Many come at once when the store can write again: an index, because taking from the front would move the rest.
  let next = 0
  let woken = 0
  do {
    while (freed.length > 0 || next < unplaced.length) {
      for (let scout = freed.pop(); scout !== undefined; scout = freed.pop()) serve(core, scout)
      // One at a time, because a task that ends here may free scouts.
      const task = unplaced[next++]
      if (task !== undefined) placeOrQueue(core, task)
    }
  } while (woken++ < newcomersWokenMax && wakeNewcomer(core))
  unplaced.length = 0
}

/** A newcomer whose owner has a place again; one after the other, because the first of them may take it. */
function wakeNewcomer({ index, roster, freed }: CoreState): boolean {
  const session = index.newcomers.next()
  const scout = session === undefined ? undefined : roster.bySession.get(session)
  if (scout !== undefined) freed.push(scout)
  return session !== undefined
}

function placeOrQueue(core: CoreState, task: Task): void {
  if (task.state !== 'ready' || !findEntry(core, task) || isExhausted(core, task)) return
  if (isTooLarge(core, task)) return
  const stays = (core.draining && task.intent !== null) || waitsForStore(core, task)
  if (!stays && isHeldBack(core, task) && !isQueueFull(core, task)) return setAside(core, task)
  if (!stays) noteSought(task)
  const chosen = stays || isHeldBack(core, task) ? undefined : choose(core, task)
  if (chosen !== undefined) give(core, task, chosen)
  else if (core.draining && !stays) finish(core, task, 'failed', hubDraining())
  else {
    const cause = limited(core, task) ?? (isQueueFull(core, task) ? queueFull(core, task) : null)
    if (cause === null) enqueue(core, task)
    else finish(core, task, 'failed', cause)
  }
}

/** Grants the task to the scout that was chosen, and books what the other one lost by. */
export function give(core: CoreState, task: Task, { best, loser, lost }: Choice): void {
  if (loser !== null) loser.scout.record[lost]++
  grant(core, task, best)
}

/**
 * The model of a task that was worked on, or blocked, may have been forgotten meanwhile, or forgotten and met again; or
 * its last scout is gone, and nobody is on the way back with it. A client's task fails for that.
 */
function findEntry(core: CoreState, task: Task): boolean {
  if (task.entry.known) {
    if (task.intent !== null || !isDeserted(core, task.entry)) return true
    finish(core, task, 'failed', deserted(core, task))
    return false
  }
  const isKnown = core.index.entries.has(task.entry.key)
  if (!isKnown && task.intent === null) {
    finish(core, task, 'failed', deserted(core, task))
    return false
  }
  task.entry = core.index.ensureEntry(task.kind, task.model, core.nowMs)
  if (!isKnown) core.wheel.arm(task.entry, core.nowMs + core.settings.modelGraceMs)
  return true
}

/** Whether no scout of its model takes as much, in which case the task has ended for that. */
function isTooLarge(core: CoreState, task: Task): boolean {
  const cause = sizeFlaw(task, core.nowMs)
  // After a restart the fleet is still on its way back.
  if (cause === null || core.nowMs < core.bootGraceUntilMs) return false
  finish(core, task, 'failed', cause)
  return true
}

/** Whether the task may not begin another attempt, in which case it has ended for that. */
function isExhausted(core: CoreState, task: Task): boolean {
  const cause = task.attempt >= attemptNumberMax ? attemptsExhausted() : budgetExceeded(task)
  if (cause === null) return false
  finish(core, task, 'failed', cause)
  return true
}

/** Its scout could not read a grant with a higher number, and would close its session. */
function attemptsExhausted(): Fault {
  const text = `This task has had ${attemptNumberMax} attempts, the most that one can have: send its request again.`
  return fault('attempts_exhausted', text)
}

function budgetExceeded({ intent }: Task): Fault | null {
  if (intent === null || intent.spentTokens < intent.budgetTokens) return null
  const spent = `${intent.spentTokens} of ${intent.budgetTokens} tokens`
  const text = `The budget of this intent is used up (${spent}): send it again with a larger one.`
  return fault('budget_exceeded', text, { param: 'budget_tokens' })
}

/** Gives a scout waiting tasks until it is full or nothing waits that it could do; only then is it known as idle. */
function serve(core: CoreState, scout: Scout): void {
  if (scout.state === 'gone') return
  while (hasQueued(core) && hasRoom(scout)) {
    const task = nextFor(core, scout)
    if (task === undefined) break
    if (isExhausted(core, task)) continue
    serveFromQueue(core, task)
    noteServed(scout, task)
    grant(core, task, capabilityFor(scout, task)!)
  }
  if (hasQueued(core)) awaitPlace(scout)
  core.roster.refresh(scout)
}

/**
 * The task that has waited longest of those for the scout's models; in each, those that came back go first. With many
 * models a few that have queued tasks are looked at, from a random one on, so that each has its turn.
 */
function nextFor(core: CoreState, scout: Scout): Task | undefined {
  const { entries } = scout.klass
  const from = entries.length > queuesLooked ? core.random.below(entries.length) : 0
  let looks = queuesLooked
  const fits = (task: Task) => mayTry(task.entry, scout, task)
  let next: Task | undefined
  for (let step = 0; step < entries.length && looks > 0; step++) {
    const entry = entries[(from + step) % entries.length]!
    if (entry.queued === 0 || !canServe(scout, entry)) continue
    const task = firstQueued(core, entry, scout, fits)
    if (task === undefined) continue
    looks--
    if (next === undefined || task.queuedMs < next.queuedMs) next = task
  }
  return next
}
