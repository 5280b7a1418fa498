/**
 * Which entity refers to which. Tasks, leases, scouts and models refer to each other in both directions, so that no
 * frame and no placement has to look anything up; a cycle of types cannot be divided over several files, so all
 * references are declared here and nothing else. Each entity's own data and states are in the file of its name.
 */
import type { Offer } from '../../../shared/task.ts'
import type { IntentData } from './intent.ts'
import type { ModelData, Variant } from './model-entry.ts'
import type { ReadyQueue } from './ready-queue.ts'
import type { ScoutData, Speed, TrustMark } from './scout.ts'
import type { LeaseData, TaskData } from './task.ts'
import type { Timed } from './timer-wheel.ts'

export interface Task extends TaskData {
  entry: ModelEntry
  /** The durable whole it belongs to; null for a task that ends with its client. */
  intent: Intent | null
  /** Null unless `leased`. */
  lease: Lease | null
  /** A second one, while two scouts race. */
  hedge: Lease | null
  /** Tasks that need this one; changed by `addChild`. */
  children: Task[]
}

export interface Lease extends LeaseData {
  task: Task
  /** Null while its scout's socket is down. */
  holder: Scout | null
  /** Neighbours in the holder's list of leases. */
  before: Lease | null
  after: Lease | null
  /** What it was granted on; null for one out of the store. */
  capability: Capability | null
}

export interface Intent extends IntentData {
  /** Tasks that are not terminal. */
  open: Set<Task>
}

export interface Scout extends ScoutData {
  /** The newest lease it holds, at which the list of them begins. */
  newest: Lease | null
  /** Everything it offers. */
  klass: OfferClass
  /** One per entry of its class and in its place. */
  capabilities: readonly Capability[]
  /** Those of its capabilities that their models do not list as ready. */
  unlisted: Capability[]
  /** By model; null while there is none. */
  pauses: Map<string, Pause> | null
  /** By `task/attempt`; null while there is none. */
  cancels: Map<string, CancelWatch> | null
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
  /** Times it was sent. */
  sent: number
}

/** A tenant whose tasks have ended scouts lately; looked at again at `dueMs`. See `trust/suspects.ts`. */
export interface Suspect extends Timed {
  timed: 'suspect'
  tenant: string
  score: number
  lastLossMs: number
  /** When the last moment of losses began, and what it has added. */
  momentMs: number
  momentScore: number
  /** Until when none of its tasks is given out. */
  heldUntilMs: number
  /** Leases that were granted since it is one. */
  leases: Set<Lease>
  /** Ready tasks that are in no queue for this. */
  aside: Set<Task>
}

/** What several scouts offer alike, kept once for all of them. */
export interface OfferClass {
  signature: string
  /** At most one offer per kind and model. */
  offers: readonly Offer[]
  /** The same in their place, as they are counted with their models. */
  variants: readonly Variant[]
  /** One entry per offer and in its place, then `auto` of every kind that occurs. */
  entries: readonly ModelEntry[]
  /** The largest request for each entry and in its place; null while none is above what every scout takes. */
  sizes: readonly number[] | null
  members: number
}

export interface ModelEntry extends ModelData {
  /** In no order: every idle scout that offers it, and some that were idle, unpaused or connected a moment ago. */
  ready: Capability[]
  waiting: ReadyQueue<Task>
  /** Tasks that came back from a scout and should go to another. They have had their turn, so they go first. */
  returned: Set<Task>
  /** The pauses of its scouts; see `fleet/resume-times.ts`. Null while there was none. */
  resumes: Resumes | null
}

/** A pause of a scout as it stood when it began, or was moved last. */
export interface Resume {
  atMs: number
  pause: Pause
}

/** A heap, the earliest first, and the length at which it is looked through for what does not hold any more. */
export interface Resumes {
  heap: Resume[]
  tidyAt: number
}

/**
 * One scout's way to serve one model, with how fast it was: all that placement compares, in one place. For `auto` it
 * only records that the scout is there.
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
  /** What trust in its scout weighs here; null for most. */
  mark: TrustMark | null
}
