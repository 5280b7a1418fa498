import { expect, test } from 'vitest'
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
  expect(each).toEqual([1, 1, 1, 1, 1, 1])
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
