/**
 * The journal of durable intents that several hubs share, as the engine sees it. Where it is there, it is what makes an
 * intent: the store of a hub is a projection of it. Each intent has a life of records, appended by the hub that owns it
 * now; who owns it no more appends nothing, and is told. Adapter: `cluster/journal`.
 */
import type { StoreWrite } from './store.ts'

/** One step of an intent's life: what it writes, of the kinds that travel. */
export interface IntentRecord {
  intent: string
  writes: readonly StoreWrite[]
}

export interface IntentLog {
  /** Why nothing can be appended now, as a clause; null when all is well. */
  readonly trouble: string | null
  /** Why no new intent may begin, though those under way go on; null when one may. */
  readonly full: string | null
  /** Calls back when `trouble` begins or ends. One listener. */
  onTrouble(listener: (isTroubled: boolean) => void): void
  /**
   * Appends one record to each of these intents. Resolves once the fate of all is known, however long that takes, with
   * the intents that this hub does not own: of those nothing was appended.
   */
  append(records: readonly IntentRecord[]): Promise<ReadonlySet<string>>
  /**
   * For a scout that presents a lease of this task: resolves once it is known whether this hub goes on with its intent;
   * null when that is known.
   */
  decided(task: number): Promise<void> | null
  /** Everything that was written of an intent so far, or beyond `after`. `unknown`: there is no such intent. */
  read(intent: string, after?: IntentPlace): Promise<IntentLife | 'unknown' | 'troubled'>
}

/** How far a life was read; opaque. */
export interface IntentPlace {
  readonly records: number
  readonly last: number
}

export interface IntentLife {
  writes: StoreWrite[]
  /** Bytes of its records. */
  bytes: number
  /** The hub that appended last. */
  owner: string
  place: IntentPlace
  /** False when what was read before does not hold any more: `writes` is all of it then. */
  goesOn: boolean
}

/** What the journal asks of the engine: to begin, to let go, and to name what waits. */
export interface IntentHost {
  /** Intents that the store has as running and nobody works on in this process. */
  waiting(): string[]
  /** Goes on with these, whose lives are given whole; what cannot be gone on with is named, with the reason. */
  take(lives: readonly { intent: string; writes: readonly StoreWrite[] }[]): { intent: string; reason: string }[]
  /** Goes on with those that are in this store and in no journal. */
  keep(intents: readonly string[]): void
  /** Another hub has it: forgets it, also in the store. */
  letGo(intents: readonly string[]): void
}
