/** What every adapter of the Store port promises about kept responses, and about intents that are removed. */
import { expect, test } from 'vitest'
import type { StoreWrite } from '../../orchestrator/engine/ports/store.ts'
import {
  contents,
  event,
  intentRow,
  newIntent,
  outcome,
  responseRow,
  settle,
  taskRow,
  usageRow,
} from '../support/store/store-rows.ts'
import { type StoreMaker, storeStage } from '../support/store/store-stage.ts'

const over = (id: string, finishedMs: number) => intentRow(id, { state: 'done', finishedMs })
const put = (...row: Parameters<typeof responseRow>): StoreWrite => ({ write: 'response', row: responseRow(...row) })

export function responseContract(fresh: () => StoreMaker): void {
  test('keeps a response as it is, replaces it as a whole, and forgets it, known or not', () => {
    const { store, reopen } = storeStage(fresh())
    const row = responseRow('resp_1', { answer: Uint8Array.of(0, 255) })
    store().commit([{ write: 'response', row }])
    row.answer!.fill(9)
    expect(reopen().response('resp_1')).toEqual(responseRow('resp_1', { answer: Uint8Array.of(0, 255) }))
    store().commit([put('resp_1', { tenant: 'key_b', request: Uint8Array.of(7), createdMs: 5 })])
    expect(store().response('resp_1')).toEqual(
      responseRow('resp_1', { tenant: 'key_b', request: Uint8Array.of(7), createdMs: 5 }),
    )
    const forget = { write: 'forgetResponse', id: 'resp_1' } as const
    store().commit([forget, forget])
    expect(reopen().response('resp_1')).toBeUndefined()
  })

  test('keeps the response of an intent only while there is that intent', () => {
    const { store, reopen } = storeStage(fresh())
    store().commit([
      newIntent(over('int_1', 9), [taskRow(1, 'int_1')]),
      put('resp_1', { intent: 'int_1', answer: null }),
    ])
    store().commit([put('resp_2', { intent: 'int_2', answer: null })])
    expect(reopen().response('resp_1')).toEqual(responseRow('resp_1', { intent: 'int_1', answer: null }))
    expect(store().response('resp_2')).toBeUndefined()
    expect(store().forgetBefore(10, 0, 5)).toBe(1)
    expect(reopen().response('resp_1')).toBeUndefined()
  })

  test('tells the intents of responses that are not to be kept, as long as there are those intents', () => {
    const { store, reopen } = storeStage(fresh())
    const none = new Uint8Array(0)
    store().commit([
      ...['int_1', 'int_2', 'int_3'].map((id) => newIntent(over(id, 9), [])),
      put('resp_1', { intent: 'int_1', answer: null, request: none }),
      put('resp_2', { intent: 'int_2', answer: null }),
      put('resp_3', { intent: 'int_3', answer: null, request: none }),
      put('resp_4', { request: none }),
    ])
    expect(reopen().unkept()).toEqual(['int_1', 'int_3'])
    store().commit([{ write: 'forgetIntent', intent: 'int_1' }])
    expect(reopen().unkept()).toEqual(['int_3'])
  })

  test('forgets responses that no intent made by their age, the oldest first', () => {
    const { store, reopen } = storeStage(fresh())
    for (const [at, createdMs] of [30, 10, 20, 40].entries()) store().commit([put(`resp_${at}`, { createdMs })])
    expect(store().forgetBefore(35, 0, 2)).toBe(2)
    const kept = () => [0, 1, 2, 3].filter((at) => reopen().response(`resp_${at}`) !== undefined)
    expect(kept()).toEqual([0, 3])
    expect(store().forgetBefore(35, 0, 2)).toBe(1)
    expect(kept()).toEqual([3])
  })

  test('removes an intent with all that belongs to it, but for its bookings', () => {
    const { store, reopen } = storeStage(fresh())
    const leased = taskRow(1, 'int_1', { state: 'leased' })
    store().commit([newIntent(intentRow('int_1'), [leased]), event('int_1', 1), put('resp_1', { intent: 'int_1' })])
    store().commit([newIntent(intentRow('int_2'), [taskRow(2, 'int_2')]), settle(1)])
    store().commit([{ write: 'intentEnd', intent: 'int_1', state: 'done', fault: null, finishedMs: 9 }])
    store().commit([{ write: 'usage', usage: usageRow(1) }])
    const before = contents(store())
    store().commit([{ write: 'forgetIntent', intent: 'int_1' }])
    const { intents, open, usage: sums } = contents(reopen())
    expect(intents.map(({ intent }) => intent.id)).toEqual(['int_2'])
    expect([open.length, sums]).toEqual([1, before.usage])
    expect([store().request(1), store().result(1), store().response('resp_1')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(store().eventsAfter('int_1', 0, 9)).toEqual([])
  })

  test('passes over the removal of an intent that runs or is unknown', () => {
    const { store, reopen } = storeStage(fresh())
    store().commit([newIntent(intentRow('int_1'), [taskRow(1, 'int_1')])])
    const before = contents(store())
    const writes = ['int_1', 'int_9'].map((intent): StoreWrite => ({ write: 'forgetIntent', intent }))
    expect(outcome(store(), writes)).toBe('committed')
    expect(contents(reopen())).toEqual(before)
  })

  test('drops an intent in whatever state, so that it can be written anew', () => {
    const { store, reopen } = storeStage(fresh())
    const whole = () => [newIntent(intentRow('int_1'), [taskRow(1, 'int_1', { state: 'leased' })]), event('int_1', 1)]
    store().commit([...whole(), put('resp_1', { intent: 'int_1' })])
    const before = contents(store())
    store().commit([{ write: 'dropIntent', intent: 'int_9' }, { write: 'dropIntent', intent: 'int_1' }, ...whole()])
    expect(contents(reopen())).toEqual(before)
    store().commit([{ write: 'dropIntent', intent: 'int_1' }])
    expect([reopen().intent('int_1'), store().response('resp_1')]).toEqual([undefined, undefined])
  })

  test('takes a removal back with its batch, and the order of the list with it', () => {
    const { store } = storeStage(fresh())
    for (const id of ['int_1', 'int_2', 'int_3']) store().commit([newIntent(over(id, 9), [])])
    store().commit([put('resp_1', { intent: 'int_1' })])
    const before = contents(store())
    const fenced: StoreWrite = { write: 'unblock', task: 77 }
    const batch: StoreWrite[] = [
      { write: 'forgetIntent', intent: 'int_1' },
      { write: 'forgetResponse', id: 'resp_1' },
      fenced,
    ]
    expect(outcome(store(), batch)).toBe('fenced')
    expect(contents(store())).toEqual(before)
    expect(store().response('resp_1')).toEqual(responseRow('resp_1', { intent: 'int_1' }))
  })
}
