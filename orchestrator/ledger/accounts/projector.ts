/**
 * The one projector: from the chain to balances, seasons and earnings. It folds batch after batch, each once and in
 * order, and notes what it has touched, so that a snapshot needs to write no more than that. The same batches give the
 * same balances, whenever and however often they are folded, also from a snapshot that was being written. Nothing else
 * changes a balance. Pure.
 */

import { operatorOf } from '../../../shared/scouts/scout-id.ts'
import { type Batch, type ChainEnd, emptyChain, endOf } from '../receipts/chain.ts'
import { isReceipt, type Receipt, readReceipt } from '../receipts/receipt.ts'
import { dayMs, isFrozen, mayMove, type SeasonState, seasonOfDay } from '../seasons/season.ts'
import { earnedIn, escrowIn, mint } from './account.ts'
import { Balances } from './balances.ts'
import { addReceipt, dayOfReceipt } from './earnings.ts'
import { eventFlaw, type LedgerEvent, readEvent, type SeasonMove, type Transfer } from './events.ts'
import { UnpaidToday } from './unpaid-today.ts'
import { type News, Unwritten } from './unwritten.ts'

/** A season as far as it has come. */
export interface SeasonRow {
  season: string
  state: SeasonState
  /** When it came into its state, in milliseconds since 1970. */
  sinceMs: number
  /** How it was paid. */
  note: string
}

/** What is folded of a receipt. */
export type Worked = Pick<Receipt, 'atS' | 'scout' | 'model' | 'points' | 'flags'>

/** What the leaves of a batch say, in order, as a list has it; it is read before the next one is asked for. */
export interface Said {
  readonly length: number
  at(place: number): Worked | LedgerEvent | undefined
}

/**
 * Rows of a snapshot that go further than the snapshot, because the process ended before all of its rows were written:
 * up to which batch each of them goes.
 */
export interface Ahead {
  /** No row goes further. */
  upTo: number
  account(name: string): number
  earning(day: number, scout: string, model: string): number
}

export class Projector {
  readonly balances = new Balances()
  readonly seasons = new Map<string, SeasonRow>()
  readonly unpaid = new UnpaidToday()
  /** Up to where it has folded. */
  end: ChainEnd = emptyChain
  /** Points in escrow by operator: kept as they move, because every scout is told of its own now and then. */
  private readonly waiting = new Map<string, number>()
  private unwritten = new Unwritten()
  private lastDay = -1

  /** Goes on from a snapshot, which was taken after this batch; null for a snapshot of nothing. */
  restore(
    last: Batch | null,
    balances: readonly { account: string; points: number }[],
    seasons: readonly SeasonRow[],
  ): void {
    for (const { account, points } of balances) {
      if (points === 0) continue
      this.balances.restore(account, points)
      this.noteMove(account, points)
    }
    for (const row of seasons) this.seasons.set(row.season, row)
    if (last !== null) this.end = endOf(last)
  }

  /** What no snapshot has yet. */
  get news(): Pick<Unwritten, 'rows' | 'growth'> {
    return this.unwritten
  }

  /** Sets apart what no snapshot has yet; what is touched from now on is not in it. */
  turnOver(): Unwritten {
    const { unwritten } = this
    this.unwritten = new Unwritten()
    return unwritten
  }

  /** Folds the next batch. A batch that does not follow, or an event that cannot be, is a defect. */
  fold(batch: Batch, ahead: Ahead | null = null): void {
    const leaves = batch.leaves.map((leaf) => (isReceipt(leaf) ? readReceipt(leaf) : readEvent(leaf)))
    this.take(batch, leaves, ahead !== null && batch.seq <= ahead.upTo ? ahead : null)
  }

  /** The same of a batch whose leaves are known as what they say. */
  take(batch: Pick<Batch, 'seq' | 'head' | 'atMs'>, leaves: Said, ahead: Ahead | null = null): void {
    const { seq, atMs } = batch
    if (seq !== this.end.seq + 1) throw new Error(`batch ${seq} does not follow ${this.end.seq}`)
    for (let place = 0; place < leaves.length; place++) {
      const leaf = leaves.at(place)!
      if ('type' in leaf) this.event(leaf, { seq, atMs, ahead })
      else if (ahead === null) this.receipt(leaf)
      else this.receiptAgain(leaf, seq, ahead)
    }
    this.end = endOf(batch)
  }

  private receipt(worked: Worked): void {
    const { points } = worked
    const news = this.newsOf(worked)
    if (points > 0) {
      if (news.escrow === null) this.unwritten.accounts.add(mint).add(news.account)
      news.escrow = this.balances.mint(news.account, points, news.escrow)
      this.wait(news.operator, points)
    }
    this.count(news, worked)
  }

  /** Of a batch that some rows of the snapshot have already: each side counts where it is not in its row. */
  private receiptAgain(worked: Worked, seq: number, ahead: Ahead): void {
    const { scout, model, points } = worked
    const news = this.newsOf(worked)
    if (points > 0) {
      this.half(mint, -points, seq, ahead)
      this.half(news.account, points, seq, ahead)
    }
    if (ahead.earning(news.day, scout, model) < seq) this.count(news, worked)
  }

  private half(account: string, points: number, seq: number, ahead: Ahead | null): void {
    if (ahead !== null && ahead.account(account) >= seq) return
    this.balances.half(account, points)
    this.noteMove(account, points)
    this.unwritten.accounts.add(account)
  }

  private newsOf(worked: Worked): News {
    const day = dayOfReceipt(worked)
    if (day !== this.lastDay) this.begin(day)
    return this.unwritten.newsOf(day, worked.scout, worked.model)
  }

  private count(news: News, worked: Worked): void {
    addReceipt(news, worked)
    news.unpaidToday = this.unpaid.count(news.day, worked, news.unpaidToday)
  }

  private begin(day: number): void {
    this.lastDay = day
    const season = seasonOfDay(day)
    if (this.seasons.has(season)) return
    this.seasons.set(season, { season, state: 'open', sinceMs: day * dayMs, note: '' })
    this.unwritten.seasons.add(season)
  }

  private event(event: LedgerEvent, { seq, atMs, ahead }: { seq: number; atMs: number; ahead: Ahead | null }): void {
    // What was sealed before could be when it was sealed; rows that are ahead would say otherwise.
    const flaw = ahead === null ? (eventFlaw(event) ?? this.flawOf(event)) : null
    if (flaw !== null) throw new Error(`an event of the ledger cannot be: ${flaw}`)
    if (event.type === 'pin') return
    if (event.type === 'season') return this.moveSeason(event, atMs)
    this.half(event.from, -event.points, seq, ahead)
    this.half(event.to, event.points, seq, ahead)
  }

  private noteMove(account: string, points: number): void {
    const earned = earnedIn(account)
    if (earned !== null) return this.wait(earned.operator, 0)
    const escrow = escrowIn(account)
    if (escrow !== null) this.wait(operatorOf(escrow.scout), points)
  }

  private wait(operator: string, points: number): void {
    this.waiting.set(operator, (this.waiting.get(operator) ?? 0) + points)
  }

  /** Everybody who has earned anything, or waits for it. */
  operators(): IterableIterator<string> {
    return this.waiting.keys()
  }

  waitingOf(operator: string): number {
    return this.waiting.get(operator) ?? 0
  }

  private moveSeason({ season, to, note = '' }: SeasonMove, atMs: number): void {
    this.seasons.set(season, { season, state: to, sinceMs: atMs, note })
    this.unwritten.seasons.add(season)
  }

  /** What does not let this event happen now, as a clause; null when it can. */
  flawOf(event: LedgerEvent): string | null {
    if (event.type === 'pin') return null
    return event.type === 'season' ? this.seasonFlaw(event) : this.transferFlaw(event)
  }

  private seasonFlaw({ season, to }: SeasonMove): string | null {
    const state = this.seasons.get(season)?.state
    if (state === undefined) return `nothing was earned in season ${season}`
    return mayMove(state, to) ? null : `season ${season} is ${state} and cannot be ${to} next`
  }

  private transferFlaw({ from, to, points }: Transfer): string | null {
    const frozen = [from, to].map(earnedIn).find((earned) => isFrozen(this.seasons.get(earned?.season ?? '')?.state))
    if (frozen) return `season ${frozen.season} is frozen`
    const balance = this.balances.of(from)
    return from === mint || balance >= points ? null : `${from} has ${balance} points and not ${points}`
  }
}
