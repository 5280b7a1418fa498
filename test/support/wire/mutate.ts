/**
 * Damages honest messages the way a broken or hostile peer would: flipped bits, cuts, insertions, splices of two
 * messages and inflated counts. The same seed damages the same way, so that a failure can be run again.
 */
import { Random } from '../../../orchestrator/core/model/random.ts'

/** Bytes that begin something interesting: containers, strings, extensions, the unused tag, 64-bit numbers. */
const tags = Uint8Array.of(
  ...[0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xcb],
  ...[0xcf, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xff, 0x00],
)

export class Mutator {
  private readonly random: Random
  private readonly scratch: Buffer
  private length = 0

  /** `bytesMax` bounds a damaged message; longer ones are cut. */
  constructor(
    private readonly corpus: readonly Uint8Array[],
    seed: number,
    bytesMax: number,
  ) {
    this.random = new Random(seed)
    this.scratch = Buffer.alloc(bytesMax)
  }

  /** The next damaged message; its bytes are overwritten by the one after it. */
  next(): Buffer {
    const origin = this.pick()
    this.scratch.set(origin)
    this.length = origin.length
    // One wound in most: a frame wounded often is refused at its first byte, and what lies behind is never tried.
    do this.damage()
    while (this.random.below(3) === 0)
    return this.scratch.subarray(0, this.length)
  }

  private pick(): Uint8Array {
    return this.corpus[this.random.below(this.corpus.length)]!
  }

  /** Half of them near the front, where the structure is: bodies are opaque. */
  private place(): number {
    return this.random.below(this.random.below(2) === 0 ? this.length + 1 : Math.min(this.length, 48) + 1)
  }

  private damage(): void {
    const { random, scratch } = this
    const at = this.place()
    switch (random.below(7)) {
      case 0:
        if (at < this.length) scratch[at]! ^= 1 << random.below(8)
        break
      case 1:
        if (at < this.length) scratch[at] = tags[random.below(tags.length)]!
        break
      case 2:
        this.length = at
        break
      case 3:
        this.insert(at, 1 + random.below(16))
        for (let i = at; i < Math.min(at + 16, this.length); i++) scratch[i] = random.below(256)
        break
      case 4: {
        const other = this.pick()
        const from = random.below(other.length)
        this.length = at + Buffer.from(other.buffer, other.byteOffset + from, other.length - from).copy(scratch, at)
        break
      }
      case 5:
        this.inflate(at)
        break
      default: {
        const repeated = Math.min(random.below(64), this.length - at)
        this.insert(at, repeated)
        scratch.copyWithin(at, at + repeated, at + 2 * repeated)
      }
    }
  }

  /** Makes room; what it holds is left over from before. */
  private insert(at: number, count: number): void {
    this.scratch.copyWithin(at + count, at, this.length)
    this.length = Math.min(this.length + count, this.scratch.length)
  }

  /** A container, string or byte string that claims to be far longer than the message. */
  private inflate(at: number): void {
    this.scratch[at] = [0xc6, 0xdb, 0xdd, 0xdf, 0xc9, 0xc5, 0xdc][this.random.below(7)]!
    this.scratch.fill(this.random.below(2) === 0 ? 0xff : 0x00, at + 1, at + 5)
    if (this.random.below(2) === 0) this.scratch[at + 4] = this.random.below(256)
    this.length = Math.max(this.length, Math.min(at + 5, this.scratch.length))
  }
}
