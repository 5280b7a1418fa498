/**
 * Numbers of tasks that have a receipt. A hub numbers them almost without gaps, so that a bit for each in blocks takes
 * little; a Set of all of them would be full after 16 million.
 */

const blockTasks = 1_024
const wordBits = 32

export class Tasks {
  private readonly blocks = new Map<number, Uint32Array>()

  /** False for one that is there already. */
  add(task: number): boolean {
    const block = Math.floor(task / blockTasks)
    let bits = this.blocks.get(block)
    if (bits === undefined) {
      bits = new Uint32Array(blockTasks / wordBits)
      this.blocks.set(block, bits)
    }
    const place = task % blockTasks
    const [word, bit] = [place >> 5, 1 << (place & 31)]
    if ((bits[word]! & bit) !== 0) return false
    bits[word]! |= bit
    return true
  }
}
