/** A document whose long values stay bytes: what is read is short, what is put together again is the same document. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JsonSkeleton } from '../../shared/json/json-skeleton.ts'
import '../support/law/seeded-properties.ts'

const longBytes = 24

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('\u0001', '\u00010', 'x"\u00010', '"\\u00010"', '\\', '\\"', '[1,2,3]'),
)
const numbers = fc.array(fc.integer(), { maxLength: 20 })
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    text,
    numbers,
    fc.double({ noNaN: true }),
    fc.constantFrom(null, true, false),
    tie('list'),
    tie('map'),
  ),
  list: fc.array(tie('value'), { maxLength: 5 }),
  map: fc.dictionary(text, tie('value'), { maxKeys: 5 }),
}))

const skeletonOf = (json: string) => new JsonSkeleton(Buffer.from(json), longBytes)
const joined = (pieces: Uint8Array[]) => Buffer.concat(pieces).toString()

describe('a document without its long values', () => {
  test('is the same again once they are put back, whatever is in it', () => {
    fc.assert(
      fc.property(value, fc.boolean(), (original, pretty) => {
        const json = JSON.stringify(original, null, pretty ? 2 : 0)
        const skeleton = skeletonOf(json)
        expect(joined(skeleton.piecesOf(skeleton.text))).toBe(json)
        const rewritten = joined(skeleton.piecesOf(JSON.stringify(JSON.parse(skeleton.text))))
        expect(JSON.parse(rewritten)).toEqual(JSON.parse(json))
      }),
      { numRuns: 2_000 },
    )
  })

  test('holds no text and no list of numbers that is long', () => {
    const json = JSON.stringify({
      a: 'x'.repeat(longBytes - 2),
      b: 'short',
      c: Array(40).fill(12),
      d: [[], ['x'], [1]],
    })
    const { text: short } = skeletonOf(json)
    expect(short).toBe(String.raw`{"a":"\u00010","b":"short","c":"\u00011","d":[[],["x"],[1]]}`)
  })

  test('can be changed around them, and fields with them left out', () => {
    const skeleton = skeletonOf(JSON.stringify({ drop: 'y'.repeat(99), keep: 'é"\n'.repeat(99), model: 'old' }))
    const { keep } = JSON.parse(skeleton.text)
    expect(JSON.parse(joined(skeleton.piecesOf(JSON.stringify({ model: 'new', keep, twice: [keep] }))))).toEqual({
      model: 'new',
      keep: 'é"\n'.repeat(99),
      twice: ['é"\n'.repeat(99)],
    })
  })

  test('leaves a text alone that looks like a mark and was put in by its reader', () => {
    const skeleton = skeletonOf(JSON.stringify({ long: 'y'.repeat(99) }))
    const changed = JSON.stringify({ ...JSON.parse(skeleton.text), other: '\u00017', more: '\u0001' })
    expect(JSON.parse(joined(skeleton.piecesOf(changed)))).toEqual({
      long: 'y'.repeat(99),
      other: '\u00017',
      more: '\u0001',
    })
  })

  test('reads bytes that are no JSON without an end of their own', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.string({ unit: fc.constantFrom(...'"\\[]u01,') }),
        (bytes, odd) => {
          for (const some of [bytes, Buffer.from(odd)]) {
            const skeleton = new JsonSkeleton(some, 4)
            expect(joined(skeleton.piecesOf(skeleton.text)).length).toBeGreaterThanOrEqual(0)
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  test('is read in steps that grow with its bytes alone: brackets and quotes without partners are passed once', () => {
    for (const unit of ['[', ']', '"', '\\"', '[]', '"\\u0001"', '{}']) {
      const bytes = Buffer.from(unit.repeat(2_000_000 / unit.length))
      expect(new JsonSkeleton(bytes, 256).text.length).toBeGreaterThan(0)
    }
  })
})

describe('how a long text begins', () => {
  const beginningOf = (long: unknown) => {
    const skeleton = skeletonOf(JSON.stringify({ long }))
    return skeleton.beginningOf(JSON.parse(skeleton.text).long)
  }

  test('is its own text as far as it is looked at, with its escapes read', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 30, maxLength: 300 }), fc.nat(9_000), (begin, more) => {
        const long = begin + '\n"\u0007é😀\\'.repeat(more / 8)
        const beginning = beginningOf(long)
        expect(long.startsWith(beginning.replace(/\ufffd$/u, ''))).toBe(true)
        expect(beginning.length).toBeGreaterThan(Math.min(long.length, 1_000) - 8)
      }),
      { numRuns: 200 },
    )
  })

  test('is a short text itself, and nothing for a list', () => {
    expect(beginningOf('short')).toBe('short')
    expect(beginningOf('\u00017')).toBe('\u00017')
    expect(beginningOf(Array(99).fill(7))).toBe('')
  })
})
