/**
 * What every adapter of the Store port promises about control nodes and about intents that go on: each
 * write with its condition held and violated, and what is there afterwards, also after a reopen.
 */
import { expect, test } from 'vitest'
import type { Store, StoreWriteOf } from '../../orchestrator/engine/ports/store.ts'
import { type DurableTaskState, durableTaskStates } from '../../shared/task-state.ts'
import { contents, event, intentRow, newIntent, outcome, settle, taskRow } from '../support/store/store-rows.ts'
import { type StoreMaker, storeStage } from '../support/store/store-stage.ts'

const result = Uint8Array.of(5, 6)
const body = (text: string) => new TextEncoder().encode(text)

/** Task 1 is a control node, task 2 is not, task 9 belongs to another intent that is over. */
function controlIntent(store: Store, state: DurableTaskState = 'blocked', stage: number | null = 3): void {
  const terms = '{"isTemplate":true}'
  store.commit([
    newIntent(intentRow('int_1', { budgetTokens: 77 }), [
      taskRow(1, 'int_1', { state, stage, waits: stage === null ? null : '["a"]', terms }),
      taskRow(2, 'int_1', { state: 'blocked' }),
    ]),
    newIntent(intentRow('int_2', { state: 'failed', finishedMs: 4, fault: '{}' }), [
      taskRow(9, 'int_2', { state: 'failed', attempt: 3, charged: 2, returned: 1, fault: '{"code":"x"}' }),
      taskRow(10, 'int_2', { state: 'skipped', fault: '{}' }),
      taskRow(11, 'int_2', { state: 'done' }),
    ]),
    event('int_2', 1),
  ])
}

function expansion(changes: Partial<StoreWriteOf<'expand'>> = {}): StoreWriteOf<'expand'> {
  const tasks = [
    taskRow(20, 'int_1', { node: 'a.0' }),
    taskRow(15, 'int_1', { node: 'a.1', state: 'blocked', stage: 0 }),
  ]
  const requests = [body('twenty'), body('fifteen')]
  return { write: 'expand', task: 1, stage: 3, waits: '["a.0","a.1"]', tasks, requests, ...changes }
}

function retrial(changes: Partial<StoreWriteOf<'retry'>> = {}): StoreWriteOf<'retry'> {
  const tasks = [
    { task: 9, state: 'ready' as const },
    { task: 10, state: 'blocked' as const },
  ]
  return { write: 'retry', intent: 'int_2', deadlineMs: 99, tasks, ...changes }
}

export function controlContract(fresh: () => StoreMaker): void {
  decisions(fresh)
  revivals(fresh)

  test('hands out one intent as at boot, whatever its state, and nothing for an unknown one', () => {
    const { store, reopen } = storeStage(fresh())
    controlIntent(store())
    reopen()
    expect(store().openIntent('int_1')).toEqual([...store().openIntents()][0])
    expect(store().openIntent('int_2')).toMatchObject({
      intent: { state: 'failed' },
      lastSeq: 1,
      requestBytes: [5, 6, 6],
    })
    expect(store().openIntent('int_2')!.tasks).toEqual(store().tasksOf('int_2'))
    expect(store().openIntent('int_9')).toBeUndefined()
  })
}

function decisions(fresh: () => StoreMaker): void {
  const fenced = (store: Store, bad: Parameters<Store['commit']>[0][number]) => {
    const was = contents(store)
    expect(outcome(store, [event('int_1', 1), bad])).toBe('fenced')
    expect(contents(store)).toEqual(was)
  }

  test('a control node takes its result at its stage, once', () => {
    const { store, reopen } = storeStage(fresh())
    controlIntent(store())
    const [row] = store().tasksOf('int_1')
    store().commit([{ write: 'decide', task: 1, stage: 3, result }])
    fenced(store(), { write: 'decide', task: 1, stage: 3, result: Uint8Array.of(9) })
    reopen()
    expect(store().tasksOf('int_1')[0]).toEqual({ ...row, state: 'done' })
    expect(store().result(1)).toEqual(result)
  })

  test('what it grows stands behind the other tasks, with its requests, and it waits at the next stage', () => {
    const { store, reopen } = storeStage(fresh())
    controlIntent(store())
    const { tasks } = expansion()
    const [row, other] = store().tasksOf('int_1')
    store().commit([expansion()])
    reopen()
    const expanded = { ...row, stage: 4, waits: '["a.0","a.1"]' }
    expect(store().tasksOf('int_1')).toEqual([expanded, other, ...tasks])
    expect([store().request(20), store().request(15)]).toEqual([body('twenty'), body('fifteen')])
    const [open] = [...store().openIntents()]
    expect(open).toMatchObject({ requestBytes: [5, 5, 6, 7], intent: { budgetTokens: 77 } })
    store().commit([expansion({ stage: 4, tasks: [], requests: [], waits: '[]' })])
    store().commit([{ write: 'decide', task: 1, stage: 5, result }])
  })

  test('requests that were written ahead are there with their tasks, and not before', () => {
    const { store, reopen } = storeStage(fresh())
    controlIntent(store())
    store().commit([{ write: 'requestsAhead', intent: 'int_1', tasks: [20], requests: [body('twenty')] }])
    expect(store().request(20)).toBeUndefined()
    const before = contents(store())
    store().commit([{ write: 'requestsAhead', intent: 'int_1', tasks: [15], requests: [body('fifteen')] }])
    expect(contents(store())).toEqual(before)
    const [, fifteen] = expansion().requests
    store().commit([
      expansion({ requests: [null, fifteen!] }),
      { write: 'forgetRequestsAhead', intent: 'int_1', tasks: [20, 99] },
    ])
    reopen()
    expect([store().request(20), store().request(15)]).toEqual([body('twenty'), body('fifteen')])
    const [open] = [...store().openIntents()]
    expect(open).toMatchObject({ requestBytes: [5, 5, 6, 7] })
    expect(store().openIntent('int_1')).toMatchObject({ requestBytes: [5, 5, 6, 7] })
  })

  test('a task does not join without a request, nor with one that was forgotten, or left by another process', () => {
    const { store, reopen } = storeStage(fresh())
    controlIntent(store())
    const joining = () => expansion({ requests: [null, body('fifteen')] })
    const ahead = { write: 'requestsAhead', intent: 'int_1', tasks: [20], requests: [body('twenty')] } as const
    fenced(store(), joining())
    store().commit([{ ...ahead, tasks: [20], requests: [body('twenty')] }])
    fenced(store(), { ...ahead, tasks: [21, 20], requests: [body('new'), body('taken')] })
    fenced(store(), { ...ahead, tasks: [21], requests: [] })
    store().commit([{ write: 'forgetRequestsAhead', intent: 'int_1', tasks: [20] }])
    fenced(store(), joining())
    store().commit([{ ...ahead, tasks: [20], requests: [body('twenty')] }])
    reopen()
    store().nextEpoch()
    fenced(store(), joining())
    store().commit([expansion()])
    expect(store().request(20)).toEqual(body('twenty'))
  })

  test.each(durableTaskStates.filter((state) => state !== 'blocked'))('neither is possible while it is %s', (state) => {
    const { store } = storeStage(fresh())
    controlIntent(store(), state)
    fenced(store(), { write: 'decide', task: 1, stage: 3, result })
    fenced(store(), expansion())
  })

  test('nor at another stage, nor for a task of scouts, nor for none', () => {
    const { store } = storeStage(fresh())
    controlIntent(store())
    for (const [task, stage] of [
      [1, 2],
      [1, 4],
      [2, 0],
      [99, 3],
    ] as const) {
      fenced(store(), { write: 'decide', task, stage, result })
      fenced(store(), expansion({ task, stage }))
    }
  })

  test('a growth with a number that is taken, or without all requests, leaves nothing behind', () => {
    const { store } = storeStage(fresh())
    controlIntent(store())
    const taken = [taskRow(20, 'int_1', { node: 'a.0' }), taskRow(9, 'int_1', { node: 'a.1' })]
    fenced(store(), expansion({ tasks: taken }))
    fenced(store(), expansion({ requests: [body('one')] }))
    expect(store().request(20)).toBeUndefined()
  })
}

function revivals(fresh: () => StoreMaker): void {
  test('an intent that is over goes on with the tasks named, and can end again', () => {
    const { store, reopen } = storeStage(fresh())
    controlIntent(store())
    const [failed, skipped, done] = store().tasksOf('int_2')
    store().commit([retrial()])
    reopen()
    expect(store().intent('int_2')).toMatchObject({ state: 'running', fault: null, finishedMs: null, deadlineMs: 99 })
    const anew = { charged: 0, returned: 0, fault: null }
    expect(store().tasksOf('int_2')).toEqual([
      { ...failed, ...anew, state: 'ready' },
      { ...skipped, ...anew, state: 'blocked' },
      done,
    ])
    expect([...store().openIntents()].map(({ intent }) => intent.id)).toEqual(['int_1', 'int_2'])
    const over = { write: 'intentEnd', intent: 'int_2', state: 'done', fault: null, finishedMs: 9 } as const
    expect(
      outcome(store(), [{ write: 'lease', task: 9, attempt: 1, nonce: settle(9).nonce, scout: 's', instance: 'i' }]),
    ).toBe('committed')
    expect(outcome(store(), [settle(9), over])).toBe('committed')
  })

  test.each<[string, Partial<StoreWriteOf<'retry'>>]>([
    ['an intent that runs', { intent: 'int_1', tasks: [] }],
    ['no intent', { intent: 'int_9', tasks: [] }],
    ['a task that is done', { tasks: [{ task: 11, state: 'ready' }] }],
    ['a task of another intent', { tasks: [{ task: 1, state: 'ready' }] }],
    ['no task', { tasks: [{ task: 99, state: 'ready' }] }],
    [
      'a task twice',
      {
        tasks: [
          { task: 9, state: 'ready' },
          { task: 9, state: 'ready' },
        ],
      },
    ],
  ])('%s cannot go on', (_what, changes) => {
    const { store } = storeStage(fresh())
    controlIntent(store())
    const was = contents(store())
    expect(outcome(store(), [event('int_1', 1), retrial(changes)])).toBe('fenced')
    expect(contents(store())).toEqual(was)
  })
}
