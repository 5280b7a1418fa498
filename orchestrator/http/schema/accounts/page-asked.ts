/**
 * Which page of a list a request asks for, read off its query. All lists of accounts, keys and audit rows have the same
 * two parameters.
 */
import { type Fault, fault } from '../../../../shared/faults.ts'
import { pageRowsDefault, pageRowsMax } from '../../../../shared/limits/keys.ts'
import type { RequestContext } from '../../request-context.ts'

const idCharsMax = 64

/** What was asked for, or what is wrong with it. */
export function pageAsked({ query }: Pick<RequestContext, 'query'>): { before?: string; limit: number } | Fault {
  const limitText = query.get('limit') ?? String(pageRowsDefault)
  const limit = Number(limitText)
  if (!/^\d{1,3}$/.test(limitText) || limit < 1 || limit > pageRowsMax) {
    return fault('invalid_request', `\`limit\` must be a whole number from 1 to ${pageRowsMax}.`, { param: 'limit' })
  }
  const before = query.get('before')
  if (before === null) return { limit }
  if (before.length > idCharsMax) {
    return fault('invalid_request', '`before` must be the `next` of an earlier page.', { param: 'before' })
  }
  return { before, limit }
}
