/**
 * What is burnt before a season closes: of each operator's points those that stem from one owner beyond the cap. All
 * receipts of the season are looked at once more, in steps; it is done once a month.
 */

import { operatorOf } from '../../../shared/scouts/scout-id.ts'
import type { Steps } from '../../../shared/turn-lane.ts'
import { burn, earnedOf } from '../../ledger/accounts/account.ts'
import type { Transfer } from '../../ledger/accounts/events.ts'
import type { Projector } from '../../ledger/accounts/projector.ts'
import { unpackLeaves } from '../../ledger/receipts/leaf-buffer.ts'
import { isReceipt, type Receipt, readReceipt } from '../../ledger/receipts/receipt.ts'
import { excessOf } from '../../ledger/seasons/concentration.ts'
import { endOfSeason, seasonAt, startOfSeason } from '../../ledger/seasons/season.ts'
import type { LedgerStore } from '../ports/ledger/ledger-store.ts'

type Batches = Pick<LedgerStore, 'batch' | 'batchesAfter'>

/** Batches of one step. */
const portion = 2
/** A durable task may be sealed so long after it was committed, by a process that was down. */
const lateMs = 7 * 86_400_000

export function* capsOf(projector: Projector, store: Batches, season: string): Steps<Transfer[]> {
  const byOperator = new Map<string, Map<string, number>>()
  const endMs = endOfSeason(season)
  const first = firstBatchFrom(store, projector.end.seq, startOfSeason(season))
  for (let seq = first - 1; ; ) {
    const rows = store.batchesAfter(seq, portion)
    for (const { leaves } of rows) {
      for (const leaf of unpackLeaves(leaves)) if (isReceipt(leaf)) count(byOperator, season, readReceipt(leaf))
    }
    const last = rows.at(-1)
    if (last === undefined || last.atMs > endMs + lateMs) break
    seq = last.seq
    yield
  }
  const events: Transfer[] = []
  for (const [operator, owners] of byOperator) {
    const from = earnedOf(season, operator)
    const points = Math.min(excessOf(owners.values()), projector.balances.of(from))
    if (points > 0) events.push({ type: 'transfer', why: 'cap', from, to: burn, points })
  }
  return events
}

function count(byOperator: Map<string, Map<string, number>>, season: string, receipt: Receipt): void {
  const { points, atS, scout, tenantTag } = receipt
  if (points === 0 || seasonAt(atS * 1000) !== season) return
  const operator = operatorOf(scout)
  const owners = byOperator.get(operator) ?? new Map<string, number>()
  byOperator.set(operator, owners)
  const tag = Buffer.from(tenantTag).toString('hex')
  owners.set(tag, (owners.get(tag) ?? 0) + points)
}

/** The number of the first batch that was sealed then or later; batches are sealed in the order of time, or nearly. */
function firstBatchFrom(store: Batches, lastSeq: number, fromMs: number): number {
  let [low, high] = [1, lastSeq + 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((store.batch(middle)?.atMs ?? 0) < fromMs) low = middle + 1
    else high = middle
  }
  return low
}
