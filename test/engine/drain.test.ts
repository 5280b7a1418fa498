/** What the drain of a hub waits for, and what it does not: the work of scouts that are there. */
import { expect, test } from 'vitest'
import { tickMs } from '../../shared/limits/scheduling.ts'
import { EngineBench, wholeAnswer } from '../support/hub/engine-bench.ts'
import { IntentsBench } from '../support/hub/intents-stage.ts'

/** Begins a drain, which can be asked whether it is over. */
function drain(bench: EngineBench): () => Promise<boolean> {
  let isOver = false
  void bench.engine.drain().then(() => {
    isOver = true
  })
  return async () => {
    bench.system.pass(2 * tickMs)
    // What waits for a promise has its turn.
    for (let turns = 0; turns < 5; turns++) await Promise.resolve()
    return isOver
  }
}

async function leased() {
  const bench = new IntentsBench()
  bench.join(['m'], 1)
  await bench.accepted({ a: [] })
  const work = bench.work()
  work.started()
  const isOver = drain(bench)
  expect(await isOver()).toBe(false)
  return { bench, work, isOver }
}

test('a durable task whose scout has left is the next start’s', async () => {
  const { bench, work, isOver } = await leased()
  bench.scouts.gone(work.session)
  expect(await isOver()).toBe(true)
})

test('so is one whose scout has said that it leaves', async () => {
  const { bench, work, isOver } = await leased()
  bench.scouts.draining(work.session)
  expect(await isOver()).toBe(false)
  bench.scouts.gone(work.session)
  expect(await isOver()).toBe(true)
})

test('and one that its scout has handed back', async () => {
  const { work, isOver } = await leased()
  work.fail('scout_draining', 'released')
  expect(await isOver()).toBe(true)
})

test('a chat is waited for as long as somebody works on it', async () => {
  const bench = new EngineBench()
  bench.join(['m'], 1)
  const answer = bench.ask({ stream: false })
  const work = bench.work()
  const isOver = drain(bench)
  expect(await isOver()).toBe(false)
  work.done(wholeAnswer)
  expect(await isOver()).toBe(true)
  expect(answer.take()?.end?.type).toBe('done')
})

test('a chat whose scout has left is given up at once when nobody has seen any of it', async () => {
  const bench = new EngineBench()
  bench.join(['m'], 1)
  const answer = bench.ask()
  const work = bench.work()
  const isOver = drain(bench)
  bench.scouts.gone(work.session)
  // The delay before it would be tried again.
  bench.system.pass(10 * tickMs)
  expect(await isOver()).toBe(true)
  expect(answer.take()?.end).toMatchObject({ type: 'failed', fault: { code: 'hub_draining' } })
})
