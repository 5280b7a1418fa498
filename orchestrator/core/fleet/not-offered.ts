/**
 * The fault of a model that nobody offers. Its sentence says why a model that was here lately is gone, and names what
 * is offered instead, because the usual cause is a name that differs by a suffix. It repeats no words of a scout or a
 * provider: they answered somebody else's request.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { matchesAny } from '../../../shared/keys/key-terms.ts'
import { autoModel, type TaskKind } from '../../../shared/task.ts'
import type { Absence, Departure } from '../model/model-entry.ts'
import type { CoreState } from '../state.ts'
import { isDeserted, isOnlyNamed } from './absence.ts'

const namesShown = 10

const departures: Record<Departure, (ago: string) => string> = {
  lost: (ago) => `the last one that did lost its connection ${ago} ago`,
  left: (ago) => `the last one that did left ${ago} ago`,
  withdrawn: (ago) => `the last one that did took it back ${ago} ago`,
  refused: (ago) => `${ago} ago the provider of the last one that did refused its key or its account`,
  gone: (ago) => `${ago} ago the provider of the last one that did had it no more`,
}

/** What is asked for, and the names of models that whoever asks may know of. */
interface AskedModel {
  kind: TaskKind
  model: string
  allowed?: readonly string[] | null
}

export function notOffered(core: CoreState, { kind, model, allowed = null }: AskedModel): string {
  const names: string[] = []
  for (const entry of core.index.entries.values()) {
    if (names.length > namesShown) break
    if (entry.kind !== kind || entry.offerers === 0 || entry.model === autoModel) continue
    if (allowed === null || matchesAny(allowed, entry.model)) names.push(entry.model)
  }
  const work = kind === 'embed' ? 'embeddings' : 'chat'
  const absence = core.index.entry(kind, model)?.absence ?? core.departed.find(`${kind}\t${model}`, core.nowMs)
  const why = absence === null ? '' : `: ${reasonOf(absence, core.nowMs)}`
  if (names.length === 0) {
    return `No connected scout offers "${model}" for ${work}${why || ', nor anything else for it right now'}.`
  }
  const shown = names.slice(0, namesShown).join(', ') + (names.length > namesShown ? ', …' : '')
  const instead = `Offered now: ${shown}. "auto" takes the most suitable.`
  return `No connected scout offers "${model}" for ${work}${why}. ${instead}`
}

function reasonOf({ why, sinceMs }: Absence, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - sinceMs) / 1_000))
  return departures[why](seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`)
}

/** Why nobody will serve this model; null when somebody offers it, did a moment ago, or may be on the way back. */
export function missingModel(core: CoreState, asked: AskedModel): Fault | null {
  if (core.nowMs < core.bootGraceUntilMs || isKnown(core, asked)) return null
  return fault('model_not_found', notOffered(core, asked), { param: 'model' })
}

/** Whether nobody has offered this model so far, and its scouts may be on the way back after a restart of the hub. */
export function awaitsModel(core: CoreState, asked: { kind: TaskKind; model: string }): boolean {
  return core.nowMs < core.bootGraceUntilMs && !isKnown(core, asked)
}

function isKnown(core: CoreState, { kind, model }: { kind: TaskKind; model: string }): boolean {
  const entry = core.index.entry(kind, model)
  return model === autoModel || (entry !== undefined && !isOnlyNamed(entry) && !isDeserted(core, entry))
}
