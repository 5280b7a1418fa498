/** Edges that hold too different numbers of scouts: idle ones are asked to dial again, a few at a time. */
import { describe, expect, test } from 'vitest'
import { surplusOf, usualBalance } from '../../orchestrator/brain/balance.ts'
import { balanceScoutsMin } from '../../shared/limits/process.ts'
import { type EdgeSeat, EdgesBench } from '../support/edges/edge-bench.ts'
import { bytesOf } from '../support/hub/engine-bench.ts'

describe('how many are to move', () => {
  test.each([
    ['nobody from a single edge', [5_000], null],
    ['nobody while there are few', [balanceScoutsMin - 1, 0], null],
    ['nobody while edges differ by less than a fifth', [1_090, 910], null],
    ['a hundredth of all, from the fullest', [1_000, 4_000, 1_000], { at: 1, count: 60 }],
    ['no more than there are too many', [560, 450, 500], { at: 0, count: 16 }],
  ])('%s', (_what, counts, expected) => {
    expect(surplusOf(counts, usualBalance)).toEqual(expected)
  })
})

/** Two edges; all scouts are at the first, and every second one works. */
function stage(scouts: number) {
  const bench = new EdgesBench(2)
  const [full, empty] = bench.seats as [EdgeSeat, EdgeSeat]
  const sessions = Array.from({ length: scouts }, () => full.join(['m'], 1))
  bench.settle()
  const answers = Array.from({ length: scouts / 2 }, () => empty.ask({ body: bytesOf('{"messages":[]}') }))
  bench.settle()
  const busy = new Set(full.take('task').map(({ session }) => session))
  return { bench, full, empty, sessions, answers, busy }
}

test('only idle scouts are moved, as many in all as are too many, and nothing is given to them any more', () => {
  const { bench, full, empty, busy } = stage(balanceScoutsMin)
  for (let second = 0; second < 100; second++) {
    bench.edges.balance()
    bench.settle()
    if (full.moved.length === 0) break
    // Those that were asked to dial come to the other edge.
    for (const session of full.moved.splice(0)) {
      expect(busy.has(session)).toBe(false)
      expect(bench.engine.core.state.roster.bySession.has(session)).toBe(false)
      full.desks.scoutEvents.gone(session)
      empty.join(['m'], 1)
    }
    bench.settle()
  }
  const places = bench.engine.scouts().length
  expect(places).toBe(balanceScoutsMin)
  const atFull = full.desks.present().held.length
  expect(atFull).toBeGreaterThanOrEqual(balanceScoutsMin / 2)
  expect(atFull).toBeLessThan(0.56 * balanceScoutsMin)
})

test('a hundredth of all is moved at once', () => {
  const { bench, full } = stage(balanceScoutsMin)
  bench.edges.balance()
  bench.settle()
  expect(full.moved.length).toBe(balanceScoutsMin / 100)
})
