/**
 * The brain: the single writer around the core with its journal, the durable intents, and the reports, each made from
 * the parts before it. It takes in what the edges report and tells them what was decided, and owns the hub's time:
 * recover, run, drain, stop. What to decide is the core's; how an event is stepped is `writer/`.
 */

import { fault } from '../../shared/faults.ts'
import { batchEveryMs } from '../../shared/limits/ledger/ledger.ts'
import { tickMs } from '../../shared/limits/scheduling.ts'
import { forgetEveryMs, servedFlushMs } from '../../shared/limits/store.ts'
import { standstillMs } from '../../shared/limits/wire.ts'
import { nonceBytes } from '../../shared/protocol/frames.ts'
import { every, type System, type Timer } from '../../shared/system.ts'
import type { TaskKind } from '../../shared/task.ts'
import type { TurnLane } from '../../shared/turn-lane.ts'
import { Core } from '../core/core.ts'
import { type CoreSettings, defaultCoreSettings } from '../core/settings.ts'
import { Tenants } from '../tenants/tenants.ts'
import type { AnswerSinkHost } from './answers/answer-sink.ts'
import { Admission } from './charges/admission.ts'
import { AllowedModels } from './charges/allowed-models.ts'
import { BookedUse } from './charges/booked-use.ts'
import { Charges } from './charges/charges.ts'
import { ModelPrices } from './charges/model-prices.ts'
import { forgetOld } from './durability/forgetting.ts'
import { IdempotencyKeys } from './durability/idempotency.ts'
import { Journal } from './durability/journal.ts'
import { KeptResponses } from './durability/kept-responses.ts'
import { DurableIntents } from './intents/intents.ts'
import { Ledger, type LedgerSettings } from './ledger/ledger.ts'
import { marketOf } from './ledger/spending/market.ts'
import { NumberBlocks, Numbers } from './numbers.ts'
import type { BrainPort, EdgePort, FromClients, FromScouts } from './ports/brain.ts'
import type { EngineStats } from './ports/client.ts'
import type { IntentHost, IntentLog } from './ports/intents.ts'
import type { PlannerFunctions } from './ports/planner.ts'
import type { Greeting, Standing } from './ports/scouts.ts'
import type { Store } from './ports/store.ts'
import type { IdleScout, TrustNews } from './ports/trust/witness.ts'
import type { HistoryRow, ServedDay, UsageFilter, UsagePoint } from './ports/usage.ts'
import { FleetList } from './reports/fleet-list.ts'
import { idleScouts } from './reports/idle-scouts.ts'
import { Listings } from './reports/listings.ts'
import { ServedDays } from './reports/served-days.ts'
import { StandingReports } from './reports/standings.ts'
import { CommitBarrier } from './writer/commit-barrier.ts'
import type { DefectGuard } from './writer/defect-guard.ts'
import { DrainWait } from './writer/drain-wait.ts'
import { EffectRunner } from './writer/effects.ts'
import { TurnShare } from './writer/turn-share.ts'
import { Writer } from './writer/writer.ts'

export interface BrainOptions {
  system: System
  store: Store
  guard: DefectGuard
  lane: TurnLane
  edges: EdgePort
  /** For the sinks of durable tasks. */
  host: AnswerSinkHost
  /** From the store. */
  epoch: number
  /** Makes task numbers unique across restarts, and in a network across hubs. */
  taskEpoch: number
  /** How scrolls that decide at run time continue; without it such nodes fail. */
  planner: PlannerFunctions | null
  settings: Partial<CoreSettings>
  seed: number
  /** Null for a hub that gives no receipts. */
  ledger: LedgerSettings | null
  /** How long the end of a session is held back, milliseconds: what its scout sent before may come by another way. */
  goneHoldMs: number
}

export class Brain implements BrainPort {
  readonly core: Core
  readonly intents: DurableIntents
  readonly idempotencyKeys: IdempotencyKeys
  readonly journal: Journal
  readonly responses: KeptResponses
  readonly listings: Listings
  readonly fleetList: FleetList
  readonly tenants: Tenants
  readonly charges: Charges
  /** Null in a hub that gives no receipts. */
  readonly ledger: Ledger | null
  readonly allowed: AllowedModels
  readonly admission: Admission
  /** What a scout is told about trust; nobody has anything to say until somebody audits. */
  trustNote: (scout: string) => string | null = () => null
  private readonly system: System
  private readonly store: Store
  private readonly guard: DefectGuard
  private readonly edges: EdgePort
  private readonly goneHoldMs: number
  /** Blocks of task numbers, for this process and others. */
  readonly taskBlocks: NumberBlocks
  private readonly numbers: Numbers
  private readonly writer: Writer
  private readonly barrier: CommitBarrier
  private readonly standings: StandingReports
  private readonly servedDays: ServedDays
  private readonly drainWait: DrainWait
  private readonly effectRunner: EffectRunner
  /** Sessions of scouts with leases of which it is not known yet whether they are this hub's. */
  private readonly undecided = new Set<number>()
  private readonly troubles = new Set<'store' | 'network'>()
  /** Sessions whose end is held back. */
  private readonly leaving = new Map<number, { timer: Timer; isForsaken: boolean }>()
  private timers: Timer[] = []
  private tickDueMs = 0

  constructor({ system, store, guard, lane, edges, host, epoch, planner, settings, ...options }: BrainOptions) {
    this.system = system
    this.goneHoldMs = options.goneHoldMs
    this.store = store
    this.guard = guard
    this.edges = edges
    this.core = new Core({
      settings: { ...defaultCoreSettings, ...settings },
      seed: options.seed,
      nowMs: system.nowMs(),
      makeNonce: () => system.randomBytes(nonceBytes),
    })
    const { state } = this.core
    const share = new TurnShare(system, lane, (work) => guard.run('turn of a task', work))
    this.writer = new Writer({ core: this.core, system, guard, barrier: () => this.barrier })
    const signingOf = (session: number) => this.ledger?.keys.noteOf(session)
    this.listings = new Listings(state, system, lane, signingOf)
    this.fleetList = new FleetList(state, system, this.listings)
    const tell = (session: number, standing: Standing) => edges.toScouts({ type: 'standing', session, standing })
    const pointsOf = (scout: string) => this.ledger?.shownOf(scout) ?? {}
    this.standings = new StandingReports(state, tell, pointsOf, (scout) => this.trustNote(scout), signingOf)
    const turned = (isTroubled: boolean) => this.turned('store', isTroubled)
    this.journal = new Journal(store, system, turned, (work) => guard.run('journal', work))
    this.servedDays = new ServedDays(state.served, this.journal, system)
    const booked = new BookedUse({ store, journal: this.journal, edges })
    this.tenants = new Tenants({
      ofKey: ({ id, tenant }, since) => booked.since(since, tenant, id),
      ofAccount: (account, since) => booked.since(since, account, null),
    })
    const purse = () => this.ledger?.purse ?? null
    this.charges = new Charges(this.tenants, new ModelPrices(state.index), system, purse)
    const random = () => system.random()
    this.allowed = new AllowedModels(() => this.listings.models(), random)
    this.admission = new Admission(this.charges, this.allowed)
    this.responses = new KeptResponses(store, this.journal)
    this.ledger = options.ledger === null ? null : this.ledgerOf(options.ledger, lane)
    this.idempotencyKeys = new IdempotencyKeys(store, system)
    this.taskBlocks = new NumberBlocks(options.taskEpoch)
    this.numbers = new Numbers(() => this.numbers.add(this.taskBlocks.take()))
    for (let block = 0; block < 2; block++) this.numbers.add(this.taskBlocks.take())
    this.intents = new DurableIntents({
      system,
      store,
      journal: this.journal,
      core: state,
      host,
      idempotencyKeys: this.idempotencyKeys,
      planner,
      dispatch: this.writer.add,
      flush: () => this.writer.flush(),
      nextTask: () => this.nextTask(),
      spend: (bytes) => share.spend(bytes),
      charges: this.charges,
      earned: (work) => this.ledger?.earned(work) ?? null,
      settled: (task, isCommitted) => this.ledger?.settled(task, isCommitted),
    })
    const { intents, journal, admission } = this
    const drainWait = new DrainWait(state, this.listings)
    this.drainWait = drainWait
    const { leaseTtlMs } = state.settings
    const saltFor = (session: number, task: number) => this.ledger?.saltFor(session, task)
    this.effectRunner = new EffectRunner({ store, intents, edges, drainWait, admission, epoch, leaseTtlMs, saltFor })
    this.barrier = new CommitBarrier(journal, intents, this.effectRunner, share, ({ session, task, attempt }) =>
      this.writer.add({ type: 'unsent', session, task, attempt, fault: movedOn }),
    )
  }

  /** Durable intents live in this journal from now on. Before the start. See `DurableIntents.share`. */
  shareIntents(log: IntentLog, copies: Store): IntentHost {
    const onTrouble = (isTroubled: boolean) => this.turned('network', isTroubled)
    const contain = (work: () => void) => this.guard.run('journal of the network', work)
    return this.intents.share(log, copies, { onTrouble, contain })
  }

  /** Nothing can be promised to scouts while either of the two cannot be written. */
  private turned(of: 'store' | 'network', isTroubled: boolean): void {
    const was = this.troubles.size > 0
    if (isTroubled) this.troubles.add(of)
    else this.troubles.delete(of)
    const is = this.troubles.size > 0
    if (is !== was) this.writer.add(is ? { type: 'storeTroubled', unsent: [] } : { type: 'storeRecovered' })
  }

  private ledgerOf(settings: LedgerSettings, lane: TurnLane): Ledger {
    const { system, store, journal, guard, core } = this
    const contain = (work: () => void) => guard.run('ledger', work)
    return new Ledger({ ...settings, system, store, journal, lane, contain, market: marketOf(core.state.index) })
  }

  nextTask(): number {
    return this.numbers.next()
  }

  // ------------------------------------------------------------ from the edges

  fromClients(message: FromClients): void {
    switch (message.type) {
      case 'where': {
        const { task } = message
        return this.edges.toClients({ type: 'position', task, position: this.listings.position(task) })
      }
      case 'submit': {
        const refused = this.admission.admit(message)
        if (refused === null) return this.writer.add(message)
        return this.edges.toClients({ type: 'refused', task: message.task, fault: refused })
      }
      case 'adopt':
        this.admission.readmit(message)
        return this.writer.add(message)
      case 'used':
        return this.admission.close(message)
      case 'usage':
        return this.journal.lazily({ write: 'tally', tally: message.sum })
      case 'worked':
        return this.admission.owes(message.work.task, this.ledger?.worked(message.work) ?? 0)
      default:
        return this.writer.add(message)
    }
  }

  fromScouts(message: FromScouts): void {
    switch (message.type) {
      case 'joined':
        return this.joined(message.greeting)
      case 'heartbeat':
        this.writer.add(message)
        return this.standings.report(message.session, this.system.nowMs())
      case 'gone':
        return this.gone(message.session, message.isForsaken)
      default:
        return this.writer.add(message)
    }
  }

  private joined(greeting: Greeting): void {
    const { session, hello } = greeting
    const waits = hello.held.length === 0 ? null : this.intents.decided(hello.held.map(({ task }) => task))
    if (waits === null) return this.admit(greeting)
    this.undecided.add(session)
    void waits.then(() => {
      if (this.undecided.delete(session)) this.admit(greeting)
    })
  }

  private admit(greeting: Greeting): void {
    this.listings.greeted(greeting)
    const { session, operator, hello } = greeting
    const { name, instance, concurrency, offers, held, publicKey } = hello
    const scout = `${operator}/${name}`
    if (publicKey) this.ledger?.keys.joined(session, scout, publicKey)
    this.writer.add({ type: 'scoutJoined', session, scout, operator, instance, concurrency, offers, held })
    this.writer.add({ type: 'claimsEnded', session })
  }

  private gone(session: number, isForsaken: boolean): void {
    if (this.undecided.delete(session)) return
    this.listings.gone(session)
    this.standings.gone(session)
    this.ledger?.keys.gone(session)
    // Nothing is granted to it any more.
    this.barrier.sessionClosed(session)
    const isAtWork = (this.core.state.roster.bySession.get(session)?.newest ?? null) !== null
    if (this.goneHoldMs === 0 || !isAtWork) return this.leave(session, isForsaken)
    const timer = this.system.after(this.goneHoldMs, () => this.leave(session, isForsaken))
    this.leaving.set(session, { timer, isForsaken })
  }

  private leave(session: number, isForsaken: boolean): void {
    this.leaving.delete(session)
    // It takes what it had along, as one that has announced that it leaves.
    if (isForsaken) this.writer.add({ type: 'scoutDraining', session })
    this.writer.add({ type: 'scoutGone', session, isExpelled: isForsaken })
  }

  /** Steps through what this turn has collected so far. */
  flush(): void {
    this.writer.flush()
  }

  // ------------------------------------------------------------ its life

  /** Takes up what the last process left open, and begins to count time. Before any client or scout comes in. */
  start(): void {
    this.guard.run('recovery', () => {
      this.ledger?.start()
      this.intents.recover()
      // Whoever waited for these is gone. In a network another hub may have them.
      if (!this.intents.isShared) for (const intent of this.store.unkept()) void this.intents.forget(intent, null)
    })
    this.writer.flush()
    this.tickDueMs = this.system.nowMs() + tickMs
    this.guarded('tick', tickMs, () => this.tick())
    this.guarded('forget', forgetEveryMs, () => this.forget())
    this.guarded('served', servedFlushMs, () => this.servedDays.flush())
    if (this.ledger !== null) this.guarded('ledger', batchEveryMs, () => this.ledger!.tick())
  }

  /** A tick that comes much later than it was due means that this process stood still. */
  private tick(): void {
    const nowMs = this.system.nowMs()
    const lateMs = nowMs - this.tickDueMs
    this.tickDueMs = nowMs + tickMs
    if (lateMs >= standstillMs) this.writer.add({ type: 'stood', forMs: lateMs })
    this.writer.add({ type: 'tick' })
    // Whatever took the last lease away: its scout may have left with it, which ends no task.
    this.drainWait.check()
  }

  private guarded(name: string, everyMs: number, action: () => void): void {
    this.timers.push(every(this.system, everyMs, () => this.guard.run(name, action)))
  }

  /** Removes a portion of what has outlived its time. */
  private forget(): void {
    if (this.journal.trouble === null && !this.intents.isRetrying) forgetOld(this.store, this.system.wallMs())
  }

  /** Takes nothing new and resolves when no scout works on anything any more. */
  drain(): Promise<void> {
    this.writer.add({ type: 'drain' })
    this.writer.flush()
    return this.drainWait.idle()
  }

  /** Commits what can be committed, and stops the clock. */
  stop(): void {
    for (const [session, { timer, isForsaken }] of [...this.leaving]) {
      timer.cancel()
      this.leave(session, isForsaken)
    }
    this.servedDays.flush()
    this.guard.run('ledger', () => this.ledger?.stop())
    // What follows from a commit may have to be stepped and committed in its turn.
    do {
      this.writer.flush()
      this.guard.run('journal', () => this.journal.flush())
    } while (this.writer.pending > 0 && this.journal.trouble === null && !this.guard.isDead)
    for (const timer of this.timers) timer.cancel()
    this.timers = []
    this.intents.stop()
  }

  /** What trust weighs is decided elsewhere, and holds from the next placement on. */
  markTrust(news: TrustNews): void {
    this.writer.add({ type: 'trust', ...news })
  }

  idleScouts(kind: TaskKind, model: string, count: number): IdleScout[] {
    return idleScouts(this.core.state, this.system, kind, model, count)
  }

  usagePoints(filter: UsageFilter): UsagePoint[] {
    return this.store.usagePoints(filter)
  }

  lastUses(tenant: string, fromDay: number) {
    return this.store.lastUses(tenant, fromDay)
  }

  history(fromSlot: number): HistoryRow[] {
    return this.store.history(fromSlot)
  }

  keepHistory(row: HistoryRow): void {
    this.journal.lazily({ write: 'history', row })
  }

  daysOfScout(scout: string, fromDay: number): ServedDay[] {
    return this.store.servedDays(scout, fromDay)
  }

  /** False while starting or draining. */
  ready(): boolean {
    return this.timers.length > 0 && !this.core.state.draining && !this.guard.isDead
  }

  stats(): Omit<EngineStats, 'answersInCheck' | 'watchedBytes'> {
    const { attempts, staleSettlements, finished } = this.effectRunner
    const { totals: used } = this.charges
    const { stopped } = this.tenants
    const usage = { usageUnbooked: this.store.unbooked(), usageDropped: this.journal.dropped }
    return { ...this.listings.counts(), tasksFinished: finished, attempts, staleSettlements, ...usage, used, stopped }
  }
}

const movedOn = fault('cancelled', 'Another hub of the network goes on with the intent of this task.')
