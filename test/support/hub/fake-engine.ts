/**
 * An engine in memory for tests of the client edge: it accepts every submission, and the test plays scout and hub by
 * writing into the answers. It counts what the edge takes, so that a test can see whether a slow reader is bounded.
 */

import type { Cost } from '../../../orchestrator/core/fleet/cost.ts'
import { IdempotencyKeys } from '../../../orchestrator/engine/durability/idempotency.ts'
import { Journal } from '../../../orchestrator/engine/durability/journal.ts'
import { KeptResponses } from '../../../orchestrator/engine/durability/kept-responses.ts'
import type { ChargedKey } from '../../../orchestrator/engine/ports/charged-key.ts'
import type {
  Answer,
  AnswerEnd,
  AnswerPart,
  Begun,
  Engine,
  EngineStats,
  FleetHealth,
  IdempotencyScope,
  KeptAnswer,
  ModelListing,
  ScoutDetail,
  ScoutFilter,
  ScoutListing,
  ScoutStanding,
  Submission,
} from '../../../orchestrator/engine/ports/client.ts'
import type { LedgerReport } from '../../../orchestrator/engine/ports/ledger/ledger.ts'
import type { Appeals } from '../../../orchestrator/engine/ports/trust/appeals.ts'
import type { Disputes } from '../../../orchestrator/engine/ports/trust/disputes.ts'
import type { ScoutTrust, TrustFilter, TrustReport } from '../../../orchestrator/engine/ports/trust/trust-report.ts'
import type { HistoryRow, ServedDay, UsageFilter, UsagePoint } from '../../../orchestrator/engine/ports/usage.ts'
import { memoryStore } from '../../../orchestrator/store/memory/store.ts'
import { Tenants } from '../../../orchestrator/tenants/tenants.ts'
import { type Fault, fault } from '../../../shared/faults.ts'
import { type KeyScopes, matchesAny } from '../../../shared/keys/key-terms.ts'
import { realSystem } from '../../../shared/system.ts'
import type { Served, TaskKind } from '../../../shared/task.ts'

const encode = (text: string) => new TextEncoder().encode(text)

export class FakeAnswer implements Answer {
  cost: Cost | null = null
  trust: Answer['trust'] = null
  microDollars: number | null = null
  readonly created = 1_700_000_000
  attempts = 1
  queuedMs = 7
  served: Served | null = null
  takes = 0
  /** Resolves when the edge gives up the work. */
  readonly abandoned: Promise<void>
  /** Lines made on demand: one per take, without end. */
  endless: string | null = null
  private waitingBehind: number | null = null
  private lines: Uint8Array[] = []
  private end: AnswerEnd | null = null
  private wake: (() => void) | null = null
  private markAbandoned: () => void = () => {}

  constructor(
    readonly id: string,
    readonly submission: Submission,
  ) {
    this.abandoned = new Promise((resolve) => {
      this.markAbandoned = resolve
    })
  }

  /** The task waits, with `before` others ahead of it; null when it does not. */
  waits(before: number | null): this {
    this.waitingBehind = before
    return this
  }

  serve(served: Served = { scout: 'ant', provider: 'demo', model: 'llama' }): this {
    this.served = served
    return this
  }

  line(json: string): this {
    this.lines.push(encode(json))
    return this.stir()
  }

  done(json = '{"choices":[]}'): this {
    this.end = { type: 'done', body: encode(json) }
    return this.stir()
  }

  fail(fault: Fault, forwardedBytes = 0): this {
    this.end = { type: 'failed', fault, forwardedBytes }
    return this.stir()
  }

  flood(json: string): this {
    this.endless = json
    return this.stir()
  }

  position(): number | null {
    return this.waitingBehind
  }

  take(): AnswerPart | null {
    if (!this.hasNews()) return null
    this.takes++
    const part = { lines: this.endless === null ? this.lines : [encode(this.endless)], end: this.end }
    this.lines = []
    this.end = null
    return part
  }

  onReadable(wake: () => void): void {
    if (this.wake !== null) throw new Error('two waiters at one answer')
    if (this.hasNews()) wake()
    else this.wake = wake
  }

  abandon(): void {
    this.markAbandoned()
    this.fail(fault('cancelled', 'The client closed the request.'))
  }

  private hasNews(): boolean {
    return this.lines.length > 0 || this.end !== null || this.endless !== null
  }

  private stir(): this {
    const { wake } = this
    this.wake = null
    wake?.()
    return this
  }
}

export class FakeEngine implements Engine {
  isReady = true
  modelListings: ModelListing[] = []
  health: FleetHealth = { failing: 0, paused: 0, idle: 0 }
  scoutListings: ScoutListing[] = []
  scoutDetails: ScoutDetail[] = []
  /** Keeps answers as the real one does. */
  readonly store = memoryStore()
  readonly idempotencyKeys = new IdempotencyKeys(this.store, realSystem())
  readonly tenants = new Tenants({ ofKey: () => [], ofAccount: () => [] })
  readonly journal = new Journal(this.store, realSystem())
  readonly responses = new KeptResponses(this.store, this.journal)
  ledger: LedgerReport | null = null
  disputes: Disputes | null = null
  appeals: Appeals | null = null
  /** Why a model is not served, by its name. */
  readonly missing = new Map<string, Fault>()
  /** Models that may still come. */
  readonly awaited = new Set<string>()
  /** How often that was asked. */
  looks = 0
  /** Plays the hub: called with each new answer before the edge sees it. */
  script: (answer: FakeAnswer) => void = () => {}
  readonly answers: FakeAnswer[] = []
  private waiters: ((answer: FakeAnswer) => void)[] = []

  begin(key: ChargedKey): Begun {
    const now = { wallMs: Date.now(), nowMs: performance.now() }
    return { refused: this.tenants.begin(key, now), rates: () => this.tenants.rates(key, now) }
  }

  submit(submission: Submission): Answer {
    const answer = new FakeAnswer(`chatcmpl-${this.answers.length}`, submission)
    this.answers.push(answer)
    this.script(answer)
    for (const waiter of this.waiters.splice(0)) waiter(answer)
    return answer
  }

  /** The answer of the next submission. */
  submitted(): Promise<FakeAnswer> {
    return new Promise((resolve) => {
      this.waiters.push(resolve)
    })
  }

  modelsFor({ models }: Pick<KeyScopes, 'models'>): readonly ModelListing[] {
    return models === null ? this.modelListings : this.modelListings.filter(({ id }) => matchesAny(models, id))
  }

  usagePoints(filter: UsageFilter): UsagePoint[] {
    return this.store.usagePoints(filter)
  }

  models(): ModelListing[] {
    return this.modelListings
  }

  model(id: string): ModelListing | undefined {
    return this.modelListings.find((listing) => listing.id === id)
  }

  missingModel(_: TaskKind, model: string): Fault | null {
    return this.missing.get(model) ?? null
  }

  awaitsModel(_: TaskKind, model: string): boolean {
    this.looks++
    return this.awaited.has(model)
  }

  scoutsAfter(session: number, count: number, { name, operator, show }: ScoutFilter): ScoutStanding[] {
    const isAsked = (scout: ScoutStanding) =>
      (name === undefined || scout.name.includes(name)) && (operator === undefined || scout.operator === operator)
    const none = { considered: 0, won: 0, lostLatency: 0, lostPrice: 0, lostCapacity: 0, lostTrust: 0 }
    const lastHour = { ...none, done: 0, failed: 0 }
    return this.scoutListings
      .map((listing, at) => ({ ...listing, session: at, lastHour, verdict: ['It is in good order.'] }))
      .filter((scout) => scout.session > session && isAsked(scout) && show === undefined)
      .slice(0, count)
  }

  lastUses(tenant: string, fromDay: number) {
    return this.store.lastUses(tenant, fromDay)
  }

  history(fromSlot: number): HistoryRow[] {
    return this.store.history(fromSlot)
  }

  keepHistory(row: HistoryRow): void {
    this.store.commit([{ write: 'history', row }])
  }

  daysOfScout(scout: string, fromDay: number): ServedDay[] {
    return this.store.servedDays(scout, fromDay)
  }

  trust: TrustReport | null = null

  get isAuditing(): boolean {
    return this.trust !== null
  }

  trustReport({ owner, scout }: TrustFilter): TrustReport | null {
    const { trust } = this
    const isMeant = (one: ScoutTrust) => one.owner === (owner ?? one.owner) && one.scout === (scout ?? one.scout)
    return trust && { ...trust, scouts: trust.scouts.filter(isMeant) }
  }

  newestSession(): number {
    return this.scoutListings.length - 1
  }

  fleet(): FleetHealth {
    return this.health
  }

  scout(id: string): ScoutDetail | undefined {
    return this.scoutDetails.find((scout) => scout.id === id)
  }

  keepAnswer(scope: IdempotencyScope, make: () => Promise<KeptAnswer | Fault>) {
    return this.idempotencyKeys.keep(scope, this.journal, make)
  }

  stats(): EngineStats {
    return {
      scouts: 3,
      tasksQueued: 2,
      tasksLeased: 1,
      tasksFinished: { done: 5, failed: 4 },
      attempts: 6,
      staleSettlements: 0,
      usageUnbooked: 11,
      usageDropped: 12,
      answersInCheck: 13,
      watchedBytes: 24,
      used: {
        chat: { promptTokens: 14, completionTokens: 15, microDollars: 16, estimated: 17 },
        embed: { promptTokens: 18, completionTokens: 0, microDollars: 19, estimated: 20 },
      },
      stopped: { requests: 21, tokens: 22, budget: 23 },
      creditsHeld: 9,
    }
  }

  ready(): boolean {
    return this.isReady
  }
}
