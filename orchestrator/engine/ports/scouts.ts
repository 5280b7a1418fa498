/**
 * The engine and the scouts' edge, in the engine's own terms: what the gateway reports of its sessions, and what the
 * engine asks of it. No frame of the protocol appears here. The values of frequent messages are plain interfaces that
 * a decoded frame satisfies as it is, so that the gateway need not copy them.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { CloseName } from '../../../shared/protocol/close-codes.ts'
import type { HeldVerdict, Offer, Outcome, TaskKind, Verdict } from '../../../shared/task.ts'

/** A lease that a scout still holds from an earlier session. */
interface LeaseClaim {
  task: number
  attempt: number
  nonce: Uint8Array
}

/** What a scout presents of itself. */
export interface Hello {
  name: string
  instance: string
  /** Software and version, for people. */
  agent: string
  concurrency: number
  offers: Offer[]
  held: LeaseClaim[]
  /** With which it signs what it answers; absent or null when it does not. */
  publicKey?: Uint8Array | null | undefined
}

/** A greeted scout, as the gateway introduces it. */
export interface Greeting {
  session: number
  /** The tenant of its key. */
  operator: string
  address: string
  hello: Hello
}

export interface AttemptStarted {
  task: number
  attempt: number
  provider: string
}

/** The head of a piece of a streamed answer. */
export interface ChunkHead {
  task: number
  attempt: number
  /** Counts from 0 without gaps. */
  seq: number
  /** Sum of the body bytes before this piece. */
  offset: number
}

/** The end of an attempt as its scout reports it. */
export interface Settlement {
  task: number
  attempt: number
  nonce: Uint8Array
  outcome: Outcome
  chunks: number
  provider: string
  /** Granted along with it. */
  credits: number
  /** A code, a sentence and the request's field at fault; empty when there is none. */
  fault: string
  message: string
  param: string
  retryAfterMs: number
  /** Over what was answered; absent or null when it is not signed. */
  signature?: Uint8Array | null | undefined
}

/** What is reported of an answer on its way, to who carries it. */
export interface AttemptEvents {
  /** `body` is whole, inline or assembled. */
  chunk(session: number, head: ChunkHead, body: Uint8Array): void
  settle(session: number, settlement: Settlement, body: Uint8Array): void
  /** A body that can never be completed: fragments out of order or too many at once. */
  broken(session: number, task: number, attempt: number, fault: Fault): void
  /** A fragment arrived: its attempt lives. */
  alive(session: number, task: number, attempt: number): void
}

/** What the gateway reports to the engine. All synchronous; an error out of it is a defect of the engine. */
export interface ScoutEvents extends AttemptEvents {
  joined(greeting: Greeting): void
  credit(session: number, count: number): void
  offers(session: number, concurrency: number, offers: Offer[]): void
  started(session: number, started: AttemptStarted): void
  heartbeat(session: number): void
  draining(session: number): void
  /** `isForsaken`: its key stopped working, so it will not come back. */
  gone(session: number, isForsaken?: boolean): void
}

/** A lease to offer to a scout. */
export interface TaskGrant {
  task: number
  attempt: number
  nonce: Uint8Array
  kind: TaskKind
  model: string
  stream: boolean
  ttlMs: number
  deadlineMs: number
  /** Of the answer's hash, for a scout that signs it; absent for others. */
  salt?: Uint8Array | undefined
}

/** The terms of a session. */
export interface Welcome {
  epoch: number
  scout: string
  leaseTtlMs: number
  creditMax: number
  /** `nextChunk` is the number of the chunk expected next; it counts for `resumed` only. */
  held: { task: number; attempt: number; verdict: HeldVerdict; nextChunk: number }[]
}

/** How a scout stands with the hub, over the last hour. */
export interface Standing {
  considered: number
  won: number
  lostLatency: number
  lostPrice: number
  lostCapacity: number
  lostTrust: number
  done: number
  failed: number
  failurePermille: number
  window: number
  /** Until the hub asks for this model again. */
  paused: { model: string; resumesInMs: number }[]
  /** Points of this season, those in escrow, and why tasks of today earned nothing; nothing where none are shown. */
  earned?: number | null
  waiting?: number | null
  unpaid?: string | null
  /** What audits mean for it, in words; empty or absent where nobody audits. */
  trust?: string
  /** Those of the points in escrow that wait for trust; absent where it is not known, or nothing waits. */
  untrusted?: number | null
  /** Whether its receipts are countersigned, in words; absent for a scout that does not sign. */
  signing?: string
}

/** What a scout is told of points; nothing where none are shown. */
export type ShownPoints = Pick<Standing, 'earned' | 'waiting' | 'unpaid' | 'untrusted'>

/** What is asked of an attempt's scout. Unknown sessions are ignored: the socket may just have closed. */
interface AttemptCommands {
  /** Sends a task with its request; false when no frame can hold it, and then nothing was sent. */
  task(session: number, grant: TaskGrant, request: Uint8Array): boolean
  cancel(session: number, task: number, attempt: number, reason: string): void
  /** The client reads slowly, or again fast enough. */
  flow(session: number, task: number, attempt: number, paused: boolean): void
}

/** What who carries an answer asks of who holds the socket of its scout. */
export interface AttemptLinks extends AttemptCommands {
  /** The attempt goes on over this session at this chunk, which completes the welcome. */
  resumed(session: number, task: number, attempt: number, nextChunk: number): void
}

/** What the engine asks of the gateway. */
export interface ScoutLinks extends AttemptCommands {
  settled(session: number, task: number, attempt: number, verdict: Verdict): void
  welcome(session: number, welcome: Welcome): void
  standing(session: number, standing: Standing): void
  close(session: number, why: CloseName, detail?: string): void
}
