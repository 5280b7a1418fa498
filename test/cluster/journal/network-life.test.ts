import { expect, test } from 'vitest'
import { networkLife } from './network-life.ts'

const seeds = [1, 2, 3, 4, 5, 6]

test.each(seeds)('what three hubs accept is done, once, and shown by all, whatever happens (seed %i)', async (seed) => {
  const outcome = await networkLife(seed)
  expect(outcome.broken).toEqual([])
  expect(outcome.accepted).toBeGreaterThan(5)
  expect(outcome.deaths + outcome.cuts).toBeGreaterThan(2)
  expect(outcome.piecesAway).toBeGreaterThan(0)
})
