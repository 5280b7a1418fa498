/** What every adapter of the Store port promises about trust: the newest row of each name, and forgetting. */
import { expect, test } from 'vitest'
import type { TrustWrite } from '../../../orchestrator/engine/ports/trust/trust-store.ts'
import { intentRow, newIntent, outcome } from '../../support/store/store-rows.ts'
import { type StoreMaker, storeStage } from '../../support/store/store-stage.ts'

function record(scout: string, bookedMs: number, text = '{}', model = 'm'): TrustWrite {
  return { write: 'trust', row: { scout, model, bookedMs, record: text } }
}

function memory(name: string, bookedMs: number, body = '[]'): TrustWrite {
  return { write: 'trustMemory', row: { name, bookedMs, body } }
}

export function trustContract(fresh: () => StoreMaker): void {
  test('keeps one row of trust for each scout and model, newest first, across a reopen', () => {
    const { store, reopen } = storeStage(fresh())
    store().commit([record('a/s', 5), record('b/s', 7), record('a/s', 6, '{}', 'n'), record('a/s', 9, '{"n":1}')])
    expect(reopen().trustRows(9)).toEqual([
      { scout: 'a/s', model: 'm', bookedMs: 9, record: '{"n":1}' },
      { scout: 'b/s', model: 'm', bookedMs: 7, record: '{}' },
      { scout: 'a/s', model: 'n', bookedMs: 6, record: '{}' },
    ])
    expect(store().trustRows(1)).toHaveLength(1)
  })

  test('remembers a text under each name', () => {
    const { store, reopen } = storeStage(fresh())
    store().commit([memory('pairs', 1), memory('other', 2), memory('pairs', 3, '[1]')])
    expect(reopen().trustMemory(9)).toEqual([
      { name: 'pairs', bookedMs: 3, body: '[1]' },
      { name: 'other', bookedMs: 2, body: '[]' },
    ])
  })

  test('takes nothing of trust when another write of the batch does not hold', () => {
    const { store } = storeStage(fresh())
    store().commit([record('a/s', 1), newIntent(intentRow('int_1'))])
    expect(outcome(store(), [record('a/s', 2), memory('x', 2), newIntent(intentRow('int_1'))])).not.toBe('committed')
    expect(store().trustRows(9)).toMatchObject([{ bookedMs: 1 }])
    expect(store().trustMemory(9)).toEqual([])
  })

  test('forgets what was not changed for long, the oldest first, so many at once', () => {
    const { store, reopen } = storeStage(fresh())
    store().commit([3, 1, 2].flatMap((at) => [record(`${at}/s`, at), memory(`${at}`, at)]))
    expect(store().forgetTrust(3, 1)).toBe(2)
    expect(store().forgetTrust(3, 9)).toBe(2)
    expect(store().forgetTrust(3, 9)).toBe(0)
    expect(reopen().trustRows(9)).toMatchObject([{ scout: '3/s' }])
    expect(store().trustMemory(9)).toMatchObject([{ name: '3' }])
  })
}
