/**
 * The leaves of a batch as what they say: those of another hub with the points of each receipt computed again under the
 * rules of the batch, those of the own chain as they were sealed. Pure.
 */
import { batchLeavesMax } from '../../../shared/limits/ledger/ledger.ts'
import { type LedgerEvent, readEvent } from '../accounts/events.ts'
import type { Rules } from '../points/rules.ts'
import { paidPrice, pointsOf } from '../points/work.ts'
import { earnsNothing } from '../points/zero-rules.ts'
import { eachLeaf } from '../receipts/leaf-buffer.ts'
import { isReceiptAt, readReceipt } from '../receipts/receipt.ts'
import { foreignEvent } from './foreign-leaf.ts'
import { type ToldReceipt, toldReceipt } from './told-receipt.ts'

/** Good until the contents of the next batch are asked for. */
export interface Contents {
  readonly receipts: ReceiptColumns
  /** Receipts that name another hub, which may have the other half. */
  readonly shared: ToldReceipt[]
  readonly events: LedgerEvent[]
}

/** What is folded of each receipt, in columns: an object for each would be made for every receipt of a network. */
class ReceiptColumns {
  length = 0
  readonly scouts: string[] = new Array(batchLeavesMax).fill('')
  /** Since 1970. */
  readonly seconds = new Float64Array(batchLeavesMax)
  readonly points = new Float64Array(batchLeavesMax)
  /** Whether its hub says that another one asked. */
  readonly isClaimed = new Uint8Array(batchLeavesMax)

  add({ scout, atS, points, asker }: ToldReceipt): void {
    const at = this.length++
    this.scouts[at] = scout
    this.seconds[at] = atS
    this.points[at] = points
    this.isClaimed[at] = asker === '' ? 0 : 1
  }
}

/** Filled again and again. */
const columns = new ReceiptColumns()

/** Of no leaves, to be filled. */
export function noContents(): Contents {
  columns.length = 0
  return { receipts: columns, shared: [], events: [] }
}

/** Of packed leaves, `batchLeavesMax` of them at most; or what is wrong with one of them. */
export function contentsOf(leaves: Uint8Array, rules: Rules): Contents | string {
  const contents = noContents()
  let flaw: string | null = null
  eachLeaf(leaves, (from, to) => {
    flaw ??= foreignFlaw(leaves, from, to, rules, contents)
  })
  return flaw ?? contents
}

function foreignFlaw(leaves: Uint8Array, from: number, to: number, rules: Rules, contents: Contents): string | null {
  if (!isReceiptAt(leaves, from)) {
    const event = foreignEvent(leaves.subarray(from, to))
    if (event === null) return 'an event is none'
    contents.events.push(event)
    return null
  }
  const receipt = toldReceipt(leaves, from, to)
  if (receipt === null) return 'a receipt is none'
  const { task, points, flags, model, promptUnits, answerUnits } = receipt
  const worth = earnsNothing(flags) ? 0 : pointsOf(paidPrice(rules, model), promptUnits, answerUnits)
  if (points !== worth) return `the points of task ${task} are not those of its work`
  addReceipt(contents, receipt)
  return null
}

export function ownContents(leaves: Uint8Array): Contents {
  const contents = noContents()
  eachLeaf(leaves, (from, to) => {
    if (isReceiptAt(leaves, from)) addReceipt(contents, toldReceipt(leaves, from, to, readReceipt)!)
    else contents.events.push(readEvent(leaves.subarray(from, to)))
  })
  return contents
}

function addReceipt(contents: Contents, receipt: ToldReceipt): void {
  contents.receipts.add(receipt)
  if (receipt.asker !== '' || receipt.home !== '') contents.shared.push({ ...receipt })
}
