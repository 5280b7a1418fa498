/**
 * How alike the answers of two trusted scouts of different owners are for one model: the newest similarities, against
 * which that of an audit is ranked. This is conformal prediction: if an audited pair is like these, its rank is
 * uniform, whatever the model, its prompts and the measure of similarity. Fed with the first pair of each audit whose
 * scouts are both trusted, whatever its verdict (leaving out the odd ones would make the rest look narrower). One pair
 * of owners can fill only a twentieth of it.
 */
import { pairsKept, pairsPerOwnersMax } from '../../../shared/limits/trust/audits.ts'

export interface Pair {
  owners: string
  similarity: number
}

/** Below this share of trusted pairs a pair counts as unlike. */
const unlikeShare = 0.05
/** Below this share it is grossly so, if there are enough to tell. */
const grossShare = 0.005
const grossPairsMin = 200
/** With fewer pairs nothing is compared. */
const pairsMin = 60

export type Likeness = 'like' | 'unlike' | 'gross'

export class TrustedPairs {
  /** Oldest first. */
  private readonly pairs: Pair[] = []

  get count(): number {
    return this.pairs.length
  }

  /** Whether there are enough to judge by. */
  get isReady(): boolean {
    return this.pairs.length >= pairsMin
  }

  add(oneOwner: string, otherOwner: string, similarity: number): void {
    const owners = oneOwner < otherOwner ? `${oneOwner}\n${otherOwner}` : `${otherOwner}\n${oneOwner}`
    let same = 0
    for (const pair of this.pairs) if (pair.owners === owners) same++
    if (same >= pairsPerOwnersMax) {
      this.pairs.splice(
        this.pairs.findIndex((pair) => pair.owners === owners),
        1,
      )
    } else if (this.pairs.length >= pairsKept) this.pairs.shift()
    this.pairs.push({ owners, similarity })
  }

  /** The conformal p-value: the share of trusted pairs that are no more alike, this one counted with them. */
  rank(similarity: number): number {
    let below = 0
    for (const pair of this.pairs) if (pair.similarity <= similarity) below++
    return (1 + below) / (this.pairs.length + 1)
  }

  likeness(similarity: number): Likeness {
    const rank = this.rank(similarity)
    if (rank > unlikeShare) return 'like'
    return rank <= grossShare && this.pairs.length >= grossPairsMin ? 'gross' : 'unlike'
  }

  /** Oldest first, for the store. */
  list(): readonly Pair[] {
    return this.pairs
  }
}
