/**
 * Receipts of chats where the hub is several processes: the edge counts what was done, and the brain makes a receipt of
 * it. What a brain has seen done is reported to it and sealed, unless the edge dies before it has reported it or the
 * brain before it has sealed it. That nothing has two is judged by `receipts.ts`. Fed by the taps of the brain.
 *
 * 41. What is done for a client has its receipt.
 */
import type { HubEngine } from '../../../orchestrator/engine/engine.ts'
import type { World } from '../world.ts'

interface ReceiptParts {
  world: World
  fail: (invariant: number, what: string) => void
  isSealed: (task: number) => boolean
  /** Whether a process has died or stood still within this time. */
  isTroubled: (withinMs: number) => boolean
}

/** A message is there by then, and a batch is sealed every second. */
const sealedWithinMs = 4_000
const lookEveryMs = 500
/** How long the brain may take to notice that an edge is dead. */
const noticedWithinMs = 1_000

export class ReceiptChecks {
  /** What was counted of them at their edge is in these; null where that showed no answer after all. */
  private readonly answers = new Map<number, { work: unknown }>()
  /** Done, and not reported by their edge, since then. */
  private readonly done = new Map<number, number>()
  /** Reported, and not seen sealed, since then. */
  private readonly reported = new Map<number, number>()
  private lookedMs = 0
  private edgeDiedMs = Number.NEGATIVE_INFINITY

  constructor(private readonly parts: ReceiptParts) {}

  /** Its edge carries the answer. */
  asked(task: number, answer: { work: unknown }): void {
    this.answers.set(task, answer)
  }

  /** The brain has ended it; `isDone`: with an answer. */
  finished(task: number, isDone: boolean): void {
    // Its edge may be the one that is dead already.
    const mayBeLost = this.parts.world.nowMs - this.edgeDiedMs < noticedWithinMs
    if (isDone && !mayBeLost) this.done.set(task, this.parts.world.nowMs)
    else this.done.delete(task)
  }

  /** Another brain is told of it: it had not ended for its edge. */
  presented(task: number): void {
    this.done.delete(task)
  }

  worked(task: number): void {
    this.done.delete(task)
    this.answers.delete(task)
    this.reported.set(task, this.parts.world.nowMs)
  }

  /** What it has not sealed of chats is gone with it, and what is on its way there. */
  brainDies(): void {
    this.done.clear()
    this.reported.clear()
  }

  /** What it has not reported is gone with it; whose tasks these were the brain alone knows. */
  edgeDies(): void {
    this.done.clear()
    this.edgeDiedMs = this.parts.world.nowMs
  }

  /** After an event of the world; `engine` is null while there is no brain. */
  look(engine: HubEngine | null): void {
    const { world, isSealed, isTroubled, fail } = this.parts
    const { nowMs } = world
    if (nowMs - this.lookedMs < lookEveryMs || engine === null) return
    this.lookedMs = nowMs
    for (const task of this.reported.keys()) if (isSealed(task)) this.reported.delete(task)
    // Nothing is to be expected of who cannot write, stands still, or has just come.
    const isExcused = isTroubled(sealedWithinMs) || engine.journal.trouble !== null
    for (const [task, sinceMs] of this.done) {
      const isCounted = (this.answers.get(task)?.work ?? null) !== null
      if (isExcused || !isCounted) this.done.set(task, nowMs)
      else if (nowMs - sinceMs > sealedWithinMs) fail(41, `what was counted of task ${task} is not reported`)
    }
    for (const [task, sinceMs] of this.reported) {
      if (isExcused) this.reported.set(task, nowMs)
      else if (nowMs - sinceMs > sealedWithinMs) fail(41, `task ${task} is done and has no receipt`)
    }
  }
}
