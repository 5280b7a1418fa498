/**
 * The cap at the close of a season: of what an operator earned beyond a free amount, no more than a quarter may stem
 * from one owner's requests. Two who ask each other all day earn little by it. Pure.
 */
import { concentrationDivisor, concentrationFreePoints } from '../../../shared/limits/ledger/ledger.ts'

/**
 * The points to burn of an operator's season, given what each owner's requests brought in. The share is of all that was
 * earned, so that the cap does not depend on the order in which owners are looked at.
 */
export function excessOf(pointsByOwner: Iterable<number>): number {
  const points = [...pointsByOwner]
  const all = points.reduce((sum, part) => sum + part, 0)
  if (all <= concentrationFreePoints) return 0
  const most = Math.max(concentrationFreePoints, Math.floor(all / concentrationDivisor))
  return points.reduce((sum, part) => sum + Math.max(0, part - most), 0)
}
