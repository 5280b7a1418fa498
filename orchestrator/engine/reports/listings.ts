/**
 * The read side: what people ask to see of the engine (models, scouts, counts, a place in the queue). It reads the
 * core's state and never changes it; the figures of the model list are kept for a second because clients poll it.
 */

import { providersListedMax } from '../../../shared/limits/http.ts'
import type { System } from '../../../shared/system.ts'
import { autoModel, type Offer } from '../../../shared/task.ts'
import { canServe } from '../../core/fleet/capability-index.ts'
import { costOf } from '../../core/fleet/cost.ts'
import { trustedWith } from '../../core/fleet/windows.ts'
import type { Capability, ModelEntry, Scout } from '../../core/model/object-graph.ts'
import { defaultRouting } from '../../core/model/routing-options.ts'
import type { CoreState } from '../../core/state.ts'
import { lastHour } from '../../core/stats/hour-counts.ts'
import { missing } from '../../core/stats/missed-work.ts'
import type { ModelListing, OfferStatus, ScoutDetail, ScoutListing } from '../ports/client.ts'
import type { Greeting } from '../ports/scouts.ts'

const modelsKeptMs = 1_000
/** A list of many models is made anew for a difference only so often: a millisecond for so many of them. */
const modelsPerMs = 50
/** Scouts that are looked at for the speed of one model. */
const speedLooksMax = 16

interface Acquaintance {
  name: string
  agent: string
  address: string
  connectedMs: number
}

export class Listings {
  private readonly acquaintances = new Map<number, Acquaintance>()
  private modelList: ModelListing[] = []
  private modelsById = new Map<string, ModelListing>()
  /** Pairs of a model and a kind in the list. */
  private kindsListed = 0
  private modelsUntilMs = Number.NEGATIVE_INFINITY
  private modelsSameUntilMs = Number.NEGATIVE_INFINITY

  constructor(
    private readonly core: CoreState,
    private readonly system: System,
  ) {}

  greeted({ session, hello, address }: Greeting): void {
    const { name, agent } = hello
    this.acquaintances.set(session, { name, agent, address, connectedMs: this.system.wallMs() })
  }

  gone(session: number): void {
    this.acquaintances.delete(session)
  }

  models(): ModelListing[] {
    this.refresh()
    return this.modelList
  }

  model(id: string): ModelListing | undefined {
    this.refresh()
    return this.modelsById.get(id)
  }

  /**
   * Figures may be a second old. Which models there are may not: that is compared on every look, which costs a walk
   * over the models; only a difference or the second costs the walk over the fleet. Joins and leaves alone do not. Of
   * thousands of models a difference may be some milliseconds old too, so that a scout that changes its offers all the
   * time costs no more than a share of the loop.
   */
  private refresh(): void {
    const nowMs = this.system.nowMs()
    if (nowMs < this.modelsUntilMs && (nowMs < this.modelsSameUntilMs || this.isSameModels())) return
    this.modelsById = this.listModels(nowMs)
    this.modelList = [...this.modelsById.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
    this.modelsUntilMs = nowMs + modelsKeptMs
    this.modelsSameUntilMs = nowMs + Math.floor(this.modelList.length / modelsPerMs)
  }

  private isSameModels(): boolean {
    let kinds = 0
    for (const { model, kind, offerers } of this.core.index.entries.values()) {
      if (offerers === 0 || model === autoModel) continue
      if (this.modelsById.get(model)?.kinds.includes(kind) !== true) return false
      kinds++
    }
    return kinds === this.kindsListed
  }

  private listModels(nowMs: number): Map<string, ModelListing> {
    this.kindsListed = 0
    const byId = new Map<string, ModelListing>()
    for (const entry of this.core.index.entries.values()) {
      if (entry.offerers === 0 || entry.model === autoModel) continue
      this.kindsListed++
      const listed = byId.get(entry.model)
      if (listed === undefined) byId.set(entry.model, this.listModel(entry, nowMs))
      else {
        listed.kinds.push(entry.kind)
        listed.scouts = Math.max(listed.scouts, entry.offerers)
      }
    }
    for (const klass of this.core.index.offerClasses()) {
      for (const offer of klass.offers) {
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
    return byId
  }

  private listModel(entry: ModelEntry, nowMs: number): ModelListing {
    let idle = 0
    for (const { scout, withdrawn } of entry.ready) if (!withdrawn && scout.idle && canServe(scout, entry)) idle++
    const created = Math.floor((this.system.wallMs() - (nowMs - entry.firstSeenMs)) / 1000)
    const { model: id, kind, offerers: scouts } = entry
    const known = { contextTokens: 0, abilities: 0, about: '', promptPrice: null, answerPrice: null }
    return { id, kinds: [kind], scouts, idle, providers: [], ...known, speed: speedOf(entry), created }
  }

  scouts(): ScoutListing[] {
    const list: ScoutListing[] = []
    for (const scout of this.core.roster.bySession.values()) {
      const known = this.acquaintances.get(scout.session)
      if (known !== undefined) list.push(listingOf(scout, known))
    }
    return list
  }

  /** By its id; of several sockets under one identity the newest is shown. */
  scout(id: string): ScoutDetail | undefined {
    for (const scout of [...this.core.roster.bySession.values()].reverse()) {
      const known = this.acquaintances.get(scout.session)
      if (known === undefined || scout.record.scout !== id) continue
      const { record } = scout
      const standings = scout.klass.offers.map((offer, at) => this.standing(offer, scout.capabilities[at]!))
      const hour = lastHour(record, this.system.nowMs(), missing(scout))
      const { sessions } = record
      return { ...listingOf(scout, known), sessions, window: trustedWith(scout), lastHour: hour, standings }
    }
    return undefined
  }

  private standing(offer: Offer, capability: Capability): OfferStatus {
    const { scout, firstContentMs, tokensPerSecond, samples } = capability
    const { kind, model } = offer
    const pause = scout.pauses?.get(model)
    const plain = { kind, model, routing: defaultRouting, promptBytes: 0, triedOperators: [], intent: null, near: '' }
    return {
      ...offer,
      speed: samples > 0 ? { firstContentMs, tokensPerSecond, samples } : null,
      resumesInMs: pause ? Math.max(0, pause.dueMs - this.system.nowMs()) : null,
      cost: pause ? null : costOf(capability, plain),
    }
  }

  counts() {
    let tasksLeased = 0
    let creditsHeld = 0
    for (const scout of this.core.roster.bySession.values()) {
      tasksLeased += scout.running
      creditsHeld += scout.credits
    }
    const { queued, awaitingStore, roster } = this.core
    return { scouts: roster.bySession.size, tasksQueued: queued + awaitingStore.size, tasksLeased, creditsHeld }
  }

  /** Tasks ahead of this one in its model's queue; null when it does not wait for a scout. */
  position(task: number): number | null {
    const waiting = this.core.tasks.get(task)
    if (waiting === undefined || waiting.state === 'leased') return null
    const { entry } = waiting
    return entry.waiting.has(waiting) ? entry.returned.size + entry.waiting.position(waiting) : 0
  }
}

function lower(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.min(one, other)
}

/** The average of a few of a model's idle scouts: enough to plan by, and no look at the fleet. */
function speedOf({ ready }: ModelEntry): ModelListing['speed'] {
  const known = ready.slice(0, speedLooksMax).filter(({ samples, withdrawn }) => samples > 0 && !withdrawn)
  if (known.length === 0) return null
  const mean = (of: (capability: Capability) => number) => known.reduce((sum, one) => sum + of(one), 0) / known.length
  return { firstContentMs: mean((one) => one.firstContentMs), tokensPerSecond: mean((one) => one.tokensPerSecond) }
}

function listingOf(scout: Scout, known: Acquaintance): ScoutListing {
  const { record } = scout
  return {
    id: record.scout,
    name: known.name,
    operator: record.operator,
    agent: known.agent,
    address: known.address,
    connectedAt: new Date(known.connectedMs).toISOString(),
    phase: scout.state,
    concurrency: scout.capacity,
    credits: scout.credits,
    inFlight: scout.running,
    done: record.done,
    failed: record.failed,
    failureRate: record.failureRate,
    offers: [...scout.klass.offers],
  }
}
