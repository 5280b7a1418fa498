/**
 * What the ledger asks of the present offers: how many owners have a model, whether somebody's own scouts do, and which
 * models there are.
 */
import type { TaskKind } from '../../../../shared/task.ts'
import type { CapabilityIndex } from '../../../core/fleet/capability-index.ts'

export interface Market {
  /** Owners who offer this model now. */
  ownersOf(kind: TaskKind, model: string): number
  /** Whether this operator's scouts offer it. */
  isOfferedBy(kind: TaskKind, model: string, operator: string): boolean
  /** Models that are offered now; a look at all of them. */
  models(kind: TaskKind): string[]
}

export function marketOf(index: Pick<CapabilityIndex, 'entries' | 'entry'>): Market {
  return {
    ownersOf: (kind, model) => index.entry(kind, model)?.operators.size ?? 0,
    isOfferedBy: (kind, model, operator) => index.entry(kind, model)?.operators.has(operator) === true,
    models(kind) {
      const offered = [...index.entries.values()].filter((entry) => entry.kind === kind && entry.operators.size > 0)
      return offered.map(({ model }) => model)
    },
  }
}
