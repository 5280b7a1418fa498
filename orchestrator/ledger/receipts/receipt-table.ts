/**
 * Receipts as a table for people: what was done when, by which scout, and what it was worth. It proves nothing; the
 * export of the chain does. Pure.
 */
import { csvLine } from '../csv.ts'
import { zeroReasons } from '../points/zero-rules.ts'
import type { Receipt } from './receipt.ts'

const columns = 'time task scout kind model provider prompt_units answer_units points nothing_because'

export const receiptTableHead = csvLine(columns.split(' '))

export function receiptTableLine(receipt: Receipt): string {
  const { atS, task, scout, kind, model, provider, promptUnits, answerUnits, points, flags } = receipt
  const what = [new Date(atS * 1_000).toISOString(), task, scout, kind, model, provider]
  return csvLine([...what, promptUnits, answerUnits, points, zeroReasons(flags).join(' ')])
}
