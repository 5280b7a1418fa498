/**
 * Whether leases end in time, compared with what the wire has seen.
 *
 * 14. No lease outlives the last sign of its scout by more than its time and the hub's grace.
 * 38. Nobody waits longer for a scout whose socket is gone than the table of docs/semantics.md says.
 */
import type { CoreState } from '../../../../orchestrator/core/state.ts'
import { mayMigrate } from '../../../../orchestrator/core/task/attempts.ts'
import { expiryOf, leasesOf } from '../../../../orchestrator/core/task/leases.ts'
import type { HubEngine } from '../../../../orchestrator/engine/engine.ts'
import { leaseGraceMs, leaseTtlMs, tickMs } from '../../../../shared/limits/scheduling.ts'
import type { Ledger } from '../ledger.ts'

interface Flaw {
  invariant: 14 | 38
  what: string
}

/** How long the task may wait for a scout whose socket is gone by now; `isLeaving`: it had said that it leaves. */
export function longestWaitMs(core: CoreState, id: number, isLeaving: boolean): number {
  const task = core.tasks.get(id)
  if (task === undefined || isLeaving) return 0
  const { resumeWindowMs } = core.settings
  if (task.intent === null) return task.contentBegan && !mayMigrate(core, task) ? resumeWindowMs : 0
  return task.entry.scouts > 0 ? resumeWindowMs : leaseTtlMs + leaseGraceMs
}

/** `bootMs`: when the hub's clock began in the world's time. `stoodMs`: for how long it stood still in all. */
export function leaseFlaw(
  engine: HubEngine,
  ledger: Ledger,
  nowMs: number,
  bootMs: number,
  stoodMs: number,
): Flaw | null {
  const { state } = engine.core
  const late = (what: string): Flaw => ({ invariant: 14, what })
  for (const task of state.tasks.values()) {
    for (const lease of leasesOf(task)) {
      const { attempt } = lease
      const expiresMs = expiryOf(state, lease)
      if (expiresMs < nowMs - 2 * tickMs) return late(`attempt ${attempt} of task ${task.id} is overdue`)
      const book = ledger.tasks.get(task.id)?.leases.find((known) => known.attempt === attempt)
      if (book === undefined) continue
      const { awaited } = book
      if (awaited !== null && nowMs + bootMs > awaited.sinceMs + awaited.forMs + 2 * tickMs + stoodMs) {
        return { invariant: 38, what: `attempt ${attempt} of task ${task.id} waits for a scout that is gone` }
      }
      // Of what an earlier process gave out, from when it is taken up: what that one died of waits for the disk.
      const signMs = Math.max(task.submittedMs, book.signMs - bootMs)
      if (expiresMs > signMs + leaseTtlMs + leaseGraceMs + tickMs + stoodMs) {
        return late(`attempt ${attempt} of task ${task.id} lives on without a sign of its scout`)
      }
    }
  }
  return null
}
