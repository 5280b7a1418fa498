/** What a body would become is counted without parsing it: exactly, whatever its strings hold. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { excessOf } from '../../../orchestrator/http/schema/json-bounds.ts'
import { jsonNodesMax } from '../../../shared/limits/http.ts'

const run = fc.record({
  plain: fc.nat(5_000),
  mark: fc.constantFrom('"', '\\', '\\"', '\\\\', '[{,', '\n', 'ü', '""', ''),
})
/** Text with long runs of plain characters between those that JSON escapes. */
const text = fc.array(run, { maxLength: 8 }).map((runs) => runs.map((one) => 'x'.repeat(one.plain) + one.mark).join(''))

test('strings count as one each, at the limit and one beyond it', () => {
  fc.assert(
    fc.property(fc.array(text, { maxLength: 6 }), (strings) => {
      // The list itself is one, and so is each string; empty lists fill up the rest.
      const fill = jsonNodesMax - 1 - strings.length
      const lists = Array.from({ length: fill }, () => '[]')
      const json = (more: string[]) =>
        Buffer.from(`[${[...strings.map((one) => JSON.stringify(one)), ...more].join()}]`)
      expect(excessOf(json(lists))).toBeNull()
      expect(excessOf(json([...lists, '[]']))).toBe('many')
    }),
    { numRuns: 60 },
  )
})

test('a string without an end is left to the parser', () => {
  for (const end of ['', '\\', '\\"', '"']) {
    expect(excessOf(Buffer.from(`["${'x'.repeat(2 * jsonNodesMax)}${end}`))).toBeNull()
  }
})
