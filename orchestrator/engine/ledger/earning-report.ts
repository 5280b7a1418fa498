/**
 * What was earned: as the store has it up to its snapshot, and what grew since then. The ledger asks for reports.
 */
import { addEarning, type Earning, earningKey, inReading, isMeant, noEarning } from '../../ledger/accounts/earnings.ts'
import type { EarningFilter, LedgerStore } from '../ports/ledger/ledger-store.ts'

/** Newest day first. `grown`: what the store does not have yet. */
export function earningsWith(
  store: Pick<LedgerStore, 'earnings'>,
  grown: Iterable<Earning>,
  filter: EarningFilter,
): Earning[] {
  const rows = new Map(store.earnings(filter).map((row) => [earningKey(row), row]))
  for (const news of grown) {
    if (!isMeant(news, filter)) continue
    const key = earningKey(news)
    const row = rows.get(key) ?? noEarning(news.day, news.scout, news.model)
    addEarning(row, news)
    rows.set(key, row)
  }
  return [...rows.values()].sort(inReading).slice(0, filter.limit)
}
