/** Receipts of audits: they earn what others earn, and nobody who reads them learns which they were. */
import { expect, test } from 'vitest'
import { ReceiptMaker } from '../../../orchestrator/engine/ledger/receipt-maker.ts'
import type { WorkDone } from '../../../orchestrator/engine/ports/ledger/work.ts'
import { auditTenant } from '../../../orchestrator/engine/ports/trust/witness.ts'
import { HubTags } from '../../../orchestrator/ledger/receipts/hashes.ts'
import { ownReceipt, type Receipt } from '../../../orchestrator/ledger/receipts/receipt.ts'
import { listedRules, mayMs } from '../../support/ledger/small-ledger.ts'

const request = { digest: new Uint8Array(32), textBytes: 4_000, media: 0, textsHash: 7, answerUnitsMax: null }
const work: WorkDone = {
  ...{ task: 1, attempt: 1, kind: 'chat', tenant: auditTenant, request, answer: { texts: [], textBytes: 4_000 } },
  ...{ served: { scout: 'key_ant/ant', provider: 'groq', model: 'llama-3.1-8b-instant' }, isDirected: true },
  ...{ isLoop: false, isPartial: false, isContinued: false, signed: null, asker: '' },
}

function receiptOf(maker: ReceiptMaker, done: WorkDone): Receipt {
  return ownReceipt(maker.make(done, mayMs))
}

test('earn points though they name their scout and ask many the same, and have a tag and no mark', () => {
  const tags = new HubTags(new Uint8Array(32).fill(1))
  const maker = new ReceiptMaker({ rules: listedRules(), tags, trust: { isConvicted: () => false }, ownersOf: () => 2 })
  const made = [1, 2, 3, 4, 5].map((task) => receiptOf(maker, { ...work, task }))
  for (const { points, flags } of made) {
    expect(points).toBeGreaterThan(0)
    expect(flags).toBe(0)
  }
  expect(new Set(made.map(({ tenantTag }) => Buffer.from(tenantTag).toString('hex'))).size).toBe(5)
  const asked = receiptOf(maker, { ...work, tenant: 'key_bee' })
  expect(asked.points).toBe(0)
})
