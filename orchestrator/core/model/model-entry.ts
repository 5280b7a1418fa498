/**
 * One model of one kind as data: how it is offered, how much it is asked for, how fast it begins. Who can serve it and
 * who waits for it is linked in `object-graph.ts`; the capability index makes entries and forgets them.
 */
import type { Offer, TaskKind } from '../../../shared/task.ts'
import type { Timed } from './timer-wheel.ts'

/**
 * Why nobody offers a model any more: its last scout was lost, or left after it had said so, or offers it no longer;
 * for that one the provider refuses its key (`refused`), or has the model no more (`gone`).
 */
export type Departure = 'lost' | 'left' | 'withdrawn' | 'refused' | 'gone'

export interface Absence {
  why: Departure
  sinceMs: number
}

/** `auto` is one too, served by every scout of its kind. */
export interface ModelData extends Timed {
  timed: 'model'
  key: string
  kind: TaskKind
  model: string
  /** The operator that brought it in; empty while only clients have named it. See `fleet/model-names.ts`. */
  owner: string
  /** How it is offered: each way once, for all scouts that offer it like that. */
  variants: Variant[]
  /** Connected scouts that offer it at all, and those of them that are not paused by their provider. */
  offerers: number
  scouts: number
  /** Connected scouts that offer it, by operator. */
  operators: Map<string, number>
  /** Connected scouts that are convicted for it; of `auto` those that are for any model. */
  convicted: number
  /** Capabilities listed as ready that are withdrawn. */
  withdrawnReady: number
  /** Tasks that looked for a scout, each by the chance with which one more listed scout would have been drawn. */
  sought: number
  /** False once the index has forgotten it. */
  known: boolean
  /** Tasks in its queues together: a freed scout looks at this of all its models. */
  queued: number
  /** Running estimate of the 95th percentile of milliseconds to first content, and how many samples made it. */
  firstContentP95Ms: number
  firstContentSamples: number
  /** Connected scouts that take larger requests than every scout does, by how large; null while there is none. */
  largeTakers: Map<number, number> | null
  /** The largest request that a scout takes which is gone, and probably on the way back until then. */
  awaitedBytes: number
  awaitedUntilMs: number
  firstSeenMs: number
  /** Since when and why nobody offers it; null while somebody does, or if nobody ever has. */
  absence: Absence | null
}

/** One way to offer a model, and the same as text, by which it is compared with others. */
export interface Variant {
  offer: Offer
  text: string
  /** Classes that have it; 0 for one that is not kept for sharing. */
  classes: number
}
