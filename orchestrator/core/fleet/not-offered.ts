/**
 * The sentence for a model that nobody offers. It names what is offered instead, because the usual cause is a name
 * that differs by a suffix.
 */
import { autoModel } from '../../../shared/task.ts'
import type { CoreState } from '../state.ts'

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
