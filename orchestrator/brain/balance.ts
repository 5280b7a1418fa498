/**
 * How many scouts are to move from which edge, so that all edges hold about as many: sockets live long, and after one
 * edge after the other was started anew the last of them has the fewest. Pure arithmetic over the counts; who moves is
 * asked to dial again, and the kernel spreads dials evenly, so that one in so many edges comes back to where it was.
 */
import { balanceScoutsMin, balanceShare, balanceSkew } from '../../shared/limits/process.ts'

export interface BalanceRules {
  /** Of all scouts, those that are moved at once. */
  share: number
  /** With fewer scouts nobody is moved. */
  scoutsMin: number
}

export const usualBalance: BalanceRules = { share: balanceShare, scoutsMin: balanceScoutsMin }

/** `counts`: of scouts at each edge. The place of the fullest edge, and how many of it are to move; null for none. */
export function surplusOf(counts: readonly number[], rules: BalanceRules): { at: number; count: number } | null {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (counts.length < 2 || total < rules.scoutsMin) return null
  const mean = total / counts.length
  const most = Math.max(...counts)
  if (most - Math.min(...counts) < balanceSkew * mean) return null
  const surplus = Math.floor(most - mean)
  const count = Math.min(surplus, Math.ceil(rules.share * total))
  return count === 0 ? null : { at: counts.indexOf(most), count }
}
