/** What every adapter of the Store port promises: keys and epochs here, intents and the rest in files of their own. */
import { describe, expect, test } from 'vitest'
import type { KeyRow } from '../../orchestrator/engine/ports/store.ts'
import { event, intentRow, keyRow, newIntent, outcome, taskRow } from '../support/store/store-rows.ts'
import { type StoreMaker, storeStage } from '../support/store/store-stage.ts'
import { batchContract } from './store-batches.ts'
import { bookContract } from './store-books.ts'
import { controlContract } from './store-control.ts'
import { intentContract } from './store-intents.ts'
import { responseContract } from './store-responses.ts'

export function storeContract(adapter: string, fresh: () => StoreMaker): void {
  describe(`the store on ${adapter}`, () => {
    keyContract(fresh)
    intentContract(fresh)
    batchContract(fresh)
    controlContract(fresh)
    bookContract(fresh)
    responseContract(fresh)
    lifeContract(fresh)
  })
}

function keyContract(fresh: () => StoreMaker): void {
  test('counts epochs upwards, and goes on after a reopen', () => {
    const { store, reopen } = storeStage(fresh())
    const before = [store().nextEpoch(), store().nextEpoch()]
    const after = reopen().nextEpoch()
    expect(before).toEqual([1, 2])
    expect(after).toBe(3)
  })

  test('finds a key by its digest and by its id, and nothing by another', () => {
    const { store } = storeStage(fresh())
    store().insertKey(keyRow('a'))
    store().insertKey(keyRow('b'))
    expect(store().keyByDigest('digest-b')).toEqual(keyRow('b'))
    expect(store().keyById('a')).toEqual(keyRow('a'))
    expect(store().keyByDigest('a')).toBeUndefined()
    expect(store().keyById('digest-a')).toBeUndefined()
  })

  test('lists keys oldest first, also when the clock was set back in between', () => {
    const { store, reopen } = storeStage(fresh())
    store().insertKey(keyRow('z', { createdMs: 900 }))
    store().insertKey(keyRow('a', { createdMs: 100 }))
    const ids = reopen().listKeys()
    expect(ids.map((key) => key.id)).toEqual(['z', 'a'])
  })

  test('keeps every column of a key, with quotes and letters of any script as they were', () => {
    const { store, reopen } = storeStage(fresh())
    const name = `Zoë's "box"; DROP TABLE api_key; -- 狐`
    const odd: KeyRow = { ...keyRow('a'), role: 'scout', name, weight: 2.5, revokedMs: 7 }
    store().insertKey(odd)
    expect(reopen().listKeys()).toEqual([odd])
  })

  test('revokes a key once and keeps the first time', () => {
    const { store, reopen } = storeStage(fresh())
    store().insertKey(keyRow('a'))
    expect(store().revokeKey('a', 500)).toBe(true)
    expect(store().revokeKey('a', 600)).toBe(false)
    expect(store().revokeKey('nobody', 600)).toBe(false)
    expect(reopen().keyByDigest('digest-a')?.revokedMs).toBe(500)
  })

  test('refuses a second key with the same id or digest, and a weight that is not above zero', () => {
    const { store } = storeStage(fresh())
    store().insertKey(keyRow('a'))
    expect(() => store().insertKey(keyRow('b', { id: 'a' }))).toThrow()
    expect(() => store().insertKey(keyRow('b', { digest: 'digest-a' }))).toThrow()
    for (const weight of [0, -1, Number.NaN]) expect(() => store().insertKey(keyRow('c', { weight }))).toThrow()
    expect(store().listKeys()).toEqual([keyRow('a')])
  })

  test('gives out copies of keys: changing one changes nothing in the store', () => {
    const { store } = storeStage(fresh())
    const given = keyRow('a')
    store().insertKey(given)
    given.name = 'changed'
    store().keyById('a')!.revokedMs = 1
    expect(store().listKeys()).toEqual([keyRow('a')])
  })
}

function lifeContract(fresh: () => StoreMaker): void {
  test('refuses to write once it is closed', () => {
    const { store, reopen } = storeStage(fresh())
    const closed = store()
    reopen()
    expect(() => closed.commit([newIntent(intentRow('int_late'))])).toThrow()
    expect(() => closed.nextEpoch()).toThrow()
    expect(store().intent('int_late')).toBeUndefined()
    expect(store().nextEpoch()).toBe(1)
  })

  test('copies itself whole to a new place, goes on, and never replaces a copy', () => {
    const { store, copyPath, openCopy } = storeStage(fresh())
    store().nextEpoch()
    store().insertKey(keyRow('a'))
    store().commit([newIntent(intentRow('int_1'), [taskRow(1, 'int_1')]), event('int_1', 1)])
    store().backup(copyPath)
    expect(outcome(store(), [newIntent(intentRow('int_2'), [taskRow(2, 'int_2')])])).toBe('committed')
    expect(() => store().backup(copyPath)).toThrow()
    const copy = openCopy()
    expect(copy.listKeys()).toEqual([keyRow('a')])
    const open = { intent: intentRow('int_1'), tasks: [taskRow(1, 'int_1')], requestBytes: [5], lastSeq: 1 }
    expect([...copy.openIntents()]).toEqual([open])
    expect(copy.request(1)).toEqual(store().request(1))
    expect(copy.nextEpoch()).toBe(2)
  })
}
