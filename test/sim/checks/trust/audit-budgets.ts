/**
 * How many tasks audits ask for: at most a twentieth of those that were settled, or the day's least, however often the
 * hub dies within that day. Invariant 44.
 */

const hourMs = 3_600_000
const hours = 24
const shareMax = 0.05

export class AuditBudgets {
  /** By hour. */
  private readonly settledBy = new Map<number, number>()
  private readonly askedBy = new Map<number, number>()

  constructor(
    private readonly perDayMin: number,
    private readonly fail: (invariant: number, what: string) => void,
  ) {}

  settled(wallMs: number): void {
    count(this.settledBy, wallMs)
  }

  asked(wallMs: number): void {
    count(this.askedBy, wallMs)
    const asked = lastDay(this.askedBy, wallMs)
    const most = Math.max(this.perDayMin, shareMax * lastDay(this.settledBy, wallMs))
    if (asked > most) this.fail(44, `${asked} audits within a day, which may have ${most}`)
  }
}

function count(by: Map<number, number>, wallMs: number): void {
  const hour = Math.floor(wallMs / hourMs)
  by.set(hour, (by.get(hour) ?? 0) + 1)
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
