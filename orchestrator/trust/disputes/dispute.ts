/**
 * One dispute: who filed it about which answer, what each hearing has found, and the one place that moves it. A
 * hearing asks other owners' scouts again, then judges; a second one follows an appeal. Every hearing ends in its time.
 * Pure: fed by the dispute desk with answers, votes and time.
 */
import {
  appealSize,
  appealWindowMs,
  hearingMs,
  hearingSize,
  rulingWindowMs,
} from '../../../shared/limits/trust/disputes.ts'
import type {
  DisputeReason,
  DisputeState,
  Ground,
  RulingVerdict,
  Verdict,
} from '../../../shared/scouts/dispute-words.ts'
import { type DisputeMove, isDecided, nextState } from './states.ts'
import { countVotes, type Vote } from './votes.ts'

export const sides = ['client', 'scout'] as const
export type Side = (typeof sides)[number]

export interface Hearing {
  /** Owners whose scouts have answered again, in their order; and everybody who was asked to. */
  reruns: string[]
  askedAgain: string[]
  /** Owners who were asked to judge, and what those said who said something. */
  judges: string[]
  votes: Vote[]
  /** What needed no judge; null without. */
  ground: Ground | null
  verdict: Verdict | null
  /** When it ends at the latest. */
  endsMs: number
}

/** What an administrator has decided, and why. */
export interface Ruling {
  verdict: RulingVerdict
  why: string
  atMs: number
}

export interface Dispute {
  id: string
  task: number
  /** Whose request it was, and whose scout answered: owners, of which neither is told the other. */
  tenant: string
  operator: string
  scout: string
  model: string
  reason: DisputeReason
  /** The client's own words: for itself and administrators, never for judges or the other side. */
  comment: string
  state: DisputeState
  /** Wall clock, as all times here. When the answer was given, the dispute filed, and the state began. */
  answeredMs: number
  filedMs: number
  sinceMs: number
  hearings: Hearing[]
  /** Points that its client has pledged; absent without. */
  pledged?: number
  /** Who appealed and when, and what that one has pledged. */
  appeal: { by: Side; atMs: number; pledged?: number } | null
  /** An administrator's word after the appeal; absent without one. */
  ruling?: Ruling
  /** Points that are set aside, and those that were taken back. */
  held: number
  clawed: number
  /** What its client has got back of what the answer had cost; absent without. */
  repaid?: number
  /** What follows from its end has been done. */
  isSettled: boolean
}

export type Filed = Pick<
  Dispute,
  'id' | 'task' | 'tenant' | 'operator' | 'scout' | 'model' | 'reason' | 'comment' | 'answeredMs' | 'pledged'
>

export function newDispute(filed: Filed, nowMs: number): Dispute {
  return {
    ...filed,
    ...{ state: 'open', filedMs: nowMs, sinceMs: nowMs, hearings: [newHearing(nowMs)], appeal: null },
    ...{ held: 0, clawed: 0, isSettled: false },
  }
}

function newHearing(nowMs: number): Hearing {
  const nobody = { reruns: [], askedAgain: [], judges: [], votes: [] }
  return { ...nobody, ground: null, verdict: null, endsMs: nowMs + hearingMs }
}

/** The hearing that is under way, or was last. */
export function hearingOf({ hearings }: Dispute): Hearing {
  return hearings.at(-1)!
}

/** Reruns and judges of this hearing. */
export function sizeOf({ hearings }: Dispute): number {
  return hearings.length === 1 ? hearingSize : appealSize
}

/**
 * The verdict that counts: an administrator's; else an appeal's, which leaves the first one as it is where it decided
 * nothing. Null before the first.
 */
export function verdictOf({ hearings, ruling }: Dispute): Verdict | null {
  if (ruling !== undefined) return ruling.verdict
  const [first, second] = hearings
  if (second?.verdict === 'upheld' || second?.verdict === 'rejected') return second.verdict
  return first?.verdict ?? null
}

/** Until when a verdict may be appealed; null when it may not. */
export function appealEndsMs({ state, appeal, sinceMs }: Dispute): number | null {
  return isDecided(state) && appeal === null ? sinceMs + appealWindowMs : null
}

/** Until when an administrator may decide otherwise; null when none may. */
export function rulingEndsMs({ state, appeal, sinceMs }: Dispute): number | null {
  return isDecided(state) && appeal !== null ? sinceMs + rulingWindowMs : null
}

/** The one mutator. */
function move(dispute: Dispute, what: DisputeMove, nowMs: number): void {
  const next = nextState(dispute.state, what)
  if (next === undefined) throw new Error(`dispute: ${what} in state ${dispute.state}`)
  dispute.state = next
  dispute.sinceMs = nowMs
  if (isDecided(next)) hearingOf(dispute).verdict = next
  if (what === 'appealed') dispute.hearings.push(newHearing(nowMs))
}

export function begin(dispute: Dispute, nowMs: number): void {
  move(dispute, 'begun', nowMs)
}

/** Enough have answered again: what that shows decides at once, or judges are asked. */
export function answered(dispute: Dispute, ground: Ground | null, nowMs: number): void {
  hearingOf(dispute).ground = ground
  move(dispute, ground === null ? 'answered' : 'upheld', nowMs)
}

/** A judge has spoken; enough of them decide. */
export function voted(dispute: Dispute, vote: Vote, nowMs: number): void {
  const { votes } = hearingOf(dispute)
  votes.push(vote)
  const count = countVotes(votes, sizeOf(dispute))
  if (count !== 'open') move(dispute, count, nowMs)
}

/** Nobody is left who could say more, or the time is over. */
export function giveUp(dispute: Dispute, nowMs: number): void {
  move(dispute, 'undecided', nowMs)
}

export function appeal(dispute: Dispute, by: Side, nowMs: number, pledged = 0): void {
  dispute.appeal = { by, atMs: nowMs, ...(pledged > 0 && { pledged }) }
  move(dispute, 'appealed', nowMs)
}

/** The last word. */
export function rule(dispute: Dispute, ruling: Omit<Ruling, 'atMs'>, nowMs: number): void {
  if (rulingEndsMs(dispute) === null) throw new Error(`dispute: a ruling without an appeal in state ${dispute.state}`)
  dispute.ruling = { ...ruling, atMs: nowMs }
  move(dispute, 'ruled', nowMs)
}

/** Whether time alone moves it now: its hearing is over, or nobody has moved on from its verdict in time. */
export function isTimeUp(dispute: Dispute, nowMs: number): boolean {
  const { state } = dispute
  if (state === 'final') return false
  if (isDecided(state)) return nowMs >= (appealEndsMs(dispute) ?? rulingEndsMs(dispute)!)
  return nowMs >= hearingOf(dispute).endsMs
}

/** What time alone brings. True when something changed. */
export function pass(dispute: Dispute, nowMs: number): boolean {
  if (!isTimeUp(dispute, nowMs)) return false
  move(dispute, isDecided(dispute.state) ? 'closed' : 'undecided', nowMs)
  return true
}

/** Whose it is: the client's owner, or the scout's. */
export function ownerOn({ tenant, operator }: Pick<Dispute, 'tenant' | 'operator'>, side: Side): string {
  return side === 'client' ? tenant : operator
}

/** What a side has at stake, and whether it loses that as the case stands. */
export interface Stake {
  hearing: 1 | 2
  by: Side
  points: number
  isLost: boolean
}

/** An appeal is lost where what it led to is against whoever appealed; where it decided nothing, it is not. */
export function stakesOf(dispute: Dispute): Stake[] {
  const { pledged = 0, appeal: appealed, hearings, ruling } = dispute
  const stakes: Stake[] = []
  const isRejected = verdictOf(dispute) === 'rejected'
  if (pledged > 0) stakes.push({ hearing: 1, by: 'client', points: pledged, isLost: isRejected })
  if (appealed?.pledged === undefined) return stakes
  const { by, pledged: points } = appealed
  const isLost = (ruling?.verdict ?? hearings[1]?.verdict) === (by === 'client' ? 'rejected' : 'upheld')
  return [...stakes, { hearing: 2, by, points, isLost }]
}

/** Who lost the case as it stands: the one whose claim was not followed. Null where nobody did. */
export function loserOf(dispute: Dispute): Side | null {
  const verdict = verdictOf(dispute)
  if (verdict === 'undecided' || verdict === null) return null
  return verdict === 'upheld' ? 'scout' : 'client'
}
