/**
 * Durable intents as the client edge sees them: accept a plan, look at it, follow its events, cancel it. What the
 * planner makes (a plan: a scroll checked and bounded) and what people are shown are described here; how it survives
 * the hub is the engine's.
 */
import type { Fault } from '../../shared/faults.ts'
import type { Served, TaskKind } from '../../shared/task.ts'
import type { DurableTaskState, IntentState } from './store-port.ts'

/** One task of a plan. `needs` name nodes of the same plan; the planner has checked that they form no cycle. */
export interface PlannedTask {
  node: string
  kind: TaskKind
  /** A model's name, or `auto`. */
  model: string
  needs: string[]
  /** The request as JSON of one object; the results of `needs` are put into it when they are there. */
  request: Uint8Array
}

export interface Plan {
  /** Parents before children. */
  tasks: PlannedTask[]
  /** The node whose result is the intent's. */
  resultNode: string
}

export interface IntentSubmission {
  tenant: string
  weight: number
  plan: Plan
  /** 0 (least) to 9. */
  priority: number
  /** Milliseconds from now. */
  deadlineMs: number
  metadata: Record<string, string>
  /** Set when the client sent an Idempotency-Key; `route` as in `POST /v1/intents`. */
  idempotency?: { route: string; key: string; bodyHash: string }
}

export interface TaskView {
  node: string
  kind: TaskKind
  model: string
  needs: string[]
  state: DurableTaskState
  attempts: number
  served: Served | null
  usage: { promptTokens: number; completionTokens: number }
  fault: Fault | null
}

export interface IntentView {
  id: string
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

/** One event of an intent. `id` goes out as the SSE id and may come back as `Last-Event-ID`. */
export interface IntentEvent {
  id: string
  type: 'planned' | 'task_started' | 'chunk' | 'attempt_reset' | 'task_settled' | 'done'
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

/** What a client hears of its Idempotency-Key: a replay of the first answer, or why it cannot have one. */
export type Accepted = { type: 'accepted'; id: string; replayed: boolean } | { type: 'refused'; fault: Fault }

export interface Intents {
  /** Resolves after the commit: what it says yes to survives. */
  accept(submission: IntentSubmission): Promise<Accepted>
  intent(id: string, viewer: Viewer): IntentView | undefined
  /** Newest first; `before` is the id of the last one seen. */
  list(viewer: Viewer, filter: { state?: IntentState; before?: string; limit: number }): IntentView[]
  tasks(id: string): TaskView[]
  /**
   * The result of a node, JSON of one object without `id`, `object`, `created`, `model`; undefined until it is done.
   */
  result(id: string, node: string): Uint8Array | undefined
  /** Events after `lastEventId`, from the beginning when that is null or not one of ours. */
  events(id: string, viewer: Viewer, lastEventId: string | null): IntentEvents | undefined
  /** Cancels every task that is not terminal; false when there is no such intent. Resolves after the commit. */
  cancel(id: string, viewer: Viewer): Promise<boolean>
}
