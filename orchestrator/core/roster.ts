/**
 * The scouts that are connected and the record of every identity that ever was. A `Scout` is one session: its credits,
 * its leases, the class it belongs to right now. A `Record` belongs to the durable identity and survives reconnects, so
 * that no failure is washed off by dialing again. The roster keeps the capability index right; it decides nothing.
 */
import type { Offer } from '../../shared/task.ts'
import type { CapabilityIndex } from './capability-index.ts'
import type { Scout, ScoutRecord } from './entities.ts'
import type { ScoutJoined } from './events.ts'
import type { CoreSettings } from './settings.ts'

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
    const capacity = Math.min(joined.concurrency, this.settings.creditMax)
    const scout: Scout = {
      session: joined.session,
      state: 'ready',
      record,
      instance: joined.instance,
      capacity,
      credits: 0,
      window: Math.max(1, record.window === 0 ? capacity : Math.min(capacity, record.window)),
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
    scout.record.window = scout.window
    scout.record.sessions--
    if (scout.record.sessions === 0) this.retire(scout.record)
  }

  drain(scout: Scout): void {
    if (scout.state === 'ready') scout.state = 'draining'
    this.refresh(scout)
  }

  /** Tells the index whether this scout can take a task now. Call after anything that bears on it. */
  refresh(scout: Scout): void {
    this.index.setIdle(scout.klass, scout, hasRoom(scout))
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
      record = { scout, operator, failureRate: 0, window: 0, done: 0, failed: 0, speeds: new Map(), sessions: 0 }
      this.records.set(scout, record)
    }
    return record
  }

  /**
   * Moves a record that nobody uses to the young end of the map, and forgets the oldest unused one beyond the bound.
   */
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

/** Whether this scout can take one more task. */
export function hasRoom({ state, credits, capacity, window, leased }: Scout): boolean {
  return state === 'ready' && credits > 0 && leased.size < Math.min(capacity, Math.floor(window))
}

export function instanceKey(scout: string, instance: string): string {
  return `${scout}\t${instance}`
}
