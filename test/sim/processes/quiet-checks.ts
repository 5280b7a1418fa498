/**
 * What the brain holds, against what the sockets of its edges have shown, whenever nothing of it is on its way. Where a
 * hub of one process is compared at once, an edge knows first, and what the brain believes may differ only as long as
 * messages travel. Fed by `wire-checks.ts`; neither draws chance nor sets timers, so that no life depends on it.
 *
 *  8. The credits of an honest scout are what it has given at its edge, less what it was sent there.
 * 34. What a client has left is not worked on any more.
 */

import { heldLeases } from '../../../orchestrator/core/task/leases.ts'
import type { HubEngine } from '../../../orchestrator/engine/engine.ts'
import type { World } from '../world.ts'

/** Of an honest scout, as its socket shows it. */
interface Shown {
  credits: number
  capacity: number
  /** When it changed last. */
  changedMs: number
}

interface QuietParts {
  world: World
  creditMax: number
  fail: (invariant: number, what: string) => void
  /** Whether its task frame has left, by `task/attempt`. */
  isSent: (attempt: string) => boolean
  /** Whether a process has died or stood still within this time. */
  isTroubled: (withinMs: number) => boolean
}

const lookEveryMs = 100
/** How long nothing has to happen to a session before its credits are compared. */
const quietMs = 1_000
/** Another brain is there by then, and has gathered the edges, as long as most deaths take. */
const troubleMs = 2_000
/** Within this the brain knows who has left, and so does every scout's edge. */
const leftWithinMs = 300

export class QuietChecks {
  private readonly sessions = new Map<number, Shown>()
  /** Tasks of clients that are gone, and since when the brain was seen to have them without any excuse. */
  private readonly left = new Map<number, number | null>()
  private lookedMs = 0

  constructor(private readonly parts: QuietParts) {}

  // ------------------------------------------------------------ as the edges see it

  joined(session: number, concurrency: number): void {
    const { creditMax, world } = this.parts
    const capacity = Math.min(concurrency, creditMax)
    this.sessions.set(session, { credits: 0, capacity, changedMs: world.nowMs })
  }

  /** `count`: more credits; -1 for a task. */
  credited(session: number, count: number): void {
    const shown = this.sessions.get(session)
    if (shown === undefined) return
    shown.credits += count
    shown.changedMs = this.parts.world.nowMs
  }

  offers(session: number, concurrency: number): void {
    const shown = this.sessions.get(session)
    if (shown === undefined) return
    shown.capacity = Math.min(concurrency, this.parts.creditMax)
    this.credited(session, Math.min(0, shown.capacity - shown.credits))
  }

  gone(session: number): void {
    this.sessions.delete(session)
  }

  /** The client of this task has gone. */
  abandoned(task: number): void {
    this.left.set(task, null)
  }

  // ------------------------------------------------------------ looks

  /** After an event of the world; `engine` is null while there is no brain. */
  look(engine: HubEngine | null): void {
    const { nowMs } = this.parts.world
    if (nowMs - this.lookedMs < lookEveryMs) return
    this.lookedMs = nowMs
    if (engine === null) return
    this.checkLeft(engine)
    if (!this.parts.isTroubled(troubleMs)) this.checkCredits(engine)
  }

  private checkLeft({ core }: HubEngine): void {
    const { world, isTroubled, fail } = this.parts
    for (const [task, sinceMs] of this.left) {
      if (isTroubled(0) || !core.state.tasks.has(task)) this.left.set(task, null)
      else if (sinceMs === null) this.left.set(task, world.nowMs)
      else if (world.nowMs - sinceMs >= leftWithinMs) fail(34, `task ${task} goes on, and its client has left`)
    }
  }

  private checkCredits({ core }: HubEngine): void {
    const { world, isSent, fail } = this.parts
    for (const [session, { credits, changedMs }] of this.sessions) {
      const scout = core.state.roster.bySession.get(session)
      if (scout === undefined || scout.state !== 'ready' || world.nowMs - changedMs < quietMs) continue
      // A grant that is on its way, or waits for the disk, and a cancel that may meet one.
      const isUnsettled = heldLeases(scout).some(({ task, attempt }) => !isSent(`${task.id}/${attempt}`))
      if (isUnsettled || (scout.cancels?.size ?? 0) > 0) continue
      if (scout.credits !== credits) {
        fail(8, `session ${session} has ${scout.credits} credits at the brain, and ${credits} at its edge`)
      }
    }
  }
}
