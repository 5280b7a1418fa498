/**
 * The balances that follow from a ledger, computed again from its first batch on: receipts put points into escrow,
 * events move them. At any time nothing is lost and nobody is below zero. It can only be told of a file that has every
 * leaf; `ledger-check.ts` stops asking once one is missing.
 */
import { must } from './flaw.ts'
import { type Event, isWork, type Work } from './line-check.ts'
import { Tasks } from './tasks.ts'

/** What each reason may move, from one kind of account to another. */
const legal: Readonly<Record<string, readonly string[]>> = {
  vest: ['escrow>earned'],
  hold: ['escrow>held', 'earned>held'],
  release: ['held>escrow', 'held>earned'],
  clawback: ['held>burn', 'escrow>burn', 'earned>burn'],
  cap: ['earned>burn'],
  grant: ['mint>earned', 'mint>client'],
  revoke: ['earned>burn', 'client>burn'],
  deposit: ['earned>client'],
  reserve: ['client>reserved'],
  spend: ['reserved>burn'],
  refund: ['reserved>client', 'pledged>client'],
  pledge: ['client>pledged'],
  forfeit: ['pledged>burn'],
  repay: ['burn>client'],
}

const nextStates: Readonly<Record<string, string>> = { open: 'closing', closing: 'closed', closed: 'paid' }

export class Books {
  private readonly balances = new Map<string, number>()
  private readonly seasons = new Map<string, string>()
  private readonly tasks = new Tasks()

  /** The leaves of the next batch. */
  take(steps: readonly (Work | Event)[]): void {
    for (const step of steps) {
      if (isWork(step)) this.work(step)
      else this.event(step)
    }
  }

  private work({ tasks, escrow, days }: Work): void {
    for (const task of tasks) must(this.tasks.add(task), () => `task ${task} has two receipts`)
    for (const day of days) this.begin(day)
    for (const [account, points] of escrow) this.move('mint', account, points)
  }

  private begin(day: number): void {
    const season = new Date(day * 86_400_000).toISOString().slice(0, 7)
    if (!this.seasons.has(season)) this.seasons.set(season, 'open')
  }

  private event(event: Event): void {
    if (event.type === 'season') return this.moveSeason(String(event.season), String(event.to))
    // Of a scout's key, which moves nothing.
    if (event.type === 'pin') return
    must(event.type === 'transfer', () => `there is no event of the type ${String(event.type)}`)
    const { why, from, to, points } = event
    must(typeof from === 'string' && typeof to === 'string', () => 'a transfer names no accounts')
    const isCount = typeof points === 'number' && Number.isSafeInteger(points) && points > 0
    must(isCount, () => 'a transfer moves no whole number of points above zero')
    const pair = `${kindOf(from)}>${kindOf(to)}`
    const isLegal = typeof why === 'string' && Object.hasOwn(legal, why) && legal[why]!.includes(pair)
    must(isLegal, () => `${String(why)} does not move points from ${pair}`)
    for (const account of [from, to]) {
      const [kind, season = ''] = account.split('\t')
      const isFrozen = kind === 'earned' && ['closed', 'paid'].includes(this.seasons.get(season) ?? '')
      must(!isFrozen, () => `points of season ${season} move after it was frozen`)
    }
    this.move(from, to, points)
  }

  private moveSeason(season: string, to: string): void {
    const state = this.seasons.get(season)
    must(state !== undefined && nextStates[state] === to, () => `season ${season} cannot be ${to} after ${state}`)
    this.seasons.set(season, to)
  }

  private move(from: string, to: string, points: number): void {
    this.add(from, -points)
    this.add(to, points)
  }

  private add(account: string, points: number): void {
    const balance = (this.balances.get(account) ?? 0) + points
    must(balance >= 0 || account === 'mint', () => `${account.replaceAll('\t', ' ')} falls below zero`)
    if (balance === 0) this.balances.delete(account)
    else this.balances.set(account, balance)
  }

  /** Sums by kind of account; `mint` as what was ever made. */
  sums(): Record<string, number> {
    const sums: Record<string, number> = { minted: 0, escrow: 0, earned: 0, held: 0, burnt: 0, spendable: 0 }
    for (const [account, points] of this.balances) {
      const kind = kindOf(account)
      const name =
        { mint: 'minted', burn: 'burnt', client: 'spendable', reserved: 'spendable', pledged: 'spendable' }[kind] ??
        kind
      sums[name] = (sums[name] ?? 0) + (kind === 'mint' ? -points : points)
    }
    return sums
  }

  /** Points by operator that a season has given, the most first. */
  season(name: string): [operator: string, points: number][] {
    const rows: [string, number][] = []
    for (const [account, points] of this.balances) {
      const [kind, season, operator] = account.split('\t')
      if (kind === 'earned' && season === name) rows.push([operator!, points])
    }
    return rows.sort(([, one], [, other]) => other - one)
  }

  get seasonNames(): string[] {
    return [...this.seasons.keys()].sort()
  }
}

function kindOf(account: string): string {
  return account.split('\t', 1)[0]!
}
