/**
 * What the projector has touched and no snapshot has yet: accounts by name, seasons, and what earnings have grown by.
 * Rows of scouts that work all day are touched again and again and written once. What is to be written is set apart as
 * a whole and taken in portions, while what comes meanwhile gathers in another one. Pure.
 */
import { operatorOf } from '../../../shared/scouts/scout-id.ts'
import { escrowOf } from './account.ts'
import type { Balance } from './balances.ts'
import type { Earning } from './earnings.ts'

/** What one scout did with one model in one day, as far as it is not written. */
export class News implements Earning {
  tasks = 0
  points = 0
  unpaid = 0
  own = 0
  directed = 0
  unlisted = 0
  loop = 0
  repeat = 0
  convicted = 0
  /** Whose scout it is, and the escrow account of it; made once. */
  readonly operator: string
  readonly account: string
  /** What the scout is told of the day, once there is anything: looked up once. */
  unpaidToday: Earning | null = null
  /** What that account has, once it was touched along with it: looked up once. */
  escrow: Balance | null = null
  /** It is in the store by now. */
  isWritten = false
  /** Of the same scout, with another model or day. */
  next: News | null = null

  constructor(
    readonly day: number,
    readonly scout: string,
    readonly model: string,
  ) {
    this.operator = operatorOf(scout)
    this.account = escrowOf(day, scout, model)
  }
}

/** Some rows of it, in the order in which they were touched. */
export interface Portion {
  accounts: string[]
  earnings: News[]
  seasons: string[]
  /** Nothing is left behind it. */
  isLast: boolean
}

export class Unwritten {
  readonly accounts = new Set<string>()
  readonly seasons = new Set<string>()
  /** The first one of each scout, which has few models and days. */
  private readonly earnings = new Map<string, News>()
  private news = 0
  /** What is left to be taken, once that has begun. */
  private left: { accounts: Iterator<string>; earnings: Iterator<News> } | null = null

  /** Rows that writing it takes. */
  get rows(): number {
    return this.accounts.size + this.news + this.seasons.size
  }

  newsOf(day: number, scout: string, model: string): News {
    let last: News | null = null
    for (let row = this.earnings.get(scout) ?? null; row !== null; row = row.next) {
      if (row.day === day && row.model === model) return row
      last = row
    }
    const row = new News(day, scout, model)
    if (last === null) this.earnings.set(scout, row)
    else last.next = row
    this.news++
    return row
  }

  /** What is not in the store yet: of one scout, or of all. */
  *growth(scout?: string): Iterable<News> {
    const rows = scout === undefined ? this.allNews() : rowsFrom(this.earnings.get(scout))
    for (const row of rows) if (!row.isWritten) yield row
  }

  private *allNews(): IterableIterator<News> {
    for (const first of this.earnings.values()) yield* rowsFrom(first)
  }

  /** The next rows, about so many; nothing may be touched in it any more. */
  take(rowsMax: number): Portion {
    const isFirst = this.left === null
    this.left ??= { accounts: this.accounts.values(), earnings: this.allNews() }
    const { accounts, earnings } = this.left
    const portion: Portion = { accounts: [], earnings: [], seasons: isFirst ? [...this.seasons] : [], isLast: false }
    for (let rows = 0; rows < rowsMax; rows++) {
      const account = accounts.next()
      if (account.done !== true) portion.accounts.push(account.value)
      const row = earnings.next()
      if (row.done !== true) portion.earnings.push(row.value)
      if (account.done !== true || row.done !== true) continue
      portion.isLast = true
      break
    }
    return portion
  }
}

function* rowsFrom(first: News | undefined): IterableIterator<News> {
  for (let row = first ?? null; row !== null; row = row.next) yield row
}
