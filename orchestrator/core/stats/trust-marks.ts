/**
 * What trust in a scout with a model weighs, for those scouts that it weighs anything for. A mark belongs to the
 * durable identity, so a reconnect takes none off; each is one object that all sessions of its scout refer to, changed
 * in place, so that a change finds whoever places by it. Set by `trust/marking.ts`, read by placement.
 */
import { isPeerOperator } from '../../../shared/scouts/scout-id.ts'
import { autoModel } from '../../../shared/task.ts'
import type { ModelEntry, Scout } from '../model/object-graph.ts'
import type { ScoutRecord, TrustMark } from '../model/scout.ts'

export class TrustMarks {
  /** By scout and model; whoever sets them bounds how many there are. */
  private readonly marks = new Map<string, Map<string, TrustMark>>()
  /** Scouts that have proved themselves with a model, of the models with some. */
  private readonly proven = new Map<string, number>()

  of(scout: string, model: string): TrustMark | null {
    return this.marks.get(scout)?.get(model) ?? null
  }

  /** Whether this scout has any. */
  has(scout: string): boolean {
    return this.marks.has(scout)
  }

  add(scout: string, model: string): TrustMark {
    const ofScout = this.marks.get(scout) ?? new Map<string, TrustMark>()
    const mark: TrustMark = { state: 'new', trustMs: 0, isConvicted: false, isProven: false }
    this.marks.set(scout, ofScout.set(model, mark))
    return mark
  }

  /** Changes a mark of this model. */
  set(mark: TrustMark, model: string, values: TrustMark): void {
    const proven = (this.proven.get(model) ?? 0) + Number(values.isProven) - Number(mark.isProven)
    if (proven > 0) this.proven.set(model, proven)
    else this.proven.delete(model)
    Object.assign(mark, values)
  }

  /** Whether newcomers have to wait for more: somebody has proved itself, or nobody could be preferred to them. */
  hasProven(model: string): boolean {
    return this.proven.has(model)
  }

  /** Of chats alone: embeddings are cheap and soon told. Other hubs judge their own scouts. */
  isOnProbation({ scout, operator }: ScoutRecord, { kind, model }: ModelEntry): boolean {
    if (!this.proven.has(model) || kind !== 'chat' || isPeerOperator(operator)) return false
    return this.of(scout, model)?.isProven !== true
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
