/** The table of tasks: a map by number that keeps no reference to what was deleted. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SlotTable } from '../../../orchestrator/core/model/slot-table.ts'
import '../../support/law/seeded-properties.ts'

interface Item {
  name: string
}

/** Task numbers: consecutive ones of three epochs, so that deletions and repeats hit. */
const key = fc.tuple(fc.nat(2), fc.nat(200)).map(([epoch, n]) => epoch * 2 ** 32 + n)
const command = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('set'), key }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('delete'), key }) },
)

function inOrder(entries: Iterable<[number, Item]>): [number, Item][] {
  return [...entries].toSorted(([a], [b]) => a - b)
}

/** The parts that must not keep references. */
function partsOf(table: SlotTable<Item>) {
  return table as unknown as { keys: Float64Array; items: (Item | undefined)[] }
}

describe('the slot table', () => {
  test('behaves like a map, whatever is set and deleted', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 2_000, size: 'max' }), (commands) => {
        const [table, map] = [new SlotTable<Item>(), new Map<number, Item>()]
        for (const [at, one] of commands.entries()) {
          if (one.type === 'set') {
            const item = { name: `${at}` }
            table.set(one.key, item)
            map.set(one.key, item)
          } else expect(table.delete(one.key)).toBe(map.delete(one.key))
          expect(table.size).toBe(map.size)
          expect(table.get(one.key)).toBe(map.get(one.key))
          expect(table.has(one.key)).toBe(map.has(one.key))
        }
        expect(inOrder(table)).toEqual(inOrder(map))
        for (const [known, item] of map) expect(table.get(known)).toBe(item)
        expect(new Set(table.values())).toEqual(new Set(map.values()))
      }),
      { numRuns: 50 },
    )
  })

  test('finds nothing under a number that was never set, however large or odd', () => {
    const table = new SlotTable<Item>()
    table.set(7, { name: 'seven' })
    for (const odd of [0, 8, 7 + 2 ** 32, 7 + 2 ** 40, Number.MAX_SAFE_INTEGER, -1, 7.5, Number.NaN]) {
      expect([table.get(odd), table.has(odd), table.delete(odd)]).toEqual([undefined, false, false])
    }
    expect(table.size).toBe(1)
  })

  test('keeps no reference to what was deleted, and shrinks again after a peak', () => {
    const table = new SlotTable<Item>()
    for (let n = 0; n < 50_000; n++) table.set(n, { name: `${n}` })
    const peak = partsOf(table).items.length
    for (let n = 0; n < 49_990; n++) table.delete(n)
    const { items, keys } = partsOf(table)
    expect(items.filter((item) => item !== undefined)).toHaveLength(10)
    expect(keys.filter((used) => used !== -1)).toHaveLength(10)
    expect(items.length).toBeLessThan(peak / 100)
    expect(inOrder(table).map(([n]) => n)).toEqual(Array.from({ length: 10 }, (_, i) => 49_990 + i))
  })

  test('has short runs with consecutive numbers of several epochs', () => {
    const table = new SlotTable<Item>()
    for (let epoch = 1; epoch <= 4; epoch++) {
      for (let n = 0; n < 20_000; n++) table.set(epoch * 2 ** 32 + n, { name: '' })
    }
    let [run, longest] = [0, 0]
    for (const used of partsOf(table).keys) {
      run = used === -1 ? 0 : run + 1
      longest = Math.max(longest, run)
    }
    expect(longest).toBeLessThan(200)
  })

  test('gives the same order for the same operations', () => {
    const filled = () => {
      const table = new SlotTable<Item>()
      for (let n = 0; n < 1_000; n++) table.set(n, { name: `${n}` })
      for (let n = 0; n < 1_000; n += 3) table.delete(n)
      return [...table].map(([n]) => n)
    }
    expect(filled()).toEqual(filled())
  })
})
