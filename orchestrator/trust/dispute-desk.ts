/**
 * The dispute desk: takes disputes of answers and appeals, within everybody's limits, lets hearings go on in their
 * time, and does what follows from verdicts. Nothing is kept of an answer for its sake: who disputes one shows its
 * texts, and the receipt says whether they are right; durable tasks have theirs in the store. One hearing's course is
 * in `desk/hearings/hearing.ts`, what decides in `disputes/`.
 */
import type { Fault } from '../../shared/faults.ts'
import {
  disputeForgetEveryMs,
  disputeForgetMs,
  disputeForgetRows,
  disputeListMax,
  disputesCountedMs,
  hearingsRunningMax,
  usageRowsCounted,
  verdictDoubtMs,
} from '../../shared/limits/trust/disputes.ts'
import { every, type System, secretUnit, type Timer } from '../../shared/system.ts'
import type { TurnLane } from '../../shared/turn-lane.ts'
import type { Actor, Keyring } from '../engine/keyring.ts'
import type { LedgerReport } from '../engine/ports/ledger/ledger.ts'
import type { IntentStore } from '../engine/ports/store.ts'
import { StoreError } from '../engine/ports/store.ts'
import type { DisputeStore, DisputeWrite } from '../engine/ports/trust/dispute-store.ts'
import type {
  DisputeCounts,
  DisputeSide,
  Disputes,
  DisputeView,
  Filing,
  RulingAsked,
  ShownTexts,
} from '../engine/ports/trust/disputes.ts'
import type { UsageReads } from '../engine/ports/usage.ts'
import { dayOf } from '../tenants/periods.ts'
import { type DelayRange, delayOf } from './audits/pending.ts'
import { disputable } from './desk/hearings/disputable.ts'
import { DisputeBook, type DisputeDeskWrite } from './desk/hearings/dispute-book.ts'
import { viewOf } from './desk/hearings/dispute-view.ts'
import { Hearing, type HearingEngine, type HearingParts } from './desk/hearings/hearing.ts'
import { Pledging, pledgeOf } from './desk/hearings/pledging.ts'
import * as refusals from './desk/hearings/refusals.ts'
import type { TrustBook } from './desk/trust-book.ts'
import {
  appeal,
  appealEndsMs,
  type Dispute,
  type Filed,
  isTimeUp,
  newDispute,
  ownerOn,
  pass,
  rule,
  rulingEndsMs,
  verdictOf,
} from './disputes/dispute.ts'
import { appealFlaw, filingFlaw } from './disputes/quotas.ts'
import { isDecided } from './disputes/states.ts'

type DisputeDeskStore = DisputeStore &
  Pick<IntentStore, 'intent' | 'tasksOf' | 'request' | 'result'> &
  Pick<UsageReads, 'usagePoints'>

interface DisputeDeskParts {
  system: System
  engine: HearingEngine
  store: DisputeDeskStore
  /** Null in a hub that gives no receipts: then durable tasks alone can be disputed. */
  ledger: LedgerReport | null
  lane: TurnLane
  trust: TrustBook
  /** Tasks of clients within a day. */
  settledTasks: () => number
  keyring: Pick<Keyring, 'note'>
  write: (...writes: DisputeDeskWrite[]) => Promise<void>
  promise: (write: DisputeWrite) => Promise<Fault | null>
  settings: { isEnforced: boolean; delay: DelayRange; tickMs: number }
}

/** What a hearing waits between two steps is that of an audit, and so much less at most. */
const paceShare = 1 / 6

export class DisputeDesk implements Disputes {
  private readonly book: DisputeBook
  private readonly hearing: Hearing
  private readonly pledging: Pledging
  private isTakenUp = false
  private timer: Timer | null = null
  private isOver = false
  /** When the next step of a hearing is due, and those whose step is under way. */
  private readonly dueMs = new Map<string, number>()
  private readonly running = new Set<string>()
  private forgotMs = Number.NEGATIVE_INFINITY
  private readonly sums = { filed: 0, refused: 0, tasks: 0 }
  private readonly ended: Record<string, number> = { upheld: 0, rejected: 0, undecided: 0 }
  private readonly votes: Record<string, number> = { against: 0, for: 0, silent: 0, order: 0, blind: 0, all: 0 }

  constructor(private readonly parts: DisputeDeskParts) {
    const { system, engine, ledger, lane, trust, store, write, promise } = parts
    this.book = new DisputeBook({ store, write, promise })
    this.pledging = new Pledging({ ledger, lane, isEnforced: parts.settings.isEnforced })
    const witness = ledger?.witness ?? null
    const counted: HearingParts['counted'] = (what) => {
      if (what === 'task') this.sums.tasks++
      else this.votes[what.abstains ?? (what.against === true ? 'against' : 'for')]!++
    }
    this.hearing = new Hearing({ system, engine, witness, lane, book: this.book, trust, counted })
  }

  start(): void {
    this.timer = every(this.parts.system, this.parts.settings.tickMs, () => this.tick())
  }

  stop(): void {
    this.isOver = true
    this.book.end()
    this.timer?.cancel()
    this.parts.lane.stop()
  }

  private now(): number {
    return Math.floor(this.parts.system.wallMs())
  }

  // ------------------------------------------------------------ for the client edge

  async file(filing: Filing): Promise<DisputeView | Fault> {
    const { system } = this.parts
    const answer = disputable(this.parts, filing, this.now())
    if ('code' in answer) return answer
    const { texts, points, ...about } = answer
    if (this.book.isDisputed(about.task)) return refusals.exists
    const refused = this.overQuota(filing.tenant, about.operator)
    if (refused !== null) {
      this.sums.refused++
      return refused
    }
    const id = `dsp_${Buffer.from(system.randomBytes(15)).toString('base64url')}`
    const { tenant, reason, comment } = filing
    const pledged = this.pledging.set({ id, tenant, ...about }, 'client', 1)
    if (typeof pledged !== 'number') return pledged
    const filed: Filed = { id, tenant, reason, comment, ...about, ...(pledged > 0 && { pledged }) }
    const dispute = newDispute(filed, this.now())
    const trouble = await this.book.add(dispute, texts)
    if (trouble !== null) {
      if (pledged > 0) this.pledging.giveBack(pledgeOf(dispute, 'client', 1))
      return trouble
    }
    this.sums.filed++
    this.schedule(dispute)
    await this.hold(dispute, points)
    return this.shown(dispute, 'client')
  }

  private overQuota(tenant: string, operator: string): Fault | null {
    if (this.book.isFull) return refusals.overQuota('day')
    const { store, settledTasks } = this.parts
    const nowMs = this.now()
    const [from, to] = [nowMs - disputesCountedMs, nowMs].map(dayOf) as [number, number]
    const used = store.usagePoints({ by: 'day', tenant, from, to, limit: usageRowsCounted })
    const ownTasks = used.reduce((sum, { tasks }) => sum + tasks, 0)
    const counts = { nowMs, ownTasks, settledTasks: settledTasks() }
    const flaw = filingFlaw(this.book.counted(), { tenant, operator }, counts)
    return flaw && refusals.overQuota(flaw)
  }

  list(side: DisputeSide, owner: string): DisputeView[] {
    const found: DisputeView[] = []
    for (const dispute of this.book.of(side, owner)) {
      if (found.length >= disputeListMax) break
      found.push(this.shown(dispute, side))
    }
    return found
  }

  find(id: string, side: DisputeSide, owner: string): DisputeView | undefined {
    const dispute = this.book.find(id)
    return dispute !== undefined && ownerOn(dispute, side) === owner ? this.shown(dispute, side) : undefined
  }

  async appeal(id: string, owner: string): Promise<DisputeView | Fault> {
    const { settledTasks } = this.parts
    const dispute = this.book.find(id)
    const side = (['client', 'scout'] as const).find((one) => dispute && ownerOn(dispute, one) === owner)
    if (dispute === undefined || side === undefined) return refusals.unknown
    if (dispute.appeal !== null) return refusals.appealed
    if (!isDecided(dispute.state) && dispute.state !== 'final') return refusals.notDecided
    const nowMs = this.now()
    const endsMs = appealEndsMs(dispute)
    if (endsMs === null || nowMs >= endsMs) return refusals.appealTooLate
    if ((verdictOf(dispute) === 'upheld') === (side === 'client') && verdictOf(dispute) !== 'undecided')
      return refusals.hasWon
    const flaw = appealFlaw(this.book.counted(), dispute, side, { nowMs, settledTasks: settledTasks() })
    if (flaw !== null) {
      this.sums.refused++
      return refusals.overQuota(flaw)
    }
    const pledged = this.pledging.set(dispute, side, 2)
    if (typeof pledged !== 'number') return pledged
    this.schedule(dispute)
    await this.book.change(dispute, () => appeal(dispute, side, nowMs, pledged))
    return this.shown(dispute, side)
  }

  appealed(): DisputeView[] {
    const found: DisputeView[] = []
    for (const dispute of this.book.appealed()) {
      if (found.length >= disputeListMax) break
      found.push(this.shown(dispute, 'admin'))
    }
    return found
  }

  forAdmins(id: string): { tenant: string; view: DisputeView; texts: ShownTexts | null } | undefined {
    const dispute = this.book.find(id)
    if (dispute === undefined) return undefined
    const { tenant } = dispute
    return { tenant, view: this.shown(dispute, 'admin'), texts: this.book.texts(id) ?? null }
  }

  async rule(id: string, asked: RulingAsked, by: Actor): Promise<DisputeView | Fault> {
    const dispute = this.book.find(id)
    if (dispute === undefined) return refusals.unknown
    if (dispute.state === 'final') return refusals.rulingTooLate
    if (rulingEndsMs(dispute) === null) return refusals.noAppeal
    const before = { verdict: verdictOf(dispute) }
    await this.book.changeWith(dispute, () => {
      rule(dispute, asked, this.now())
      return [this.parts.keyring.note(by, 'dispute.ruled', id, before, asked)]
    })
    return this.shown(dispute, 'admin')
  }

  counts(): DisputeCounts {
    const open: Record<string, number> = {}
    for (const { state } of this.book.all()) open[state] = (open[state] ?? 0) + 1
    return { open, ...this.sums, verdicts: this.ended, votes: this.votes }
  }

  private shown(dispute: Dispute, side: DisputeView['side']): DisputeView {
    return viewOf(dispute, side, this.parts.settings.isEnforced, this.now())
  }

  // ------------------------------------------------------------ in its time

  private schedule(dispute: Dispute): void {
    const { system, settings } = this.parts
    const { minMs, maxMs } = settings.delay
    const pace = { minMs, maxMs: Math.max(minMs, maxMs * paceShare) }
    this.dueMs.set(dispute.id, system.nowMs() + delayOf(pace, secretUnit(system)))
  }

  private tick(): void {
    const nowMs = this.now()
    if (!this.isTakenUp) this.pledging.giveBackOrphans(this.book)
    this.isTakenUp = true
    for (const dispute of this.book.all()) {
      if (this.running.has(dispute.id)) continue
      if (dispute.state === 'final') this.run(dispute, () => this.settle(dispute))
      else if (isTimeUp(dispute, nowMs)) this.run(dispute, () => this.pass(dispute, nowMs))
      else if (!isDecided(dispute.state)) this.hear(dispute)
    }
    this.forget()
  }

  private pass(dispute: Dispute, nowMs: number): Promise<void> {
    return this.book.change(dispute, () => void pass(dispute, nowMs))
  }

  private hear(dispute: Dispute): void {
    const { system } = this.parts
    const dueMs = this.dueMs.get(dispute.id)
    // Taken up from the store: the first step comes at some time, as after any other.
    if (dueMs === undefined) return this.schedule(dispute)
    if (dueMs > system.nowMs() || this.running.size >= hearingsRunningMax) return
    this.run(dispute, () => this.hearing.step(dispute))
  }

  private run(dispute: Dispute, work: () => Promise<void>): void {
    if (this.isOver) return
    this.running.add(dispute.id)
    void work().then(() => {
      this.running.delete(dispute.id)
      if (dispute.isSettled) this.dueMs.delete(dispute.id)
      else this.schedule(dispute)
    })
  }

  private forget(): void {
    const { system, store } = this.parts
    if (system.nowMs() - this.forgotMs < disputeForgetEveryMs) return
    this.forgotMs = system.nowMs()
    try {
      store.forgetDisputes(this.now() - disputeForgetMs, disputeForgetRows)
    } catch (error) {
      // A store in trouble, which the journal finds out by itself; there is another time to forget.
      if (!(error instanceof StoreError)) throw error
    }
  }

  // ------------------------------------------------------------ what follows

  /** The points of a disputed answer wait, where verdicts have consequences. */
  private async hold(dispute: Dispute, points: number): Promise<void> {
    const { ledger, settings } = this.parts
    if (ledger === null || !settings.isEnforced || points === 0) return
    const held = points - ledger.judge({ id: dispute.id, do: 'hold', tasks: [dispute.task] })
    await this.book.change(dispute, () => {
      dispute.held = held
    })
  }

  /**
   * Points are taken back or given back, and doubt grows by as much as an odd audit adds, but never to a conviction.
   * Done again after a crash in between: the ledger moves nothing twice, and doubt may grow once more.
   */
  private async settle(dispute: Dispute): Promise<void> {
    const { ledger, settings } = this.parts
    const { id, task, held } = dispute
    const verdict = verdictOf(dispute) ?? 'undecided'
    const isTaken = settings.isEnforced && verdict === 'upheld'
    const ends = await this.pledging.endOf(dispute, isTaken)
    ledger?.judge({ id, do: isTaken ? 'clawback' : 'release', tasks: held > 0 || !isTaken ? [task] : [], ...ends })
    if (verdict === 'upheld') this.doubt(dispute)
    this.ended[verdict]!++
    const note = () => {
      dispute.clawed = isTaken ? held : 0
      if (ends.repay !== undefined) dispute.repaid = ends.repay.points
      dispute.isSettled = true
    }
    // With its end nobody has to read the texts any more.
    return this.book.change(dispute, note, null)
  }

  private doubt({ id, tenant, scout, model, operator }: Dispute): void {
    const { trust } = this.parts
    const nowMs = this.now()
    for (const other of this.book.of('client', tenant)) {
      if (nowMs - other.filedMs > verdictDoubtMs) break
      if (other.id !== id && other.scout === scout && other.isSettled && verdictOf(other) === 'upheld') return
    }
    const record = trust.of(scout, model, operator)
    if (record === undefined || record.state === 'confirming' || record.state === 'convicted') return
    trust.book(record, 'odd', nowMs)
  }
}
