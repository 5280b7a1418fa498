/**
 * The ledger as one part of the engine: makes receipts of counted work, keeps the chain through its writer, does what
 * is due by the calendar, takes up what people asked for, and answers reports. The brain brings work and time.
 */

import type { Fault } from '../../../shared/faults.ts'
import { askedPerTurn, ledgerUpkeepMs, transfersPerTurn } from '../../../shared/limits/ledger/ledger.ts'
import { operatorOf } from '../../../shared/scouts/scout-id.ts'
import type { System } from '../../../shared/system.ts'
import type { Steps, TurnLane } from '../../../shared/turn-lane.ts'
import { earnedOf } from '../../ledger/accounts/account.ts'
import { conservationOf } from '../../ledger/accounts/balances.ts'
import { type Earning, unpaidSentence } from '../../ledger/accounts/earnings.ts'
import { type LedgerEvent, type Pin, readAsked, type SeasonMove } from '../../ledger/accounts/events.ts'
import { auditedTrust, simpleTrust, type TrustView, type Verdict } from '../../ledger/accounts/trust-port.ts'
import { type LookedThrough, lookThrough, untrustedOf } from '../../ledger/accounts/untrusted.ts'
import { consequenceOf } from '../../ledger/accounts/verdicts.ts'
import { eventsDue } from '../../ledger/accounts/vesting.ts'
import type { Rules } from '../../ledger/points/rules.ts'
import type { Batch, SealedBatch } from '../../ledger/receipts/chain.ts'
import { HubTags } from '../../ledger/receipts/hashes.ts'
import { receiptsKeptFrom, seasonAt } from '../../ledger/seasons/season.ts'
import { type Statement, statementOf } from '../../ledger/statement.ts'
import { dayOf } from '../../tenants/periods.ts'
import { type Journal, notWritable } from '../durability/journal.ts'
import type { LedgerWitness } from '../ports/ledger/attested.ts'
import type {
  LeaderboardRow,
  LedgerReport,
  OperatorPoints,
  PointsMode,
  ReceiptProof,
  SpendablePoints,
} from '../ports/ledger/ledger.ts'
import type { EarningFilter } from '../ports/ledger/ledger-store.ts'
import type { WorkDone } from '../ports/ledger/work.ts'
import type { ShownPoints } from '../ports/scouts.ts'
import type { Store, StoreWrite } from '../ports/store.ts'
import { Attesting, receiptOf } from './attesting.ts'
import { earningsWith } from './earning-report.ts'
import { Leaderboard } from './leaderboard.ts'
import { LedgerWriter } from './ledger-writer.ts'
import { ReceiptMaker } from './receipt-maker.ts'
import { ReceiptRetention } from './receipt-retention.ts'
import { replayed } from './replay.ts'
import { SealedReceipts } from './sealed-receipts.ts'
import { capsOf } from './season-caps.ts'
import { Countersigning } from './signing/countersigning.ts'
import { SigningKeys } from './signing/signing-keys.ts'
import type { SnapshotPace } from './snapshot-writer.ts'
import { depositEvents, openEarnings } from './spending/deposits.ts'
import type { Market } from './spending/market.ts'
import { PledgeBook } from './spending/pledges.ts'
import { Spending } from './spending/spending.ts'

/** What a hub needs to give receipts. */
export interface LedgerSettings {
  rules: Rules
  mode: PointsMode
  /** The hub's identity: its public key, and signatures with it. */
  identity: { readonly key: string; sign(bytes: Uint8Array): Uint8Array }
  /** At least 32 secret bytes that never change: of salts and tags. */
  secret: Uint8Array
  /** How its snapshot is written, for a simulation that has little time. */
  snapshot?: SnapshotPace
}

interface LedgerParts extends LedgerSettings {
  system: System
  store: Store
  journal: Journal
  lane: TurnLane
  contain: (work: () => void) => void
  market: Market
}

export class Ledger implements LedgerReport {
  readonly hub: string
  readonly mode: PointsMode
  /** For disputes. */
  readonly witness: LedgerWitness
  private writer!: LedgerWriter
  /** Null where points are not spent, and before the start. */
  private spending: Spending | null = null
  pledges: PledgeBook | null = null
  private readonly retention: ReceiptRetention
  private readonly maker: ReceiptMaker
  private readonly tags: HubTags
  private readonly sealed: SealedReceipts
  /** With which keys scouts sign, and the check of what they signed. */
  readonly keys: SigningKeys
  readonly signatures: Countersigning
  private trust: TrustView
  private readonly leaders: Leaderboard
  /** By operator; null until it is known. */
  private waiting: ReadonlyMap<string, LookedThrough> | null = null
  private isUpkeeping = false
  private lastAsked = 0
  private upkeepMs = Number.NEGATIVE_INFINITY
  /** Points of verdicts that had been paid already. */
  unreached = 0

  constructor(private readonly parts: LedgerParts) {
    const { identity, mode, rules, secret, store, market } = parts
    const { ownersOf } = market
    this.hub = identity.key
    this.mode = mode
    this.tags = new HubTags(secret)
    this.witness = new Attesting(store, this.tags)
    this.sealed = new SealedReceipts(store, this.tags, (task) => this.writer.waiting(task))
    this.retention = new ReceiptRetention(parts)
    this.keys = new SigningKeys({ store, seal: (pin) => this.sealPin(pin) })
    this.signatures = new Countersigning({ ...parts, keys: this.keys })
    this.leaders = new Leaderboard({ ...parts, projector: () => this.writer.projector })
    this.trust = simpleTrust((scout, model) => store.earningRecord(scout, model))
    const isConvicted: TrustView['isConvicted'] = (scout, model) => this.trust.isConvicted(scout, model)
    this.maker = new ReceiptMaker({ rules, tags: this.tags, trust: { isConvicted }, ownersOf })
  }

  // ------------------------------------------------------------ for the brain

  /** What audits find has consequences from now on. */
  judgedBy(found: TrustView): void {
    this.trust = auditedTrust(found, this.trust)
  }

  private sealPin(pin: Pin): boolean {
    if (this.parts.journal.trouble !== null) return false
    this.writer.sealEvents([pin])
    return true
  }

  /** What a scout needs in order to sign the answer of this task; undefined where nothing signed of it would count. */
  saltFor(session: number, task: number): Uint8Array | undefined {
    return this.keys.signs(session) ? this.tags.salt(task).slice() : undefined
  }

  /** Takes up what the last process left. */
  start(): void {
    const { system, store, journal, rules, contain, identity, snapshot: pace } = this.parts
    const { maker, signatures } = this
    const sign = (bytes: Uint8Array) => identity.sign(bytes)
    const folded = replayed(store, dayOf(system.wallMs()))
    const parts = { system, store, journal, rules, maker, signatures, sign, contain, pace }
    this.writer = new LedgerWriter({ ...parts, ...folded })
    this.writer.start()
    if (this.mode !== 'spend') return
    const { projector } = this.writer
    const seal = (events: readonly LedgerEvent[]) => this.writer.sealEvents(events)
    const spending = new Spending({ system, projector, rules, market: this.parts.market, seal })
    const isInTrouble = () => journal.trouble !== null
    const sealSpent = () => this.sealSpent(spending)
    this.pledges = new PledgeBook({ store, projector, rules, spending, sealSpent, seal, isInTrouble })
    this.spending = spending
  }

  /** Before anything else takes from clients. What was spent comes behind its receipt, for a death may come between. */
  private sealSpent(spending: Spending): void {
    this.writer.sealWaiting()
    spending.seal()
  }

  /** For whoever admits tasks; null where clients pay nothing. */
  get purse(): Spending | null {
    return this.spending
  }

  /** Work for a client that waited: its receipt is made now and sealed within a second. What the client owes for it. */
  worked(work: WorkDone): number {
    return this.writer.give(work)
  }

  /** The same of a durable task: the row goes with its settlement. */
  earned(work: WorkDone): { row: StoreWrite; owed: number } {
    const { receipt, owed } = this.writer.keep(work)
    return { row: { write: 'earned', earned: { task: work.task, receipt } }, owed }
  }

  /** The settlement of a durable task is committed, or never will be because another hub has the task. */
  settled(task: number, isCommitted: boolean): void {
    if (isCommitted) this.writer.settled(task)
    else this.writer.forsaken(task)
  }

  /** Once a second. */
  tick(): void {
    // What is spent comes behind its receipt.
    if (this.spending !== null) this.signatures.giveUp()
    this.writer.tick()
    if (this.parts.journal.trouble !== null) return
    const { spending } = this
    // Behind all receipts, of which more than one batch may wait.
    if (spending !== null) this.writer.whenSealed(() => spending.seal())
    this.takeAsked()
    // Of the calendar, which may be set: then it is looked at anew.
    const wallMs = this.parts.system.wallMs()
    if (this.isUpkeeping || Math.abs(wallMs - this.upkeepMs) < ledgerUpkeepMs) return
    this.upkeepMs = wallMs
    this.isUpkeeping = true
    const over = () => {
      this.isUpkeeping = false
    }
    // Who is trusted is asked of the store.
    this.writer.snapshot.whenWritten(() => this.inTurns(this.upkeep(), over))
  }

  private inTurns(steps: Steps<void>, over = () => {}): void {
    this.parts.lane.add(() => {
      let isOver = true
      this.parts.contain(() => {
        isOver = steps.next().done === true
      })
      if (isOver) over()
      return isOver
    })
  }

  stop(): void {
    this.writer.sealWaiting()
    if (this.parts.journal.trouble === null) this.spending?.seal()
    this.writer.flush()
  }

  /** What people asked for beside the running hub, in their order. */
  private takeAsked(): void {
    const { store, journal } = this.parts
    for (const { id, event } of store.asked(askedPerTurn)) {
      // What was taken up waits in the journal, and is gone when that is committed.
      if (id <= this.lastAsked) continue
      this.lastAsked = id
      const asked = readAsked(event)
      const isPossible = asked !== null && this.writer.projector.flawOf(asked) === null
      if (isPossible && asked.type === 'season' && asked.to === 'closed') this.inTurns(this.close(asked, [id]))
      else if (isPossible) this.writer.sealEvents([asked], [id])
      else journal.add([{ write: 'forgetAsked', id }], () => {})
    }
  }

  /** What is due by the calendar. */
  private *upkeep(): Steps<void> {
    const { store, system } = this.parts
    const { projector } = this.writer
    const ownerSinceMs = (operator: string): number | null =>
      store.account(operator)?.createdMs ?? store.keyById(operator)?.createdMs ?? null
    const due = { nowMs: system.wallMs(), trust: this.trust, ownerSinceMs, eventsMax: transfersPerTurn }
    const events = yield* eventsDue(projector, due)
    // What is more is due at once.
    if (events.length >= transfersPerTurn) this.upkeepMs = Number.NEGATIVE_INFINITY
    for (const event of events) if (event.type === 'season') yield* this.close(event)
    this.sealPossible(events.filter(({ type }) => type === 'transfer'))
    this.waiting = yield* lookThrough(projector, this.trust)
    yield* this.retention.forget(receiptsKeptFrom(projector.seasons.values(), due.nowMs), this.writer.snapshot.upTo)
  }

  /** Moves a season on; before it is frozen, what is beyond the caps is burnt. */
  private *close(move: SeasonMove, asked: readonly number[] = []): Steps<void> {
    const { projector } = this.writer
    if (move.to === 'closed') this.sealPossible(yield* capsOf(projector, this.parts.store, move.season))
    if (projector.flawOf(move) === null) this.writer.sealEvents([move], asked)
  }

  /** Much may have happened since it was found that these are due. */
  private sealPossible(events: readonly LedgerEvent[]): void {
    this.writer.sealEvents(events.filter((event) => this.writer.projector.flawOf(event) === null))
  }

  /** What a scout is told of its points; nothing where none are shown. */
  shownOf(scout: string): ShownPoints {
    if (this.mode === 'off') return {}
    const { earned, waiting, untrusted } = this.pointsOf(operatorOf(scout))
    const row = this.writer.projector.unpaid.of(scout, dayOf(this.parts.system.wallMs()))
    const unpaid = row === undefined ? null : unpaidSentence([row])
    const isWaiting = waiting > 0 && untrusted !== null
    return { earned, waiting, ...(unpaid !== null && { unpaid }), ...(isWaiting && { untrusted }) }
  }

  // ------------------------------------------------------------ for reports

  pointsOf(operator: string, season = seasonAt(this.parts.system.wallMs())): OperatorPoints {
    const { projector } = this.writer
    const waiting = projector.waitingOf(operator)
    const looked = this.waiting?.get(operator)
    const untrusted = this.waiting && untrustedOf(looked, waiting)
    const { convicted = 0, burnsMs = null } = looked ?? {}
    const earned = projector.balances.of(earnedOf(season, operator))
    return { season, earned, waiting, untrusted, convicted: Math.min(convicted, waiting), burnsMs }
  }

  earnings(filter: EarningFilter): Earning[] {
    return earningsWith(this.parts.store, this.writer.snapshot.growth(filter.scout), filter)
  }

  seasons() {
    return [...this.writer.projector.seasons.values()].sort((one, other) => (one.season < other.season ? -1 : 1))
  }

  statement(season: string): Statement | undefined {
    const { projector } = this.writer
    const state = projector.seasons.get(season)?.state
    if (state === undefined) return undefined
    return statementOf(projector, { season, state, hub: this.hub, nameOf: this.leaders.names() })
  }

  leaderboard(): readonly LeaderboardRow[] {
    return this.leaders.rows()
  }

  shownAs(operator: string): string | null {
    return this.leaders.shownAs(operator)
  }

  showAs(operator: string, name: string | null): Promise<Fault | null> {
    return this.leaders.showAs(operator, name)
  }

  get held(): number {
    return this.spending?.reserved ?? 0
  }

  spendable(tenant: string): SpendablePoints | null {
    const { spending } = this
    if (spending === null) return null
    const points = openEarnings(this.writer.projector, tenant).reduce((sum, { points: some }) => sum + some, 0)
    return { available: spending.available(tenant), reserved: spending.reservedOf(tenant), earned: points }
  }

  deposit(operator: string, client: string, points: number): Promise<Fault | null> {
    const { journal } = this.parts
    if (this.spending === null || journal.trouble !== null) return Promise.resolve(notWritable)
    const events = depositEvents(this.writer.projector, operator, client, points)
    if ('code' in events) return Promise.resolve(events)
    this.sealSpent(this.spending)
    this.writer.sealEvents(events)
    return new Promise((resolve) => journal.addHere([], () => resolve(null)))
  }

  unpin(scout: string): Fault | boolean {
    return this.parts.journal.trouble === null ? this.keys.unpin(scout) : notWritable
  }

  signaturesSeen(): Readonly<Record<string, number>> {
    return this.signatures.outcomes
  }

  sign(bytes: Uint8Array): Uint8Array {
    return this.parts.identity.sign(bytes)
  }

  conservation() {
    return conservationOf(this.writer.projector.balances.totals)
  }

  lastSeq(): number {
    return this.writer.projector.end.seq
  }

  receipt(task: number, owner: string | null): ReceiptProof | 'waiting' | undefined {
    return this.sealed.receipt(task, owner)
  }

  batchesAfter(seq: number, limit: number): Batch[] {
    return this.sealed.batchesAfter(seq, limit)
  }

  sealedAfter(seq: number, limit: number): SealedBatch[] {
    return this.sealed.sealedAfter(seq, limit)
  }

  rulesText(hash: Uint8Array): string | undefined {
    return this.sealed.rulesText(hash)
  }

  concerns(leaf: Uint8Array, owner: string): boolean {
    return this.sealed.concerns(leaf, owner)
  }

  // ------------------------------------------------------------ for the trust part

  judge(verdict: Verdict): number {
    const receipts = verdict.tasks.flatMap((task) => receiptOf(this.parts.store, task) ?? [])
    const { projector } = this.writer
    const { events, missing } = consequenceOf(projector, verdict, receipts, this.parts.system.wallMs())
    this.writer.sealEvents(events)
    this.unreached += missing
    return missing
  }
}
