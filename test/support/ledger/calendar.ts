/** A hub's wall clock that a test moves, and the checks of what its ledger gives out. */

import { realSystem, type System } from '../../../shared/system.ts'
import { Flaw } from '../../../verifier/flaw.ts'
import { type Findings, LedgerCheck } from '../../../verifier/ledger-check.ts'
import { dayMs } from './small-ledger.ts'

export class Calendar {
  private offsetMs = 0
  readonly system: System = { ...realSystem(), random: () => 0.37, wallMs: () => Date.now() + this.offsetMs }

  /** It goes on from this moment. */
  set(atMs: number): void {
    this.offsetMs = atMs - Date.now()
  }

  pass(days: number): void {
    this.offsetMs += days * dayMs
  }
}

/** The first moment of a month of UTC that is over, so many months ago. */
export function monthsAgo(months: number): number {
  const now = new Date()
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1)
}

/** Noon of the twentieth of the present month: whatever day it is, some of its days are over by then. */
export function lateThisMonth(): number {
  return monthsAgo(0) + 19.5 * dayMs
}

/** What a ledger file proves. Throws what is wrong with it. */
export function checkedLedger(file: string, hub: string): Findings {
  const check = new LedgerCheck(hub)
  const lines = file.split('\n')
  if (lines.pop() !== '') throw new Flaw('The file ends in the middle of a line.')
  for (const line of lines) check.take(line)
  return check.end()
}
