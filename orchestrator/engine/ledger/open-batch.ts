/**
 * A batch that is not sealed yet: the bytes of its receipts as they will be stored, and what the projector needs of
 * them. The maker packs into it, the writer seals it.
 */
import type { Worked } from '../../ledger/accounts/projector.ts'
import { LeafBuffer } from '../../ledger/receipts/leaf-buffer.ts'

export class OpenBatch {
  readonly leaves = new LeafBuffer()
  readonly tasks: number[] = []
  readonly worked: Worked[] = []
  /** Those of its tasks of which there is a row in the store. */
  readonly earned: number[] = []

  get size(): number {
    return this.tasks.length
  }
}
