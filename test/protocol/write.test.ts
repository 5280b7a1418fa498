import fc from 'fast-check'
import { Unpackr } from 'msgpackr/unpack'
import { describe, expect, test } from 'vitest'
import { scan } from '../../shared/protocol/scan.ts'
import { write } from '../../shared/protocol/write.ts'
import '../support/law/seeded-properties.ts'

const unpackr = new Unpackr({ useRecords: false })

/** What an independent reader makes of it. */
function readBack(values: readonly unknown[]): unknown {
  const message = Buffer.from(write(values))
  expect(scan(message)).toBeNull()
  return unpackr.unpack(message)
}

describe('writing msgpack', () => {
  test('numbers on both sides of every change of form come back', () => {
    const edges = [0, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, -1, 0.5]
    expect(readBack(edges)).toEqual(edges)
  })

  test.each([0, 10, 11, 15, 16, 31, 32, 255, 256, 65_535, 65_536, 200_000])('%i of anything comes back', (length) => {
    const text = 'a'.repeat(length)
    const wide = '\u20ac'.repeat(length)
    const bytes = Buffer.alloc(length, 7)
    expect(unpackr.unpack(Buffer.from(write([text, wide, bytes, 1])))).toEqual([text, wide, bytes, 1])
    const items = Array.from({ length }, (_, i) => i % 200)
    expect(unpackr.unpack(Buffer.from(write([items, null, true, false])))).toEqual([items, null, true, false])
  })

  test('any tree of what the protocol is made of comes back', () => {
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.oneof(
          fc.boolean(),
          fc.constant(null),
          fc.maxSafeInteger(),
          fc.double({ noNaN: true }).map((n) => n || 0),
        ),
        fc.string({ unit: 'grapheme', maxLength: 50 }),
        fc.array(tie('value'), { maxLength: 8 }),
      ),
    }))
    fc.assert(
      fc.property(fc.array(value, { maxLength: 20 }), (values) => {
        expect(unpackr.unpack(Buffer.from(write(values)))).toEqual(values)
      }),
      { numRuns: 1_000 },
    )
  })

  test('half a surrogate pair becomes the replacement character', () => {
    expect(readBack(['cut \ud83d', `${'\udc00'.repeat(40)}`])).toEqual(['cut \ufffd', '\ufffd'.repeat(40)])
  })

  test('what the protocol does not have is a defect', () => {
    for (const value of [undefined, {}, new Date(), new Map(), 1n, Symbol('x')]) {
      expect(() => write([1, value])).toThrow(TypeError)
    }
    expect(readBack([2, 1])).toEqual([2, 1])
  })
})
