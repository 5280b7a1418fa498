/**
 * The budget of audits as it outlives the process: a start goes on with what was asked before, or each start would
 * allow a day's audits anew. Audits are asked for out of a few that the store knows already, so that a crash forgets
 * none; it may count some that were never asked. Fed by the desk, asked by it and by audits.
 */
import { auditsAhead } from '../../../shared/limits/trust/audits.ts'
import { AuditBudget, type BudgetCounts, slotOf } from '../standing/budget.ts'
import { isDecidedAfresh, type TrustRecord } from '../standing/record.ts'
import { trustMemoryRows } from './model-book.ts'
import type { Life, TrustParts } from './parts.ts'

/** No name of a model's row, which begin with a temperature and a space. */
const rowName = 'audits'

export class KeptBudget {
  private readonly budget: AuditBudget
  /** Audits that the store counts and that were not asked yet; for the hour in which it was told. */
  private ahead = 0
  private aheadSlot = Number.NEGATIVE_INFINITY
  /** The store is being told. */
  private isTold = false

  constructor(
    private readonly parts: TrustParts,
    private readonly life: Readonly<Life>,
  ) {
    this.budget = new AuditBudget(parts.settings.auditsPerDayMin)
    const row = parts.store.trustMemory(trustMemoryRows).find(({ name }) => name === rowName)
    if (row !== undefined) this.budget.recall(JSON.parse(row.body) as BudgetCounts, this.now())
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
    return count <= this.known() && this.budget.allows({ state, doubt: record.doubt }, this.now(), count)
  }

  counts(): { audits: number; settled: number } {
    return this.budget.counts()
  }

  /** Sees to it that the store knows of some more. */
  tick(): void {
    if (this.isTold || this.known() > auditsAhead / 2) return
    this.isTold = true
    // What is asked meanwhile would not be in what the store is told.
    this.ahead = 0
    const slot = slotOf(this.now())
    this.write(auditsAhead, () => {
      this.isTold = false
      this.ahead = auditsAhead
      this.aheadSlot = slot
    })
  }

  /** Nothing more is asked: what was not asked need not be counted. */
  stop(): void {
    this.write(0)
  }

  private known(): number {
    return this.aheadSlot === slotOf(this.now()) ? this.ahead : 0
  }

  private write(ahead: number, then?: () => void): void {
    if (this.life.isOver) return
    const nowMs = this.now()
    const counts = this.budget.kept(nowMs)
    counts.audits[0]! += ahead
    this.parts.keep(
      { write: 'trustMemory', row: { name: rowName, bookedMs: nowMs, body: JSON.stringify(counts) } },
      then,
    )
  }

  private now(): number {
    return this.parts.system.wallMs()
  }
}
