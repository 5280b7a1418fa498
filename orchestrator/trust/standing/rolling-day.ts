/**
 * What was counted within the last 24 hours, in slots of an hour, and as it outlives the process. While a clock goes
 * back everything counts in the newest slot. Pure.
 */
const slots = 24
const slotMs = 3_600_000

/** In which slot something counts: hours since 1970. */
export function slotOf(ms: number): number {
  return Math.floor(ms / slotMs)
}

export class RollingDay {
  private readonly bySlot = new Float64Array(slots)
  /** The newest one. */
  slot = -1
  /** Of all slots, as of the last time that was given. */
  sum = 0

  /** So much more now. */
  add(count: number, nowMs: number): void {
    this.turn(nowMs)
    this.put(count, 0)
  }

  /** So much more, or less, in the hour of an earlier time; nothing where that is out of the day. */
  amend(count: number, atMs: number): void {
    const age = this.slot - slotOf(atMs)
    if (age < slots) this.put(count, Math.max(0, age))
  }

  /** The counts of the newest slot and those before it, newest first, to be kept. */
  kept(nowMs: number): number[] {
    this.turn(nowMs)
    return Array.from({ length: slots }, (_, age) => this.bySlot[this.placeOf(age)]!)
  }

  /** Goes on from what was kept, of which the newest slot was this one; before anything else is counted. */
  recall(slot: number, counts: readonly number[], nowMs: number): void {
    for (let age = slots - 1; age >= 0; age--) {
      // After a clock that ran ahead they count as of now.
      this.add(counts[age] ?? 0, Math.min((slot - age) * slotMs, nowMs))
    }
    this.turn(nowMs)
  }

  /** What is a day old by now does not count any more. */
  turn(nowMs: number): void {
    const slot = slotOf(nowMs)
    if (this.slot === -1 || slot - this.slot >= slots) {
      this.bySlot.fill(0)
      this.sum = 0
      this.slot = slot
    }
    while (this.slot < slot) {
      const at = ++this.slot % slots
      this.sum -= this.bySlot[at]!
      this.bySlot[at] = 0
    }
  }

  private put(count: number, age: number): void {
    const at = this.placeOf(age)
    this.bySlot[at] = this.bySlot[at]! + count
    this.sum += count
  }

  private placeOf(age: number): number {
    return (this.slot - age + slots) % slots
  }
}
