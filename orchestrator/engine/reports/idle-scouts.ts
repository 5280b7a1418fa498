/**
 * Some idle scouts of a model, drawn at random, for whoever has a request to place with one of them by name. A bounded
 * number of draws: it may find fewer than there are. It reads the core's index and changes nothing that counts.
 */
import { type System, secretUnit } from '../../../shared/system.ts'
import type { TaskKind } from '../../../shared/task.ts'
import { canServe } from '../../core/fleet/capability-index.ts'
import type { CoreState } from '../../core/state.ts'
import type { IdleScout } from '../ports/trust/witness.ts'

/** Draws for each scout that is wanted. */
const drawsEach = 2

export function idleScouts(
  { index }: CoreState,
  system: System,
  kind: TaskKind,
  model: string,
  count: number,
): IdleScout[] {
  const entry = index.entry(kind, model)
  const found = new Map<string, IdleScout>()
  if (entry === undefined) return []
  const { ready } = entry
  const draws = Math.min(count * drawsEach, 4 * ready.length)
  for (let draw = 0; draw < draws && found.size < count; draw++) {
    const capability = ready[Math.floor(secretUnit(system) * ready.length)]
    if (capability === undefined || capability.withdrawn) continue
    const { scout, provider } = capability
    if (!scout.idle || !canServe(scout, entry)) continue
    const { record } = scout
    found.set(record.scout, { scout: record.scout, operator: record.operator, provider })
  }
  return [...found.values()]
}
