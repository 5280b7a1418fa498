/**
 * The fault of a model that nobody offers. Its sentence names what is offered instead, because the usual cause is a
 * name that differs by a suffix.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { autoModel, type TaskKind } from '../../../shared/task.ts'
import type { ModelEntry } from '../model/object-graph.ts'
import type { CoreState } from '../state.ts'
import { clients } from './model-names.ts'

const namesShown = 10

export function notOffered(core: CoreState, { kind, model }: { kind: string; model: string }): string {
  const names: string[] = []
  for (const entry of core.index.entries.values()) {
    if (names.length > namesShown) break
    if (entry.kind === kind && entry.offerers > 0 && entry.model !== autoModel) names.push(entry.model)
  }
  const work = kind === 'embed' ? 'embeddings' : 'chat'
  if (names.length === 0) return `No connected scout offers "${model}" for ${work}, nor anything else for it right now.`
  const shown = names.slice(0, namesShown).join(', ') + (names.length > namesShown ? ', …' : '')
  return `No connected scout offers "${model}" for ${work}. Offered now: ${shown}. "auto" takes the most suitable.`
}

/** Why nobody will serve this model; null when somebody offers it, did a moment ago, or may be on the way back. */
export function missingModel(core: CoreState, asked: { kind: TaskKind; model: string }): Fault | null {
  if (core.nowMs < core.bootGraceUntilMs || isKnown(core, asked)) return null
  return fault('model_not_found', notOffered(core, asked), { param: 'model' })
}

/** Whether nobody has offered this model so far, and its scouts may be on the way back after a restart of the hub. */
export function awaitsModel(core: CoreState, asked: { kind: TaskKind; model: string }): boolean {
  return core.nowMs < core.bootGraceUntilMs && !isKnown(core, asked)
}

function isKnown({ index }: CoreState, { kind, model }: { kind: TaskKind; model: string }): boolean {
  const entry = index.entry(kind, model)
  return model === autoModel || (entry !== undefined && isMet(entry))
}

/** Whether a scout has offered it, and its grace is not over; others are names that clients wait for. */
export function isMet({ offerers, owner, model }: ModelEntry): boolean {
  return offerers > 0 || owner !== clients || model === autoModel
}
