/** A timer that is put off with every piece of a stream: it must ring on time, and only then. */
import { expect, test } from 'vitest'
import { IdleTimer } from '../../../orchestrator/http/streaming/idle-timer.ts'
import { heldSystem } from '../../support/clocks/held-system.ts'

function stage() {
  const system = heldSystem()
  const rings: number[] = []
  const idleTimer = new IdleTimer(system, () => rings.push(system.nowMs()))
  return { system, rings, idleTimer }
}

test('it rings once, at its time', () => {
  const { system, rings, idleTimer } = stage()
  idleTimer.set(1_000)
  system.advance(999)
  expect(rings).toEqual([])
  system.advance(5_000)
  expect(rings).toEqual([1_000])
})

test('put off a thousand times it rings on time after the last, and has set a handful of timers', () => {
  const { system, rings, idleTimer } = stage()
  let timers = 0
  const { after } = system
  system.after = (delayMs, callback) => {
    timers++
    return after(delayMs, callback)
  }
  for (let piece = 0; piece < 1_000; piece++) {
    idleTimer.set(1_000)
    system.advance(10)
  }
  expect(rings).toEqual([])
  system.advance(10_000)
  expect(rings).toEqual([9_990 + 1_000])
  expect(timers).toBeLessThan(15)
})

test('set to an earlier time it rings earlier', () => {
  const { system, rings, idleTimer } = stage()
  idleTimer.set(10_000)
  idleTimer.set(100)
  system.advance(20_000)
  expect(rings).toEqual([100])
})

test('switched off it is silent until it is set again; ended it holds no timer', () => {
  const { system, rings, idleTimer } = stage()
  idleTimer.set(100)
  idleTimer.off()
  system.advance(1_000)
  expect(rings).toEqual([])
  idleTimer.set(100)
  system.advance(100)
  expect(rings).toEqual([1_100])
  idleTimer.set(100)
  idleTimer.end()
  expect(system.delays()).toEqual([])
})
