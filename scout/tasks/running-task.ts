/**
 * One attempt on this scout, from the task frame to its settlement: its phase, the reason why it is stopped early, and
 * until when it may run. The executor moves it on; what it sends to the hub is in its `AttemptOutput`.
 */
import type { FrameOf } from '../../shared/protocol/frames.ts'
import type { TaskKind } from '../../shared/task.ts'
import type { AttemptOutput } from './attempt-output.ts'
import type { Settlement } from './settlement.ts'

/**
 * | phase | entered | left | holds meanwhile |
 * |---|---|---|---|
 * | assembling | by the task frame | by the last fragment of the request, or a stop | the body is empty |
 * | queued | with the whole request | when a place is free, or by a stop | no provider has been asked |
 * | answering | by its turn | when the provider has ended or been given up | `signal` reaches the provider |
 * | over | by `finish`, once | never | not among the running tasks; nothing is written any more |
 */
export type TaskPhase = 'assembling' | 'queued' | 'answering' | 'over'

const moves: Record<TaskPhase, readonly TaskPhase[]> = {
  assembling: ['queued', 'over'],
  queued: ['answering', 'over'],
  answering: ['over'],
  over: [],
}

/** Why a task is stopped before its end: to be settled so, or `forgotten`, which settles nothing. */
export type Stop = Settlement | 'forgotten'

export class RunningTask {
  readonly task: number
  readonly attempt: number
  readonly kind: TaskKind
  readonly model: string
  readonly stream: boolean
  readonly deadlineAtMs: number
  /** The request; empty while its fragments arrive, and again once its answer has begun. */
  body: Uint8Array = new Uint8Array(0)
  stop: Stop | null = null
  private readonly ttlMs: number
  private at: TaskPhase = 'assembling'
  private readonly controller = new AbortController()

  /** Keeps values of the frame, never the frame: its byte fields are views that would keep the whole message. */
  constructor(
    { task, attempt, kind, model, stream, ttlMs, deadlineMs }: FrameOf<'task'>,
    readonly output: AttemptOutput,
    nowMs: number,
  ) {
    this.task = task
    this.attempt = attempt
    this.kind = kind
    this.model = model
    this.stream = stream
    this.ttlMs = ttlMs
    this.deadlineAtMs = nowMs + deadlineMs
  }

  get phase(): TaskPhase {
    return this.at
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  /** When its lease ends, if the last frame of the hub came at `heardMs`. */
  expiresMs(heardMs: number): number {
    return heardMs + this.ttlMs
  }

  enter(next: TaskPhase): void {
    if (!moves[this.at].includes(next)) throw new Error(`a task cannot go from ${this.at} to ${next}`)
    this.at = next
  }

  /** Aborts the provider's call, and wakes its writer if that waits. */
  abort(): void {
    this.controller.abort()
    this.output.release()
  }
}
