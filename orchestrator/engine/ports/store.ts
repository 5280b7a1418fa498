/**
 * Where the hub keeps what must survive it: rows, writes, and one small port for each kind of user. Reads are single
 * queries; writes come as batches that are committed whole or not at all, durably, before `commit` returns. Adapters:
 * `store/sqlite` and `store/memory`, tested by one contract suite. The engine decides what to write and when; no
 * adapter does.
 */
import type { TaskKind } from '../../../shared/task.ts'
import type { DurableTaskState, FirstTaskState, IntentState, UnansweredTaskState } from '../../../shared/task-state.ts'
import type { AccountStore, AccountWrite } from './account-store.ts'
import type { LedgerStore, LedgerWrite } from './ledger/ledger-store.ts'
import type { SharedKeyStore, SharedKeyWrite } from './network/shared-keys.ts'
import type { DisputeStore, DisputeWrite } from './trust/dispute-store.ts'
import type { TrustStore, TrustWrite } from './trust/trust-store.ts'
import type { HistoryRow, ReportReads, ServedDay, UsageReads, UsageTally } from './usage.ts'

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
  /** The id of the key that asked; null in rows of older programs, where it is the tenant. */
  key: string | null
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
   * How many times a control node has expanded; null for a task that scouts work on. A control node is `blocked` until
   * it is terminal, and its request is the spec that its planner wrote for it.
   */
  stage: number | null
  /** Names of the nodes that a control node waits for since it last expanded, as JSON of a list; null at first. */
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
  /** The id of the key that asked. */
  key: string
  /** Millionths of a US dollar. */
  microDollars: number
  /** No provider counted the tokens. */
  isEstimated: boolean
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

/** A response that can be fetched after it was answered. */
export interface ResponseRow {
  /** `resp_…`. */
  id: string
  tenant: string
  /** Milliseconds since 1970. */
  createdMs: number
  /**
   * What was asked for, as JSON. Empty for a response that an intent makes and that is not to be kept: its row is there
   * so that a start of the hub finds what the last process did not come to remove.
   */
  request: Uint8Array
  /** The whole answer, as JSON; null for one that an intent makes. */
  answer: Uint8Array | null
  /** That intent, with which the response goes; null for an answer that is whole already. */
  intent: string | null
}

/** A task that runs again, with the state that it begins in. */
export interface RetriedTask {
  task: number
  state: FirstTaskState
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
  /** The result of a control node. It must be `blocked` at this stage. */
  | { write: 'decide'; task: number; stage: number; result: Uint8Array }
  /**
   * These tasks join the intent of a control node, which must be `blocked` at this stage and waits for `waits` from
   * the next stage on. `requests` holds each task's request bytes, in the order of `tasks`; null for one that was
   * written ahead.
   */
  | { write: 'expand'; task: number; stage: number; waits: string; tasks: TaskRow[]; requests: (Uint8Array | null)[] }
  /**
   * Requests of tasks that are not there yet and join with a later `expand`, so that many large ones need not go into
   * one transaction. Those whose tasks did not come are removed when the next hub starts (`nextEpoch`).
   */
  | { write: 'requestsAhead'; intent: string; tasks: number[]; requests: Uint8Array[] }
  /** These tasks will not come. Unknown ones, and requests of tasks that have come, are passed over. */
  | { write: 'forgetRequestsAhead'; intent: string; tasks: number[] }
  /** An intent that is over goes on: it must not be `running`, and each of these tasks must be over and not `done`. */
  | { write: 'retry'; intent: string; deadlineMs: number; tasks: RetriedTask[] }
  /** Its parents are done. The task must be `blocked`. */
  | { write: 'unblock'; task: number }
  /** Terminal without an answer. The task must not be terminal. */
  | { write: 'end'; task: number; state: UnansweredTaskState; charged: number; fault: string | null }
  /** The intent must be `running`. */
  | { write: 'intentEnd'; intent: string; state: IntentState; fault: string | null; finishedMs: number }
  /** Its `seq` must be the next one of its intent. */
  | { write: 'event'; event: EventRow }
  /**
   * Sums stop at `usageSumMax`. What cannot be booked, because something is booked for this task or because a number of
   * it is none, is left out and counted (`unbooked`); the rest of the batch goes on.
   */
  | { write: 'usage'; usage: UsageRow }
  /** Adds to the sums without a booking for each task; the same holds. */
  | { write: 'tally'; tally: UsageTally }
  /** Adds or replaces the row of this slot. */
  | { write: 'history'; row: HistoryRow }
  /** Adds to what this scout served in this day; sums stop at `usageSumMax`. */
  | { write: 'served'; scout: string; served: ServedDay }
  /** Adds or replaces the row of (tenant, route, key). */
  | { write: 'idempotency'; row: IdempotencyRow }
  | { write: 'forgetIdempotency'; tenant: string; route: string; key: string }
  /** Adds or replaces the row of this id; passed over when it has an intent that is not there. */
  | { write: 'response'; row: ResponseRow }
  /** Unknown ids are passed over. */
  | { write: 'forgetResponse'; id: string }
  /** Removes an intent with all that belongs to it, but for what was booked; one that is `running` is passed over. */
  | { write: 'forgetIntent'; intent: string }
  /** The same whatever its state: another hub has it. */
  | { write: 'dropIntent'; intent: string }
  /** The process has ended so often while it worked on this intent, or more often. Unknown intents are passed over. */
  | { write: 'blame'; intent: string; deaths: number }
  | AccountWrite
  | LedgerWrite
  | TrustWrite
  | SharedKeyWrite
  | DisputeWrite

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

/** A number of tokens or tasks that may be booked. */
export function isTokenCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

/** What is needed to take up an intent. Terminal tasks come along, because children look at them. */
export interface OpenIntent {
  intent: IntentRow
  tasks: TaskRow[]
  /**
   * How long each task's request is, -1 when it is missing; requests themselves may be many times what is worth reading
   * at boot.
   */
  requestBytes: number[]
  /** The last event's number. */
  lastSeq: number
}

/** The place of a receipt costs so much less than a row with a statement of its own. */
const placesPerRow = 8

/** What a write brings along: rows, of which a task has one and its request another one, and what is large in them. */
export function sizeOfWrite(write: StoreWrite): { rows: number; bytes: number } {
  switch (write.write) {
    case 'settle':
    case 'decide':
      return { rows: 1, bytes: write.result.length }
    case 'intent':
    case 'expand':
    case 'requestsAhead': {
      let bytes = 0
      for (const request of write.requests) bytes += request?.length ?? 0
      return { rows: 1 + write.tasks.length + write.requests.length, bytes }
    }
    case 'retry':
      return { rows: 1 + write.tasks.length, bytes: 0 }
    case 'idempotency':
      return { rows: 1, bytes: write.row.answer?.length ?? 0 }
    case 'response':
      return { rows: 1, bytes: write.row.request.length + (write.row.answer?.length ?? 0) }
    case 'dispute':
    case 'disputeMove':
      return { rows: 2, bytes: write.texts?.length ?? 0 }
    case 'batch':
      // The places of all of its receipts are one statement.
      return { rows: 1 + Math.ceil(write.tasks.length / placesPerRow), bytes: write.batch.leaves.length }
    case 'forgetLeaves':
      return { rows: 1 + write.batches.length + Math.ceil(write.tasks.length / placesPerRow), bytes: 0 }
    case 'fold':
      return { rows: 1 + write.balances.length + write.earnings.length, bytes: 0 }
    default:
      return { rows: 1, bytes: 0 }
  }
}

// ---------------------------------------------------------------- the ports, by who uses them

/** For the journal, through which everything goes that the engine writes, and for the accounts. */
export interface BatchStore {
  /** All of these in one transaction, durably. Throws StoreError; then none of them happened (but see `unknown`). */
  commit(writes: readonly StoreWrite[]): void
}

/** For what reads durable intents. */
export interface IntentStore {
  intent(id: string): IntentRow | undefined
  /** Newest first; nothing when `before` is unknown. One query, however many there are. */
  intents(filter: IntentFilter): SummedIntent[]
  /** In the order in which they were planned. */
  tasksOf(intent: string): TaskRow[]
  request(task: number): Uint8Array | undefined
  result(task: number): Uint8Array | undefined
  /** Whether this very attempt's settlement made the task `done`. */
  isCommitted(task: number, attempt: number, nonce: Uint8Array): boolean
  eventsAfter(intent: string, seq: number, limit: number): EventRow[]
  /** Every intent that is `running`, oldest first. */
  openIntents(): Iterable<OpenIntent>
  /** One intent in the same shape, whatever its state. */
  openIntent(id: string): OpenIntent | undefined
  /** Under how many of these intents the process has died, and how often; see `blame`. */
  deaths(): Map<string, number>
  /**
   * Notes what is worked on now, null for nothing: it survives the death of the process, though not of the machine, and
   * costs no flush. What was noted last before the death of another process, until something else is noted.
   */
  noteInHand(name: string | null): void
  inHand(): string | null
  /** The same at once with deaths that are not written yet, which stay noted until others are, over a clean end too. */
  noteDeaths(owed: readonly IntentDeaths[], inHand: string | null): void
  owedDeaths(): readonly IntentDeaths[]
}

/** How often the process has died under an intent. */
export type IntentDeaths = Omit<StoreWriteOf<'blame'>, 'write'>

/** For Idempotency-Keys. */
export interface IdempotencyStore {
  idempotency(tenant: string, route: string, key: string): IdempotencyRow | undefined
}

/** For responses that can be fetched. */
export interface ResponseStore {
  response(id: string): ResponseRow | undefined
  /** The intents of responses that are not to be kept. Looks through all that intents made: for the start alone. */
  unkept(): string[]
}

/** For audits of the bookings, for budgets and for reports. */
export interface UsageStore extends UsageReads, ReportReads {
  /** Sum of booked tokens by model, for one tenant or all. */
  usage(tenant: string | null): Omit<UsageSum, 'tenant'>[]
  /** Rows of usage that this store could not book, since it was opened. */
  unbooked(): number
}

/** For the process: its start, its housekeeping and its end. */
export interface MaintenanceStore {
  /** Adds one to the hub's epoch and returns it, durably, before anything listens. */
  nextEpoch(): number
  /**
   * Removes up to `limit` intents finished before this time with all that belongs to them, up to `limit` older
   * responses that no intent made, up to `limit` older idempotency rows, and up to `limit` single bookings of usage,
   * whose sums stay. Returns how many rows of these four kinds went; 0 when there is nothing left to remove.
   */
  forgetBefore(finishedMs: number, idempotencyMs: number, limit: number): number
  /** Writes a consistent copy of everything to `path` while the store goes on working. Throws when `path` exists. */
  backup(path: string): void
  close(): void
}

/** What an adapter implements and the composition root hands out in parts. */
export interface Store
  extends AccountStore,
    BatchStore,
    IntentStore,
    IdempotencyStore,
    ResponseStore,
    UsageStore,
    LedgerStore,
    TrustStore,
    SharedKeyStore,
    DisputeStore,
    MaintenanceStore {}
