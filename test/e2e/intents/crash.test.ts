import { expect, test } from 'vitest'
import { killRuns } from '../../../bench/durability/kill-runs.ts'

test('a hub killed again and again under load loses nothing it acknowledged and commits nothing twice', async () => {
  const ran = await killRuns({ kills: 3, scouts: 2, clients: 4, steps: 2, edges: 0 })
  expect(ran).toMatchObject({ lost: 0, undone: 0, doubled: 0, repeated: 0, contradicted: 0, exitCode: 0 })
  // Each life of a hub acknowledges one before it is killed, and one after its start.
  expect(ran.acknowledged).toBeGreaterThanOrEqual(2 * ran.kills)
  expect(ran.broken).toBeGreaterThan(0)
})

test('nor does one of several processes, whichever of them is killed, or a scout', async () => {
  const ran = await killRuns({ kills: 4, scouts: 2, clients: 4, steps: 2, edges: 2 })
  expect(ran).toMatchObject({ lost: 0, undone: 0, doubled: 0, repeated: 0, contradicted: 0, exitCode: 0 })
  expect(ran.killed).toEqual({ brain: 1, edge: 1, supervisor: 1, scout: 1 })
})
