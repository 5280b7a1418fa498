/**
 * Challenges that wait for a signature, in memory alone: each is kept whole under its nonce, goes with the first try to
 * use it, and is too old after a while of the clock that nobody sets. A restart of the hub ends them all.
 */
import { challengeKeptMs, challengeMs, challengesMax, challengesPerAddressMax } from '../../../shared/limits/keys.ts'
import type { SignedAction } from '../../engine/ports/accounts.ts'
import { networkOf } from './tries.ts'

export interface PendingChallenge {
  nonce: string
  /** The whole text that is to be signed. */
  message: string
  /** The account that is to sign it, in lower case. */
  address: string
  /** The page that it was made for. */
  domain: string
  action: SignedAction
  /** By the clock that nobody sets. */
  madeMs: number
  /** Who asked for it. */
  network: string
}

export class Challenges {
  /** Oldest first. */
  private readonly pending = new Map<string, PendingChallenge>()
  private readonly counts = new Map<string, number>()

  /** Null when there is room for another one of this network address; else the milliseconds until there may be. */
  fullFor(address: string, nowMs: number): number | null {
    this.forgetOld(nowMs)
    const network = networkOf(address)
    const isFull = this.pending.size >= challengesMax
    if (!isFull && (this.counts.get(network) ?? 0) < challengesPerAddressMax) return null
    const oldest = this.pending.values().find((challenge) => isFull || challenge.network === network)
    return oldest!.madeMs + challengeKeptMs - nowMs
  }

  add(challenge: PendingChallenge): void {
    this.pending.set(challenge.nonce, challenge)
    this.counts.set(challenge.network, (this.counts.get(challenge.network) ?? 0) + 1)
  }

  /** What was kept under this nonce; it is there no more. */
  take(nonce: string): PendingChallenge | undefined {
    const challenge = this.pending.get(nonce)
    if (challenge === undefined) return undefined
    this.pending.delete(nonce)
    const others = this.counts.get(challenge.network)! - 1
    if (others === 0) this.counts.delete(challenge.network)
    else this.counts.set(challenge.network, others)
    return challenge
  }

  private forgetOld(nowMs: number): void {
    for (const { nonce, madeMs } of this.pending.values()) {
      if (nowMs - madeMs < challengeKeptMs) return
      this.take(nonce)
    }
  }
}

export function isTooOld({ madeMs }: PendingChallenge, nowMs: number): boolean {
  return nowMs - madeMs >= challengeMs
}
