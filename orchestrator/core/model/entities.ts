/**
 * The things the core knows, and how they hang together: tasks with their leases, scouts with their records, models
 * with the classes of scouts that serve them. Data alone; each kind is changed by the module that bears its name.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { Offer, TaskKind } from '../../../shared/task.ts'
import type { TaskState, TerminalTaskState } from '../../../shared/task-state.ts'
import type { Queued, ReadyQueue } from './ready-queue.ts'
import type { Timed } from './timer-wheel.ts'

// ---------------------------------------------------------------- tasks

/**
 * What an offer, and the scout behind it, must have. A context of unknown length passes, because many providers tell
 * none; abilities and prices that are unknown do not.
 */
export interface Requirements {
  contextTokensMin?: number
  /** Sum of ability bits. */
  abilities?: number
  /** Of the prompt's and of the answer's tokens: millionths of a US dollar per million. */
  priceMax?: number
  /** Share of its newest attempts that ended well, 0 to 1; who has no record yet is not trusted. */
  trustMin?: number
}

/** What the client asked of placement and retries. */
export interface RoutingOptions {
  sort: 'latency' | 'throughput' | 'price'
  /** Scouts, operators or providers: nobody else, or not these. Empty lists wish nothing. */
  only: readonly string[]
  ignore: readonly string[]
  attemptsMax: number
  /** Ask a second scout when no content came by then: milliseconds, 0 for never, null for the model's own p95. */
  hedgeAfterMs: number | null
  /** Go on at another scout, after what was forwarded, when the first one is lost. */
  continues: boolean
  /** Nobody whose offer lacks any of this; null asks for nothing. */
  requires: Requirements | null
}

/** What was accepted as one durable whole: the tasks of a scroll. */
export interface Intent {
  id: string
  tenant: string
  weight: number
  priority: number
  /** When its time is over, whatever its tasks ask for. */
  deadlineMs: number
  /** Tasks that are not terminal. */
  open: Set<Task>
  /** Tasks that are, and what became of them. */
  ended: Map<number, TerminalTaskState>
  /** The task whose result is the intent's. */
  result: number
  resultDone: boolean
  /** Why it will not be done: the first failure, or the cancellation. */
  fault: Fault | null
  /** What is open ends as well, because the result is lost: nothing of it begins any more. */
  stopping: boolean
  /** Tokens after which nothing more of it is given out, Infinity for no limit, and those used so far. */
  budgetTokens: number
  spentTokens: number
  /** Leases of its tasks, by operator. */
  leasedBy: Map<string, number>
}

/** The right of one scout to work on one attempt. Only a settlement that names its triple can commit. */
export interface Lease {
  task: Task
  attempt: number
  nonce: Uint8Array
  /** The session that holds it, and its number; null and 0 while its scout's socket is down. */
  holder: Scout | null
  session: number
  /** Neighbours in the holder's list of leases. */
  before: Lease | null
  after: Lease | null
  /** Identity and instance that may take it up again after a reconnect. */
  scout: string
  instance: string
  /** What it was granted on; null for one that came out of the store. */
  capability: Capability | null
  /** Whose scout it is; empty for one that comes out of the store and is not heard of yet. */
  operator: string
  model: string
  provider: string
  grantedMs: number
  /** When the provider was asked; 0 before the first sign. */
  startedMs: number
  /** When the first content came; 0 before. */
  contentMs: number
  /** When the last piece of the answer came; 0 before. */
  progressMs: number
  /** When it ends, unless its holder is heard of: see `expiryOf`. */
  expiresMs: number
  /** When a second scout is asked if no content has come; Infinity for never. */
  hedgeMs: number
}

export interface Task extends Timed, Queued {
  timed: 'task'
  id: number
  state: TaskState
  /** Null unless `leased`. */
  lease: Lease | null
  /** A second one, while two scouts race. */
  hedge: Lease | null
  kind: TaskKind
  model: string
  stream: boolean
  promptBytes: number
  submittedMs: number
  /** Since when it waits for a scout; moves with every return to the queue. */
  queuedMs: number
  /** When it first left the queue, for the record; 0 before. */
  firstLeasedMs: number
  /** When the delay ends; only in `delayed`. */
  retryMs: number
  /** Charged and uncharged attempts begun: the number on the wire, monotone. */
  attempt: number
  charged: number
  returned: number
  /** Attempts that lost a race against another one of the task, or were taken back before their scout heard of them. */
  outrun: number
  /** The client has seen content: no hidden retry any more. */
  contentBegan: boolean
  /** Identities and operators that had it before. */
  triedScouts: readonly string[]
  triedOperators: readonly string[]
  lastFault: Fault | null
  routing: RoutingOptions
  /** Times a begun answer moved to another scout. */
  migrations: number
  entry: ModelEntry
  /** The model's `sought` when it last looked for a scout. */
  sought: number
  /** The durable whole it belongs to; null for a task that lives and dies with its client. */
  intent: Intent | null
  /** No scout works on it: the hub decides once its needs are terminal, done or not. */
  control: boolean
  /** Needs that are not done, of a conducted task those that are not terminal; and the tasks that need this one. */
  blockers: number
  children: Task[]
  /** Milliseconds from when it becomes ready; Infinity for the intent's own deadline. */
  ownDeadlineMs: number
  /** Scout that answered the last of its needs; it may still have the conversation's prefix. Empty for none. */
  near: string
}

// ---------------------------------------------------------------- scouts

/** How fast a model is served. Exponentially weighted, the newest sample counts a fifth. */
export interface Speed {
  firstContentMs: number
  /** 0 while unknown. */
  tokensPerSecond: number
  samples: number
}

/** What is known of an identity. `failureRate` is exponentially weighted over charged attempts, 0 to 1. */
export interface ScoutRecord {
  scout: string
  operator: string
  failureRate: number
  /** The window with which its last session ended; 0 before the first. */
  window: number
  done: number
  failed: number
  /** Tasks it was given, those that went to another one and why, and (about) those it missed for want of room. */
  won: number
  lostLatency: number
  lostPrice: number
  lostTrust: number
  passedOver: number
  missed: number
  /** Its counts at the begin of each of the hour's slots, up to this one; null while there are none. */
  noted: Float64Array | null
  notedSlot: number
  /** How fast its last session was, by kind and model; null while none has ended that had a sample. */
  speeds: Map<string, Speed> | null
  /** By model: until when its last session was to leave the provider alone; null for nothing. */
  pauses: Map<string, number> | null
  /** Live sessions under this identity. */
  sessions: number
}

/** A provider's rate limit: this session offers the model again at `dueMs`. */
export interface Pause extends Timed {
  timed: 'pause'
  holder: Scout
  model: string
}

/** A cancel that its scout has not acknowledged yet; sent again at `dueMs`. */
export interface CancelWatch extends Timed {
  timed: 'cancel'
  holder: Scout
  task: number
  attempt: number
  reason: string
  /** Times it was said. */
  sent: number
}

/** `ready` takes tasks when it has credit; `draining` finishes what it has; `gone` is off the roster. */
type ScoutState = 'ready' | 'draining' | 'gone'

export interface Scout {
  session: number
  state: ScoutState
  record: ScoutRecord
  instance: string
  /** Advertised, cut to the hub's own limit. */
  capacity: number
  /** Granted and not yet used. */
  credits: number
  /** Tasks at once the hub trusts it with: grows by one per round of successes, halves with a failure. */
  window: number
  /** The newest lease it holds, at which the list of them begins, and how many they are. */
  newest: Lease | null
  running: number
  /** When its last sign of life came, which renewed every lease it holds. */
  heardMs: number
  /** Everything it offers. */
  klass: OfferClass
  /** One per entry of its class and in its place. */
  capabilities: readonly Capability[]
  /** Whether it can take one more task. */
  idle: boolean
  /** Those of its capabilities that their models do not list as ready. */
  unlisted: Capability[]
  /** By model; null while there is none. */
  pauses: Map<string, Pause> | null
  /** By `task/attempt`; null while there is none. */
  cancels: Map<string, CancelWatch> | null
}

// ---------------------------------------------------------------- models

/**
 * One model of one kind: who can serve it and who waits for it. `auto` is one too, served by every scout of its kind.
 */
export interface ModelEntry extends Timed {
  timed: 'model'
  key: string
  kind: TaskKind
  model: string
  /** How it is offered: each way once, for all scouts that offer it like that. */
  variants: Variant[]
  /** Connected scouts that offer it at all, and those of them that are not paused by their provider. */
  offerers: number
  scouts: number
  /** In no order: of every idle scout that offers it, and of some that were idle, unpaused or there a moment ago. */
  ready: Capability[]
  /** Those of `ready` that are withdrawn. */
  withdrawnReady: number
  /** Tasks that looked for a scout, each by the chance with which one more listed scout would have been drawn. */
  sought: number
  /** False once the index has let it go. */
  known: boolean
  /** Tasks in `waiting` and `picky` together: a freed scout looks at this of all its models. */
  queued: number
  waiting: ReadyQueue<Task>
  /** Tasks that came back from a scout and should go to another. They have had their turn, so they go first. */
  returned: Set<Task>
  /** Running estimate of the 95th percentile of milliseconds to first content, and how many samples made it. */
  firstContentP95Ms: number
  firstContentSamples: number
  firstSeenMs: number
}

/** One way to offer a model, and the same in words, by which it is told apart from others. */
export interface Variant {
  offer: Offer
  text: string
}

/**
 * One scout's way to serve one model, with how fast it was: all that placement compares, in one place. For `auto` it
 * only says that the scout is there.
 */
export interface Capability extends Speed {
  scout: Scout
  entry: ModelEntry
  offer: Offer
  provider: string
  /** Millionths of a US dollar for a task of typical length. */
  typicalMicros: number
  /** The model's `sought` when a draw found the scout full; Infinity while it is not known to be. */
  fullFrom: number
  /** The same, moved on by what is booked of what it missed, and by what it took from the queue. */
  missedFrom: number
  /** Its scout is gone, or offers something else now. */
  withdrawn: boolean
}

/** What several scouts offer alike, kept once for all of them. */
export interface OfferClass {
  signature: string
  /** At most one offer per kind and model. */
  offers: readonly Offer[]
  /** One entry per offer and in its place, then `auto` of every kind that occurs. */
  entries: readonly ModelEntry[]
  members: number
}

/** Expected cost of a placement, term by term, in milliseconds. */
export interface Cost {
  firstContentMs: number
  tokensMs: number
  loadMs: number
  /** What a typical task costs there in money, weighed against time. */
  priceMs: number
  failureMs: number
  operatorMs: number
  /** Its scroll is spread over operators, and stays near the scout that has the conversation; may be negative. */
  scrollMs: number
  totalMs: number
}
