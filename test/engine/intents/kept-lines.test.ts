/** What is kept of answers for readers that are slow: a portion at a time, and no more than there is room for. */
import { expect, test } from 'vitest'
import { eventsPortionChars, keptLinesBytesPerTenantMax } from '../../../shared/limits/intents.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import { deltaLine, finishLine, Work } from '../../support/hub/engine-bench.ts'
import { IntentsBench } from '../../support/hub/intents-stage.ts'

test('a reader that comes late gets the lines of a long answer in portions, each line once', async () => {
  const bench = new IntentsBench()
  bench.join(['m'], 1)
  const id = await bench.accepted({ only: [] })
  const reader = bench.engine.intents.events(id, null, null)!
  const work = bench.work()
  const piece = 'p'.repeat(1_000)
  for (let chunk = 0; chunk < 20; chunk++) work.say(...Array.from({ length: 30 }, () => deltaLine(piece)))
  const portions: number[] = []
  let chunks = 0
  const look = () => {
    for (let part = reader.take(); part !== null && !part.ended; part = reader.take()) {
      portions.push(part.events.reduce((sum, { data }) => sum + data.length, 0))
      chunks += part.events.filter(({ type }) => type === 'chunk').length
    }
  }
  look()
  expect(chunks).toBe(600)
  expect(Math.max(...portions)).toBeLessThan(eventsPortionChars + 2_000)
  expect(portions.length).toBeGreaterThanOrEqual(Math.floor((600 * piece.length) / eventsPortionChars))
  work.say(finishLine)
  work.done()
  bench.system.pass(0)
  look()
  expect(chunks).toBe(600)
})

test('the end of a task comes behind all of its lines, however many portions they are', async () => {
  const bench = new IntentsBench()
  bench.join(['m'], 1)
  const id = await bench.accepted({ only: [] })
  const reader = bench.engine.intents.events(id, null, null)!
  const work = bench.work()
  work.say(...Array.from({ length: 500 }, () => deltaLine('p'.repeat(1_000))), finishLine)
  work.done()
  bench.system.pass(0)
  const types: string[] = []
  for (;;) {
    const part = reader.take()!
    types.push(...part.events.map(({ type }) => type))
    if (part.ended) break
  }
  expect(types.filter((type) => type === 'chunk')).toHaveLength(500)
  expect(types.slice(-2)).toEqual(['task_settled', 'done'])
})

test('lines of ended tasks are kept for a reader while its tenant has room, and given back at its end', async () => {
  const bench = new IntentsBench()
  const count = keptLinesBytesPerTenantMax / bodyBytesMax + 2
  const names = Array.from({ length: count }, (_, at) => `n${at}`)
  const run = async () => {
    const id = await bench.accepted({ ...Object.fromEntries(names.map((name) => [name, []])), end: names })
    const reader = bench.engine.intents.events(id, null, null)!
    for (let at = 0; at < count; at++) {
      bench.join(['m'], 1)
      bench.turn()
      const [lease] = bench.take('task')
      const work = new Work(bench, lease!.session, lease!.frame, lease!.body!)
      work.say(deltaLine('x'.repeat(bodyBytesMax - 1_000)), finishLine)
      work.done()
      bench.system.pass(0)
    }
    let bytes = 0
    let settled = 0
    for (let part = reader.take(); part !== null && !part.ended; part = reader.take()) {
      for (const { type, data } of part.events) {
        if (type === 'chunk') bytes += data.length
        if (type === 'task_settled') settled++
      }
    }
    void bench.engine.intents.cancel(id, null)
    bench.system.pass(0)
    reader.close()
    return { bytes, settled }
  }
  for (const { bytes, settled } of [await run(), await run()]) {
    expect(settled).toBe(count)
    expect(bytes).toBeGreaterThan(keptLinesBytesPerTenantMax - 2 * bodyBytesMax)
    expect(bytes).toBeLessThanOrEqual(keptLinesBytesPerTenantMax)
  }
})
