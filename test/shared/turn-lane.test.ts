import { expect, test } from 'vitest'
import { laneRestFactor, laneRestMsMax } from '../../shared/limits/process.ts'
import { TurnLane } from '../../shared/turn-lane.ts'
import { ManualSystem } from '../support/clocks/manual-system.ts'

function stage() {
  const system = new ManualSystem()
  return { system, lane: new TurnLane(system), done: [] as string[] }
}

test('one step of one work is done in each turn, in rotation, and none in the turn in which it comes', () => {
  const { system, lane, done } = stage()
  for (const [name, steps] of [
    ['a', 3],
    ['b', 1],
    ['c', 2],
  ] as const) {
    let left = steps
    lane.add(() => {
      done.push(name)
      return --left === 0
    })
  }
  expect(done).toEqual([])
  const each: number[] = []
  for (let before = 0; system.turn(); before = done.length) each.push(done.length - before)
  expect(done).toEqual(['a', 'b', 'c', 'a', 'c', 'a'])
  // In the last one it looks at how long the last step took.
  expect(each).toEqual([1, 1, 1, 1, 1, 1, 0])
  expect(lane.length).toBe(0)
})

test('who awaits turns at the same moment gets different ones', async () => {
  const { system, lane, done } = stage()
  for (const name of ['a', 'b', 'c']) void lane.turn().then(() => done.push(name))
  for (const upTo of [['a'], ['a', 'b'], ['a', 'b', 'c']]) {
    system.turn()
    await Promise.resolve()
    expect(done).toEqual(upTo)
  }
})

test('behind a long step the loop is left to others for some times as long, up to a bound', () => {
  const { system, lane, done } = stage()
  const add = (name: string, tookMs: number) =>
    lane.soon(() => {
      done.push(name)
      system.stand(tookMs)
    })
  add('a', 7)
  add('b', 1_000)
  add('c', 0)
  while (system.turn());
  expect(done).toEqual(['a'])
  system.pass(7 * laneRestFactor - 1)
  expect(done).toEqual(['a'])
  system.pass(1)
  expect(done).toEqual(['a', 'b'])
  system.pass(laneRestMsMax - 1)
  expect(done).toEqual(['a', 'b'])
  // The clock that stood counts as passed only now.
  system.pass(1_000 + laneRestMsMax)
  expect(done).toEqual(['a', 'b', 'c'])
})

test('what awaited a turn counts with it, also for work that comes behind', async () => {
  const { system, lane, done } = stage()
  const turn = lane.turn().then(() => system.stand(5))
  system.turn()
  await turn
  lane.soon(() => done.push('behind'))
  while (system.turn());
  expect(done).toEqual([])
  system.pass(5 * laneRestFactor)
  expect(done).toEqual(['behind'])
})

test('a work in steps ends with what it returns, or with what it throws', async () => {
  const { system, lane } = stage()
  const counted = lane.whole(
    (function* () {
      yield
      yield
      return 'counted'
    })(),
  )
  const broken = lane.whole(
    // biome-ignore lint/correctness/useYield: it breaks before it would.
    (function* () {
      throw new Error('broken')
    })(),
  )
  let turns = 0
  while (system.turn()) turns++
  await expect(counted).resolves.toBe('counted')
  await expect(broken).rejects.toThrow('broken')
  expect(turns).toBe(5)
})

test('a step that throws ends its own work alone', () => {
  const { system, lane, done } = stage()
  lane.add(() => {
    throw new Error('broken')
  })
  lane.soon(() => done.push('next'))
  expect(() => system.turn()).toThrow('broken')
  system.turn()
  expect([done, lane.length]).toEqual([['next'], 0])
})

test('nothing is done after the end', () => {
  const { system, lane, done } = stage()
  lane.soon(() => done.push('late'))
  lane.stop()
  system.turn()
  expect(done).toEqual([])
})
