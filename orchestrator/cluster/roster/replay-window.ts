/**
 * Which numbers of one counter have been seen: the newest ones one by one, all older ones as seen. A message counts the
 * first time its number comes, in any order within the window. Fed by `message-gate.ts`, once a signature holds.
 */
import { replayWindowMessages } from '../../../shared/limits/cluster/roster.ts'

const bitsPerWord = 32

export class ReplayWindow {
  /** The highest number seen; numbers begin at 1. */
  private top = 0
  /** A ring of bits, by number modulo its size. */
  private readonly seen = new Uint32Array(replayWindowMessages / bitsPerWord)

  /** Whether this number has not come yet, as far as is remembered. Changes nothing. */
  isNew(number: number): boolean {
    if (number > this.top) return true
    return number > this.top - replayWindowMessages && number > 0 && !this.hasBit(number)
  }

  /** Remembers a number that is new. */
  add(number: number): void {
    if (number > this.top + replayWindowMessages) this.seen.fill(0)
    else for (let passed = this.top + 1; passed < number; passed++) this.setBit(passed, false)
    if (number > this.top) this.top = number
    this.setBit(number, true)
  }

  private hasBit(number: number): boolean {
    const bit = number % replayWindowMessages
    return ((this.seen[Math.floor(bit / bitsPerWord)]! >>> (bit % bitsPerWord)) & 1) === 1
  }

  private setBit(number: number, value: boolean): void {
    const bit = number % replayWindowMessages
    const mask = 1 << (bit % bitsPerWord)
    if (value) this.seen[Math.floor(bit / bitsPerWord)]! |= mask
    else this.seen[Math.floor(bit / bitsPerWord)]! &= ~mask
  }
}
