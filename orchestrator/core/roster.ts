/**
 * The scouts that are connected and the record of every identity that ever was. A `Scout` is one session: its credits,
 * its leases, the class it belongs to right now. A `Record` belongs to the durable identity and survives reconnects, so
 * that no failure is washed off by dialing again. The roster keeps the capability index right; it decides nothing.
 */
import type { Offer } from '../../shared/task.ts'
import type { CapabilityIndex, ModelEntry, OfferClass } from './capability-index.ts'
import type { ScoutJoined } from './events.ts'
import type { CoreSettings } from './settings.ts'
import type { Task } from './task.ts'
import type { Timed } from './timer-wheel.ts'

/** How fast one identity serves one model. Exponentially weighted, the newest sample counts a fifth. */
export interface Speed {
  firstContentMs: number
  tokensPerSecond: number
  samples: number
}

/** What is known of an identity. `failureRate` is exponentially weighted over charged attempts, 0 to 1. */
export interface ScoutRecord {
  scout: string
  operator: string
  failureRate: number
  done: number
  failed: number
  /** By model. */
  speeds: Map<string, Speed>
  /** Live sessions under this identity. */
  sessions: number
}

/** A provider's rate limit: this session offers the model again at `dueMs`. */
export interface Pause extends Timed {
  timed: 'pause'
  holder: Scout
  model: string
}

/** A cancel that its scout has not acknowledged yet; sent again at `dueMs`. */
export interface CancelWatch extends Timed {
  timed: 'cancel'
  holder: Scout
  task: number
  attempt: number
  reason: string
}

/** `ready` takes tasks when it has credit; `draining` finishes what it has; `gone` is off the roster. */
export type ScoutState = 'ready' | 'draining' | 'gone'

export interface Scout {
  session: number
  state: ScoutState
  record: ScoutRecord
  instance: string
  /** Advertised, cut to the hub's own limit. */
  capacity: number
  /** Granted and not yet used. */
  credits: number
  leased: Set<Task>
  /** Everything it offers, and the entries in which it is counted for that. */
  offers: readonly Offer[]
  advertised: readonly ModelEntry[]
  /** What is left of its offers after pauses. */
  klass: OfferClass
  pauses: Map<string, Pause>
  /** By `task/attempt`. */
  cancels: Map<string, CancelWatch>
}

export class Roster {
  readonly bySession = new Map<number, Scout>()
  readonly records = new Map<string, ScoutRecord>()
  private readonly byInstance = new Map<string, Scout>()

  constructor(
    private readonly index: CapabilityIndex,
    private readonly settings: CoreSettings,
  ) {}

  /** The live session of the same process, which a new one supersedes. */
  twin(joined: ScoutJoined): Scout | undefined {
    return this.byInstance.get(instanceKey(joined.scout, joined.instance))
  }

  join(joined: ScoutJoined, nowMs: number): Scout {
    const record = this.recordOf(joined.scout, joined.operator)
    record.sessions++
    const scout: Scout = {
      session: joined.session,
      state: 'ready',
      record,
      instance: joined.instance,
      capacity: Math.min(joined.concurrency, this.settings.creditMax),
      credits: 0,
      leased: new Set(),
      offers: joined.offers,
      advertised: this.index.advertise(joined.offers, nowMs),
      klass: this.index.enter(joined.offers, nowMs),
      pauses: new Map(),
      cancels: new Map(),
    }
    this.bySession.set(scout.session, scout)
    this.byInstance.set(instanceKey(record.scout, scout.instance), scout)
    return scout
  }

  /** Takes a session off the roster. Its leases are the core's to deal with. */
  leave(scout: Scout): void {
    scout.state = 'gone'
    scout.credits = 0
    this.index.setIdle(scout.klass, scout, false)
    this.index.leave(scout.klass)
    this.index.withdraw(scout.advertised)
    this.bySession.delete(scout.session)
    const key = instanceKey(scout.record.scout, scout.instance)
    if (this.byInstance.get(key) === scout) this.byInstance.delete(key)
    scout.record.sessions--
    if (scout.record.sessions === 0) this.retire(scout.record)
  }

  drain(scout: Scout): void {
    if (scout.state === 'ready') scout.state = 'draining'
    this.refresh(scout)
  }

  /** Tells the index whether this scout can take a task now. Call after anything that bears on it. */
  refresh(scout: Scout): void {
    const idle = scout.state === 'ready' && scout.credits > 0 && scout.leased.size < scout.capacity
    this.index.setIdle(scout.klass, scout, idle)
  }

  /** Replaces what the scout offers. */
  changeOffers(scout: Scout, offers: readonly Offer[], nowMs: number): void {
    this.index.withdraw(scout.advertised)
    scout.offers = offers
    scout.advertised = this.index.advertise(offers, nowMs)
    this.reclassify(scout, nowMs)
  }

  /** Moves the scout to the class of what it can do now: its offers without the paused models. */
  reclassify(scout: Scout, nowMs: number): void {
    this.index.setIdle(scout.klass, scout, false)
    this.index.leave(scout.klass)
    const able = scout.offers.filter((offer) => !scout.pauses.has(offer.model))
    scout.klass = this.index.enter(able, nowMs)
    this.refresh(scout)
  }

  private recordOf(scout: string, operator: string): ScoutRecord {
    let record = this.records.get(scout)
    if (record === undefined) {
      record = { scout, operator, failureRate: 0, done: 0, failed: 0, speeds: new Map(), sessions: 0 }
      this.records.set(scout, record)
    }
    return record
  }

  /** Moves a record that nobody uses to the young end of the map, and forgets the oldest unused one beyond the bound. */
  private retire(record: ScoutRecord): void {
    this.records.delete(record.scout)
    this.records.set(record.scout, record)
    if (this.records.size <= this.settings.recordsMax) return
    for (const old of this.records.values()) {
      if (old.sessions > 0) continue
      this.records.delete(old.scout)
      return
    }
  }
}

function instanceKey(scout: string, instance: string): string {
  return `${scout}\t${instance}`
}

const newestShare = 0.2

/** Books the end of a charged attempt into the identity's failure rate. */
export function bookOutcome(record: ScoutRecord, failed: boolean): void {
  record.failureRate += newestShare * ((failed ? 1 : 0) - record.failureRate)
  if (failed) record.failed++
  else record.done++
}

/** Books how fast an attempt was: milliseconds to its first content, tokens and milliseconds after it (0 if unknown). */
export function bookSpeed(
  record: ScoutRecord,
  model: string,
  firstContentMs: number,
  tokens: number,
  tokensMs: number,
): void {
  const perSecond = tokens > 0 && tokensMs > 0 ? (tokens * 1000) / tokensMs : 0
  const speed = record.speeds.get(model)
  if (speed === undefined) {
    record.speeds.set(model, { firstContentMs, tokensPerSecond: perSecond, samples: 1 })
    return
  }
  speed.firstContentMs += newestShare * (firstContentMs - speed.firstContentMs)
  if (perSecond > 0) {
    speed.tokensPerSecond =
      speed.tokensPerSecond === 0
        ? perSecond
        : speed.tokensPerSecond + newestShare * (perSecond - speed.tokensPerSecond)
  }
  speed.samples++
}
