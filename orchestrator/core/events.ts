/**
 * What the core hears (Event) and what it wants done (Effect). Events are facts with plain data; effects are the only
 * way the core touches the world, and the engine performs them after it has committed what they rest on.
 */
import type { Fault } from '../../shared/faults.ts'
import type { CloseName } from '../../shared/protocol/close-codes.ts'
import type { HeldVerdict, Offer, Outcome, Served, TaskKind, Verdict } from '../../shared/task.ts'

/** A new task. Durations count from the event's time. */
export interface Submit {
  type: 'submit'
  task: number
  /** Whose request it is: fairness and limits count per tenant. */
  tenant: string
  kind: TaskKind
  /** A model's name, or `auto`. */
  model: string
  stream: boolean
  promptBytes: number
  deadlineMs: number
}

/** A scout has greeted. `scout` is the durable identity, `operator` the key it holds, `session` this one socket. */
export interface ScoutJoined {
  type: 'scoutJoined'
  session: number
  scout: string
  operator: string
  instance: string
  concurrency: number
  offers: Offer[]
  held: { task: number; attempt: number; nonce: Uint8Array }[]
}

export type Event =
  | Submit
  /** The client is gone, stalled, or changed its mind; or the hub is leaving. */
  | { type: 'cancel'; task: number; fault: Fault }
  | ScoutJoined
  | { type: 'scoutOffers'; session: number; concurrency: number; offers: Offer[] }
  | { type: 'credit'; session: number; count: number }
  | { type: 'scoutDraining'; session: number }
  | { type: 'scoutGone'; session: number }
  /** The provider behind this attempt was asked. */
  | { type: 'started'; session: number; task: number; attempt: number; provider: string }
  /** The first content of the answer is on its way to the client: from here no hidden retry is possible. */
  | { type: 'contentBegan'; task: number; attempt: number }
  /** A frame of this attempt was heard; sent at most every few seconds per attempt. */
  | { type: 'renewed'; session: number; task: number; attempt: number }
  /** The pong of a session: its leases live. */
  | { type: 'heartbeat'; session: number }
  /** The hub itself found the attempt unusable: a gap, an answer that is no answer. */
  | { type: 'attemptBroken'; task: number; attempt: number; fault: Fault }
  | {
      type: 'settle'
      session: number
      task: number
      attempt: number
      nonce: Uint8Array
      outcome: Outcome
      /** Why, unless done. */
      fault: Fault | null
      /** Tokens produced, as the hub counts them; feeds the speed estimate. 0 when unknown. */
      tokens: number
    }
  /** No new work is taken; what waits in the queue fails with `hub_draining`. */
  | { type: 'drain' }
  /** Time passes; sent often enough that no deadline waits longer than a tick. */
  | { type: 'tick' }

export type Effect =
  | {
      type: 'grant'
      session: number
      task: number
      attempt: number
      nonce: Uint8Array
      kind: TaskKind
      model: string
      stream: boolean
      ttlMs: number
      deadlineMs: number
      served: Served
    }
  /** Tell the scout to stop. Also the answer to signs of life from an attempt nobody waits for. */
  | { type: 'cancelAttempt'; session: number; task: number; attempt: number; reason: string }
  | { type: 'welcome'; session: number; scout: string; creditMax: number; held: HeldReply[] }
  | { type: 'verdict'; session: number; task: number; attempt: number; verdict: Verdict }
  /** Who really serves this attempt. */
  | { type: 'servedBy'; task: number; attempt: number; served: Served }
  /** What this attempt sent so far, but for what was forwarded, is void: another one follows. */
  | { type: 'attemptVoid'; task: number; attempt: number }
  /** Terminal. `fault` is null exactly when the task is done. */
  | { type: 'finished'; task: number; fault: Fault | null; attempts: number; queuedMs: number }
  | { type: 'closeSession'; session: number; why: CloseName }

export interface HeldReply {
  task: number
  attempt: number
  verdict: HeldVerdict
}
