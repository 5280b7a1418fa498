/**
 * Deadlines in constant time: a wheel of slots, each a linked list of whatever is due in that stretch of time
 * (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987). An owner has at most one armed deadline, moving
 * it costs nothing, and a far one simply waits in the last slot and is laid out anew when the wheel comes by.
 */

const slotMs = 50
const slotCount = 8192

/** Something with one deadline. The wheel owns the last three fields; `slot` is -1 while nothing is armed. */
export interface Timed {
  dueMs: number
  slot: number
  before: Timed | null
  after: Timed | null
}

export class TimerWheel<T extends Timed> {
  private readonly heads: (T | null)[] = new Array<T | null>(slotCount).fill(null)
  /** The stretch of time already handled, in slots since time zero. */
  private cursor: number
  armed = 0

  constructor(nowMs: number) {
    this.cursor = Math.floor(nowMs / slotMs)
  }

  /** Arms or moves the owner's deadline. */
  arm(owner: T, dueMs: number): void {
    this.disarm(owner)
    owner.dueMs = dueMs
    const wanted = Math.max(Math.ceil(dueMs / slotMs), this.cursor + 1)
    const slot = Math.min(wanted, this.cursor + slotCount - 1) % slotCount
    const head = this.heads[slot] ?? null
    owner.slot = slot
    owner.before = null
    owner.after = head
    if (head !== null) head.before = owner
    this.heads[slot] = owner
    this.armed++
  }

  disarm(owner: T): void {
    if (owner.slot === -1) return
    if (owner.before !== null) owner.before.after = owner.after
    else this.heads[owner.slot] = owner.after as T | null
    if (owner.after !== null) owner.after.before = owner.before
    owner.slot = -1
    owner.before = null
    owner.after = null
    this.armed--
  }

  /** Hands every owner whose deadline has passed to `onDue`, disarmed; `onDue` may arm it again. */
  advance(nowMs: number, onDue: (owner: T) => void): void {
    const target = Math.floor(nowMs / slotMs)
    // After a long pause one whole turn meets every owner there is.
    if (target - this.cursor > slotCount) this.cursor = target - slotCount
    while (this.cursor < target) {
      this.cursor++
      const slot = this.cursor % slotCount
      for (let owner = this.heads[slot] ?? null; owner !== null; owner = this.heads[slot] ?? null) {
        this.disarm(owner)
        if (owner.dueMs <= nowMs) onDue(owner)
        else this.arm(owner, owner.dueMs)
      }
    }
  }
}
