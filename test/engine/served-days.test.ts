/** What scouts served by the day: counted as attempts end, written every minute, there after a restart. */
import { expect, test } from 'vitest'
import { ServedSums } from '../../orchestrator/core/stats/served-sums.ts'
import { memoryStore } from '../../orchestrator/store/memory/store.ts'
import { servedFlushMs, servedSumsMax } from '../../shared/limits/store.ts'
import { deltaLine, EngineBench, finishLine, roleLine, tail } from '../support/hub/engine-bench.ts'

/** Everything that one scout of the bench served, with its id. */
function served(bench: EngineBench) {
  const [scout] = bench.engine.scouts()
  return { scout: scout!.id, days: bench.engine.daysOfScout(scout!.id, 0) }
}

function answered(bench: EngineBench, tookMs: number): void {
  bench.ask()
  const work = bench.work()
  work.say(roleLine, deltaLine('a'), finishLine)
  bench.system.pass(tookMs)
  work.done(tail)
}

test('answers and failures count for the day on which they are written, in the store that outlives the hub', () => {
  const store = memoryStore()
  const bench = new EngineBench({}, store)
  bench.join(['m'], 4)
  const day = Math.floor(bench.system.wallMs() / 86_400_000)
  answered(bench, 700)
  answered(bench, 300)
  bench.ask({ routing: { attemptsMax: 1 } })
  bench.work().fail('bad_answer')
  expect(served(bench).days).toEqual([])
  bench.system.pass(servedFlushMs)
  bench.system.pass(1)
  const { scout, days } = served(bench)
  expect(days).toEqual([{ day, done: 2, failed: 1, tokens: 6, busyMs: 1_000 }])
  bench.system.pass(servedFlushMs)
  expect(served(bench).days).toEqual(days)
  answered(bench, 100)
  bench.engine.stop()
  expect(store.servedDays(scout, day)).toEqual([{ day, done: 3, failed: 1, tokens: 9, busyMs: 1_100 }])
})

test('of more scouts than fit the rest is not counted until the sums are taken', () => {
  const sums = new ServedSums()
  for (let at = 0; at < servedSumsMax; at++) sums.failed({ scout: `s${at}` })
  sums.failed({ scout: 'one too many' })
  sums.answered({ scout: 's0' }, 3, 4)
  const taken = [...sums.take()]
  expect(taken).toHaveLength(servedSumsMax)
  expect(taken[0]).toEqual({ scout: 's0', done: 1, failed: 1, tokens: 3, busyMs: 4 })
  sums.failed({ scout: 'one too many' })
  expect([...sums.take()]).toHaveLength(1)
  expect([...sums.take()]).toEqual([])
})
