/** A ledger in memory for tests: receipts and events are sealed into batches and folded as a hub does it. */
import { type Identity, identityOf } from '../../../orchestrator/cluster/roster/identity.ts'
import type { LedgerSettings } from '../../../orchestrator/engine/ledger/ledger.ts'
import { type LedgerEvent, packEvent } from '../../../orchestrator/ledger/accounts/events.ts'
import { Projector } from '../../../orchestrator/ledger/accounts/projector.ts'
import { defaultPrices, type Rules, rulesOf } from '../../../orchestrator/ledger/points/rules.ts'
import { paidPrice, pointsOf } from '../../../orchestrator/ledger/points/work.ts'
import { earnsNothing } from '../../../orchestrator/ledger/points/zero-rules.ts'
import { type Batch, type ChainEnd, sealBatch } from '../../../orchestrator/ledger/receipts/chain.ts'
import {
  firstLine,
  partBatchLine,
  rulesLine,
  wholeBatchLine,
} from '../../../orchestrator/ledger/receipts/export-file.ts'
import { LeafBuffer, packLeaves } from '../../../orchestrator/ledger/receipts/leaf-buffer.ts'
import type { Receipt } from '../../../orchestrator/ledger/receipts/receipt.ts'

export const dayMs = 86_400_000
/** 1 May 2026, 00:00 UTC. */
export const mayMs = Date.UTC(2026, 4, 1)
export const mayDay = mayMs / dayMs

export function listedRules(): Rules {
  const rules = rulesOf(defaultPrices)
  if ('flaw' in rules) throw new Error(rules.flaw)
  return rules
}

/** What a hub is run with that signs with this identity. */
export function ledgerOf(identity: Identity): LedgerSettings {
  return { rules: listedRules(), mode: 'show', identity, secret: new Uint8Array(32).fill(2) }
}

/** A receipt that earns what its work is worth. */
export function receiptOf(task: number, changes: Partial<Receipt> = {}): Receipt {
  const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill)
  const tags = { ownerTag: bytes(8, 1), tenantTag: bytes(8, 2), requestHash: bytes(32, 3), answerHash: bytes(32, 4) }
  const who = { scout: 'key_ant/ant', model: 'llama-3.1-8b-instant', provider: 'groq', kind: 'chat' as const }
  const work = { promptUnits: 4_000, answerUnits: 9_000, flags: 0 }
  const others = { asker: '', home: '', countersignature: null }
  const receipt = { task, attempt: 1, atS: mayMs / 1000, ...tags, ...who, ...work, ...others, points: 0, ...changes }
  const worth = pointsOf(paidPrice(listedRules(), receipt.model), receipt.promptUnits, receipt.answerUnits)
  return { ...receipt, points: changes.points ?? (earnsNothing(receipt.flags) ? 0 : worth) }
}

/** `receiptOf(1)` as releases before version 2 of receipts have packed it. */
export const receiptOfVersionOne = Buffer.from(
  '3QAAABABAQHOafPtAKtrZXlfYW50L2FudMQIAQEBAQEBAQHECAICAgICAgICALRsbGFtYS0zLjEtOGItaW5zdGFudKRncm9xxCADAwMDAwMD' +
    'AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA8QgBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBATND6DNIyjNA5gA',
  'base64url',
)

export function packReceipt(receipt: Receipt): Uint8Array {
  const leaves = new LeafBuffer()
  leaves.receipt(receipt)
  return leaves.leaves()[0]!
}

type Sealing = Omit<Parameters<typeof sealBatch>[1], 'leaves'>

/** The next batch, of leaves that were packed one by one. */
export function sealLeaves(after: ChainEnd, leaves: readonly Uint8Array[], sealing: Sealing): Batch {
  return { ...sealBatch(after, { ...sealing, leaves: packLeaves(leaves) }), leaves }
}

export class SmallLedger {
  readonly rules = listedRules()
  readonly identity: Identity = identityOf(new Uint8Array(32).fill(7))
  readonly batches: Batch[] = []
  readonly projector = new Projector()

  seal(leaves: readonly (Receipt | LedgerEvent)[], atMs = mayMs): Batch {
    const packed = leaves.map((leaf) => ('type' in leaf ? packEvent(leaf) : packReceipt(leaf)))
    const { hash: rulesHash } = this.rules
    const sign = (bytes: Uint8Array) => this.identity.sign(bytes)
    const batch = sealLeaves(this.projector.end, packed, { atMs, rulesHash, sign })
    this.batches.push(batch)
    this.projector.fold(batch)
    return batch
  }

  /** As it is exported, with all leaves or, for `places`, with some of each batch. */
  file(places?: (batch: Batch) => number[]): string {
    const line = (batch: Batch) => (places === undefined ? wholeBatchLine(batch) : partBatchLine(batch, places(batch)))
    return [firstLine(this.identity.key), rulesLine(this.rules.text), ...this.batches.map(line)].join('')
  }
}
