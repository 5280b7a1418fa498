/**
 * The journal of durable intents over the log that hubs share. It appends the records of the intents that this hub has,
 * each behind the one before: whoever has taken an intent meanwhile has put a record there, so that this hub's own one
 * does not fit, and it learns that the intent is not its own any more. What others write there that does not count is
 * passed over. After an answer that was none it asks again with the same bytes, which can be there once only.
 */

import { fault } from '../../../shared/faults.ts'
import {
  journalEndedMax,
  journalEndedShareMax,
  journalErasedMax,
  journalLookMs,
  journalRetryMs,
  journalShareMax,
} from '../../../shared/limits/cluster/journal.ts'
import type { System } from '../../../shared/system.ts'
import type { IntentLife, IntentLog, IntentPlace, IntentRecord } from '../../engine/ports/intents.ts'
import type { StoreWrite } from '../../engine/ports/store.ts'
import { Looks } from '../looks.ts'
import type { Membership } from '../membership.ts'
import { judgePart, Life } from './life.ts'
import { after, type SharedLog } from './log.ts'
import { Marks } from './marks.ts'
import { bodiesOf, partBytes, type RecordPart } from './record.ts'

/** How far this hub has written an intent. */
interface Place {
  /** The number of its last part that counts. */
  valid: number
  /** The number with which the subject ends, as far as is known. */
  last: number
}

export interface IntentJournalParts {
  system: System
  log: SharedLog
  membership: Pick<Membership, 'standing' | 'chain' | 'own' | 'prefix' | 'sign'>
}

type Taken =
  | { is: 'taken' | 'over'; writes: StoreWrite[] }
  /** `unshared`: it is in no journal. `later`: this hub has to learn of a new roster first. */
  | { is: 'elsewhere' | 'unshared' | 'later' | 'here' }
  | { is: 'flawed'; flaw: string }

export class IntentJournal implements IntentLog {
  readonly marks: Marks
  full: string | null = null
  /** Whoever takes intents over puts its answer here. */
  decided: (task: number) => Promise<void> | null = () => null
  /** Whoever asks other hubs does so here. */
  ask: IntentLog['ask'] = () => Promise.resolve(apart)
  lines: IntentLog['lines'] = () => Promise.resolve(null)
  /** Intents that this hub has. */
  private readonly places = new Map<string, Place>()
  /** Those that are in no journal: from before this hub was in a network. */
  private readonly unshared = new Set<string>()
  /** Of this hub and over, oldest first. */
  private readonly ended = new Set<string>()
  /** What is being erased of those, until it is sure. */
  private readonly erasing = new Map<string, Promise<unknown>>()
  /** For the operator: when records can be appended, and when not any more, with the reason. */
  onState: (why: string | null) => void = () => {}
  private listener: (isTroubled: boolean) => void = () => {}
  private wasTroubled = false
  private readonly waiters = new Set<() => void>()
  private readonly looks: Looks

  constructor(private readonly parts: IntentJournalParts) {
    const { log, membership } = parts
    this.marks = new Marks({ log, membership, insist: (attempt) => this.insist(attempt) })
    this.looks = new Looks(parts.system, journalLookMs, () => this.look())
  }

  start(): void {
    this.parts.log.onState(() => this.changed())
    this.changed()
    this.looks.start()
  }

  /** What waits for an answer waits for ever. */
  stop(): void {
    this.looks.stop()
  }

  get trouble(): string | null {
    const { log, membership } = this.parts
    return membership.standing === 'member' ? log.apart : 'this hub takes no part in its network'
  }

  onTrouble(listener: (isTroubled: boolean) => void): void {
    this.listener = listener
    this.wasTroubled = false
    this.changed()
  }

  /** The log or this hub's standing is another one. */
  changed(): void {
    const isTroubled = this.trouble !== null
    if (!isTroubled) for (const wake of [...this.waiters]) wake()
    if (isTroubled === this.wasTroubled) return
    this.wasTroubled = isTroubled
    this.listener(isTroubled)
    this.onState(this.trouble)
  }

  // ------------------------------------------------------------ append

  async append(records: readonly IntentRecord[]): Promise<ReadonlySet<string>> {
    const lost = new Set<string>()
    const appendOne = async (record: IntentRecord) => {
      if (!(await this.appendRecord(record))) lost.add(record.intent)
    }
    await Promise.all(records.map(appendOne))
    return lost
  }

  private async appendRecord({ intent, writes }: IntentRecord): Promise<boolean> {
    if (this.unshared.has(intent)) return true
    if (writes.some(({ write }) => write === 'forgetIntent')) return this.forget(intent)
    const isBegun = writes.some(({ write }) => write === 'intent')
    if (isBegun) this.places.set(intent, { valid: 0, last: 0 })
    const place = this.places.get(intent) ?? (await this.find(intent))
    if (place === 'unshared') return true
    const [isOwn] = await Promise.all([
      place !== null && this.putWrites(intent, place, writes),
      isBegun && this.marks.set(intent),
    ])
    if (!isOwn) this.drop(intent)
    else if (writes.some(({ write }) => write === 'intentEnd')) this.end(intent)
    return isOwn
  }

  private async putWrites(intent: string, place: Place, writes: readonly StoreWrite[]): Promise<boolean> {
    const bodies = bodiesOf(writes)
    if (bodies === null) throw new RangeError(`a record of intent ${intent} is too large`)
    for (const [part, body] of bodies.entries()) {
      if (!(await this.put(intent, place, { kind: 'writes', part, parts: bodies.length, body }))) return false
    }
    return true
  }

  /** One that is over goes on: where its journal ends, if this hub was its last one. */
  private async find(intent: string): Promise<Place | 'unshared' | null> {
    this.ended.delete(intent)
    await this.erasing.get(intent)
    await this.marks.set(intent)
    for (;;) {
      const life = await this.insist(() => this.lifeOf(intent))
      if (life.records === 0) {
        this.marks.wipe(intent)
        this.unshared.add(intent)
        return 'unshared'
      }
      if (life.flaw !== null || life.tip!.from !== this.parts.membership.own.name) return null
      // Its last record may be of an earlier start of this hub, and another one of that may still be on its way.
      const place = await this.takePlace(intent, life)
      if (place !== null) return place
    }
  }

  /** Null when something has come behind what was read. */
  private async takePlace(intent: string, { tip, last }: Life): Promise<Place | null> {
    const place = { valid: tip!.seq, last }
    if (!(await this.put(intent, place, { ...takenHead, body: nothing }))) return null
    this.places.set(intent, place)
    return place
  }

  /** False when the intent is another hub's. */
  private async put(intent: string, place: Place, part: Omit<RecordPart, 'previous'>): Promise<boolean> {
    const { log, membership } = this.parts
    const subject = this.subjectOf(intent)
    const message = membership.sign(subject, partBytes({ ...part, previous: place.valid }))
    for (;;) {
      await this.untilWell()
      const outcome = await log.append(subject, message, place.last)
      if (typeof outcome === 'object') {
        place.valid = outcome.seq
        place.last = outcome.seq
        return true
      }
      const { last } = place
      const found = outcome === 'full' ? 'nothing' : await this.catchUp(subject, place, message)
      if (found === 'own') return true
      if (found === 'taken') return false
      // A server that lags behind the others may not show yet what another one refused the append for.
      if (place.last === last) await this.pause()
    }
  }

  /** What has come behind the last message that is known: this one, that of a hub that has it now, or nothing. */
  private async catchUp(subject: string, place: Place, own: Uint8Array): Promise<'own' | 'taken' | 'nothing'> {
    const { log, membership } = this.parts
    const end = await log.last(subject)
    while (end !== 'unsure' && place.last < end) {
      const next = await after(log, subject, place.last)
      if (next === 'unsure') return 'nothing'
      if (Buffer.compare(next.message, own) === 0) {
        place.valid = next.seq
        place.last = next.seq
        return 'own'
      }
      const { chain } = membership
      const part = judgePart(next.message, subject, chain)
      // Who was removed since has no say; who follows a later roster is believed once this hub knows that one.
      const counts = part !== null && part.previous === place.valid && chain.authority(part.from)?.key === part.key
      if (counts) return 'taken'
      place.last = next.seq
    }
    return 'nothing'
  }

  private forget(intent: string): Promise<boolean> {
    this.places.delete(intent)
    return this.erase(intent)
  }

  private drop(intent: string): void {
    this.places.delete(intent)
    this.marks.wipe(intent)
  }

  private end(intent: string): void {
    this.places.delete(intent)
    this.ended.add(intent)
    if (this.ended.size > journalEndedMax) for (const oldest of firstOf(this.ended, 1)) this.ended.delete(oldest)
    this.marks.wipe(intent)
  }

  // ------------------------------------------------------------ read and take

  async read(intent: string, after?: IntentPlace): Promise<IntentLife | 'unknown' | 'troubled'> {
    if (this.trouble !== null) return 'troubled'
    const before = after instanceof Life ? after : undefined
    const size = before?.size ?? 0
    let life = await this.lifeOf(intent, before)
    let goesOn = before !== undefined
    if (life === 'anew') {
      life = await this.lifeOf(intent)
      goesOn = false
    }
    if (typeof life === 'string') return 'troubled'
    const writes = life.take()
    if (life.records === 0 || life.flaw !== null) return 'unknown'
    return { writes, bytes: life.size - (goesOn ? size : 0), owner: life.tip!.from, place: life, goesOn }
  }

  /**
   * Takes an intent that this hub had last. `elsewhere`: that is not so, or another hub was faster. Of one that is over
   * only what was written is given. A record of that hub may still be on its way when it is gone: what was read without
   * it is read again.
   */
  async take(intent: string, from: string): Promise<Taken> {
    // Begun in this process: it may be marked before its first record is there.
    if (this.places.has(intent)) return { is: 'here' }
    for (let isMarked = false; ; isMarked = true) {
      const taken = await this.tryToTake(intent, from, isMarked)
      if (taken !== null) return taken
    }
  }

  private async tryToTake(intent: string, from: string, isMarked: boolean): Promise<Taken | null> {
    const life = await this.insist(() => this.lifeOf(intent))
    const writes = life.take()
    if (life.flaw !== null) return { is: 'flawed', flaw: life.flaw }
    if (life.tip === undefined) {
      // What another hub has marked may come into its journal yet.
      if (from === this.parts.membership.own.name) this.unshared.add(intent)
      return { is: 'unshared' }
    }
    if (life.tip.from !== from) return { is: 'elsewhere' }
    if (isOver(writes)) return { is: 'over', writes }
    // Whoever lacks the roster of the last record cannot follow it.
    if (life.tip.epoch > this.parts.membership.chain.epoch) return { is: 'later' }
    if (!isMarked) await this.marks.set(intent)
    return (await this.takePlace(intent, life)) && { is: 'taken', writes }
  }

  private async lifeOf(intent: string, before?: Life): Promise<Life | 'unsure' | 'anew'> {
    const { log, membership } = this.parts
    const subject = this.subjectOf(intent)
    const life = before ?? new Life(intent, subject)
    const end = await log.last(subject)
    if (end === 'unsure') return end
    while (life.flaw === null && life.last < end) {
      const next = await after(log, subject, life.last)
      if (next === 'unsure') return next
      if (!life.add(next, membership.chain)) return 'anew'
    }
    return life
  }

  // ------------------------------------------------------------ room

  private async look(): Promise<void> {
    const { log } = this.parts
    if (this.trouble === null) await this.marks.gather()
    const filled = log.apart === null ? await log.filled() : 'unsure'
    if (filled === 'unsure') return
    this.full = filled < journalShareMax ? null : 'the stream of intents is full'
    if (filled < journalEndedShareMax) return
    for (const intent of firstOf(this.ended, journalErasedMax)) {
      this.ended.delete(intent)
      // One that is to go on meanwhile waits for it, and goes on without a journal.
      const erased = this.erase(intent).then(() => this.erasing.delete(intent))
      this.erasing.set(intent, erased)
    }
  }

  private erase(intent: string): Promise<true> {
    return this.insist(async () => (await this.parts.log.erase(this.subjectOf(intent))) || 'unsure')
  }

  // ------------------------------------------------------------ waiting

  /** Until it is sure. */
  private async insist<Result>(attempt: () => Promise<Result | 'unsure' | 'anew'>): Promise<Result> {
    for (;;) {
      await this.untilWell()
      const result = await attempt()
      if (result !== 'unsure' && result !== 'anew') return result as Result
      await this.pause()
    }
  }

  private async untilWell(): Promise<void> {
    while (this.trouble !== null || this.looks.isStopped) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.waiters.delete(wake)
          resolve()
        }
        this.waiters.add(wake)
      })
    }
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => this.parts.system.after(journalRetryMs, resolve))
  }

  private subjectOf(intent: string): string {
    return `${this.parts.membership.prefix}.intent.${intent}`
  }
}

const nothing = new Uint8Array(0)
const apart = fault('store_unavailable', 'This hub is apart from the others: try again.', { retryAfterMs: 5_000 })
const takenHead = { kind: 'taken', part: 0, parts: 1 } as const

function firstOf(set: ReadonlySet<string>, count: number): string[] {
  return [...set.values().take(count)]
}

function isOver(writes: readonly StoreWrite[]): boolean {
  const last = writes.findLast(({ write }) => write === 'intentEnd' || write === 'retry' || write === 'intent')
  return last?.write === 'intentEnd'
}
