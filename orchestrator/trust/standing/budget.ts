/**
 * How many audits there may be: a twentieth of the tasks that were settled within 24 hours (a small network may have
 * 200 all the same), whatever the states of its scouts ask for. Near the bound the urgent ones go first: each
 * state, and less doubt within it, may use only a part of it. Pure.
 */
import { auditShareMax, auditsPerDayMin } from '../../../shared/limits/trust/audits.ts'
import type { TrustState } from '../../../shared/scouts/trust-words.ts'
import { RollingDay } from './rolling-day.ts'
import { confirmingDoubt } from './weights.ts'

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
  private readonly settled = new RollingDay()
  private readonly audits = new RollingDay()

  /** So many audits a day there may be, however few tasks are settled. */
  constructor(private readonly perDayMin = auditsPerDayMin) {}

  /** Tasks of clients that were settled. */
  noteSettled(count: number, nowMs: number): void {
    this.turn(nowMs)
    this.settled.add(count, nowMs)
  }

  /** Tasks that audits asked for. */
  noteAsked(count: number, nowMs: number): void {
    this.turn(nowMs)
    this.audits.add(count, nowMs)
  }

  /** Whether an audit of this scout may ask for another task, or for so many. */
  allows(doubted: Doubted, nowMs: number, count = 1): boolean {
    this.turn(nowMs)
    return this.audits.sum + count <= partFor(doubted) * Math.max(this.perDayMin, auditShareMax * this.settled.sum)
  }

  /** Tasks asked for within the last 24 hours, and settled ones. */
  counts(): { audits: number; settled: number } {
    return { audits: this.audits.sum, settled: this.settled.sum }
  }

  /** By hour, to be kept. */
  kept(nowMs: number): BudgetCounts {
    const { settled, audits } = this
    return { settled: settled.kept(nowMs), audits: audits.kept(nowMs), hour: audits.slot }
  }

  /** Goes on from what was kept; before anything else is counted. */
  recall({ hour, settled, audits }: BudgetCounts, nowMs: number): void {
    this.settled.recall(hour, settled, nowMs)
    this.audits.recall(hour, audits, nowMs)
  }

  private turn(nowMs: number): void {
    this.settled.turn(nowMs)
    this.audits.turn(nowMs)
  }
}
