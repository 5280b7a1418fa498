/**
 * What becomes of the records of trust, looked at after every event: each change follows from the one before by rules
 * that are written down here once more, from the documentation and not from the code (48, 49); no honest scout is ever
 * convicted where cheats are the fewer (50); what the engine was told is what the record weighs (51); what is known in
 * the end is on the disk (52); and an appeal is its owner's, once for each conviction, and outlives the hub (62).
 */

import type { HubEngine } from '../../../../orchestrator/engine/engine.ts'
import type { Appeals } from '../../../../orchestrator/engine/ports/trust/appeals.ts'
import type { ScoutTrust } from '../../../../orchestrator/engine/ports/trust/trust-report.ts'
import type { TrustNews } from '../../../../orchestrator/engine/ports/trust/witness.ts'
import type { MemoryDisk } from '../../../../orchestrator/store/memory/disk.ts'
import type { TrustBook } from '../../../../orchestrator/trust/desk/trust-book.ts'
import type { TrustRecord } from '../../../../orchestrator/trust/standing/record.ts'
import type { Fault } from '../../../../shared/faults.ts'
import type { System } from '../../../../shared/system.ts'
import { Brakes } from './brakes.ts'
import { flawOfChange } from './changes.ts'

type Book = Pick<TrustBook, 'list' | 'find'>
type Asked = Parameters<Appeals['appeal']>[0]

type TrustTally = Record<string, number>

/** How long time alone may take to bring about what is due: the hub may stand still meanwhile. */
const dueWithinMs = 25_000

export class Records {
  /** Changes of state in this life, by their two states, and what else shows that trust was at work. */
  readonly tally: TrustTally = {}
  private book: Book | null = null
  /** When the desk stopped. */
  private last: readonly TrustRecord[] = []
  private system: System | null = null
  private engine: HubEngine | null = null
  private readonly before = new Map<TrustRecord, TrustRecord>()
  private readonly brakes = new Brakes()
  /** What the engine knows: by scout and model. */
  private readonly marks = new Map<string, TrustNews>()
  /** Those that were trusted since their first hello, or their last conviction. */
  private readonly proven = new Set<TrustRecord>()
  /** Those that were so when they were convicted. */
  private readonly provenThen = new Set<TrustRecord>()
  /** Convictions whose owner was told that its appeal is taken. */
  private readonly appeals = new Set<string>()
  /** Settlements of each scout, and how many there were when a record's state changed. */
  private readonly works = new Map<string, number>()
  private readonly worksBefore = new Map<TrustRecord, number>()
  /** Since when something is due, by record. */
  private readonly overdue = new Map<TrustRecord, number>()

  constructor(
    private readonly honest: ReadonlySet<string>,
    private readonly isEnforced: boolean,
    private readonly fail: (invariant: number, what: string) => void,
  ) {}

  nowMs(): number {
    return this.system!.wallMs()
  }

  starts(engine: HubEngine, system: System): void {
    this.engine = engine
    this.system = system
    this.before.clear()
    this.marks.clear()
    this.proven.clear()
    this.provenThen.clear()
    this.overdue.clear()
    this.brakes.clear()
  }

  opened(book: Book): void {
    this.book = book
    for (const record of book.list()) {
      this.before.set(record, copyOf(record))
      if (record.isProven ?? record.state === 'trusted') this.proven.add(record)
      if (record.taken?.isProven === true) this.provenThen.add(record)
      if (record.state === 'convicted' && record.appeal === undefined && this.appeals.has(convictionOf(record)))
        this.fail(62, `the appeal of ${record.scout} with ${record.model} is forgotten`)
      this.worksBefore.set(record, this.works.get(record.scout) ?? 0)
      this.brakes.loaded(record)
    }
    for (const record of book.list()) this.checkMark(record)
  }

  stopped(): void {
    this.last = [...(this.book?.list() ?? [])].map(copyOf)
    this.book = null
  }

  /** Long after that: all of it is on the disk, but for those of whom nothing was found out. */
  checkKept({ trust }: MemoryDisk): void {
    const rows = new Map([...trust.values()].map(({ scout, model, record }) => [`${scout} ${model}`, record]))
    for (const record of this.last) {
      const { scout, model } = record
      const row = rows.get(`${scout} ${model}`)
      if (row === undefined && isBlank(record)) continue
      if (row !== JSON.stringify(record))
        this.fail(52, `${scout} with ${model} is ${JSON.stringify(record)}, on the disk ${row}`)
    }
  }

  hubDies(): void {
    this.book = null
    this.engine = null
  }

  /** The engine is told. */
  told(news: TrustNews): void {
    this.marks.set(`${news.scout} ${news.model}`, news)
    if (news.isConvicted && !this.isEnforced) this.fail(51, `${news.scout} is convicted where that only is shown`)
  }

  /** What somebody was told who appealed. */
  appealed({ scout, model, owner }: Asked, isForeign: boolean, told: ScoutTrust | Fault, isStored: boolean): void {
    const record = this.book?.find(scout, model!)
    // The hub has died meanwhile.
    if (record === undefined) return
    this.count(isForeign ? 'foreign appeal' : 'code' in told ? 'appeal refused' : 'appeal')
    if (isForeign && !('code' in told && told.code === 'not_found'))
      return this.fail(62, `${owner} appeals for ${scout}, and is told ${JSON.stringify(told)}`)
    if ('code' in told) return
    // Nothing but time and checks can have ended it since.
    if (!isStored && record.state === 'convicted') this.fail(62, `the store does not know that ${scout} appealed`)
    const conviction = convictionOf(record)
    if (this.appeals.has(conviction)) this.fail(62, `${scout} with ${model} appeals once more against one conviction`)
    this.appeals.add(conviction)
  }

  isAppealed(scout: string, model: string): boolean {
    const record = this.book?.find(scout, model)
    return record?.state === 'convicted' && record.appeal?.isLost === false
  }

  /** It has settled something. */
  worked(scout: string): void {
    this.works.set(scout, (this.works.get(scout) ?? 0) + 1)
  }

  stateOf(scout: string, model: string): TrustRecord['state'] | null {
    return this.book?.find(scout, model)?.state ?? null
  }

  /** Who offers the model beside this convicted scout; null when it is not convicted, or alone. */
  servedWhileConvicted(scout: string, model: string, { core }: HubEngine): string | null {
    const record = this.book?.find(scout, model)
    // A conviction of this very event may meet a grant that was made before it.
    const isSo = this.isEnforced && record?.state === 'convicted' && this.before.get(record)?.state === 'convicted'
    if (!isSo) return null
    for (const { record: other, capabilities, state } of core.state.roster.bySession.values()) {
      const capability = capabilities.find(({ entry }) => entry.model === model && entry.kind === 'chat')
      if (capability === undefined || state !== 'ready' || capability.mark?.isConvicted === true) continue
      return other.scout
    }
    this.count('last scout served')
    return null
  }

  look(): void {
    const { book } = this
    if (book === null) return
    const nowMs = this.nowMs()
    for (const record of book.list()) {
      const before = this.before.get(record)
      if (before === undefined) this.before.set(record, copyOf(record))
      else if (hasChanged(before, record)) this.judge(before, record, nowMs)
      this.checkDue(record, nowMs)
    }
  }

  private judge(before: TrustRecord, record: TrustRecord, nowMs: number): void {
    const { scout, model, state } = record
    const isBraked = this.brakes.holds(model, this.engine!.ownersOf('chat', model), nowMs)
    const needed = this.brakes.needed(record.owner, nowMs)
    const works = (this.works.get(scout) ?? 0) - (this.worksBefore.get(record) ?? 0)
    const flaw = flawOfChange(before, record, { nowMs, isBraked, needed, works })
    if (flaw !== null) this.fail(flaw.invariant, `${scout} with ${model}: ${flaw.what}`)
    if (before.appeal === undefined && record.appeal !== undefined)
      this.worksBefore.set(record, this.works.get(scout) ?? 0)
    if (before.appeal?.isLost === false && record.appeal?.isLost === true) this.count('appeal lost')
    if (before.state !== state) {
      this.count(`${before.state} > ${state}`)
      this.worksBefore.set(record, this.works.get(scout) ?? 0)
      this.brakes.moved(before, record, nowMs)
      if (state === 'trusted') this.proven.add(record)
      if (state === 'convicted') this.convict(record)
      if (before.state === 'convicted') this.release(record)
      if (state === 'convicted' && this.honest.has(scout))
        this.fail(50, `${scout} is honest and convicted for ${model}`)
    } else if (isBraked && state === 'confirming' && record.evidence >= 7) this.count('brake held')
    this.before.set(record, copyOf(record))
    this.checkMark(record)
  }

  private convict(record: TrustRecord): void {
    if (this.proven.delete(record)) this.provenThen.add(record)
    else this.provenThen.delete(record)
  }

  /** By its time or by an appeal, which gives back what the conviction took. */
  private release(record: TrustRecord): void {
    const { owner, state } = record
    if (state !== 'watched') return
    if (this.provenThen.has(record)) this.proven.add(record)
    this.brakes.absolve(
      owner,
      [...this.book!.list()].filter((one) => one.owner === owner),
    )
  }

  /** What weighs in placement. */
  private checkMark(record: TrustRecord): void {
    const { scout, model, state, doubt } = record
    const news = this.marks.get(`${scout} ${model}`)
    const { trustMs = 0, isConvicted = false, isProven = false } = news ?? {}
    if (isProven !== (this.isEnforced && this.proven.has(record)))
      this.fail(51, `${scout} with ${model} is ${isProven ? 'no' : 'a'} newcomer to the engine`)
    if ((news?.state ?? 'new') !== state)
      this.fail(51, `${scout} with ${model} is ${state}, to the engine ${news?.state}`)
    const isCounted = state === 'convicted' && this.isEnforced
    const weighed = state === 'watched' ? Math.min(1, doubt / Math.log(10_000)) : 1
    const due = state === 'new' || state === 'trusted' ? 0 : isCounted ? 60_000 : 2_000 * weighed
    if (isConvicted !== isCounted || Math.abs(trustMs - due) > 1)
      this.fail(51, `${scout} with ${model} is ${state} at ${doubt}, and weighs ${trustMs} ms`)
  }

  /** What time alone brings: the end of a conviction, and a confirmation whose brake was released. */
  private checkDue(record: TrustRecord, nowMs: number): void {
    const { scout, model, state, untilMs, evidence } = record
    const isOver = state === 'convicted' && nowMs >= untilMs
    const isHeard = state === 'confirming' || (state === 'convicted' && record.appeal?.isLost === false)
    const isProven = isHeard && evidence >= 7
    const owners = isProven ? this.engine!.ownersOf('chat', model) : 0
    const isDue = isOver || (isProven && !this.brakes.holds(model, owners, nowMs))
    if (!isDue) return void this.overdue.delete(record)
    const worldMs = this.system!.nowMs()
    const sinceMs = this.overdue.get(record) ?? worldMs
    this.overdue.set(record, sinceMs)
    if (worldMs - sinceMs > dueWithinMs) this.fail(48, `${scout} with ${model} is ${state} for too long`)
  }

  count(what: string): void {
    this.tally[what] = (this.tally[what] ?? 0) + 1
  }
}

/** Nothing is known of it yet. */
function isBlank({ state, checks, repeatTenants }: TrustRecord): boolean {
  return state === 'new' && checks === 0 && repeatTenants.length === 0
}

function convictionOf({ scout, model, convictedMs }: TrustRecord): string {
  return `${scout} ${model} ${convictedMs}`
}

function copyOf(record: TrustRecord): TrustRecord {
  return { ...record, repeatTenants: [...record.repeatTenants] }
}

function hasChanged(before: TrustRecord, record: TrustRecord): boolean {
  return (
    before.state !== record.state ||
    before.checks !== record.checks ||
    before.doubt !== record.doubt ||
    before.appeal !== record.appeal ||
    before.repeatTenants.length !== record.repeatTenants.length
  )
}
