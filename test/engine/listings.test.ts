/** The list of models under a fleet that comes and goes: what is always true of it, and what may be a second old. */
import { expect, test } from 'vitest'
import type { FrameOf } from '../../shared/protocol/frames.ts'
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

test('what a hub tells of itself is what its own scouts can do, merged by model, without other hubs', () => {
  const bench = new EngineBench()
  bench.join(['m', 'n'], 2, { offers: [offer('m', 4_000, 7), offer('n', 0, null)] })
  bench.join(['m'], 0, { offers: [offer('m', 8_000, 5)] })
  bench.join(['m'], 1, { offers: [offer('m', 4_000, 7)] })
  const hello = { name: 'beta', instance: 'i', agent: 'chasm hub', concurrency: 9, offers: [], held: [] }
  bench.scouts.joined({ session: 99, operator: 'hub:beta', address: 'https://beta.example', hello })
  bench.scouts.credit(99, 5)
  bench.engine.flush()
  const { models, ...counts } = bench.engine.localFleet()
  expect(counts).toEqual({ scouts: 3, concurrency: 24, credits: 3, running: 0, queued: 0, intents: 0 })
  expect(
    models.map(({ offer: { model, contextTokens, promptPrice }, scouts, idle }) => {
      return [model, contextTokens, promptPrice, scouts, idle]
    }),
  ).toEqual([
    ['m', 8_000, 5, 3, 2],
    ['n', 0, null, 1, 1],
  ])
})

function offer(model: string, contextTokens: number, price: number | null): FrameOf<'hello'>['offers'][number] {
  return ['chat', model, 'provider', contextTokens, 0, price, price, '']
}
