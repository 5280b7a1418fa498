/**
 * Models that were offered and are not any more: why, since when, and how long those who want one wait for its scouts
 * to come back. The reason of a model that has been forgotten is remembered for some minutes, within a bound, because a
 * model's name is a stranger's text. Fed by sessions that end or change their offers; read by what tells clients so.
 */
import { departedModelsMax, departedModelsMs, refusalExplainsMs } from '../../../shared/limits/scheduling.ts'
import { autoModel } from '../../../shared/task.ts'
import type { Absence, Departure } from '../model/model-entry.ts'
import type { ModelEntry, Scout } from '../model/object-graph.ts'
import type { CoreSettings } from '../settings.ts'

/** How a scout stopped offering what it did. */
export type Leaving = 'lost' | 'left' | 'withdrawn'

/** The last scout that offered it does so no longer. */
export function noteAbsence(entry: ModelEntry, scout: Scout, how: Leaving, nowMs: number): void {
  entry.absence = { why: how === 'withdrawn' ? whyWithdrawn(entry, scout, nowMs) : how, sinceMs: nowMs }
  entry.resumes = null
}

/** An offers frame gives no reason, but a task that failed before it may have. */
function whyWithdrawn({ model }: ModelEntry, { refusal }: Scout, nowMs: number): Departure {
  if (refusal === null || nowMs - refusal.atMs > refusalExplainsMs) return 'withdrawn'
  if (refusal.code === 'provider_unauthorized') return 'refused'
  return refusal.model === model ? 'gone' : 'withdrawn'
}

interface Patience {
  bootGraceUntilMs: number
  settings: CoreSettings
}

/** Until when clients wait for a model that nobody offers: nobody is on the way back with what a provider refuses. */
export function awaitedUntilMs({ bootGraceUntilMs, settings }: Patience, { absence }: ModelEntry): number {
  if (absence === null) return bootGraceUntilMs
  const { why, sinceMs } = absence
  const isRefused = why === 'refused' || why === 'gone'
  return isRefused ? sinceMs : sinceMs + Math.min(settings.modelWaitMs, settings.modelGraceMs)
}

/** Whether nobody offers the model, and nobody is waited for with it any more. */
export function isDeserted(core: Patience & { nowMs: number }, entry: ModelEntry): boolean {
  return entry.offerers === 0 && entry.model !== autoModel && core.nowMs >= awaitedUntilMs(core, entry)
}

/** Nobody has offered it so far: it is a name that clients wait for. */
export function isOnlyNamed({ offerers, absence }: ModelEntry): boolean {
  return offerers === 0 && absence === null
}

/** Why models that are forgotten had gone. */
export class DepartedModels {
  private readonly known = new Map<string, Absence>()

  get size(): number {
    return this.known.size
  }

  /** The model is about to be forgotten. */
  note({ key, absence }: ModelEntry): void {
    if (absence === null) return
    this.known.delete(key)
    if (this.known.size >= departedModelsMax) this.known.delete(this.known.keys().next().value!)
    this.known.set(key, absence)
  }

  find(key: string, nowMs: number): Absence | null {
    const absence = this.known.get(key)
    if (absence === undefined) return null
    if (nowMs - absence.sinceMs <= departedModelsMs) return absence
    this.known.delete(key)
    return null
  }
}
