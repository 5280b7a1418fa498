/**
 * Who answers an audited request again. A reference belongs to another owner than all who answered it so far, is
 * neither doubted nor convicted, and rather has another provider behind it. Every second first one is a newcomer, which
 * is how newcomers get their own checks; but only trusted ones break a tie, where there are any, or a crowd of new
 * names could outvote everybody. Every third is an anchor, a scout that the administrator vouches for, where there is
 * one. No owner judges more than a fifth of a scout's audits (gonka's cap on votes), as long as there are others. Pure.
 */
import type { TrustState } from '../../../shared/scouts/trust-words.ts'

export interface Candidate {
  scout: string
  owner: string
  provider: string
  state: TrustState
  isAnchor: boolean
}

/** Whose references judged a scout: the newest ones, as many as the share is counted over. */
export class Judges {
  private readonly owners: string[] = []

  note(owner: string): void {
    if (this.owners.length >= judgesKept) this.owners.shift()
    this.owners.push(owner)
  }

  isWorn(owner: string): boolean {
    let times = 0
    for (const one of this.owners) if (one === owner) times++
    return times >= timesMax
  }
}

const judgesKept = 20
const timesMax = 4

export interface Answered {
  /** Those whose scouts were given the request. */
  owners: ReadonlySet<string>
  /** Nobody has answered it beside the audited one, or whom it is compared with. */
  isFirst: boolean
  /** The provider of the audited answer. */
  provider: string
  /** Counts all audits; decides whose turn it is. */
  number: number
}

/** Those of the candidates who may be asked now: placement decides among them, as among all for a client. */
export function referencesAmong(
  candidates: readonly Candidate[],
  { owners, isFirst, provider, number }: Answered,
  judges: Judges,
): Candidate[] {
  const may = candidates.filter(({ owner, state }) => (state === 'new' || state === 'trusted') && !owners.has(owner))
  const wishes: ((one: Candidate) => boolean)[] = [
    ({ isAnchor }) => isAnchor === (number % 3 === 0),
    ({ state }) => (state === 'new') === (isFirst && number % 2 === 0),
    ({ owner }) => !judges.isWorn(owner),
    (one) => one.provider !== provider,
  ]
  // The first wish weighs most: each narrows what the ones before it have left, unless nobody would be left.
  return wishes.reduce((rest, wish) => {
    const kept = rest.filter(wish)
    return kept.length > 0 ? kept : rest
  }, may)
}
