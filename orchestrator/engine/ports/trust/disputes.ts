/**
 * Disputes as the client edge sees them: a client says that an answer does not hold, both sides read how that goes on,
 * either may appeal once. Nothing in a view names the other side.
 */
import type { Fault } from '../../../../shared/faults.ts'
import type {
  DisputeReason,
  DisputeState,
  Ground,
  RulingVerdict,
  Verdict,
} from '../../../../shared/scouts/dispute-words.ts'
import type { Actor } from '../../keyring.ts'

export type DisputeSide = 'client' | 'scout'

/** What an administrator decides in the end, and why, which both sides read. */
export interface RulingAsked {
  verdict: RulingVerdict
  why: string
}

/** The answer that is meant. */
export type Disputed =
  /** That of a request that waited: texts of both, which the receipt is held against. */
  | { type: 'task'; task: number; request: Uint8Array; answer: Uint8Array }
  /** That of a durable node, whose texts the hub has. `node`: null for the one that makes the result. */
  | { type: 'node'; intent: string; node: string | null }

export interface Filing {
  tenant: string
  about: Disputed
  reason: DisputeReason
  comment: string
}

export interface HearingView {
  /** Scouts of other owners that have answered again, and judges that were asked. */
  reruns: number
  judges: number
  /** `against`: whether the answer fails; null where the judge's word does not count. */
  votes: { against: boolean | null; why: string }[]
  /** What decided without judges; null for nothing. */
  ground: Ground | null
  verdict: Verdict | null
}

export interface DisputeView {
  id: string
  task: number
  /** As whom this is shown: an administrator sees what each side sees. */
  side: DisputeSide | 'admin'
  state: DisputeState
  verdict: Verdict | null
  reason: DisputeReason
  /** Not for the scout's owner. */
  comment: string | null
  /** Not for the client. */
  scout: string | null
  model: string
  /** Milliseconds since 1970. */
  answeredMs: number
  filedMs: number
  changedMs: number
  /** When the hearing under way ends at the latest, and until when an appeal is possible; null for neither. */
  endsMs: number | null
  appealEndsMs: number | null
  /** Which side asked for the second hearing. */
  appealedBy: DisputeSide | null
  /** Until when an administrator may decide otherwise than the second hearing; null for no longer, or not yet. */
  rulingEndsMs: number | null
  /** What one has decided, and why. */
  ruling: RulingAsked | null
  hearings: HearingView[]
  /** Points that are set aside, and those that were taken back. */
  held: number
  clawed: number
  /** What whoever is shown this has pledged, and what the client has got back of what the answer had cost. */
  pledged: number
  repaid: number
  /** How it stands and why, the most important first. */
  sentences: string[]
}

/** What was asked and answered, as JSON, and what others have answered. */
export interface ShownTexts {
  request: string
  answer: string
  reruns: readonly string[]
}

export interface DisputeCounts {
  /** By state, of those that are not final. */
  open: Readonly<Record<string, number>>
  /** Since the start: filed, refused for a limit, ended by verdict, tasks that were asked. */
  filed: number
  refused: number
  verdicts: Readonly<Record<string, number>>
  tasks: number
  /** Judges since the start: against, for, and those whose word did not count, by reason. */
  votes: Readonly<Record<string, number>>
}

export interface Disputes {
  /** Resolves after the commit. */
  file(filing: Filing): Promise<DisputeView | Fault>
  /** Those that this owner filed, or that are about its scouts; newest first, a bounded number. */
  list(side: DisputeSide, owner: string): DisputeView[]
  /** Of somebody else looks like one that is not there. */
  find(id: string, side: DisputeSide, owner: string): DisputeView | undefined
  /** Another hearing, by whichever side this owner is on. Resolves after the commit. */
  appeal(id: string, owner: string): Promise<DisputeView | Fault>
  /** Those that were appealed, for administrators: what they may decide, and what they or judges have; newest first. */
  appealed(): DisputeView[]
  /** One with its texts, for an administrator who is to decide; null for texts that are kept no more. */
  forAdmins(id: string): { tenant: string; view: DisputeView; texts: ShownTexts | null } | undefined
  /** An administrator's last word after an appeal, with its row in the audit log. Resolves after the commit. */
  rule(id: string, ruling: RulingAsked, by: Actor): Promise<DisputeView | Fault>
  counts(): DisputeCounts
  /** The engine stops: nothing more is asked or written. */
  stop(): void
}
