/** The list of models under a fleet that comes and goes: what is always true of it, and what may be a second old. */
import { expect, test } from 'vitest'
import { EngineBench } from '../support/hub/engine-bench.ts'

test('a scout that joins or leaves without changing which models there are does not rebuild the list', () => {
  const bench = new EngineBench()
  bench.join(['m'])
  const list = bench.engine.models()
  const second = bench.join(['m'])
  expect(bench.engine.models()).toBe(list)
  bench.scouts.gone(second)
  expect(bench.engine.models()).toBe(list)
})

test('its figures are at most a second old', () => {
  const bench = new EngineBench()
  bench.join(['m'])
  expect(bench.engine.model('m')).toMatchObject({ scouts: 1 })
  bench.join(['m'])
  bench.system.pass(1_000)
  expect(bench.engine.model('m')).toMatchObject({ scouts: 2 })
})

test('a new model, and a new kind of a known one, are there at once', () => {
  const bench = new EngineBench()
  bench.join(['m'])
  expect(bench.engine.models().map(({ id }) => id)).toEqual(['m'])
  bench.join(['n'])
  expect(bench.engine.models().map(({ id }) => id)).toEqual(['m', 'n'])
  bench.join([], 0, { offers: [['embed', 'm', 'provider', 0, 0, null, null, '']] })
  expect(bench.engine.model('m')?.kinds).toEqual(['chat', 'embed'])
})
