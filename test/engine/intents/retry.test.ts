/** Trying one node of an intent once more that is over: what goes on with it, and what stays as it was. */
import { expect, test } from 'vitest'
import { tasksToRetry } from '../../../orchestrator/engine/intents/retry.ts'
import type { TaskRow } from '../../../orchestrator/engine/ports/store.ts'
import { journalRetryMs } from '../../../shared/limits/store.ts'
import type { DurableTaskState } from '../../../shared/task-state.ts'
import { IntentsBench, outline } from '../../support/hub/intents-stage.ts'
import { taskRow } from '../../support/store/store-rows.ts'

/** As `state needs…`, a control node with a `*` before its state. */
function rows(drawing: Record<string, string>): TaskRow[] {
  return Object.entries(drawing).map(([node, text], at) => {
    const [state, ...needs] = text.split(' ')
    const own = { node, needs: JSON.stringify(needs), state: state!.replace('*', '') as DurableTaskState }
    return taskRow(at + 1, 'int_1', { ...own, stage: state!.startsWith('*') ? 0 : null })
  })
}

/** The nodes that go on, with `!` behind those that can begin at once. */
function retried(drawing: Record<string, string>, node: string): string[] | string {
  const all = rows(drawing)
  const found = tasksToRetry(all, node)
  if ('code' in found) return found.message
  return found.map(({ task, state }) => `${all[task - 1]!.node}${state === 'ready' ? '!' : ''}`)
}

test.each<[string, Record<string, string>, string, string[]]>([
  ['a failed node and what was skipped for it', { a: 'done', b: 'failed a', c: 'skipped b' }, 'b', ['b!', 'c']],
  ['also what was cancelled on its account', { a: 'failed', b: 'cancelled', c: 'skipped a b' }, 'a', ['a!', 'b!', 'c']],
  ['not what another failure still keeps back', { a: 'failed', b: 'failed', c: 'skipped a b' }, 'a', ['a!']],
  ['nor what needs that', { a: 'failed', b: 'failed', c: 'skipped b a', d: 'skipped c' }, 'a', ['a!']],
  ['a skipped node with all that it lacks', { a: 'cancelled', b: 'skipped a', c: 'skipped b' }, 'c', ['a!', 'b', 'c']],
  ['a decision that failed because of it', { a: 'failed', v: '*failed a', e: 'skipped v' }, 'a', ['a!', 'v', 'e']],
  ['a failed decision with what failed before it', { a: 'failed', b: 'done', v: '*failed a b' }, 'v', ['a!', 'v']],
  ['a decision, in spite of other failures', { a: 'failed', b: 'failed', v: '*skipped a b' }, 'a', ['a!', 'v']],
])('goes on: %s', (_what, drawing, node, wanted) => {
  expect(retried(drawing, node)).toEqual(wanted)
})

test.each([
  [{ a: 'done' }, 'a', 'Node "a" is done'],
  [{ a: 'done' }, 'x', 'no such node'],
  [{ a: 'failed', b: 'skipped a' }, 'b', 'Node "b" needs "a"'],
])('cannot be tried again: %o %s', (drawing, node, says) => {
  expect(retried(drawing as Record<string, string>, node)).toContain(says)
})

/** An intent of which `b` has failed for good. */
async function failed(bench: IntentsBench): Promise<string> {
  const id = await bench.accepted({ a: [], b: ['a'], c: ['b'] })
  bench.join(['m'], 8)
  bench.finish(bench.work(), 'from a')
  bench.work().fail('invalid_request')
  bench.turn()
  return id
}

async function retry(bench: IntentsBench, id: string, node: string, viewer: string | null = null) {
  const done = bench.engine.intents.retry(id, node, viewer)
  bench.turn()
  return done
}

test('a failed node runs again with a new attempt, what needs it follows, and nothing else is done again', async () => {
  const bench = new IntentsBench()
  const id = await failed(bench)
  expect(await retry(bench, id, 'b', 'key_a')).toBeNull()
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'running', fault: null, finishedMs: null })
  const again = bench.work()
  expect(again.lease).toMatchObject({ attempt: 2 })
  bench.finish(again, 'from b')
  bench.finish(bench.work(), 'from c')
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'done', usage: { completionTokens: 9 } })
  expect(bench.engine.intents.tasks(id).map(({ attempts }) => attempts)).toEqual([1, 2, 1])
})

test('its readers hear the whole story, whether they come before, between or after', async () => {
  const bench = new IntentsBench()
  const id = await failed(bench)
  const first = bench.events(id)
  expect(outline(first).slice(-3)).toEqual(['task_settled b failed', 'task_settled c skipped', 'done failed'])
  await retry(bench, id, 'b')
  bench.finish(bench.work(), 'from b')
  const during = bench.events(id)
  expect(outline(during).slice(first.length, first.length + 2)).toEqual(['retried b', 'task_started b 2'])
  bench.finish(bench.work(), 'from c')
  const whole = bench.events(id)
  expect(outline(whole).at(-1)).toBe('done done')
  expect(bench.events(id, first.at(-1)!.id).map((event) => event.id)).toEqual(
    whole.slice(first.length).map((event) => event.id),
  )
})

test('a hub that dies after it said yes goes on with the node', async () => {
  const before = new IntentsBench()
  const id = await failed(before)
  await retry(before, id, 'b')
  const bench = before.restart()
  bench.join(['m'], 8, { name: 'another', instance: 'another' })
  bench.system.pass(40_000)
  bench.finish(bench.work(), 'from b')
  bench.finish(bench.work(), 'from c')
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'done' })
})

test('an intent that runs, of another tenant, or on a disk in trouble, is not tried again', async () => {
  const bench = new IntentsBench()
  const id = await failed(bench)
  const running = await bench.accepted({ a: [] })
  expect(await retry(bench, running, 'a')).toMatchObject({ code: 'invalid_request' })
  expect(await retry(bench, 'int_unknown', 'a')).toMatchObject({ code: 'not_found' })
  expect(await retry(bench, id, 'b', 'key_b')).toMatchObject({ code: 'not_found' })
  expect(await retry(bench, id, 'a')).toMatchObject({ code: 'invalid_request' })
  bench.fickle.trouble = 'full'
  expect(await retry(bench, id, 'b')).toMatchObject({ code: 'store_unavailable' })
  bench.fickle.trouble = null
  bench.system.pass(journalRetryMs)
  const both = [bench.engine.intents.retry(id, 'b', null), bench.engine.intents.retry(id, 'b', null)]
  bench.turn()
  expect(await Promise.all(both)).toMatchObject([null, { code: 'invalid_request' }])
})

test('a cancel in the same turn as a retry is applied after it: the intent ends cancelled', async () => {
  const bench = new IntentsBench()
  const id = await failed(bench)
  const both = [bench.engine.intents.retry(id, 'b', null), bench.engine.intents.cancel(id, 'key_a')]
  bench.turn()
  bench.turn()
  expect(await Promise.all(both)).toEqual([null, null])
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'cancelled', fault: { code: 'cancelled' } })
  // What the retry gave out is called back.
  expect(bench.take('cancel').map(({ frame }) => frame.task)).toEqual(bench.take('task').map(({ frame }) => frame.task))
  expect(outline(bench.events(id)).slice(-5)).toEqual([
    'retried b',
    'task_started b 2',
    'task_settled b cancelled',
    'task_settled c skipped',
    'done cancelled',
  ])
})

test('a cancel is answered after the commit of what it ends, also while a retry is pending', async () => {
  const bench = new IntentsBench()
  const id = await failed(bench)
  const answers: unknown[] = []
  void bench.engine.intents.retry(id, 'b', null)
  void bench.engine.intents.cancel(id, null).then((answer) => {
    answers.push(answer, bench.store.intent(id)!.state)
  })
  for (let turn = 0; turn < 3; turn++) {
    bench.turn()
    await Promise.resolve()
    await Promise.resolve()
  }
  expect(answers).toEqual([null, 'cancelled'])
})

test('a cancel that waits for a retry is refused with it, and the intent stays as it was', async () => {
  const bench = new IntentsBench()
  const id = await failed(bench)
  const both = [bench.engine.intents.retry(id, 'b', null), bench.engine.intents.cancel(id, null)]
  bench.fickle.trouble = 'full'
  bench.turn()
  expect(await Promise.all(both)).toMatchObject([{ code: 'store_unavailable' }, { code: 'store_unavailable' }])
  bench.fickle.trouble = null
  bench.system.pass(journalRetryMs)
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'failed' })
  expect(await bench.engine.intents.cancel(id, null)).toBeNull()
})

test('a drain in the same turn as a retry leaves the intent for the next hub', async () => {
  const before = new IntentsBench()
  const id = await failed(before)
  const retried = before.engine.intents.retry(id, 'b', null)
  void before.engine.drain()
  before.turn()
  expect(await retried).toBeNull()
  expect(before.take('task')).toEqual([])
  const bench = before.restart()
  bench.join(['m'], 8, { name: 'another', instance: 'another' })
  bench.finish(bench.work(), 'from b')
  bench.finish(bench.work(), 'from c')
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'done' })
})

test('a retry in the same turn as a cancel is refused: the intent is not over yet', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ a: [] })
  const both = [bench.engine.intents.cancel(id, null), bench.engine.intents.retry(id, 'a', null)]
  bench.turn()
  expect(await Promise.all(both)).toMatchObject([null, { code: 'invalid_request' }])
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'cancelled' })
})
