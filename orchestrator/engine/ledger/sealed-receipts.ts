/**
 * What is read of the chain as the store keeps it: a receipt with what proves it, whose a leaf is, and batches for
 * whoever checks or counts them. What is not sealed yet is the writer's.
 */
import { isPinOf } from '../../ledger/accounts/events.ts'
import type { Batch, SealedBatch } from '../../ledger/receipts/chain.ts'
import type { HubTags } from '../../ledger/receipts/hashes.ts'
import { pathsOf } from '../../ledger/receipts/merkle.ts'
import { isReceipt, readReceipt } from '../../ledger/receipts/receipt.ts'
import type { ReceiptProof } from '../ports/ledger/ledger.ts'
import type { LedgerStore } from '../ports/ledger/ledger-store.ts'
import { batchOf } from './replay.ts'

export class SealedReceipts {
  constructor(
    private readonly store: Pick<LedgerStore, 'receiptPlace' | 'batch' | 'batchesAfter' | 'rulesText'>,
    private readonly tags: HubTags,
    /** The receipt of a task, while it waits to be sealed. */
    private readonly waiting: (task: number) => Uint8Array | undefined,
  ) {}

  /** `owner`: whose it has to be; null for anybody's. */
  receipt(task: number, owner: string | null): ReceiptProof | 'waiting' | undefined {
    const place = this.store.receiptPlace(task)
    if (place === undefined) {
      const waiting = this.waiting(task)
      return waiting !== undefined && this.isOf(waiting, owner) ? 'waiting' : undefined
    }
    const { leaves, head, signature } = batchOf(this.store.batch(place.seq)!)
    const receipt = leaves[place.place]!
    if (!this.isOf(receipt, owner)) return undefined
    const [path] = pathsOf(leaves, [place.place])
    return { receipt, salt: this.tags.salt(task).slice(), index: place.place, path: path!, head, signature }
  }

  batchesAfter(seq: number, limit: number): Batch[] {
    return this.store.batchesAfter(seq, limit).map(batchOf)
  }

  sealedAfter(seq: number, limit: number): SealedBatch[] {
    return this.store.batchesAfter(seq, limit)
  }

  rulesText(hash: Uint8Array): string | undefined {
    return this.store.rulesText(hash)
  }

  concerns(leaf: Uint8Array, owner: string): boolean {
    if (!isReceipt(leaf)) return isPinOf(leaf, owner)
    const { ownerTag, tenantTag } = readReceipt(leaf)
    const tag = Buffer.from(this.tags.tag(owner))
    return tag.equals(ownerTag) || tag.equals(tenantTag)
  }

  private isOf(receipt: Uint8Array, owner: string | null): boolean {
    return owner === null || this.concerns(receipt, owner)
  }
}
