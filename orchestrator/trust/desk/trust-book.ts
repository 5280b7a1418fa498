/**
 * The records of trust in memory, loaded from the store and written back in batches after they change. It books
 * outcomes, notices what follows for owners and brakes, and tells the engine what weighs in placement. Who is audited
 * and how is not its business. Bounded: scouts beyond the bound are served as before and not judged.
 */
import {
  trustForgetEveryMs,
  trustForgetMs,
  trustForgetRows,
  trustRecordsMax,
  trustRowsPerTick,
} from '../../../shared/limits/trust/audits.ts'
import { StoreError } from '../../engine/ports/store.ts'
import type { TrustFilter } from '../../engine/ports/trust/trust-report.ts'
import type { TrustRow } from '../../engine/ports/trust/trust-store.ts'
import { Owners } from '../standing/owners.ts'
import { penaltyMs } from '../standing/penalty.ts'
import {
  appeal,
  book,
  bookRepeat,
  type Circumstances,
  confirm,
  isAppealed,
  isProven,
  mature,
  mayMature,
  newRecord,
  type TrustRecord,
} from '../standing/record.ts'
import type { AuditOutcome } from '../standing/weights.ts'
import type { ModelBook } from './model-book.ts'
import { MidnightFigures } from './owner-figures.ts'
import type { Life, TrustParts } from './parts.ts'

export class TrustBook {
  private readonly records = new Map<string, Map<string, TrustRecord>>()
  private count = 0
  /** Those that time alone may move, or that are checked without requests of their own. */
  private readonly timed = new Set<TrustRecord>()
  private readonly owners = new Owners()
  readonly midnight = new MidnightFigures()
  /** Those of which the engine knows something. */
  private readonly told = new Set<TrustRecord>()
  /** Those that differ from their rows in the store; the one that changed first is written first. */
  private readonly changed = new Set<TrustRecord>()
  private forgotMs = Number.NEGATIVE_INFINITY
  /** Checks that were booked since the start, by outcome. */
  readonly booked: Record<AuditOutcome, number> = { pass: 0, odd: 0, gross: 0, wrong: 0 }

  constructor(
    private readonly parts: TrustParts,
    private readonly models: ModelBook,
    private readonly life: Readonly<Life>,
  ) {
    for (const { record: text } of parts.store.trustRows(trustRecordsMax)) this.load(JSON.parse(text) as TrustRecord)
  }

  private load(record: TrustRecord): void {
    this.put(record)
    this.midnight.take(record)
    if (record.convictedMs > 0) this.owners.noteConviction(record.owner, record.convictedMs)
    if (record.state === 'watched' || record.state === 'confirming') {
      this.models.of(record.model)?.brake.noteWatched(record.owner, record.sinceMs)
    }
    this.tell(record)
  }

  private put(record: TrustRecord): void {
    const ofScout = this.records.get(record.scout) ?? new Map<string, TrustRecord>()
    this.records.set(record.scout, ofScout.set(record.model, record))
    this.count++
    if (isTimed(record)) this.timed.add(record)
  }

  /** Without making one. */
  find(scout: string, model: string): TrustRecord | undefined {
    return this.records.get(scout)?.get(model)
  }

  /** undefined when there are too many, or too many models. */
  of(scout: string, model: string, owner: string): TrustRecord | undefined {
    const known = this.find(scout, model)
    if (known !== undefined || this.life.isOver || this.count >= trustRecordsMax || this.models.of(model) === undefined)
      return known
    // Nothing is written of it before something is found out: a fleet that is new would be written as a whole.
    const record = newRecord(scout, model, owner, this.parts.system.wallMs())
    this.put(record)
    return record
  }

  /** All of them; of one owner, if that is given. */
  *list({ owner, scout }: TrustFilter = {}): Iterable<TrustRecord> {
    const meant = scout === undefined ? this.records.values() : [this.records.get(scout)]
    for (const ofScout of meant) {
      for (const record of ofScout?.values() ?? []) if (owner === undefined || record.owner === owner) yield record
    }
  }

  /** Of one scout, with each of its models. */
  ofScout(scout: string): Iterable<TrustRecord> {
    return this.records.get(scout)?.values() ?? []
  }

  *doubted(): Iterable<TrustRecord> {
    for (const record of this.timed) if (record.state !== 'convicted' || isAppealed(record)) yield record
  }

  needed({ owner }: TrustRecord): number {
    return this.owners.needed(owner, this.parts.system.wallMs())
  }

  book(record: TrustRecord, outcome: AuditOutcome, askedMs: number): void {
    this.booked[outcome]++
    this.change(record, (now) => book(record, outcome, askedMs, now))
  }

  bookRepeat(record: TrustRecord, tenant: string): void {
    this.change(record, (now) => bookRepeat(record, tenant, now))
  }

  appeal(record: TrustRecord, atMs: number): void {
    this.change(record, () => appeal(record, atMs))
  }

  /** A newcomer whose day is over is trusted as soon as somebody asks. */
  look(record: TrustRecord): void {
    if (this.life.isOver || !mayMature(record)) return
    const { state } = record
    mature(record, this.circumstances(record))
    if (record.state !== state) this.moved(record, state)
  }

  /** Whether convictions for this model wait. */
  isBraked(model: string): boolean {
    const { engine } = this.parts
    const owners = Math.max(engine.ownersOf('chat', model), engine.ownersOf('embed', model))
    return this.models.of(model)?.brake.holds(owners, this.parts.system.wallMs()) ?? false
  }

  /** What time alone brings: convictions that end, and confirmations for which a brake was released. */
  tick(): void {
    for (const record of this.timed) {
      const { state, appeal } = record
      const now = this.circumstances(record)
      mature(record, now)
      confirm(record, now)
      if (record.state !== state) this.moved(record, state)
      else if (record.appeal !== appeal) this.changed.add(record)
    }
    this.midnight.turn(this.list(), this.parts.system.wallMs())
    this.flush(trustRowsPerTick)
    this.forget()
  }

  /** Writes what has changed, one row for each record however often it did. */
  flush(rowsMax = Number.POSITIVE_INFINITY): void {
    const bookedMs = this.parts.system.wallMs()
    let rows = 0
    for (const record of this.changed) {
      if (++rows > rowsMax) break
      this.changed.delete(record)
      this.parts.keep({ write: 'trust', row: rowOf(record, bookedMs) })
    }
  }

  private circumstances(record: TrustRecord): Circumstances {
    return {
      nowMs: this.parts.system.wallMs(),
      needed: this.needed(record),
      mayConvict: !this.isBraked(record.model),
    }
  }

  private change(record: TrustRecord, work: (now: Circumstances) => void): void {
    if (this.life.isOver) return
    const { state } = record
    work(this.circumstances(record))
    if (record.state !== state) return this.moved(record, state)
    this.changed.add(record)
    this.tell(record)
  }

  private moved(record: TrustRecord, before: TrustRecord['state']): void {
    const { owner, model, state, sinceMs } = record
    const isDoubted = state === 'watched' || state === 'confirming'
    if (isDoubted && (before === 'new' || before === 'trusted'))
      this.models.of(model)?.brake.noteWatched(owner, sinceMs)
    if (state === 'convicted') this.owners.noteConviction(owner, record.convictedMs)
    if (state === 'watched' && before === 'convicted') this.absolve(owner)
    this.midnight.take(record)
    if (isTimed(record)) this.timed.add(record)
    else this.timed.delete(record)
    this.changed.add(record)
    this.tell(record)
  }

  /** A conviction of one of its scouts was overturned: those that stand are what is remembered. */
  private absolve(owner: string): void {
    this.owners.forget(owner)
    for (const { convictedMs } of this.list({ owner }))
      if (convictedMs > 0) this.owners.noteConviction(owner, convictedMs)
  }

  private tell(record: TrustRecord): void {
    const { engine, settings } = this.parts
    const { scout, model, state } = record
    const trustMs = penaltyMs(record, settings.isEnforced)
    const isConvicted = settings.isEnforced && state === 'convicted'
    const isNoNewcomer = settings.isEnforced && isProven(record)
    if (state === 'new' && !isNoNewcomer && !this.told.has(record)) return
    this.told.add(record)
    if (isNoNewcomer) this.models.of(model)?.proven.add(scout)
    else this.models.of(model)?.proven.delete(scout)
    engine.markTrust({ scout, model, state, trustMs, isConvicted, isProven: isNoNewcomer })
  }

  /** Whether this scout has few tasks at once for being new. */
  isLimited(record: TrustRecord): boolean {
    const { isEnforced } = this.parts.settings
    return isEnforced && !isProven(record) && (this.models.of(record.model)?.proven.size ?? 0) > 0
  }

  private forget(): void {
    const { system, store } = this.parts
    if (system.nowMs() - this.forgotMs < trustForgetEveryMs) return
    this.forgotMs = system.nowMs()
    const beforeMs = system.wallMs() - trustForgetMs
    try {
      store.forgetTrust(beforeMs, trustForgetRows)
    } catch (error) {
      // A store in trouble, which the journal finds out by itself; there is another time to forget.
      if (!(error instanceof StoreError)) throw error
    }
  }
}

export function rowOf(record: TrustRecord, bookedMs: number): TrustRow {
  const { scout, model } = record
  return { scout, model, bookedMs, record: JSON.stringify(record) }
}

function isTimed({ state }: TrustRecord): boolean {
  return state !== 'new' && state !== 'trusted'
}
