/** A parse in slices is the runtime's parse, wherever the slices are cut. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseInSlices } from '../../shared/json/sliced-parse.ts'
import { jsonDepthMax, jsonSliceBytes, jsonTextPieceBytes } from '../../shared/limits/http.ts'

function drained(bytes: Uint8Array, sliceBytes?: number, pieceBytes?: number) {
  const steps = parseInSlices(bytes, sliceBytes, pieceBytes)
  let count = 1
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return { value, count }
    count++
  }
}

function outcome(parse: () => unknown): string {
  try {
    // As text: the order of names and a field `__proto__` count as well.
    return JSON.stringify(parse())
  } catch (error) {
    return (error as Error).name
  }
}

const cut = { slice: fc.integer({ min: 1, max: 40 }), piece: fc.integer({ min: 1, max: 12 }) }
const blanks = fc.constantFrom('', ' ', '\n\t', '        ')
const spaced = fc.json({ maxDepth: 6, depthSize: 'medium' }).chain((text) =>
  blanks.map((blank) => {
    // Blanks between tokens, never inside of a text.
    const isText = /"(?:[^"\\]|\\.)*"|[[\]{},:]/g
    return text.replace(isText, (token) => `${blank}${token}${blank}`)
  }),
)

test('what is JSON becomes what the runtime makes of it', () => {
  fc.assert(
    fc.property(spaced, cut.slice, cut.piece, (text, slice, piece) => {
      const ours = outcome(() => drained(Buffer.from(text), slice, piece).value)
      expect(ours).toBe(outcome(() => JSON.parse(text)))
    }),
    { numRuns: 300, seed: 1 },
  )
})

test('what is nearly JSON is refused where the runtime refuses it', () => {
  const crumb = fc.constantFrom('[', ']', '{', '}', ',', ':', '"', '\\', ' ', '0', '1', 'null', '"a"', 'é', '-', '__')
  fc.assert(
    fc.property(fc.array(crumb, { maxLength: 14 }), cut.slice, cut.piece, (crumbs, slice, piece) => {
      const text = crumbs.join('')
      const ours = outcome(() => drained(Buffer.from(text), slice, piece).value)
      expect(ours).toBe(outcome(() => JSON.parse(text)))
    }),
    { numRuns: 2_000, seed: 2 },
  )
  fc.assert(
    fc.property(spaced, fc.nat(), crumb, cut.slice, cut.piece, (text, place, made, slice, piece) => {
      const at = place % (text.length + 1)
      const broken = text.slice(0, at) + made + text.slice(at + (place % 2))
      const ours = outcome(() => drained(Buffer.from(broken), slice, piece).value)
      expect(ours).toBe(outcome(() => JSON.parse(broken.toWellFormed())))
    }),
    { numRuns: 700, seed: 3 },
  )
})

test.each([
  '{"__proto__":{"a":[1,2,3]},"b":"a long text that is cut"}',
  '{"a":1,"b":2,"a":[1,2,3,4,5,6,7,8,9]}',
  '{"2":[1,2,3,4,5,6],"1":"é€😀 \\ud83d\\ude00\\"\\\\ é€😀 \\u00e9"}',
  '[[[[[[1,[2],3]]]]],{"a":{"b":{"c":[]}}},"",{}]',
  '[1,2,]',
  '[,1]',
  '[1]]',
  '[1',
  '{"a":[1}',
  '[{"a":1]}',
  '[1] [2]',
  '[1],[2]',
  '{"a" [1,2,3,4]}',
  '[1 [2,3,4,5,6]]',
  '"only a text, and no more than that"',
  '\ufeff[1]',
  '',
  '   ',
])('%s', (text) => {
  const bytes = Buffer.from(text)
  for (let slice = 1; slice < 30; slice++) {
    for (const piece of [1, 2, 3, 5, 8, 13]) {
      expect(outcome(() => drained(bytes, slice, piece).value)).toBe(outcome(() => JSON.parse(text)))
    }
  }
})

test('bytes that are no UTF-8 are no text', () => {
  for (const bytes of [
    [0x22, 0xff, 0x22],
    [0x22, 0xc3, 0x22],
    [0x22, ...Array(40).fill(0x80), 0x22],
  ]) {
    expect(() => drained(Uint8Array.from(bytes), 4, 4)).toThrow(TypeError)
  }
})

test('a step looks at a slice, whatever the document is like', () => {
  const mib = 2 ** 20
  const documents = [
    `[${'0,'.repeat(mib)}0]`,
    `{"a":${'[['.repeat(20)}${'{"b":[1,2,3]},'.repeat(100_000)}0${']]'.repeat(20)}}`,
    `{"a":"${'\\u0041'.repeat(mib)}"}`,
    `{"a":"${'x'.repeat(4 * mib)}"}`,
    `[1,${' '.repeat(4 * mib)}2]`,
    `[[${'1,'.repeat(40_000)}1]${' '.repeat(4 * mib)}]`,
  ]
  for (const text of documents) {
    const { value, count } = drained(Buffer.from(text))
    // Compared as text: a million values one by one would take seconds.
    expect(JSON.stringify(value) === JSON.stringify(JSON.parse(text))).toBe(true)
    expect(count).toBeGreaterThanOrEqual(Math.floor(text.length / (jsonSliceBytes + jsonTextPieceBytes)))
  }
})

test('no deeper than a request may be', () => {
  const nested = (depth: number) => Buffer.from('['.repeat(depth) + ']'.repeat(depth))
  expect(() => drained(nested(jsonDepthMax), 8)).not.toThrow()
  expect(() => drained(nested(jsonDepthMax + 1), 8)).toThrow(SyntaxError)
})
