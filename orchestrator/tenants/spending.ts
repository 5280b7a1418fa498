/**
 * What one key or one account has used of its budgets in the current day, week and month, and what is reserved for
 * tasks that are under way. Reserving happens before work begins, so that many requests at once cannot pass a budget
 * that has room for one; settling replaces what was reserved by what was used. Pure: days come in as numbers.
 */
import { type Budget, budgetPeriods } from '../../shared/keys/key-terms.ts'
import type { Elsewhere, UsedSums } from './elsewhere.ts'
import { firstDay, nextFirstDay, type Period } from './periods.ts'
import { type Amount, saturated } from './price.ts'

/** What was used in one day, as it was booked. */
export interface DaySum extends Amount {
  readonly day: number
}

interface Sum {
  tokens: number
  microDollars: number
}

export class Spending {
  private day: number
  private readonly used: Record<Period, Sum> = { day: nothing(), week: nothing(), month: nothing() }
  private readonly reserved = nothing()

  /** `booked`: the days from the first one of the current month or week on, whichever began earlier. */
  constructor(day: number, booked: readonly DaySum[]) {
    this.day = day
    for (const sum of booked) {
      for (const period of budgetPeriods) if (sum.day >= firstDay(period, day)) add(this.used[period], sum)
    }
  }

  /** The first day of which a `Spending` of this day has to know. */
  static since(day: number): number {
    return Math.min(firstDay('week', day), firstDay('month', day))
  }

  /**
   * The budget that has no room for so much more, of several the one that resets last; null when all have it. Where
   * other hubs use it too, what they have told counts.
   */
  lacking(budgets: readonly Budget[], amount: Amount, day: number, elsewhere: Elsewhere | null = null): Budget | null {
    this.turn(day)
    let found: Budget | null = null
    for (const budget of budgets) {
      const { per, unit, amount: most } = budget
      const more = unit === 'tokens' ? amount.tokens : amount.microDollars
      const others = elsewhere?.othersOf(per, unit, day) ?? 0
      // A hub that has lost its books may have told of more than it knows.
      const own = Math.max(this.taken(per, unit), elsewhere?.toldOf(per, unit, day) ?? 0)
      if (own + others + more <= most) continue
      // Until the last of them resets, no other one helps.
      if (found === null || nextFirstDay(per, day) > nextFirstDay(found.per, day)) found = budget
    }
    return found
  }

  /**
   * Whether so much more has to wait until the others know what this hub has used: of what is left of a budget each of
   * the hubs may use an equal share that the others do not know of, and one task however large.
   */
  isBeyondShare(budgets: readonly Budget[], amount: Amount, day: number, elsewhere: Elsewhere, hubs: number): boolean {
    this.turn(day)
    return budgets.some(({ per, unit, amount: most }) => {
      const more = unit === 'tokens' ? amount.tokens : amount.microDollars
      const told = elsewhere.toldOf(per, unit, day)
      const untold = Math.max(0, of(this.used[per], unit) - told) + of(this.reserved, unit)
      const left = most - told - elsewhere.othersOf(per, unit, day)
      return untold > 0 && untold + more > left / hubs
    })
  }

  /** All that was used, as it is told to others. */
  sums(day: number): UsedSums {
    this.turn(day)
    const { used } = this
    return { day: this.day, used: { day: { ...used.day }, week: { ...used.week }, month: { ...used.month } } }
  }

  reserve(amount: Amount): void {
    this.reserved.tokens += amount.tokens
    this.reserved.microDollars += amount.microDollars
  }

  release({ tokens, microDollars }: Amount): void {
    const { reserved } = this
    // A defect: the budget would admit more than it has from now on.
    if (tokens > reserved.tokens || microDollars > reserved.microDollars) {
      throw new Error('more of a budget was released than was reserved')
    }
    reserved.tokens -= tokens
    reserved.microDollars -= microDollars
  }

  use(amount: Amount, day: number): void {
    this.turn(day)
    const { used } = this
    add(used.day, amount)
    add(used.week, amount)
    add(used.month, amount)
  }

  usedOf(per: Period, unit: Budget['unit'], day: number): number {
    this.turn(day)
    return of(this.used[per], unit)
  }

  reservedOf(unit: Budget['unit']): number {
    return of(this.reserved, unit)
  }

  /** Whether no task is under way. */
  get isIdle(): boolean {
    return this.reserved.tokens === 0 && this.reserved.microDollars === 0
  }

  private taken(per: Period, unit: Budget['unit']): number {
    return of(this.used[per], unit) + of(this.reserved, unit)
  }

  /** A clock that was set back opens no budget again: the latest day that was seen counts. */
  private turn(day: number): void {
    if (day <= this.day) return
    for (const period of budgetPeriods) {
      if (firstDay(period, day) > this.day) Object.assign(this.used[period], nothing())
    }
    this.day = day
  }
}

function nothing(): Sum {
  return { tokens: 0, microDollars: 0 }
}

function add(sum: Sum, { tokens, microDollars }: Amount): void {
  sum.tokens = saturated(sum.tokens + tokens)
  sum.microDollars = saturated(sum.microDollars + microDollars)
}

function of(sum: Sum, unit: Budget['unit']): number {
  return unit === 'tokens' ? sum.tokens : sum.microDollars
}
