import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import '../support/law/seeded-properties.ts'
import { readHead, rootOf as rootOfPacked } from '../../orchestrator/ledger/receipts/chain.ts'
import { HubTags, requestHashOf } from '../../orchestrator/ledger/receipts/hashes.ts'
import { packLeaves } from '../../orchestrator/ledger/receipts/leaf-buffer.ts'
import { pathsOf } from '../../orchestrator/ledger/receipts/merkle.ts'
import { isReceipt, readReceipt } from '../../orchestrator/ledger/receipts/receipt.ts'
import { answerHashOf } from '../../shared/answers/answer-hash.ts'
import { batchLeavesMax, leafBytesMax } from '../../shared/limits/ledger/ledger.ts'
import { readReceipt as verifiedReceipt } from '../../verifier/receipt.ts'
import { rootOfAll, rootOfPath } from '../../verifier/tree.ts'
import {
  mayMs,
  packReceipt,
  receiptOf,
  receiptOfVersionOne,
  SmallLedger,
  sealLeaves,
} from '../support/ledger/small-ledger.ts'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const count = fc.maxSafeNat()
const receipts = fc.record({
  ...{ task: count, attempt: fc.nat(), atS: fc.nat(), scout: fc.string(), ownerTag: bytes(8), tenantTag: bytes(8) },
  ...{ kind: fc.constantFrom('chat' as const, 'embed' as const), model: fc.string({ unit: 'grapheme' }) },
  ...{ provider: fc.string(), requestHash: bytes(32), answerHash: bytes(32), promptUnits: count },
  ...{ answerUnits: count, points: count, flags: fc.nat({ max: 511 }), asker: fc.string(), home: fc.string() },
  ...{ countersignature: fc.option(bytes(80)) },
})

describe('a receipt', () => {
  test('is read as it was packed, by the hub and by the verifier', () => {
    fc.assert(
      fc.property(receipts, (receipt) => {
        const packed = packReceipt(receipt)
        expect(isReceipt(packed)).toBe(true)
        const read = readReceipt(packed)
        for (const [name, value] of Object.entries(receipt)) {
          const found = read[name as keyof typeof read]
          expect(found instanceof Uint8Array ? new Uint8Array(found) : found).toEqual(value)
        }
        const { task, scout, model, promptUnits, answerUnits, points, flags } = receipt
        const checked = { task, scout, model, promptUnits, answerUnits, points, flags }
        expect(verifiedReceipt(Buffer.from(packed))).toMatchObject(checked)
      }),
    )
  })

  test('of version 1 is read for as long as chains hold it', () => {
    const { asker, home, countersignature, ...old } = receiptOf(1)
    const read = readReceipt(receiptOfVersionOne)
    expect(read).toMatchObject({ task: 1, scout: old.scout, points: old.points, asker, home, countersignature })
    expect(Buffer.from(read.answerHash)).toEqual(Buffer.from(old.answerHash))
    expect(verifiedReceipt(receiptOfVersionOne)).toMatchObject({ task: 1, scout: old.scout, points: old.points })
  })

  test('of another version, or with another number of values than its version has, is refused', () => {
    const changed = (at: number, value: number) => packReceipt(receiptOf(1)).with(at, value)
    const [count, version] = [4, 5]
    expect(() => readReceipt(changed(version, 3))).toThrow('a receipt of version 3 cannot be read')
    expect(() => verifiedReceipt(Buffer.from(changed(version, 3)))).toThrow('the version 3, which this program')
    expect(() => verifiedReceipt(Buffer.from(changed(version, 1)))).toThrow('of version 1 has 19 values and not 16')
    expect(() => verifiedReceipt(Buffer.from(changed(count, 18)))).toThrow('of version 2 has 18 values and not 19')
  })

  test('takes three bytes for being of no other hub and not countersigned', () => {
    expect(packReceipt(receiptOf(1)).length).toBe(receiptOfVersionOne.length + 3)
  })

  test('takes no more than 200 bytes with names as long as most', () => {
    const scout = 'key_0190a1b2c3d4/gaming-pc'
    expect(packReceipt(receiptOf(2 ** 40, { scout })).length).toBeLessThan(200)
  })
})

/** Of leaves that are not packed yet. */
function rootOf(leaves: readonly Uint8Array[]): Uint8Array {
  return rootOfPacked(packLeaves(leaves).packed)
}

describe('the tree', () => {
  const leafLists = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 40 })

  test('has the root that the verifier computes, of all leaves and of each with its path', () => {
    fc.assert(
      fc.property(leafLists, (leaves) => {
        const root = Buffer.from(rootOf(leaves))
        const all = leaves.map((leaf) => Buffer.from(leaf))
        expect(rootOfAll(all).equals(root)).toBe(true)
        const paths = pathsOf(leaves, [...leaves.keys()])
        for (const [place, leaf] of all.entries()) {
          const path = paths[place]!.map((node) => Buffer.from(node))
          expect(rootOfPath(leaf, place, all.length, path).equals(root)).toBe(true)
        }
      }),
    )
  })

  test('has the root of RFC 9162 for known leaves', () => {
    const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
    const root = Buffer.from(rootOf(leaves.map((hex) => Buffer.from(hex, 'hex')))).toString('hex')
    expect(root).toBe('5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328')
  })
})

describe('a batch', () => {
  test('keeps its leaves as they are stored', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (leaves) => {
        const packed = packLeaves(leaves)
        expect(packed.leaves().map((leaf) => new Uint8Array(leaf))).toEqual(leaves)
        if (leaves.length > 0)
          expect(Buffer.from(rootOf(leaves))).toEqual(rootOfAll(leaves.map((leaf) => Buffer.from(leaf))))
      }),
    )
  })

  test('follows on the one before, and its head says so', () => {
    const ledger = new SmallLedger()
    const first = ledger.seal([receiptOf(1)])
    const second = ledger.seal([receiptOf(2), receiptOf(3)], mayMs + 1000)
    expect(readHead(first.head)).toMatchObject({ seq: 1, count: 1, atMs: mayMs })
    expect(readHead(second.head)).toMatchObject({ seq: 2, count: 2, atMs: mayMs + 1000 })
    expect(readHead(second.head.subarray(1))).toBeNull()
  })

  test('of too many or too large leaves is a defect', () => {
    const sealing = { atMs: 0, rulesHash: new Uint8Array(32), sign: () => new Uint8Array(64) }
    const end = { seq: 0, hash: new Uint8Array(32) }
    const many = Array.from({ length: batchLeavesMax + 1 }, () => new Uint8Array(1))
    expect(() => sealLeaves(end, many, sealing)).toThrow('too large')
    expect(() => sealLeaves(end, [new Uint8Array(leafBytesMax + 1)], sealing)).toThrow('too large')
  })
})

describe('hashes', () => {
  const salt = new Uint8Array(16).fill(9)
  const text = (choice: number, length = 3) =>
    ({ choice, part: 'content', place: 0, length, digest: new Uint8Array(32).fill(choice) }) as const

  test('of an answer do not depend on the order in which its texts were spoken, and empty ones do not count', () => {
    const one = answerHashOf(salt, [text(0), text(1)])
    expect(answerHashOf(salt, [text(1), text(0), text(2, 0)])).toEqual(one)
    expect(answerHashOf(salt, [text(0)])).not.toEqual(one)
    expect(answerHashOf(salt, [{ ...text(0), part: 'refusal' }])).not.toEqual(answerHashOf(salt, [text(0)]))
  })

  test('of the same body differ from task to task, and are the same for the same task', () => {
    const tags = new HubTags(new Uint8Array(32).fill(5))
    const body = Buffer.from('{}')
    expect(requestHashOf(tags.salt(1), body)).not.toEqual(requestHashOf(tags.salt(2), body))
    expect(tags.salt(1)).toEqual(new HubTags(new Uint8Array(32).fill(5)).salt(1))
    expect(tags.salt(1)).not.toEqual(new HubTags(new Uint8Array(32).fill(6)).salt(1))
    expect(tags.tag('acc_1')).toEqual(tags.tag('acc_1'))
    expect(tags.tag('acc_1')).not.toEqual(tags.tag('acc_2'))
  })
})
