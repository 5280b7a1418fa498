/**
 * Bodies of requests on their way in: bounded in size, in time and in the bytes that all of them hold. A small body has
 * one deadline; of a large one a least amount has to arrive between two looks. Pieces of large bodies are taken in one
 * in a turn of the lane of long work, in rotation: the runtime lets a sender wait whose bytes nobody takes.
 * `schema/body.ts` reads through this, and the server drops through it what belongs to a refused request. One timer
 * looks after all reads, while there are any.
 */
import * as limits from '../../shared/limits/http.ts'
import type { System, Timer } from '../../shared/system.ts'
import type { TurnLane } from '../../shared/turn-lane.ts'
import { SlotList } from './slot-list.ts'

/** Why there is no body. `lost`: its connection ended first. */
export type BodyFlaw = 'tooLarge' | 'tooSlow' | 'lost'

type Bytes = Uint8Array<ArrayBuffer>

/** A read that goes on. */
interface Read {
  readonly startedMs: number
  /** Bytes so far, and at the last look; those of a small body are not counted while they come. */
  arrived: number
  seen: number
  /** It has one deadline instead of a least rate. */
  readonly isBrief: boolean
  /** By its header; 0 without one. */
  readonly declared: number
  /** Gives it up. */
  cut: () => void
  listSlot: number
}

const nothing = () => {}

export class BodyReads {
  private readonly reads = new SlotList<Read>()
  private timer: Timer | null = null
  /** Bodies that are being dropped. */
  private discards = 0

  constructor(
    private readonly system: System,
    private readonly lane: Pick<TurnLane, 'turn'>,
  ) {}

  /**
   * The whole body, of at most `bytesMax`. `declared`: its length by its header; null without one. `take` is asked
   * before more bytes are held, `measure` about each piece of a large body, and both may refuse: their answer is what
   * comes back.
   */
  read<Refusal>(
    request: Request,
    declared: number | null,
    bytesMax: number,
    take: (bytes: number) => Refusal | null,
    measure: (piece: Uint8Array) => Refusal | null = () => null,
  ): Promise<Bytes | BodyFlaw | Refusal> {
    if (declared === null) return this.readUndeclared(request, bytesMax, take, measure)
    if (declared > bytesMax) return Promise.resolve('tooLarge')
    const refused = take(declared)
    if (refused !== null) return Promise.resolve(refused)
    return declared <= limits.smallBodyBytes ? this.readSmall(request) : this.readDeclared(request, declared, measure)
  }

  private readSmall(request: Request): Promise<Bytes | BodyFlaw> {
    return new Promise((resolve) => {
      const read = this.begin(true, 0, () => resolve('tooSlow'))
      request.bytes().then(
        (bytes) => {
          this.reads.remove(read)
          // The runtime's bytes are never shared memory.
          resolve(bytes as Bytes)
        },
        () => {
          this.reads.remove(read)
          resolve('lost')
        },
      )
    })
  }

  /**
   * Into one buffer of the declared length: pieces that are put together at the end would take twice the memory. The
   * rest of what is refused is dropped, as below.
   */
  private async readDeclared<Refusal>(
    request: Request,
    declared: number,
    measure: (piece: Uint8Array) => Refusal | null,
  ): Promise<Bytes | BodyFlaw | Refusal> {
    let whole = new Uint8Array(declared)
    let total = 0
    let refused: Refusal | null = null
    const flaw = await this.pieces(request, { isBrief: false, declared }, (piece) => {
      refused ??= measure(piece)
      if (refused === null) whole.set(piece, total)
      else whole = new Uint8Array(0)
      total += piece.length
      return refused === null || total <= limits.discardedBodyBytesMax
    })
    if (refused !== null) return refused
    return flaw ?? (total === declared ? whole : 'lost')
  }

  private async readUndeclared<Refusal>(
    request: Request,
    bytesMax: number,
    take: (bytes: number) => Refusal | null,
    measure: (piece: Uint8Array) => Refusal | null,
  ): Promise<Bytes | BodyFlaw | Refusal> {
    let whole = new Uint8Array(0)
    let total = 0
    let refused: Refusal | null = null
    let isTooLarge = false
    // The rest of what is refused is read too, and dropped: a client that still writes would never read the refusal.
    const flaw = await this.pieces(request, { isBrief: false, declared: 0 }, (piece) => {
      const from = total
      total += piece.length
      isTooLarge ||= total > bytesMax
      if (!isTooLarge) refused ??= take(piece.length) ?? measure(piece)
      if (isTooLarge || refused !== null) whole = new Uint8Array(0)
      else {
        if (total > whole.length) whole = grown(whole, from, total, bytesMax)
        whole.set(piece, from)
      }
      return total <= limits.discardedBodyBytesMax
    })
    if (refused !== null) return refused
    if (isTooLarge) return 'tooLarge'
    if (flaw !== null) return flaw
    return total === whole.length ? whole : whole.slice(0, total)
  }

  /** Drops a body that nobody has read. False when the rest of it is not waited for: the connection has to close. */
  async discard(request: Request): Promise<boolean> {
    if (request.body === null) return false
    if (this.discards >= limits.discardedBodiesMax) {
      request.body.cancel().catch(nothing)
      return false
    }
    let total = 0
    this.discards++
    const flaw = await this.pieces(request, { isBrief: true, declared: 0 }, (piece) => {
      total += piece.length
      return total <= limits.discardedBodyBytesMax
    })
    this.discards--
    return flaw === null
  }

  /** Hands over piece after piece, within the time of a small body or at the rate of a large one. */
  private async pieces(
    request: Request,
    { isBrief, declared }: Pick<Read, 'isBrief' | 'declared'>,
    accept: (piece: Uint8Array) => boolean,
  ): Promise<BodyFlaw | null> {
    const reader = request.body?.getReader()
    if (reader === undefined) return null
    const cut = Promise.withResolvers<'cut'>()
    const read = this.begin(isBrief, declared, () => cut.resolve('cut'))
    const isCutBeforeTurn = async () => (await Promise.race([this.lane.turn(), cut.promise])) === 'cut'
    try {
      for (;;) {
        // What is dropped stays with the runtime until its turn, because nothing counts it.
        if (isBrief && (await isCutBeforeTurn())) return 'tooSlow'
        const piece = await Promise.race([reader.read(), cut.promise])
        if (piece === 'cut') return 'tooSlow'
        if (piece.done) return null
        read.arrived += piece.value.length
        if (!isBrief && (await isCutBeforeTurn())) return 'tooSlow'
        if (!accept(piece.value)) return 'tooLarge'
      }
    } catch {
      return 'lost'
    } finally {
      this.reads.remove(read)
      // What is still on its way is dropped by the runtime.
      reader.cancel().catch(nothing)
    }
  }

  private begin(isBrief: boolean, declared: number, cut: () => void): Read {
    const read = { startedMs: this.system.nowMs(), arrived: 0, seen: 0, isBrief, declared, cut, listSlot: 0 }
    this.reads.add(read)
    this.timer ??= this.system.after(limits.bodyLookMs, () => this.look())
    return read
  }

  private look(): void {
    this.timer = null
    const nowMs = this.system.nowMs()
    for (const read of this.reads.items.slice()) {
      if (this.isSlow(read, nowMs)) {
        this.reads.remove(read)
        read.cut()
      }
      read.seen = read.arrived
    }
    if (this.reads.items.length > 0) this.timer = this.system.after(limits.bodyLookMs, () => this.look())
  }

  /** Who began between two looks is judged at the next one. */
  private isSlow({ startedMs, arrived, seen, isBrief, declared }: Read, nowMs: number): boolean {
    const openMs = nowMs - startedMs
    if (isBrief) return openMs >= limits.smallBodyMs
    // In proportion to its size, so that a large body holds its bytes no longer than another one.
    const least = Math.max(limits.bodyBytesPerLook, Math.max(declared, arrived) / limits.bodyLooksMax)
    return openMs >= limits.bodyLookMs && arrived - seen < least
  }

  /** Nothing is looked after any more. */
  stop(): void {
    this.timer?.cancel()
    this.timer = null
  }
}

/** Room for so many bytes, with those that are there. A small share of what may come is made room for at a time. */
function grown(bytes: Bytes, used: number, length: number, most: number): Bytes {
  const larger = new Uint8Array(Math.min(most, Math.max(length, 4 * bytes.length)))
  larger.set(bytes.subarray(0, used))
  return larger
}
