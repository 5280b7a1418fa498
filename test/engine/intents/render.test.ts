import { expect, test } from 'vitest'
import { renderRequest as inSteps } from '../../../orchestrator/engine/intents/render.ts'
import { memoryStore } from '../../../orchestrator/store/memory/store.ts'
import { nodeResultsBytesMax } from '../../../shared/limits/intents.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import type { TaskKind } from '../../../shared/task.ts'
import { atOnce } from '../../../shared/turn-lane.ts'
import { intentRow, newIntent, settle, taskRow } from '../../support/store/store-rows.ts'

const renderRequest = (rendering: Parameters<typeof inSteps>[0]) => atOnce(inSteps(rendering))
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value))
const answer = (content: string) => ({ choices: [{ index: 0, message: { role: 'assistant', content } }] })

const plain = { node: 'last', terms: {}, render: null, repair: null, spend: () => {} }

/** The request of a last task that needs one task for each result. */
function rendered(request: unknown, results: unknown[], kind: TaskKind = 'chat') {
  const store = memoryStore()
  const parents = results.map((_, at) => ({ node: `node-${at}`, task: at + 1 }))
  const last = results.length + 1
  const tasks = [
    ...parents.map(({ task, node }) => taskRow(task, 'int_1', { state: 'leased', node })),
    taskRow(last, 'int_1'),
  ]
  const intent = { ...newIntent(intentRow('int_1'), tasks), requests: tasks.map(() => bytes(request)) }
  store.commit([intent, ...results.map((result, at) => settle(at + 1, { result: bytes(result) }))])
  const made = renderRequest({ store, task: last, kind, parents, ...plain })
  return made instanceof Uint8Array ? JSON.parse(Buffer.from(made).toString('utf8')) : made
}

test('a request without needs goes out byte for byte', () => {
  const store = memoryStore()
  const request = Buffer.from('{ "odd" :  1 }')
  store.commit([{ ...newIntent(intentRow('int_1'), [taskRow(1, 'int_1')]), requests: [request] }])
  const made = renderRequest({ store, task: 1, kind: 'chat', parents: [], ...plain }) as Uint8Array
  expect(Buffer.from(made).equals(request)).toBe(true)
})

test('results stand before the author’s own messages, in the order of the needs, with their names', () => {
  const own = { role: 'user', content: 'Join them.' }
  const request = { model: 'm', messages: [own], temperature: 0 }
  expect(rendered(request, [answer('one'), answer('two "2"\n')])).toEqual({
    model: 'm',
    temperature: 0,
    messages: [
      { role: 'user', content: 'Result of "node-0":\n\none' },
      { role: 'user', content: 'Result of "node-1":\n\ntwo "2"\n' },
      own,
    ],
  })
})

test('an embedding takes the results as its input', () => {
  const embedded = rendered({ model: 'm', input: 'replaced' }, [answer('one'), answer('two')], 'embed')
  expect(embedded).toEqual({ model: 'm', input: ['one', 'two'] })
})

test('results too large for one request are a fault of the request, however many there are', () => {
  const half = answer('x'.repeat(bodyBytesMax / 2))
  expect(rendered({ messages: [] }, [half, half])).toMatchObject({ code: 'request_too_large' })
  expect(
    rendered(
      { messages: [] },
      Array.from({ length: 8 }, () => half),
    ),
  ).toMatchObject({ code: 'request_too_large' })
  // Two bytes each, which the count of characters does not show.
  expect(rendered({ messages: [] }, [answer('ü'.repeat(bodyBytesMax / 2))])).toMatchObject({
    code: 'request_too_large',
  })
  expect(rendered({ messages: [] }, [half])).toHaveProperty('messages')
})

test('a task that is missing from the store is said to be the hub’s fault', () => {
  const missing = renderRequest({ store: memoryStore(), task: 1, kind: 'chat', parents: [], ...plain })
  expect(missing).toMatchObject({ code: 'internal_error' })
})

test('results that are too much to read are a fault that names the node, before the planner is asked', () => {
  const store = memoryStore()
  const parents = Array.from({ length: 5 }, (_, at) => ({ node: `node-${at}`, task: at + 1 }))
  const tasks = [
    ...parents.map(({ task, node }) => taskRow(task, 'int_1', { state: 'leased', node })),
    taskRow(6, 'int_1'),
  ]
  const intent = { ...newIntent(intentRow('int_1'), tasks), requests: tasks.map(() => bytes({})) }
  // Long results that say little: what they are long with is read all the same.
  const result = bytes({ ...answer('x'), padding: 'x'.repeat(nodeResultsBytesMax / 5) })
  store.commit([intent, ...parents.map(({ task }) => settle(task, { result }))])
  let asked = 0
  const render = () => bytes(++asked)
  const shared = { ...plain, store, task: 6, kind: 'chat' as const, terms: { isTemplate: true }, render }
  expect(renderRequest({ ...shared, parents })).toMatchObject({
    code: 'request_too_large',
    message: expect.stringContaining('"last"'),
  })
  expect(asked).toBe(0)
  expect(renderRequest({ ...shared, parents: parents.slice(1) })).toBeInstanceOf(Uint8Array)
})

test('a broken answer is not quoted where there is no room for it', () => {
  const store = memoryStore()
  const request = bytes({ messages: [], x: 'x'.repeat(bodyBytesMax - 100) })
  store.commit([{ ...newIntent(intentRow('int_1'), [taskRow(1, 'int_1')]), requests: [request] }])
  const repair = { answer: 'y'.repeat(200), error: 'Wrong.' }
  const made = renderRequest({ ...plain, store, task: 1, kind: 'chat', parents: [], repair }) as Uint8Array
  expect(Buffer.from(made).equals(request)).toBe(true)
})
