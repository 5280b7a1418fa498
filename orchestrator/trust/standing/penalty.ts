/**
 * What trust in a scout weighs in placement, in milliseconds. A penalty ranks and never excludes, so the last scout of
 * a model still serves; only who else there is makes a convicted one wait. Pure.
 */
import type { TrustRecord } from './record.ts'
import { confirmingDoubt, convictedPenaltyMs, doubtPenaltyMs } from './weights.ts'

/** Added to the cost of a placement. Convictions weigh more only where they are enforced. */
export function penaltyMs({ state, doubt }: TrustRecord, isEnforced: boolean): number {
  if (state === 'new' || state === 'trusted') return 0
  if (state === 'convicted' && isEnforced) return convictedPenaltyMs
  const weighed = state === 'watched' ? Math.min(doubt, confirmingDoubt) : confirmingDoubt
  return (doubtPenaltyMs * weighed) / confirmingDoubt
}
