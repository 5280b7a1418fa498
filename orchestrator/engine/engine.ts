/**
 * The engine in one process: the brain and the desks of clients, scouts and answers, joined directly. A message between
 * them is an object that is handed over. What to decide is the core's; sockets are the gateway's.
 */
import type { Fault } from '../../shared/faults.ts'
import type { System } from '../../shared/system.ts'
import type { TaskKind } from '../../shared/task.ts'
import { TurnLane } from '../../shared/turn-lane.ts'
import type { Core } from '../core/core.ts'
import { awaitsModel, missingModel } from '../core/fleet/not-offered.ts'
import type { CoreSettings } from '../core/settings.ts'
import type { Tenants } from '../tenants/tenants.ts'
import { AnswerDesk } from './answer-desk.ts'
import { AnswerChecks } from './answers/answer-checks.ts'
import { AnswerHost } from './answers/answer-host.ts'
import { Relays } from './answers/relays.ts'
import { Brain } from './brain.ts'
import { ClientDesk } from './client-desk.ts'
import { WorkCounter } from './counting/task-count.ts'
import type { IdempotencyKeys } from './durability/idempotency.ts'
import type { Journal } from './durability/journal.ts'
import type { KeptResponses } from './durability/kept-responses.ts'
import { UsageBook } from './durability/usage-book.ts'
import type { DurableIntents } from './intents/intents.ts'
import type { LedgerSettings } from './ledger/ledger.ts'
import type { NumberBlocks } from './numbers.ts'
import type { BrainPort, EdgePort, ToClients, ToScouts } from './ports/brain.ts'
import type { ChargedKey } from './ports/charged-key.ts'
import type {
  Answer,
  Begun,
  Engine,
  EngineStats,
  IdempotencyScope,
  KeptAnswer,
  ScoutFilter,
  Submission,
} from './ports/client.ts'
import type { EngineDefect } from './ports/defect.ts'
import type { IntentHost, IntentLog } from './ports/intents.ts'
import type { RequestsHeldElsewhere } from './ports/ledger/held-requests.ts'
import type { LedgerReport } from './ports/ledger/ledger.ts'
import type { PlannerFunctions } from './ports/planner.ts'
import type { AttemptEvents, AttemptLinks, ScoutEvents, ScoutLinks } from './ports/scouts.ts'
import type { Store } from './ports/store.ts'
import type { Appeals } from './ports/trust/appeals.ts'
import type { Disputes } from './ports/trust/disputes.ts'
import type { TrustFilter } from './ports/trust/trust-report.ts'
import type { AnswerWitness, AuditedEngine, SeenAnswer, TrustNews } from './ports/trust/witness.ts'
import type { HistoryRow, UsageFilter } from './ports/usage.ts'
import { localFleet } from './reports/local-fleet.ts'
import { ScoutDesk } from './scout-desk.ts'
import { DefectGuard } from './writer/defect-guard.ts'
import { LiveLinks } from './writer/effects.ts'
import { Sinks } from './writer/sinks.ts'

type Grant = Extract<ToClients, { type: 'grant' }>

/** Edges in processes of their own. */
export interface AwayEdges {
  /** False when the task is carried in this process. */
  toClients(message: ToClients): boolean
  toScouts(message: ToScouts): void
  /** Who hold the sockets of scouts. */
  holders: AttemptLinks
  /** What scouts hold of which they carry the answers. */
  texts: RequestsHeldElsewhere
}

export interface HubEngineOptions {
  system: System
  store: Store
  /** The way to the scouts: the gateway of this process, or the edges that hold their sockets. */
  links: ScoutLinks | AwayEdges
  /** From the store; makes task numbers unique across restarts. */
  epoch: number
  /** In its place for those numbers, in a network: unique across hubs as well. */
  taskEpoch?: number
  /** Called once, before the error goes on to whoever called the engine: the process has to end. */
  onDefect: (defect: EngineDefect) => void
  /** How scrolls that decide at run time continue; without it such nodes fail. */
  planner?: PlannerFunctions
  settings?: Partial<CoreSettings>
  seed?: number
  /** Without it, or null, the hub gives no receipts. */
  ledger?: LedgerSettings | null
  /** How long the end of a session is held back, milliseconds: what its scout sent before may come by another way. */
  goneHoldMs?: number
}

export class HubEngine implements Engine, AuditedEngine {
  readonly core: Core
  readonly intents: DurableIntents
  readonly idempotencyKeys: IdempotencyKeys
  readonly journal: Journal
  readonly responses: KeptResponses
  /** Where edges in other processes report to, and who carries the answers of this process's tasks. */
  readonly port: BrainPort
  readonly carrier: AttemptEvents
  readonly taskBlocks: NumberBlocks
  private readonly system: System
  private readonly lane: TurnLane
  private readonly checks: AnswerChecks
  private readonly brain: Brain
  /** Rates and budgets of keys. */
  readonly tenants: Tenants
  private readonly book: UsageBook
  private readonly clients: ClientDesk
  private readonly answers: AnswerDesk
  /** Who judges answers; null for nobody. */
  private witness: AnswerWitness | null = null
  /** Who hears disputes; null for nobody. */
  disputes: Disputes | null = null
  /** Who takes appeals against convictions; null for nobody. */
  appeals: Appeals | null = null
  /** Null when the sockets of scouts are elsewhere. */
  private readonly scoutDesk: ScoutDesk | null

  constructor({ system, store, epoch, onDefect, settings = {}, ...options }: HubEngineOptions) {
    const guard = new DefectGuard(onDefect)
    const lane = new TurnLane(system)
    const port: BrainPort = {
      fromClients: (message) => this.brain.fromClients(message),
      fromScouts: (message) => this.brain.fromScouts(message),
      flush: () => this.brain.flush(),
    }
    const carrier: AttemptEvents = {
      chunk: (session, head, body) => this.answers.chunk(session, head, body),
      settle: (session, settlement, body) => this.answers.settle(session, settlement, body),
      broken: (session, task, attempt, cause) => this.answers.broken(session, task, attempt, cause),
      alive: (session, task, attempt) => this.answers.alive(session, task, attempt),
    }
    const { holders, edges, scoutDesk } = this.joined(options.links, port, carrier, guard)
    this.scoutDesk = scoutDesk
    const others = 'texts' in options.links ? { others: options.links.texts } : {}
    const host = new AnswerHost(port, holders, options.ledger ? new WorkCounter(system, lane, others) : null)
    const { planner = null, goneHoldMs = 0, ledger = null } = options
    const seed = options.seed ?? Math.floor(system.random() * Number.MAX_SAFE_INTEGER)
    const numbers = { epoch, taskEpoch: options.taskEpoch ?? epoch }
    const parts = { system, store, guard, lane, edges, host, ...numbers, planner, settings }
    this.brain = new Brain({ ...parts, seed, goneHoldMs, ledger })
    const { core, intents } = this.brain
    this.book = new UsageBook((sum) => port.fromClients({ type: 'usage', sum }), system)
    const relays = new Relays()
    const sinks = new Sinks(relays, intents)
    this.checks = new AnswerChecks(lane, (work) => guard.run('check of an answer', work))
    const isLive = (session: number) => core.state.roster.bySession.has(session)
    this.answers = new AnswerDesk({ system, brain: port, scouts: holders, sinks, checks: this.checks, isLive })
    const nextTask = () => this.brain.nextTask()
    const costsPoints = ledger?.mode === 'spend'
    this.clients = new ClientDesk({ system, brain: port, relays, host, book: this.book, nextTask, costsPoints })
    this.port = port
    this.carrier = carrier
    this.tenants = this.brain.tenants
    this.core = core
    this.intents = intents
    this.idempotencyKeys = this.brain.idempotencyKeys
    this.journal = this.brain.journal
    this.responses = this.brain.responses
    this.taskBlocks = this.brain.taskBlocks
    this.lane = lane
    this.system = system
  }

  /** The ways between this process's parts and the edges, wherever those are. */
  private joined(links: ScoutLinks | AwayEdges, brain: BrainPort, answers: AttemptEvents, guard: DefectGuard) {
    const bookUsage = () => this.book.flush()
    if ('holders' in links) {
      const toClients = (message: ToClients) => {
        if (!links.toClients(message)) this.toClients(message)
      }
      const edges: EdgePort = { toClients, toScouts: (message) => links.toScouts(message), bookUsage }
      return { holders: links.holders, edges, scoutDesk: null }
    }
    const desk = new ScoutDesk({ brain, answers, links: new LiveLinks(links, guard) })
    const edges: EdgePort = {
      toClients: (message) => this.toClients(message),
      toScouts: (message) => desk.receive(message),
      bookUsage,
    }
    return { holders: desk as AttemptLinks, edges, scoutDesk: desk }
  }

  /** Where the gateway of this process reports to. */
  get scoutEvents(): ScoutEvents {
    if (this.scoutDesk === null) throw new Error('the sockets of scouts are not in this process')
    return this.scoutDesk
  }

  private toClients(message: ToClients): void {
    const { type } = message
    if (type === 'finished' || type === 'refused' || type === 'position') this.clients.receive(message)
    else this.answers.receive(message)
  }

  /** Durable intents are the network's: written into its journal first. `copies` is for those of other hubs. */
  shareIntents(log: IntentLog, copies: Store): IntentHost {
    return this.brain.shareIntents(log, copies)
  }

  /** Takes up what the last process left open, and begins to count time. Before any client or scout comes in. */
  start(): void {
    this.brain.start()
  }

  /** Steps through what this turn has collected so far, for a caller who looks at the result within it. */
  flush(): void {
    this.brain.flush()
  }

  /** Takes nothing new and resolves when no scout works on anything any more. */
  drain(): Promise<void> {
    return this.brain.drain()
  }

  /** Ends what clients still wait for with `hub_draining`, commits what can be committed, and stops the clock. */
  stop(): void {
    this.witness?.stop()
    this.disputes?.stop()
    this.clients.endAll()
    // What ends with them is booked as well.
    this.brain.flush()
    this.book.flush()
    this.brain.stop()
    this.lane.stop()
  }

  // ------------------------------------------------------------ for clients

  begin(key: ChargedKey): Begun {
    const { system, tenants } = this
    const now = () => ({ wallMs: system.wallMs(), nowMs: system.nowMs() })
    return { refused: tenants.begin(key, now()), rates: () => tenants.rates(key, now()) }
  }

  submit(submission: Submission): Answer {
    return this.clients.submit(submission)
  }

  /** Whoever carried the answers of these tasks is gone, and with it the report of what they used. */
  forgetCharges(isMeant: (task: number) => boolean): void {
    this.brain.admission.forget(isMeant)
  }

  models() {
    return this.brain.listings.models()
  }

  model(id: string) {
    return this.brain.listings.model(id)
  }

  /** All that are connected; behind no port, for it is as long as the fleet. */
  scouts() {
    return this.brain.listings.scouts()
  }

  scoutsAfter(session: number, count: number, filter: ScoutFilter) {
    return this.brain.fleetList.after(session, count, filter)
  }

  newestSession() {
    return this.brain.listings.newest
  }

  fleet() {
    return this.brain.fleetList.health()
  }

  /** What the scouts that dialled this hub itself can do; counts all sessions, for every few seconds. */
  localFleet() {
    return localFleet(this.core.state)
  }

  idleScouts(kind: TaskKind, model: string, count: number) {
    return this.brain.idleScouts(kind, model, count)
  }

  isConnected(scout: string): boolean {
    return (this.core.state.roster.records.get(scout)?.sessions ?? 0) > 0
  }

  ownersOf(kind: TaskKind, model: string) {
    return this.core.state.index.entry(kind, model)?.operators.size ?? 0
  }

  /** From here on this one looks at the answers of scouts. */
  watchedBy(witness: AnswerWitness): void {
    this.witness = witness
    this.clients.witness = witness
    this.brain.intents.watchedBy(witness, this.clients.watched)
    this.brain.trustNote = (scout) => witness.noteOf(scout)
    if (witness.findings !== null) this.brain.ledger?.judgedBy(witness.findings)
  }

  get isAuditing(): boolean {
    return this.clients.witness !== null
  }

  trustReport(of: TrustFilter) {
    return this.witness?.report(of) ?? null
  }

  /** Says in the grant what whoever carries its answer in another process has to know of trust. */
  noteTrust(grant: Grant): void {
    const { witness, core } = this
    const task = witness === null ? undefined : core.state.tasks.get(grant.task)
    if (witness === null || task === undefined) return
    const { served, attempt } = grant
    const { tenant, kind, promptBytes: requestBytes, routing } = task
    const isDirected = routing.only.length > 0
    // Whether its key allows that is known where its answer is: what may not be shown stays there.
    const isShown = true
    const watched = { tenant, kind, requestBytes, attempts: attempt, isDirected, isShown }
    const { interest, state } = witness.note(served, watched)
    grant.noted = { interest, state }
  }

  /** What another process has seen of an answer. Its bytes are copied: views would keep the frame that they came in. */
  saw(seen: SeenAnswer): void {
    const { witness } = this
    if (witness === null) return
    if (seen.type === 'answerSettled') return witness.settled(seen.served, seen.tokens, seen.answerBytes)
    const { request, lines, body } = seen.answer
    const own = (bytes: Uint8Array) => new Uint8Array(bytes)
    witness.answered({ ...seen.answer, request: own(request), lines: lines.map(own), body: own(body) })
  }

  markTrust(news: TrustNews) {
    this.brain.markTrust(news)
  }

  scout(id: string) {
    return this.brain.listings.scout(id)
  }

  modelsFor(scopes: ChargedKey['scopes']) {
    return this.brain.allowed.of(scopes)
  }

  missingModel(kind: TaskKind, model: string, allowed: readonly string[] | null = null): Fault | null {
    return missingModel(this.core.state, { kind, model, allowed })
  }

  awaitsModel(kind: TaskKind, model: string): boolean {
    return awaitsModel(this.core.state, { kind, model })
  }

  usagePoints(filter: UsageFilter) {
    return this.brain.usagePoints(filter)
  }

  lastUses(tenant: string, fromDay: number) {
    return this.brain.lastUses(tenant, fromDay)
  }

  history(fromSlot: number) {
    return this.brain.history(fromSlot)
  }

  keepHistory(row: HistoryRow): void {
    this.brain.keepHistory(row)
  }

  daysOfScout(scout: string, fromDay: number) {
    return this.brain.daysOfScout(scout, fromDay)
  }

  keepAnswer(scope: IdempotencyScope, make: () => Promise<KeptAnswer | Fault>) {
    return this.idempotencyKeys.keep(scope, this.journal, make)
  }

  ready(): boolean {
    return this.brain.ready()
  }

  /** Null in a hub that gives no receipts. */
  get ledger(): LedgerReport | null {
    return this.brain.ledger
  }

  stats(): EngineStats {
    const watchedBytes = this.clients.watched.held
    return { ...this.brain.stats(), answersInCheck: this.checks.size, watchedBytes }
  }
}
