/**
 * The leaves of a batch as what they say: those of another hub with the points of each receipt computed again under the
 * rules of the batch, those of the own chain as they were sealed. Pure.
 */
import { type LedgerEvent, readEvent } from '../accounts/events.ts'
import type { Rules } from '../points/rules.ts'
import { paidPrice, pointsOf } from '../points/work.ts'
import { earnsNothing } from '../points/zero-rules.ts'
import { isReceipt, type Receipt, readReceipt } from '../receipts/receipt.ts'
import { foreignEvent, foreignReceipt } from './foreign-leaf.ts'

export interface Contents {
  receipts: Receipt[]
  events: LedgerEvent[]
}

/** Or what is wrong with one of them. */
export function contentsOf(leaves: readonly Uint8Array[], rules: Rules): Contents | string {
  const contents: Contents = { receipts: [], events: [] }
  for (const leaf of leaves) {
    if (!isReceipt(leaf)) {
      const event = foreignEvent(leaf)
      if (event === null) return 'an event is none'
      contents.events.push(event)
      continue
    }
    const receipt = foreignReceipt(leaf)
    if (receipt === null) return 'a receipt is none'
    const { task, points, flags, model, promptUnits, answerUnits } = receipt
    const worth = earnsNothing(flags) ? 0 : pointsOf(paidPrice(rules, model), promptUnits, answerUnits)
    if (points !== worth) return `the points of task ${task} are not those of its work`
    contents.receipts.push(receipt)
  }
  return contents
}

export function ownContents(leaves: readonly Uint8Array[]): Contents {
  const contents: Contents = { receipts: [], events: [] }
  for (const leaf of leaves) {
    if (isReceipt(leaf)) contents.receipts.push(readReceipt(leaf))
    else contents.events.push(readEvent(leaf))
  }
  return contents
}
