/**
 * The states of trust in one scout with one model, and the table of what leads from one to another. `record.ts` is the
 * only one that moves a record; what is not in the table is a defect.
 */

import type { TrustState } from '../../../shared/scouts/trust-words.ts'

export const trustMoves = {
  /** Enough passes, and long enough since the first hello. */
  earned: { new: 'trusted' },
  /** Doubt has reached the threshold of a watch. */
  doubted: { new: 'watched', trusted: 'watched' },
  /** Doubt has reached the threshold from which fresh checks decide. */
  grave: { watched: 'confirming' },
  /** Doubt is low again. */
  calmed: { watched: 'new' },
  /** The fresh checks are over and did not convict. */
  cleared: { confirming: 'watched' },
  /** They convict. */
  confirmed: { confirming: 'convicted' },
  /** It repeats one text to everybody. */
  repeated: { new: 'convicted', trusted: 'convicted', watched: 'convicted', confirming: 'convicted' },
  /** The conviction's time is over. */
  served: { convicted: 'new' },
  /** The fresh checks of an appeal did not show again what it was convicted of. */
  overturned: { convicted: 'watched' },
} as const satisfies Record<string, Partial<Record<TrustState, TrustState>>>

export type TrustMove = keyof typeof trustMoves

/** Where the move leads; undefined where it is not allowed. */
export function nextState(state: TrustState, move: TrustMove): TrustState | undefined {
  const row: Partial<Record<TrustState, TrustState>> = trustMoves[move]
  return row[state]
}
