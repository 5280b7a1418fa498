/**
 * Durable intents as the client edge uses them: accept a plan, read it, follow its events, cancel it, retry a node.
 * How an intent survives a restart is left to the engine; plans are defined in `planner.ts`. And the journal that hubs
 * share: where it is there, it is what makes an intent, and the store of a hub is a projection of it. Each intent has a
 * life of records, appended by the hub that owns it now; who owns it no more appends nothing, and is told.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { Served, TaskKind } from '../../../shared/task.ts'
import type { DurableTaskState, IntentState } from '../../../shared/task-state.ts'
import type { ChargedKey } from './charged-key.ts'
import type { LinesAsked, LinesFound } from './network/live-lines.ts'
import type { Plan } from './planner.ts'
import type { StoreWrite } from './store.ts'

export interface IntentSubmission {
  tenant: string
  weight: number
  /** The key that pays; without one nothing is limited. */
  key?: ChargedKey
  plan: Plan
  /** 0 (least) to 9. */
  priority: number
  /** Milliseconds from now. */
  deadlineMs: number
  metadata: Record<string, string>
  /** Tokens, of prompts and answers together, after which no further node is given out; no limit when absent. */
  budgetTokens?: number
  /** Set when the client sent an Idempotency-Key; `route` as in `POST /v1/intents`. */
  idempotency?: { route: string; key: string; bodyHash: string }
  /** The client is told how the intent ends: with the same key one that failed for what may pass begins anew. */
  toldOutcome?: boolean
}

export interface TaskView {
  node: string
  kind: TaskKind
  model: string
  needs: string[]
  state: DurableTaskState
  /** Of a control node: how many times it has expanded; null for a node that a scout works on. */
  stage: number | null
  attempts: number
  served: Served | null
  usage: { promptTokens: number; completionTokens: number }
  fault: Fault | null
}

export interface IntentView {
  id: string
  tenant: string
  state: IntentState
  priority: number
  /** Milliseconds since 1970. */
  createdMs: number
  deadlineMs: number
  finishedMs: number | null
  metadata: Record<string, string>
  fault: Fault | null
  resultNode: string
  usage: { promptTokens: number; completionTokens: number }
}

/**
 * One event of an intent. `id` is sent as the SSE id and may return as `Last-Event-ID`. All but chunks have the time at
 * which they were written in `at_ms`, milliseconds since 1970. `task_grown` has the data
 * `{node, stage, nodes: [{node, model, needs}], delegate, note}`: a reader that follows the chunks of `node` follows
 * those of `delegate` from there on, unless that is null. After `retried`, which follows a `done`, the intent goes on.
 */
export interface IntentEvent {
  id: string
  type: 'planned' | 'task_started' | 'chunk' | 'attempt_reset' | 'task_grown' | 'task_settled' | 'retried' | 'done'
  /** JSON of one object. */
  data: string
}

/** The events of one intent from a point on, pulled by its reader; ends after `done`. */
export interface IntentEvents {
  /** What has happened since the last look; null when nothing has. */
  take(): { events: IntentEvent[]; ended: boolean } | null
  /** Resolves when `take` has something, at once if it has already. One waiter at a time. */
  readable(): Promise<void>
  /** The reader is gone. */
  close(): void
}

/** A tenant sees its own intents; `null` stands for an admin, who sees all. Unknown and foreign ids look the same. */
export type Viewer = string | null

/** The outcome of an accept; `replayed` when an Idempotency-Key returned the first answer again. */
export type Accepted = { type: 'accepted'; id: string; replayed: boolean } | { type: 'refused'; fault: Fault }

export interface Intents {
  /**
   * In a network: has one of another hub at hand, so that what is asked below finds it. Resolves with why that cannot
   * be done now; with null in all other cases, also for an unknown intent. Null when there is nothing to wait for.
   */
  bring(id: string): Promise<Fault | null> | null
  /** Resolves after the commit: what is accepted survives a crash. */
  accept(submission: IntentSubmission): Promise<Accepted>
  intent(id: string, viewer: Viewer): IntentView | undefined
  /** Newest first; `before` is the id of the last one seen. */
  list(viewer: Viewer, filter: { state?: IntentState; before?: string; limit: number }): IntentView[]
  tasks(id: string): TaskView[]
  /** All of these at once; `result` is that of the intent, undefined until it is done. */
  whole(id: string, viewer: Viewer): { view: IntentView; tasks: TaskView[]; result: Uint8Array | undefined } | undefined
  /**
   * The result of a node, JSON of one object without `id`, `object`, `created`, `model`; undefined until it is done.
   */
  result(id: string, node: string): Uint8Array | undefined
  /** What the scout of a node is asked, JSON of one object; undefined when it is no longer kept. */
  request(id: string, node: string): Uint8Array | undefined
  /** Events after `lastEventId`, from the beginning when that is null or not one of ours. */
  events(id: string, viewer: Viewer, lastEventId: string | null): IntentEvents | undefined
  /**
   * In a network `retry` and `cancel` are passed on to the hub that has the intent.
   *
   * Runs a node of an intent that is over again, and with it what was skipped or cancelled because of it; existing
   * answers stay. Resolves after the commit with null, or with why not.
   */
  retry(id: string, node: string, viewer: Viewer): Promise<Fault | null>
  /**
   * Cancels every task that is not terminal, after the commit of a retry that is pending. Resolves after the commit
   * with null, or with why that cannot be written: then nothing of the intent goes on in this process, but one that
   * ends before its disk recovers leaves no trace of the cancel. Refused together with a pending retry.
   */
  cancel(id: string, viewer: Viewer): Promise<Fault | null>
  /**
   * Cancels what still runs of it, and removes it with all that belongs to it, but for what was booked. Resolves after
   * the commit with null, or with why not.
   */
  forget(id: string, viewer: Viewer): Promise<Fault | null>
}

// ---------------------------------------------------------------- in a network

/** One step of an intent's life: what it writes, of the kinds that travel. */
export interface IntentRecord {
  intent: string
  writes: readonly StoreWrite[]
}

/** What somebody at another hub wants to be done to an intent of this one. */
export type IntentWish = { intent: string; viewer: Viewer } & ({ act: 'cancel' } | { act: 'retry'; node: string })

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
  /** Asks the hub that has an intent. Resolves with null once it is done there, else with why not. */
  ask(hub: string, wish: IntentWish): Promise<Fault | null>
  /** Asks the hub that has an intent for lines of its answers in progress. Null: it cannot be asked now. */
  lines(hub: string, asked: LinesAsked): Promise<LinesFound | null>
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
  /** Does what somebody at another hub wants. Resolves with null once it is done, else with why not. */
  perform(wish: IntentWish): Promise<Fault | null>
  /** What another hub's readers lack of the lines of an intent. */
  lines(hub: string, asked: LinesAsked): Promise<LinesFound>
  /** Another hub has it: forgets it, also in the store. */
  letGo(intents: readonly string[]): void
}
