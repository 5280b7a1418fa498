/**
 * What the records of one owner mean together. A new name costs nothing, so a conviction is remembered with the owner:
 * each of its other and later names needs more passes for a while. People are shown the worst state of an owner. Pure.
 */
import type { TrustState } from '../../../shared/scouts/trust-words.ts'
import { convictionRememberedMs, passesNeeded, passesNeededAgain } from './weights.ts'

export class Owners {
  /** When each owner was last convicted. */
  private readonly convictedMs = new Map<string, number>()

  noteConviction(owner: string, atMs: number): void {
    if (atMs > (this.convictedMs.get(owner) ?? 0)) this.convictedMs.set(owner, atMs)
  }

  /** A conviction that did not hold says nothing about this owner; those that do are noted again. */
  forget(owner: string): void {
    this.convictedMs.delete(owner)
  }

  /** Passes that a new record of this owner needs. */
  needed(owner: string, nowMs: number): number {
    const atMs = this.convictedMs.get(owner)
    if (atMs === undefined) return passesNeeded
    if (nowMs - atMs < convictionRememberedMs) return passesNeededAgain
    this.convictedMs.delete(owner)
    return passesNeeded
  }
}

/** From best to worst, as people are shown them. */
const byGravity: readonly TrustState[] = ['trusted', 'new', 'watched', 'confirming', 'convicted']

/** The worst of these; null of none. */
export function worstOf(states: Iterable<TrustState>): TrustState | null {
  let worst = -1
  for (const state of states) worst = Math.max(worst, byGravity.indexOf(state))
  return byGravity[worst] ?? null
}
