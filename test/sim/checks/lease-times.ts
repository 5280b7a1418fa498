/** Whether leases end in time: compared with the signs of life that the wire has seen. Invariant 14. */
import { expiryOf, leasesOf } from '../../../orchestrator/core/task/leases.ts'
import type { HubEngine } from '../../../orchestrator/engine/engine.ts'
import { leaseGraceMs, leaseTtlMs, tickMs } from '../../../shared/limits/scheduling.ts'
import type { Ledger } from './ledger.ts'

/** `bootMs`: when the hub's clock began in the world's time. `stoodMs`: for how long it stood still in all. */
export function leaseFlaw(engine: HubEngine, ledger: Ledger, nowMs: number, bootMs: number, stoodMs: number) {
  const { state } = engine.core
  for (const task of state.tasks.values()) {
    for (const lease of leasesOf(task)) {
      const { attempt } = lease
      const expiresMs = expiryOf(state, lease)
      if (expiresMs < nowMs - 2 * tickMs) return `attempt ${attempt} of task ${task.id} is overdue`
      const book = ledger.tasks.get(task.id)?.leases.find((known) => known.attempt === attempt)
      if (book === undefined) continue
      const signMs = Math.max(0, book.signMs - bootMs)
      if (expiresMs > signMs + leaseTtlMs + leaseGraceMs + tickMs + stoodMs) {
        return `attempt ${attempt} of task ${task.id} lives on without a sign of its scout`
      }
    }
  }
  return null
}
