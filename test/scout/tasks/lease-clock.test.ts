/** When a scout gives a lease up by itself, and that it does not while it has not read what the hub has sent. */
import { beforeEach, describe, expect, test } from 'vitest'
import { AttemptOutput } from '../../../scout/tasks/attempt-output.ts'
import { type Due, LeaseClock } from '../../../scout/tasks/lease-clock.ts'
import { RunningTask } from '../../../scout/tasks/running-task.ts'
import { silenceMs } from '../../../shared/limits/wire.ts'
import { ManualSystem } from '../../support/clocks/manual-system.ts'

const ttlMs = 30_000
const deadlineMs = 600_000

let system: ManualSystem
let clock: LeaseClock
let due: Due[]

beforeEach(() => {
  system = new ManualSystem()
  due = []
  const nonce = new Uint8Array(16)
  const frame = { type: 'task', task: 1, attempt: 1, nonce, kind: 'chat', model: 'm', stream: true } as const
  const more = { ttlMs, deadlineMs, acks: [], size: 0, body: null }
  const task = new RunningTask({ ...frame, ...more }, new AttemptOutput(1, 1, nonce), system.nowMs())
  clock = new LeaseClock(system, new Map([[task.output.key, task]]), (task, why) => {
    due.push(why)
    // As the executor does: the clock looks no more at a task that is stopped.
    task.stop = 'forgotten'
  })
  clock.watch(task)
})

test('a lease ends its time after the last frame of the hub', () => {
  system.pass(ttlMs - 1)
  clock.heard()
  system.pass(ttlMs - 1)
  expect(due).toEqual([])
  system.pass(1)
  expect(due[0]).toBe('expired')
})

test('a lease that a hello has presented does not end before its welcome can have come', () => {
  system.pass(ttlMs - 1)
  clock.presented()
  system.pass(silenceMs - 1)
  expect(due).toEqual([])
  clock.welcomed()
  system.pass(ttlMs - 1)
  expect(due).toEqual([])
  system.pass(1)
  expect(due[0]).toBe('expired')
})

test('a lease whose hello is not answered ends once that is known', () => {
  system.pass(ttlMs - 1)
  clock.presented()
  system.pass(silenceMs)
  expect(due[0]).toBe('expired')
})

describe('a scout that stood still', () => {
  test('reads what has arrived before it gives a lease up', () => {
    system.stand(ttlMs + 20_000)
    system.pass(0)
    expect(due).toEqual([])
    clock.heard()
    system.pass(ttlMs - 1)
    expect(due).toEqual([])
    system.pass(1_000)
    expect(due[0]).toBe('expired')
  })

  test('gives it up soon when nothing had arrived', () => {
    system.stand(ttlMs + 20_000)
    system.pass(0)
    expect(due).toEqual([])
    system.pass(1_000)
    expect(due[0]).toBe('expired')
  })

  test('is late with a deadline all the same', () => {
    system.stand(deadlineMs)
    system.pass(0)
    clock.heard()
    system.pass(1_000)
    expect(due[0]).toBe('late')
  })
})
