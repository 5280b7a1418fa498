/**
 * What is remembered of requests to find those that must earn nothing: equal ones of a tenant and day, and those that a
 * scout of the client holds right now. A request is known by a hash of its texts and counts as equal whatever stands
 * around them. Both memories are bounded, and a restart forgets all. Each task asks both several times, so neither
 * makes anything for a question. Pure.
 */
import {
  clientsWatchedMax,
  leasedRequestsRemembered,
  requestsRemembered,
} from '../../../shared/limits/ledger/ledger.ts'

/** Requests with the same place in the table stand in one row of it, the newest first. */
const rowPlaces = 8
const upper = 2 ** 32
/** A count goes no further; far fewer are paid. */
const countMax = 255

/**
 * How often each request came today. A table of fixed size: where its row is full the oldest of that row is forgotten,
 * which costs the same whatever is remembered.
 */
export class EqualRequests {
  private day = -1
  private readonly rows: number
  /** Of each request that is remembered, two halves of its name; and how often it came, 0 for an empty place. */
  private readonly low: Uint32Array
  private readonly high: Uint32Array
  private readonly counts: Uint8Array

  /** `places`: how many are remembered, rounded up to a power of two. */
  constructor(places = requestsRemembered) {
    this.rows = 2 ** Math.ceil(Math.log2(Math.max(1, places / rowPlaces)))
    const size = this.rows * rowPlaces
    this.low = new Uint32Array(size)
    this.high = new Uint32Array(size)
    this.counts = new Uint8Array(size)
  }

  /** Counts this request of a tenant, whose texts have this hash; how often it has come today, this time included. */
  count(tenant: string, hash: number, day: number): number {
    if (day !== this.day) {
      this.day = day
      this.counts.fill(0)
    }
    const name = hashOf(tenant)
    const low = (hash ^ name) >>> 0
    const high = (Math.floor(hash / upper) ^ Math.imul(name, 0x9e3779b1)) >>> 0
    const first = (mixed(low ^ high) & (this.rows - 1)) * rowPlaces
    const found = this.placeOf(low, high, first)
    const count = Math.min(countMax, found < 0 ? 1 : this.counts[found]! + 1)
    // The newest stands first; those before it move up by one, and the last of a full row is gone.
    for (let place = found < 0 ? first + rowPlaces - 1 : found; place > first; place--) {
      this.low[place] = this.low[place - 1]!
      this.high[place] = this.high[place - 1]!
      this.counts[place] = this.counts[place - 1]!
    }
    this.low[first] = low
    this.high[first] = high
    this.counts[first] = count
    return count
  }

  private placeOf(low: number, high: number, first: number): number {
    for (let place = first; place < first + rowPlaces && this.counts[place] !== 0; place++) {
      if (this.low[place] === low && this.high[place] === high) return place
    }
    return -1
  }
}

function hashOf(text: string): number {
  let hash = text.length
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0
  return mixed(hash)
}

function mixed(value: number): number {
  const once = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35)
  return twice ^ (twice >>> 16)
}

/** Requests that scouts hold now, with their operators: one for each scout that holds it. */
export class LeasedRequests {
  private readonly holders = new Map<number, string[]>()
  /** Operators of whom others are told. */
  private readonly watched = new Set<string>()

  constructor(
    private readonly max = leasedRequestsRemembered,
    /** Of what watched operators hold from now on, and hold no more. */
    private readonly tell: (operator: string, hash: number, isHeld: boolean) => void = () => {},
  ) {}

  get size(): number {
    return this.holders.size
  }

  /** A scout of this operator gets a request; false when as many are remembered as may be, and this one is not. */
  lease(operator: string, hash: number): boolean {
    const holders = this.holders.get(hash)
    if (holders === undefined ? this.holders.size >= this.max : holders.length >= holdersMax) return false
    if (holders === undefined) this.holders.set(hash, [operator])
    else holders.push(operator)
    if (this.watched.size > 0 && this.watched.has(operator)) this.tell(operator, hash, true)
    return true
  }

  /** It holds one that `lease` took no more. */
  release(operator: string, hash: number): void {
    const holders = this.holders.get(hash)
    const at = holders?.indexOf(operator) ?? -1
    if (at < 0) return
    if (holders!.length === 1) this.holders.delete(hash)
    else holders!.splice(at, 1)
    if (this.watched.size > 0 && this.watched.has(operator)) this.tell(operator, hash, false)
  }

  /** Tells of all that this operator's scouts hold, now and from now on. Bounded: of more nobody is told. */
  watch(operator: string): void {
    if (!this.watched.has(operator) && this.watched.size >= clientsWatchedMax) return
    this.watched.add(operator)
    for (const [hash, holders] of this.holders) {
      for (const holder of holders) if (holder === operator) this.tell(operator, hash, true)
    }
  }

  /** Whether a scout of this owner holds such a request now. */
  holds(owner: string, hash: number): boolean {
    return this.holders.size > 0 && this.holders.get(hash)?.includes(owner) === true
  }
}

/** Scouts that are remembered to hold the same request. */
const holdersMax = 64
