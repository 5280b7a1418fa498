/**
 * Objects by number, for tables through which every task passes. A `Map` with such a turnover keeps its retired inner
 * tables linked to their successors in this runtime, so that short-lived objects survive young collections. Here an
 * emptied slot drops its reference at once, and nothing but the two arrays is ever allocated.
 *
 * Open addressing with linear probing (Knuth, "Sorting and Searching", 6.4, with deletion by algorithm R). Numbers are
 * spread by a multiplicative hash, because those in use are mostly consecutive and would form one long run otherwise.
 * Iteration goes slot by slot: the same operations give the same order, which is not the order of insertion. Do not add
 * or delete while iterating; copy first.
 */

/** In the place of a key; keys are whole numbers from 0. */
const empty = -1
const capacityMin = 64
/** Grows above half full, shrinks below an eighth: the distance keeps a table of steady size from doing either. */
const fullShare = 1 / 2
const sparseShare = 1 / 8

export class SlotTable<T extends object> {
  private keys = new Float64Array(capacityMin).fill(empty)
  private items: (T | undefined)[] = new Array<T | undefined>(capacityMin).fill(undefined)
  size = 0

  get(key: number): T | undefined {
    return this.items[this.slotOf(key)]
  }

  has(key: number): boolean {
    return this.get(key) !== undefined
  }

  set(key: number, item: T): void {
    const slot = this.slotOf(key)
    if (this.keys[slot] === empty) {
      this.keys[slot] = key
      this.size++
    }
    this.items[slot] = item
    if (this.size > this.items.length * fullShare) this.rebuild(this.items.length * 2)
  }

  /** Whether there was one. */
  delete(key: number): boolean {
    const slot = this.slotOf(key)
    if (this.items[slot] === undefined) return false
    this.empty(slot)
    this.size--
    const capacity = this.items.length
    if (capacity > capacityMin && this.size < capacity * sparseShare) this.rebuild(capacity / 2)
    return true
  }

  *values(): Generator<T, void> {
    for (const item of this.items) if (item !== undefined) yield item
  }

  *[Symbol.iterator](): Generator<[number, T], void> {
    for (const [slot, item] of this.items.entries()) if (item !== undefined) yield [this.keys[slot]!, item]
  }

  /** Where this key is, or would be put. */
  private slotOf(key: number): number {
    const { keys } = this
    const mask = keys.length - 1
    for (let slot = homeOf(key, mask); ; slot = (slot + 1) & mask) {
      const found = keys[slot]!
      if (found === key || found === empty) return slot
    }
  }

  /** Closes the gap, so that items placed beyond this slot are still found. */
  private empty(slot: number): void {
    const { keys, items } = this
    const mask = keys.length - 1
    let hole = slot
    for (let at = (hole + 1) & mask; keys[at] !== empty; at = (at + 1) & mask) {
      const probed = (at - homeOf(keys[at]!, mask)) & mask
      if (probed < ((at - hole) & mask)) continue
      keys[hole] = keys[at]!
      items[hole] = items[at]
      hole = at
    }
    keys[hole] = empty
    items[hole] = undefined
  }

  private rebuild(capacity: number): void {
    const { keys, items } = this
    this.keys = new Float64Array(capacity).fill(empty)
    this.items = new Array<T | undefined>(capacity).fill(undefined)
    for (const [slot, item] of items.entries()) {
      if (item === undefined) continue
      const key = keys[slot]!
      const moved = this.slotOf(key)
      this.keys[moved] = key
      this.items[moved] = item
    }
  }
}

/** The slot where the search for a key begins. `mask` is the capacity, a power of two, less one. */
function homeOf(key: number, mask: number): number {
  const low = Math.imul(key | 0, 0x9e3779b1)
  const high = Math.imul((key / 0x1_0000_0000) | 0, 0x85ebca6b)
  const mixed = low ^ high
  return (mixed ^ (mixed >>> 15)) & mask
}
