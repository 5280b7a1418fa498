/**
 * Hundreds of seeded lives of a core: scouts, clients and strangers do whatever they like, honest or not, in random
 * order, and now and then the hub dies and is built anew from what it persisted. After every step the invariants must
 * hold, the store must agree, and a small model of the world outside checks each effect: nobody is spoken to who is not
 * there, no task ends twice, no credit is used that was not granted, nobody is asked whom the client excluded.
 */
import { describe, expect, test } from 'vitest'
import { Core } from '../../../orchestrator/core/core.ts'
import type { Effect, Event } from '../../../orchestrator/core/events.ts'
import { violations } from '../../../orchestrator/core/invariants.ts'
import { sameNonce } from '../../../orchestrator/core/model/nonce.ts'
import { defaultRouting, type RoutingOptions } from '../../../orchestrator/core/model/routing-options.ts'
import { type CoreSettings, defaultCoreSettings } from '../../../orchestrator/core/settings.ts'
import { Chance, operatorOf } from '../../support/hub/chance.ts'
import { countingNonces, type EffectOf, type Grant } from '../../support/hub/core-harness.ts'
import { StoreMirror } from '../../support/store/store-mirror.ts'

const seeds = 240
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
  firstContentMs: 400,
  contentSilenceMs: 250,
  hedgeSamplesMin: 3,
  hedgeAfterMinMs: 60,
  resumeWindowMs: 200,
  readyTasksMax: 6,
  readyTasksPerTenantMax: 4,
  modelGraceMs: 300,
  creditMax: 4,
  recordsMax: 3,
  committedKept: 8,
}

/** An attempt under way. */
interface Run {
  nonce: Uint8Array
  scout: string
  /** Under which life of the hub it was granted. */
  boot: number
}

/** A task as the world sees it. */
interface Ward {
  isDurable: boolean
  routing: RoutingOptions
  attempt: number
  /** By attempt. */
  runs: Map<number, Run>
  finished: boolean
  /** The attempt whose content its client has seen last; 0 before. */
  content: number
  moves: number
}

/** How often each thing happened, so that walks that never get anywhere are noticed. */
const plainTally = {
  restarts: 0,
  resumedAfterRestart: 0,
  unclaimed: 0,
  hedges: 0,
  outrun: 0,
  moves: 0,
  constrained: 0,
  intentsDone: 0,
  control: 0,
  expanded: 0,
  decidedTooLate: 0,
}
type Tally = typeof plainTally

class World {
  nowMs = 5_000
  private core: Core
  private readonly chance: Chance
  private readonly mirror = new StoreMirror()
  private readonly wards = new Map<number, Ward>()
  private readonly makeNonce = countingNonces()
  /** Control nodes that wait for a decision. */
  private undecided: number[] = []
  private boots = 0
  trace = 0n

  constructor(
    private readonly seed: number,
    private readonly tally: Tally = { ...plainTally },
    private readonly isTraced = false,
  ) {
    this.chance = new Chance(seed, settings.creditMax)
    this.core = this.boot()
  }

  private boot(): Core {
    const bootGraceMs = this.boots++ > 0 || this.seed % 3 === 0 ? 400 : 0
    const own = { ...settings, bootGraceMs }
    return new Core({ settings: own, seed: this.seed + this.boots, nowMs: this.nowMs, makeNonce: this.makeNonce })
  }

  live(): void {
    // Some hubs drain before the end, and every second one dies a few times.
    const drainAt = this.seed % 8 === 0 ? steps - 200 : -1
    for (let at = 0; at < steps; at++) {
      const event: Event = at === drainAt ? { type: 'drain' } : this.anything()
      if (this.seed % 2 === 0 && this.chance.chance(0.002)) this.crash(event)
      else this.step(event)
    }
    this.rest()
  }

  private anything(): Event {
    if (this.undecided.length > 0 && this.chance.chance(0.3)) return this.chance.decision(this.undecided.shift()!)
    const event = this.chance.anything()
    if (event !== 'pass') return event
    this.nowMs += this.chance.passingMs()
    return { type: 'tick' }
  }

  /** Nothing more happens but the passing of time: everything must come to its end. */
  private rest(): void {
    for (let waitedMs = 0; waitedMs < 3_000; waitedMs += 50) this.tick(50)
    const unfinished = [...this.wards].filter(([, ward]) => !ward.finished)
    if (unfinished.length > 0) this.fail(`tasks ${unfinished.map(([id]) => id)} never ended`)
    for (const session of [...this.chance.peers.keys()]) this.leave(session)
    for (let waitedMs = 0; waitedMs < 1_000; waitedMs += 50) this.tick(50)
    // Tenants whose tasks ended scouts are remembered for a minute.
    for (let waitedMs = 0; waitedMs < 62_000; waitedMs += 1_000) this.tick(1_000)
    const { wheel, tasks, intents, roster, index } = this.core.state
    const left = [wheel.armed, tasks.size, intents.size, roster.bySession.size, [...index.offerClasses()].length]
    if (left.some((count) => count > 0)) this.fail(`left over at the end: ${left}`)
  }

  private tick(byMs: number): void {
    for (const task of this.undecided.splice(0)) this.step(this.chance.decision(task))
    this.nowMs += byMs
    this.step({ type: 'tick' })
  }

  private leave(session: number): void {
    if (this.chance.peers.has(session)) this.step({ type: 'scoutGone', session })
  }

  private step(event: Event, isRecovery = false): void {
    const effects = this.decide(event)
    this.mirror.commit(effects)
    const broken = violations(this.core.state)
    if (!isRecovery) broken.push(...this.mirror.differences(this.core))
    if (broken.length > 0) this.fail(`after ${event.type}: ${broken.join('; ')}`)
    if (this.isTraced) this.trace = BigInt(Bun.hash(JSON.stringify(effects), this.trace))
    this.perform(event, effects)
  }

  private decide(event: Event): Effect[] {
    const effects: Effect[] = []
    this.before(event)
    this.core.step(event, this.nowMs, effects)
    return effects
  }

  /** The hub dies around a commit: what it decided is in the store or not, and none of it was done. */
  private crash(event: Event): void {
    const effects = this.decide(event)
    if (this.chance.chance(0.5)) this.mirror.commit(effects)
    this.tally.restarts++
    this.chance.peers.clear()
    this.undecided = []
    this.core = this.boot()
    // What the last commit expanded.
    for (const id of this.mirror.tasks.keys()) if (!this.wards.has(id)) this.take(id, defaultRouting, true)
    for (const [id, ward] of this.wards) {
      const stored = ward.isDurable ? this.mirror.tasks.get(id) : undefined
      ward.runs.clear()
      // Clients of what is not durable lose their connection; what is over in the store is over.
      if (stored === undefined || isOver(stored.state)) ward.finished = true
      else ward.attempt = stored.attempt
      if (stored?.lease) ward.runs.set(stored.attempt, { ...stored.lease, boot: this.boots - 1 })
    }
    for (const intent of this.mirror.recover(this.nowMs)) this.step(intent, true)
  }

  private perform(event: Event, effects: Effect[]): void {
    let verdicts = 0
    const closing: number[] = []
    for (const effect of effects) {
      if ('session' in effect && !this.chance.peers.has(effect.session)) this.fail(`${effect.type} to nobody`)
      if ('session' in effect && closing.includes(effect.session)) this.fail(`${effect.type} after the close`)
      if (effect.type === 'verdict') verdicts++
      if (effect.type === 'closeSession') closing.push(effect.session)
      this.check(event, effect)
    }
    const isHeard = event.type === 'settle' && this.chance.peers.has(event.session)
    if (verdicts !== (isHeard ? 1 : 0)) this.fail(`${verdicts} verdicts for ${event.type}`)
    for (const session of closing) this.leave(session)
  }

  /** What the world notes of an event before the core receives it. */
  private before(event: Event): void {
    const { peers } = this.chance
    if (event.type === 'submit') this.take(event.task, event.routing, false)
    if (event.type === 'expanded') this.mirror.receive(event, this.nowMs)
    if (event.type === 'decided' && this.core.state.tasks.get(event.task) === undefined) this.tally.decidedTooLate++
    if (event.type === 'accept' && !this.mirror.intents.has(event.intent)) {
      this.mirror.receive(event, this.nowMs)
      for (const { task } of event.tasks) this.take(task, defaultRouting, true)
    }
    if (event.type === 'contentBegan') {
      const ward = this.wards.get(event.task)
      if (ward && !ward.isDurable && ward.runs.has(event.attempt)) ward.content = event.attempt
    }
    if (event.type === 'scoutGone') peers.delete(event.session)
    if (event.type === 'scoutOffers') {
      const peer = peers.get(event.session)!
      peer.capacity = Math.min(event.concurrency, settings.creditMax)
      peer.credits = Math.min(peer.credits, peer.capacity)
      peer.offers = event.offers
    }
    if (event.type === 'credit' || event.type === 'settle') {
      const count = event.type === 'credit' ? event.count : event.credits
      const peer = peers.get(event.session)
      if (peer !== undefined && peer.credits + count <= peer.capacity) peer.credits += count
    }
  }

  private take(task: number, routing: RoutingOptions, isDurable: boolean): void {
    const begun = { attempt: 0, runs: new Map(), finished: false, content: 0, moves: 0 }
    this.wards.set(task, { isDurable, routing, ...begun })
  }

  private check(event: Event, effect: Effect): void {
    switch (effect.type) {
      case 'persist':
        if (event.type === 'claimsEnded' && effect.change.change === 'release') this.tally.unclaimed++
        if (effect.change.change === 'decide') this.tally.control++
        if (effect.change.change === 'expand') this.expanded(event)
        if (effect.change.change === 'intentEnd' && effect.change.state === 'done') this.tally.intentsDone++
        return
      case 'decide':
        if (this.wards.get(effect.task)?.finished !== false) this.fail(`task ${effect.task} is to decide after its end`)
        this.undecided.push(effect.task)
        return
      case 'grant':
        return this.checkGrant(effect)
      case 'finished':
        return this.checkEnd(event, effect)
      case 'attemptVoid': {
        const { runs, content, routing } = this.wards.get(effect.task)!
        if (!runs.delete(effect.attempt)) this.fail(`an attempt of task ${effect.task} is void that does not run`)
        if (content === effect.attempt && !routing.continues) this.fail(`task ${effect.task} void after content`)
        if (runs.size > 0) this.tally.outrun++
        return
      }
      case 'welcome':
        for (const { task, attempt, verdict } of effect.held) {
          const run = this.wards.get(task)?.runs.get(attempt)
          if (verdict === 'resumed' && run === undefined) this.fail(`task ${task} resumed though it does not run`)
          if (verdict === 'resumed' && run!.boot < this.boots) this.tally.resumedAfterRestart++
        }
        return
      case 'verdict':
        if (effect.verdict === 'committed' && !this.wards.has(effect.task)) this.fail('an unknown task was committed')
        return
      case 'closeSession':
        if (event.type === 'credit' || event.type === 'settle' || effect.why === 'superseded') return
        return this.fail(`closed for ${effect.why} by ${event.type}`)
    }
  }

  private expanded(event: Event): void {
    if (event.type !== 'expanded') return this.fail(`a scroll grew by ${event.type}`)
    this.tally.expanded++
    for (const { task } of event.tasks) this.take(task, defaultRouting, true)
  }

  private checkEnd(event: Event, { task, fault }: EffectOf<'finished'>): void {
    const ward = this.wards.get(task)
    if (ward === undefined || ward.finished) return this.fail(`task ${task} ended again`)
    ward.finished = true
    if (fault !== null || (event.type === 'decided' && event.task === task)) return
    const isEarned = event.type === 'settle' && event.outcome === 'done' && event.task === task
    const run = isEarned ? ward.runs.get(event.attempt) : undefined
    if (!isEarned || !run || !sameNonce(run.nonce, event.nonce)) this.fail(`task ${task} done by nobody`)
  }

  private checkGrant(grant: Grant): void {
    const peer = this.chance.peers.get(grant.session)!
    const ward = this.wards.get(grant.task)!
    const { scout, provider } = grant.served
    const { only, ignore, continues } = ward.routing
    if (peer.credits <= 0) this.fail('a grant without a credit')
    peer.credits--
    if (!peer.offers.some((offer) => offer.kind === grant.kind && offer.model === grant.model)) {
      this.fail(`${grant.model} granted to a scout without it`)
    }
    const named = [scout, operatorOf(scout), provider]
    if (only.length > 0 && !named.some((name) => only.includes(name))) this.fail(`${named} is not among ${only}`)
    if (named.some((name) => ignore.includes(name))) this.fail(`${named} is among ${ignore}`)
    if (only.length + ignore.length > 0) this.tally.constrained++
    if (ward.finished) this.fail('a grant after the end')
    if (ward.content > 0 && !continues) this.fail('a grant after content')
    if (grant.continuing !== ward.content > 0) this.fail('begins at the wrong place')
    if (grant.continuing) this.tally.moves++
    if (grant.continuing && ++ward.moves > settings.migrationsMax) this.fail('moved too often')
    if (grant.attempt !== ++ward.attempt) this.fail('an attempt number was left out')
    for (const run of ward.runs.values()) {
      this.tally.hedges++
      if (ward.isDurable || run.scout === scout || ward.runs.size > 1) this.fail('a hedge that must not be')
    }
    ward.runs.set(grant.attempt, { nonce: grant.nonce, scout, boot: this.boots })
    this.chance.noteGrant(grant)
  }

  private fail(what: string): never {
    throw new Error(`seed ${this.seed}, at ${this.nowMs} ms: ${what}`)
  }
}

function isOver(state: string): boolean {
  return !['blocked', 'ready', 'leased'].includes(state)
}

describe('random lives', () => {
  test(`${seeds} of them, ${steps} steps each, break no invariant and end every task once`, () => {
    const tally = { ...plainTally }
    for (let seed = 1; seed <= seeds; seed++) new World(seed, tally).live()
    for (const [what, times] of Object.entries(tally)) expect([what, times > 20]).toEqual([what, true])
  }, 300_000)

  test('the same seed gives the same effects, another seed others', () => {
    const trace = (seed: number) => {
      const world = new World(seed, undefined, true)
      world.live()
      return world.trace
    }
    const traces = [1, 2, 3, 8].map(trace)
    expect([1, 2, 3, 8].map(trace)).toEqual(traces)
    expect(new Set(traces).size).toBe(4)
  })
})
