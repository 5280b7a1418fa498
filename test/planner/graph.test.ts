import fc from 'fast-check'
import { expect, test } from 'vitest'
import { orderOf, sinksOf } from '../../orchestrator/planner/scroll/graph.ts'
import '../support/law/seeded-properties.ts'

/** Parents of each of up to twelve nodes, drawn at random: cycles and self edges included. */
const graphs = fc
  .integer({ min: 1, max: 12 })
  .chain((count) =>
    fc.array(fc.uniqueArray(fc.nat({ max: count - 1 }), { maxLength: 3 }), { minLength: count, maxLength: count }),
  )

/** Whether a node can reach itself, by the closure of Warshall: slow, and obviously right. */
function hasCycle(parents: number[][]): boolean {
  const reaches = parents.map((needed) => parents.map((_, node) => needed.includes(node)))
  for (const via of parents.keys())
    for (const from of parents.keys())
      for (const to of parents.keys()) if (reaches[from]![via] && reaches[via]![to]) reaches[from]![to] = true
  return [...parents.keys()].some((node) => reaches[node]![node])
}

function depthOf(node: number, parents: number[][]): number {
  return 1 + Math.max(0, ...parents[node]!.map((parent) => depthOf(parent, parents)))
}

test('random graphs are ordered exactly when a naive search finds no cycle, and a cycle named is one', () => {
  let ordered = 0
  let circular = 0
  fc.assert(
    fc.property(graphs, (parents) => {
      const found = orderOf(parents)
      expect('cycle' in found).toBe(hasCycle(parents))
      if ('cycle' in found) {
        circular++
        const { cycle } = found
        expect(new Set(cycle).size).toBe(cycle.length)
        for (const [at, node] of cycle.entries()) expect(parents[node]).toContain(cycle[(at + 1) % cycle.length])
        return
      }
      ordered++
      expect(found.order.toSorted((a, b) => a - b)).toEqual([...parents.keys()])
      const placeOf = new Map(found.order.map((node, place) => [node, place]))
      for (const [node, needed] of parents.entries()) {
        for (const parent of needed) expect(placeOf.get(parent)).toBeLessThan(placeOf.get(node)!)
        expect(found.depths[node]).toBe(depthOf(node, parents))
      }
    }),
    { numRuns: 2000, seed: 7 },
  )
  expect(Math.min(ordered, circular)).toBeGreaterThan(100)
})

test('the sinks are the nodes that no other needs', () => {
  expect(sinksOf([[], [0], [0], [2]])).toEqual([1, 3])
  expect(sinksOf([[]])).toEqual([0])
})

test('every node and edge is looked at a few times, however large and tangled the graph is', () => {
  const many = (count: number, make: (at: number) => number[]) => Array.from({ length: count }, (_, at) => make(at))
  const graphs = {
    chain: many(10_000, (at) => (at === 0 ? [] : [at - 1])),
    ring: many(10_000, (at) => [(at + 1) % 10_000]),
    fan: many(10_000, (at) => (at === 0 ? [] : [0])),
    dense: many(500, (at) => Array.from({ length: at }, (_, parent) => parent)),
    tangle: many(500, (at) => Array.from({ length: 499 }, (_, step) => (at + step + 1) % 500)),
  }
  for (const [name, parents] of Object.entries(graphs)) {
    let looks = 0
    const counted = <T extends object>(list: T) =>
      new Proxy(list, {
        get(target, key) {
          looks++
          return Reflect.get(target, key)
        },
      })
    orderOf(counted(parents.map(counted)))
    const size = parents.length + parents.flat().length
    expect(looks, name).toBeLessThanOrEqual(16 * size)
  }
})
