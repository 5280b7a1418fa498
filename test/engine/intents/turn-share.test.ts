/** Requests that are made of long results: of many that become ready at once, each turn of the loop makes a few. */
import { expect, test } from 'vitest'
import type { Decision, PlannedTask } from '../../../orchestrator/engine/ports/planner.ts'
import { decisionStepBytes, madeBytesPerTurn } from '../../../shared/limits/intents.ts'
import type { Steps } from '../../../shared/turn-lane.ts'
import { bytesOf, deltaLine, finishLine, Work } from '../../support/hub/engine-bench.ts'
import { type Drawing, FickleDisk, IntentsBench } from '../../support/hub/intents-stage.ts'

const resultChars = 600_000
const children = Array.from({ length: 8 }, (_, at) => `b${at}`)
const drawing: Drawing = { a: [], ...Object.fromEntries(children.map((name) => [name, ['a']])), end: children }

/** A scroll of which one parent is about to be done, and eight scouts that wait for its children. */
async function stage() {
  const bench = new IntentsBench()
  bench.join(['m'], 1)
  const id = await bench.accepted(drawing)
  const first = bench.work()
  first.say(deltaLine('x'.repeat(resultChars)), finishLine)
  const sessions = children.map(() => bench.join(['m'], 1))
  bench.take('welcome')
  first.done()
  return { bench, id, sessions }
}

const sizes = (bench: IntentsBench) => bench.take('task').map(({ body }) => body!.length)

test('the children of one long result are granted over several turns, each of its share', async () => {
  const { bench } = await stage()
  const each: number[][] = []
  while (bench.system.turn()) each.push(sizes(bench))
  const made = each.filter((one) => one.length > 0)
  expect(made.flat()).toHaveLength(children.length)
  for (const one of made) {
    // What is read for a request is as long as what is made.
    const bytes = one.reduce((sum, size) => sum + 2 * size, 0)
    expect(bytes - 2 * one.at(-1)!).toBeLessThanOrEqual(madeBytesPerTurn + 2 * resultChars)
    expect(one.length).toBeLessThanOrEqual(2)
  }
  expect(made.length).toBeGreaterThanOrEqual(children.length / 2)
})

/** Turns until the first of the children has been granted and others wait. */
function untilFirst(bench: IntentsBench): void {
  while (!bench.sent.some(({ frame }) => frame.type === 'task')) expect(bench.system.turn()).toBe(true)
}

test('a child that waits for its turn is taken back when its scout goes, and nobody is charged', async () => {
  const { bench, sessions } = await stage()
  untilFirst(bench)
  const granted = bench.take('task').map(({ session }) => session)
  expect(granted.length).toBeLessThan(children.length)
  for (const session of sessions.filter((one) => !granted.includes(one))) bench.scouts.gone(session)
  bench.system.pass(0)
  expect(bench.take('task')).toEqual([])
  const records = [...bench.engine.core.state.roster.records.values()]
  expect(records.every(({ failed }) => failed === 0)).toBe(true)
  for (const _ of children.slice(granted.length)) bench.join(['m'], 1)
  bench.system.pass(0)
  expect(bench.take('task').map(({ frame }) => frame.attempt)).toEqual(children.slice(granted.length).map(() => 2))
})

test('a cancel does not overtake the grant that waits for its turn', async () => {
  const { bench, id } = await stage()
  untilFirst(bench)
  void bench.engine.intents.cancel(id, null)
  bench.system.pass(0)
  const order = new Map<number, string[]>()
  for (const { frame } of bench.sent) {
    if (frame.type !== 'task' && frame.type !== 'cancel') continue
    order.set(frame.task, [...(order.get(frame.task) ?? []), frame.type])
  }
  expect([...order.values()].filter((types) => types[0] === 'cancel')).toEqual([])
  expect([...order.values()].flat().filter((type) => type === 'task')).toHaveLength(children.length)
})

test('small requests are granted in the turn in which they become ready', async () => {
  const bench = new IntentsBench()
  bench.join(['m'], 1)
  await bench.accepted(drawing)
  const first = bench.work()
  for (const _ of children) bench.join(['m'], 1)
  first.say(deltaLine('short'), finishLine)
  first.done()
  const each: number[] = []
  while (bench.system.turn()) each.push(bench.take('task').length)
  expect(each.filter((count) => count > 0)).toEqual([children.length])
})

test('an answer of a hundred thousand lines is put together over many turns', async () => {
  const bench = new IntentsBench()
  bench.join(['m'], 2)
  const id = await bench.accepted({ only: [] })
  const work = bench.work()
  const line = deltaLine('w ')
  for (let chunk = 0; chunk < 40; chunk++) work.say(...Array.from({ length: 500 }, () => line))
  work.say(finishLine)
  work.done()
  expect(bench.engine.stats().answersInCheck).toBe(1)
  let turns = 0
  while (bench.engine.stats().answersInCheck > 0) {
    expect(bench.system.turn()).toBe(true)
    turns++
  }
  expect(turns).toBeGreaterThanOrEqual(10)
  bench.system.pass(0)
  const result = JSON.parse(Buffer.from(bench.engine.intents.result(id, 'only')!).toString('utf8'))
  expect(result.choices[0].message.content).toBe('w '.repeat(20_000))
})

test('a long answer that comes again after a restart is put together all the same', async () => {
  const bench = new IntentsBench()
  bench.join(['m'], 1)
  const id = await bench.accepted({ only: [] })
  const work = bench.work()
  work.say(deltaLine('x'.repeat(resultChars)), finishLine)
  work.done()
  bench.system.turn()
  const next = bench.restart()
  const session = next.rejoin(work)
  next.turn()
  const again = new Work(next, session, work.lease, work.request)
  again.say(deltaLine('y'.repeat(resultChars)), finishLine)
  again.done()
  next.system.pass(0)
  expect(Buffer.from(next.engine.intents.result(id, 'only')!).includes('yyyy')).toBe(true)
})

test('many long results that one request is made of are read over several turns', async () => {
  const fickle = new FickleDisk()
  const disk = fickle.open()
  let readBytes = 0
  const result = (task: number) => {
    const found = disk.result(task)
    readBytes += found?.length ?? 0
    return found
  }
  const bench = new IntentsBench(fickle, {}, 3, { ...disk, result })
  const parents = ['a', 'b', 'c', 'd', 'e']
  bench.join(['m'], parents.length)
  const needs = Object.fromEntries(parents.map((name) => [name, []]))
  await bench.accepted({ ...needs, last: parents })
  bench.turn()
  for (const { session, frame, body } of bench.take('task')) {
    bench.finish(new Work(bench, session, frame, body!), 'x'.repeat(resultChars))
  }
  const each: number[] = []
  bench.join(['m'], 1)
  readBytes = 0
  for (let before = 0; bench.system.turn(); before = readBytes) each.push(readBytes - before)
  bench.system.pass(0)
  const [made] = bench.take('task')
  expect(made!.body!.length).toBeGreaterThan(parents.length * resultChars)
  expect(readBytes).toBeGreaterThan(parents.length * resultChars)
  expect(Math.max(...each)).toBeLessThanOrEqual(madeBytesPerTurn + 2 * resultChars)
})

test('a decision in steps is made over several turns, and is not told of a node that ended meanwhile', async () => {
  let steps = 0
  const said = bytesOf(JSON.stringify({ choices: [{ index: 0, message: { role: 'assistant', content: 'so' } }] }))
  function* decide(): Steps<Decision> {
    for (let at = 0; at < 20; at++) {
      steps++
      yield
    }
    return { type: 'done', result: said }
  }
  const bench = IntentsBench.planning({ decide, render: () => said, checkContract: () => null })
  const control: PlannedTask = { node: 'c', kind: 'chat', model: 'm', needs: [], request: bytesOf('{}'), control: {} }
  const plan = { tasks: [control], resultNode: 'c' }
  const accept = async () => {
    const accepted = bench.engine.intents.accept({
      ...{ tenant: 'key_a', plan, weight: 1, priority: 5, deadlineMs: 3_600_000, metadata: {} },
    })
    const each: number[] = []
    for (let before = steps; steps - before < 8 && bench.system.turn(); ) each.push(steps)
    return { id: ((await accepted) as { id: string }).id, each }
  }
  const { id, each } = await accept()
  const most = each.map((count, at) => count - (each[at - 1] ?? 0))
  expect(Math.max(...most)).toBeLessThanOrEqual(Math.ceil(madeBytesPerTurn / decisionStepBytes))
  bench.system.pass(0)
  expect(bench.engine.intents.intent(id, null)?.state).toBe('done')
  const other = await accept()
  void bench.engine.intents.cancel(other.id, null)
  bench.system.pass(0)
  expect(bench.engine.intents.intent(other.id, null)?.state).toBe('cancelled')
  expect(bench.defects).toEqual([])
})
