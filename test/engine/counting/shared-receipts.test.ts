/** Receipts of tasks that one hub did for another: both name the other hub, and one of them makes points. */
import { expect, test } from 'vitest'
import { ReceiptMaker } from '../../../orchestrator/engine/ledger/receipt-maker.ts'
import type { WorkDone } from '../../../orchestrator/engine/ports/ledger/work.ts'
import { zeroReasons } from '../../../orchestrator/ledger/points/zero-rules.ts'
import { HubTags } from '../../../orchestrator/ledger/receipts/hashes.ts'
import { ownReceipt, type Receipt } from '../../../orchestrator/ledger/receipts/receipt.ts'
import { workOf } from '../../support/ledger/past-work.ts'
import { listedRules, mayMs } from '../../support/ledger/small-ledger.ts'

const worked = { scout: 'key_ant/ant', model: 'llama-3.1-8b-instant', tenant: 'hub:alpha', units: 1_000 }

/** What a new hub makes of it, one after the other. */
function receiptsOf(works: readonly WorkDone[]): Receipt[] {
  const tags = new HubTags(new Uint8Array(32).fill(1))
  const maker = new ReceiptMaker({ rules: listedRules(), tags, trust: { isConvicted: () => false }, ownersOf: () => 2 })
  return works.map((work) => ownReceipt(maker.make(work, mayMs)))
}

/** The same texts again and again. */
function repeated(changes: Partial<WorkDone>, tasks = 5): WorkDone[] {
  const { request } = workOf(1, worked)
  return Array.from({ length: tasks }, (_, at) => ({ ...workOf(at + 1, worked), request, ...changes }))
}

test('the hub of the scout makes the points, however often a hub asks the same for its many clients', () => {
  for (const receipt of receiptsOf(repeated({ asker: 'alpha/77/1' }))) {
    expect(receipt).toMatchObject({ asker: 'alpha/77/1', home: '', flags: 0 })
    expect(receipt.points).toBeGreaterThan(0)
  }
})

test('the hub of the client makes none, and says of each task what would have made it worth nothing', () => {
  const served = { scout: 'hub:beta/beta', provider: 'groq', model: 'llama-3.1-8b-instant' }
  const receipts = receiptsOf(repeated({ tenant: 'key_bee', served }, 4))
  for (const receipt of receipts) expect(receipt).toMatchObject({ asker: '', home: 'beta', points: 0 })
  expect(receipts.map(({ flags }) => zeroReasons(flags))).toEqual([
    ...Array(3).fill(['elsewhere']),
    ['repeat', 'elsewhere'],
  ])
})
