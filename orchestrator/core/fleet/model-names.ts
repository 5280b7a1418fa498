/**
 * How many models the hub knows, and who brought each one in. A model's name is a stranger's text, so what is kept
 * under it is bounded: per owner and in all. Its owner is the operator whose scout offered it first; a model that only
 * clients name has none. One that nobody offers and nobody waits for is kept for its grace only while there is room:
 * the oldest of its owner goes first, then the oldest of all. Fed by the capability index, which makes and forgets the
 * entries.
 */
import { autoModel } from '../../../shared/task.ts'
import type { ModelEntry } from '../model/object-graph.ts'

/** The owner of models that only clients have named. They are no more than tasks wait for, and a few idle ones. */
export const clients = ''

export interface ModelBounds {
  modelsMax: number
  modelsPerOwnerMax: number
  /** New names that an owner may bring in once it has brought in as many as it may have; see `admit`. */
  newModelsPerSecond: number
}

interface Owner {
  models: number
  /** Those of its models that nobody needs, the oldest first. */
  readonly unneeded: Set<ModelEntry>
  /** New names that it may still bring in, as of `filledMs`. */
  allowance: number
  filledMs: number
}

export class ModelNames {
  private readonly owners = new Map<string, Owner>()
  /** Models of all operators that nobody needs, the oldest first. */
  private readonly unneeded = new Set<ModelEntry>()
  /** Models of all operators. */
  private owned = 0

  constructor(
    private readonly bounds: ModelBounds,
    /** Takes the entry off all lists; calls `remove`. */
    private readonly forget: (entry: ModelEntry) => void,
  ) {}

  /**
   * Makes room for one more model of this owner; false when there is none, or when it brings in new names too fast:
   * each costs the hub a hundred times what a known one does, and a stranger may change its offers all the time.
   */
  admit(owner: string, nowMs: number): boolean {
    const { modelsMax, modelsPerOwnerMax } = this.bounds
    const own = this.owners.get(owner)
    const isFull = own !== undefined && own.models >= modelsPerOwnerMax
    if (owner !== clients && own !== undefined && !this.spend(own, nowMs)) return false
    const hasRoom = !isFull || this.forgetOldest(own.unneeded)
    if (owner === clients) return true
    return hasRoom && (this.owned < modelsMax || this.forgetOldest(this.unneeded))
  }

  private spend(own: Owner, nowMs: number): boolean {
    const { modelsPerOwnerMax, newModelsPerSecond } = this.bounds
    const refilled = own.allowance + ((nowMs - own.filledMs) / 1_000) * newModelsPerSecond
    own.allowance = Math.min(modelsPerOwnerMax, refilled)
    own.filledMs = nowMs
    if (own.allowance < 1) return false
    own.allowance--
    return true
  }

  private forgetOldest(unneeded: Set<ModelEntry>): boolean {
    for (const entry of unneeded) {
      this.forget(entry)
      return true
    }
    return false
  }

  /** The model counts with this owner from now on, and is needed. */
  add(entry: ModelEntry, owner: string, nowMs: number): void {
    entry.owner = owner
    const own = this.owners.get(owner)
    if (own === undefined) {
      const allowance = this.bounds.modelsPerOwnerMax - 1
      this.owners.set(owner, { models: 1, unneeded: new Set(), allowance, filledMs: nowMs })
    } else own.models++
    if (owner !== clients) this.owned++
  }

  remove(entry: ModelEntry): void {
    const { owner } = entry
    const own = this.owners.get(owner)
    if (own === undefined) return
    this.need(entry)
    if (owner !== clients) this.owned--
    own.models--
    if (own.models === 0) this.owners.delete(owner)
  }

  /** Nobody offers it and nobody waits for it any more. */
  rest(entry: ModelEntry): void {
    if (!entry.known || entry.model === autoModel) return
    this.owners.get(entry.owner)?.unneeded.add(entry)
    if (entry.owner !== clients) this.unneeded.add(entry)
  }

  /** Somebody offers it, or waits for it. */
  need(entry: ModelEntry): void {
    this.owners.get(entry.owner)?.unneeded.delete(entry)
    this.unneeded.delete(entry)
  }

  /** For the invariants. */
  isResting(entry: ModelEntry): boolean {
    return this.owners.get(entry.owner)?.unneeded.has(entry) === true
  }

  /** Models of each owner, for the invariants. */
  counts(): Map<string, number> {
    return new Map([...this.owners].map(([owner, { models }]) => [owner, models]))
  }
}
