/**
 * Where the hub keeps what must survive it, as a port. Reads are single questions; writes come as batches that are
 * committed whole or not at all, durably, before `commit` returns. Adapters: `store/sqlite.ts` and `store/memory.ts`,
 * held to the same promises by one contract suite. The engine decides what to write and when; no adapter does.
 */
import type { KeyRole } from '../../../shared/api-key.ts'
import type { TaskKind } from '../../../shared/task.ts'

/** An API key as stored: only its digest, never the key. */
export interface KeyRow {
  /** Short public id, shown in listings and logs. */
  id: string
  role: KeyRole
  name: string
  /** HMAC-SHA-256 of the key under the server's pepper, hex. */
  digest: string
  /** Turns in the queue that this tenant gets for each one of another's. */
  weight: number
  /** Milliseconds since 1970. */
  createdMs: number
  revokedMs: number | null
}

/** `running` until every task is terminal, then what became of it. */
export type IntentState = 'running' | 'done' | 'failed' | 'cancelled'

/**
 * - `blocked`: parents are not done. - `ready`: waits for a scout or for its next attempt. - `leased`: a scout has it.
 * - `done`, `failed`, `cancelled`: terminal. - `skipped`: terminal, because a parent did not get done.
 */
export type DurableTaskState = 'blocked' | 'ready' | 'leased' | 'done' | 'failed' | 'cancelled' | 'skipped'

/** An intent with the tokens of all its tasks. */
export type SummedIntent = IntentRow & Pick<TaskRow, 'promptTokens' | 'completionTokens'>

export interface IntentRow {
  /** `int_…`. */
  id: string
  tenant: string
  state: IntentState
  /** 0 (least) to 9. */
  priority: number
  /** Milliseconds since 1970. */
  createdMs: number
  deadlineMs: number
  finishedMs: number | null
  /** The client's own labels, as JSON of an object of strings. */
  metadata: string
  /** Why it failed, as JSON of a fault. */
  fault: string | null
  /** The node whose result is the intent's result. */
  resultNode: string
  /** Tokens after which no further node is given out; null for no limit. */
  budgetTokens: number | null
}

export interface TaskRow {
  /** Unique for ever; the number on the wire. */
  task: number
  intent: string
  /** Its name inside the scroll. */
  node: string
  kind: TaskKind
  model: string
  /** Names of the nodes whose results it needs, as JSON of a list. */
  needs: string
  state: DurableTaskState
  /** Begun attempts, and those of them that were charged or handed back. */
  attempt: number
  charged: number
  returned: number
  /** The current lease; null unless `leased`. A `done` task keeps the nonce of the lease that committed it. */
  nonce: Uint8Array | null
  scout: string | null
  instance: string | null
  /** Who served the committed answer, as JSON of a Served. */
  served: string | null
  promptTokens: number
  completionTokens: number
  fault: string | null
  /**
   * How many times a conducted node has grown; null for a task that scouts work on. A conducted node is `blocked` until
   * it is terminal, and its request is what its planner wrote for it.
   */
  stage: number | null
  /** Names of the nodes that a conducted one waits for since it last grew, as JSON of a list; null at first. */
  waits: string | null
  /** What it asks for beyond its request, as JSON of an object; null for nothing. */
  terms: string | null
}

/** Something that happened to an intent, in its order. */
export interface EventRow {
  intent: string
  /** From 1, without gaps, per intent. */
  seq: number
  type: string
  /** JSON of an object. */
  data: string
  atMs: number
}

/** Usage of one served task, booked once. */
export interface UsageRow {
  tenant: string
  task: number
  scout: string
  provider: string
  model: string
  promptTokens: number
  completionTokens: number
  atMs: number
}

/** What one tenant used of one model. */
export interface UsageSum {
  tenant: string
  model: string
  tasks: number
  promptTokens: number
  completionTokens: number
}

/** The answer to a request with an Idempotency-Key. `answer` is null while it is in flight. */
export interface IdempotencyRow {
  tenant: string
  route: string
  key: string
  /** SHA-256 of the request's body, hex. */
  bodyHash: string
  createdMs: number
  /** HTTP status and body; for an intent its id makes the body. */
  status: number
  answer: Uint8Array | null
}

export type StoreWrite =
  /** A new intent with its whole DAG. `requests` holds each task's request bytes, in the order of `tasks`. */
  | { write: 'intent'; intent: IntentRow; tasks: TaskRow[]; requests: Uint8Array[] }
  /** A lease was granted. The task must be `ready` in the store. */
  | { write: 'lease'; task: number; attempt: number; nonce: Uint8Array; scout: string; instance: string }
  /** The attempt ended without an answer; the task is `ready` again. The task must be leased with this attempt. */
  | { write: 'release'; task: number; attempt: number; charged: number; returned: number }
  /** The answer. The fence: the task must be leased with this attempt and nonce. */
  | {
      write: 'settle'
      task: number
      attempt: number
      nonce: Uint8Array
      result: Uint8Array
      served: string
      promptTokens: number
      completionTokens: number
    }
  /** The result of a conducted task. It must be `blocked` at this stage. */
  | { write: 'decide'; task: number; stage: number; result: Uint8Array }
  /**
   * These tasks join the intent of a conducted one, which must be `blocked` at this stage and waits for `waits` from
   * the next stage on. `requests` holds each task's request bytes, in the order of `tasks`.
   */
  | { write: 'expand'; task: number; stage: number; waits: string; tasks: TaskRow[]; requests: Uint8Array[] }
  /** An intent that is over goes on: it must not be `running`, and each of these tasks must be over and not `done`. */
  | {
      write: 'retry'
      intent: string
      deadlineMs: number
      tasks: { task: number; state: 'blocked' | 'ready' }[]
    }
  /** Its parents are done. The task must be `blocked`. */
  | { write: 'unblock'; task: number }
  /** Terminal without an answer. The task must not be terminal. */
  | { write: 'end'; task: number; state: 'failed' | 'cancelled' | 'skipped'; charged: number; fault: string | null }
  /** The intent must be `running`. */
  | { write: 'intentEnd'; intent: string; state: IntentState; fault: string | null; finishedMs: number }
  /** Its `seq` must be the next one of its intent. */
  | { write: 'event'; event: EventRow }
  /** Nothing may be booked for this task yet. */
  | { write: 'usage'; usage: UsageRow }
  /** Adds to the sums without a booking for each task. */
  | { write: 'tally'; tally: UsageSum }
  /** Adds or replaces the row of (tenant, route, key). */
  | { write: 'idempotency'; row: IdempotencyRow }
  | { write: 'forgetIdempotency'; tenant: string; route: string; key: string }

/** The writes of one kind. */
export type StoreWriteOf<Kind extends StoreWrite['write']> = Extract<StoreWrite, { write: Kind }>

/**
 * Why a commit did not happen. `full`, `busy` and `io` left nothing behind and may succeed later. After `unknown` the
 * store shows the state from before, but a crash right now may bring the batch to life; the next commit that succeeds
 * rules that out. No write happens twice when repeated: its condition does not hold any more. `fenced` is a write whose
 * condition did not hold, which is a defect of the caller.
 */
export type StoreTrouble = 'full' | 'busy' | 'io' | 'unknown' | 'fenced'

export class StoreError extends Error {
  constructor(
    readonly trouble: StoreTrouble,
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause })
    this.name = 'StoreError'
  }
}

export interface IntentFilter {
  /** null lists every tenant's, for admins. */
  tenant: string | null
  state?: IntentState
  /** Only intents older than this one (by creation, newest first). */
  before?: string
  limit: number
}

/** What is needed to take up an intent. Terminal tasks come along, because children look at them. */
export interface OpenIntent {
  intent: IntentRow
  tasks: TaskRow[]
  /** How long each task's request is; requests themselves may be many times what is worth reading at boot. */
  requestBytes: number[]
  /** The last event's number. */
  lastSeq: number
}

export interface Store {
  /** Adds one to the hub's epoch and returns it, durably, before anything listens. */
  nextEpoch(): number

  insertKey(row: KeyRow): void
  keyByDigest(digest: string): KeyRow | undefined
  keyById(id: string): KeyRow | undefined
  /** Oldest first. */
  listKeys(): KeyRow[]
  /** False when there is no such key or it was revoked before. */
  revokeKey(id: string, atMs: number): boolean

  /** All of these in one transaction, durably. Throws StoreError; then none of them happened (but see `unknown`). */
  commit(writes: readonly StoreWrite[]): void
  intent(id: string): IntentRow | undefined
  /** Newest first; nothing when `before` is unknown. One question, however many there are. */
  intents(filter: IntentFilter): SummedIntent[]
  /** In the order in which they were planned. */
  tasksOf(intent: string): TaskRow[]
  request(task: number): Uint8Array | undefined
  result(task: number): Uint8Array | undefined
  /** Whether this very attempt's settlement made the task `done`. */
  isCommitted(task: number, attempt: number, nonce: Uint8Array): boolean
  eventsAfter(intent: string, seq: number, limit: number): EventRow[]
  idempotency(tenant: string, route: string, key: string): IdempotencyRow | undefined
  /** Sum of booked tokens by model, for one tenant or all. */
  usage(tenant: string | null): { model: string; tasks: number; promptTokens: number; completionTokens: number }[]
  /** Every intent that is `running`, oldest first. */
  openIntents(): Iterable<OpenIntent>
  /** One intent in the same shape, whatever its state. */
  openIntent(id: string): OpenIntent | undefined
  /**
   * Removes up to `limit` intents finished before this time with all that belongs to them, up to `limit` older
   * idempotency rows, and up to `limit` single bookings of usage, whose sums stay. Returns how many rows of these three
   * kinds went; 0 when there is nothing left to forget.
   */
  forgetBefore(finishedMs: number, idempotencyMs: number, limit: number): number
  /** Writes a consistent copy of everything to `path` while the store goes on working. Throws when `path` exists. */
  backup(path: string): void
  close(): void
}
