/** What every adapter of the Store port promises about disputes: one for each task, and moves from where it is. */
import { expect, test } from 'vitest'
import type { DisputeRow, DisputeWrite } from '../../../orchestrator/engine/ports/trust/dispute-store.ts'
import { outcome } from '../../support/store/store-rows.ts'
import { type StoreMaker, storeStage } from '../../support/store/store-stage.ts'

function row(id: string, changes: Partial<DisputeRow> = {}): DisputeRow {
  const who = { task: Number(id), tenant: 'key_a', operator: 'key_b' }
  const rest = { state: 'open', verdict: null, filedMs: 5, changedMs: 5, record: '{}' }
  return { id, ...who, ...rest, ...changes }
}

const bytes = (text: string) => new Uint8Array(Buffer.from(text))

function filed(id: string, changes: Partial<DisputeRow> = {}, texts = 'texts'): DisputeWrite {
  return { write: 'dispute', row: row(id, changes), texts: bytes(texts) }
}

function moved(id: string, from: string, state: string, changedMs = 6, texts?: Uint8Array | null): DisputeWrite {
  const to = { state, verdict: 'upheld', changedMs, record: '{"n":1}' }
  return { write: 'disputeMove', id, from, to, ...(texts !== undefined && { texts }) }
}

export function disputeContract(fresh: () => StoreMaker): void {
  test('keeps disputes with their texts, newest first, and finds them by id and by task, across a reopen', () => {
    const { store, reopen } = storeStage(fresh())
    store().commit([filed('1'), filed('2', { filedMs: 7 }), filed('3', { state: 'final', filedMs: 6 })])
    expect(reopen().disputes(9)).toMatchObject([{ id: '2' }, { id: '3' }, { id: '1' }])
    expect(store().disputes(1)).toHaveLength(1)
    expect(store().openDisputes(9)).toEqual([row('1'), row('2', { filedMs: 7 })])
    expect(store().dispute('1')).toEqual(row('1'))
    expect(store().disputeOf(2)).toEqual(row('2', { filedMs: 7 }))
    expect(store().disputeTexts('3')).toEqual(bytes('texts'))
    for (const nothing of [store().dispute('4'), store().disputeOf(4), store().disputeTexts('4')])
      expect(nothing).toBeUndefined()
  })

  test('has one dispute of each task and id', () => {
    const { store } = storeStage(fresh())
    store().commit([filed('1')])
    expect(outcome(store(), [filed('1', { task: 9 })])).toBe('fenced')
    expect(outcome(store(), [filed('9', { task: 1 })])).toBe('fenced')
    expect(store().disputes(9)).toEqual([row('1')])
  })

  test('moves a dispute from the state in which it is, with its texts, and takes nothing otherwise', () => {
    const { store, reopen } = storeStage(fresh())
    store().commit([filed('1')])
    expect(outcome(store(), [moved('1', 'judging', 'upheld')])).toBe('fenced')
    expect(outcome(store(), [moved('2', 'open', 'upheld')])).toBe('fenced')
    store().commit([moved('1', 'open', 'judging', 6, bytes('more'))])
    expect(store().disputeTexts('1')).toEqual(bytes('more'))
    store().commit([moved('1', 'judging', 'upheld', 7)])
    expect(store().disputeTexts('1')).toEqual(bytes('more'))
    expect(outcome(store(), [moved('1', 'upheld', 'final', 8, null), moved('1', 'upheld', 'final', 9)])).toBe('fenced')
    store().commit([moved('1', 'upheld', 'final', 8, null)])
    expect(reopen().dispute('1')).toEqual(
      row('1', { state: 'final', verdict: 'upheld', changedMs: 8, record: '{"n":1}' }),
    )
    expect(store().disputeTexts('1')).toBeUndefined()
  })

  test('forgets what has been final for long, the oldest first, so many at once', () => {
    const { store, reopen } = storeStage(fresh())
    const final = (id: string, changedMs: number) => filed(id, { state: 'final', changedMs })
    store().commit([final('3', 3), final('1', 1), final('2', 2), filed('4', { changedMs: 0 })])
    expect(store().forgetDisputes(3, 1)).toBe(1)
    expect(store().disputeTexts('1')).toBeUndefined()
    expect(store().forgetDisputes(3, 9)).toBe(1)
    expect(store().forgetDisputes(3, 9)).toBe(0)
    expect(
      reopen()
        .disputes(9)
        .map(({ id }) => id),
    ).toEqual(['3', '4'])
  })
}
