/**
 * Deadlines in constant time: a wheel of slots, each a linked list of whatever is due in that stretch of time
 * (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987). An owner has at most one armed deadline, moving
 * it costs nothing, and a far one simply waits in the last slot and is laid out anew when the wheel comes by.
 *
 * The lists are numbers in tables of their own rather than references among the owners: with a hundred thousand tasks
 * armed, taking one out of its list would otherwise have to fetch two others from memory.
 */

const slotMs = 50
const slotCount = 8192
const firstCapacity = 1024

/** Something with one deadline. Both fields are the wheel's; `alarm` is -1 while nothing is armed. */
export interface Timed {
  dueMs: number
  /** Its place in the wheel's tables. */
  alarm: number
}

export class TimerWheel<T extends Timed> {
  /** The first alarm of each slot; -1 for none. */
  private readonly heads = new Int32Array(slotCount).fill(-1)
  /** Per alarm: the next one of its slot, or of the free ones; -1 for none. */
  private after = new Int32Array(0)
  /** Per alarm: the one before it; for the first of a slot -1 minus that slot's number. */
  private before = new Int32Array(0)
  private readonly owners: (T | null)[] = []
  /** The first alarm that nobody uses; -1 for none. */
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
    if (this.free === -1) this.grow()
    const { after, before, heads } = this
    const alarm = this.free
    this.free = after[alarm]!
    const next = heads[slot]!
    after[alarm] = next
    before[alarm] = -1 - slot
    if (next !== -1) before[next] = alarm
    heads[slot] = alarm
    this.owners[alarm] = owner
    owner.alarm = alarm
    this.armed++
  }

  disarm(owner: T): void {
    const { alarm } = owner
    if (alarm === -1) return
    const { after, before } = this
    const next = after[alarm]!
    const previous = before[alarm]!
    if (previous < 0) this.heads[-1 - previous] = next
    else after[previous] = next
    if (next !== -1) before[next] = previous
    after[alarm] = this.free
    this.free = alarm
    this.owners[alarm] = null
    owner.alarm = -1
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
      for (let alarm = this.heads[slot]!; alarm !== -1; alarm = this.heads[slot]!) {
        const owner = this.owners[alarm]!
        this.disarm(owner)
        if (owner.dueMs <= nowMs) onDue(owner)
        else this.arm(owner, owner.dueMs)
      }
    }
  }

  private grow(): void {
    const from = this.after.length
    const capacity = Math.max(firstCapacity, from * 2)
    this.after = grown(this.after, capacity)
    this.before = grown(this.before, capacity)
    for (let alarm = from; alarm < capacity; alarm++) {
      this.owners.push(null)
      this.after[alarm] = alarm + 1 < capacity ? alarm + 1 : -1
    }
    this.free = from
  }
}

function grown(table: Int32Array<ArrayBuffer>, capacity: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(capacity)
  larger.set(table)
  return larger
}
