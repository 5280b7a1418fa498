/**
 * The single writer around the core. Every edge of the engine adds events; at the end of the turn of the loop they are
 * stepped in order, so that what they cause (frames, commits, answers) leaves together. What a step causes is added
 * behind the events that already wait. The effects of each step go to the commit barrier. Nothing else calls
 * `core.step`.
 */
import { turnEventsMax } from '../../../shared/limits/scheduling.ts'
import type { System } from '../../../shared/system.ts'
import type { Core } from '../../core/core.ts'
import type { Effect, Event } from '../../core/events.ts'
import type { CommitBarrier } from './commit-barrier.ts'
import type { DefectGuard } from './defect-guard.ts'

interface WriterParts {
  core: Core
  system: System
  guard: DefectGuard
  /** Behind the barrier stand parts that add events themselves, so it is made after the writer, before any event. */
  barrier: () => CommitBarrier
}

export class Writer {
  /** Of this turn, in the order in which they were added. */
  private readonly events: Event[] = []
  /** Of the step under way; empty between steps. */
  private readonly effects: Effect[] = []
  private scheduled = false
  private stepping = false

  constructor(private readonly parts: WriterParts) {}

  /** Events that wait for the end of the turn. */
  get pending(): number {
    return this.events.length
  }

  readonly add = (event: Event): void => {
    const { guard, system } = this.parts
    if (guard.isDead) return
    this.events.push(event)
    if (this.stepping) return
    // A turn that took longer would hold up every socket.
    if (this.events.length >= turnEventsMax) return this.flush()
    if (this.scheduled) return
    this.scheduled = true
    system.soon(this.endTurn)
  }

  private readonly endTurn = (): void => {
    this.scheduled = false
    this.flush()
  }

  /** Steps through everything that waits, now. Inside a step it does nothing: the loop that runs gets there. */
  flush(): void {
    const { events } = this
    const { guard } = this.parts
    if (this.stepping || guard.isDead) return
    this.stepping = true
    let at = 0
    try {
      for (; at < events.length; at++) this.step(events[at]!)
    } catch (error) {
      throw guard.failed(events[at]!, error)
    } finally {
      // Also after a defect: an event is stepped once or never.
      events.length = 0
      this.stepping = false
    }
  }

  private step(event: Event): void {
    const { effects } = this
    const { core, system } = this.parts
    const barrier = this.parts.barrier()
    // Only now: steps before this one in the turn may have added grants that have not been sent.
    if (event.type === 'scoutGone') event.unsent = barrier.recallOf(event.session)
    else if (event.type === 'storeTroubled') event.unsent = barrier.recallAll()
    try {
      core.step(event, system.nowMs(), effects)
      barrier.pass(effects)
    } finally {
      // After a defect none of them may be performed, neither again nor for the first time.
      effects.length = 0
    }
  }
}
