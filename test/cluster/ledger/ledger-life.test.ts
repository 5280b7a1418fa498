import { expect, test } from 'vitest'
import { ledgerLife } from './ledger-life.ts'

const seeds = [1, 2, 3, 4, 5, 6, 7, 8]

test.each(seeds)('three hubs count the same points, each task once, whatever happens (seed %i)', async (seed) => {
  const outcome = await ledgerLife(seed)
  expect(outcome.broken).toEqual([])
  expect(outcome.shared).toBeGreaterThan(15)
  expect(outcome.deaths + outcome.cuts).toBeGreaterThan(4)
  expect(outcome.lost).toBeGreaterThan(0)
})
