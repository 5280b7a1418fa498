/**
 * What every adapter of the Store port promises about batches: each kind of write with its condition held and violated,
 * and that a batch happens whole or not at all.
 */
import { describe, expect, test } from 'vitest'
import type { Store, StoreWrite } from '../../../orchestrator/engine/ports/store.ts'
import { type DurableTaskState, durableTaskStates } from '../../../shared/task-state.ts'
import {
  contents,
  event,
  idempotencyRow,
  intentRow,
  newIntent,
  nonce,
  outcome,
  settle,
  taskRow,
  usageRow,
} from '../../support/store/store-rows.ts'
import { type StoreMaker, storeStage } from '../../support/store/store-stage.ts'

const lease = { write: 'lease', task: 1, attempt: 4, nonce: nonce.toReversed(), scout: 'new', instance: 'i-2' } as const
const release = { write: 'release', task: 1, attempt: 1, charged: 2, returned: 3 } as const
const end = { write: 'end', task: 1, state: 'skipped', charged: 2, fault: '{"code":"x"}' } as const
const noLease = { nonce: null, scout: null, instance: null }

/** Each write on a task, the states in which it may be made, and what it makes of the row. */
const moves: { write: StoreWrite; from: DurableTaskState[]; makes: object }[] = [
  {
    write: lease,
    from: ['ready'],
    makes: { state: 'leased', attempt: 4, nonce: lease.nonce, scout: 'new', instance: 'i-2' },
  },
  { write: release, from: ['leased'], makes: { state: 'ready', charged: 2, returned: 3, ...noLease } },
  {
    write: settle(1),
    from: ['leased'],
    makes: { state: 'done', served: '{"scout":"box"}', promptTokens: 11, completionTokens: 22, ...noLease, nonce },
  },
  { write: { write: 'unblock', task: 1 }, from: ['blocked'], makes: { state: 'ready' } },
  {
    write: end,
    from: ['blocked', 'ready', 'leased'],
    makes: { state: 'skipped', charged: 2, fault: '{"code":"x"}', ...noLease },
  },
]

/** A store with one intent of one task in `state`, and a second intent. */
function withTask(store: Store, state: DurableTaskState): void {
  store.commit([
    newIntent(intentRow('int_1'), [taskRow(1, 'int_1', { state })]),
    newIntent(intentRow('int_2'), [taskRow(2, 'int_2', { state: 'leased' })]),
    event('int_1', 1),
    { write: 'usage', usage: usageRow(77) },
    { write: 'idempotency', row: idempotencyRow('old', { status: 202, answer: Uint8Array.of(7) }) },
  ])
}

/** Good writes of every kind, to stand around a bad one. */
const before: StoreWrite[] = [
  newIntent(intentRow('int_3'), [taskRow(3, 'int_3'), taskRow(4, 'int_3', { state: 'blocked' })]),
  { write: 'lease', task: 3, attempt: 1, nonce, scout: 'box', instance: 'i-1' },
  settle(3),
  { write: 'unblock', task: 4 },
  { write: 'release', task: 2, attempt: 1, charged: 1, returned: 1 },
  event('int_1', 2),
  event('int_3', 1),
  { write: 'usage', usage: usageRow(3) },
  { write: 'usage', usage: usageRow(4, { model: 'new' }) },
  { write: 'end', task: 4, state: 'cancelled', charged: 0, fault: null },
  { write: 'intentEnd', intent: 'int_3', state: 'done', fault: null, finishedMs: 9 },
  { write: 'idempotency', row: idempotencyRow('new') },
  { write: 'idempotency', row: idempotencyRow('old', { bodyHash: 'replaced' }) },
  { write: 'forgetIdempotency', tenant: 'key_a', route: 'POST /v1/intents', key: 'new' },
]

/** Expects that the store refuses the batch as fenced and is, also after a reopen, as it was. */
function expectFenced(stage: ReturnType<typeof storeStage>, bad: StoreWrite): void {
  const names = ['old', 'new']
  const was = contents(stage.store(), names)
  expect(outcome(stage.store(), [bad])).toBe('fenced')
  expect(outcome(stage.store(), [...before, bad])).toBe('fenced')
  expect(outcome(stage.store(), [bad, ...before])).toBe('fenced')
  expect(contents(stage.store(), names)).toEqual(was)
  expect(contents(stage.reopen(), names)).toEqual(was)
}

export function batchContract(fresh: () => StoreMaker): void {
  describe.each(moves)('a $write.write', ({ write, from, makes }) => {
    test.each(durableTaskStates.filter((state) => from.includes(state)))('moves a task that is %s', (state) => {
      const { store, reopen } = storeStage(fresh())
      withTask(store(), state)
      const row = store().tasksOf('int_1')[0]
      store().commit([write])
      expect(reopen().tasksOf('int_1')).toEqual([{ ...row, ...makes }])
      expect(store().result(1)).toEqual(write.write === 'settle' ? Uint8Array.of(1, 2, 3) : undefined)
      expect(store().tasksOf('int_2')).toEqual([taskRow(2, 'int_2', { state: 'leased' })])
    })

    test.each(durableTaskStates.filter((state) => !from.includes(state)))('is fenced when the task is %s', (state) => {
      const stage = storeStage(fresh())
      withTask(stage.store(), state)
      expectFenced(stage, write)
    })
  })

  test.each<[string, StoreWrite]>([
    ['a lease of no task', { ...lease, task: 99 }],
    ['a release with an earlier attempt', { ...release, attempt: 0 }],
    ['a release with a later attempt', { ...release, attempt: 2 }],
    ['a settlement with an earlier attempt', settle(1, { attempt: 0 })],
    ['a settlement with a later attempt', settle(1, { attempt: 2 })],
    ['a settlement with a nonce of which one bit is wrong', settle(1, { nonce: nonce.with(15, nonce[15]! ^ 1) })],
    ['a settlement with half the nonce', settle(1, { nonce: nonce.subarray(0, 8) })],
    ['a settlement with more than the nonce', settle(1, { nonce: Uint8Array.of(...nonce, 0) })],
    ['a settlement with no nonce', settle(1, { nonce: new Uint8Array(0) })],
    ['a settlement of another task with this nonce', settle(99)],
    ['an unblocking of no task', { write: 'unblock', task: 99 }],
    ['an end of no task', { ...end, task: 99 }],
    ['an intent whose id is taken', newIntent(intentRow('int_2'))],
    [
      'an intent with a task number that is taken',
      newIntent(intentRow('int_9'), [taskRow(9, 'int_9'), taskRow(2, 'int_9')]),
    ],
    [
      'an intent with fewer requests than tasks',
      { ...newIntent(intentRow('int_9'), [taskRow(9, 'int_9')]), requests: [] },
    ],
    ['an intent that runs and is over', newIntent(intentRow('int_9', { finishedMs: 5 }))],
    ['an end of no intent', { write: 'intentEnd', intent: 'int_9', state: 'done', fault: null, finishedMs: 9 }],
    ['an end that goes on', { write: 'intentEnd', intent: 'int_1', state: 'running', fault: null, finishedMs: 9 }],
    ['an event of no intent', event('int_9', 1)],
    ['an event that leaves one out', event('int_2', 2)],
    ['an event of a number that is taken', event('int_1', 1)],
  ])('%s is fenced', (_what, bad) => {
    const stage = storeStage(fresh())
    withTask(stage.store(), 'leased')
    expectFenced(stage, bad)
  })

  wholeBatches(fresh)
}

function wholeBatches(fresh: () => StoreMaker): void {
  test('an intent ends once, and keeps how', () => {
    const { store, reopen } = storeStage(fresh())
    withTask(store(), 'ready')
    const over = { write: 'intentEnd', intent: 'int_1', state: 'failed', fault: '{"code":"x"}', finishedMs: 9 } as const
    store().commit([over])
    expect(outcome(store(), [{ ...over, state: 'done' }])).toBe('fenced')
    expect(reopen().intent('int_1')).toEqual(intentRow('int_1', { state: 'failed', fault: over.fault, finishedMs: 9 }))
  })

  test('a settlement that is repeated is fenced, and the first result stays', () => {
    const stage = storeStage(fresh())
    withTask(stage.store(), 'leased')
    stage.store().commit([settle(1)])
    expectFenced(stage, settle(1, { result: Uint8Array.of(9) }))
    expect(stage.store().result(1)).toEqual(Uint8Array.of(1, 2, 3))
  })

  test('a settlement is known by its task, attempt and nonce as committed, also after a reopen', () => {
    const { store, reopen } = storeStage(fresh())
    withTask(store(), 'leased')
    const isCommitted = () => store().isCommitted(1, 1, nonce)
    expect(isCommitted()).toBe(false)
    expect(outcome(store(), [settle(1), event('int_9', 1)])).toBe('fenced')
    expect(isCommitted()).toBe(false)
    store().commit([settle(1)])
    expect(isCommitted()).toBe(true)
    reopen()
    expect(isCommitted()).toBe(true)
    for (const wrong of [nonce.with(15, nonce[15]! ^ 1), nonce.subarray(0, 8), new Uint8Array(0)]) {
      expect(store().isCommitted(1, 1, wrong)).toBe(false)
    }
    expect([store().isCommitted(1, 2, nonce), store().isCommitted(2, 1, nonce)]).toEqual([false, false])
    expect(store().isCommitted(99, 1, nonce)).toBe(false)
  })

  test('a lease taken back and given again is fenced against its earlier holder', () => {
    const stage = storeStage(fresh())
    withTask(stage.store(), 'leased')
    stage.store().commit([release, lease])
    expectFenced(stage, settle(1))
    expectFenced(stage, settle(1, { attempt: 4 }))
    expectFenced(stage, settle(1, { nonce: lease.nonce }))
    expect(outcome(stage.store(), [settle(1, { attempt: 4, nonce: lease.nonce })])).toBe('committed')
  })

  test('writes of one batch build on one another', () => {
    const { store, reopen } = storeStage(fresh())
    withTask(store(), 'ready')
    expect(outcome(store(), before)).toBe('committed')
    const states = reopen().tasksOf('int_3')
    expect(states.map(({ state }) => state)).toEqual(['done', 'cancelled'])
    expect(store().intent('int_3')).toMatchObject({ state: 'done', finishedMs: 9 })
    expect(store().tasksOf('int_2')).toMatchObject([{ state: 'ready', charged: 1, nonce: null }])
  })

  test('a settlement taken back with its batch leaves no result and its lease as it was', () => {
    const { store, reopen } = storeStage(fresh())
    withTask(store(), 'leased')
    expect(outcome(store(), [settle(1), event('int_9', 1)])).toBe('fenced')
    expect(reopen().result(1)).toBeUndefined()
    expect(outcome(store(), [settle(1)])).toBe('committed')
  })

  test('after a fenced batch the next one is committed', () => {
    const { store } = storeStage(fresh())
    withTask(store(), 'ready')
    expect(outcome(store(), [...before, settle(1)])).toBe('fenced')
    expect(outcome(store(), before)).toBe('committed')
  })

  test('an empty batch changes nothing', () => {
    const { store } = storeStage(fresh())
    withTask(store(), 'ready')
    const was = contents(store())
    store().commit([])
    expect(contents(store())).toEqual(was)
  })
}
