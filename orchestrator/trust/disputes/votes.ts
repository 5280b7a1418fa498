/**
 * What a judge's two readings of the same answers, in two orders, say together, and what the votes decide. Judges are
 * weak: constant texts won 86.5 % of comparisons (openreview.net/forum?id=syThiTmWWm), single tokens fool them (arXiv
 * 2507.08794), and 13.6 % of their verdicts depend on the order (arXiv 2606.13685). So a judge counts only when both
 * orders agree, when it has found an answer that the hub put there to be found, and when it does not condemn everybody.
 * Pure.
 */
import type { Verdict } from '../../../shared/scouts/dispute-words.ts'

/** Places of the answers that a reading fails: 0 is the disputed one, 1 and up the reruns, -1 the hub's own. */
export interface Reading {
  fails: ReadonlySet<number>
  why: string
}

export const controlPlace = -1
const disputedPlace = 0

/** Why a judge's word does not count. */
export type Abstention = 'silent' | 'order' | 'blind' | 'all'

export interface Vote {
  /** Whether the disputed answer fails; null when this judge's word does not count. */
  against: boolean | null
  abstains: Abstention | null
  why: string
  /** Reruns that it was shown, by their places from 1, and those of them that fail as well. */
  shown: number[]
  failing: number[]
}

/** `reruns` were shown to the judge, by their places. A reading that could not be read is null. */
export function voteOf(one: Reading | null, other: Reading | null, reruns: readonly number[]): Vote {
  const abstain = (abstains: Abstention): Vote => ({ against: null, abstains, why: '', shown: [], failing: [] })
  if (one === null || other === null) return abstain('silent')
  const fails = (place: number) => one.fails.has(place) && other.fails.has(place)
  if (!fails(controlPlace)) return abstain('blind')
  if (one.fails.has(disputedPlace) !== other.fails.has(disputedPlace)) return abstain('order')
  const failing = reruns.filter(fails)
  if (failing.length === reruns.length) return abstain('all')
  return { against: fails(disputedPlace), abstains: null, why: one.why, shown: [...reruns], failing }
}

/** Votes that decide among so many judges. */
export function majorityOf(judges: number): number {
  return Math.floor(judges / 2) + 1
}

/**
 * Upheld: a majority of the judges is against the answer, and of the reruns at most one fails with most judges who were
 * shown it; else the request was such that nobody could answer it. `open`: more judges have to speak.
 */
export function countVotes(votes: readonly Vote[], judges: number): Verdict | 'open' {
  const needed = majorityOf(judges)
  const counted = votes.filter(({ against }) => against !== null)
  const against = counted.filter((vote) => vote.against === true).length
  if (counted.length - against >= needed) return 'rejected'
  if (against >= needed) {
    return failingReruns(counted) <= 1 ? 'upheld' : 'undecided'
  }
  return counted.length >= judges ? 'undecided' : 'open'
}

function failingReruns(counted: readonly Vote[]): number {
  const places = new Set(counted.flatMap(({ shown }) => shown))
  return [...places].filter((place) => {
    const saw = counted.filter(({ shown }) => shown.includes(place))
    return 2 * saw.filter(({ failing }) => failing.includes(place)).length > saw.length
  }).length
}
