/**
 * One attempt on this scout, from the task frame to its settlement: where it stands, why it is being stopped, until
 * when it may run. The executor moves it on; what it says to the hub is in its `Outgoing`.
 */
import type { FrameOf } from '../../shared/protocol/frames.ts'
import type { Outgoing } from './attempt-output.ts'
import type { Ending } from './settlement.ts'

/**
 * `assembling` while the request's fragments arrive, `queued` until a place is free, `answering` while the provider is
 * asked, `over` once settled or forgotten.
 */
export type RunPhase = 'assembling' | 'queued' | 'answering' | 'over'

const moves: Record<RunPhase, readonly RunPhase[]> = {
  assembling: ['queued', 'over'],
  queued: ['answering', 'over'],
  answering: ['over'],
  over: [],
}

/** Why a run is stopped before its end: with these words to the hub, or without any. */
export type Stop = Ending | 'forgotten'

export class Run {
  /** The request; empty while its fragments arrive. */
  body: Uint8Array = new Uint8Array(0)
  stop: Stop | null = null
  readonly deadlineAtMs: number
  private at: RunPhase = 'assembling'
  private readonly controller = new AbortController()

  constructor(
    readonly frame: FrameOf<'task'>,
    readonly outgoing: Outgoing,
    nowMs: number,
  ) {
    this.deadlineAtMs = nowMs + frame.deadlineMs
  }

  get phase(): RunPhase {
    return this.at
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  /** When this run ends by itself, given when the hub was last heard. */
  dueMs(heardMs: number): number {
    return Math.min(this.deadlineAtMs, heardMs + this.frame.ttlMs)
  }

  enter(next: RunPhase): void {
    if (!moves[this.at].includes(next)) throw new Error(`a run cannot go from ${this.at} to ${next}`)
    this.at = next
  }

  /** Tells the provider to end, and whoever waits to write. */
  abort(): void {
    this.controller.abort()
    this.outgoing.release()
  }
}
