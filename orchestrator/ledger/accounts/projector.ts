/**
 * The one projector: from the chain to balances, seasons and earnings. It folds batch after batch, each once and in
 * order, and notes what it has touched, so that a snapshot needs to write no more than that. The same batches give the
 * same balances, whenever and however often they are folded. Nothing else changes a balance. Pure.
 */

import { operatorOf } from '../../../shared/scouts/scout-id.ts'
import { type Batch, type ChainEnd, emptyChain, endOf } from '../receipts/chain.ts'
import { isReceipt, type Receipt, readReceipt } from '../receipts/receipt.ts'
import { isFrozen, mayMove, type SeasonState, seasonOfDay } from '../seasons/season.ts'
import { earnedIn, escrowIn, escrowOf, mint } from './account.ts'
import { Balances } from './balances.ts'
import { addReceipt, dayOfReceipt, type Earning, earningKey, noEarning } from './earnings.ts'
import { eventFlaw, type LedgerEvent, readEvent, type SeasonMove, type Transfer } from './events.ts'

/** A season as far as it has come. */
export interface SeasonRow {
  season: string
  state: SeasonState
  /** When it came into its state, in milliseconds since 1970. */
  sinceMs: number
  /** How it was paid. */
  note: string
}

/** What was touched since a snapshot. */
export interface Touched {
  accounts: Set<string>
  earnings: Map<string, Earning>
  seasons: Set<string>
}

export class Projector {
  readonly balances = new Balances()
  readonly seasons = new Map<string, SeasonRow>()
  /** Up to where it has folded. */
  end: ChainEnd = emptyChain
  /** Points in escrow by operator: kept as they move, because every scout is told of its own now and then. */
  private readonly waiting = new Map<string, number>()
  private touched: Touched = nothingTouched()
  private lastDay = -1

  /** Goes on from a snapshot, which was taken after this batch; null for a snapshot of nothing. */
  restore(
    last: Batch | null,
    balances: readonly [account: string, points: number][],
    seasons: readonly SeasonRow[],
  ): void {
    if (last === null) return
    for (const [account, points] of balances) {
      this.balances.restore(account, points)
      this.noteMove(account, points)
    }
    for (const row of seasons) this.seasons.set(row.season, row)
    this.end = endOf(last)
  }

  /** How many rows a snapshot would write now. */
  get dirty(): number {
    return this.touched.accounts.size + this.touched.earnings.size + this.touched.seasons.size
  }

  /** What was touched since the last call. */
  takeTouched(): Touched {
    const { touched } = this
    this.touched = nothingTouched()
    return touched
  }

  /** What earnings have grown by since the last snapshot. */
  get newEarnings(): ReadonlyMap<string, Earning> {
    return this.touched.earnings
  }

  /** Folds the next batch. A batch that does not follow, or an event that cannot be, is a defect. */
  fold(batch: Batch): void {
    if (batch.seq !== this.end.seq + 1) throw new Error(`batch ${batch.seq} does not follow ${this.end.seq}`)
    for (const leaf of batch.leaves) {
      if (isReceipt(leaf)) this.receipt(readReceipt(leaf))
      else this.event(readEvent(leaf), batch.atMs)
    }
    this.end = endOf(batch)
  }

  private receipt(receipt: Receipt): void {
    const { scout, model, points } = receipt
    const day = dayOfReceipt(receipt)
    if (day !== this.lastDay) this.begin(day)
    if (points > 0) {
      const escrow = escrowOf(day, scout, model)
      this.balances.move(mint, escrow, points)
      this.wait(operatorOf(scout), points)
      this.touched.accounts.add(mint).add(escrow)
    }
    const key = earningKey({ day, scout, model })
    let earning = this.touched.earnings.get(key)
    if (earning === undefined) {
      earning = noEarning(day, scout, model)
      this.touched.earnings.set(key, earning)
    }
    addReceipt(earning, receipt)
  }

  private begin(day: number): void {
    this.lastDay = day
    const season = seasonOfDay(day)
    if (this.seasons.has(season)) return
    this.seasons.set(season, { season, state: 'open', sinceMs: day * 86_400_000, note: '' })
    this.touched.seasons.add(season)
  }

  private event(event: LedgerEvent, atMs: number): void {
    const flaw = eventFlaw(event) ?? this.flawOf(event)
    if (flaw !== null) throw new Error(`an event of the ledger cannot be: ${flaw}`)
    if (event.type === 'season') return this.moveSeason(event, atMs)
    this.balances.move(event.from, event.to, event.points)
    this.noteMove(event.from, -event.points)
    this.noteMove(event.to, event.points)
    this.touched.accounts.add(event.from).add(event.to)
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
    this.touched.seasons.add(season)
  }

  /** What does not let this event happen now, as a clause; null when it can. */
  flawOf(event: LedgerEvent): string | null {
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

function nothingTouched(): Touched {
  return { accounts: new Set(), earnings: new Map(), seasons: new Set() }
}
