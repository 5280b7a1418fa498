/**
 * A dispute as the hub shows it to one of its sides, the answers that can be disputed, and what may be said about them.
 * Pure; the sentences are the hub's.
 */
import type { DisputeReason, DisputeState, Verdict } from '../../../../shared/scouts/dispute-words.ts'

/** Which answer is meant: that of a request that waited, with the texts of both; or that of a node of an intent. */
export type Disputable = { task: string; request: string; answer: string } | { intent: string; node?: string }

export const reasons = [
  ['wrong', 'It is wrong'],
  ['off_topic', 'It does not answer the question'],
  ['truncated', 'It ends too early'],
  ['other_model', 'It seems to be of another model'],
  ['unsafe', 'It is unsafe'],
] as const satisfies readonly (readonly [DisputeReason, string])[]

interface Hearing {
  /** Scouts of other owners that have answered again. */
  reruns: number
  /** `against` null: the word of this judge does not count. */
  votes: { against: boolean | null; why: string }[]
  verdict: Verdict | null
}

export interface Dispute {
  id: string
  side: 'client' | 'scout' | 'admin'
  state: DisputeState
  verdict: Verdict | null
  reason: string
  /** Not for the owner of the scout. */
  comment: string | null
  /** Not for the client. */
  scout: string | null
  model: string
  /** Seconds since 1970. */
  filed: number
  appeal_by: number | null
  /** Until when an administrator may decide. */
  ruling_by: number | null
  hearings: Hearing[]
  /** How it stands, why, and what can be done. */
  sentences: string[]
}

export function reasonText(reason: string): string {
  return reasons.find(([name]) => name === reason)?.[1] ?? reason
}

const verdictLevels = { upheld: 'bad', rejected: 'good', undecided: '' } as const

/** The colour is the answer's: red is one that does not hold. */
export function levelOf({ verdict }: Pick<Dispute, 'verdict'>): 'bad' | 'good' | 'accent' | '' {
  return verdict === null ? 'accent' : verdictLevels[verdict]
}

/** The verdict where there is one, else how far it is. */
export function stateText({ state, verdict }: Pick<Dispute, 'state' | 'verdict'>): string {
  if (verdict === null) return state
  return state === 'final' ? `${verdict}, final` : verdict
}

/** What was asked, answered, and answered by others, for an administrator who is to decide. */
export interface DisputeTexts {
  request: string
  answer: string
  reruns: string[]
}

/** Whoever won has nothing to appeal against. */
export function mayAppeal({ appeal_by: until, verdict, side }: Dispute): boolean {
  if (side === 'admin') return false
  return until !== null && (verdict === 'undecided' || (verdict === 'upheld') === (side === 'scout'))
}
