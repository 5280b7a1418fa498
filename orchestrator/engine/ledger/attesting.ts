/**
 * Holds texts that somebody shows against receipts. A receipt has hashes under a salt of its task, which the hub can
 * make again, so an answer can be disputed, and a text that a scout gives to everybody can be found, though no text was
 * kept. Nothing of it is done while answers are made.
 */
import { type AnswerText, answerHashOf } from '../../../shared/answers/answer-hash.ts'
import { sha256 } from '../../../shared/answers/sha256.ts'
import { repeatCharsMin } from '../../../shared/limits/trust/audits.ts'
import { repeatBatchesMax, repeatReceiptsPerTurn } from '../../../shared/limits/trust/disputes.ts'
import { operatorOf } from '../../../shared/scouts/scout-id.ts'
import type { Steps } from '../../../shared/turn-lane.ts'
import { flagBits } from '../../ledger/points/zero-rules.ts'
import { type HubTags, requestHashOf } from '../../ledger/receipts/hashes.ts'
import { isReceipt, type Receipt, readReceipt } from '../../ledger/receipts/receipt.ts'
import { SpokenAnswer } from '../counting/spoken-answer.ts'
import type { Attested, LedgerWitness, ShownTexts } from '../ports/ledger/attested.ts'
import type { LedgerStore } from '../ports/ledger/ledger-store.ts'
import { batchOf } from './replay.ts'

type Receipts = Pick<LedgerStore, 'receiptPlace' | 'batch' | 'lastBatch'>

export class Attesting implements LedgerWitness {
  constructor(
    private readonly store: Receipts,
    private readonly tags: HubTags,
  ) {}

  attested(task: number, tenant: string): Attested | undefined {
    const receipt = receiptOf(this.store, task)
    if (receipt === undefined || !sameBytes(receipt.tenantTag, this.tags.tag(tenant))) return undefined
    const { kind, scout, model, provider, atS, points, flags } = receipt
    const isPartial = (flags & flagBits.partial) !== 0
    const isContinued = (flags & flagBits.continued) !== 0
    return { kind, scout, model, provider, atMs: atS * 1_000, points, isPartial, isContinued }
  }

  misfit(task: number, { request, answer }: ShownTexts): 'request' | 'answer' | null {
    const receipt = receiptOf(this.store, task)
    const salt = this.tags.salt(task)
    if (receipt === undefined || !sameBytes(requestHashOf(salt, sha256(request)), receipt.requestHash)) return 'request'
    return sameBytes(answerHashOf(salt, textsOf(answer)), receipt.answerHash) ? null : 'answer'
  }

  *repeats(task: number, { request, answer }: ShownTexts): Steps<boolean> {
    const own = receiptOf(this.store, task)
    const texts = textsOf(answer)
    if (own === undefined || texts.reduce((sum, { length }) => sum + length, 0) < repeatCharsMin) return false
    const digest = sha256(request)
    let isRepeated = false
    let read = 0
    const last = this.store.lastBatch()?.seq ?? 0
    for (let seq = last; seq > Math.max(0, last - repeatBatchesMax); seq--) {
      for (const leaf of batchOf(this.store.batch(seq)!).leaves) {
        if (++read % repeatReceiptsPerTurn === 0) yield
        if (!isReceipt(leaf)) continue
        const other = readReceipt(leaf)
        // The same text has as many units, which costs nothing to compare.
        if (other.task === task || other.answerUnits !== own.answerUnits) continue
        const salt = this.tags.salt(other.task)
        if (!sameBytes(answerHashOf(salt, texts), other.answerHash)) continue
        if (operatorOf(other.scout) !== operatorOf(own.scout)) return false
        const isSameRequest = sameBytes(requestHashOf(salt, digest), other.requestHash)
        if (other.scout === own.scout && !isSameRequest && !sameBytes(other.tenantTag, own.tenantTag)) isRepeated = true
      }
    }
    return isRepeated
  }
}

export function receiptOf(store: Receipts, task: number): Receipt | undefined {
  const place = store.receiptPlace(task)
  if (place === undefined) return undefined
  return readReceipt(batchOf(store.batch(place.seq)!).leaves[place.place]!)
}

function textsOf(answer: Uint8Array): readonly AnswerText[] {
  // How much of it counts is not asked here.
  const spoken = new SpokenAnswer(() => 0)
  spoken.whole(answer)
  return spoken.end().texts
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
