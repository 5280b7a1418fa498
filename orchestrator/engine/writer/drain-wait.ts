/**
 * Who waits for the last task of a draining hub. The engine's drain waits here; every end of a task and every tick
 * checks whether it was the last.
 */
import type { CoreState } from '../../core/state.ts'
import type { Listings } from '../reports/listings.ts'

export class DrainWait {
  private waiters: (() => void)[] = []

  constructor(
    private readonly core: Pick<CoreState, 'tasks'>,
    private readonly listings: Listings,
  ) {}

  /** Resolves when no scout works on anything any more. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.waiters.push(resolve)
      this.check()
    })
  }

  check(): void {
    if (this.waiters.length === 0) return
    // Leases that wait for their scout do not hold up an end: the next start takes them up.
    if (this.listings.counts().tasksLeased > 0) return
    // Last, since durable tasks may be many.
    for (const { intent } of this.core.tasks.values()) if (intent === null) return
    for (const wake of this.waiters.splice(0)) wake()
  }
}
