/**
 * The projector as the store has it: the snapshot, and what was sealed behind it folded once more. The hub's start and
 * the season command begin with it. A snapshot is written row by row, so some rows may be further than the others.
 */
import { type Ahead, Projector } from '../../ledger/accounts/projector.ts'
import type { Batch } from '../../ledger/receipts/chain.ts'
import { unpackLeaves } from '../../ledger/receipts/leaf-buffer.ts'
import type { BatchRow, LedgerStore, Snapshot } from '../ports/ledger/ledger-store.ts'

/** Batches that are read at once. */
const portion = 64

/** And up to which batch the snapshot goes. `today`: of which day it is to say what earned nothing. */
export function replayed(store: LedgerStore, today = -1): { projector: Projector; projected: number } {
  const projector = new Projector()
  const snapshot = store.snapshot()
  const { projected, written, balances, seasons } = snapshot
  projector.restore(projected === 0 ? null : batchOf(store.batch(projected)!), balances, seasons)
  projector.unpaid.restore(store.unpaidOf(today))
  const ahead = written > projected ? aheadOf(snapshot, store) : null
  const next = () => store.batchesAfter(projector.end.seq, portion)
  for (let rows = next(); rows.length > 0; rows = next()) for (const row of rows) projector.fold(batchOf(row), ahead)
  return { projector, projected }
}

/** Rows that go further than the snapshot. */
function aheadOf({ projected, written, balances }: Snapshot, store: LedgerStore): Ahead {
  const accounts = new Map<string, number>()
  for (const { account, upTo } of balances) if (upTo > projected) accounts.set(account, upTo)
  const earnings = new Map<string, number>()
  return {
    upTo: written,
    account: (name) => accounts.get(name) ?? 0,
    earning(day, scout, model) {
      const key = `${day}\t${scout}\t${model}`
      const known = earnings.get(key) ?? store.earningUpTo(day, scout, model)
      earnings.set(key, known)
      return known
    },
  }
}

export function batchOf({ seq, atMs, head, signature, leaves }: BatchRow): Batch {
  return { seq, atMs, head, signature, leaves: unpackLeaves(leaves) }
}
