/**
 * What trust in a scout with a model weighs, for those scouts that it weighs anything for. A mark belongs to the
 * durable identity, so a reconnect takes none off; each is one object that all sessions of its scout refer to, changed
 * in place, so that a change finds whoever places by it. Set by `trust/marking.ts`, read by placement.
 */
import { autoModel } from '../../../shared/task.ts'
import type { Scout } from '../model/object-graph.ts'
import type { TrustMark } from '../model/scout.ts'

export class TrustMarks {
  /** By scout and model; whoever sets them bounds how many there are. */
  private readonly marks = new Map<string, Map<string, TrustMark>>()

  of(scout: string, model: string): TrustMark | null {
    return this.marks.get(scout)?.get(model) ?? null
  }

  /** Whether this scout has any. */
  has(scout: string): boolean {
    return this.marks.has(scout)
  }

  add(scout: string, model: string): TrustMark {
    const ofScout = this.marks.get(scout) ?? new Map<string, TrustMark>()
    const mark = { trustMs: 0, isConvicted: false }
    this.marks.set(scout, ofScout.set(model, mark))
    return mark
  }
}

/** Counts a connected scout with the models for which it is convicted, and with `auto` where it is for any. */
export function countConvicted({ capabilities, klass }: Scout, by: 1 | -1): void {
  for (const { mark, entry } of capabilities) if (mark?.isConvicted === true) entry.convicted += by
  for (const auto of klass.entries) {
    if (auto.model !== autoModel) continue
    const isAny = capabilities.some(({ mark, entry }) => mark?.isConvicted === true && entry.kind === auto.kind)
    if (isAny) auto.convicted += by
  }
}
