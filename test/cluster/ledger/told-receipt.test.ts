/** Receipts are read in two ways, the short one for those that have the usual form: both say the same. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import '../../support/law/seeded-properties.ts'
import { foreignReceipt } from '../../../orchestrator/ledger/network/foreign-leaf.ts'
import { type ToldReceipt, toldReceipt } from '../../../orchestrator/ledger/network/told-receipt.ts'
import { packReceipt, receiptOf, receiptOfVersionOne } from '../../support/ledger/small-ledger.ts'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const count = fc.oneof(fc.nat({ max: 300 }), fc.maxSafeNat())
const name = fc.oneof(
  fc.string({ maxLength: 80 }),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('', 'key_ant/ant', 'hub:beta/beta', 'a\tb', 'x'.repeat(1_100)),
)
const receipts = fc.record({
  ...{ task: count, attempt: count, atS: fc.nat({ max: 9_000_000_000 }), scout: name, model: name, provider: name },
  ...{ ownerTag: bytes(8), tenantTag: bytes(8), kind: fc.constantFrom('chat' as const, 'embed' as const) },
  ...{ requestHash: bytes(32), answerHash: bytes(32), promptUnits: count, answerUnits: count, points: count },
  ...{ flags: fc.nat({ max: 1_023 }), asker: name, home: name, countersignature: fc.option(bytes(80)) },
})

/** What is counted of it, where it stands among other leaves. */
function told(leaf: Uint8Array, before: Uint8Array, behind: Uint8Array): ToldReceipt | null {
  const packed = Buffer.concat([before, leaf, behind])
  const receipt = toldReceipt(packed, before.length, before.length + leaf.length)
  return receipt && counted(receipt)
}

function counted(receipt: ToldReceipt): ToldReceipt {
  const { task, attempt, atS, scout, model, promptUnits, answerUnits, points, flags, asker, home } = receipt
  return { task, attempt, atS, scout, model, promptUnits, answerUnits, points, flags, asker, home }
}

function expectSame(leaf: Uint8Array, before: Uint8Array, behind: Uint8Array): void {
  const receipt = foreignReceipt(leaf)
  expect(told(leaf, before, behind)).toEqual(receipt && counted(receipt))
}

const rest = fc.uint8Array({ maxLength: 40 })

test('a receipt says the same in both', () => {
  fc.assert(
    fc.property(receipts, rest, rest, (receipt, before, behind) => expectSame(packReceipt(receipt), before, behind)),
  )
})

test('so do bytes that are nearly one', () => {
  const change = fc.record({ at: fc.nat({ max: 400 }), byte: fc.nat({ max: 255 }) })
  const changes = fc.array(change, { minLength: 1, maxLength: 3 })
  fc.assert(
    fc.property(
      receipts,
      changes,
      fc.integer({ min: -20, max: 5 }),
      rest,
      rest,
      (receipt, made, longer, before, behind) => {
        const packed = packReceipt(receipt)
        const leaf = new Uint8Array(packed.length + longer)
        leaf.set(packed.subarray(0, leaf.length))
        for (const { at, byte } of made) leaf[at % leaf.length] = byte
        expectSame(leaf, before, behind)
      },
    ),
    { numRuns: 3_000 },
  )
})

test('one byte that is another one anywhere says the same in both', () => {
  const packed = packReceipt(receiptOf(2 ** 40, { asker: 'alpha/7/1', home: 'beta' }))
  for (const [at] of packed.entries()) {
    for (let byte = 0; byte < 256; byte++) expectSame(packed.with(at, byte), Buffer.from('{'), Buffer.from([0, 9]))
  }
})

test('the usual form is read in the short way, and an older one is not', () => {
  const isUsual = (leaf: Uint8Array) => toldReceipt(leaf, 0, leaf.length, () => null) !== null
  expect(isUsual(packReceipt(receiptOf(2 ** 40)))).toBe(true)
  expect(isUsual(packReceipt(receiptOf(1, { countersignature: new Uint8Array(80), asker: 'alpha/7/1' })))).toBe(true)
  expect(isUsual(receiptOfVersionOne)).toBe(false)
  expect(isUsual(packReceipt(receiptOf(1, { scout: 'key_ant/ämse' })))).toBe(false)
})
