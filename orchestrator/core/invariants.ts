/**
 * What is true of the core after every step, whatever scouts, clients and the clock did. Tests and the simulator call
 * `violations` after each event; production does not, because it recounts everything there is. It only reads.
 *
 *  1. A task is listed exactly while it is not terminal.
 *  2. It has a lease exactly while it is leased: one, two when hedged and until content has begun, each of another
 *     attempt, none newer than begun, and none at a scout that does not take so large a request.
 *  3. A lease and its holder know each other, and the holder is connected; without one, content has been seen or the
 *     task is durable. These are listed by who may take them up, and nothing else is.
 *  4. A ready task has exactly one place: in its model's queues, `returned` when it came back and should go elsewhere,
 *     in `awaitingStore`, which holds durable tasks and only while the store is in trouble, or aside with its tenant,
 *     whose tasks have ended scouts.
 *  5. Attempts begun = charged + handed back + outrun + those under way; none beyond its bound.
 *  6. The counts of queued tasks are right, and first-timers are within the bounds.
 *  7. Credits are whole, never negative and never above the scout's capacity, which the hub's own limit caps.
 *  8. A scout's class is what it offers, and counts it.
 *  9. A scout is idle exactly while it is ready, has credit and has room.
 * 10. Each model counts its offerers and scouts rightly, and lists every idle scout that can serve it, each once.
 * 11. No first-timer that any scout may have waits for a model of which a scout is idle, unless the store is in trouble
 *     and it is durable.
 * 12. Every task, pause and unacknowledged cancel has a deadline, no later than what it stands for; so has a model that
 *     nobody offers; nothing else has one.
 * 13. The step's own worklists are empty.
 * 14. What is remembered of the past stays within its bounds, and every connected scout has its record. So does what is
 *     kept under a stranger's text: models are counted with their owners, those that nobody needs are known as such,
 *     and so are records that nobody uses.
 * 15. While the hub drains no client's task waits in a queue.
 * 16. A task is blocked exactly while it has blockers, only in an intent, and an intent is open while its tasks are.
 * 17. A scout has windows only of models that it offers, each of a size of one or more, and counts its leases in them.
 * 18. A model of which all scouts are paused knows when the first of them may be asked again, and no other does.
 * 19. A window belongs to a newcomer exactly while marks make its scout one, the places of an operator's newcomers are
 *     counted rightly, and nobody waits for one while there is one (but those that are woken in the next steps).
 */

import { bodyBytesMax, offersMax } from '../../shared/limits/wire.ts'
import { autoModel } from '../../shared/task.ts'
import { canServe, isAble } from './fleet/capability-index.ts'
import { clients } from './fleet/model-names.ts'
import { resumesAtMs } from './fleet/resume-times.ts'
import { weightOf } from './fleet/retired-records.ts'
import { hasRoom, instanceKey } from './fleet/roster.ts'
import type { Capability, ModelEntry, OfferClass, Scout, Task } from './model/object-graph.ts'
import { isTerminal } from './model/task.ts'
import type { CoreState } from './state.ts'
import { cancelsPerCredit } from './task/cancels.ts'
import { heldLeases, leasesOf } from './task/leases.ts'
import { leasedDueMs } from './task/patience.ts'
import { waitsForStore } from './task/queueing.ts'
import { isHeldBack } from './trust/suspects.ts'
import { type Check, checkNewcomers, checkWindows, isAwaitingPlace } from './window-checks.ts'

/** One sentence per broken invariant, opening with its number; empty when all hold. */
export function violations(core: CoreState): string[] {
  const broken: string[] = []
  const check: Check = (holds, invariant, who, what, first = '', second = '', third = '') => {
    if (holds) return
    const facts = [first, second, third]
    broken.push(`${invariant}. ${who}: ${what.replace(/%/g, () => String(facts.shift()))}`)
  }
  const count = new Recount()
  for (const [id, task] of core.tasks) checkTask(core, id, task, count, check)
  check(core.leases === count.leases, 2, 'leases', 'count %', core.leases)
  for (const [session, scout] of core.roster.bySession) checkScout(core, session, scout, count, check)
  for (const entry of core.index.entries.values()) checkEntry(core, entry, count, check)
  for (const klass of core.index.offerClasses()) checkClass(klass, count, check)
  checkNames(core, count, check)
  checkNewcomers(core, check)
  checkQueues(core, count, check)
  let orphans = 0
  for (const [key, tasks] of core.orphans) {
    check(tasks.size > 0, 3, key, 'is waited for without a lease')
    orphans += tasks.size
  }
  check(orphans === count.orphans, 3, 'orphans', 'list % leases, % wait for their scout', orphans, count.orphans)
  checkMemory(core, count, check)
  for (const { tenant, timerSlot, aside, leases } of core.suspects.values()) {
    check(timerSlot !== -1, 12, tenant, 'is suspected without end')
    for (const { id } of aside) check(core.tasks.has(id), 4, id, 'waits aside and is gone')
    for (const { task, attempt } of leases)
      check(
        leasesOf(task).some((lease) => lease.attempt === attempt),
        2,
        task.id,
        'is counted and not leased',
      )
    count.armed++
  }
  check(core.wheel.armed === count.armed, 12, 'wheel', '% armed for % owners', core.wheel.armed, count.armed)
  for (const intent of core.intents.values()) {
    check(intent.open.size > 0 && intent.state === 'running', 16, intent.id, 'is % without tasks', intent.state)
  }
  check(core.freed.length === 0 && core.unplaced.length === 0, 13, 'step', 'left work behind')
  return broken
}

/** What there is, counted anew. */
class Recount {
  armed = 0
  leases = 0
  queuedDurable = 0
  orphans = 0
  readonly queuedByTenant = new Map<string, number>()
  readonly waitingByTenant = new Map<string, number>()
  readonly waiting = new Map<ModelEntry, number>()
  readonly returned = new Map<ModelEntry, number>()
  /** Of those who wait, the ones that any scout may have. */
  readonly plain = new Map<ModelEntry, number>()
  readonly members = new Map<OfferClass, number>()
  /** Variants of a model in classes, of those that are kept for sharing. */
  readonly variants = new Map<ModelEntry, number>()
  readonly scouts = new Map<ModelEntry, number>()
  readonly offerers = new Map<ModelEntry, number>()
  /** Of these the convicted ones. */
  readonly convicted = new Map<ModelEntry, number>()
  readonly sessions = new Map<object, number>()
  /** When the first pause ends of those who are paused. */
  readonly resumes = new Map<ModelEntry, number>()
  /** Models that an idle scout could serve now. */
  readonly idle = new Set<ModelEntry>()
}

function add<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

/** Below this a list is searched for each of its members, which costs less than a set of them. */
const shortList = 16

function hasTwice(list: readonly unknown[]): boolean {
  if (list.length > shortList) return new Set(list).size !== list.length
  return list.some((one, at) => list.indexOf(one) !== at)
}

function total(counts: Map<unknown, number>): number {
  let sum = 0
  for (const count of counts.values()) sum += count
  return sum
}

function checkTask(core: CoreState, id: number, task: Task, count: Recount, check: Check): void {
  const { state, entry } = task
  const leases = leasesOf(task)
  count.leases += leases.length
  const { attemptsMax, returnsMax } = core.settings
  check(task.id === id && !isTerminal(task), 1, id, 'is listed while %', state)
  check(leases.length > 0 === (state === 'leased'), 2, id, '% does not fit its leases', state)
  check(leases.length <= (task.intent === null ? 2 : 1), 2, id, 'has % leases', leases.length)
  check(leases.length < 2 || leases[0]!.attempt !== leases[1]!.attempt, 2, id, 'has one attempt leased twice')
  check(leases.length < 2 || !task.contentBegan, 2, id, 'is worked on twice though its content began')
  for (const lease of leases) {
    const { holder, attempt, scout, instance, capability } = lease
    check(lease.task === task, 3, id, 'has a lease of another task')
    check(attempt <= task.attempt, 2, id, 'has a lease of an attempt that never began')
    const taken = Math.max(bodyBytesMax, capability?.offer.requestBytesMax ?? Number.POSITIVE_INFINITY)
    check(task.promptBytes <= taken, 2, id, 'is leased with % bytes where % are taken', task.promptBytes, taken)
    if (holder === null) {
      check(core.orphans.get(instanceKey(scout, instance))?.has(task) === true, 3, id, 'is not listed as waiting')
      check(task.intent !== null || task.contentBegan, 3, id, 'is leased to nobody though nothing was seen')
      count.orphans++
    } else check(heldLeases(holder).includes(lease) && isConnected(core, holder), 3, id, 'is not known to its holder')
  }
  const isWaiting = entry.waiting.has(task)
  const hasTried = task.triedScouts.length > 0
  const isAwaiting = core.awaitingStore.has(task)
  const isAside = core.suspects.get(task.tenant)?.aside.has(task) === true
  check(!isAside || state === 'ready', 4, id, '% and waits aside', state)
  const isQueued = state === 'ready' && !isAwaiting && !isAside
  const mayAwait = state === 'ready' && task.intent !== null && core.storeTroubled
  check(!isAwaiting || mayAwait, 4, id, '% and waits for the store', state)
  check(isWaiting === (isQueued && !hasTried), 4, id, '%, attempt %, waits', state, task.attempt)
  check(entry.returned.has(task) === (isQueued && hasTried), 4, id, '%, attempt %, is returned', state, task.attempt)
  check((state === 'blocked') === task.blockers > 0, 16, id, '% with % blockers', state, task.blockers)
  if (task.intent !== null) {
    check(
      task.intent.open.has(task) && core.intents.get(task.intent.id) === task.intent,
      16,
      id,
      'is in no open intent',
    )
  }
  if (isQueued) {
    check(core.index.entries.get(entry.key) === entry, 4, id, 'waits for a model that was forgotten')
    add(isWaiting ? count.waiting : count.returned, entry)
    if (task.heapIndex >= 0 && !waitsForStore(core, task) && !isHeldBack(core, task)) add(count.plain, entry)
    if (task.intent === null) add(count.queuedByTenant, task.tenant)
    else count.queuedDurable++
    if (task.intent === null && task.attempt === 0) add(count.waitingByTenant, task.tenant)
  }
  const begun = task.charged + task.handedBack + task.outrun + leases.length
  check(begun === task.attempt, 5, id, 'began % attempts and accounts for %', task.attempt, begun)
  check(task.charged < attemptsMax && task.handedBack <= returnsMax, 5, id, 'goes on beyond its attempts')
  check(!hasTwice(task.triedScouts), 5, id, 'counts a scout twice')
  check(task.timerSlot !== -1 && task.dueMs <= dueAtMost(core, task), 12, id, '% and not due in time', state)
  count.armed++
}

function dueAtMost(core: CoreState, task: Task): number {
  if (task.lease !== null) return Math.max(leasedDueMs(core, task), core.nowMs)
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
  const held = heldLeases(scout)
  for (const lease of held) {
    const { task, holder } = lease
    const isHeld =
      holder === scout &&
      lease.session === session &&
      leasesOf(task).includes(lease) &&
      core.tasks.get(task.id) === task
    check(isHeld, 3, session, 'holds task % alone', task.id)
  }
  check(Number.isSafeInteger(credits) && credits >= 0 && credits <= capacity, 7, session, 'has % credits', credits)
  check(capacity <= core.settings.creditMax, 7, session, 'has capacity %', capacity)
  check(scout.running === held.length, 3, session, 'miscounts its leases')
  check(scout.idle === hasRoom(scout), 9, session, 'is idle and should not be, or the other way round')
  add(count.members, klass)
  add(count.sessions, record)
  for (const [at, entry] of klass.entries.entries()) {
    const capability = scout.capabilities[at]!
    const isRight = capability.entry === entry && capability.scout === scout && !capability.withdrawn
    check(isRight, 8, session, 'has another capability in the place of %', entry.key)
    const isListed = entry.ready.includes(capability)
    check(isListed !== scout.unlisted.includes(capability), 10, session, 'does not know whether % lists it', entry.key)
    add(count.offerers, entry)
    const served = scout.capabilities.filter((one) => isServedAs(one, entry))
    if (served.some(({ mark }) => mark?.isConvicted === true)) add(count.convicted, entry)
    if (!isAble(scout, entry)) noteResume(scout, entry, count)
    if (!isAble(scout, entry)) continue
    add(count.scouts, entry)
    if (!canServe(scout, entry)) continue
    if (isAwaitingPlace(scout)) continue
    check(isListed || !scout.idle, 10, session, 'is idle and unknown to %', entry.key)
    const isOpen = (one: Capability) => !isSetAside(one) && canServe(scout, one.entry)
    if (scout.idle && served.some(isOpen)) count.idle.add(entry)
  }
  checkWindows(core, scout, held, check)
  check(core.roster.records.get(record.scout) === record, 14, session, 'has lost its record')
  const pauses = [...(scout.pauses?.values() ?? [])]
  const cancels = [...(scout.cancels?.values() ?? [])]
  for (const pause of pauses) check(pause.timerSlot !== -1, 12, session, 'never resumes %', pause.model)
  for (const watch of cancels) check(watch.timerSlot !== -1, 12, session, 'forgets to cancel %', watch.task)
  check(pauses.length <= offersMax, 14, session, 'has too many pauses')
  check(cancels.length <= cancelsPerCredit * core.settings.creditMax, 14, session, 'has too many cancels')
  count.armed += pauses.length + cancels.length
}

/** Whether a task for this entry may be served with this capability. */
function isServedAs(capability: Capability, { kind, model }: ModelEntry): boolean {
  const served = capability.entry
  if (served.kind !== kind || served.model === autoModel) return false
  return model === autoModel || served.model === model
}

/** Convicted, while somebody else offers the model. */
function isSetAside({ mark, entry }: Capability): boolean {
  return mark?.isConvicted === true && entry.convicted < entry.offerers
}

function noteResume({ pauses, state, klass }: Scout, entry: ModelEntry, count: Recount): void {
  if (state !== 'ready' || pauses === null) return
  const isAuto = entry.model === autoModel
  const offers = klass.offers.filter(({ kind, model }) => kind === entry.kind && (isAuto || model === entry.model))
  for (const { model } of offers) {
    const pause = pauses.get(model)
    if (pause !== undefined) {
      count.resumes.set(entry, Math.min(pause.dueMs, count.resumes.get(entry) ?? pause.dueMs))
    }
  }
}

function checkEntry(core: CoreState, entry: ModelEntry, count: Recount, check: Check): void {
  const { key, offerers, scouts, queued, waiting, returned, ready, withdrawnReady } = entry
  check(core.index.entries.get(key) === entry, 10, key, 'is listed under another name')
  check(offerers === (count.offerers.get(entry) ?? 0), 10, key, 'counts % offerers', offerers)
  check(scouts === (count.scouts.get(entry) ?? 0), 10, key, 'counts % scouts', scouts)
  check(entry.convicted === (count.convicted.get(entry) ?? 0), 10, key, 'counts % convicted', entry.convicted)
  check(!hasTwice(ready), 10, key, 'lists a scout twice')
  let gone = 0
  for (const { scout, entry: listed, withdrawn } of ready) {
    if (withdrawn) gone++
    const isThere = listed === entry && (withdrawn || isConnected(core, scout))
    check(isThere, 10, key, 'lists what % does not offer it', scout.record.scout)
  }
  check(gone === withdrawnReady, 10, key, 'miscounts who is gone')
  check(queued === waiting.size + returned.size, 6, key, 'counts % queued', queued)
  check(waiting.size === (count.waiting.get(entry) ?? 0), 6, key, 'counts % waiting', waiting.size)
  check(returned.size === (count.returned.get(entry) ?? 0), 6, key, 'counts % returned', returned.size)
  check(
    core.draining || !count.plain.has(entry) || !count.idle.has(entry),
    11,
    key,
    'has waiting tasks and idle scouts',
  )
  const resumes = offerers > 0 && scouts === 0 ? (count.resumes.get(entry) ?? null) : null
  const known = resumesAtMs(entry)
  check(known === resumes, 18, key, 'resumes at %, not at %', known, resumes)
  const isForgettable = offerers === 0 && entry.model !== autoModel
  check((entry.timerSlot !== -1) === isForgettable, 12, key, '% offerers, and the wrong end date', offerers)
  if (entry.timerSlot !== -1) count.armed++
}

function checkNames(core: CoreState, count: Recount, check: Check): void {
  const { index, settings } = core
  const models = new Map<string, number>()
  let owned = 0
  for (const entry of index.entries.values()) {
    if (entry.model === autoModel) continue
    add(models, entry.owner)
    if (entry.owner !== clients) owned++
    const isResting = entry.offerers === 0 && entry.queued === 0
    check(index.names.isResting(entry) === isResting, 14, entry.key, 'is needed and may be forgotten, or the other way')
    check(entry.offerers === 0 || entry.owner !== clients, 14, entry.key, 'is offered and has no owner')
    check(entry.offerers === total(entry.operators), 10, entry.key, 'miscounts its operators')
    check(entry.offerers > 0 || entry.ready.length === 0, 10, entry.key, 'lists somebody, and nobody offers it')
    const variants = entry.variants.reduce((sum, { classes }) => sum + classes, 0)
    check(variants === (count.variants.get(entry) ?? 0), 14, entry.key, 'counts % variants', variants)
  }
  const counts = index.names.counts()
  check(counts.size === models.size, 14, 'models', 'are counted for % owners, there are %', counts.size, models.size)
  for (const [owner, known] of models) {
    check(counts.get(owner) === known, 14, owner, 'has % models, % are counted', known, counts.get(owner))
    check(owner === clients || known <= settings.modelsPerOwnerMax, 14, owner, 'has % models', known)
  }
  check(owned <= settings.modelsMax, 14, 'models', '% are known', owned)
}

function checkClass(klass: OfferClass, count: Recount, check: Check): void {
  const { signature, members } = klass
  for (const [at, { classes }] of klass.variants.entries()) if (classes > 0) add(count.variants, klass.entries[at]!)
  check(members === count.members.get(klass), 8, signature, 'counts % members', members)
}

function checkQueues(core: CoreState, count: Recount, check: Check): void {
  const { settings, queued, queuedByClients, queuedByTenant } = core
  check(queuedByClients === total(count.queuedByTenant), 6, 'queues', 'count % of clients', queuedByClients)
  check(queued === queuedByClients + count.queuedDurable, 6, 'queues', 'count %', queued)
  check(queuedByTenant.size === count.queuedByTenant.size, 6, 'queues', 'remember tenants without tasks')
  for (const [tenant, tasks] of count.queuedByTenant)
    check(queuedByTenant.get(tenant) === tasks, 6, tenant, 'miscounted')
  check(total(count.waitingByTenant) <= settings.readyTasksMax, 6, 'queues', 'are too long')
  for (const [tenant, tasks] of count.waitingByTenant) {
    check(tasks <= settings.readyTasksPerTenantMax, 6, tenant, 'has too many waiting tasks')
  }
  check(!core.draining || queuedByClients === 0, 15, 'queues', 'hold % while draining', queuedByClients)
}

function checkMemory(core: CoreState, count: Recount, check: Check): void {
  const { committed, settings, roster } = core
  check(committed.capacity === settings.committedKept, 14, 'settlements', '% are remembered', committed.capacity)
  check(roster.records.size <= settings.recordsMax + roster.bySession.size, 14, 'records', '%', roster.records.size)
  let unused = 0
  for (const record of roster.records.values()) {
    if (record.sessions === 0) unused += weightOf(record)
    check((record.speeds?.size ?? 0) <= offersMax, 14, record.scout, 'remembers too many speeds')
    const sessions = count.sessions.get(record) ?? 0
    check(record.sessions === sessions, 14, record.scout, 'counts % sessions, there are %', record.sessions, sessions)
  }
  check(unused === roster.retired.weight, 14, 'records', 'weigh %, and % are counted', unused, roster.retired.weight)
  check(unused <= settings.recordsMax, 14, 'records', 'weigh %', unused)
}
