/**
 * What was earned: as the store has it up to its snapshot, and what grew since then. The ledger asks for reports.
 */
import {
  addEarning,
  comesBehind,
  type Earning,
  earningKey,
  inReading,
  noEarning,
} from '../../ledger/accounts/earnings.ts'
import type { EarningFilter, LedgerStore } from '../ports/ledger/ledger-store.ts'

/** Newest day first. `grown`: what the store does not have yet. */
export function earningsWith(
  store: Pick<LedgerStore, 'earnings'>,
  grown: Iterable<Earning>,
  filter: EarningFilter,
): Earning[] {
  const rows = new Map(store.earnings(filter).map((row) => [earningKey(row), row]))
  for (const news of grown) {
    if (!isMeant(filter, news)) continue
    const key = earningKey(news)
    const row = rows.get(key) ?? noEarning(news.day, news.scout, news.model)
    addEarning(row, news)
    rows.set(key, row)
  }
  return [...rows.values()].sort(inReading).slice(0, filter.limit)
}

function isMeant({ operator, scout, from, to, after }: EarningFilter, row: Earning): boolean {
  if (row.day < from || row.day > to || (after !== undefined && !comesBehind(row, after))) return false
  return scout === undefined ? operator === null || row.scout.startsWith(`${operator}/`) : row.scout === scout
}
