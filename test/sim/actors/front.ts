/**
 * The hub as the rest of the simulated world knows it, whether it is one process or several: where clients send their
 * chats, what those of durable intents ask, and what the weather does to it.
 */
import type { HubEngine } from '../../../orchestrator/engine/engine.ts'
import type { Answer, Submission } from '../../../orchestrator/engine/ports/client.ts'
import type { Process } from '../world.ts'
import type { FaultyDisk } from './store-faults.ts'

/** The process that holds the sockets of a client. */
export interface Front {
  /** Of the process that stands here now; another number is another process. */
  readonly generation: number
  readonly up: boolean
  /** False also from a defect to its end. */
  readonly isSound: boolean
  /** How long it stands still yet; nothing that a client does reaches it before. */
  readonly frozenForMs: number
  /** Whoever has to know that it is gone. */
  readonly mourners: Set<() => void>
  submit(submission: Submission): Answer
  /** Null when it died over it. */
  ask<T>(request: () => T): T | null
  /** Nobody waits for this task any more. */
  over(task: number): void
}

export interface SimHub {
  readonly disk: FaultyDisk
  /** Of the process that decides. */
  readonly engine: HubEngine
  readonly process: Process
  readonly generation: number
  readonly up: boolean
  readonly mourners: Set<() => void>
  ask<T>(request: () => T): T | null
  /** One that a client may dial now; null for none. */
  front(): Front | null
  /** After every event of the world, before the checker looks. */
  endTurn(): void
  crash(): void
  restart(): void
  freeze(forMs: number): void
  /** From now on it lives. */
  calm(): void
  /** Of answers that have not arrived whole. */
  readonly bytesInFlight: number
  /** Whether what it counts of a key is what is booked, whatever has died. */
  readonly countsWhatIsBooked: boolean
  /** Timers of the process that decides, when nothing is under way. */
  readonly restTimers: number
  /** What is still there although everything has ended, in words; null for nothing. */
  leftOver(): string | null
}
