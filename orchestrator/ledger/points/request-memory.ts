/**
 * What is remembered of requests to find those that must earn nothing: equal ones of a tenant and day, and those that a
 * scout of the client holds right now. A request is known by a hash of its texts and counts as equal whatever stands
 * around them. Both memories are bounded and forget the oldest; a restart forgets all. Pure.
 */
import { leasedRequestsRemembered, requestsRemembered } from '../../../shared/limits/ledger/ledger.ts'

/** How often each request came today. */
export class EqualRequests {
  private day = -1
  /** Oldest first. */
  private counts = new Map<string, number>()

  constructor(private readonly max = requestsRemembered) {}

  get size(): number {
    return this.counts.size
  }

  /** Counts this request of a tenant, whose texts have this hash; how often it has come today, this time included. */
  count(tenant: string, hash: number | bigint, day: number): number {
    if (day !== this.day) {
      this.day = day
      this.counts = new Map()
    }
    const name = `${hash}\t${tenant}`
    const count = (this.counts.get(name) ?? 0) + 1
    // The newest stand last.
    if (count > 1) this.counts.delete(name)
    this.counts.set(name, count)
    if (this.counts.size > this.max) {
      for (const oldest of this.counts.keys()) {
        this.counts.delete(oldest)
        break
      }
    }
    return count
  }
}

/** Requests that scouts hold now, by their operators. */
export class LeasedRequests {
  private readonly counts = new Map<string, number>()

  constructor(private readonly max = leasedRequestsRemembered) {}

  get size(): number {
    return this.counts.size
  }

  /** A scout of this operator gets a request; false when as many are remembered as may be, and this one is not. */
  lease(operator: string, hash: number | bigint): boolean {
    const name = `${hash}\t${operator}`
    const count = this.counts.get(name)
    if (count === undefined && this.counts.size >= this.max) return false
    this.counts.set(name, (count ?? 0) + 1)
    return true
  }

  /** It holds one that `lease` took no more. */
  release(operator: string, hash: number | bigint): void {
    const name = `${hash}\t${operator}`
    const count = this.counts.get(name)
    if (count === undefined) return
    if (count === 1) this.counts.delete(name)
    else this.counts.set(name, count - 1)
  }

  /** Whether a scout of this owner holds such a request now. */
  holds(owner: string, hash: number | bigint): boolean {
    return this.counts.size > 0 && this.counts.has(`${hash}\t${owner}`)
  }
}
