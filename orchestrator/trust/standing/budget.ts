/**
 * How many audits there may be: a twentieth of the tasks that were settled within 24 hours (a small network may have
 * 200 all the same), whatever the states of its scouts ask for. Near the bound the urgent ones go first: each
 * state, and less doubt within it, may use only a part of it. Counted in 24 slots of an hour. Pure.
 */
import { auditShareMax, auditsPerDayMin } from '../../../shared/limits/trust/audits.ts'
import type { TrustState } from '../../../shared/scouts/trust-words.ts'
import { confirmingDoubt } from './weights.ts'

const slots = 24
const slotMs = 3_600_000

/** In which slot something counts. */
export function slotOf(ms: number): number {
  return Math.floor(ms / slotMs)
}

/** What part of the budget audits of a scout in this state may use up: without doubt, and at the most of it. */
const partOf: Record<TrustState, readonly [least: number, most: number]> = {
  confirming: [1, 1],
  watched: [0.93, 0.98],
  new: [0.9, 0.95],
  trusted: [0.88, 0.95],
  convicted: [0, 0],
}

/** Whom an audit is about. */
export type Doubted = Readonly<{ state: TrustState; doubt: number }>

/** What was counted, as it outlives the process. */
export interface BudgetCounts {
  /** The newest hour since 1970, and the counts of it and the hours before it, newest first. */
  hour: number
  settled: number[]
  audits: number[]
  /** Micro-dollars that audits cost; absent where that has no bound. */
  spent?: number[]
}

/** Near the bound who is doubted most goes first: a crowd of suspects is worked off one after the other. */
export function partFor({ state, doubt }: Doubted): number {
  const [least, most] = partOf[state]
  return least + (most - least) * Math.min(1, doubt / confirmingDoubt)
}

export class AuditBudget {
  private readonly settledBy = new Float64Array(slots)
  private readonly auditsBy = new Float64Array(slots)
  private slot = -1
  private settled = 0
  private audits = 0

  /** So many audits a day there may be, however few tasks are settled. */
  constructor(private readonly perDayMin = auditsPerDayMin) {}

  /** Tasks of clients that were settled. */
  noteSettled(count: number, nowMs: number): void {
    this.turn(nowMs)
    const at = this.slot % slots
    this.settledBy[at] = this.settledBy[at]! + count
    this.settled += count
  }

  /** Tasks that audits asked for. */
  noteAsked(count: number, nowMs: number): void {
    this.turn(nowMs)
    const at = this.slot % slots
    this.auditsBy[at] = this.auditsBy[at]! + count
    this.audits += count
  }

  /** Whether an audit of this scout may ask for another task, or for so many. */
  allows(doubted: Doubted, nowMs: number, count = 1): boolean {
    this.turn(nowMs)
    return this.audits + count <= partFor(doubted) * Math.max(this.perDayMin, auditShareMax * this.settled)
  }

  /** Tasks asked for within the last 24 hours, and settled ones. */
  counts(): { audits: number; settled: number } {
    return { audits: this.audits, settled: this.settled }
  }

  /** By hour, to be kept. */
  kept(nowMs: number): BudgetCounts {
    this.turn(nowMs)
    const newestFirst = (by: Float64Array) =>
      Array.from({ length: slots }, (_, age) => by[(this.slot - age + slots) % slots]!)
    return { hour: this.slot, settled: newestFirst(this.settledBy), audits: newestFirst(this.auditsBy) }
  }

  /** Goes on from what was kept; before anything else is counted. */
  recall({ hour, settled, audits }: BudgetCounts, nowMs: number): void {
    for (let age = slots - 1; age >= 0; age--) {
      const atMs = (hour - age) * slotMs
      // After a clock that ran ahead they count as of now.
      const countedMs = Math.min(atMs, nowMs)
      this.noteSettled(settled[age] ?? 0, countedMs)
      this.noteAsked(audits[age] ?? 0, countedMs)
    }
    this.turn(nowMs)
  }

  private turn(nowMs: number): void {
    const slot = slotOf(nowMs)
    if (this.slot === -1 || slot - this.slot >= slots) {
      this.settledBy.fill(0)
      this.auditsBy.fill(0)
      this.settled = 0
      this.audits = 0
      this.slot = slot
    }
    for (; this.slot < slot; ) {
      const at = ++this.slot % slots
      this.settled -= this.settledBy[at]!
      this.audits -= this.auditsBy[at]!
      this.settledBy[at] = 0
      this.auditsBy[at] = 0
    }
  }
}
