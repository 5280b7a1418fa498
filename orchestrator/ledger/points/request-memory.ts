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

/**
 * Requests that scouts hold now, with their operators. Each task comes and goes: a table of numbers, in which the place
 * of one that is gone is filled again, leaves nothing behind for the collector as a map does.
 */
export class LeasedRequests {
  /** Of each pair of a request and an operator; a power of two, of which at most half are in use. */
  private places = firstPlaces
  private texts = new Float64Array(firstPlaces)
  private operators: string[] = new Array(firstPlaces).fill('')
  /** Scouts of the operator that hold the request; 0 for an empty place. */
  private counts = new Uint8Array(firstPlaces)
  /** Operators of whom others are told. */
  private readonly watched = new Set<string>()
  /** Pairs. */
  size = 0

  constructor(
    private readonly max = leasedRequestsRemembered,
    /** Of what watched operators hold from now on, and hold no more. */
    private readonly tell: (operator: string, hash: number, isHeld: boolean) => void = () => {},
  ) {}

  /** A scout of this operator gets a request; false when as many are remembered as may be, and this one is not. */
  lease(operator: string, hash: number): boolean {
    let place = this.placeOf(operator, hash)
    const count = this.counts[place]!
    if (count === 0 ? this.size >= this.max : count >= holdersMax) return false
    if (count === 0 && 2 * ++this.size > this.places) {
      this.grow()
      place = this.placeOf(operator, hash)
    }
    this.put(place, operator, hash, count + 1)
    if (this.watched.size > 0 && this.watched.has(operator)) this.tell(operator, hash, true)
    return true
  }

  /** It holds one that `lease` took no more. */
  release(operator: string, hash: number): void {
    const place = this.placeOf(operator, hash)
    if (this.counts[place] === 0) return
    if (--this.counts[place]! === 0) this.close(place)
    if (this.watched.size > 0 && this.watched.has(operator)) this.tell(operator, hash, false)
  }

  /** Tells of all that this operator's scouts hold, now and from now on. Bounded: of more nobody is told. */
  watch(operator: string): void {
    if (!this.watched.has(operator) && this.watched.size >= clientsWatchedMax) return
    this.watched.add(operator)
    for (let place = 0; place < this.places; place++) {
      if (this.operators[place] !== operator) continue
      for (let scouts = this.counts[place]!; scouts > 0; scouts--) this.tell(operator, this.texts[place]!, true)
    }
  }

  /** Whether a scout of this owner holds such a request now. */
  holds(owner: string, hash: number): boolean {
    return this.size > 0 && this.counts[this.placeOf(owner, hash)] !== 0
  }

  /** Where this pair stands, or the empty place where it would. */
  private placeOf(operator: string, hash: number): number {
    const { texts, operators, counts, places } = this
    let place = firstPlaceOf(operator, hash, places)
    while (counts[place] !== 0 && (texts[place] !== hash || operators[place] !== operator)) {
      place = (place + 1) & (places - 1)
    }
    return place
  }

  private put(place: number, operator: string, hash: number, count: number): void {
    if (this.counts[place] === 0) {
      this.texts[place] = hash
      this.operators[place] = operator
    }
    this.counts[place] = count
  }

  /** What stands behind an empty place and would have stood in it moves there. */
  private close(empty: number): void {
    const { texts, operators, counts, places } = this
    const last = places - 1
    this.size--
    for (let place = (empty + 1) & last; counts[place] !== 0; place = (place + 1) & last) {
      const first = firstPlaceOf(operators[place]!, texts[place]!, places)
      if (((place - first) & last) < ((place - empty) & last)) continue
      this.put(empty, operators[place]!, texts[place]!, counts[place]!)
      counts[place] = 0
      empty = place
    }
    operators[empty] = ''
  }

  private grow(): void {
    const { texts, operators, counts, places } = this
    this.places = 2 * places
    this.texts = new Float64Array(this.places)
    this.operators = new Array(this.places).fill('')
    this.counts = new Uint8Array(this.places)
    for (let place = 0; place < places; place++) {
      if (counts[place] === 0) continue
      const [operator, hash] = [operators[place]!, texts[place]!]
      this.put(this.placeOf(operator, hash), operator, hash, counts[place]!)
    }
  }
}

const firstPlaces = 1_024

function firstPlaceOf(operator: string, hash: number, places: number): number {
  return mixed(hash ^ Math.floor(hash / upper) ^ hashOf(operator)) & (places - 1)
}

/** Scouts of one operator that are remembered to hold the same request. */
const holdersMax = 64
