/**
 * Hundreds of seeded lives of a core: scouts, clients and strangers do whatever they like, honest or not, in random
 * order. After every step the invariants must hold, and a small model of the world outside checks each effect: nobody
 * is spoken to who is not there, no task ends twice, no credit is used that was not granted.
 */
import { describe, expect, test } from 'vitest'
import { Core } from '../../orchestrator/core/core.ts'
import type { Effect, Event } from '../../orchestrator/core/events.ts'
import { violations } from '../../orchestrator/core/invariants.ts'
import { Random } from '../../orchestrator/core/random.ts'
import { type CoreSettings, defaultCoreSettings } from '../../orchestrator/core/settings.ts'
import { plainWishes } from '../../orchestrator/core/task.ts'
import { type FaultCode, fault, faultTable } from '../../shared/faults.ts'
import { type Offer, outcomes, type TaskKind } from '../../shared/task.ts'
import { countingNonces, type Grant } from '../support/core-harness.ts'

const seeds = 320
const steps = 2_000

/** Small figures, so that every bound and every deadline is met often. */
const settings: CoreSettings = {
  ...defaultCoreSettings,
  leaseTtlMs: 600,
  leaseGraceMs: 50,
  returnsMax: 3,
  retryBaseMs: 20,
  retryCapMs: 100,
  elsewhereMs: 150,
  cancelResendMs: 100,
  queueTimeoutMs: 800,
  firstSignMs: 300,
  firstSignMsPerKiB: 1,
  resumeWindowMs: 200,
  readyTasksMax: 6,
  readyTasksPerTenantMax: 4,
  modelGraceMs: 300,
  creditMax: 4,
  recordsMax: 3,
  committedKept: 8,
}

const models = ['a', 'b', 'c']
const names = ['s1', 's2', 's3', 's4']
const codes = Object.keys(faultTable) as FaultCode[]

/** A socket as the world sees it. */
interface Peer {
  session: number
  scout: string
  instance: string
  offers: Offer[]
  capacity: number
  credits: number
}

interface Ward {
  attempt: number
  finished: boolean
  content: boolean
}

class World {
  nowMs = 5_000
  readonly core: Core
  private readonly random: Random
  private readonly peers = new Map<number, Peer>()
  private readonly tasks = new Map<number, Ward>()
  /** The last grants, also of those long over: what an honest or a hostile scout may speak about. */
  private readonly grants: Grant[] = []
  private nextSession = 1
  private nextTask = 1
  trace = 0n

  constructor(
    private readonly seed: number,
    private readonly isTraced = false,
  ) {
    this.random = new Random(seed * 7919)
    const bootGraceMs = seed % 3 === 0 ? 400 : 0
    const own = { ...settings, bootGraceMs }
    this.core = new Core({ settings: own, seed, nowMs: this.nowMs, makeNonce: countingNonces() })
  }

  live(): void {
    // Some hubs are told to drain before the end.
    const drainAt = this.seed % 8 === 0 ? steps - 200 : -1
    for (let at = 0; at < steps; at++) this.step(at === drainAt ? { type: 'drain' } : this.anything())
    this.rest()
  }

  /** Nothing more happens but the passing of time: everything must come to its end. */
  private rest(): void {
    for (let waitedMs = 0; waitedMs < 3_000; waitedMs += 50) this.tick(50)
    const unfinished = [...this.tasks].filter(([, ward]) => !ward.finished)
    if (unfinished.length > 0) this.fail(`tasks ${unfinished.map(([id]) => id)} never ended`)
    for (const session of [...this.peers.keys()]) this.leave(session)
    for (let waitedMs = 0; waitedMs < 1_000; waitedMs += 50) this.tick(50)
    const { wheel, tasks, roster, index } = this.core.state
    const left = [wheel.armed, tasks.size, roster.bySession.size, [...index.offerClasses()].length]
    if (left.some((count) => count > 0)) this.fail(`left over at the end: ${left}`)
  }

  private tick(byMs: number): void {
    this.nowMs += byMs
    this.step({ type: 'tick' })
  }

  private step(event: Event): void {
    const effects: Effect[] = []
    this.before(event)
    this.core.step(event, this.nowMs, effects)
    const broken = violations(this.core.state)
    if (broken.length > 0) this.fail(`after ${event.type}: ${broken.join('; ')}`)
    if (this.isTraced) this.trace = BigInt(Bun.hash(JSON.stringify(effects), this.trace))
    let verdicts = 0
    const closing: number[] = []
    for (const effect of effects) {
      if ('session' in effect && !this.peers.has(effect.session)) this.fail(`${effect.type} to nobody`)
      if ('session' in effect && closing.includes(effect.session)) this.fail(`${effect.type} after the close`)
      if (effect.type === 'verdict') verdicts++
      if (effect.type === 'closeSession') closing.push(effect.session)
      this.check(event, effect)
    }
    const isHeard = event.type === 'settle' && this.peers.has(event.session)
    if (verdicts !== (isHeard ? 1 : 0)) this.fail(`${verdicts} verdicts for ${event.type}`)
    for (const session of closing) this.leave(session)
  }

  /** What the world knows of an event before the core does. */
  private before(event: Event): void {
    if (event.type === 'contentBegan') {
      const ward = this.tasks.get(event.task)
      const leases = this.core.state.tasks.get(event.task)?.leases
      if (ward && leases?.some((lease) => lease.attempt === event.attempt)) ward.content = true
    }
    if (event.type === 'scoutGone') this.peers.delete(event.session)
    if (event.type === 'scoutOffers') {
      const peer = this.peers.get(event.session)!
      peer.capacity = Math.min(event.concurrency, settings.creditMax)
      peer.credits = Math.min(peer.credits, peer.capacity)
      peer.offers = event.offers
    }
    if (event.type === 'credit') {
      const peer = this.peers.get(event.session)!
      if (peer.credits + event.count <= peer.capacity) peer.credits += event.count
    }
  }

  private check(event: Event, effect: Effect): void {
    switch (effect.type) {
      case 'grant':
        return this.checkGrant(effect)
      case 'finished': {
        const ward = this.tasks.get(effect.task)
        if (ward === undefined || ward.finished) return this.fail(`task ${effect.task} ended again`)
        ward.finished = true
        if (effect.fault !== null) return
        const isEarned = event.type === 'settle' && event.outcome === 'done' && event.task === effect.task
        return isEarned && event.attempt === ward.attempt ? undefined : this.fail(`task ${effect.task} done by nobody`)
      }
      case 'attemptVoid': {
        const ward = this.tasks.get(effect.task)!
        if (ward.content || ward.attempt !== effect.attempt) this.fail(`task ${effect.task} void after content`)
        return
      }
      case 'verdict': {
        const ward = this.tasks.get(effect.task)
        if (effect.verdict === 'committed' && ward === undefined) this.fail('an unknown task was committed')
        return
      }
      case 'closeSession': {
        if (event.type === 'credit' || effect.why === 'superseded') return
        return this.fail(`closed for ${effect.why} by ${event.type}`)
      }
    }
  }

  private checkGrant(grant: Grant): void {
    const peer = this.peers.get(grant.session)!
    const ward = this.tasks.get(grant.task)!
    if (peer.credits <= 0) this.fail('a grant without a credit')
    peer.credits--
    if (!peer.offers.some((offer) => offer.kind === grant.kind && offer.model === grant.model)) {
      this.fail(`${grant.model} granted to a scout without it`)
    }
    if (ward.finished || ward.content) this.fail('a grant after content or end')
    if (grant.attempt !== ward.attempt + 1) this.fail('an attempt number was left out')
    ward.attempt = grant.attempt
    this.grants.push(grant)
    if (this.grants.length > 40) this.grants.shift()
  }

  private fail(what: string): never {
    throw new Error(`seed ${this.seed}, at ${this.nowMs} ms: ${what}`)
  }

  // ------------------------------------------------------------ chance

  private chance(share: number): boolean {
    return this.random.unit() < share
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.random.below(from.length)]!
  }

  private anything(): Event {
    const peer = this.peers.size === 0 ? undefined : this.pick([...this.peers.values()])
    const dice = this.random.below(100)
    if (dice < 20) return this.submit()
    if (dice < 30 || peer === undefined) return this.chance(0.25) || this.peers.size > 5 ? this.passing() : this.join()
    if (dice < 45) return this.passing()
    if (dice < 60) return this.credit(peer)
    if (dice < 62) return { type: 'scoutGone', session: peer.session }
    if (dice < 64) return this.offers(peer)
    if (dice < 65) return { type: 'scoutDraining', session: peer.session }
    if (dice < 69) return { type: 'heartbeat', session: peer.session }
    if (dice < 72) return this.cancel()
    return this.word(peer)
  }

  private passing(): Event {
    this.nowMs += this.chance(0.01) ? 3_000 : this.random.below(80)
    return { type: 'tick' }
  }

  private submit(): Event {
    const task = this.nextTask++
    this.tasks.set(task, { attempt: 0, finished: false, content: false })
    return {
      type: 'submit',
      task,
      wishes: plainWishes,
      tenant: this.pick(['t1', 't2', 't3']),
      weight: this.pick([1, 1, 0.5, 3]),
      priority: this.pick([5, 5, 9]),
      kind: this.kind(),
      model: this.pick(['a', 'a', 'b', 'c', 'auto', 'unknown']),
      stream: this.chance(0.5),
      promptBytes: this.random.below(100_000),
      deadlineMs: this.pick([0, 100, 1_000, 2_000]),
    }
  }

  private kind(): TaskKind {
    return this.chance(0.9) ? 'chat' : 'embed'
  }

  private someOffers(): Offer[] {
    const offered = models.filter(() => this.chance(0.5))
    if (this.chance(0.1)) offered.push('auto', 'a')
    return offered.map((model) => ({ kind: this.kind(), model, provider: this.pick(['p', 'q']), contextTokens: 0 }))
  }

  private join(): Event {
    const session = this.nextSession++
    const scout = this.pick(names)
    const instance = this.pick(['i', 'j'])
    const concurrency = this.pick([0, 1, 2, 4, 256])
    const offers = this.someOffers()
    const capacity = Math.min(concurrency, settings.creditMax)
    this.peers.set(session, { session, scout, instance, offers, capacity, credits: 0 })
    const held = this.grants
      .filter((grant) => grant.served.scout === scout && this.chance(0.8))
      .map(({ task, attempt, nonce }) => ({ task, attempt, nonce: this.chance(0.1) ? new Uint8Array(16) : nonce }))
    return { type: 'scoutJoined', session, scout, operator: scout, instance, concurrency, offers, held }
  }

  private offers({ session }: Peer): Event {
    return { type: 'scoutOffers', session, concurrency: this.pick([0, 1, 3, 256]), offers: this.someOffers() }
  }

  private credit({ session, capacity, credits }: Peer): Event {
    const room = capacity - credits
    const isWild = this.chance(0.05)
    return { type: 'credit', session, count: isWild ? this.random.below(257) : this.random.below(room + 1) }
  }

  private cancel(): Event {
    const task = this.chance(0.1) ? 999_999 : 1 + this.random.below(this.nextTask)
    return { type: 'cancel', task, fault: fault('cancelled', 'The client left.') }
  }

  /** A scout speaks of an attempt: mostly of one it has, sometimes of another's, of an old one or of none at all. */
  private word(peer: Peer): Event {
    const own = this.grants.filter((grant) => grant.session === peer.session)
    const grant =
      own.length > 0 && this.chance(0.8) ? own.at(-1 - this.random.below(Math.min(3, own.length))) : undefined
    const known = grant ?? (this.grants.length > 0 && this.chance(0.7) ? this.pick(this.grants) : undefined)
    const session = this.chance(0.05) ? this.nextSession + 5 : (grant?.session ?? peer.session)
    const task = known?.task ?? this.random.below(2 * this.nextTask)
    const attempt = this.chance(0.05) ? this.random.below(5) : (known?.attempt ?? 1)
    const nonce = known === undefined || this.chance(0.1) ? new Uint8Array(16) : known.nonce
    const dice = this.random.below(10)
    if (dice < 2) return { type: 'started', session, task, attempt, provider: 'p' }
    if (dice < 3) return { type: 'contentBegan', task, attempt }
    if (dice < 5) return { type: 'renewed', session, task, attempt }
    if (dice < 6) return { type: 'attemptBroken', task, attempt, fault: fault('chunk_gap', 'A gap.') }
    const outcome = this.chance(0.5) ? 'done' : this.pick(outcomes)
    const retryAfterMs = this.pick([0, 100, 500, 86_400_000])
    const why = outcome === 'done' ? null : fault(this.pick(codes), 'It went wrong.', { retryAfterMs })
    return { type: 'settle', session, task, attempt, nonce, outcome, fault: why, tokens: this.random.below(50) }
  }

  private leave(session: number): void {
    if (this.peers.has(session)) this.step({ type: 'scoutGone', session })
  }
}

describe('random lives', () => {
  test(`${seeds} of them, ${steps} steps each, break no invariant and end every task once`, () => {
    for (let seed = 1; seed <= seeds; seed++) new World(seed).live()
  })

  test('the same seed gives the same effects, another seed others', () => {
    const trace = (seed: number) => {
      const world = new World(seed, true)
      world.live()
      return world.trace
    }
    const traces = [1, 2, 3, 8].map(trace)
    expect([1, 2, 3, 8].map(trace)).toEqual(traces)
    expect(new Set(traces).size).toBe(4)
  })
})
