/** What a body would become is counted piece by piece, wherever the pieces are cut. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { JsonMeasure } from '../../../orchestrator/http/schema/bounds/json-bounds.ts'
import { jsonDepthMax, jsonFieldsMax, jsonNodesMax } from '../../../shared/limits/http.ts'

function measured(text: string, pieceBytes: number) {
  const measure = new JsonMeasure()
  const bytes = Buffer.from(text)
  for (let from = 0; from < bytes.length; from += pieceBytes) {
    const excess = measure.add(bytes.subarray(from, from + pieceBytes))
    if (excess !== null) return { excess, seen: Math.min(bytes.length, from + pieceBytes) }
  }
  return { excess: null, seen: bytes.length }
}

const tricky = ['"\\\\"', '"\\""', '"[[[["', '"{\\\\\\"{"', '"a\\u0022b"', '[]', '{"k":[1,2]}', '"\\\\\\\\"']

/** Texts, names, lists and objects, as the parser sees them. */
function nodesIn(value: unknown): number {
  if (typeof value === 'string') return 1
  if (typeof value !== 'object' || value === null) return 0
  const names = Array.isArray(value) ? 0 : Object.keys(value).length
  return 1 + names + Object.values(value).reduce<number>((sum, inner) => sum + nodesIn(inner), 0)
}

test('a text that is cut anywhere stays a text, and what is in it does not count', () => {
  const part = fc.constantFrom(...tricky)
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), fc.integer({ min: 1, max: 9 }), (parts, pieceBytes) => {
      const inner = `[${parts.join()}]`
      const rest = '[],'.repeat(jsonNodesMax - nodesIn(JSON.parse(inner)) - 1)
      // The bounds tell what was counted: one more is too many.
      expect(measured(`[${inner},${rest}0]`, 40 + pieceBytes).excess).toBeNull()
      expect(measured(`[${inner},${rest}[]]`, 40 + pieceBytes).excess).toBe('many')
      expect(measured(inner, pieceBytes).excess).toBeNull()
    }),
    { numRuns: 40, seed: 3 },
  )
})

test('no more is looked at than it takes to know', () => {
  const fields = (count: number) => `{${Array.from({ length: count }, (_, at) => `"k${at}":0`).join()}}`
  const many = measured(`[${Array.from({ length: 300 }, () => fields(1_000)).join()}]`, 16_384)
  expect(many.excess).toBe('many')
  expect(many.seen).toBeLessThan(jsonNodesMax * 12)
  const wide = measured(fields(300_000), 16_384)
  expect(wide.excess).toBe('wide')
  expect(wide.seen).toBeLessThan(jsonFieldsMax * 12 + 16_384)
  expect(measured(`[${fields(jsonFieldsMax)},[${'0,'.repeat(jsonFieldsMax)}0]]`, 7).excess).toBeNull()
  expect(measured(`[{"a":{"b":0}},${fields(jsonFieldsMax + 1)}]`, 7).excess).toBe('wide')
  expect(measured('['.repeat(jsonDepthMax + 1), 7).excess).toBe('deep')
  expect(measured('['.repeat(jsonDepthMax), 7).excess).toBeNull()
})

const run = fc.record({
  plain: fc.nat(5_000),
  mark: fc.constantFrom('"', '\\', '\\"', '\\\\', '[{,', '\n', 'ü', '""', ''),
})
/** Text with long runs of plain characters between those that JSON escapes. */
const text = fc.array(run, { maxLength: 8 }).map((runs) => runs.map((one) => 'x'.repeat(one.plain) + one.mark).join(''))

test('strings count as one each, at the limit and one beyond it', () => {
  fc.assert(
    fc.property(fc.array(text, { maxLength: 6 }), fc.integer({ min: 900, max: 9_000 }), (strings, pieceBytes) => {
      // The list itself is one, and so is each string; empty lists fill up the rest.
      const fill = jsonNodesMax - 1 - strings.length
      const lists = Array.from({ length: fill }, () => '[]')
      const json = (more: string[]) => `[${[...strings.map((one) => JSON.stringify(one)), ...more].join()}]`
      expect(measured(json(lists), pieceBytes).excess).toBeNull()
      expect(measured(json([...lists, '[]']), pieceBytes).excess).toBe('many')
    }),
    { numRuns: 60 },
  )
})

test('a string without an end is left to the parser', () => {
  for (const end of ['', '\\', '\\"', '"']) {
    const text = `["${'x'.repeat(2 * jsonNodesMax)}${end}`
    expect(measured(text, 16_384).excess).toBeNull()
    expect(measured(text, text.length).excess).toBeNull()
  }
})
