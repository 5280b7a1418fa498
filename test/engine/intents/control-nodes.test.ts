/** Nodes that the hub itself carries out: what the planner is told, what is written of its decision, and when. */
import { expect, test } from 'vitest'
import type {
  ControlNode,
  Decision,
  Plan,
  PlannedTask,
  PlannerFunctions,
} from '../../../orchestrator/engine/ports/planner.ts'
import { type StoreWrite, sizeOfWrite } from '../../../orchestrator/engine/ports/store.ts'
import { type Fault, fault } from '../../../shared/faults.ts'
import { decisionStagesMax, expansionBytesMax, intentTasksMax } from '../../../shared/limits/intents.ts'
import { journalBytesMax, journalRetryMs } from '../../../shared/limits/store.ts'
import { bytesOf, deltaLine, finishLine, textOf, Work } from '../../support/hub/engine-bench.ts'
import { FickleDisk, IntentsBench, outline } from '../../support/hub/intents-stage.ts'

/** What the planner was asked, and what it said. */
class Planning implements PlannerFunctions {
  readonly asked: ControlNode[] = []

  constructor(private readonly answer: (node: ControlNode) => Decision) {}

  decide = (node: ControlNode): Decision => {
    this.asked.push(node)
    return this.answer(node)
  }

  render: PlannerFunctions['render'] = ({ kind, parents, contextTokens }) => {
    return bytesOf(JSON.stringify({ kind, parents, contextTokens }))
  }

  checkContract: PlannerFunctions['checkContract'] = (_, text) => (text === 'right' ? null : `It says ${text}.`)
}

function task(node: string, needs: string[] = [], more: Partial<PlannedTask> = {}): PlannedTask {
  const request = bytesOf(JSON.stringify({ messages: [{ role: 'user', content: node }] }))
  return { node, kind: 'chat', model: 'm', needs, request, ...more }
}

function control(node: string, needs: string[] = [], spec: unknown = {}): PlannedTask {
  return task(node, needs, { request: bytesOf('{}'), model: 'map', control: spec })
}

function answer(text: string): Uint8Array {
  return bytesOf(JSON.stringify({ choices: [{ index: 0, message: { role: 'assistant', content: text } }] }))
}

function planOf(...tasks: PlannedTask[]): { plan: Plan } {
  return { plan: { tasks, resultNode: tasks.at(-1)!.node } }
}

/** Grows into as many parts as its spec says, then joins what they answered. */
function mapping({ node, spec, stage, results }: ControlNode): Decision {
  if (stage === 0) {
    const { parts } = spec as { parts: number }
    const tasks = Array.from({ length: parts }, (_, at) => task(`${node}.${at}`))
    return { type: 'expand', tasks, waitFor: tasks.map((one) => one.node), delegate: `${node}.0`, note: 'split' }
  }
  const texts = results.map(({ body }) => (body === null ? '-' : JSON.parse(textOf([body])[0]!)))
  const joined = texts.map((said) => said.choices?.[0].message.content ?? said).join('+')
  return { type: 'done', result: answer(joined), note: 'joined' }
}

/** Answers every lease there is with its number, in the order in which they were granted. */
function answerAll(bench: IntentsBench): void {
  bench.turn()
  for (const { session, frame, body } of bench.take('task')) {
    bench.finish(new Work(bench, session, frame, body!), `part of ${frame.attempt}`)
  }
}

const mapPlan = planOf(task('text'), control('map', ['text'], { parts: 2 }), task('end', ['map']))

test('a node grows its scroll by what its parents said, and its result goes on like any other', async () => {
  const planning = new Planning(mapping)
  const bench = IntentsBench.planning(planning)
  const id = await bench.accepted({ any: [] }, mapPlan)
  bench.join(['m'], 8)
  bench.finish(bench.work(), 'the text')
  expect(planning.asked).toMatchObject([
    { node: 'map', spec: { parts: 2 }, stage: 0, results: [{ node: 'text', state: 'done', fault: null }] },
  ])
  expect(textOf([planning.asked[0]!.results[0]!.body!])[0]).toContain('the text')
  answerAll(bench)
  expect(planning.asked[1]).toMatchObject({ stage: 1, results: [{ node: 'map.0' }, { node: 'map.1' }] })
  const last = bench.work()
  expect(textOf([last.request])[0]).toContain('part of 1+part of 1')
  bench.finish(last, 'the end')
  const { intents } = bench.engine
  expect(intents.intent(id, null)).toMatchObject({ state: 'done', usage: { completionTokens: 12 } })
  expect(intents.tasks(id).map(({ node, state, stage }) => [node, state, stage])).toEqual([
    ['text', 'done', null],
    ['map', 'done', 1],
    ['end', 'done', null],
    ['map.0', 'done', null],
    ['map.1', 'done', null],
  ])
  const told = bench.events(id)
  expect(outline(told).filter((line) => line.includes('map '))).toEqual(['task_settled map done'])
  const expanded = told.find(({ type }) => type === 'task_grown')!
  const nodes = ['map.0', 'map.1'].map((node) => ({ node, model: 'm', needs: [] }))
  const atMs = expect.any(Number)
  const grown = { at_ms: atMs, node: 'map', stage: 1, nodes, delegate: 'map.0', note: 'split' }
  expect(JSON.parse(expanded.data)).toEqual(grown)
  expect(told.some(({ data }) => data.includes('"note":"joined"'))).toBe(true)
})

test('nothing that a decision brings about is sent before the decision is on the disk', async () => {
  let isFull: 'full' | null = 'full'
  const bench = IntentsBench.planning(new Planning(mapping))
  const { commit } = bench.store
  bench.store.commit = (writes) => {
    if (writes.some(({ write }) => write === 'expand')) bench.fickle.trouble ??= isFull
    commit(writes)
  }
  bench.join(['m'], 8)
  const id = await bench.accepted({ any: [] }, planOf(control('map', [], { parts: 3 })))
  bench.turn()
  expect([bench.fickle.trouble, bench.store.tasksOf(id).length]).toEqual(['full', 1])
  expect(bench.take('task')).toEqual([])
  isFull = bench.fickle.trouble = null
  bench.system.pass(journalRetryMs)
  expect(bench.take('task')).toHaveLength(3)
  expect(bench.store.tasksOf(id)).toHaveLength(4)
})

test('a hub that dies before its decision is written decides the same again, and nothing is there twice', async () => {
  const planning = new Planning(mapping)
  const before = IntentsBench.planning(planning)
  const id = await before.accepted({ any: [] }, mapPlan)
  before.join(['m'], 8)
  const work = before.work()
  work.started()
  before.finish(work, 'the text')
  // Decided and told to nobody: the parts are granted with the same commit or not at all.
  before.fickle.trouble = 'io'
  for (const { session, frame, body } of before.take('task')) {
    before.finish(new Work(before, session, frame, body!), 'x')
  }
  before.fickle.trouble = null
  const bench = before.restart()
  expect(bench.store.tasksOf(id)).toHaveLength(5)
  bench.join(['m'], 8, { name: 'another', instance: 'another' })
  bench.system.pass(40_000)
  answerAll(bench)
  bench.finish(bench.work(), 'the end')
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'done' })
  expect(bench.store.tasksOf(id)).toHaveLength(5)
  expect(planning.asked.map(({ stage }) => stage)).toEqual([0, 1])
})

test('a hub that dies between an end and the decision that follows asks for the decision at its start', async () => {
  const planning = new Planning(mapping)
  const before = IntentsBench.planning(planning)
  const id = await before.accepted({ any: [] }, planOf(control('map', [], { parts: 1 })))
  before.join(['m'], 8)
  const work = before.work()
  work.started()
  // Its settlement is committed by the last turn of this life, and what follows from it is lost.
  const { commit } = before.store
  before.store.commit = (writes) => {
    commit(writes)
    if (writes.some(({ write }) => write === 'settle')) before.fickle.trouble = 'io'
  }
  before.finish(work, 'x')
  expect(before.store.tasksOf(id).map(({ state }) => state)).toEqual(['blocked', 'done'])
  before.fickle.trouble = null
  const bench = before.restart()
  bench.turn()
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'done' })
  expect(planning.asked.map(({ stage }) => stage)).toEqual([0, 1, 1])
})

test('a node sees why a need was not met, and may go on all the same', async () => {
  const planning = new Planning(() => ({ type: 'done', result: answer('without') }))
  const bench = IntentsBench.planning(planning)
  const id = await bench.accepted({ any: [] }, planOf(task('a'), task('b', ['a']), control('vote', ['a', 'b'])))
  bench.join(['m'], 1)
  bench.work().fail('invalid_request', 'failed', 'Never.')
  bench.turn()
  expect(planning.asked[0]!.results).toMatchObject([
    { node: 'a', state: 'failed', body: null, fault: { message: 'Never.' } },
    { node: 'b', state: 'skipped', body: null },
  ])
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'done' })
})

const no = fault('invalid_request', 'The vote has no majority.')
const many = (count: number) => Array.from({ length: count }, (_, at) => task(`g.${at}`))

test.each<[string, () => Decision, Partial<Fault>]>([
  ['that it fails', () => ({ type: 'failed', fault: no }), no],
  ['something that breaks', () => JSON.parse('{'), { code: 'internal_error' }],
  ['a name that is taken', () => ({ type: 'expand', tasks: [task('c')], waitFor: [] }), { code: 'internal_error' }],
  ['a name that is none', () => ({ type: 'expand', tasks: [task('g~1')], waitFor: [] }), { code: 'internal_error' }],
  ['a need that is not there', () => ({ type: 'expand', tasks: [task('g.1', ['x'])], waitFor: [] }), {}],
  ['a need of the node itself', () => ({ type: 'expand', tasks: [task('g.1', ['c'])], waitFor: [] }), {}],
  ['a wait for what is not there', () => ({ type: 'expand', tasks: [], waitFor: ['x'] }), {}],
  ['a wait for itself', () => ({ type: 'expand', tasks: [], waitFor: ['c'] }), {}],
  ['a delegate that is not there', () => ({ type: 'expand', tasks: [], waitFor: [], delegate: 'x' }), {}],
  ['growth without an end', () => ({ type: 'expand', tasks: [], waitFor: [] }), { code: 'invalid_request' }],
  ['more nodes than there may be', () => ({ type: 'expand', tasks: many(intentTasksMax), waitFor: [] }), {}],
  [
    'more bytes than there may be',
    () => {
      const request = new Uint8Array(expansionBytesMax / 2 + 1)
      return { type: 'expand', tasks: [task('g.1', [], { request }), task('g.2', [], { request })], waitFor: [] }
    },
    { code: 'request_too_large' },
  ],
])('a planner that says %s fails the node with a fault, and the hub lives on', async (_what, decide, wanted) => {
  const planning = new Planning(decide)
  const bench = IntentsBench.planning(planning)
  const id = await bench.accepted({ any: [] }, planOf(control('c')))
  bench.system.pass(100)
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'failed', fault: wanted })
  expect(bench.engine.intents.tasks(id).filter(({ state }) => state !== 'failed')).toEqual([])
  expect(planning.asked.length).toBeLessThanOrEqual(decisionStagesMax + 1)
})

/** A node that grows into more than one transaction takes, and what each transaction held. */
async function growing() {
  const request = new Uint8Array(journalBytesMax / 2)
  const parts = Array.from({ length: 8 }, (_, at) => task(`c.${at}`, [], { request }))
  const planning = new Planning(({ stage }) => {
    const waitFor = parts.map(({ node }) => node)
    return stage === 0 ? { type: 'expand', tasks: parts, waitFor } : { type: 'done', result: answer('all') }
  })
  const fickle = new FickleDisk()
  const store = fickle.open()
  const committed: { kinds: string[]; bytes: number }[] = []
  const commit = (writes: readonly StoreWrite[]) => {
    store.commit(writes)
    const bytes = writes.reduce((sum, write) => sum + sizeOfWrite(write).bytes, 0)
    committed.push({ kinds: writes.map(({ write }) => write), bytes })
  }
  const bench = new IntentsBench(fickle, {}, 3, { ...store, commit }, planning)
  const accepted = bench.engine.intents.accept({
    ...{ tenant: 'key_a', ...planOf(control('c')), weight: 1, priority: 5, deadlineMs: 3_600_000, metadata: {} },
  })
  bench.system.turn()
  const { id } = (await accepted) as { id: string }
  const untilAhead = () => {
    while (!committed.some(({ kinds }) => kinds.includes('requestsAhead'))) bench.system.turn()
  }
  return { bench, id, committed, untilAhead, request, parts }
}

test('growth of many bytes is written in several transactions, and joins with the last of them', async () => {
  const { bench, id, committed, request, parts } = await growing()
  bench.turn()
  expect(Math.max(...committed.map(({ bytes }) => bytes))).toBeLessThanOrEqual(journalBytesMax + request.length)
  expect(committed.filter(({ kinds }) => kinds.includes('requestsAhead')).length).toBeGreaterThan(2)
  const joined = committed.findIndex(({ kinds }) => kinds.includes('expand'))
  expect(committed.slice(joined + 1).some(({ kinds }) => kinds.includes('requestsAhead'))).toBe(false)
  bench.join(['m'], parts.length)
  bench.turn()
  const given = bench.take('task')
  expect(given.map(({ body }) => body!.length)).toEqual(parts.map(() => request.length))
  for (const { session, frame, body } of given) bench.finish(new Work(bench, session, frame, body!), 'x')
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'done' })
})

test('growth that is half written when its intent is cancelled is forgotten', async () => {
  const { bench, id, committed, untilAhead } = await growing()
  untilAhead()
  void bench.engine.intents.cancel(id, null)
  bench.turn()
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'cancelled' })
  const kinds = committed.flatMap((one) => one.kinds)
  expect(kinds).toContain('forgetRequestsAhead')
  expect(kinds).not.toContain('expand')
  expect([bench.fickle.disk.requestsAhead.size, bench.engine.core.state.tasks.size]).toEqual([0, 0])
})

test('growth that is half written when the hub dies is decided again', async () => {
  const { bench, id, untilAhead, parts } = await growing()
  untilAhead()
  expect(bench.fickle.disk.requestsAhead.size).toBeGreaterThan(0)
  bench.store.nextEpoch()
  const next = bench.restart()
  next.turn()
  next.join(['m'], parts.length)
  next.turn()
  for (const { session, frame, body } of next.take('task')) next.finish(new Work(next, session, frame, body!), 'x')
  expect(next.engine.intents.intent(id, null)).toMatchObject({ state: 'done' })
  expect(next.fickle.disk.requestsAhead.size).toBe(0)
})

test('a hub without a planner says so', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ any: [] }, planOf(control('c')))
  bench.turn()
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ fault: { code: 'internal_error' } })
})

test('a templated request is filled by the planner, from what its needs said and the context it wants', async () => {
  const bench = IntentsBench.planning(new Planning(mapping))
  const template = { isTemplate: true, requires: { contextTokensMin: 500 } }
  await bench.accepted({ any: [] }, planOf(task('a'), task('b', ['a'], template)))
  bench.join(['m'], 2)
  bench.finish(bench.work(), 'said')
  const { request } = bench.work()
  const parents = [{ node: 'a', text: 'said' }]
  expect(JSON.parse(textOf([request])[0]!)).toEqual({ kind: 'chat', parents, contextTokens: 500 })
})

/** The messages that the next lease asks with, and what the scout says to them. */
function exchange(bench: IntentsBench, says: string): string[] {
  const work = bench.work()
  const { messages } = JSON.parse(textOf([work.request])[0]!) as { messages: { role: string; content: string }[] }
  bench.finish(work, says)
  bench.system.pass(1_000)
  return messages.map(({ role, content }) => `${role}: ${content}`)
}

test('an answer that breaks its contract is asked to be put right once, then the question is put anew', async () => {
  const bench = IntentsBench.planning(new Planning(mapping))
  const id = await bench.accepted({ any: [] }, planOf(task('a', [], { contract: { type: 'text' } })))
  for (let scout = 0; scout < 3; scout++) bench.join(['m'], 1)
  expect(exchange(bench, 'wrong')).toEqual(['user: a'])
  const again = 'user: It says wrong. Answer once more: give the whole answer, put right, and nothing else.'
  expect(exchange(bench, 'false')).toEqual(['user: a', 'assistant: wrong', again])
  expect(exchange(bench, 'right')).toEqual(['user: a'])
  expect(bench.engine.intents.tasks(id)).toMatchObject([{ state: 'done', attempts: 3 }])
  expect(bench.take('settled').map(({ frame }) => frame.acks[0]![2])).toEqual(['stale', 'stale', 'committed'])
  const failed = [...bench.engine.core.state.roster.records.values()].map((record) => record.failed)
  expect(failed.sort()).toEqual([0, 1, 1])
})

test('a contract that nobody keeps fails the node with what was wrong', async () => {
  const bench = IntentsBench.planning(new Planning(mapping))
  const id = await bench.accepted({ any: [] }, planOf(task('a', [], { contract: { type: 'text' } })))
  for (let scout = 0; scout < 3; scout++) bench.join(['m'], 1)
  for (const says of ['one', 'two', 'three']) exchange(bench, says)
  const wanted = { code: 'contract_broken', message: expect.stringContaining('It says three.') }
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'failed', fault: wanted })
})

test('a reader that comes back in the middle of a grown node goes on where it was', async () => {
  const bench = IntentsBench.planning(new Planning(mapping))
  const id = await bench.accepted({ any: [] }, planOf(control('map', [], { parts: 1 })))
  bench.join(['m'], 1)
  const work = bench.work()
  work.started()
  work.say('{"choices":[{"index":0,"delta":{"content":"one"}}]}')
  const seen = bench.events(id)
  expect(seen.at(-1)!.id).toMatch(/~map\.0\.1\.1$/)
  work.say('{"choices":[{"index":0,"delta":{"content":"two"}}]}')
  expect(outline(bench.events(id, seen.at(-1)!.id))).toEqual(['chunk map.0 1 1'])
})

test('the tokens of all nodes count against the budget, also those of a former life', async () => {
  const before = IntentsBench.planning(new Planning(mapping))
  const plan = planOf(task('a'), task('b', ['a']), task('c', ['b']))
  const id = await before.accepted({ any: [] }, { ...plan, budgetTokens: 6 })
  before.join(['m'], 2)
  before.finish(before.work(), 'three tokens')
  before.take('task')
  const bench = before.restart()
  bench.join(['m'], 2, { name: 'another', instance: 'another' })
  bench.system.pass(40_000)
  bench.finish(bench.work(), 'three more')
  expect(bench.take('task')).toEqual([])
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'failed', fault: { code: 'budget_exceeded' } })
})

test('answers that came at once are checked against their contracts one in each turn', async () => {
  const planning = new Planning(mapping)
  let checked = 0
  planning.checkContract = () => {
    checked++
    return null
  }
  const bench = IntentsBench.planning(planning)
  const names = ['a', 'b', 'c', 'd']
  const tasks = names.map((name) => task(name, [], { contract: { type: 'text' } }))
  const id = await bench.accepted({ any: [] }, planOf(...tasks, task('end', names)))
  const works = names.map(() => {
    bench.join(['m'], 1)
    return bench.work()
  })
  for (const work of works) {
    work.say(deltaLine('said'), finishLine)
    work.done()
  }
  const each: number[] = []
  for (let before = 0; bench.system.turn(); before = checked) each.push(checked - before)
  expect([checked, Math.max(...each)]).toEqual([names.length, 1])
  expect(bench.engine.intents.tasks(id)!.filter(({ state }) => state === 'done')).toHaveLength(names.length)
})
