/**
 * Hundreds of seeded lives of a core: scouts, clients and strangers do whatever they like, honest or not, in random
 * order, and now and then the hub dies and is built anew from what it persisted. After every step the invariants must
 * hold, the store must agree, and a small model of the world outside checks each effect: nobody is spoken to who is not
 * there, no task ends twice, no credit is used that was not granted, nobody is asked whom the client excluded.
 */
import { describe, expect, test } from 'vitest'
import { Core } from '../../orchestrator/core/core.ts'
import type { Wishes } from '../../orchestrator/core/entities.ts'
import type { Effect, Event } from '../../orchestrator/core/events.ts'
import { violations } from '../../orchestrator/core/invariants.ts'
import { type CoreSettings, defaultCoreSettings } from '../../orchestrator/core/settings.ts'
import { plainWishes, sameNonce } from '../../orchestrator/core/task.ts'
import { Chance, operatorOf } from '../support/chance.ts'
import { countingNonces, type EffectOf, type Grant } from '../support/core-harness.ts'
import { StoreMirror } from '../support/store-mirror.ts'

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

/** A task as the world sees it. */
interface Ward {
  durable: boolean
  wishes: Wishes
  attempt: number
  /** Attempts under way. */
  live: Map<number, Grant>
  finished: boolean
  /** The attempt whose content its client has seen last; 0 before. */
  content: number
  moves: number
}

/** How often each thing happened, so that a walk that never gets anywhere is noticed. */
type Tally = Record<'hedges' | 'moves' | 'intentsDone' | 'resumedAfterRestart' | 'restarts', number>

class World {
  nowMs = 5_000
  private core: Core
  private readonly chance: Chance
  private readonly mirror = new StoreMirror()
  private readonly wards = new Map<number, Ward>()
  private readonly makeNonce = countingNonces()
  private boots = 0
  trace = 0n

  constructor(
    private readonly seed: number,
    private readonly tally: Tally,
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
    // Some hubs are told to drain before the end, and every second one dies a few times.
    const drainAt = this.seed % 8 === 0 ? steps - 200 : -1
    for (let at = 0; at < steps; at++) {
      const event = at === drainAt ? ({ type: 'drain' } as const) : this.anything()
      if (this.seed % 2 === 0 && this.chance.chance(0.002)) this.crash(event)
      else this.step(event)
    }
    this.rest()
  }

  private anything(): Event {
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
    const { wheel, tasks, roster, index, intents } = this.core.state
    const left = [wheel.armed, tasks.size, intents.size, roster.bySession.size, [...index.offerClasses()].length]
    if (left.some((count) => count > 0)) this.fail(`left over at the end: ${left}`)
  }

  private tick(byMs: number): void {
    this.nowMs += byMs
    this.step({ type: 'tick' })
  }

  private step(event: Event): void {
    this.before(event)
    const effects = this.core.step(event, this.nowMs, []) ?? this.perform(event)
    void effects
  }
}
