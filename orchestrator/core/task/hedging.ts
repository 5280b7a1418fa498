/**
 * Hedging (Dean and Barroso, "The Tail at Scale", 2013): a client that has waited too long for its first content gets a
 * second scout, the two race, and the first content decides. When that is due, whom to ask, and what becomes of the
 * loser is here. `patience.ts` puts the due time into the wheel, `deadlines.ts` asks when it has come.
 */

import { attemptNumberMax } from '../../../shared/limits/wire.ts'
import { type Choice, choose } from '../fleet/placement.ts'
import type { Lease, Task } from '../model/object-graph.ts'
import type { CoreState } from '../state.ts'
import { isHeldBack } from '../trust/suspects.ts'
import { cancelLease } from './cancels.ts'
import { attemptsMax, leasesOf, noteTried, release } from './leases.ts'

/** How long one scout may keep the client without content before a second one is asked; Infinity for always. */
export function hedgeAfterMs({ settings }: CoreState, { routing, intent, stream, entry }: Task): number {
  // Nobody waits for a durable task.
  if (routing.hedgeAfterMs === 0 || intent !== null) return Number.POSITIVE_INFINITY
  if (routing.hedgeAfterMs !== null) return routing.hedgeAfterMs
  if (!stream || entry.firstContentSamples < settings.hedgeSamplesMin) return Number.POSITIVE_INFINITY
  return Math.max(settings.hedgeAfterMinMs, entry.firstContentP95Ms)
}

/** When a second scout is to be asked: not after content came, and never beyond the attempts the task has left. */
export function hedgeDueMs(core: CoreState, task: Task): number {
  const { lease } = task
  if (lease === null || task.hedge !== null || task.contentBegan || lease.contentMs > 0) {
    return Number.POSITIVE_INFINITY
  }
  const isLast =
    task.charged + 1 >= attemptsMax(core, task) ||
    task.handedBack >= core.settings.returnsMax ||
    task.attempt >= attemptNumberMax
  return isLast ? Number.POSITIVE_INFINITY : lease.hedgeMs
}

/** A second scout, if one is idle that may have the task; if not, it is looked for again at the next tick. */
export function secondChoice(core: CoreState, task: Task): Choice | undefined {
  const { lease } = task
  if (lease === null || core.draining || isHeldBack(core, task)) return undefined
  noteTried(task, lease)
  const chosen = choose(core, task)
  return chosen?.best.scout.record.scout === lease.scout ? undefined : chosen
}

/** Ends every other attempt of the task: they lost the race, which is nobody's fault. */
export function stopOthers(core: CoreState, task: Task, winner?: Lease): void {
  if (task.hedge === null && task.lease === (winner ?? null)) return
  for (const lease of leasesOf(task)) {
    if (lease === winner) continue
    cancelLease(core, task, lease, 'hedge_lost')
    release(core, task, lease)
    noteTried(task, lease)
    task.outrun++
    core.emit({ type: 'attemptVoid', task: task.id, attempt: lease.attempt })
  }
}
