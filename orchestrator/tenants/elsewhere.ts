/**
 * What the hubs of a network have used of one key's or account's budgets: what each of the others has told, and what
 * this one has told them. Periods that are over count nothing; what a hub tells never becomes less, so that an old word
 * said again changes nothing. Pure.
 */
import { type Budget, budgetPeriods } from '../../shared/keys/key-terms.ts'
import { firstDay, type Period } from './periods.ts'
import type { Amount } from './price.ts'

/** What one hub has used in the periods of this day. */
export interface UsedSums {
  day: number
  used: Record<Period, Amount>
}

export class Elsewhere {
  private own: UsedSums | null = null
  /** By hub; the roster bounds it. */
  private readonly others = new Map<string, UsedSums>()

  /** This hub has told this, and whoever reads it knows. */
  told(sums: UsedSums): void {
    this.own = later(this.own, sums)
  }

  /** What was told is not there any more. */
  forgetTold(): void {
    this.own = null
  }

  heard(hub: string, sums: UsedSums): void {
    this.others.set(hub, later(this.others.get(hub) ?? null, sums))
  }

  toldOf(per: Period, unit: Budget['unit'], day: number): number {
    return this.own === null ? 0 : within(this.own, per, unit, day)
  }

  othersOf(per: Period, unit: Budget['unit'], day: number): number {
    let sum = 0
    for (const sums of this.others.values()) sum += within(sums, per, unit, day)
    return sum
  }

  /** Whether the others know all of this. */
  isTold({ day, used }: UsedSums): boolean {
    const isKnown = (per: Period) =>
      used[per].tokens <= this.toldOf(per, 'tokens', day) &&
      used[per].microDollars <= this.toldOf(per, 'micro_dollars', day)
    return budgetPeriods.every(isKnown)
  }
}

/** Both, each period as it is at the later day; where they are of one period, the larger numbers. */
function later(one: UsedSums | null, other: UsedSums): UsedSums {
  if (one === null) return other
  const day = Math.max(one.day, other.day)
  const most = (per: Period, unit: Budget['unit']) =>
    Math.max(within(one, per, unit, day), within(other, per, unit, day))
  const used = (per: Period) => ({ tokens: most(per, 'tokens'), microDollars: most(per, 'micro_dollars') })
  return { day, used: { day: used('day'), week: used('week'), month: used('month') } }
}

/** Nothing when its period is another one than that of the day. */
function within({ day: of, used }: UsedSums, per: Period, unit: Budget['unit'], day: number): number {
  if (firstDay(per, of) !== firstDay(per, day)) return 0
  return unit === 'tokens' ? used[per].tokens : used[per].microDollars
}
