/** The list of models: made at once while it is short, in pieces when strangers have made it long. */
import { expect, test } from 'vitest'
import { CapabilityIndex } from '../../orchestrator/core/fleet/capability-index.ts'
import type { ModelEntry } from '../../orchestrator/core/model/object-graph.ts'
import type { ModelListing } from '../../orchestrator/engine/ports/client.ts'
import { ModelTable } from '../../orchestrator/engine/reports/model-table.ts'
import { TurnLane } from '../../shared/turn-lane.ts'
import { ManualSystem } from '../support/clocks/manual-system.ts'
import { offersOf } from '../support/hub/core-harness.ts'

function stage() {
  const system = new ManualSystem()
  const index = new CapabilityIndex()
  let looks = 0
  const listed = ({ model: id, kind, offerers: scouts }: ModelEntry): ModelListing => {
    looks++
    const rest = { contextTokens: 0, abilities: 0, about: '', promptPrice: null, answerPrice: null, speed: null }
    return { id, kinds: [kind], scouts, idle: 0, providers: [], created: 0, ...rest }
  }
  const table = new ModelTable(index, system, new TurnLane(system), listed)
  /** A scout's worth of models that somebody offers from now on. */
  const offer = (names: string[]) => {
    const klass = index.enter(offersOf(...names), 0, 'op')
    for (const entry of klass.entries) entry.offerers++
    index.changes++
  }
  return { system, table, offer, taken: () => looks, reset: () => (looks = 0) }
}

const names = (from: number, count: number) => Array.from({ length: count }, (_, at) => `m${(from + at) * 7_919}`)

test('a short list is made at once, in order, and not again while nothing changes', () => {
  const { system, table, offer, taken } = stage()
  offer(names(0, 50))
  const ids = table.all().map(({ id }) => id)
  expect(ids).toEqual([...names(0, 50)].sort())
  expect([table.all(), taken()]).toEqual([table.all(), 50])
  expect(table.get(ids[3]!)?.id).toBe(ids[3])
  offer(names(100, 1))
  system.pass(20)
  expect(table.all()).toHaveLength(51)
})

test('a long list is made a piece in each turn, while the last one is given out, and is in order', () => {
  const { system, table, offer, taken, reset } = stage()
  offer(names(0, 10))
  expect(table.all()).toHaveLength(10)
  for (let from = 10; from < 20_000; from += 256) offer(names(from, 256))
  system.pass(1_500)
  reset()
  expect(table.all()).toHaveLength(10)
  expect(taken()).toBe(0)
  let turns = 0
  for (let before = 0; system.turn(); turns++) {
    expect(taken() - before).toBeLessThanOrEqual(2_048)
    before = taken()
  }
  expect(turns).toBeGreaterThan(20)
  const ids = table.all().map(({ id }) => id)
  expect(ids).toHaveLength(taken())
  expect(ids).toEqual([...ids].sort())
  expect(new Set(ids).size).toBe(ids.length)
})
