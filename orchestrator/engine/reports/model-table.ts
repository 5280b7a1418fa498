/**
 * The list of all models that are offered, in the order of their names, as clients poll it. Its figures are kept for a
 * second; which models there are is compared on every look, at the cost of a number. A list of a few thousand is made
 * at once, a longer one a piece in each turn of the loop, while the last one is still given out: a stranger may bring
 * in thousands of names, and change them all the time.
 */
import { providersListedMax } from '../../../shared/limits/http.ts'
import type { System } from '../../../shared/system.ts'
import { autoModel } from '../../../shared/task.ts'
import type { TurnLane } from '../../../shared/turn-lane.ts'
import type { CapabilityIndex } from '../../core/fleet/capability-index.ts'
import type { ModelEntry, OfferClass } from '../../core/model/object-graph.ts'
import type { ModelListing } from '../ports/client.ts'

const keptMs = 1_000
/** A list of many models is made anew for a difference only so often: a millisecond for so many of them. */
const modelsPerMs = 50
/** A list of no more is made at once. */
const modelsAtOnce = 2_048
/** Entries, capabilities and offers that are looked at in one turn, and names that are sorted or merged. */
const looksPerTurn = 2_048

type Building<T> = Generator<void, T, void>

export class ModelTable {
  private list: ModelListing[] = []
  private byId = new Map<string, ModelListing>()
  private untilMs = Number.NEGATIVE_INFINITY
  private sameUntilMs = Number.NEGATIVE_INFINITY
  /** The index's count of changes when the list was begun. */
  private changes = -1
  /** A list is being made in turns. */
  private isBuilding = false
  private looks = 0

  constructor(
    private readonly index: Pick<CapabilityIndex, 'changes' | 'entries' | 'offerClasses'>,
    private readonly system: Pick<System, 'nowMs'>,
    private readonly lane: TurnLane,
    /** What is known of one model by itself. */
    private readonly listed: (entry: ModelEntry, nowMs: number) => ModelListing,
  ) {}

  all(): ModelListing[] {
    this.refresh()
    return this.list
  }

  get(id: string): ModelListing | undefined {
    this.refresh()
    return this.byId.get(id)
  }

  private refresh(): void {
    const nowMs = this.system.nowMs()
    const isSame = nowMs < this.sameUntilMs || this.changes === this.index.changes
    if (this.isBuilding || (nowMs < this.untilMs && isSame)) return
    const building = this.build(nowMs)
    if (this.list.length === 0 || this.index.entries.size <= modelsAtOnce) {
      while (building.next().done !== true);
      return
    }
    this.isBuilding = true
    this.lane.add(() => {
      this.looks = 0
      const isOver = building.next().done === true
      this.isBuilding = !isOver
      return isOver
    })
  }

  private *build(nowMs: number): Building<void> {
    this.changes = this.index.changes
    const byId = yield* this.collect(nowMs)
    yield* this.describe(byId)
    const ids = yield* this.sorted([...byId.keys()])
    this.list = ids.map((id) => byId.get(id)!)
    this.byId = byId
    this.untilMs = nowMs + keptMs
    this.sameUntilMs = nowMs + Math.floor(ids.length / modelsPerMs)
  }

  /** True when this turn has looked at enough. */
  private isEnough(looks: number): boolean {
    this.looks += looks
    if (this.looks < looksPerTurn) return false
    this.looks = 0
    return true
  }

  private *collect(nowMs: number): Building<Map<string, ModelListing>> {
    const byId = new Map<string, ModelListing>()
    for (const entry of this.index.entries.values()) {
      if (entry.offerers === 0 || entry.model === autoModel) continue
      const listed = byId.get(entry.model)
      if (listed === undefined) byId.set(entry.model, this.listed(entry, nowMs))
      else {
        listed.kinds.push(entry.kind)
        listed.scouts = Math.max(listed.scouts, entry.offerers)
      }
      if (this.isEnough(1 + entry.ready.length)) yield
    }
    return byId
  }

  /** What the offers say. */
  private *describe(byId: ReadonlyMap<string, ModelListing>): Building<void> {
    for (const klass of this.index.offerClasses()) {
      describeBy(klass, byId)
      if (this.isEnough(klass.offers.length)) yield
    }
  }

  /** In runs that are sorted by themselves and then merged. */
  private *sorted(ids: string[]): Building<string[]> {
    let runs: string[][] = []
    for (let from = 0; from < ids.length; from += looksPerTurn) {
      runs.push(ids.slice(from, from + looksPerTurn).sort(byName))
      if (this.isEnough(looksPerTurn)) yield
    }
    while (runs.length > 1) {
      const merged: string[][] = []
      for (let at = 0; at < runs.length; at += 2) {
        const next = runs[at + 1]
        merged.push(next === undefined ? runs[at]! : yield* this.merged(runs[at]!, next))
      }
      runs = merged
    }
    return runs[0] ?? []
  }

  private *merged(one: readonly string[], other: readonly string[]): Building<string[]> {
    const all: string[] = []
    let next = 0
    for (const id of one) {
      while (next < other.length && other[next]! < id) all.push(other[next++]!)
      all.push(id)
      if (this.isEnough(1)) yield
    }
    while (next < other.length) all.push(other[next++]!)
    return all
  }
}

function byName(one: string, other: string): number {
  return one < other ? -1 : 1
}

function describeBy({ offers }: OfferClass, byId: ReadonlyMap<string, ModelListing>): void {
  for (const offer of offers) {
    const listed = byId.get(offer.model)
    if (listed === undefined) continue
    const { providers } = listed
    const hasRoom = providers.length < providersListedMax
    if (hasRoom && !providers.includes(offer.provider)) providers.push(offer.provider)
    listed.contextTokens = Math.max(listed.contextTokens, offer.contextTokens)
    listed.abilities |= offer.abilities
    listed.about ||= offer.about
    listed.promptPrice = lower(listed.promptPrice, offer.promptPrice)
    listed.answerPrice = lower(listed.answerPrice, offer.answerPrice)
  }
}

function lower(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.min(one, other)
}
