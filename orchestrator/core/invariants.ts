/**
 * What is true of the core after every step, whatever scouts, clients and the clock did. Tests and the simulator call
 * `violations` after each event; production does not, because it recounts everything there is. It only reads.
 *
 *  1. A task is listed exactly while it is not terminal.
 *  2. It has a lease exactly while it is leased: one, two when hedged, each of another attempt, none newer than begun.
 *  3. A lease and its holder know each other, and the holder is connected; without one, content has been seen or the
 *     task is durable. The latter are listed by who may take them up, and nothing else is.
 *  4. A ready task has exactly one place in its model's queues: `picky` when it came back and should go elsewhere.
 *  5. Attempts begun = charged + handed back + outrun + those under way; none beyond its bound.
 *  6. The counts of queued tasks are right, and first-timers are within the bounds.
 *  7. Credits are whole, never negative and never above the scout's capacity, which the hub's own limit caps.
 *  8. A scout's class is what it offers without its paused models, and counts it.
 *  9. A scout is idle in its class exactly while it is ready, has credit and has room.
 * 10. Each model counts its offerers and scouts rightly, and knows every class that has an idle scout.
 * 11. No first-timer that any scout may have waits for a model of which a scout is idle.
 * 12. Every task, pause and unacknowledged cancel has a deadline, no later than what it stands for; so has a model that
 *     nobody offers; nothing else has one.
 * 13. The step's own worklists are empty.
 * 14. What is remembered of the past stays within its bounds, and every connected scout has its record.
 * 15. While the hub drains no client's task waits in a queue.
 * 16. A task is blocked exactly while it has blockers, only in an intent, and an intent is open while its tasks are.
 */

import { autoModel, type Offer } from '../../shared/task.ts'
import { cancelsPerCredit } from './cancels.ts'
import type { ModelEntry, OfferClass, Scout, Task } from './entities.ts'
import { leasedDueMs } from './leases.ts'
import { hasRoom, instanceKey } from './roster.ts'
import type { CoreState } from './state.ts'
import { isTerminal } from './task.ts'

/** One sentence per broken invariant, opening with its number; empty when all hold. */
export function violations(core: CoreState): string[] {
  const broken: string[] = []
  const check = (holds: boolean, invariant: number, who: string | number, what: string) => {
    if (!holds) broken.push(`${invariant}. ${who}: ${what}`)
  }
  const count = new Recount()
  let leases = 0
  for (const task of core.tasks.values()) leases += task.leases.length
  check(core.leases === leases, 2, 'leases', `count ${core.leases}`)
  for (const [id, task] of core.tasks) checkTask(core, id, task, count, check)
  for (const [session, scout] of core.roster.bySession) checkScout(core, session, scout, count, check)
  for (const entry of core.index.entries.values()) checkEntry(core, entry, count, check)
  for (const klass of core.index.offerClasses()) checkClass(klass, count, check)
  checkQueues(core, count, check)
  let orphans = 0
  for (const [key, tasks] of core.orphans) {
    check(tasks.size > 0, 3, key, 'is waited for without a lease')
    orphans += tasks.size
  }
  check(orphans === count.orphans, 3, 'orphans', `list ${orphans} leases, ${count.orphans} wait for their scout`)
  checkMemory(core, count, check)
  check(core.wheel.armed === count.armed, 12, 'wheel', `${core.wheel.armed} armed for ${count.armed} owners`)
  for (const intent of core.intents.values()) check(intent.open.size > 0, 16, intent.id, 'is open without tasks')
  check(core.freed.length === 0 && core.homeless.length === 0, 13, 'step', 'left work behind')
  return broken
}

type Check = (holds: boolean, invariant: number, who: string | number, what: string) => void

/** What there is, counted anew. */
class Recount {
  armed = 0
  queuedDurable = 0
  orphans = 0
  readonly queuedByTenant = new Map<string, number>()
  readonly waitingByTenant = new Map<string, number>()
  readonly waiting = new Map<ModelEntry, number>()
  readonly picky = new Map<ModelEntry, number>()
  /** Of those who wait, the ones that any scout may have. */
  readonly plain = new Map<ModelEntry, number>()
  readonly members = new Map<OfferClass, number>()
  readonly scouts = new Map<ModelEntry, number>()
  readonly offerers = new Map<ModelEntry, number>()
  readonly sessions = new Map<object, number>()
}

function add<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function total(counts: Map<unknown, number>): number {
  let sum = 0
  for (const count of counts.values()) sum += count
  return sum
}

function checkTask(core: CoreState, id: number, task: Task, count: Recount, check: Check): void {
  const { leases, state, entry } = task
  const { attemptsMax, returnsMax } = core.settings
  check(task.id === id && !isTerminal(task), 1, id, `is listed while ${state}`)
  check(leases.length > 0 === (state === 'leased'), 2, id, `${state} does not fit its leases`)
  check(leases.length <= (task.intent === null ? 2 : 1), 2, id, `has ${leases.length} leases`)
  check(leases.length < 2 || leases[0]!.attempt !== leases[1]!.attempt, 2, id, 'has one attempt leased twice')
  for (const { holder, attempt, scout, instance } of leases) {
    check(attempt <= task.attempt, 2, id, 'has a lease of an attempt that never began')
    if (holder === null && task.intent !== null) {
      check(core.orphans.get(instanceKey(scout, instance))?.has(task) === true, 3, id, 'is not listed as waiting')
      count.orphans++
    } else if (holder === null) check(task.contentBegan, 3, id, 'is leased to nobody though nothing was seen')
    else check(holder.leased.has(task) && isConnected(core, holder), 3, id, 'is not known to its holder')
  }
  const isWaiting = entry.waiting.has(task)
  const hasTried = task.triedScouts.length > 0
  check(isWaiting === (state === 'ready' && !hasTried), 4, id, `${state}, attempt ${task.attempt}, waits`)
  check(entry.picky.has(task) === (state === 'ready' && hasTried), 4, id, `${state}, attempt ${task.attempt}, is picky`)
  check((state === 'blocked') === task.blockers > 0, 16, id, `${state} with ${task.blockers} blockers`)
  if (task.intent !== null) {
    check(
      task.intent.open.has(task) && core.intents.get(task.intent.id) === task.intent,
      16,
      id,
      'is in no open intent',
    )
  }
  if (state === 'ready') {
    check(core.index.entries.get(entry.key) === entry, 4, id, 'waits for a model that was forgotten')
    add(isWaiting ? count.waiting : count.picky, entry)
    if (task.heapIndex >= 0) add(count.plain, entry)
    if (task.intent === null) add(count.queuedByTenant, task.tenant)
    else count.queuedDurable++
    if (task.intent === null && task.attempt === 0) add(count.waitingByTenant, task.tenant)
  }
  const begun = task.charged + task.returned + task.outrun + leases.length
  check(begun === task.attempt, 5, id, `began ${task.attempt} attempts and accounts for ${begun}`)
  check(task.charged < attemptsMax && task.returned <= returnsMax, 5, id, 'goes on beyond its attempts')
  check(new Set(task.triedScouts).size === task.triedScouts.length, 5, id, 'counts a scout twice')
  check(task.slot !== -1 && task.dueMs <= dueAtMost(core, task), 12, id, `${state} and not due in time`)
  count.armed++
}

function dueAtMost(core: CoreState, task: Task): number {
  if (task.leases.length > 0) return Math.max(leasedDueMs(core, task), core.nowMs)
  const isPatient = task.intent !== null || task.state === 'blocked'
  const patientUntilMs = isPatient ? task.deadlineMs : task.queuedMs + core.settings.queueTimeoutMs
  const dueMs = task.state === 'delayed' ? task.retryMs : patientUntilMs
  return Math.min(task.deadlineMs, dueMs)
}

function isConnected(core: CoreState, scout: Scout): boolean {
  return scout.state !== 'gone' && core.roster.bySession.get(scout.session) === scout
}

function checkScout(core: CoreState, session: number, scout: Scout, count: Recount, check: Check): void {
  const { klass, credits, capacity, record } = scout
  check(scout.session === session && scout.state !== 'gone', 3, session, 'is listed under another number, or gone')
  for (const task of scout.leased) {
    const isHeld = task.leases.some((lease) => lease.holder === scout) && core.tasks.get(task.id) === task
    check(isHeld, 3, session, `holds task ${task.id} alone`)
  }
  check(Number.isSafeInteger(credits) && credits >= 0 && credits <= capacity, 7, session, `has ${credits} credits`)
  check(capacity <= core.settings.creditMax, 7, session, `has capacity ${capacity}`)
  const able = scout.offers.filter((offer) => offer.model !== autoModel && !scout.pauses.has(offer.model))
  const isClassed = able.every((offer) => klass.offers.some((known) => isSameModel(known, offer)))
  const isAble = klass.offers.every((offer) => able.some((known) => isSameModel(known, offer)))
  check(isClassed && isAble, 8, session, 'is not in the class of what it can do now')
  check(klass.idle.has(scout) === hasRoom(scout), 9, session, 'is idle and should not be, or the other way round')
  add(count.members, klass)
  add(count.sessions, record)
  for (const entry of klass.entries) add(count.scouts, entry)
  for (const entry of scout.advertised) add(count.offerers, entry)
  check(core.roster.records.get(record.scout) === record, 14, session, 'has lost its record')
  for (const pause of scout.pauses.values()) check(pause.slot !== -1, 12, session, `never resumes ${pause.model}`)
  for (const watch of scout.cancels.values()) check(watch.slot !== -1, 12, session, `forgets to cancel ${watch.task}`)
  check(scout.cancels.size <= cancelsPerCredit * core.settings.creditMax, 14, session, 'has too many cancels')
  count.armed += scout.pauses.size + scout.cancels.size
}

function isSameModel(a: Offer, b: Offer): boolean {
  return a.kind === b.kind && a.model === b.model
}

function checkEntry(core: CoreState, entry: ModelEntry, count: Recount, check: Check): void {
  const { key, offerers, scouts, waiting, picky, readyClasses } = entry
  check(core.index.entries.get(key) === entry, 10, key, 'is listed under another name')
  check(offerers === (count.offerers.get(entry) ?? 0), 10, key, `counts ${offerers} offerers`)
  check(scouts === (count.scouts.get(entry) ?? 0), 10, key, `counts ${scouts} scouts`)
  let idle = false
  for (const klass of readyClasses) {
    const isRight = klass.members > 0 && klass.entries.includes(entry)
    check(isRight, 10, key, 'knows a class that cannot serve it')
    if (klass.idle.size > 0) idle = true
  }
  check(waiting.size === (count.waiting.get(entry) ?? 0), 6, key, `counts ${waiting.size} waiting`)
  check(picky.size === (count.picky.get(entry) ?? 0), 6, key, `counts ${picky.size} picky`)
  check(core.draining || !count.plain.has(entry) || !idle, 11, key, 'has waiting tasks and idle scouts')
  const isForgettable = offerers === 0 && entry.model !== autoModel
  check((entry.slot !== -1) === isForgettable, 12, key, `${offerers} offerers, and the wrong end date`)
  if (entry.slot !== -1) count.armed++
}

function checkClass(klass: OfferClass, count: Recount, check: Check): void {
  const { signature, members, idle, entries, unlisted } = klass
  const isRight = members === count.members.get(klass) && idle.size <= members
  check(isRight, 8, signature, `counts ${members} members and ${idle.size} idle ones`)
  for (const entry of entries) {
    const isListed = entry.readyClasses.has(klass)
    check(isListed !== unlisted.includes(entry), 10, signature, `does not know whether ${entry.key} lists it`)
    check(isListed || idle.size === 0, 10, signature, `is unknown to ${entry.key}`)
  }
}

function checkQueues(core: CoreState, count: Recount, check: Check): void {
  const { settings, queued, queuedByClients, queuedByTenant } = core
  check(queuedByClients === total(count.queuedByTenant), 6, 'queues', `count ${queuedByClients} of clients`)
  check(queued === queuedByClients + count.queuedDurable, 6, 'queues', `count ${queued}`)
  check(queuedByTenant.size === count.queuedByTenant.size, 6, 'queues', 'remember tenants without tasks')
  for (const [tenant, tasks] of count.queuedByTenant)
    check(queuedByTenant.get(tenant) === tasks, 6, tenant, 'miscounted')
  check(total(count.waitingByTenant) <= settings.readyTasksMax, 6, 'queues', 'are too long')
  for (const [tenant, tasks] of count.waitingByTenant) {
    check(tasks <= settings.readyTasksPerTenantMax, 6, tenant, 'has too many waiting tasks')
  }
  check(!core.draining || queuedByClients === 0, 15, 'queues', `hold ${queuedByClients} while draining`)
}

function checkMemory(core: CoreState, count: Recount, check: Check): void {
  const { committed, settings, roster } = core
  check(committed.size <= settings.committedKept, 14, 'settlements', `${committed.size} are remembered`)
  check(roster.records.size <= settings.recordsMax + roster.bySession.size, 14, 'records', `${roster.records.size}`)
  for (const record of roster.records.values()) {
    const sessions = count.sessions.get(record) ?? 0
    check(record.sessions === sessions, 14, record.scout, `counts ${record.sessions} sessions, there are ${sessions}`)
  }
}
