/**
 * The scouts that are connected and the record of every identity that ever was. A `Scout` is one session: its credits,
 * its leases, the class it belongs to right now. A `Record` belongs to the durable identity and survives reconnects, so
 * that no failure is washed off by dialing again. The roster keeps the capability index right; it decides nothing.
 */
import type { Offer } from '../../../shared/task.ts'
import type { ScoutJoined } from '../events.ts'
import type { Pause, Scout } from '../model/object-graph.ts'
import { moveScout, type ScoutRecord } from '../model/scout.ts'
import type { CoreSettings } from '../settings.ts'
import { noteHour } from '../stats/hour-counts.ts'
import type { CapabilityIndex } from './capability-index.ts'
import { RetiredRecords } from './retired-records.ts'
import { keepWindows, takeUpWindows } from './windows.ts'

export class Roster {
  readonly bySession = new Map<number, Scout>()
  readonly records = new Map<string, ScoutRecord>()
  /** Those of `records` that no session uses. */
  readonly retired: RetiredRecords
  private readonly byInstance = new Map<string, Scout>()

  constructor(
    private readonly index: CapabilityIndex,
    private readonly settings: CoreSettings,
  ) {
    this.retired = new RetiredRecords(settings)
  }

  /** The connected session of the same process, which a new one supersedes. */
  twin(joined: ScoutJoined): Scout | undefined {
    return this.byInstance.get(instanceKey(joined.scout, joined.instance))
  }

  join(joined: ScoutJoined, nowMs: number): Scout {
    const record = this.recordOf(joined.scout, joined.operator)
    record.sessions++
    noteHour(record, nowMs)
    const capacity = Math.min(joined.concurrency, this.settings.creditMax)
    const klass = this.index.enter(joined.offers, nowMs, joined.operator)
    const scout: Scout = {
      // What every placement looks at stands together.
      idle: false,
      pauses: null,
      record,
      running: 0,
      capacity,
      credits: 0,
      windows: null,
      state: 'ready',
      newest: null,
      session: joined.session,
      instance: joined.instance,
      heardMs: nowMs,
      joinedMs: nowMs,
      klass,
      capabilities: [],
      unlisted: [],
      cancels: null,
      refusal: null,
      isBlank: joined.held.length === 0,
    }
    takeUpWindows(scout, this.index)
    this.index.advertise(scout)
    this.bySession.set(scout.session, scout)
    this.byInstance.set(instanceKey(record.scout, scout.instance), scout)
    return scout
  }

  /** Takes a session off the roster. Its leases are the core's to deal with. */
  leave(scout: Scout): void {
    moveScout(scout, 'gone')
    scout.credits = 0
    this.index.withdraw(scout)
    this.index.leave(scout.klass)
    this.bySession.delete(scout.session)
    const key = instanceKey(scout.record.scout, scout.instance)
    if (this.byInstance.get(key) === scout) this.byInstance.delete(key)
    keepWindows(scout, this.index.newcomers)
    scout.record.sessions--
    if (scout.record.sessions > 0) return
    const used = this.records.size - this.retired.size - 1
    for (const { scout: name } of this.retired.add(scout.record, used)) this.records.delete(name)
  }

  drain(scout: Scout): void {
    if (scout.state === 'ready') moveScout(scout, 'draining')
    this.refresh(scout)
  }

  /** Updates in the index whether this scout can take a task now. Call after anything that bears on it. */
  refresh(scout: Scout): void {
    this.index.setIdle(scout, hasRoom(scout))
  }

  /** Replaces what the scout offers. */
  changeOffers(scout: Scout, offers: readonly Offer[], nowMs: number): void {
    keepWindows(scout, this.index.newcomers)
    this.index.withdraw(scout)
    this.index.leave(scout.klass)
    scout.klass = this.index.enter(offers, nowMs, scout.record.operator)
    takeUpWindows(scout, this.index)
    this.index.advertise(scout)
    this.refresh(scout)
  }

  /** The window of one of its models is wide open again, or its probation is over. */
  widened(scout: Scout): void {
    this.index.relist(scout)
  }

  /** The scout's provider is not to be asked for a model for a while. */
  pause(scout: Scout, pause: Pause): void {
    this.index.repause(scout, () => {
      scout.pauses ??= new Map()
      scout.pauses.set(pause.model, pause)
    })
  }

  /** The pause is over. */
  resume(scout: Scout, model: string): void {
    this.index.repause(scout, () => {
      scout.pauses?.delete(model)
      if (scout.pauses?.size === 0) scout.pauses = null
    })
  }

  private recordOf(scout: string, operator: string): ScoutRecord {
    let record = this.records.get(scout)
    if (record === undefined) {
      record = blankRecord(scout, operator)
      this.records.set(scout, record)
    } else if (record.sessions === 0) this.retired.remove(record)
    return record
  }
}

function blankRecord(scout: string, operator: string): ScoutRecord {
  return {
    // What a comparison looks at, and counts, stands together.
    failureRate: 0,
    done: 0,
    failed: 0,
    won: 0,
    lostLatency: 0,
    passedOver: 0,
    lostPrice: 0,
    lostTrust: 0,
    scout,
    operator,
    windows: null,
    missed: 0,
    noted: null,
    notedSlot: Number.NEGATIVE_INFINITY,
    speeds: null,
    pauses: null,
    wonMs: Number.NEGATIVE_INFINITY,
    sessions: 0,
  }
}

/** Whether this scout can take one more task of some model; whether of a certain one is `canServe`'s. */
export function hasRoom({ state, credits, capacity, running }: Scout): boolean {
  return state === 'ready' && credits > 0 && running < capacity
}

export function instanceKey(scout: string, instance: string): string {
  return `${scout}\t${instance}`
}
