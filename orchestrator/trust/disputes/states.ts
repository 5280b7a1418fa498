/**
 * The states of a dispute, and the table of what leads from one to another. `dispute.ts` is the only one that moves a
 * dispute; what is not in the table is a defect.
 */
import { type DisputeState, type Verdict, verdicts } from '../../../shared/scouts/dispute-words.ts'

export const disputeMoves = {
  /** The first scout is asked again. */
  begun: { open: 'rerunning', appealed: 'rerunning' },
  /** Enough have answered again: judges are next. */
  answered: { rerunning: 'judging' },
  /** The answer does not hold: judges say so, or grounds that need no judge. */
  upheld: { rerunning: 'upheld', judging: 'upheld' },
  /** It holds. */
  rejected: { judging: 'rejected' },
  /** Nobody can tell, or the time is over. */
  undecided: { open: 'undecided', rerunning: 'undecided', judging: 'undecided', appealed: 'undecided' },
  /** One side asks for another hearing. */
  appealed: { upheld: 'appealed', rejected: 'appealed', undecided: 'appealed' },
  /** An administrator has the last word about an appeal. */
  ruled: { upheld: 'final', rejected: 'final', undecided: 'final' },
  /** Nobody appealed in time; or this was the appeal, and no administrator decided otherwise in time. */
  closed: { upheld: 'final', rejected: 'final', undecided: 'final' },
} as const satisfies Record<string, Partial<Record<DisputeState, DisputeState>>>

export type DisputeMove = keyof typeof disputeMoves

/** Where the move leads; undefined where it is not allowed. */
export function nextState(state: DisputeState, move: DisputeMove): DisputeState | undefined {
  const row: Partial<Record<DisputeState, DisputeState>> = disputeMoves[move]
  return row[state]
}

/** A verdict was given and may still be appealed. */
export function isDecided(state: DisputeState): state is Verdict {
  return (verdicts as readonly string[]).includes(state)
}
