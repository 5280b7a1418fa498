import fc from 'fast-check'
import { expect, test } from 'vitest'
import { WholeWaits } from '../../orchestrator/http/whole-waits.ts'
import { httpIdleMs, idleExemptMs, leaveSweepMs } from '../../shared/limits/http.ts'
import { ManualSystem } from '../support/clocks/manual-system.ts'
import '../support/law/seeded-properties.ts'

function stage() {
  const system = new ManualSystem()
  const waits = new WholeWaits(system)
  const waiting = (signal = new AbortController().signal) => {
    const timeouts: number[] = []
    const server = { timeout: (_: unknown, seconds: number) => timeouts.push(seconds) }
    let asked = 0
    const request = {
      get signal() {
        asked++
        return signal
      },
    }
    const own = { listSlot: 0, onLeave: null, leaveListener: null, isIdleExempt: false }
    const context = { server, request, startedMs: system.nowMs(), ...own } as unknown as Parameters<
      WholeWaits['begin']
    >[0]
    return { context, timeouts, signals: () => asked }
  }
  return { system, waits, waiting }
}

test('a short wait leaves the timeout of its connection alone', () => {
  const { system, waits, waiting } = stage()
  const { context, timeouts } = waiting()
  waits.begin(context, () => {})
  system.pass(idleExemptMs - 1)
  waits.end(context)
  system.pass(httpIdleMs)
  expect([timeouts, system.pending]).toEqual([[], 0])
})

test('a connection is never idle for too long while its request waits, and may be idle again afterwards', () => {
  const { system, waits, waiting } = stage()
  const first = waiting()
  waits.begin(first.context, () => {})
  system.pass(1)
  const second = waiting()
  waits.begin(second.context, () => {})
  // Half of the time after which the server closes it.
  system.pass(httpIdleMs / 2)
  expect([first.timeouts, second.timeouts]).toEqual([[0], [0]])
  system.pass(10 * httpIdleMs)
  waits.end(first.context)
  expect([first.timeouts, second.timeouts]).toEqual([[0, httpIdleMs / 1000], [0]])
  waits.end(second.context)
  waits.begin(second.context, () => {})
  system.pass(httpIdleMs / 2)
  expect(second.timeouts).toEqual([0, httpIdleMs / 1000, 0])
  waits.stop()
  expect(system.pending).toBe(0)
})

test('waits end in any order, and those that go on are still found', () => {
  const { system, waits, waiting } = stage()
  fc.assert(
    fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 20 }), (picks) => {
      const open = picks.map(() => waiting())
      for (const { context } of open) waits.begin(context, () => {})
      const ended = picks.slice(picks.length / 2).map((pick) => open.splice(pick % open.length, 1)[0]!)
      for (const { context } of ended) waits.end(context)
      system.pass(idleExemptMs + leaveSweepMs)
      for (const { timeouts } of ended) expect(timeouts).toEqual([])
      for (const { context, timeouts } of open) {
        expect(timeouts).toEqual([0])
        waits.end(context)
      }
    }),
  )
})

test('a client that leaves, or has left, is noticed once', () => {
  const { system, waits, waiting } = stage()
  const leaving = new AbortController()
  let left = 0
  for (let times = 0; times < 2; times++) {
    const { context } = waiting(leaving.signal)
    waits.begin(context, () => left++)
    system.pass(2 * leaveSweepMs)
    leaving.abort()
    expect(left).toBe(times + 1)
    system.pass(10 * leaveSweepMs)
    expect(left).toBe(times + 1)
    waits.end(context)
  }
})

test('nobody is told of a client that leaves after an answer that took long', () => {
  const { system, waits, waiting } = stage()
  const leaving = new AbortController()
  const { context, signals } = waiting(leaving.signal)
  let left = 0
  waits.begin(context, () => left++)
  system.pass(2 * leaveSweepMs)
  expect(signals()).toBe(1)
  waits.end(context)
  leaving.abort()
  expect(left).toBe(0)
})

test('an answer that comes at once asks for no signal, and nobody is told of a client that leaves after it', () => {
  const { system, waits, waiting } = stage()
  const leaving = new AbortController()
  const { context, signals } = waiting(leaving.signal)
  let left = 0
  waits.begin(context, () => left++)
  system.pass(leaveSweepMs - 1)
  waits.end(context)
  leaving.abort()
  system.pass(10 * leaveSweepMs)
  expect([signals(), left, system.pending]).toEqual([0, 0, 0])
})
