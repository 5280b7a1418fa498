/**
 * Deadlines in constant time: a wheel of slots, each a linked list of the owners that are due in that stretch of time
 * (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987). An owner has at most one armed deadline, moving
 * it costs nothing, and a far one simply waits in the last slot and is laid out anew when the wheel comes by.
 *
 * The lists are numbers in tables of their own rather than references among the owners: with a hundred thousand tasks
 * armed, taking one out of its list would otherwise have to fetch two others from memory.
 */

const slotMs = 50
const slotCount = 8192
const firstCapacity = 1024

/** Something with one deadline. Both fields are the wheel's; `timerSlot` is -1 while nothing is armed. */
export interface Timed {
  dueMs: number
  /** Its place in the wheel's tables. */
  timerSlot: number
}

export class TimerWheel<T extends Timed> {
  /** The first timer of each slot; -1 for none. */
  private readonly heads = new Int32Array(slotCount).fill(-1)
  /** Per timer: the next one of its slot, or of the free ones; -1 for none. */
  private after = new Int32Array(0)
  /** Per timer: the one before it; for the first of a slot -1 minus that slot's number. */
  private before = new Int32Array(0)
  private readonly owners: (T | null)[] = []
  /** The first timer that is not in use; -1 for none. */
  private free = -1
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
    if (this.free === -1) this.expand()
    const { after, before, heads } = this
    const timerSlot = this.free
    this.free = after[timerSlot]!
    const next = heads[slot]!
    after[timerSlot] = next
    before[timerSlot] = -1 - slot
    if (next !== -1) before[next] = timerSlot
    heads[slot] = timerSlot
    this.owners[timerSlot] = owner
    owner.timerSlot = timerSlot
    this.armed++
  }

  disarm(owner: T): void {
    const { timerSlot } = owner
    if (timerSlot === -1) return
    const { after, before } = this
    const next = after[timerSlot]!
    const previous = before[timerSlot]!
    if (previous < 0) this.heads[-1 - previous] = next
    else after[previous] = next
    if (next !== -1) before[next] = previous
    after[timerSlot] = this.free
    this.free = timerSlot
    this.owners[timerSlot] = null
    owner.timerSlot = -1
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
      for (let timerSlot = this.heads[slot]!; timerSlot !== -1; timerSlot = this.heads[slot]!) {
        const owner = this.owners[timerSlot]!
        this.disarm(owner)
        if (owner.dueMs <= nowMs) onDue(owner)
        else this.arm(owner, owner.dueMs)
      }
    }
  }

  private expand(): void {
    const from = this.after.length
    const capacity = Math.max(firstCapacity, from * 2)
    this.after = expanded(this.after, capacity)
    this.before = expanded(this.before, capacity)
    for (let timerSlot = from; timerSlot < capacity; timerSlot++) {
      this.owners.push(null)
      this.after[timerSlot] = timerSlot + 1 < capacity ? timerSlot + 1 : -1
    }
    this.free = from
  }
}

function expanded(table: Int32Array<ArrayBuffer>, capacity: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(capacity)
  larger.set(table)
  return larger
}
