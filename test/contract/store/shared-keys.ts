/** What every adapter of the Store port promises about keys of a network: rows by id, print, hub, account and end. */
import { expect, test } from 'vitest'
import type { SharedKeyWrite, SharedRow } from '../../../orchestrator/engine/ports/network/shared-keys.ts'
import { newKey, outcome } from '../../support/store/store-rows.ts'
import { type StoreMaker, storeStage } from '../../support/store/store-stage.ts'

function rowOf(id: string, seq: number, changes: Partial<SharedRow> = {}): SharedRow {
  return { id, home: 'alpha', seq, print: `print-${id}`, account: null, expiresMs: null, terms: '{}', ...changes }
}

function told(...row: Parameters<typeof rowOf>): SharedKeyWrite {
  return { write: 'shared', row: rowOf(...row) }
}

export function sharedKeyContract(fresh: () => StoreMaker): void {
  test('keeps the last row of each id, and finds it by id and by print', () => {
    const { store, reopen } = storeStage(fresh())
    store().commit([told('key_1', 4), told('acc_1', 9, { print: null }), told('acc_2', 5, { print: null })])
    store().commit([told('key_1', 7, { print: 'other', account: 'acc_1', expiresMs: 8, terms: '{"a":1}', home: 'b' })])
    const last = { id: 'key_1', home: 'b', seq: 7, print: 'other', account: 'acc_1', expiresMs: 8, terms: '{"a":1}' }
    expect(reopen().shared('key_1')).toEqual(last)
    expect(store().sharedByPrint('other')).toEqual(last)
    expect(store().sharedByPrint('print-key_1')).toBeUndefined()
    expect(store().shared('key_2')).toBeUndefined()
    expect(store().lastSharedSeq()).toBe(9)
  })

  test('lists ids by hub, by account and by end', () => {
    const { store } = storeStage(fresh())
    expect(store().lastSharedSeq()).toBe(0)
    store().commit([
      told('key_3', 1, { expiresMs: 30 }),
      told('key_1', 2, { expiresMs: 20, account: 'acc_1' }),
      told('key_2', 3, { home: 'beta', account: 'acc_1', expiresMs: 10 }),
    ])
    expect(store().sharedOf({ home: 'alpha' })).toEqual(['key_1', 'key_3'])
    expect(store().sharedOf({ account: 'acc_1' })).toEqual(['key_1', 'key_2'])
    expect(store().sharedExpiring(10, 30)).toEqual(['key_1', 'key_3'])
  })

  test('lists what was written since, by number and in portions', () => {
    const { store, reopen } = storeStage(fresh())
    store().commit([told('key_1', 4), told('acc_1', 9, { print: null }), told('key_2', 5)])
    const after = (seq: number, limit: number) =>
      store()
        .sharedAfter(seq, limit)
        .map(({ id }) => id)
    expect(after(0, 2)).toEqual(['key_1', 'key_2'])
    expect(reopen().sharedAfter(5, 2)).toEqual([rowOf('acc_1', 9, { print: null })])
    store().commit([told('key_1', 12)])
    expect(after(9, 2)).toEqual(['key_1'])
    expect(after(12, 2)).toEqual([])
  })

  test('refuses a print that another key has, with the whole batch', () => {
    const { store } = storeStage(fresh())
    store().commit([told('key_1', 1)])
    const taken = [newKey('a'), told('key_2', 2, { print: 'print-key_1' })]
    expect(outcome(store(), taken)).toBe('fenced')
    expect(store().keyById('a')).toBeUndefined()
  })

  test('keeps the last print of each own key', () => {
    const { store, reopen } = storeStage(fresh())
    for (const print of ['one', 'two']) store().commit([{ write: 'keyPrint', id: 'key_1', print }])
    expect(reopen().keyPrint('key_1')).toBe('two')
    expect(store().keyPrint('key_2')).toBeUndefined()
  })
}
