/**
 * Numbers of tasks and of sessions, unique across restarts: each epoch has a range of its own, and each process of a
 * hub takes blocks of it, so that a number tells who has it. The brain gives blocks out.
 */
import { numbersPerBlock as blockSize } from '../../shared/limits/process.ts'

/** Which block a number is of. */
export function blockOf(number: number): number {
  return Math.floor(number / blockSize)
}

/** The first number of a block. */
export function firstOf(block: number): number {
  return block * blockSize
}

export class NumberBlocks {
  private next: number

  constructor(epoch: number) {
    this.next = epoch * 2 ** 32
  }

  /** The first number of a block that nobody has. */
  take(): number {
    const from = this.next
    this.next += blockSize
    return from
  }
}

/** The numbers of one process: of a block, and of another one that it has for when that is used up. */
export class Numbers {
  private at = 0
  private end = 0
  private spare: number | null = null

  /** `want`: another block is wanted; it comes with `add`, at once or later. */
  constructor(private readonly want: () => void) {}

  add(from: number): void {
    if (this.at === this.end) {
      this.at = from
      this.end = from + blockSize
    } else this.spare = from
  }

  /** Asks again for what a brain that is gone has not given. */
  askAgain(): void {
    if (this.spare === null) this.want()
  }

  /** Throws when the brain was so slow that both blocks are used up. */
  next(): number {
    if (this.at === this.end) {
      if (this.spare === null) throw new Error('this process has used up its numbers before the brain gave it more')
      this.at = this.spare
      this.end = this.spare + blockSize
      this.spare = null
      this.want()
    }
    return this.at++
  }
}
