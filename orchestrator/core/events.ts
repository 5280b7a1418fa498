/**
 * The inputs of the core (Event) and its outputs (Effect). Events are facts with plain data; effects are the only way
 * the core acts on anything else, and the engine performs them after it has committed what they depend on.
 */
import type { Fault } from '../../shared/faults.ts'
import type { CloseName } from '../../shared/protocol/close-codes.ts'
import type { HeldVerdict, Offer, Outcome, Served, TaskKind, Verdict } from '../../shared/task.ts'
import type { DurableTaskState, IntentOutcome, UnansweredTaskState } from '../../shared/task-state.ts'
import type { Cost } from './fleet/cost.ts'
import type { Requirements, RoutingOptions } from './model/routing-options.ts'
import type { TrustMark } from './model/scout.ts'

/** A new task. Durations count from the event's time. */
export interface Submit {
  type: 'submit'
  task: number
  /** Whose request it is: fairness and limits count per tenant. */
  tenant: string
  /** Turns in the queue for each one of another tenant's. */
  weight: number
  /** 0 (least) to 9. */
  priority: number
  kind: TaskKind
  /** A model's name, or `auto`. */
  model: string
  stream: boolean
  promptBytes: number
  deadlineMs: number
  routing: RoutingOptions
}

/**
 * A task of a client that an earlier process has given to scouts, and that outlived it: `deadlineMs` counts from now.
 * Its sessions have joined before.
 */
export interface Adopt extends Omit<Submit, 'type'> {
  type: 'adopt'
  /** Attempts begun so far. */
  attempt: number
  /** What it had waited for its first scout. */
  queuedMs: number
  /** The client has received content. */
  contentBegan: boolean
  /** Attempts that scouts are at: two at most, each of another scout. */
  leases: { session: number; attempt: number; nonce: Uint8Array; model: string; provider: string }[]
}

/** One task of an accepted intent, as it stands: anew, or as the store remembers it after a restart. */
export interface AcceptedTask {
  task: number
  kind: TaskKind
  model: string
  promptBytes: number
  /** No scout works on it: the hub decides when what it needs is terminal. */
  control: boolean
  /** Tasks of the same intent; of a control node those that it waits for now. */
  needs: number[]
  state: DurableTaskState
  attempt: number
  charged: number
  returned: number
  /** The lease under which a scout may still be working on it. */
  lease: { nonce: Uint8Array; scout: string; instance: string } | null
  /** Tokens of its answer and the prompt of that, if it is done. */
  usedTokens: number
  terms: TaskTerms
}

/** What a task of an intent asks for on its own; what is absent is as for all. */
export interface TaskTerms {
  /** At most as many attempts as this, within the hub's own limit. */
  attemptsMax?: number
  /** Milliseconds from when it becomes ready. */
  deadlineMs?: number
  /** Added to the intent's priority; the sum stays within 0 to 9. */
  boost?: number
  requires?: Requirements
  routing?: Partial<Pick<RoutingOptions, 'sort' | 'only' | 'ignore'>>
}

/** A durable intent, already committed. */
export interface Accept {
  type: 'accept'
  intent: string
  tenant: string
  weight: number
  priority: number
  deadlineMs: number
  /** The task whose result is the intent's. */
  result: number
  /** null for no limit. */
  budgetTokens: number | null
  tasks: AcceptedTask[]
}

/** A scout has sent its hello. `scout` is the durable identity, `operator` its key's tenant, `session` this socket. */
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

/** A grant that was not sent to its scout. */
export interface UnsentGrant {
  session: number
  task: number
  attempt: number
}

export type Event =
  | Submit
  | Adopt
  | Accept
  | { type: 'cancelIntent'; intent: string; fault: Fault }
  /** The hub's decision about a task that was `deciding`: it has a result, */
  | { type: 'decided'; task: number }
  /** or these tasks join its intent, and it waits for some (its own or older ones of the intent), */
  | { type: 'expanded'; task: number; tasks: AcceptedTask[]; waitFor: number[] }
  /** or it cannot be done. */
  | { type: 'decisionFailed'; task: number; fault: Fault }
  /** The client is gone, stalled, or changed its mind; or the hub is leaving. */
  | { type: 'cancel'; task: number; fault: Fault }
  | ScoutJoined
  | { type: 'scoutOffers'; session: number; concurrency: number; offers: Offer[] }
  | { type: 'credit'; session: number; count: number }
  | { type: 'scoutDraining'; session: number }
  /** With the grants that were not sent to it. `isExpelled`: its key stopped working, which is no fault of its own. */
  | { type: 'scoutGone'; session: number; unsent?: UnsentGrant[]; isExpelled?: boolean }
  /** The provider behind this attempt was asked. */
  | { type: 'started'; session: number; task: number; attempt: number; provider: string }
  /** The first content of the answer is on its way to the client: from here no hidden retry is possible. */
  | { type: 'contentBegan'; task: number; attempt: number }
  /** A piece of the answer came; sent at most every few seconds per attempt. */
  | { type: 'renewed'; session: number; task: number; attempt: number }
  /** The session has presented all that it still holds: what else its instance had is lost. Follows `scoutJoined`. */
  | { type: 'claimsEnded'; session: number }
  /** The pong of a session, which renews its leases. */
  | { type: 'heartbeat'; session: number }
  /** The hub itself found the attempt unusable: a gap, an answer that is no answer. */
  | { type: 'attemptBroken'; task: number; attempt: number; fault: Fault }
  /** The hub could not make the request of this grant, so it was never sent. */
  | { type: 'unsent'; session: number; task: number; attempt: number; fault: Fault }
  | {
      type: 'settle'
      session: number
      task: number
      attempt: number
      nonce: Uint8Array
      outcome: Outcome
      /** The provider that was asked last; empty when that is not known. */
      provider: string
      /** Granted along with it. */
      credits: number
      /** Why, unless done. */
      fault: Fault | null
      /** Tokens produced, as the hub counts them; feeds the speed estimate. 0 when unknown. */
      tokens: number
      /** Of a durable task: tokens of prompt and answer together, for the budget of its intent. */
      usedTokens?: number
    }
  /** What trust in this scout with this model weighs from now on, whether it is connected or not. */
  | ({ type: 'trust'; scout: string; model: string } & TrustMark)
  /** The store cannot write; these grants wait for it and will not be sent. */
  | { type: 'storeTroubled'; unsent: UnsentGrant[] }
  | { type: 'storeRecovered' }
  /** No new work is taken; what waits in the queue fails with `hub_draining`. */
  | { type: 'drain' }
  /** The process stood still so long, and heard nobody. Comes before the tick that was late. */
  | { type: 'stood'; forMs: number }
  /** Time passes; sent often enough that no deadline waits longer than a tick. */
  | { type: 'tick' }

/** What must be committed before an effect of the same step is performed. Durable tasks only. */
export type Change =
  | { change: 'lease'; task: number; attempt: number; nonce: Uint8Array; scout: string; instance: string }
  | { change: 'release'; task: number; attempt: number; charged: number; returned: number }
  | { change: 'settle'; task: number; attempt: number; nonce: Uint8Array }
  | { change: 'unblock'; task: number }
  | { change: 'decide'; task: number }
  | { change: 'expand'; task: number }
  | { change: 'end'; task: number; state: UnansweredTaskState; charged: number; fault: Fault | null }
  | { change: 'intentEnd'; intent: string; state: IntentOutcome; fault: Fault | null }

export type Effect =
  /** Commit this together with all other changes of the same step, before any effect of the step is performed. */
  | { type: 'persist'; change: Change }
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
      /** How long the task waited for its first scout. */
      queuedMs: number
      /** Terms of the placement cost, in milliseconds. */
      cost: Cost
      /** As the scout's offer names them; null when unknown. */
      promptPrice: number | null
      answerPrice: number | null
      /** Begin after what the client has already received. */
      continuing: boolean
    }
  /** Decide how the scroll continues from this task; answered with `decided`, `expanded` or `decisionFailed`. */
  | { type: 'decide'; task: number }
  /** Send a cancel. Also the answer to signs of life from an attempt that nobody waits for. */
  | { type: 'cancelAttempt'; session: number; task: number; attempt: number; reason: string }
  | { type: 'welcome'; session: number; scout: string; creditMax: number; held: HeldReply[] }
  | { type: 'verdict'; session: number; task: number; attempt: number; nonce: Uint8Array; verdict: Verdict }
  /** Who really serves this attempt. */
  | { type: 'servedBy'; task: number; attempt: number; served: Served }
  /** What this attempt sent so far, except for what was forwarded, is void: another one continues or follows. */
  | { type: 'attemptVoid'; task: number; attempt: number }
  /** Terminal. `fault` is null exactly when the task is done. */
  | { type: 'finished'; task: number; fault: Fault | null; attempts: number; queuedMs: number }
  | { type: 'closeSession'; session: number; why: CloseName; detail?: string }

export interface HeldReply {
  task: number
  attempt: number
  nonce: Uint8Array
  verdict: HeldVerdict
}
