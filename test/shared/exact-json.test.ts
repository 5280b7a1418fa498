/** Numbers keep their digits on the way to a provider, also in a request of which almost all is one long string. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseExactly } from '../../shared/json/exact-json.ts'

const digits = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.stringMatching(/^\d{15,25}$/))
  .map(([first, rest]) => first + rest)
const piece = fc.oneof(fc.constantFrom('"', '\\', ',', ': ', '}', '12345678901234567890'), fc.string({ maxLength: 20 }))
const text = fc.tuple(fc.array(piece, { maxLength: 10 }), fc.constantFrom(0, 70_000)).map(([pieces, length]) => {
  return pieces.join('x'.repeat(length / 10)) + 'y'.repeat(length)
})

test('wherever the number stands', () => {
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), digits, fc.nat(4), (texts, number, at) => {
      const parts = texts.map((one, index) => `"f${index}":${JSON.stringify(one)}`)
      parts.splice(at, 0, `"seed":${number}`)
      const json = `{${parts.join()}}`
      expect(JSON.stringify(parseExactly(json))).toBe(json)
    }),
    { numRuns: 200 },
  )
})

test('behind more strings than are looked at one by one', () => {
  const json = `{"a":[${Array.from({ length: 20_000 }, () => '"xxxxx"').join()}],"seed":12345678901234567890}`
  expect(JSON.stringify(parseExactly(json))).toBe(json)
})
