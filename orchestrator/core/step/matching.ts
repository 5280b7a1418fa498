/**
 * Brings tasks and scouts together at the end of every step: homeless tasks look for a scout or a place in the queue,
 * freed scouts look for waiting tasks. Both directions cost the same whatever the size of the fleet.
 */

import { type Fault, fault } from '../../../shared/faults.ts'
import { attemptNumberMax } from '../../../shared/limits/wire.ts'
import { isAble } from '../fleet/capability-index.ts'
import { notOffered } from '../fleet/not-offered.ts'
import { type Choice, capabilityFor, choose, mayTry } from '../fleet/placement.ts'
import { hasRoom } from '../fleet/roster.ts'
import type { ModelEntry, Scout, Task } from '../model/entities.ts'
import { type CoreState, hubDraining } from '../state.ts'
import { noteServed, noteSought } from '../stats/missed-work.ts'
import { grant } from '../task/leases.ts'
import { passOver, waitsForStore } from '../task/store-trouble.ts'
import { noteTried } from '../task/task.ts'
import { enqueue, finish, serveFromQueue } from '../task/terminal.ts'

/** Tasks that came back looked at for one freed scout: those it may not have are passed over. */
const returnedLooks = 16
/** Queues compared for one freed scout. */
const queuesLooked = 8

export function matchAll(core: CoreState): void {
  const { freed, unplaced } = core
  // Many come home at once when the store can write again: each is looked at in its place.
  let next = 0
  while (freed.length > 0 || next < unplaced.length) {
    for (let scout = freed.pop(); scout !== undefined; scout = freed.pop()) serve(core, scout)
    // One at a time, because a task that ends here may free scouts.
    const task = unplaced[next++]
    if (task !== undefined) placeOrQueue(core, task)
  }
  unplaced.length = 0
}

function placeOrQueue(core: CoreState, task: Task): void {
  if (task.state !== 'ready' || !findEntry(core, task) || isExhausted(core, task)) return
  const stays = (core.draining && task.intent !== null) || waitsForStore(core, task)
  if (!stays) noteSought(task)
  const chosen = stays ? undefined : choose(core.index, task, core.random)
  if (chosen !== undefined) give(core, task, chosen)
  else if (core.draining && !stays) finish(core, task, 'failed', hubDraining())
  else if (task.attempt === 0 && isFull(core, task)) {
    const cause = fault('queue_full', 'Too many requests are waiting for a scout. Try again in a few seconds.', {
      retryAfterMs: 2_000,
    })
    finish(core, task, 'failed', cause)
  } else queue(core, task)
}

function give(core: CoreState, task: Task, { best, loser, lost }: Choice): void {
  if (loser !== null) loser.scout.record[lost]++
  grant(core, task, best)
}

/**
 * The model of a task that was worked on, or blocked, may have been forgotten meanwhile, or forgotten and met again.
 */
function findEntry(core: CoreState, task: Task): boolean {
  if (task.entry.known) return true
  const isKnown = core.index.entries.has(task.entry.key)
  if (!isKnown && task.intent === null) {
    finish(core, task, 'failed', fault('model_not_found', notOffered(core, task), { param: 'model' }))
    return false
  }
  task.entry = core.index.ensureEntry(task.kind, task.model, core.nowMs)
  if (!isKnown) core.wheel.arm(task.entry, core.nowMs + core.settings.modelGraceMs)
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

function isFull(core: CoreState, task: Task): boolean {
  const { readyTasksMax, readyTasksPerTenantMax } = core.settings
  if (task.intent !== null) return false
  return core.queuedByClients >= readyTasksMax || (core.queuedByTenant.get(task.tenant) ?? 0) >= readyTasksPerTenantMax
}

function queue(core: CoreState, task: Task): void {
  enqueue(core, task)
  const { queueTimeoutMs, elsewhereMs } = core.settings
  const timeoutMs = task.intent === null ? queueTimeoutMs : Number.POSITIVE_INFINITY
  const patienceMs = task.triedScouts.length > 0 ? Math.min(elsewhereMs, timeoutMs) : timeoutMs
  core.wheel.arm(task, Math.min(task.deadlineMs, task.queuedMs + patienceMs))
}

/** Asks a second scout, if one is idle that may have the task; otherwise a moment later again. */
export function hedge(core: CoreState, task: Task): void {
  const { lease } = task
  if (lease === null || core.draining) return
  noteTried(task, lease)
  const chosen = choose(core.index, task, core.random)
  if (chosen !== undefined && chosen.best.scout.record.scout !== lease.scout) give(core, task, chosen)
}

/** Gives a scout waiting tasks until it is full or nothing waits that it could do; only then is it known as idle. */
function serve(core: CoreState, scout: Scout): void {
  if (scout.state === 'gone') return
  while (hasWork(core) && hasRoom(scout)) {
    const task = nextFor(core, scout)
    if (task === undefined) break
    if (isExhausted(core, task)) continue
    serveFromQueue(core, task)
    noteServed(scout, task)
    grant(core, task, capabilityFor(scout, task)!)
  }
  core.roster.refresh(scout)
}

function hasWork({ draining, storeTroubled, queued, queuedByClients }: CoreState): boolean {
  return !draining && (storeTroubled ? queuedByClients : queued) > 0
}

/**
 * Of what waits for the scout's models: what has waited longest, but what came back goes first. With many models a few
 * of those that are waited for are looked at, from a random one on, so that each has its turn.
 */
function nextFor(core: CoreState, scout: Scout): Task | undefined {
  const { entries } = scout.klass
  const from = entries.length > queuesLooked ? core.random.below(entries.length) : 0
  let looks = queuesLooked
  const fits = (task: Task) => mayTry(task.entry, scout, task)
  let next: Task | undefined
  for (let step = 0; step < entries.length && looks > 0; step++) {
    const entry = entries[(from + step) % entries.length]!
    if (entry.queued === 0 || !isAble(scout, entry)) continue
    const task = firstOf(core, entry, fits)
    if (task === undefined) continue
    looks--
    if (next === undefined || task.queuedMs < next.queuedMs) next = task
  }
  return next
}

function firstOf(core: CoreState, entry: ModelEntry, fits: (task: Task) => boolean): Task | undefined {
  for (;;) {
    const task = returnedFor(entry, fits) ?? entry.waiting.peek(fits)
    if (task === undefined || !waitsForStore(core, task)) return task
    passOver(core, task)
  }
}

function returnedFor({ returned }: ModelEntry, fits: (task: Task) => boolean): Task | undefined {
  let looks = Math.min(returnedLooks, returned.size)
  for (const task of returned) {
    if (looks-- === 0) return undefined
    if (fits(task)) return task
    // To the end, so that the next freed scout looks at others.
    returned.delete(task)
    returned.add(task)
  }
  return undefined
}
