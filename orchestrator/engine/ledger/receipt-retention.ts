/**
 * Lets go of receipts whose season has been over for long. Of their batches head and signature stay, so that the chain
 * has no gap, and events stay as they are: what moved points can be read for good. It goes along the chain, some
 * batches in each turn, and is never ahead of the snapshot, from which a start goes on.
 */
import {
  forgottenBatchesMax,
  forgottenBatchesPerTurn,
  forgottenReceiptsPerTurn,
} from '../../../shared/limits/ledger/ledger.ts'
import type { Steps } from '../../../shared/turn-lane.ts'
import { unpackLeaves } from '../../ledger/receipts/leaf-buffer.ts'
import { isReceipt, readReceipt } from '../../ledger/receipts/receipt.ts'
import type { Journal } from '../durability/journal.ts'
import type { BatchRow, LedgerStore } from '../ports/ledger/ledger-store.ts'

interface RetentionParts {
  store: Pick<LedgerStore, 'batch' | 'forgottenUpTo'>
  journal: Pick<Journal, 'trouble' | 'addHere'>
}

/** Batches that have been looked at, and what goes of them. */
interface Portion {
  upTo: number
  batches: number[]
  tasks: number[]
}

export class ReceiptRetention {
  /** Up to which batch receipts are forgotten, or that is on its way to the store. */
  private upTo: number

  constructor(private readonly parts: RetentionParts) {
    this.upTo = parts.store.forgottenUpTo()
  }

  /** Of batches that were sealed before this moment, none of them behind batch `last`. */
  *forget(beforeMs: number, last: number): Steps<void> {
    const { journal } = this.parts
    const end = Math.min(last, this.upTo + forgottenBatchesMax)
    while (this.upTo < end && journal.trouble === null) {
      const from = this.upTo
      const { upTo, ...gone } = this.portion(beforeMs, end)
      if (upTo === from) return
      this.upTo = upTo
      journal.addHere([{ write: 'forgetLeaves', from, to: upTo, ...gone }], done)
      yield
    }
  }

  private portion(beforeMs: number, end: number): Portion {
    const portion: Portion = { upTo: this.upTo, batches: [], tasks: [] }
    const { tasks, batches } = portion
    const last = Math.min(end, this.upTo + forgottenBatchesPerTurn)
    while (portion.upTo < last && tasks.length < forgottenReceiptsPerTurn) {
      const row = this.parts.store.batch(portion.upTo + 1)
      if (row === undefined || row.atMs >= beforeMs) break
      const own = tasksIn(row)
      tasks.push(...own)
      if (own.length > 0) batches.push(row.seq)
      portion.upTo = row.seq
    }
    return portion
  }
}

/** Of its receipts; none in a batch of events, of which there are batches of their own. */
function tasksIn({ leaves }: BatchRow): number[] {
  const found = unpackLeaves(leaves)
  return found.every(isReceipt) ? found.map((leaf) => readReceipt(leaf).task) : []
}

const done = (): void => {}
