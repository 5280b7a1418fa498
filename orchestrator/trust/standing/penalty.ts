/**
 * What trust in a scout weighs in placement, in milliseconds, and whether newcomers may have more. A penalty ranks and
 * never excludes, so the last scout of a model still serves; only who else there is makes a convicted one wait. Pure.
 */
import type { TrustRecord } from './record.ts'
import { confirmingDoubt, convictedPenaltyMs, doubtPenaltyMs } from './weights.ts'

export const trustModes = ['off', 'observe', 'enforce'] as const
/** `observe` audits and shows what it finds, and lets nothing follow but the penalty of doubt. */
export type TrustMode = (typeof trustModes)[number]

/** Added to the cost of a placement. */
export function penaltyMs({ state, doubt }: TrustRecord, mode: TrustMode): number {
  if (mode === 'off' || state === 'new' || state === 'trusted') return 0
  if (state === 'convicted' && mode === 'enforce') return convictedPenaltyMs
  const weighed = state === 'watched' ? Math.min(doubt, confirmingDoubt) : confirmingDoubt
  return (doubtPenaltyMs * weighed) / confirmingDoubt
}
