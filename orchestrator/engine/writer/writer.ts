/**
 * The single writer around the core: takes the inbox's events one after another, steps the core, and hands what it
 * decided to the commit barrier. It is the only caller of `core.step`.
 */
import type { System } from '../../../shared/system.ts'
import type { Core } from '../../core/core.ts'
import type { Effect, Event } from '../../core/events.ts'
import type { CommitBarrier } from './commit-barrier.ts'

export class Writer {
  /** Of the step under way; empty between steps. */
  private readonly effects: Effect[] = []

  constructor(
    private readonly core: Core,
    private readonly system: System,
    private readonly barrier: CommitBarrier,
  ) {}

  step(event: Event): void {
    const { core, system, barrier, effects } = this
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
