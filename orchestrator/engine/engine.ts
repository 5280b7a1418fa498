/**
 * The engine as a whole: it builds the single writer with its journal, the desks of clients and scouts and the reports,
 * each from the parts before it, and owns their life: recover, run, drain, stop. What to decide is the core's; how an
 * event is stepped is `writer/`; sockets are the gateway's.
 */
import type { Fault } from '../../shared/faults.ts'
import { tickMs } from '../../shared/limits/scheduling.ts'
import { forgetEveryMs, forgetPortion, idempotencyMs, retentionMs } from '../../shared/limits/store.ts'
import { standstillMs } from '../../shared/limits/wire.ts'
import { nonceBytes } from '../../shared/protocol/frames.ts'
import type { System, Timer } from '../../shared/system.ts'
import type { TaskKind } from '../../shared/task.ts'
import { TurnLane } from '../../shared/turn-lane.ts'
import { Core } from '../core/core.ts'
import { awaitsModel, missingModel } from '../core/fleet/not-offered.ts'
import { type CoreSettings, defaultCoreSettings } from '../core/settings.ts'
import { AnswerChecks } from './answers/answer-checks.ts'
import { Relays } from './answers/relays.ts'
import { ClientDesk, TaskNumbers } from './client-desk.ts'
import { IdempotencyKeys } from './durability/idempotency.ts'
import { Journal } from './durability/journal.ts'
import { KeptResponses } from './durability/kept-responses.ts'
import { UsageBook } from './durability/usage-book.ts'
import { DurableIntents } from './intents/intents.ts'
import type {
  Answer,
  Engine,
  EngineStats,
  IdempotencyScope,
  KeptAnswer,
  ScoutFilter,
  Submission,
} from './ports/client.ts'
import type { EngineDefect } from './ports/defect.ts'
import type { PlannerFunctions } from './ports/planner.ts'
import type { ScoutEvents, ScoutLinks } from './ports/scouts.ts'
import { type Store, StoreError } from './ports/store.ts'
import { FleetList } from './reports/fleet-list.ts'
import { Listings } from './reports/listings.ts'
import { StandingReports } from './reports/standings.ts'
import { ScoutDesk } from './scout-desk.ts'
import { AnswerHost } from './writer/answer-host.ts'
import { CommitBarrier } from './writer/commit-barrier.ts'
import { DefectGuard } from './writer/defect-guard.ts'
import { DrainWait } from './writer/drain-wait.ts'
import { EffectRunner, LiveLinks } from './writer/effects.ts'
import { Sinks } from './writer/sinks.ts'
import { TurnShare } from './writer/turn-share.ts'
import { Writer } from './writer/writer.ts'

export interface HubEngineOptions {
  system: System
  store: Store
  /** The way to the scouts. */
  links: ScoutLinks
  /** From the store; makes task numbers unique across restarts. */
  epoch: number
  /** Called once, before the error goes on to whoever called the engine: the process has to end. */
  onDefect: (defect: EngineDefect) => void
  /** How scrolls that decide at run time continue; without it such nodes fail. */
  planner?: PlannerFunctions
  settings?: Partial<CoreSettings>
  seed?: number
}

export class HubEngine implements Engine {
  readonly core: Core
  readonly intents: DurableIntents
  readonly idempotencyKeys: IdempotencyKeys
  readonly journal: Journal
  readonly responses: KeptResponses
  /** Where the gateway reports to. */
  readonly scoutEvents: ScoutEvents
  private readonly system: System
  private readonly store: Store
  private readonly guard: DefectGuard
  private readonly lane: TurnLane
  private readonly checks: AnswerChecks
  private readonly writer: Writer
  private readonly book: UsageBook
  private readonly clients: ClientDesk
  private readonly listings: Listings
  private readonly fleetList: FleetList
  private readonly drainWait: DrainWait
  private readonly effectRunner: EffectRunner
  private timers: Timer[] = []
  private tickDueMs = 0

  constructor({ system, store, epoch, onDefect, planner, settings, seed, ...edge }: HubEngineOptions) {
    this.system = system
    this.store = store
    this.core = new Core({
      settings: { ...defaultCoreSettings, ...settings },
      seed: seed ?? Math.floor(system.random() * Number.MAX_SAFE_INTEGER),
      nowMs: system.nowMs(),
      makeNonce: () => system.randomBytes(nonceBytes),
    })
    const { state } = this.core
    const guard = new DefectGuard(onDefect)
    const lane = new TurnLane(system)
    const share = new TurnShare(system, lane, (work) => guard.run('turn of a task', work))
    const writer = new Writer({ core: this.core, system, guard, barrier: () => barrier })
    const listings = new Listings(state, system, lane)
    const links = new LiveLinks(edge.links, guard)
    const standings = new StandingReports(state, links)
    const turned = (isTroubled: boolean) =>
      writer.add(isTroubled ? { type: 'storeTroubled', unsent: [] } : { type: 'storeRecovered' })
    this.journal = new Journal(store, system, turned, (work) => guard.run('journal', work))
    this.responses = new KeptResponses(store, this.journal)
    this.idempotencyKeys = new IdempotencyKeys(store, system)
    const numbers = new TaskNumbers(epoch)
    const host = new AnswerHost(writer, links, listings)
    this.intents = new DurableIntents({
      system,
      store,
      journal: this.journal,
      core: state,
      host,
      idempotencyKeys: this.idempotencyKeys,
      planner: planner ?? null,
      dispatch: writer.add,
      flush: () => writer.flush(),
      nextTask: () => numbers.next(),
      spend: (bytes) => share.spend(bytes),
    })
    const { intents, journal } = this
    const book = new UsageBook(journal, system)
    const relays = new Relays()
    const sinks = new Sinks(relays, intents)
    const drainWait = new DrainWait(relays, listings)
    const { leaseTtlMs } = state.settings
    const edges = { store, book, intents, relays, sinks, links, drainWait }
    this.effectRunner = new EffectRunner({ ...edges, dispatch: writer.add, epoch, leaseTtlMs })
    const barrier = new CommitBarrier(journal, intents, this.effectRunner, share)
    this.checks = new AnswerChecks(lane, (work) => guard.run('check of an answer', work))
    const operatorOf = (session: number) => state.roster.bySession.get(session)?.record.operator
    const desk = { system, writer, barrier, sinks, listings, standings, checks: this.checks, operatorOf }
    this.scoutEvents = new ScoutDesk(desk)
    this.clients = new ClientDesk({ system, writer, relays, host, numbers })
    this.guard = guard
    this.lane = lane
    this.writer = writer
    this.book = book
    this.listings = listings
    this.fleetList = new FleetList(state, system, listings)
    this.drainWait = drainWait
  }

  /** Takes up what the last process left open, and begins to count time. Before any client or scout comes in. */
  start(): void {
    this.guard.run('recovery', () => this.intents.recover())
    this.writer.flush()
    this.tickDueMs = this.system.nowMs() + tickMs
    this.every('tick', tickMs, () => this.tick())
    this.every('forget', forgetEveryMs, () => this.forget())
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

  private every(name: string, ms: number, action: () => void): void {
    const at = this.timers.length
    const again = () => {
      this.timers[at] = this.system.after(ms, again)
      this.guard.run(name, action)
    }
    this.timers[at] = this.system.after(ms, again)
  }

  /** Removes a portion of what has outlived its time. */
  private forget(): void {
    const nowMs = this.system.wallMs()
    if (this.journal.trouble !== null || this.intents.isRetrying) return
    try {
      this.store.forgetBefore(nowMs - retentionMs, nowMs - idempotencyMs, forgetPortion)
    } catch (error) {
      // The store is in trouble, which the journal finds out by itself; there is another time to forget.
      if (!(error instanceof StoreError)) throw error
    }
  }

  /** Steps through what this turn has collected so far, for a caller who looks at the result within it. */
  flush(): void {
    this.writer.flush()
  }

  /** Takes nothing new and resolves when no scout works on anything any more. */
  drain(): Promise<void> {
    this.writer.add({ type: 'drain' })
    this.writer.flush()
    return this.drainWait.idle()
  }

  /** Ends what clients still wait for with `hub_draining`, commits what can be committed, and stops the clock. */
  stop(): void {
    this.clients.endAll()
    this.book.flush()
    // What follows from a commit may have to be stepped and committed in its turn.
    do {
      this.writer.flush()
      this.guard.run('journal', () => this.journal.flush())
    } while (this.writer.pending > 0 && this.journal.trouble === null && !this.guard.isDead)
    for (const timer of this.timers) timer.cancel()
    this.timers = []
    this.lane.stop()
  }

  // ------------------------------------------------------------ for clients

  submit(submission: Submission): Answer {
    return this.clients.submit(submission)
  }

  models() {
    return this.listings.models()
  }

  model(id: string) {
    return this.listings.model(id)
  }

  scouts() {
    return this.listings.scouts()
  }

  scoutsAfter(session: number, count: number, filter: ScoutFilter) {
    return this.fleetList.after(session, count, filter)
  }

  fleet() {
    return this.fleetList.health()
  }

  scout(id: string) {
    return this.listings.scout(id)
  }

  missingModel(kind: TaskKind, model: string): Fault | null {
    return missingModel(this.core.state, { kind, model })
  }

  awaitsModel(kind: TaskKind, model: string): boolean {
    return awaitsModel(this.core.state, { kind, model })
  }

  keepAnswer(scope: IdempotencyScope, make: () => Promise<KeptAnswer | Fault>) {
    return this.idempotencyKeys.keep(scope, this.journal, make)
  }

  ready(): boolean {
    return this.timers.length > 0 && !this.core.state.draining && !this.guard.isDead
  }

  stats(): EngineStats {
    const { attempts, staleSettlements, finished } = this.effectRunner
    const usage = { usageUnbooked: this.store.unbooked(), usageDropped: this.journal.dropped }
    const answersInCheck = this.checks.size
    return { ...this.listings.counts(), tasksFinished: finished, attempts, staleSettlements, ...usage, answersInCheck }
  }
}
