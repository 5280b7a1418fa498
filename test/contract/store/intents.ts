/** What every adapter of the Store port promises about intents, tasks and events that were written and are read. */
import { expect, test } from 'vitest'
import type { IntentRow, Store, StoreWrite, TaskRow } from '../../../orchestrator/engine/ports/store.ts'
import { event, intentRow, newIntent, nonce, settle, taskRow } from '../../support/store/store-rows.ts'
import { type StoreMaker, storeStage } from '../../support/store/store-stage.ts'

export function intentContract(fresh: () => StoreMaker): void {
  rowsAsGiven(fresh)
  listings(fresh)
  openOnes(fresh)
}

const oddTexts = [
  '',
  `'; DROP TABLE intent; --`,
  '"quoted" `back` \\ % _ ? ?1 :name $1 @a',
  'a\0b',
  'line\r\nbreak\u2028',
  '狐 🦊 é e\u0301',
  'x'.repeat(100_000),
]

function rowsAsGiven(fresh: () => StoreMaker): void {
  test('keeps every column of an intent and its tasks, in the order of the plan whatever their numbers', () => {
    const { store, reopen } = storeStage(fresh())
    const finished: Partial<IntentRow> = { state: 'failed', finishedMs: 1_700_000_000_900, fault: '{"code":"x"}' }
    const intent = intentRow('int_1', { ...finished, priority: 9, resultNode: 'end', metadata: '{}' })
    const filled: Partial<TaskRow> = { served: '{"scout":"s"}', fault: '{"code":"y"}', charged: 2, returned: 3 }
    const tasks = [
      taskRow(2 ** 45 + 3, 'int_1', { state: 'leased' }),
      taskRow(9, 'int_1', { ...filled, kind: 'embed', needs: '["node-7"]', state: 'failed', attempt: 3 }),
      taskRow(5, 'int_1', { state: 'done', promptTokens: 7, completionTokens: 8 }),
    ]
    store().commit([newIntent(intent, tasks)])
    expect(store().intent('int_1')).toEqual(intent)
    expect(reopen().intent('int_1')).toEqual(intent)
    expect(store().tasksOf('int_1')).toEqual(tasks)
  })

  test('keeps texts of any kind as they were, and finds rows by them', () => {
    const { store, reopen } = storeStage(fresh())
    const intents = oddTexts.map((text, at) => ({
      ...intentRow(`int_${text}`, { tenant: `key_${text}`, metadata: text, fault: text, resultNode: text }),
      ...{ state: 'failed' as const, finishedMs: at },
    }))
    for (const [at, intent] of intents.entries()) {
      const text = oddTexts[at]!
      const texts = { node: text, model: text, needs: text, scout: text, instance: text, served: text, fault: text }
      store().commit([newIntent(intent, [taskRow(at, intent.id, texts)])])
      store().commit([{ write: 'event', event: { intent: intent.id, seq: 1, type: text, data: text, atMs: at } }])
    }
    reopen()
    for (const [at, intent] of intents.entries()) {
      const text = oddTexts[at]!
      expect(store().intent(intent.id)).toEqual(intent)
      expect(store().intents({ tenant: intent.tenant, limit: 9 })).toMatchObject([intent])
      expect(store().tasksOf(intent.id)[0]).toMatchObject({ node: text, needs: text, served: text, fault: text })
      expect(store().eventsAfter(intent.id, 0, 9)).toEqual([
        { intent: intent.id, seq: 1, type: text, data: text, atMs: at },
      ])
    }
  })

  test('keeps requests, results and nonces to the byte, none and many', () => {
    const { store, reopen } = storeStage(fresh())
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    const bodies = [new Uint8Array(0), every, new Uint8Array(40_000).fill(0xff), every.subarray(3, 9)]
    const tasks = bodies.map((_, at) => taskRow(at + 1, 'int_1', { state: 'leased' }))
    store().commit([{ write: 'intent', intent: intentRow('int_1'), tasks, requests: bodies }])
    expect(store().tasksOf('int_1')[0]!.nonce).toEqual(nonce)
    for (const [at, result] of bodies.entries()) store().commit([settle(at + 1, { result })])
    reopen()
    for (const [at, body] of bodies.entries()) {
      expect(store().request(at + 1)).toEqual(Uint8Array.from(body))
      expect(store().result(at + 1)).toEqual(Uint8Array.from(body))
    }
  })

  test('shares no bytes and no rows with whoever wrote or read them', () => {
    const { store } = storeStage(fresh())
    const [intent, task, request, lease] = [intentRow('int_1'), taskRow(1, 'int_1'), Uint8Array.of(1), nonce.slice()]
    const settled = settle(2, { result: Uint8Array.of(2) })
    store().commit([newIntent(intentRow('int_2'), [taskRow(2, 'int_2', { state: 'leased' })]), settled])
    store().commit([{ write: 'intent', intent, tasks: [task], requests: [request] }])
    store().commit([{ write: 'lease', task: 1, attempt: 1, nonce: lease, scout: 'box', instance: 'i-1' }])
    intent.tenant = task.node = 'changed'
    const [handedOut] = [...store().openIntents()].filter((open) => open.intent.id === 'int_1')
    const nonces = [store().tasksOf('int_1')[0]!.nonce!, handedOut!.tasks[0]!.nonce!]
    for (const bytes of [request, lease, settled.result, ...nonces]) bytes.fill(99)
    for (const bytes of [store().request(1)!, store().result(2)!]) bytes.fill(99)
    store().intent('int_1')!.tenant = handedOut!.intent.tenant = 'changed'
    expect(store().intent('int_1')).toEqual(intentRow('int_1'))
    expect(store().tasksOf('int_1')).toEqual([taskRow(1, 'int_1', { state: 'leased' })])
    expect(store().request(1)).toEqual(Uint8Array.of(1))
    expect(store().result(2)).toEqual(Uint8Array.of(2))
  })

  test('knows nothing of ids that nobody wrote', () => {
    const { store } = storeStage(fresh())
    store().commit([newIntent(intentRow('int_1'), [taskRow(1, 'int_1')])])
    expect(store().intent('int_2')).toBeUndefined()
    expect(store().tasksOf('int_2')).toEqual([])
    expect(store().eventsAfter('int_2', 0, 9)).toEqual([])
    expect(store().request(2)).toBeUndefined()
    expect(store().result(1)).toBeUndefined()
  })

  test('gives events after a number, in order, at most as many as asked', () => {
    const { store, reopen } = storeStage(fresh())
    store().commit([newIntent(intentRow('int_1')), newIntent(intentRow('int_2')), event('int_2', 1)])
    for (let seq = 1; seq <= 12; seq++) store().commit([event('int_1', seq)])
    const numbers = (after: number, limit: number) =>
      reopen()
        .eventsAfter('int_1', after, limit)
        .map(({ seq }) => seq)
    expect(numbers(0, 3)).toEqual([1, 2, 3])
    expect(numbers(8, 100)).toEqual([9, 10, 11, 12])
    expect(numbers(12, 100)).toEqual([])
    expect(store().eventsAfter('int_1', 4, 1)).toEqual([event('int_1', 5).event])
  })
}

/** Intents of two tenants in three states, the clock running backwards. */
function variedIntents(store: Store): IntentRow[] {
  const states = ['running', 'done', 'failed'] as const
  const rows = Array.from({ length: 18 }, (_, at) => {
    const state = states[at % 3]!
    const finishedMs = state === 'running' ? null : 5
    return intentRow(`int_${at}`, { tenant: at % 2 ? 'key_a' : 'key_b', state, finishedMs, createdMs: 1_000 - at })
  })
  for (const row of rows) store.commit([newIntent(row)])
  return rows.reverse()
}

function listings(fresh: () => StoreMaker): void {
  test('lists intents newest first by arrival, of one tenant, in one state, of both', () => {
    const { store, reopen } = storeStage(fresh())
    const rows = variedIntents(store())
    reopen()
    for (const tenant of [null, 'key_a', 'key_b', 'key_c']) {
      const own = rows.filter((row) => tenant === null || row.tenant === tenant)
      expect(store().intents({ tenant, limit: 100 })).toMatchObject(own)
      for (const state of ['running', 'done', 'failed', 'cancelled'] as const) {
        const wanted = own.filter((row) => row.state === state)
        expect(store().intents({ tenant, state, limit: 100 })).toMatchObject(wanted)
      }
    }
  })

  test('lists each intent with the tokens of its own tasks', () => {
    const { store, reopen } = storeStage(fresh())
    const used = (promptTokens: number, completionTokens: number) => ({ promptTokens, completionTokens })
    const tasksOf: Record<string, { promptTokens: number; completionTokens: number }[]> = {
      int_a: [used(1, 20), used(300, 4_000), used(0, 0)],
      int_b: [],
      int_c: [used(7, 0)],
    }
    let task = 0
    for (const [id, uses] of Object.entries(tasksOf)) {
      const tasks = uses.map((use) => taskRow(++task, id, { node: `n${task}`, ...use }))
      store().commit([newIntent(intentRow(id), tasks)])
    }
    const sums = [used(7, 0), used(0, 0), used(301, 4_020)]
    for (const filter of [{ tenant: null }, { tenant: 'key_a' }, { tenant: null, state: 'running' as const }]) {
      expect(reopen().intents({ ...filter, limit: 9 })).toMatchObject(sums)
    }
    expect(store().intents({ tenant: 'key_a', state: 'running', limit: 2 })).toMatchObject(sums.slice(0, 2))
  })

  test('pages through a listing without leaving one out or showing one twice, also while others arrive', () => {
    const { store } = storeStage(fresh())
    const rows = variedIntents(store())
    for (const filter of [{ tenant: null }, { tenant: 'key_a' }, { tenant: 'key_b', state: 'running' as const }]) {
      const seen: string[] = []
      for (let before: string | undefined; seen.length < 100; before = seen.at(-1)) {
        const page = store().intents({ ...filter, limit: 2, ...(before !== undefined && { before }) })
        store().commit([newIntent(intentRow(`int_new_${seen.length}_${Object.values(filter)}`, { tenant: 'key_b' }))])
        if (page.length === 0) break
        seen.push(...page.map(({ id }) => id))
      }
      const { tenant, state } = { state: undefined, ...filter }
      const wanted = rows.filter((row) => (tenant ?? row.tenant) === row.tenant && (state ?? row.state) === row.state)
      expect(seen.filter((id) => !id.includes('new'))).toEqual(wanted.map(({ id }) => id))
    }
  })

  test('takes the intent of another tenant as a place in the list, and lists nothing before an unknown one', () => {
    const { store } = storeStage(fresh())
    const rows = variedIntents(store())
    const older = rows.slice(6).filter(({ tenant }) => tenant === 'key_a')
    expect(store().intents({ tenant: 'key_a', before: rows[5]!.id, limit: 100 })).toMatchObject(older)
    expect(store().intents({ tenant: 'key_a', before: 'int_nobody', limit: 100 })).toEqual([])
    expect(store().intents({ tenant: null, limit: 0 })).toEqual([])
  })
}

function openOnes(fresh: () => StoreMaker): void {
  test('hands out after a reopen what is running, oldest first, with all tasks and the last event number', () => {
    const { store, reopen } = storeStage(fresh())
    const done = taskRow(3, 'int_2', { state: 'done' })
    const blocked = taskRow(2, 'int_2', { state: 'blocked', needs: '["node-3"]' })
    store().commit([
      newIntent(intentRow('int_2'), [done, blocked]),
      newIntent(intentRow('int_over', { state: 'done', finishedMs: 1 }), [taskRow(4, 'int_over', { state: 'done' })]),
      newIntent(intentRow('int_1', { createdMs: 1 }), [taskRow(1, 'int_1', { state: 'leased' })]),
      newIntent(intentRow('int_0')),
    ])
    for (let seq = 1; seq <= 11; seq++) store().commit([event('int_1', seq)])
    expect([...reopen().openIntents()]).toEqual([
      { intent: intentRow('int_2'), tasks: [done, blocked], requestBytes: [5, 5], lastSeq: 0 },
      {
        intent: intentRow('int_1', { createdMs: 1 }),
        tasks: [taskRow(1, 'int_1', { state: 'leased' })],
        requestBytes: [5],
        lastSeq: 11,
      },
      { intent: intentRow('int_0'), tasks: [], requestBytes: [], lastSeq: 0 },
    ])
  })

  test('hands out thousands of open intents among finished ones, each with its own tasks', () => {
    const { store, reopen } = storeStage(fresh())
    const batch = Array.from({ length: 3_300 }, (_, at) => {
      const over = at % 3 === 2 ? ({ state: 'cancelled', finishedMs: 1 } as const) : {}
      const tasks = Array.from({ length: at % 4 }, (_, place) => taskRow(at * 4 + place, `int_${at}`))
      return newIntent(intentRow(`int_${at}`, over), tasks)
    })
    store().commit(batch)
    const running = batch.filter(({ intent }) => intent.state === 'running')
    const open = [...reopen().openIntents()]
    expect(open).toHaveLength(2_200)
    const handedOut = running.map(({ intent, tasks, requests }) => {
      return { intent, tasks, requestBytes: requests.map(({ length }) => length), lastSeq: 0 }
    })
    expect(open).toEqual(handedOut)
  })

  test('may be written to while open intents are handed out', () => {
    const { store } = storeStage(fresh())
    store().commit(
      Array.from({ length: 1_500 }, (_, at) => newIntent(intentRow(`int_${at}`), [taskRow(at, `int_${at}`)])),
    )
    let ends: StoreWrite[] = []
    for (const { intent, tasks } of store().openIntents()) {
      ends.push({ write: 'end', task: tasks[0]!.task, state: 'cancelled', charged: 0, fault: null })
      ends.push({ write: 'intentEnd', intent: intent.id, state: 'cancelled', fault: null, finishedMs: 1 })
      if (ends.length < 100) continue
      store().commit(ends)
      ends = []
    }
    expect([...store().openIntents()]).toEqual([])
    expect(store().intents({ tenant: null, state: 'cancelled', limit: 2_000 })).toHaveLength(1_500)
  })
}
