/**
 * How many tasks audits ask for: at most a twentieth of those that were settled, or the day's least, however often the
 * hub dies within that day, and where their money is bounded what was given to scouts costs no more than that.
 * Invariant 44.
 */

const hourMs = 3_600_000
const hours = 24
const shareMax = 0.05

export class AuditBudgets {
  /** By hour. */
  private readonly settledBy = new Map<number, number>()
  private readonly askedBy = new Map<number, number>()

  /** Micro-dollars, and the requests of audits that no scout was given yet, with when they were asked for. */
  private readonly spentBy = new Map<number, number>()
  private readonly unspent = new Map<number, number>()

  constructor(
    private readonly perDayMin: number,
    /** Micro-dollars; null for no bound. */
    private readonly moneyPerDay: number | null,
    private readonly fail: (invariant: number, what: string) => void,
  ) {}

  settled(wallMs: number): void {
    count(this.settledBy, wallMs)
  }

  asked(task: number, wallMs: number): void {
    count(this.askedBy, wallMs)
    this.unspent.set(task, wallMs)
    const asked = lastDay(this.askedBy, wallMs)
    const most = Math.max(this.perDayMin, shareMax * lastDay(this.settledBy, wallMs))
    if (asked > most) this.fail(44, `${asked} audits within a day, which may have ${most}`)
  }

  /** A scout is given a task of so many bytes: an audit, perhaps once more. */
  given(task: number, bytes: number): void {
    const wallMs = this.unspent.get(task)
    if (wallMs === undefined || this.moneyPerDay === null) return
    this.unspent.delete(task)
    count(this.spentBy, wallMs, priceOf(bytes))
    const spent = lastDay(this.spentBy, wallMs)
    if (spent > this.moneyPerDay) this.fail(44, `audits cost ${spent} within a day, which may cost ${this.moneyPerDay}`)
  }
}

/** In a life whose hub has money for audits a unit of a prompt costs one micro-dollar, and an answer nothing. */
function priceOf(bytes: number): number {
  return Math.ceil(bytes / 4)
}

function count(by: Map<number, number>, wallMs: number, times = 1): void {
  const hour = Math.floor(wallMs / hourMs)
  by.set(hour, (by.get(hour) ?? 0) + times)
}

function lastDay(by: Map<number, number>, wallMs: number): number {
  const from = Math.floor(wallMs / hourMs) - hours
  let sum = 0
  for (const [hour, counted] of by) {
    if (hour > from) sum += counted
    else by.delete(hour)
  }
  return sum
}
