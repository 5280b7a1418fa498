/**
 * The engine and the scouts' edge: what the gateway reports of its sessions, and what the engine asks of it. Client
 * edges do not know this file; `main.ts` connects both sides.
 */
import type { Fault } from '../../../shared/faults.ts'
import type { CloseName } from '../../../shared/protocol/close-codes.ts'
import type { FrameOf, HubFrame } from '../../../shared/protocol/frames.ts'

/** A greeted scout, as the gateway introduces it. */
export interface Greeting {
  session: number
  /** The key's id. */
  operator: string
  address: string
  hello: FrameOf<'hello'>
}

/** What the gateway tells the engine; all synchronous, none of it throws. */
export interface ScoutEvents {
  joined(greeting: Greeting): void
  credit(session: number, count: number): void
  offers(session: number, frame: FrameOf<'offers'>): void
  started(session: number, frame: FrameOf<'started'>): void
  /** `body` is whole, inline or assembled. */
  chunk(session: number, frame: FrameOf<'chunk'>, body: Uint8Array): void
  settle(session: number, frame: FrameOf<'settle'>, body: Uint8Array): void
  /** A body that can never be completed: fragments out of order or too many at once. */
  broken(session: number, task: number, attempt: number, fault: Fault): void
  /** A fragment arrived: its attempt lives. */
  alive(session: number, task: number, attempt: number): void
  heartbeat(session: number): void
  draining(session: number): void
  gone(session: number): void
}

/** What the engine asks of the gateway. Unknown sessions are ignored: the socket may just have closed. */
export interface ScoutLinks {
  /** Queues one frame. `body` is for task frames: sent inline when small, as fragments when not. */
  send(session: number, frame: HubFrame, body?: Uint8Array): void
  close(session: number, why: CloseName): void
}
