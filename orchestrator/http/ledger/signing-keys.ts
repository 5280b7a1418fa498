/**
 * The key with which a scout signs what it answers, as its operator takes it back: the ledger keeps the first one that
 * signed, and another machine, or a lost file, needs another one. That it was taken back stands in the chain.
 */
import { fault } from '../../../shared/faults.ts'
import type { RequestContext } from '../request-context.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { ledgerOf } from './ledger-of.ts'

const noKey = fault('not_found', 'No key is kept for a scout of yours with this name.', { param: 'id' })

export function forgetSigningKey(context: RequestContext): Response {
  const { id, params, caller } = context
  const ledger = ledgerOf(context)
  if ('code' in ledger) return refuse(id, ledger)
  const name = params.id
  const found = ledger.unpin(`${caller!.tenant}/${name}`)
  if (typeof found !== 'boolean') return refuse(id, found)
  return found ? jsonResponse(id, JSON.stringify({ object: 'signing_key', name, kept: false })) : refuse(id, noKey)
}
