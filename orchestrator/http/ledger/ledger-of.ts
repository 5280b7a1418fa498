/**
 * The hub's ledger for the routes that read it, or the refusal of a hub that gives no receipts or shows no points; and
 * the numbers that they are asked for.
 */
import { type Fault, fault, plainMessage } from '../../../shared/faults.ts'
import type { LedgerReport } from '../../engine/ports/ledger/ledger.ts'
import type { RequestContext } from '../request-context.ts'

const noReceipts = fault('not_found', 'This orchestrator gives no receipts: its operator can set RECEIPTS=on.')
const noPoints = fault('not_found', 'This orchestrator shows no points: its operator can set POINTS=show.')

export function ledgerOf({ edge }: RequestContext): LedgerReport | Fault {
  return edge.engine.ledger ?? noReceipts
}

/** The same where points are shown. */
export function pointsOf(context: RequestContext): LedgerReport | Fault {
  const ledger = ledgerOf(context)
  return 'code' in ledger || ledger.mode !== 'off' ? ledger : noPoints
}

/** A whole number of the query; `fallback` where it is absent. */
export function numberAsked(query: URLSearchParams, name: string, fallback: number): number | Fault {
  const text = query.get(name)
  if (text === null) return fallback
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  return Number.isNaN(number) ? wrong(name, 'must be a whole number') : number
}

export function wrong(param: string, rule: string): Fault {
  return fault('invalid_request', plainMessage(`\`${param}\` ${rule}.`), { param: plainMessage(param) })
}
