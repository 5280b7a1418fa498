import { expect, test } from 'vitest'
import { firstSignMs, leaseGraceMs, leaseTtlMs } from '../../../shared/limits/scheduling.ts'
import { journalRetryMs } from '../../../shared/limits/store.ts'
import { deltaLine, finishLine } from '../../support/hub/engine-bench.ts'
import { IntentsBench, outline } from '../../support/hub/intents-stage.ts'

const longMs = 4 * (leaseTtlMs + leaseGraceMs + firstSignMs)

/** Time passes while these scouts live. */
function wait(bench: IntentsBench, ms: number, ...sessions: number[]): void {
  for (let waitedMs = 0; waitedMs < ms; waitedMs += 5_000) {
    bench.system.pass(5_000)
    for (const session of sessions) bench.scouts.heartbeat(session)
  }
}

test('a disk in trouble for longer than a lease charges nobody, and all goes on once when it heals', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ a: [], b: ['a'] })
  bench.fickle.trouble = 'full'
  const session = bench.join(['m'], 1)
  bench.turn()
  wait(bench, longMs, session)
  expect(bench.take('task')).toEqual([])
  expect(bench.engine.scouts()).toMatchObject([{ failed: 0, failureRate: 0, credits: 1, inFlight: 0 }])
  bench.fickle.trouble = null
  bench.system.pass(journalRetryMs)
  const work = bench.work()
  expect(bench.store.tasksOf(id)[0]).toMatchObject({ state: 'leased', charged: 0, returned: 0 })
  bench.finish(work, 'once')
  bench.scouts.credit(session, 1)
  bench.finish(bench.work(), 'twice')
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'done', usage: { completionTokens: 6 } })
  expect(outline(bench.events(id)).filter((line) => line.startsWith('task_settled'))).toHaveLength(2)
})

test('a scout that leaves before its grant could be written is not waited for and not charged', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ a: [] })
  bench.fickle.trouble = 'io'
  const first = bench.join(['m'], 1)
  bench.scouts.gone(first)
  bench.turn()
  wait(bench, longMs)
  const second = bench.join(['m'], 1)
  bench.fickle.trouble = null
  bench.system.pass(journalRetryMs)
  const work = bench.work()
  expect(work.session).toBe(second)
  expect(bench.store.tasksOf(id)).toMatchObject([{ charged: 0, returned: 0 }])
})

test('a scout that leaves in the very turn in which it is given a task is not charged, nor is the task', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ a: [] })
  const session = bench.join(['m'])
  bench.scouts.credit(session, 1)
  bench.scouts.draining(session)
  bench.scouts.gone(session)
  bench.turn()
  expect(bench.take('task')).toEqual([])
  expect(bench.store.tasksOf(id)).toMatchObject([{ state: 'ready', attempt: 1, charged: 0, returned: 0 }])
  expect(bench.engine.core.state.roster.records.values().next().value).toMatchObject({ failed: 0, failureRate: 0 })
})

test('while the disk is in trouble chats go on, past the durable tasks that wait before them', async () => {
  const bench = new IntentsBench()
  for (const priority of [9, 5]) await bench.accepted({ a: [], b: [] }, { tenant: 'tenant', priority })
  const session = bench.join(['m'])
  bench.fickle.trouble = 'full'
  expect(await bench.accept({ x: [] })).toMatchObject({ fault: { code: 'store_unavailable' } })
  const answers = [bench.ask(), bench.ask()]
  expect(bench.engine.stats().tasksQueued).toBe(6)
  for (const answer of answers) {
    bench.scouts.credit(session, 1)
    const work = bench.work()
    expect(work.request.length).toBe(7)
    bench.finish(work, 'hi')
    expect(answer.take()?.end).toMatchObject({ type: 'done' })
  }
  expect(bench.engine.stats().tasksQueued).toBe(4)
  bench.scouts.credit(session, 4)
  bench.turn()
  expect(bench.take('task')).toEqual([])
  bench.fickle.trouble = null
  bench.system.pass(journalRetryMs)
  bench.turn()
  expect(bench.take('task')).toHaveLength(4)
  expect(bench.engine.scouts()).toMatchObject([{ credits: 0, inFlight: 4 }])
})

test('what a scout settles meanwhile is committed when the disk heals, and what follows begins then', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ a: [], b: ['a'] })
  const session = bench.join(['m'], 1)
  const work = bench.work()
  bench.fickle.trouble = 'busy'
  work.say(deltaLine('x'), finishLine)
  work.done(undefined, { credits: 1 })
  bench.turn()
  wait(bench, longMs, session)
  expect([bench.take('settled'), bench.take('task')]).toEqual([[], []])
  bench.fickle.trouble = null
  bench.system.pass(journalRetryMs)
  expect(bench.take('settled')).toMatchObject([{ frame: { acks: [[work.lease.task, 1, 'committed']] } }])
  bench.finish(bench.work(), 'y')
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'done' })
})

test('a cancel that cannot be written says so at once, holds the work, and is done when the disk heals', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ a: [] })
  const over = await bench.accepted({ a: [] })
  const cancelled = bench.engine.intents.cancel(over, null)
  bench.turn()
  expect(await cancelled).toBeNull()
  bench.fickle.trouble = 'full'
  const first = bench.engine.intents.cancel(id, 'key_a')
  bench.turn()
  const unavailable = { code: 'store_unavailable', retryAfterMs: expect.any(Number) }
  expect(await first).toMatchObject(unavailable)
  expect(await bench.engine.intents.cancel(id, 'key_a')).toMatchObject(unavailable)
  expect(await bench.engine.intents.cancel(over, 'key_a')).toBeNull()
  bench.join(['m'], 1)
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'running' })
  bench.fickle.trouble = null
  bench.system.pass(journalRetryMs)
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'cancelled' })
  expect(await bench.engine.intents.cancel(id, 'key_a')).toBeNull()
  expect(bench.take('task')).toEqual([])
})

test('a disk that fails again and again between two grants gives every credit back', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ a: [], b: [], c: [] })
  let looks = 0
  // A commit that fails looks twice, one that does not once.
  const trouble = () => (looks++ % 3 < 2 ? 'io' : null)
  Object.defineProperty(bench.fickle, 'trouble', { get: trouble, configurable: true })
  bench.join(['m'], 2)
  bench.turn()
  for (let times = 0; times < 15; times++) {
    bench.system.pass(journalRetryMs)
    expect(bench.engine.scouts()).toMatchObject([{ credits: 2, inFlight: 0 }])
  }
  Object.defineProperty(bench.fickle, 'trouble', { value: null })
  bench.system.pass(journalRetryMs)
  bench.turn()
  expect(bench.take('task')).toHaveLength(2)
  const rows = bench.store.tasksOf(id)
  expect(rows.map(({ charged, returned }) => charged + returned)).toEqual([0, 0, 0])
  expect(rows.reduce((sum, { attempt }) => sum + attempt, 0)).toBeGreaterThan(15)
})
