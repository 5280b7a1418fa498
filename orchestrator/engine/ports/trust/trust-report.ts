/**
 * What is shown of trust: scouts with their states, and how many audits there were. No prompt, no answer, no single
 * audit is in it.
 */
import type { AppealState, TrustState } from '../../../../shared/scouts/trust-words.ts'

export interface ScoutTrust {
  scout: string
  model: string
  owner: string
  state: TrustState
  doubt: number
  passed: number
  /** Passes that probation takes. */
  needed: number
  checks: number
  failed: number
  /** Milliseconds since 1970: when the state began; when a conviction ends, null without one. */
  sinceMs: number
  untilMs: number | null
  /** How an appeal against its conviction stands; null without a conviction. */
  appeal: AppealState | null
  sentences: string[]
}

/** Whose trust is asked for; everybody's where nothing is said. */
export interface TrustFilter {
  owner?: string
  /** Its id. */
  scout?: string
}

export interface TrustReport {
  isEnforced: boolean
  /** The gravest first, a bounded number; of one owner, if that was asked for. */
  scouts: ScoutTrust[]
  /** Those beyond them. */
  more: number
  /** Tasks that audits asked for within 24 hours, and tasks of clients that were settled. */
  asked: number
  settled: number
  /** Micro-dollars that audits cost in that time, and may cost; null where that has no bound. */
  money: { spent: number; perDay: number } | null
  /** Audits that wait, and those that went for want of room since the start. */
  pending: number
  dropped: number
  /** Ends of audits and outcomes of checks since the start. */
  ended: Readonly<Record<string, number>>
  booked: Readonly<Record<string, number>>
  /** Models whose convictions wait, because many of their owners came under watch at once. */
  braked: string[]
}
