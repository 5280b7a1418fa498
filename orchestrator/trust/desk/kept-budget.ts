/**
 * The budget of audits as it outlives the process: a start goes on with what was asked before, or each start would
 * allow a day's audits anew. Audits are asked for out of a few that the store knows already, so that a crash forgets
 * none; it may count some that were never asked. The same holds for what they cost, where that has a bound. Fed by the
 * desk, asked by it and by audits.
 */
import { auditsAhead, moneyAheadShare } from '../../../shared/limits/trust/audits.ts'
import { AuditBudget, type BudgetCounts, type Doubted, partFor } from '../standing/budget.ts'
import { isDecidedAfresh, type TrustRecord } from '../standing/record.ts'
import { slotOf } from '../standing/rolling-day.ts'
import { AuditSpending, type Bill } from '../standing/spending.ts'
import { trustMemoryRows } from './model-book.ts'
import type { Life, TrustParts } from './parts.ts'

/** No name of a model's row, which begin with a temperature and a space. */
const rowName = 'audits'

const nothingToPay: Bill = { model: '', requestBytes: 0, microDollars: 0, atMs: 0 }

export class KeptBudget {
  private readonly budget: AuditBudget
  /** Null where what audits cost has no bound. */
  private readonly spending: AuditSpending | null
  /** Micro-dollars that the store counts and that were not spent yet; for the same hour as `ahead`. */
  private moneyAhead = 0
  /** What found less than it needed of them. */
  private moneyMissed = 0
  /** Audits that the store counts and that were not asked yet; for the hour in which it was told. */
  private ahead = 0
  private aheadSlot = Number.NEGATIVE_INFINITY
  /** The store is being told. */
  private isTold = false

  constructor(
    private readonly parts: TrustParts,
    private readonly life: Readonly<Life>,
  ) {
    const { auditsPerDayMin, money } = parts.settings
    this.budget = new AuditBudget(auditsPerDayMin)
    this.spending = money && new AuditSpending(money)
    const row = parts.store.trustMemory(trustMemoryRows).find(({ name }) => name === rowName)
    if (row === undefined) return
    const counts = JSON.parse(row.body) as BudgetCounts
    this.budget.recall(counts, this.now())
    const { hour, spent = [] } = counts
    this.spending?.recall(hour, spent, this.now())
  }

  noteSettled(count: number): void {
    this.budget.noteSettled(count, this.now())
  }

  /** One audit asks for a task. */
  noteAsked(): void {
    this.budget.noteAsked(1, this.now())
    this.ahead--
  }

  /** Whether an audit of this scout may ask for another task, or for so many, now. */
  allows(record: TrustRecord, count = 1): boolean {
    // What decides goes first, an appeal as well.
    const state = isDecidedAfresh(record) ? 'confirming' : record.state
    const doubted = { state, doubt: record.doubt }
    return count <= this.known() && this.hasMoneyFor(doubted) && this.budget.allows(doubted, this.now(), count)
  }

  private hasMoneyFor(doubted: Doubted): boolean {
    const { spending } = this
    return spending === null || spending.spent(this.now()) < partFor(doubted) * spending.bound.perDay
  }

  /** Sets aside what asking this of a model may cost; null where there is no money for it now. */
  bill(model: string, request: Uint8Array): Bill | null {
    const { spending } = this
    if (spending === null) return nothingToPay
    const nowMs = this.now()
    const bill = spending.quote(model, request, nowMs)
    const { microDollars } = bill
    if (spending.left(nowMs) < microDollars) return null
    if (this.knownMoney() < microDollars) {
      this.moneyMissed = Math.max(this.moneyMissed, microDollars)
      return null
    }
    spending.add(microDollars, nowMs)
    this.moneyAhead -= microDollars
    return bill
  }

  /** It was answered with so many bytes; null: it was given to nobody, and costs nothing. */
  settle(bill: Bill, answerBytes: number | null): void {
    const { spending } = this
    if (spending === null) return
    const more = (answerBytes === null ? 0 : spending.priceOf(bill, answerBytes)) - bill.microDollars
    spending.amend(more, bill)
    this.moneyAhead -= more
  }

  /** Micro-dollars of the last 24 hours, and what they may be; null where that has no bound. */
  money(): { spent: number; perDay: number } | null {
    return this.spending && { spent: this.spending.spent(this.now()), perDay: this.spending.bound.perDay }
  }

  counts(): { audits: number; settled: number } {
    return this.budget.counts()
  }

  /** Sees to it that the store knows of some more. */
  tick(): void {
    const money = this.moneyNeeded()
    const hasMoney = this.moneyMissed === 0 && this.knownMoney() >= money / 2
    if (this.isTold || (this.known() > auditsAhead / 2 && hasMoney)) return
    this.isTold = true
    // What is asked meanwhile would not be in what the store is told.
    this.ahead = 0
    this.moneyAhead = 0
    this.moneyMissed = 0
    const slot = slotOf(this.now())
    this.write(auditsAhead, money, () => {
      this.isTold = false
      this.ahead = auditsAhead
      this.moneyAhead = money
      this.aheadSlot = slot
    })
  }

  /** Of which the store is to know: enough for what was missed last, and no more than is left of the day. */
  private moneyNeeded(): number {
    const { spending } = this
    if (spending === null) return 0
    const wanted = Math.max(Math.ceil(moneyAheadShare * spending.bound.perDay), 2 * this.moneyMissed)
    return Math.min(wanted, spending.left(this.now()))
  }

  /** Nothing more is asked: what was not asked need not be counted. */
  stop(): void {
    this.write(0, 0)
  }

  private known(): number {
    return this.aheadSlot === slotOf(this.now()) ? this.ahead : 0
  }

  private knownMoney(): number {
    return this.aheadSlot === slotOf(this.now()) ? this.moneyAhead : 0
  }

  private write(ahead: number, money: number, then?: () => void): void {
    if (this.life.isOver) return
    const nowMs = this.now()
    const { spending } = this
    const counts = { ...this.budget.kept(nowMs), ...(spending && { spent: spending.kept(nowMs) }) }
    counts.audits[0]! += ahead
    if (counts.spent !== undefined) counts.spent[0]! += money
    this.parts.keep(
      { write: 'trustMemory', row: { name: rowName, bookedMs: nowMs, body: JSON.stringify(counts) } },
      then,
    )
  }

  private now(): number {
    return this.parts.system.wallMs()
  }
}
