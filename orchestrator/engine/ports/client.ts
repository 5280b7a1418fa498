/**
 * What the client edge asks of the engine: submit a request and pull its answer, and look at models, scouts and
 * counts. Durable intents have a port of their own in `intents.ts`. `main.ts` connects both sides.
 */

import type { Fault } from '../../../shared/faults.ts'
import type { TrustWord } from '../../../shared/scouts/trust-words.ts'
import type { Offer, Served, TaskKind } from '../../../shared/task.ts'
import type { Cost } from '../../core/fleet/cost.ts'
import type { RoutingOptions } from '../../core/model/routing-options.ts'
import type { LastHour } from '../../core/stats/hour-counts.ts'
import type { LimitKind, RateStanding, Tenants } from '../../tenants/tenants.ts'
import type { ChargedKey } from './charged-key.ts'
import type { LedgerReport } from './ledger/ledger.ts'
import type { NetworkLedgerReport } from './network/network-ledger.ts'
import type { Responses } from './responses.ts'
import type { Appeals } from './trust/appeals.ts'
import type { Disputes } from './trust/disputes.ts'
import type { TrustFilter, TrustReport } from './trust/trust-report.ts'
import type { HistoryRow, ServedDay, UsageFilter, UsagePoint, UsedTotals } from './usage.ts'

export interface Submission {
  /** Whose key asked; fairness counts per tenant. */
  tenant: string
  /** The key that pays; without one nothing is limited. */
  key?: ChargedKey
  /** 0 (least) to 9; a chat's when absent. */
  priority?: number
  /** The tenant's turns in the queue for each one of another's; 1 when absent. */
  weight?: number
  kind: TaskKind
  /** A model's name, or `auto`. */
  model: string
  stream: boolean
  /** The request as it arrived; forwarded untouched. */
  body: Uint8Array
  /** The client's own limit, milliseconds from now; the hub's limit when absent. */
  deadlineMs?: number
  /** What the client asked of placement and retries. */
  routing?: Partial<RoutingOptions>
  /** As which task another hub knows it, for which it is done. */
  asker?: string
}

/** The id that a client sees. */
export function answerId(kind: TaskKind, task: number): string {
  return `${kind === 'embed' ? 'embd' : 'chatcmpl'}-${task.toString(36)}`
}

/** How an answer ended. */
export type AnswerEnd =
  /** Not streamed: the answer; streamed: the tail with usage. JSON of one object, see `ProviderAnswer`. */
  | { type: 'done'; body: Uint8Array }
  /** `forwardedBytes` of content had reached the client's side before. */
  | { type: 'failed'; fault: Fault; forwardedBytes: number }

/** Everything that has become known since the last look. Lines are JSON objects without a line break, checked. */
export interface AnswerPart {
  lines: Uint8Array[]
  end: AnswerEnd | null
}

/** One answer on its way. Pulled: what the reader does not take stays in a bounded buffer and holds the scout back. */
export interface Answer {
  /** `chatcmpl-…` or `embd-…`: the id the client sees. */
  readonly id: string
  /** Seconds since 1970. */
  readonly created: number
  /** Who serves it; null until a scout has it, final from the first line or the end on. */
  readonly served: Served | null
  /** Attempts begun so far and milliseconds spent waiting for the first scout. */
  readonly attempts: number
  readonly queuedMs: number
  /** Terms of the placement cost of the scout that serves it, milliseconds. */
  readonly cost: Cost | null
  /** What audits have shown of who serves it; null where nobody audits, and until somebody serves it. */
  readonly trust: TrustWord | null
  /** What it cost, in millionths of a dollar; null until it has ended. */
  readonly microDollars: number | null
  /** Whether the task waits for a scout, and how many are before it. */
  position(): number | null
  /** What there is; null when there is nothing new. After a part with an `end` there is never another. */
  take(): AnswerPart | null
  /**
   * Calls `wake` once, as soon as `take` has something: before this returns if it has already, else in the middle of
   * what brings it, so that who is woken takes it later. One waiter at a time.
   */
  onReadable(wake: () => void): void
  /** The client is gone: stop the work, which ends the answer as cancelled. Harmless after the end. */
  abandon(): void
}

export interface ModelListing {
  id: string
  kinds: TaskKind[]
  /** Connected scouts that offer it, and how many of them could start at once. */
  scouts: number
  idle: number
  providers: string[]
  contextTokens: number
  /** Sum of ability bits that some offer of it has. */
  abilities: number
  /** What a specialist is good for; empty for a plain model. */
  about: string
  /** The lowest prices asked for it; null when unknown. As in an offer. */
  promptPrice: number | null
  answerPrice: number | null
  /** What some of its idle scouts showed; null while none of them has served it. */
  speed: { firstContentMs: number; tokensPerSecond: number } | null
  /** Seconds since 1970 when this hub first saw it. */
  created: number
}

export interface ScoutListing {
  id: string
  name: string
  operator: string
  agent: string
  address: string
  connectedAt: string
  phase: string
  concurrency: number
  credits: number
  inFlight: number
  done: number
  failed: number
  failureRate: number
  offers: Offer[]
}

/** A scout of a list, with its last hour in figures and in words. */
export interface ScoutStanding extends ScoutListing {
  /** Its place in the order of the list. */
  session: number
  lastHour: LastHour
  /** Whether it gets work, and if not, why and what helps. */
  verdict: string[]
}

/** Which scouts a list has: those that match all that is given. */
export interface ScoutFilter {
  operator?: string
  /** A part of the name; case does not count. */
  name?: string
  show?: ScoutShow
}

/** In some trouble: failing often, paused by a provider, or without a task for long. */
export type ScoutShow = 'failing' | 'paused' | 'idle'

/** How many of the connected scouts are in which trouble. */
export type FleetHealth = Record<ScoutShow, number>

/** One offer of a scout, and what is known about how it serves it. */
export interface OfferStatus extends Offer {
  /** How fast it was; null while it has not served this model yet. */
  speed: { firstContentMs: number; tokensPerSecond: number; samples: number } | null
  /** Until its provider takes this model again, milliseconds; null while it does. */
  resumesInMs: number | null
  /** What placing a plain request there would cost now; null while it is paused. */
  cost: Cost | null
}

/** A scout and what placement knows of it. */
export interface ScoutDetail extends ScoutListing {
  /** Sockets under this identity; what is shown of a socket is the newest one's. */
  sessions: number
  /** Tasks at once the hub trusts it with, at most its concurrency; fractions are earned towards the next. */
  window: number
  /** How often its identity was considered for a task, got it or lost it, and to what. */
  lastHour: LastHour
  verdict: string[]
  standings: OfferStatus[]
}

/** What makes a request repeatable: the same key with another body is another request. */
export interface IdempotencyScope {
  tenant: string
  /** As in `POST /v1/intents`. */
  route: string
  key: string
  /** SHA-256 of the request's body, hex. */
  bodyHash: string
}

/** An answer as it goes to the client. */
export interface KeptAnswer {
  status: number
  body: Uint8Array<ArrayBuffer>
}

/** What the scouts that dialled this hub itself can do. */
export interface LocalFleet {
  scouts: number
  /** Tasks they take at once, credits not used yet, tasks they have. */
  concurrency: number
  credits: number
  running: number
  /** Tasks that wait for a scout, whoever asked for them. */
  queued: number
  /** Durable intents that are under way here. */
  intents: number
  /** One for each kind and name, by name. */
  models: LocalModel[]
}

export interface LocalModel {
  /** What one or another of them offers; prices are the lowest ones. */
  offer: Offer
  scouts: number
  idle: number
}

/** The network of hubs that this one belongs to, for its operator. */
export interface HubNetwork {
  listing(): NetworkListing
  /** Other hubs that are here, and messages that did not count, by reason. */
  counts(): { here: number; dropped: Readonly<Record<string, number>> }
  /** Null where this hub gives no receipts. */
  readonly ledger: NetworkLedgerReport | null
}

export interface NetworkListing {
  /** Hash of the first roster, hexadecimal. */
  network: string
  epoch: number
  threshold: number
  /** Whether this hub takes part, and if not, why. */
  standing: 'member' | 'removed' | 'forked' | 'double'
  /** Null while the servers between hubs are connected; else a clause that says why not. */
  apart: string | null
  /** Messages of others that did not count, by reason. */
  dropped: Readonly<Record<string, number>>
  hubs: HubListing[]
}

export interface HubListing {
  name: string
  url: string
  isSelf: boolean
  /** `unheard`: not since this hub was started. */
  state: 'here' | 'gone' | 'unheard'
  /** Milliseconds since its last word; null when unheard, and of this hub itself. */
  silentMs: number | null
  scouts: number
  credits: number
  running: number
  /** Null of a hub that was not heard, or does not tell. */
  intents: HubIntents | null
  /** What it may use of this hub; null while there is no link, and of this hub itself. */
  borrows: HubLoan | null
  /** Rows are absent for models that were named only. */
  models: HubModel[]
  /** Models beyond those. */
  moreModels: number
}

export interface HubIntents {
  /** Under way there. */
  open: number
  /** Taken over from other hubs since its process was started. */
  taken: number
}

export interface HubLoan {
  /** Credits that were granted and not used yet. */
  credits: number
  running: number
}

export interface HubModel {
  id: string
  row: { kind: TaskKind; scouts: number; idle: number; contextTokens: number } | null
}

export interface EngineStats {
  scouts: number
  tasksQueued: number
  tasksLeased: number
  tasksFinished: Readonly<Record<string, number>>
  attempts: number
  staleSettlements: number
  creditsHeld: number
  /** Rows of usage that could not be booked, and those given up because the store did not recover in time. */
  usageUnbooked: number
  usageDropped: number
  /** What was used since the start of the process. */
  used: Readonly<Record<TaskKind, Readonly<UsedTotals>>>
  /** Requests and tasks that a limit of their key has stopped, by what it counts. */
  stopped: Readonly<Record<LimitKind, number>>
  /** Long answers that wait to be checked. */
  answersInCheck: number
  /** Bytes of answers under way that are kept for who looks at them. */
  watchedBytes: number
}

/** A request of a key whose rates are limited. */
export interface Begun {
  /** Which limit stops it; null when it may go on. */
  refused: Fault | null
  /** What is left of the rates of the key and of its account: now, or when it began. */
  rates: () => readonly RateStanding[]
}

/** What the client edge may ask. */
export interface Engine {
  /** Counts a request among those of its key. Of keys without rates it need not be asked. */
  begin(key: ChargedKey): Begun | Promise<Begun>
  submit(submission: Submission): Answer
  /** Models that live scouts offer now, sorted by name. */
  models(): readonly ModelListing[]
  /** Those of them that a key with these scopes may use. */
  modelsFor(scopes: ChargedKey['scopes']): readonly ModelListing[]
  model(id: string): ModelListing | undefined
  /** At most `count` connected scouts behind this session, in the order in which they connected. */
  scoutsAfter(session: number, count: number, filter: ScoutFilter): ScoutStanding[]
  /** The session of the scout that connected last, also when it has left; -1 before the first. */
  newestSession(): number
  fleet(): FleetHealth
  /** Whether answers are audited: else no scout is trusted. */
  readonly isAuditing: boolean
  /** What audits found out about scouts, of one owner or one scout if that is given; null where nobody audits. */
  trustReport(of: TrustFilter): TrustReport | null
  /** A connected scout by its id. */
  scout(id: string): ScoutDetail | undefined
  /** Answers that clients may come back for. */
  readonly responses: Responses
  /**
   * Why nobody will serve this model: no scout offers it, nor did one a moment ago. Null when one does, or may be on
   * its way back. The fault names no other models than those `allowed`, where that is given.
   */
  missingModel(kind: TaskKind, model: string, allowed?: readonly string[] | null): Fault | null
  /** Whether that is not known yet: the hub has just started, and its scouts are coming back. */
  awaitsModel(kind: TaskKind, model: string): boolean
  /**
   * The answer that was kept for this request; else `make` is called, and what it makes is kept before it comes back.
   * A fault it makes is not kept. Other faults: the first request is under way, its body was another one, the store
   * cannot write.
   */
  keepAnswer(
    scope: IdempotencyScope,
    make: () => Promise<KeptAnswer | Fault>,
  ): Promise<(KeptAnswer & { replayed: boolean }) | Fault>
  /** Rates and budgets of keys. */
  readonly tenants: Pick<Tenants, 'rates' | 'budgets'>
  /** What was used, but for the last second's. */
  usagePoints(filter: UsageFilter): UsagePoint[]
  /** The last day on which each key of a tenant was used, from this day on. */
  lastUses(tenant: string, fromDay: number): { key: string; day: number }[]
  /** The charts' quarters of an hour that were kept, from this slot on, oldest first. */
  history(fromSlot: number): HistoryRow[]
  /** Keeps a quarter, some time soon. */
  keepHistory(row: HistoryRow): void
  /** What a scout served by the day, from this one on, oldest first; but for the last minute's. */
  daysOfScout(scout: string, fromDay: number): ServedDay[]
  /** Null in a hub that gives no receipts. */
  readonly ledger: LedgerReport | null
  /** Null in a hub that hears none. */
  readonly disputes: Disputes | null
  /** Null in a hub that convicts nobody. */
  readonly appeals: Appeals | null
  stats(): EngineStats
  /** False while starting or draining. */
  ready(): boolean
}
