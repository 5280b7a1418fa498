import { expect, test } from 'vitest'
import { circleBehind } from '../../../orchestrator/cluster/roster/circle.ts'
import { slotMax, slotOfTask, taskEpoch } from '../../../orchestrator/cluster/roster/task-space.ts'

test('hubs stand in for each other in a circle by name, also for one that is not among them', () => {
  const hubs = ['gamma', 'alpha', 'beta']
  expect(circleBehind('alpha', hubs)).toEqual(['beta', 'gamma'])
  expect(circleBehind('beta', hubs)).toEqual(['gamma', 'alpha'])
  expect(circleBehind('gamma', hubs)).toEqual(['alpha', 'beta'])
  expect(circleBehind('bravo', hubs)).toEqual(['gamma', 'alpha', 'beta'])
  expect(circleBehind('omega', [])).toEqual([])
})

test('numbers of tasks tell whose they are, and are whole numbers up to the last slot', () => {
  for (const slot of [0, 1, 17, slotMax]) {
    const first = taskEpoch(slot, 4_321) * 2 ** 32
    const last = first + 2 ** 32 - 1
    expect([slotOfTask(first), slotOfTask(last)]).toEqual([slot, slot])
    expect(Number.isSafeInteger(last)).toBe(true)
  }
  expect(taskEpoch(1, 5)).not.toBe(taskEpoch(2, 5))
  expect(taskEpoch(1, 5)).not.toBe(taskEpoch(1, 6))
})
