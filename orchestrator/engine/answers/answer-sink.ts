/**
 * Whoever carries the answer of one task from its scouts to where it goes: a relay to a client that waits, or a
 * transcript into the store. The engine treats both alike.
 */

import type { ByteAccount } from '../../../shared/byte-account.ts'
import type { Fault } from '../../../shared/faults.ts'
import type { Served } from '../../../shared/task.ts'
import type { Cost } from '../../core/fleet/cost.ts'
import type { WorkCounter } from '../counting/task-count.ts'
import type { ChunkHead, Settlement } from '../ports/scouts.ts'
import type { GrantNote } from '../ports/trust/witness.ts'
import type { Check } from './answer-checks.ts'
import type { AttemptStream } from './attempt-stream.ts'

/** A grant, as far as its carrier is concerned. */
export interface Beginning {
  attempt: number
  session: number
  /** The right to settle it. */
  nonce: Uint8Array
  served: Served
  queuedMs: number
  cost: Cost
  /** What a token of this attempt is charged. */
  promptPrice: number | null
  answerPrice: number | null
  /** What who judges answers in another process says of it; absent where that one is in this one. */
  noted?: GrantNote
}

/** What carriers ask of the engine. */
export interface AnswerSinkHost {
  contentBegan(task: number, attempt: number): void
  flow(session: number, task: number, attempt: number, paused: boolean): void
  /** Asks for the task's place in the queue, which comes when it is known: at once, if it is known in this process. */
  where(task: number): void
  abandon(task: number): void
  /** The task cannot be answered any more. */
  fail(task: number, cause: Fault): void
  /** Bytes of streams that wait for their readers, by tenant. */
  readonly unread: ByteAccount
  /** Counts work for receipts; null in a hub that gives none. */
  readonly works: WorkCounter | null
}

export interface AnswerSink {
  readonly task: number
  begin(beginning: Beginning): void
  /** The request for the attempt that has just begun, or why it cannot be made. */
  request(): Uint8Array | Fault
  /** The number of the chunk that is expected next. */
  nextChunk(attempt: number): number
  /** The same attempt goes on over a new socket of this scout. */
  resume(attempt: number, session: number, scout: string): void
  /** The stream of this attempt and session; undefined when nobody listens to it any more. */
  attemptStream(attempt: number, session: number): AttemptStream | undefined
  /** Takes a chunk of a feed; what is wrong with it comes back, and the feed is not listened to any longer. */
  chunk(attemptStream: AttemptStream, head: ChunkHead, body: Uint8Array): Fault | null
  /** Takes a settlement that claims success; what is wrong with it comes back, or the steps that find out. */
  settle(attemptStream: AttemptStream, settlement: Settlement, body: Uint8Array): Check
  servedBy(attempt: number, served: Served): void
  /** The attempt is over without an answer. */
  void(attempt: number): void
}
