/**
 * What must be true after every step, whatever scouts, clients, network, disk and clock did. The hub's edges report
 * here; the first thing that does not hold ends the run of the seed.
 *
 *  0. Nothing throws.
 *  1. The core is consistent: everything `violations` of the core counts.
 *  2. An acknowledged intent is never lost: it is on the disk when it is acknowledged, at every later start and at the
 *     end; the same Idempotency-Key never makes two.
 *  3. At most one settlement of a task is committed, by a lease that was in force, at the session that holds it, with
 *     its nonce; a lease is taken up again only by the scout and instance that had it. What was committed is
 *     acknowledged again when it is repeated.
 *  4. A child is given out only after all of its parents are done on the disk.
 *  5. Leased <= granted <= capacity, in whole credits, as the scout counts them.
 *  6. Each client's log is one legal chain: a prefix of the one right answer, whole when it says that it is done, its
 *     last line only after the commit. Retries, hedges and moves to other scouts are invisible in it.
 *  7. Every answer ends exactly once, and nothing follows.
 *  8. Credits conserve: what the hub holds is what was granted and not used. Usage is booked once per done task.
 *  9. Terminal states absorb: nothing is given out, committed or reported of what has ended (a grant that waited for
 *     its turn meanwhile is cancelled in the same one); no cancel is repeated once its scout has settled.
 * 10. Every buffer is within its bound: of readers, of sockets, of the core's memory.
 * 11. Nothing is sent to a session that is gone, and no task to one whose socket is closed: it is taken back instead.
 * 12. A verdict `committed` on a durable task rests on the disk; so does `committed` in a welcome.
 * 13. A durable task is given out under a lease that is on the disk; all of its attempts get the same request.
 * 14. No lease outlives the last sign of its scout by more than its time and the hub's grace.
 * 15. The engine never writes what its own rows forbid.
 * 16. No client ever gets an internal error.
 * 17. Honest scouts are never closed for a violation, and never close the hub for one; no attempt is charged that was
 *     granted by this hub process and never sent.
 * 18. Attempts of a task count upwards for ever, and no nonce comes twice.
 * 19. A cancelled intent is over in all of its tasks when the cancel is answered.
 * 20. While the hub drains it gives out nothing new.
 * 21. An intent's reader gets its events in order, without gaps or repeats, also across restarts.
 * 22. A control node is decided once at each stage, from what its needs came to on the disk.
 * 23. Once the faults stop, everything ends within 120 seconds, credits are back, and every timer has an owner.
 * 24. A hub that met a defect reports it and does nothing more.
 * 25. A hub that stood still closes nobody as silent before it has given everybody a round trip.
 * 26 to 28. What strangers report or leave behind is not booked and not kept (`greed.ts`).
 * 29, 30. No task ends on the word of one operator about the client, while another could be asked (`verdicts.ts`).
 * 31, 32, 57. Nothing stays reserved, no points either, and what is counted of a key is what is booked (`budgets.ts`).
 * 33. A hub's work ends: no event leads to steps without end, and no life to events without end.
 * 34. A scout is told to stop in the turn in which its attempt ends otherwise; a durable task has one, a chat two.
 * 35. No intent ends the hub's process more than twice.
 * 36 and 37. A task is tried so often and no more, and not at once where it seems to end scouts (`attempt-limits.ts`).
 * 38, 39. Nobody waits for a lost scout longer than promised (`lease-times.ts`); no name that means the hub is let in.
 * 40 to 42, 58, 60, 61. Points conserve, a task has one receipt and costs no more, disputes end right (`receipts.ts`).
 * 43 to 52, 59, 62. No audit can be told or is of its own owner; trust follows rules, newcomers have little (`trust/`).
 * 53 to 56. Numbers, frames and ends where the hub is several processes (`processes/wire-checks.ts`).
 */
import type { Event } from '../../../orchestrator/core/events.ts'
import type { CoreSettings } from '../../../orchestrator/core/settings.ts'
import type { HubEngine } from '../../../orchestrator/engine/engine.ts'
import type { Greeting } from '../../../orchestrator/engine/ports/scouts.ts'
import type { StoreWrite } from '../../../orchestrator/engine/ports/store.ts'
import type { MemoryDisk } from '../../../orchestrator/store/memory/disk.ts'
import { intentDeathsMax } from '../../../shared/limits/intents.ts'
import type { FrameOf, HubFrame } from '../../../shared/protocol/frames.ts'
import { isReservedModel, type Offer } from '../../../shared/task.ts'
import { Receipts } from '../receipts.ts'
import { wordsOf, wordsOfWrite } from '../trace.ts'
import type { TrustLife } from '../trust/trust-life.ts'
import type { Process, World } from '../world.ts'
import { AttemptLimits } from './attempts/attempt-limits.ts'
import { Charges } from './attempts/charges.ts'
import { longestWaitMs } from './attempts/lease-times.ts'
import { Broken } from './broken.ts'
import { ClientVerdicts } from './client-verdicts.ts'
import { Commits } from './commits.ts'
import { CoreLooks } from './core-looks.ts'
import { isHonest, Ledger, type SessionBook } from './ledger.ts'
import { Standstill } from './standstill.ts'
import { TrustChecks } from './trust/trust-checks.ts'
import { Verdicts } from './verdicts.ts'

/** Close codes with which the hub accuses a scout. */
const accusations = [4400, 4429, 4501, 4503, 4504]

/** A lease as a thief may know it. */
type Loot = Pick<FrameOf<'settle'>, 'task' | 'attempt' | 'nonce'> & { scout: string }

export class Checker {
  readonly ledger: Ledger
  /** Comparisons inside the hub; the hub's edges report to them, too. */
  readonly looks: CoreLooks
  /** While the hub drains: the tasks that scouts had before. */
  private decided: Set<number> | null = null
  /** The leases of everybody, also of honest scouts: what a thief may know at worst. */
  readonly loot: Loot[] = []
  /** Set by the hub's life: requests of the tasks that were given out, by task. */
  readonly requests = new Map<number, Uint8Array>()
  private readonly intents = new Set<string>()
  /** Of the hub, by the node that it died of. */
  private readonly deaths = new Map<string, number>()
  /** In this event of the world. */
  private hasCommitted = false
  /** The first thing that did not hold. */
  broken: Broken | null = null
  private engine: HubEngine | null = null
  private process: Process | null = null
  readonly standstill = new Standstill()
  readonly clientVerdicts: ClientVerdicts
  private readonly charges = new Charges(this)
  private readonly attemptLimits: AttemptLimits
  readonly trust: TrustChecks
  readonly receipts = new Receipts((invariant, what) => this.fail(invariant, what))
  private readonly verdicts = new Verdicts(this, () => this.engine?.core.state)
  private readonly commits: Commits

  constructor(
    private readonly world: World,
    private readonly disk: () => MemoryDisk,
    private readonly settings: CoreSettings,
    life: TrustLife | null,
  ) {
    this.trust = new TrustChecks(life, (invariant, what) => this.fail(invariant, what))
    const fail = (invariant: number, what: string) => this.fail(invariant, what)
    this.ledger = new Ledger(fail, settings.creditMax)
    this.attemptLimits = new AttemptLimits(settings, fail)
    this.clientVerdicts = new ClientVerdicts(this.ledger, fail)
    const { ledger, requests, charges, verdicts, attemptLimits } = this
    this.commits = new Commits({ world, disk, ledger, requests, charges, verdicts, attemptLimits, fail })
    this.looks = new CoreLooks({ world, ledger: this.ledger, standstill: this.standstill, fail })
  }

  /** The first failure stands; it is thrown after the event, where nothing can swallow it. */
  fail(invariant: number, what: string): void {
    this.broken ??= new Broken(invariant, what)
  }

  /** After every event of the world. */
  look(): void {
    this.hasCommitted = false
    this.ledger.endTurn()
    this.commits.endTurn()
    this.trust.look()
    const { engine, process } = this
    this.looks.look(engine === null ? null : { engine, process: process! })
    if (this.broken !== null) throw this.broken
  }

  // ------------------------------------------------------------ the hub's life

  hubBoots(engine: HubEngine, process: Process): void {
    this.engine = engine
    this.process = process
    this.decided = null
    for (const id of this.intents) {
      if (!this.disk().intents.has(id)) this.fail(2, `intent ${id} was acknowledged and is lost`)
    }
  }

  /** It is about to leave: from here on it finishes what was given out. */
  hubDrains(engine: HubEngine): void {
    const tasks = [...engine.core.state.tasks.values()]
    this.decided = new Set(tasks.filter(({ lease }) => lease !== null).map(({ id }) => id))
  }

  /** It met a defect, and does nothing more. */
  hubBreaks(): void {
    this.commits.hubBreaks()
  }

  hubDies(): void {
    this.trust.hubDies()
    this.charges.forgetLeases()
    this.cancels.clear()
    this.engine = null
    this.decided = null
    this.ledger.forgetSessions((task) => this.disk().tasks.has(task))
    this.attemptLimits.forget(this.disk())
  }

  /** A node with this name ends the process. */
  diesOf(name: string): void {
    const deaths = (this.deaths.get(name) ?? 0) + 1
    this.deaths.set(name, deaths)
    if (deaths > intentDeathsMax) this.fail(35, `the hub died of "${name}" ${deaths} times`)
  }

  // ------------------------------------------------------------ scouts to hub

  /** Before it is reported to the engine. True where something is expected of the step that it leads to. */
  readonly ears = {
    joined: (greeting: Greeting) => {
      this.checkNames(greeting.hello.offers)
      this.ledger.joined(greeting)
    },
    offers: (_session: number, _concurrency: number, offers: readonly Offer[]) => this.checkNames(offers),
    started: (session: number, frame: FrameOf<'started'>) => this.worked(session, frame),
    chunk: (session: number, frame: FrameOf<'chunk'>) => this.worked(session, frame),
    alive: (session: number, task: number, attempt: number) => this.worked(session, { task, attempt }),
    broken: (session: number, task: number, attempt: number) => this.worked(session, { task, attempt }),
    heartbeat: (session: number) => this.ledger.sign(session, this.world.nowMs),
    settle: (session: number, frame: FrameOf<'settle'>) => {
      this.verdicts.heard(session, frame, this.world.nowMs)
      this.clientVerdicts.said(this.engine!.core.state, this.world.nowMs, session, frame)
      const { triple, isFirst } = this.ledger.settle(session, frame)
      if (isFirst) this.attemptLimits.settled(frame)
      this.trust.worked(this.ledger.sessions.get(session))
      const known = this.ledger.acknowledged.get(frame.task)
      this.mustCommit = known === triple && this.ledger.acknowledged.size < this.settings.committedKept ? triple : null
      const isTooMuch = this.credited(session, frame.credits)
      const isAnswer = this.cancels.has(`${session}/${frame.task}/${frame.attempt}`)
      return isTooMuch || isAnswer || known !== undefined || this.clientVerdicts.isOpen(frame.task)
    },
    credit: (session: number, count: number) => this.credited(session, count),
    draining: (session: number) => this.ledger.leaves(session),
    gone: (session: number) => this.ledger.closed(session),
  }

  private checkNames(offers: readonly Offer[]): void {
    const reserved = offers.find(({ model }) => isReservedModel(model))
    if (reserved !== undefined) this.fail(39, `"${reserved.model}" is offered and means the hub itself`)
  }

  /** True when these are more than the scout may give. */
  private credited(session: number, count: number): boolean {
    if (this.ledger.credit(session, count)) return false
    this.refused = count
    return true
  }

  /** The core has stepped this event; its effects are still to come. */
  stepped(event: Event): void {
    if (event.type === 'scoutOffers') this.ledger.offers(event.session, event.concurrency)
    if (event.type !== 'scoutGone' || this.engine === null) return
    const { nowMs } = this.world
    const core = this.engine.core.state
    const longestWait = (task: number, isLeaving: boolean) => longestWaitMs(core, task, isLeaving)
    for (const task of this.ledger.gone(event.session, nowMs, longestWait)) this.attemptLimits.lost(task, nowMs)
  }

  /** Credits that are more than the scout may give, as its books stand. */
  private refused = 0
  /** By session, task and attempt; answered by a settlement, as long as no further sign of work follows. */
  private readonly cancels = new Map<string, 'sent' | 'answered'>()

  private worked(session: number, attempt: { task: number; attempt: number }): void {
    this.ledger.sign(session, this.world.nowMs, attempt)
    this.cancels.delete(`${session}/${attempt.task}/${attempt.attempt}`)
  }

  /** A repeated settlement that must be acknowledged again; another one of its task has a turn of its own. */
  private mustCommit: string | null = null

  /** After the engine has worked on it. */
  readonly afters = {
    credit: (session: number) => this.refusedCredit(session),
    settle: (session: number, { task, attempt }: FrameOf<'settle'>) => {
      this.mustCommit = null
      if (this.engine !== null) this.clientVerdicts.heard(this.engine.core.state, task)
      const key = `${session}/${task}/${attempt}`
      if (this.cancels.has(key)) this.cancels.set(key, 'answered')
      this.refusedCredit(session)
    },
  }

  private refusedCredit(session: number): void {
    const count = this.refused
    this.refused = 0
    const book = this.ledger.sessions.get(session)
    if (count === 0 || book === undefined || book.isGone) return
    // A grant that waits for a commit has used its credit in the core already, so there may be room.
    book.credits += count
    const known = this.engine?.core.state.roster.bySession.get(session)?.credits ?? 0
    if (known > book.capacity) this.fail(5, `session ${session} was allowed ${known} credits of ${book.capacity}`)
  }

  honestClosed(operator: string, code: number, reason: string): void {
    if (accusations.includes(code)) this.fail(17, `${operator} had to hang up with ${code}: ${reason}`)
  }

  hubCloses(_session: number, operator: string, code: number, reason: string): void {
    const flaw = this.standstill.flawOf(this.world.nowMs, code, reason)
    if (flaw !== null) this.fail(25, `${operator} ${flaw}`)
    this.closed(operator, code, reason)
  }

  closed(operator: string, code: number, reason: string): void {
    if (isHonest(operator) && accusations.includes(code)) this.fail(17, `${operator} was closed: ${code} ${reason}`)
  }

  // ------------------------------------------------------------ hub to scouts

  sent(session: number, frame: HubFrame, body?: Uint8Array): void {
    const book = this.ledger.sessions.get(session)
    this.world.trace.print?.(`hub -> ${session} ${wordsOf(frame)}`)
    if (book === undefined || book.isGone || (book.isClosed && frame.type === 'task')) {
      if (frame.type === 'task' || !this.isExcused(frame))
        this.fail(11, `${frame.type} to session ${session}, which is gone`)
      return
    }
    switch (frame.type) {
      case 'task':
        return this.sentTask(book, frame, body!)
      case 'cancel':
        this.checkCancel(`${session}/${frame.task}/${frame.attempt}`, frame)
        this.attemptLimits.revoked(frame.task)
        return this.ledger.revoked(session, frame.task, frame.attempt)
      case 'settled':
        for (const ack of frame.acks) this.sentVerdict(ack)
        return
      case 'welcome':
        return this.sentWelcome(book, frame)
    }
  }

  private checkCancel(key: string, frame: FrameOf<'cancel'>): void {
    if (this.cancels.get(key) === 'answered' && !this.isExcused(frame)) {
      this.fail(9, `attempt ${frame.attempt} of task ${frame.task} is cancelled again after its scout has settled it`)
    }
    this.cancels.set(key, 'sent')
  }

  /** What waited for a commit, and a pause that crossed with the end of its session; the gateway lets them fall. */
  private isExcused(frame: HubFrame): boolean {
    const isDurable = 'task' in frame && this.disk().tasks.has(frame.task)
    return isDurable || this.hasCommitted || frame.type === 'flow'
  }

  private sentTask(session: SessionBook, frame: FrameOf<'task'>, body: Uint8Array): void {
    const { task, attempt, nonce } = frame
    // Only what a client waits for may be hedged.
    this.ledger.granted(session, frame, this.world.nowMs, this.disk().tasks.has(task) ? 1 : 2)
    this.verdicts.granted(session, task)
    this.clientVerdicts.given(task, session.scout)
    this.trust.sent(session, frame, body)
    this.loot.push({ task, attempt, nonce, scout: session.scout })
    if (this.loot.length > 60) this.loot.shift()
    const isOpen = this.engine?.core.state.tasks.has(task)
    if (isOpen && this.decided?.has(task) === false) this.fail(20, `task ${task} was given out while the hub drains`)
    const row = this.disk().tasks.get(task)?.row
    if (row === undefined) return this.attemptLimits.granted(task, this.world.nowMs)
    const isWritten = row.attempt > attempt || (row.attempt === attempt && isSameNonce(row.nonce, nonce))
    if (!isWritten) this.fail(13, `attempt ${attempt} of task ${task} was given out before it was written`)
    const { tasks } = this.disk().intents.get(row.intent)!
    for (const need of JSON.parse(row.needs) as string[]) {
      const parent = tasks.find((known) => known.row.node === need)
      if (parent?.row.state !== 'done') this.fail(4, `task ${task} was given out before ${need} was done`)
    }
    const before = this.requests.get(task)
    if (before !== undefined && !Buffer.from(before).equals(body)) this.fail(13, `task ${task} changed its request`)
    this.requests.set(task, body)
  }

  private sentVerdict([task, attempt, verdict]: FrameOf<'settled'>['acks'][number]): void {
    if (verdict === 'committed') {
      this.ledger.committed(task, attempt)
      return this.checkRest(task, attempt)
    }
    if (this.mustCommit?.startsWith(`${task}/${attempt}/`)) {
      this.fail(3, `attempt ${attempt} of task ${task} was committed and is stale when repeated`)
    }
  }

  /** A durable task's verdict rests on the disk: it is done, or this attempt is over there. */
  private checkRest(task: number, attempt: number): void {
    const row = this.disk().tasks.get(task)?.row
    if (row?.state === 'leased' && row.attempt === attempt) {
      this.fail(12, `attempt ${attempt} of task ${task} was acknowledged before its commit`)
    }
  }

  private sentWelcome(session: SessionBook, frame: FrameOf<'welcome'>): void {
    for (const [task, attempt, verdict] of frame.held) {
      if (verdict === 'resumed') {
        this.ledger.resumed(session, task, attempt, this.world.nowMs)
        this.attemptLimits.resumed(task)
      }
      if (verdict === 'committed') this.checkRest(task, attempt)
    }
  }

  // ------------------------------------------------------------ hub to disk

  committed(writes: readonly StoreWrite[]): void {
    this.hasCommitted = true
    this.world.trace.print?.(`commit ${writes.map(wordsOfWrite).join(', ')}`)
    this.receipts.committed(writes)
    this.commits.committed(writes)
  }

  // ------------------------------------------------------------ hub to clients

  /** A client's intent was acknowledged. */
  acknowledged(id: string, key: string | null): void {
    if (!this.disk().intents.has(id)) this.fail(2, `intent ${id} was acknowledged before it was written`)
    this.intents.add(id)
    const first = key === null ? id : this.commits.intentUnder(key)
    if (first !== id) this.fail(2, `key ${key} was answered with ${id}, its intent is ${first}`)
  }

  get acknowledgedIntents(): Iterable<string> {
    return this.intents
  }
}

function isSameNonce(one: Uint8Array | null, other: Uint8Array): boolean {
  // Over again by the time it is sent: then there is none.
  return one === null || Buffer.from(one).equals(other)
}
