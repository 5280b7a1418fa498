/**
 * The read side: what people ask to see of the engine (models, scouts, counts, a place in the queue). It reads the
 * core's state and never changes it; when the list of models is made anew is the model table's to say.
 */

import type { System } from '../../../shared/system.ts'
import type { Offer } from '../../../shared/task.ts'
import type { TurnLane } from '../../../shared/turn-lane.ts'
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
import { ModelTable } from './model-table.ts'
import { verdictOf } from './standings.ts'

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
  /** The session that was greeted last; -1 before the first. */
  newest = -1
  private readonly modelTable: ModelTable

  constructor(
    private readonly core: CoreState,
    private readonly system: System,
    lane: TurnLane,
    /** Whether receipts of this session's answers are countersigned, in words; undefined for one that does not sign. */
    private readonly signingOf: (session: number) => string | undefined = () => undefined,
  ) {
    const listed = (entry: ModelEntry, nowMs: number) => this.listModel(entry, nowMs)
    this.modelTable = new ModelTable(core.index, system, lane, listed)
  }

  greeted({ session, hello, address }: Greeting): void {
    const { name, agent } = hello
    this.newest = Math.max(this.newest, session)
    this.acquaintances.set(session, { name, agent, address, connectedMs: this.system.wallMs() })
  }

  gone(session: number): void {
    this.acquaintances.delete(session)
  }

  models(): ModelListing[] {
    return this.modelTable.all()
  }

  model(id: string): ModelListing | undefined {
    return this.modelTable.get(id)
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

  /** Null for a session that has not been greeted. */
  listing(scout: Scout): ScoutListing | null {
    const known = this.acquaintances.get(scout.session)
    return known === undefined ? null : listingOf(scout, known)
  }

  /** By its id; of several sockets under one identity the newest is shown. */
  scout(id: string): ScoutDetail | undefined {
    for (const scout of [...this.core.roster.bySession.values()].reverse()) {
      const known = this.acquaintances.get(scout.session)
      if (known === undefined || scout.record.scout !== id) continue
      const standings = scout.klass.offers.map((offer, at) => this.standing(offer, scout.capabilities[at]!))
      const { sessions } = scout.record
      return {
        ...listingOf(scout, known),
        ...this.judged(scout),
        ...{ sessions, window: trustedWith(scout), standings },
      }
    }
    return undefined
  }

  /** A scout's last hour, in figures and in words. */
  judged(scout: Scout): Pick<ScoutDetail, 'lastHour' | 'verdict'> {
    const nowMs = this.system.nowMs()
    const verdict = verdictOf(scout, nowMs, this.signingOf(scout.session))
    return { lastHour: lastHour(scout.record, nowMs, missing(scout)), verdict }
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
