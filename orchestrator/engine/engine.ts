/**
 * The single writer around the core. Clients and scouts hand it facts; it feeds them to `core.step` one after another,
 * has the journal commit what must survive, and then performs the effects: frames to scouts, ends to readers. It owns
 * time for the core (one tick) and the table of carriers, and nothing else: what to decide is the core's, what to say
 * on a socket the gateway's.
 */
import { type Fault, fault, isReportable, plainMessage } from '../../shared/faults.ts'
import { requestDeadlineMs, tickMs } from '../../shared/limits/scheduling.ts'
import { forgetEveryMs, forgetPortion, idempotencyMs, retentionMs } from '../../shared/limits/store.ts'
import { type FrameOf, nonceBytes } from '../../shared/protocol/frames.ts'
import { unpackOffers } from '../../shared/protocol/offers.ts'
import type { System, Timer } from '../../shared/system.ts'
import { Core } from '../core/core.ts'
import type { Effect, Event } from '../core/events.ts'
import { defaultRouting } from '../core/model/routing-options.ts'
import { type CoreSettings, defaultCoreSettings } from '../core/settings.ts'
import type { AnswerSink, AnswerSinkHost } from './answers/answer-sink.ts'
import type { AttemptStream } from './answers/attempt-stream.ts'
import { Relay } from './answers/relay.ts'
import { IdempotencyKeys } from './durability/idempotency.ts'
import { Journal } from './durability/journal.ts'
import { UsageBook } from './durability/usage-book.ts'
import { DurableIntents } from './intents/intents.ts'
import type { Answer, Engine, EngineStats, IdempotencyScope, KeptAnswer, Submission } from './ports/client.ts'
import type { PlannerFunctions } from './ports/planner.ts'
import type { Greeting, ScoutEvents, ScoutLinks } from './ports/scouts.ts'
import { type Store, StoreError } from './ports/store.ts'
import { Listings } from './reports/listings.ts'
import { StandingReports } from './reports/standings.ts'
import { CommitBarrier } from './writer/commit-barrier.ts'
import { EffectRunner } from './writer/effects.ts'

/** A renewal is told to the core at most this often per attempt; a third of the shortest useful lease. */
const renewEveryMs = 5_000
/** Somebody waits in front of a screen: the middle of the scale that intents may use. */
const chatPriority = 5

export interface HubEngineOptions {
  system: System
  store: Store
  /** From the store; makes task numbers unique across restarts. */
  epoch: number
  /** How scrolls that decide at run time go on; without it such nodes fail. */
  planner?: PlannerFunctions
  settings?: Partial<CoreSettings>
  seed?: number
}

export class HubEngine implements Engine, ScoutEvents, AnswerSinkHost {
  readonly core: Core
  readonly intents: DurableIntents
  readonly idempotencyKeys: IdempotencyKeys
  readonly journal: Journal
  private readonly system: System
  private readonly store: Store
  private readonly effectRunner: EffectRunner
  private readonly barrier: CommitBarrier
  private readonly book: UsageBook
  private readonly relays = new Map<number, Relay>()
  private readonly listings: Listings
  private readonly standings: StandingReports
  private nextTask: number
  private timers: Timer[] = []
  private idleWaiters: (() => void)[] = []

  /** Events that arrived while another was being worked on, and the effects of the current one. */
  private readonly inbox: Event[] = []
  private readonly effects: Effect[] = []
  private stepping = false

  constructor({ system, store, epoch, planner, settings, seed }: HubEngineOptions) {
    this.system = system
    this.store = store
    this.nextTask = epoch * 2 ** 32
    const random = seed ?? Math.floor(system.random() * Number.MAX_SAFE_INTEGER)
    this.core = new Core({
      settings: { ...defaultCoreSettings, ...settings },
      seed: random,
      nowMs: system.nowMs(),
      makeNonce: () => system.randomBytes(nonceBytes),
    })
    this.listings = new Listings(this.core.state, system)
    this.standings = new StandingReports(this.core.state, (session, frame) =>
      this.effectRunner.links?.send(session, frame),
    )
    this.journal = new Journal(store, system, (isTroubled) => this.dispatch(this.barrier.turned(isTroubled)))
    this.idempotencyKeys = new IdempotencyKeys(store, system)
    this.intents = new DurableIntents({
      system,
      store,
      journal: this.journal,
      core: this.core.state,
      host: this,
      idempotencyKeys: this.idempotencyKeys,
      planner: planner ?? null,
      dispatch: (event) => this.dispatch(event),
      nextTask: () => this.nextTask++,
    })
    this.book = new UsageBook(this.journal, system)
    this.effectRunner = new EffectRunner({
      store,
      book: this.book,
      intents: this.intents,
      relays: this.relays,
      sink: (task) => this.sink(task),
      dispatch: (event) => this.dispatch(event),
      noteIdle: () => this.noteIdle(),
      epoch,
      leaseTtlMs: this.core.state.settings.leaseTtlMs,
    })
    this.barrier = new CommitBarrier(this.journal, this.intents, this.effectRunner)
  }

  /** Begins to live: what was left open is taken up, scouts can be reached through `links`, and time passes. */
  start(links: ScoutLinks): void {
    this.effectRunner.links = links
    this.intents.recover()
    this.every(tickMs, () => this.dispatch({ type: 'tick' }))
    this.every(forgetEveryMs, () => this.forget())
  }

  private every(ms: number, action: () => void): void {
    const at = this.timers.length
    const again = () => {
      this.timers[at] = this.system.after(ms, again)
      action()
    }
    this.timers[at] = this.system.after(ms, again)
  }

  /** Removes a portion of what has outlived its time. */
  private forget(): void {
    const nowMs = this.system.wallMs()
    if (this.journal.trouble !== null || this.intents.isReviving) return
    try {
      this.store.forgetBefore(nowMs - retentionMs, nowMs - idempotencyMs, forgetPortion)
    } catch (error) {
      // The store is in trouble, which the journal finds out by itself; there is another time to forget.
      if (!(error instanceof StoreError)) throw error
    }
  }

  /** Takes nothing new and resolves when no scout works on anything any more. */
  drain(): Promise<void> {
    this.dispatch({ type: 'drain' })
    return new Promise((resolve) => {
      this.idleWaiters.push(resolve)
      this.noteIdle()
    })
  }

  /** Ends what clients still wait for with `hub_draining`, commits what can be committed, and stops the clock. */
  stop(): void {
    const cause = fault('hub_draining', 'The orchestrator stopped before the answer was complete. Send it again.')
    for (const task of [...this.relays.keys()]) this.dispatch({ type: 'cancel', task, fault: cause })
    this.book.flush()
    this.journal.flush()
    for (const timer of this.timers) timer.cancel()
    this.timers = []
  }

  // ------------------------------------------------------------ client side

  submit(submission: Submission): Answer {
    const { tenant, kind, model, stream, body } = submission
    const task = this.nextTask++
    const created = Math.floor(this.system.wallMs() / 1000)
    const routing = { ...defaultRouting, ...submission.routing }
    const { continues } = routing
    const relay = new Relay({ task, tenant, kind, stream, created, request: body, continues }, this)
    this.relays.set(task, relay)
    const deadlineMs = Math.min(submission.deadlineMs ?? requestDeadlineMs, requestDeadlineMs)
    const rank = { weight: submission.weight ?? 1, priority: chatPriority }
    const promptBytes = body.length
    this.dispatch({ type: 'submit', task, tenant, ...rank, kind, model, stream, promptBytes, deadlineMs, routing })
    return relay
  }

  models() {
    return this.listings.models()
  }

  model(id: string) {
    return this.listings.models().find((model) => model.id === id)
  }

  scouts() {
    return this.listings.scouts()
  }

  scout(id: string) {
    return this.listings.scout(id)
  }

  keepAnswer(scope: IdempotencyScope, make: () => Promise<KeptAnswer | Fault>) {
    return this.idempotencyKeys.keep(scope, this.journal, make)
  }

  ready(): boolean {
    return this.timers.length > 0 && !this.core.state.draining
  }

  stats(): EngineStats {
    const { attempts, staleSettlements, finished } = this.effectRunner
    return { ...this.listings.counts(), tasksFinished: finished, attempts, staleSettlements }
  }

  // ------------------------------------------------------------ scout side

  joined(greeting: Greeting): void {
    this.listings.greeted(greeting)
    const { session, operator, hello } = greeting
    const { name, instance, concurrency } = hello
    const held = hello.held.map(([task, attempt, nonce]) => ({ task, attempt, nonce }))
    const scout = `${operator}/${name}`
    const offers = unpackOffers(hello.offers)
    this.dispatch({ type: 'scoutJoined', session, scout, operator, instance, concurrency, offers, held })
    this.dispatch({ type: 'claimsEnded', session })
  }

  credit(session: number, count: number): void {
    this.dispatch({ type: 'credit', session, count })
  }

  offers(session: number, { concurrency, offers }: FrameOf<'offers'>): void {
    this.dispatch({ type: 'scoutOffers', session, concurrency, offers: unpackOffers(offers) })
  }

  started(session: number, { task, attempt, provider }: FrameOf<'started'>): void {
    this.dispatch({ type: 'started', session, task, attempt, provider })
  }

  chunk(session: number, frame: FrameOf<'chunk'>, body: Uint8Array): void {
    const { task, attempt } = frame
    const heard = this.heard(session, task, attempt)
    if (heard === undefined) return
    const flaw = heard.sink.chunk(heard.attemptStream, frame, body)
    if (flaw !== null) this.dispatch({ type: 'attemptBroken', task, attempt, fault: flaw })
  }

  settle(session: number, frame: FrameOf<'settle'>, body: Uint8Array): void {
    const { task, attempt, nonce, outcome, provider, credits } = frame
    const sink = this.sink(task)
    const attemptStream = sink?.attemptStream(attempt, session)
    if (attemptStream !== undefined && outcome === 'done') {
      const flaw = sink!.settle(attemptStream, frame, body)
      if (flaw !== null) this.dispatch({ type: 'attemptBroken', task, attempt, fault: flaw })
    }
    const cause = outcome === 'done' ? null : reportedFault(frame)
    const tokens = attemptStream?.tokens ?? 0
    const usedTokens =
      attemptStream === undefined ? 0 : attemptStream.usage.promptTokens + attemptStream.usage.completionTokens
    const told = { session, task, attempt, nonce, outcome, provider, credits }
    this.dispatch({ type: 'settle', ...told, fault: cause, tokens, usedTokens })
  }

  broken(session: number, task: number, attempt: number, cause: Fault): void {
    if (this.heard(session, task, attempt) === undefined) return
    this.dispatch({ type: 'attemptBroken', task, attempt, fault: cause })
  }

  alive(session: number, task: number, attempt: number): void {
    this.heard(session, task, attempt)
  }

  heartbeat(session: number): void {
    this.dispatch({ type: 'heartbeat', session })
    this.standings.heard(session, this.system.nowMs())
  }

  draining(session: number): void {
    this.dispatch({ type: 'scoutDraining', session })
  }

  gone(session: number): void {
    this.listings.gone(session)
    this.standings.gone(session)
    this.dispatch({ type: 'scoutGone', session, unsent: this.barrier.recall(session) })
    this.noteIdle()
  }

  private sink(task: number): AnswerSink | undefined {
    return this.relays.get(task) ?? this.intents.sink(task)
  }

  /** The stream of this attempt, its sign of life noted; an attempt that nobody listens to is told to stop. */
  private heard(
    session: number,
    task: number,
    attempt: number,
  ): { sink: AnswerSink; attemptStream: AttemptStream } | undefined {
    const sink = this.sink(task)
    const attemptStream = sink?.attemptStream(attempt, session)
    const nowMs = this.system.nowMs()
    if (sink === undefined || attemptStream === undefined) {
      this.dispatch({ type: 'renewed', session, task, attempt })
      return undefined
    }
    if (nowMs - attemptStream.lastHeardMs >= renewEveryMs) {
      attemptStream.lastHeardMs = nowMs
      this.dispatch({ type: 'renewed', session, task, attempt })
    }
    return { sink, attemptStream }
  }

  // ------------------------------------------------------------ what carriers ask

  contentBegan(task: number, attempt: number): void {
    this.dispatch({ type: 'contentBegan', task, attempt })
  }

  flow(session: number, task: number, attempt: number, paused: boolean): void {
    this.effectRunner.links?.send(session, { type: 'flow', task, attempt, paused })
  }

  position(task: number): number | null {
    return this.listings.position(task)
  }

  abandon(task: number): void {
    this.dispatch({ type: 'cancel', task, fault: fault('cancelled', 'The client closed the request.') })
  }

  // ------------------------------------------------------------ the writer

  /** Steps the core through this event and whatever its effects bring about, in order. */
  private dispatch(event: Event): void {
    this.inbox.push(event)
    if (this.stepping) return
    this.stepping = true
    try {
      for (let next = this.inbox.shift(); next !== undefined; next = this.inbox.shift()) {
        this.core.step(next, this.system.nowMs(), this.effects)
        this.barrier.pass(this.effects)
      }
    } finally {
      this.stepping = false
    }
  }

  private noteIdle(): void {
    if (this.idleWaiters.length === 0 || this.relays.size > 0) return
    // Leases that wait for their scout do not hold up an end: the next start takes them up.
    if (this.listings.counts().tasksLeased > 0) return
    for (const wake of this.idleWaiters.splice(0)) wake()
  }
}

/** A stranger's account of what went wrong, in our words where it uses others. */
function reportedFault(frame: FrameOf<'settle'>): Fault {
  const code = isReportable(frame.fault) ? frame.fault : 'scout_error'
  const message = plainMessage(frame.message) || 'The scout gave no reason.'
  const { param, retryAfterMs } = frame
  return fault(code, message, { ...(param !== '' && { param }), ...(retryAfterMs > 0 && { retryAfterMs }) })
}
