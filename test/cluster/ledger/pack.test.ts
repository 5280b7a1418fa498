/** Batches as they travel between hubs: what comes out is what went in, and no pack makes its reader take more. */
import { zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { batchesIn, packableOf, packOf } from '../../../orchestrator/cluster/ledger/pack.ts'
import { Random } from '../../../orchestrator/core/model/random.ts'
import type { ToldBatch } from '../../../orchestrator/ledger/network/hub-ledger.ts'
import { packBatchesMax, packBytesMax, packInflationMax } from '../../../shared/limits/cluster/ledger.ts'
import '../../support/law/seeded-properties.ts'

/** Every other byte is that of no other batch, where `fill` is not. */
function batchOf(leafBytes: number, fill?: number): ToldBatch {
  const chance = new Random(leafBytes)
  const bytes = (length: number) =>
    Uint8Array.from({ length }, (_, at) => fill ?? (at % 2 === 0 ? 7 : Math.floor(256 * chance.unit())))
  return { head: bytes(132), signature: bytes(64), leaves: bytes(leafBytes) }
}

/** As a stranger packs it: how many bytes it says that it has, and what it has. */
function deflated(says: number, whole: Uint8Array) {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(says)
  return { isDeflated: true, bytes: Buffer.concat([length, zstdCompressSync(whole)]) }
}

const plain = (batches: readonly ToldBatch[]) =>
  batches.map((batch) => Object.values(batch).map((bytes: Uint8Array) => Buffer.from(bytes).toString('hex')))

test('what is packed comes out again, in its order', () => {
  const sizes = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 30_000 }), fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined })),
    {
      minLength: 1,
      maxLength: packBatchesMax,
    },
  )
  fc.assert(
    fc.property(sizes, (of) => {
      const batches = of.map(([bytes, fill]) => batchOf(bytes, fill))
      const some = batches.slice(0, packableOf(batches))
      expect(some.length).toBeGreaterThan(0)
      expect(plain(batchesIn(packOf(some))!)).toEqual(plain(some))
    }),
    { numRuns: 40 },
  )
})

test('so many batches go together as fit, one that is larger by itself, and it travels as it is', () => {
  expect(packableOf(Array(40).fill(batchOf(100)))).toBe(packBatchesMax)
  expect(packableOf(Array(9).fill(batchOf(packBytesMax / 4)))).toBe(3)
  const large = batchOf(packBytesMax + 1)
  expect(packableOf([large, large])).toBe(1)
  const pack = packOf([large])
  expect(pack.isDeflated).toBe(false)
  expect(plain(batchesIn(pack)!)).toEqual(plain([large]))
})

test('what would deflate further than a reader allows travels as it is', () => {
  const uniform = { head: new Uint8Array(132), signature: new Uint8Array(64), leaves: new Uint8Array(100_000) }
  const pack = packOf([uniform])
  expect(pack.isDeflated).toBe(false)
  expect(plain(batchesIn(pack)!)).toEqual(plain([uniform]))
})

test('a pack that says or has another size than it may, or no batches, is none', () => {
  const good = packOf([batchOf(20_000)])
  expect(good.isDeflated).toBe(true)
  const inflatable = Buffer.alloc(2 * packBytesMax, 'abcdefghijklmnopqrstuvwxyz')
  const whole = packOf([batchOf(packBytesMax)]).bytes
  const uniform = packOf([batchOf(100_000, 0)]).bytes
  expect(batchesIn({ isDeflated: false, bytes: uniform })).toHaveLength(1)
  for (const pack of [
    deflated(packBytesMax + 1, inflatable.subarray(0, packBytesMax + 1)),
    // It inflates more than so many times.
    deflated(packBytesMax, inflatable.subarray(0, packBytesMax)),
    // So does this, which would be one.
    deflated(uniform.length, uniform),
    // It has more than it says.
    deflated(packInflationMax * 100, inflatable),
    deflated(20_000, whole.subarray(0, 19_000)),
    { isDeflated: true, bytes: good.bytes.subarray(0, good.bytes.length - 1) },
    { isDeflated: true, bytes: good.bytes.with(9, 255 - good.bytes[9]!) },
    { isDeflated: true, bytes: new Uint8Array(3) },
    { isDeflated: false, bytes: whole.subarray(0, whole.length - 1) },
    { isDeflated: false, bytes: new Uint8Array(2) },
    { isDeflated: false, bytes: Uint8Array.of(0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9) },
    {
      isDeflated: false,
      bytes: Buffer.concat(
        Array(packBatchesMax + 1).fill(Buffer.concat([Uint8Array.of(0, 0, 0, 196), new Uint8Array(196)])),
      ),
    },
  ]) {
    expect(batchesIn(pack)).toBeNull()
  }
})
