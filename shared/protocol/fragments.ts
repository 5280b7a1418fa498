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

/** Collects the fragments of one body. The buffer grows with what really arrives, not with what was promised. */
export class Assembly {
  private readonly pieces: Uint8Array[] = []
  private received = 0

  constructor(readonly size: number) {}

  /** `more`, `complete`, or `broken` when the piece is out of order, empty or beyond the promised size. */
  add(index: number, bytes: Uint8Array): 'more' | 'complete' | 'broken' {
    if (index !== this.pieces.length || bytes.length === 0 || this.received + bytes.length > this.size) return 'broken'
    this.pieces.push(bytes)
    this.received += bytes.length
    return this.received === this.size ? 'complete' : 'more'
  }

  /** The whole body; only after `complete`. */
  body(): Uint8Array {
    return Buffer.concat(this.pieces, this.received)
  }
}
