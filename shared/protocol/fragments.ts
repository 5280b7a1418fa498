/**
 * Bodies larger than a frame. The head frame names the size and carries `body: null`; the bytes follow as numbered
 * fragments of the same attempt. One attempt has at most one body under way in each direction.
 */
import { fragmentBytes } from '../limits/wire.ts'
import type { FrameOf } from './frames.ts'

/** The fragments of `body`, made one at a time so that a sender can let other frames pass in between. */
export function* fragmentsOf(task: number, attempt: number, body: Uint8Array): Generator<FrameOf<'fragment'>> {
  for (let index = 0; index * fragmentBytes < body.length; index++) {
    const bytes = body.subarray(index * fragmentBytes, (index + 1) * fragmentBytes)
    yield { type: 'fragment', task, attempt, index, bytes }
  }
}

/** Room for the first fragments; doubled as more arrive. */
const firstBytes = 64 * 1024

/**
 * Collects the fragments of one body in a buffer that grows with what really arrives, not with what was promised. The
 * bytes are copied: a fragment is a view into its message, and kept ones would keep as many whole messages.
 */
export class Assembly {
  private buffer: Buffer
  private received = 0
  private fragments = 0

  /**
   * With `atOnce` its room is reserved from the start, for one who trusts the promise: the system gives the memory as
   * it is written, and nothing is copied while the body grows.
   */
  constructor(
    readonly size: number,
    atOnce = false,
  ) {
    this.buffer = Buffer.allocUnsafeSlow(atOnce ? size : 0)
  }

  /** What it holds in memory by now. */
  get heldBytes(): number {
    return this.buffer.length
  }

  /** What it will hold once this piece was added. */
  heldWith(bytes: Uint8Array): number {
    const end = this.received + bytes.length
    return end > this.buffer.length && end <= this.size ? this.grownTo(end) : this.buffer.length
  }

  /** `more`, `complete`, or `broken` when the piece is out of order, empty or beyond the promised size. */
  add(index: number, bytes: Uint8Array): 'more' | 'complete' | 'broken' {
    const end = this.received + bytes.length
    if (index !== this.fragments || bytes.length === 0 || end > this.size) return 'broken'
    if (end > this.buffer.length) this.grow(end)
    this.buffer.set(bytes, this.received)
    this.received = end
    this.fragments++
    return end === this.size ? 'complete' : 'more'
  }

  /** The whole body; only after `complete`. */
  body(): Uint8Array {
    return this.buffer
  }

  /** Never beyond the promised size, so that a complete body fills its buffer. */
  private grow(least: number): void {
    const grown = Buffer.allocUnsafeSlow(this.grownTo(least))
    grown.set(this.buffer.subarray(0, this.received))
    this.buffer = grown
  }

  private grownTo(least: number): number {
    return Math.min(this.size, Math.max(least, 2 * this.buffer.length, firstBytes))
  }
}
