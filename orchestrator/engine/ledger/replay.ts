/**
 * The projector as the store has it: the snapshot, and what was sealed behind it folded once more. The hub's start and
 * the season command begin with it.
 */
import { Projector } from '../../ledger/accounts/projector.ts'
import { type Batch, unpackLeaves } from '../../ledger/receipts/chain.ts'
import type { BatchRow, LedgerStore } from '../ports/ledger/ledger-store.ts'

/** Batches that are read at once. */
const portion = 64

/** And up to which batch the snapshot goes. */
export function replayed(store: LedgerStore): { projector: Projector; projected: number } {
  const projector = new Projector()
  const { projected, balances, seasons } = store.snapshot()
  projector.restore(projected === 0 ? null : batchOf(store.batch(projected)!), balances, seasons)
  const next = () => store.batchesAfter(projector.end.seq, portion)
  for (let rows = next(); rows.length > 0; rows = next()) for (const row of rows) projector.fold(batchOf(row))
  return { projector, projected }
}

export function batchOf({ seq, atMs, head, signature, leaves }: BatchRow): Batch {
  return { seq, atMs, head, signature, leaves: unpackLeaves(leaves) }
}
