/**
 * The `x-ratelimit-*` headers of a key whose rates are limited, as OpenAI's clients read them: of the key's rates and
 * those of its account the one that has less left. The server puts them on every answer of a route that counts.
 */
import type { RateStanding } from '../../tenants/tenants.ts'
import type { Caller, RequestContext } from '../request-context.ts'

export function rateHeaders({ begun }: RequestContext): Record<string, string> | null {
  if (begun === null) return null
  const headers: Record<string, string> = {}
  const tightest = new Map<RateStanding['unit'], RateStanding>()
  for (const rate of begun.rates()) {
    const known = tightest.get(rate.unit)
    if (known === undefined || rate.remaining < known.remaining) tightest.set(rate.unit, rate)
  }
  for (const { unit, limit, remaining, resetsInMs } of tightest.values()) {
    headers[`x-ratelimit-limit-${unit}`] = String(limit)
    headers[`x-ratelimit-remaining-${unit}`] = String(remaining)
    headers[`x-ratelimit-reset-${unit}`] = `${Math.ceil(resetsInMs / 1_000)}s`
  }
  return headers
}

/** Whether there is anything to count of this caller's requests and tokens by the minute. */
export function hasRates({ account, limits, accountLimits }: Caller): boolean {
  if (limits.requestsPerMinute !== null || limits.tokensPerMinute !== null) return true
  return account !== null && (accountLimits.requestsPerMinute !== null || accountLimits.tokensPerMinute !== null)
}
