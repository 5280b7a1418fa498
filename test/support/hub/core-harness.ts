/**
 * A core under test: time moves only with `pass`, after every step the invariants and the mirrored store are checked,
 * and scouts can be made, credited and answered with one call each. `take` returns the effects since its last call.
 */

import { Core } from '../../../orchestrator/core/core.ts'
import type { Accept, AcceptedTask, Effect, Event, ScoutJoined, Submit } from '../../../orchestrator/core/events.ts'
import { violations } from '../../../orchestrator/core/invariants.ts'
import type { Capability } from '../../../orchestrator/core/model/object-graph.ts'
import { defaultRouting } from '../../../orchestrator/core/model/routing-options.ts'
import { type CoreSettings, defaultCoreSettings } from '../../../orchestrator/core/settings.ts'
import { type FaultCode, fault } from '../../../shared/faults.ts'
import { tickMs } from '../../../shared/limits/scheduling.ts'
import { type Offer, type Outcome, offerOf } from '../../../shared/task.ts'
import { StoreMirror } from '../store/store-mirror.ts'

export type EffectOf<Type extends Effect['type']> = Extract<Effect, { type: Type }>
export type Grant = EffectOf<'grant'>

/** Round figures, so that a test's times can be read. */
const benchSettings: CoreSettings = {
  ...defaultCoreSettings,
  leaseTtlMs: 3_000,
  leaseGraceMs: 500,
  retryBaseMs: 100,
  retryCapMs: 1_000,
  elsewhereMs: 2_000,
  cancelResendMs: 200,
  queueTimeoutMs: 10_000,
  firstSignMs: 2_000,
  firstSignMsPerKiB: 10,
  resumeWindowMs: 1_000,
  modelGraceMs: 4_000,
  bootGraceMs: 0,
  creditMax: 8,
}

export function offersOf(...models: string[]): Offer[] {
  return models.map((model) => offerOf({ kind: 'chat', model, provider: `${model}-provider` }))
}

/** Nonces that differ and carry the order in which they were made. */
export function countingNonces(): () => Uint8Array {
  let made = 0
  return () => {
    const nonce = new Uint8Array(16)
    new DataView(nonce.buffer).setUint32(0, ++made)
    return nonce
  }
}

export class CoreHarness {
  nowMs = 1_000
  readonly core: Core
  readonly settings: CoreSettings
  /** What a store would hold of the durable tasks. */
  readonly mirror = new StoreMirror()
  private effects: Effect[] = []
  private nextSession = 1
  private nextTask = 1

  constructor(settings: Partial<CoreSettings> = {}, seed = 1) {
    this.settings = { ...benchSettings, ...settings }
    this.core = new Core({ settings: this.settings, seed, nowMs: this.nowMs, makeNonce: countingNonces() })
  }

  get state() {
    return this.core.state
  }

  /** One step; throws when it breaks an invariant. The effects are returned and also kept for `take`. */
  step(event: Event): Effect[] {
    const effects: Effect[] = []
    this.mirror.receive(event, this.nowMs)
    this.core.step(event, this.nowMs, effects)
    this.mirror.commit(effects)
    const broken = [...violations(this.core.state), ...this.mirror.differences(this.core)]
    if (broken.length > 0) throw new Error(`after ${event.type}: ${broken.join('; ')}`)
    this.effects.push(...effects)
    return effects
  }

  /** Lets time pass, tick by tick. */
  pass(durationMs: number): Effect[] {
    const effects: Effect[] = []
    for (const endMs = this.nowMs + durationMs; this.nowMs < endMs; ) {
      this.nowMs = Math.min(endMs, this.nowMs + tickMs)
      effects.push(...this.step({ type: 'tick' }))
    }
    return effects
  }

  /** The effects of one type since the last look at that type. */
  take<Type extends Effect['type']>(type: Type): EffectOf<Type>[] {
    const found = this.effects.filter((effect) => effect.type === type) as EffectOf<Type>[]
    this.effects = this.effects.filter((effect) => effect.type !== type)
    return found
  }

  /** The one grant since the last look. */
  grant(): Grant {
    const grants = this.take('grant')
    if (grants.length !== 1) throw new Error(`${grants.length} grants instead of one`)
    return grants[0]!
  }

  submit(fields: Partial<Submit> = {}): number {
    const task = this.nextTask++
    const plain = {
      tenant: 'tenant',
      weight: 1,
      priority: 5,
      kind: 'chat',
      model: 'm',
      stream: true,
      promptBytes: 0,
      deadlineMs: 60_000,
      routing: defaultRouting,
    } as const
    this.step({ type: 'submit', task, ...plain, ...fields })
    return task
  }

  /**
   * Accepts the intent `int` as nodes with their needs, parents first; the last one makes its result. `as` is how
   * the store remembers single nodes. The numbers of the tasks come back by node.
   */
  accept<Node extends string>(
    nodes: Record<Node, NoInfer<Node>[]>,
    fields: Partial<Accept> = {},
    as: Partial<Record<Node, Partial<AcceptedTask>>> = {},
  ): Record<Node, number> {
    const names = Object.keys(nodes) as Node[]
    const ids = Object.fromEntries(names.map((name) => [name, this.nextTask++])) as Record<Node, number>
    const tasks = names.map((name): AcceptedTask => {
      const needs = nodes[name].map((need) => ids[need])
      return { ...this.accepted(ids[name], needs, as[name]?.control), ...as[name] }
    })
    const rank = { tenant: 'tenant', weight: 1, priority: 5, deadlineMs: 60_000, budgetTokens: null }
    this.step({ type: 'accept', intent: 'int', ...rank, result: ids[names.at(-1)!], tasks, ...fields })
    return ids
  }

  /** A task as it is planned. */
  accepted(task: number, needs: number[] = [], control = false): AcceptedTask {
    const state = control || needs.length > 0 ? 'blocked' : 'ready'
    const begun = { attempt: 0, charged: 0, returned: 0, lease: null, usedTokens: 0, terms: {} }
    return { task, kind: 'chat', model: 'm', promptBytes: 0, control, needs, state, ...begun }
  }

  /** Expands a control node by these tasks, each with what it needs; the control node waits for all. */
  expand(task: number, needs: number[][], control: boolean[] = []): number[] {
    const ids = needs.map(() => this.nextTask++)
    const tasks = ids.map((id, at) => this.accepted(id, needs[at], control[at]))
    this.step({ type: 'expanded', task, tasks, waitFor: ids })
    return ids
  }

  /** What was persisted since the last look, in short. */
  changes(): string[] {
    return this.take('persist').map(({ change }) => {
      if (change.change === 'intentEnd') return `${change.intent} ${change.state}`
      return change.change === 'end' ? `${change.task} ${change.state}` : `${change.change} ${change.task}`
    })
  }

  /** How one session serves a chat model, as placement sees it. */
  capability(session: number, model: string): Capability {
    const { capabilities } = this.state.roster.bySession.get(session)!
    return capabilities.find(({ entry }) => entry.kind === 'chat' && entry.model === model)!
  }

  /** A scout that has sent its hello; returns its session. */
  join(models: string[], credits = 0, fields: Partial<ScoutJoined> = {}): number {
    const session = this.nextSession++
    const scout = fields.scout ?? `operator/s${session}`
    const who = { scout, operator: 'operator', instance: `i${session}`, concurrency: 4, held: [] }
    this.step({ type: 'scoutJoined', session, ...who, offers: offersOf(...models), ...fields })
    if (credits > 0) this.credit(session, credits)
    return session
  }

  credit(session: number, count: number): Effect[] {
    return this.step({ type: 'credit', session, count })
  }

  gone(session: number): Effect[] {
    return this.step({ type: 'scoutGone', session })
  }

  started(grant: Grant): Effect[] {
    const { session, task, attempt } = grant
    return this.step({ type: 'started', session, task, attempt, provider: 'p' })
  }

  content({ task, attempt }: Grant): Effect[] {
    return this.step({ type: 'contentBegan', task, attempt })
  }

  settle(grant: Grant, outcome: Outcome = 'done', code: FaultCode = 'scout_error', retryAfterMs = 0): Effect[] {
    const { session, task, attempt, nonce } = grant
    const extra = retryAfterMs > 0 ? { retryAfterMs } : undefined
    const cause = outcome === 'done' ? null : fault(code, `It said ${code}.`, extra)
    return this.step({
      type: 'settle',
      session,
      task,
      attempt,
      nonce,
      outcome,
      fault: cause,
      tokens: 10,
      provider: '',
      credits: 0,
    })
  }

  /** How the task ended; throws unless it has, exactly once, since the last look. */
  ended(task: number): EffectOf<'finished'> {
    const ends = this.take('finished').filter((effect) => effect.task === task)
    if (ends.length !== 1) throw new Error(`task ${task} ended ${ends.length} times`)
    return ends[0]!
  }
}

/** Two scouts with credit, one task on one of them. */
export function pair(settings = {}): { bench: CoreHarness; task: number; grant: Grant; other: number } {
  const bench = new CoreHarness(settings)
  const sessions = [bench.join(['m'], 4), bench.join(['m'], 4)]
  const task = bench.submit()
  const grant = bench.grant()
  return { bench, task, grant, other: sessions.find((session) => session !== grant.session)! }
}
