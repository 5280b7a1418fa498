/**
 * The single writer around the core. Clients and scouts hand it facts; it feeds them to `core.step` one after another,
 * and then performs the effects: frames to scouts, ends to readers. It owns time for the core (one tick), the table of
 * relays, and nothing else: what to decide is the core's, what to say on a socket the gateway's.
 */

import { type Fault, fault, isReportable, plainMessage } from '../../shared/faults.ts'
import { heartbeatMs, requestDeadlineMs, silenceMs, tickMs } from '../../shared/limits.ts'
import { type FrameOf, nonceBytes, protocolVersion } from '../../shared/protocol/frames.ts'
import type { System, Timer } from '../../shared/system.ts'
import type { Offer } from '../../shared/task.ts'
import { Core } from '../core/core.ts'
import type { Effect, Event } from '../core/events.ts'
import { type CoreSettings, defaultCoreSettings } from '../core/settings.ts'
import { plainWishes } from '../core/task.ts'
import { Listings } from './listings.ts'
import type { Answer, Engine, EngineStats, Greeting, ScoutEvents, ScoutLinks, Submission } from './ports.ts'
import { Relay, type RelayHost } from './relay.ts'

/** A renewal is told to the core at most this often per attempt; a third of the shortest useful lease. */
/** Somebody waits in front of a screen: before durable intents, which default to 3, behind the most urgent of them. */
const chatPriority = 5
const renewEveryMs = 5_000

export interface HubEngineOptions {
  system: System
  /** From the store; makes task numbers unique across restarts. */
  epoch: number
  settings?: Partial<CoreSettings>
  seed?: number
}

export class HubEngine implements Engine, ScoutEvents, RelayHost {
  readonly core: Core
  private readonly system: System
  private readonly epoch: number
  private readonly relays = new Map<number, Relay>()
  private readonly listings: Listings
  private links: ScoutLinks | null = null
  private nextTask: number
  private timer: Timer | null = null
  private idleWaiters: (() => void)[] = []

  /** Events that arrived while another was being worked on, and the effects of the current one. */
  private readonly inbox: Event[] = []
  private readonly effects: Effect[] = []
  private stepping = false

  private readonly finished: Record<string, number> = {}
  private attempts = 0
  private staleSettlements = 0

  constructor({ system, epoch, settings, seed }: HubEngineOptions) {
    this.system = system
    this.epoch = epoch
    this.nextTask = epoch * 2 ** 32
    const random = seed ?? Math.floor(system.random() * Number.MAX_SAFE_INTEGER)
    this.core = new Core({
      settings: { ...defaultCoreSettings, ...settings },
      seed: random,
      nowMs: system.nowMs(),
      makeNonce: () => system.randomBytes(nonceBytes),
    })
    this.listings = new Listings(this.core.state, system)
  }

  /** Begins to live: scouts can be reached through `links`, and time passes. */
  start(links: ScoutLinks): void {
    this.links = links
    const tick = () => {
      this.dispatch({ type: 'tick' })
      this.timer = this.system.after(tickMs, tick)
    }
    tick()
  }

  /** Takes nothing new and resolves when nothing is under way any more. */
  drain(): Promise<void> {
    this.dispatch({ type: 'drain' })
    return new Promise((resolve) => {
      this.idleWaiters.push(resolve)
      this.noteIdle()
    })
  }

  /** Ends what is still under way with `hub_draining` and stops the clock. */
  stop(): void {
    const cause = fault('hub_draining', 'The orchestrator stopped before the answer was complete. Send it again.')
    for (const task of [...this.relays.keys()]) this.dispatch({ type: 'cancel', task, fault: cause })
    this.timer?.cancel()
    this.timer = null
  }

  // ------------------------------------------------------------ client side

  submit(submission: Submission): Answer {
    const { tenant, kind, model, stream, body } = submission
    const task = this.nextTask++
    const created = Math.floor(this.system.wallMs() / 1000)
    const relay = new Relay(task, kind, stream, created, body, this)
    this.relays.set(task, relay)
    const deadlineMs = Math.min(submission.deadlineMs ?? requestDeadlineMs, requestDeadlineMs)
    const wishes = { ...plainWishes, ...submission.wishes }
    const rank = { weight: submission.weight ?? 1, priority: chatPriority }
    const promptBytes = body.length
    this.dispatch({ type: 'submit', task, tenant, ...rank, kind, model, stream, promptBytes, deadlineMs, wishes })
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

  ready(): boolean {
    return this.timer !== null && !this.core.state.draining
  }

  stats(): EngineStats {
    const { attempts, staleSettlements, finished } = this
    return { ...this.listings.counts(), tasksFinished: finished, attempts, staleSettlements }
  }

  // ------------------------------------------------------------ scout side

  joined(greeting: Greeting): void {
    this.listings.greeted(greeting)
    const { session, operator, hello } = greeting
    const { name, instance, concurrency } = hello
    const held = hello.held.map(([task, attempt, nonce]) => ({ task, attempt, nonce }))
    const scout = `${operator}/${name}`
    const offers = offersOf(hello.offers)
    this.dispatch({ type: 'scoutJoined', session, scout, operator, instance, concurrency, offers, held })
  }

  credit(session: number, count: number): void {
    this.dispatch({ type: 'credit', session, count })
  }

  offers(session: number, { concurrency, offers }: FrameOf<'offers'>): void {
    this.dispatch({ type: 'scoutOffers', session, concurrency, offers: offersOf(offers) })
  }

  started(session: number, { task, attempt, provider }: FrameOf<'started'>): void {
    this.dispatch({ type: 'started', session, task, attempt, provider })
  }

  chunk(session: number, frame: FrameOf<'chunk'>, body: Uint8Array): void {
    const relay = this.heard(session, frame.task, frame.attempt)
    if (relay === undefined) return
    const flaw = relay.chunk(frame, body)
    if (flaw !== null) this.dispatch({ type: 'attemptBroken', task: frame.task, attempt: frame.attempt, fault: flaw })
  }

  settle(session: number, frame: FrameOf<'settle'>, body: Uint8Array): void {
    const { task, attempt, nonce, outcome } = frame
    const relay = this.relays.get(task)
    const listening = relay?.listensTo(session, attempt)
    if (listening && outcome === 'done') {
      const flaw = relay!.settle(frame, body)
      if (flaw !== null) this.dispatch({ type: 'attemptBroken', task, attempt, fault: flaw })
    }
    const cause = outcome === 'done' ? null : reportedFault(frame)
    const tokens = listening ? relay!.tokens : 0
    this.dispatch({ type: 'settle', session, task, attempt, nonce, outcome, fault: cause, tokens })
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
  }

  draining(session: number): void {
    this.dispatch({ type: 'scoutDraining', session })
  }

  gone(session: number): void {
    this.listings.gone(session)
    this.dispatch({ type: 'scoutGone', session })
  }

  /** The relay of this attempt, its sign of life noted; an attempt that nobody listens to is told to stop. */
  private heard(session: number, task: number, attempt: number): Relay | undefined {
    const relay = this.relays.get(task)
    const nowMs = this.system.nowMs()
    if (relay?.listensTo(session, attempt)) {
      if (nowMs - relay.lastHeardMs >= renewEveryMs) {
        relay.lastHeardMs = nowMs
        this.dispatch({ type: 'renewed', session, task, attempt })
      }
      return relay
    }
    this.dispatch({ type: 'renewed', session, task, attempt })
    return undefined
  }

  // ------------------------------------------------------------ what relays ask

  contentBegan(task: number, attempt: number): void {
    this.dispatch({ type: 'contentBegan', task, attempt })
  }

  flow(session: number, task: number, attempt: number, paused: boolean): void {
    this.links?.send(session, { type: 'flow', task, attempt, paused })
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
        for (const effect of this.effects) this.perform(effect)
        this.effects.length = 0
      }
    } finally {
      this.stepping = false
    }
  }

  private perform(effect: Effect): void {
    switch (effect.type) {
      case 'grant':
        return this.grant(effect)
      case 'cancelAttempt': {
        const { session, task, attempt, reason } = effect
        return this.links?.send(session, { type: 'cancel', task, attempt, reason })
      }
      case 'welcome':
        return this.welcome(effect)
      case 'verdict': {
        const { session, task, attempt, verdict } = effect
        if (verdict === 'stale') this.staleSettlements++
        return this.links?.send(session, { type: 'settled', task, attempt, verdict })
      }
      case 'servedBy':
        return this.relays.get(effect.task)?.servedBy(effect.attempt, effect.served)
      case 'attemptVoid':
        return this.relays.get(effect.task)?.reset()
      case 'finished': {
        const outcome = effect.fault?.code ?? 'done'
        this.finished[outcome] = (this.finished[outcome] ?? 0) + 1
        this.relays.get(effect.task)?.finish(effect.fault, effect.queuedMs)
        this.relays.delete(effect.task)
        return this.noteIdle()
      }
      case 'closeSession':
        return this.links?.close(effect.session, effect.why)
    }
  }

  private grant(effect: Extract<Effect, { type: 'grant' }>): void {
    const { session, task, attempt, nonce, kind, model, stream, ttlMs, deadlineMs, served, queuedMs } = effect
    const relay = this.relays.get(task)
    if (relay === undefined) return
    this.attempts++
    relay.begin(attempt, session, served, queuedMs)
    const size = relay.request.length
    const lease = { task, attempt, nonce, kind, model, stream, ttlMs, deadlineMs, size, body: null }
    this.links?.send(session, { type: 'task', ...lease }, relay.request)
  }

  private welcome({ session, scout, creditMax, held }: Extract<Effect, { type: 'welcome' }>): void {
    const replies: FrameOf<'welcome'>['held'] = []
    for (const { task, attempt, verdict } of held) {
      const relay = this.relays.get(task)
      replies.push([task, attempt, verdict, verdict === 'resumed' ? (relay?.seq ?? 0) : 0])
    }
    const leaseTtlMs = this.core.state.settings.leaseTtlMs
    const terms = { version: protocolVersion, epoch: this.epoch, scout, heartbeatMs, silenceMs, leaseTtlMs, creditMax }
    this.links?.send(session, { type: 'welcome', ...terms, held: replies })
    // After the welcome: a scout hears nothing else before it.
    for (const { task, verdict } of held) if (verdict === 'resumed') this.relays.get(task)?.resume(session)
  }

  private noteIdle(): void {
    if (this.relays.size > 0 || this.idleWaiters.length === 0) return
    for (const wake of this.idleWaiters.splice(0)) wake()
  }
}

function offersOf(wire: FrameOf<'hello'>['offers']): Offer[] {
  return wire.map(([kind, model, provider, contextTokens]) => ({ kind, model, provider, contextTokens }))
}

/** A stranger's account of what went wrong, in our words where it uses others. */
function reportedFault(frame: FrameOf<'settle'>): Fault {
  const code = isReportable(frame.fault) ? frame.fault : 'scout_error'
  const message = plainMessage(frame.message) || 'The scout gave no reason.'
  return fault(code, message, frame.retryAfterMs > 0 ? { retryAfterMs: frame.retryAfterMs } : undefined)
}
