/** What every adapter of the Store port promises about the ledger: the chain, what waits for it, and its snapshot. */
import { expect, test } from 'vitest'
import type { StoreWrite, StoreWriteOf } from '../../../orchestrator/engine/ports/store.ts'
import { type Earning, noEarning } from '../../../orchestrator/ledger/accounts/earnings.ts'
import { outcome } from '../../support/store/store-rows.ts'
import { type StoreMaker, storeStage } from '../../support/store/store-stage.ts'

type BatchChanges = Partial<Omit<StoreWriteOf<'batch'>, 'write' | 'batch'>>

function batch(seq: number, changes: BatchChanges = {}): StoreWriteOf<'batch'> {
  const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill)
  const row = { seq, atMs: seq * 10, head: bytes(132, seq), signature: bytes(64, seq), leaves: bytes(9, seq) }
  return { write: 'batch', batch: row, tasks: [], earned: [], asked: [], ...changes }
}

function earned(task: number): StoreWrite {
  return { write: 'earned', earned: { task, receipt: Uint8Array.of(task) } }
}

function fold(from: number, to: number, changes: Partial<StoreWriteOf<'fold'>> = {}): StoreWriteOf<'fold'> {
  const rows = { balances: [], balancesUpTo: to, earnings: [], earningsUpTo: to, seasons: [] }
  return { write: 'fold', from, to, ...rows, ...changes }
}

function balance(account: string, points: number) {
  return { account, points }
}

function earning(day: number, scout: string, changes: Partial<Earning> = {}): Earning {
  return { ...noEarning(day, scout, 'm'), tasks: 2, points: 30, unpaid: 1, own: 1, ...changes }
}

export function ledgerContract(fresh: () => StoreMaker): void {
  test('keeps the batches of the ledger as they were, in their order', () => {
    const { store, reopen } = storeStage(fresh())
    expect(store().lastBatch()).toBeUndefined()
    store().commit([batch(1), batch(2)])
    store().commit([batch(3)])
    expect(reopen().lastBatch()).toEqual(batch(3).batch)
    expect(store().batch(2)).toEqual(batch(2).batch)
    expect(store().batch(4)).toBeUndefined()
    expect(
      store()
        .batchesAfter(1, 9)
        .map(({ seq }) => seq),
    ).toEqual([2, 3])
    expect(store().batchesAfter(0, 1)).toEqual([batch(1).batch])
  })

  test('adds a batch behind the last one alone', () => {
    const { store } = storeStage(fresh())
    for (const seq of [0, 2]) expect(outcome(store(), [batch(seq)])).toBe('fenced')
    store().commit([batch(1)])
    expect(outcome(store(), [batch(1)])).toBe('fenced')
    expect(outcome(store(), [batch(2), batch(2)])).toBe('fenced')
    expect(store().lastBatch()?.seq).toBe(1)
  })

  test('gives a task one receipt, whichever batch it would be in', () => {
    const { store, reopen } = storeStage(fresh())
    store().commit([batch(1, { tasks: [70, 71] }), batch(2, { tasks: [9] })])
    for (const tasks of [[71], [80, 80], [80, 9]]) expect(outcome(store(), [batch(3, { tasks })])).toBe('fenced')
    expect(reopen().receiptPlace(70)).toEqual({ seq: 1, place: 0 })
    expect(store().receiptPlace(71)).toEqual({ seq: 1, place: 1 })
    expect(store().receiptPlace(9)).toEqual({ seq: 2, place: 0 })
    expect(store().receiptPlace(80)).toBeUndefined()
  })

  test('forgets receipts along the chain, and nothing else of their batches', () => {
    const { store, reopen } = storeStage(fresh())
    const sealed = [batch(1, { tasks: [7, 8] }), batch(2), batch(3, { tasks: [9] }), batch(4, { tasks: [10] })]
    store().commit(sealed)
    expect(store().forgottenUpTo()).toBe(0)
    const forget = (from: number, to: number, batches: number[], tasks: number[]): StoreWrite => {
      return { write: 'forgetLeaves', from, to, batches, tasks }
    }
    store().commit([forget(0, 3, [1, 3], [7, 8, 9])])
    expect(reopen().forgottenUpTo()).toBe(3)
    const leaves = new Uint8Array()
    expect(store().batchesAfter(0, 9)).toEqual([
      { ...sealed[0]!.batch, leaves },
      sealed[1]!.batch,
      { ...sealed[2]!.batch, leaves },
      sealed[3]!.batch,
    ])
    for (const task of [7, 8, 9]) expect(store().receiptPlace(task)).toBeUndefined()
    expect(store().receiptPlace(10)).toEqual({ seq: 4, place: 0 })
    for (const wrong of [forget(0, 4, [], []), forget(3, 3, [], []), forget(3, 4, [3], []), forget(3, 4, [5], [])]) {
      expect(outcome(store(), [wrong])).toBe('fenced')
    }
    expect(outcome(store(), [forget(3, 4, [4], [10]), batch(9)])).toBe('fenced')
    expect(store().batch(4)).toEqual(sealed[3]!.batch)
    expect([store().forgottenUpTo(), store().receiptPlace(10)?.seq]).toEqual([3, 4])
  })

  test('keeps with which key a scout signs, until it is another one or none', () => {
    const { store, reopen } = storeStage(fresh())
    const pin = (scout: string, fill: number | null): StoreWrite => {
      return { write: 'pin', scout, key: fill === null ? null : new Uint8Array(32).fill(fill) }
    }
    store().commit([pin('a/one', 1), pin('a/two', 2)])
    expect(reopen().pinned('a/one')).toEqual(new Uint8Array(32).fill(1))
    store().commit([pin('a/one', 3), pin('a/two', null), pin('a/none', null)])
    expect(reopen().pinned('a/one')).toEqual(new Uint8Array(32).fill(3))
    for (const scout of ['a/two', 'a/none', 'a/three']) expect(store().pinned(scout)).toBeUndefined()
    // With a batch that cannot be it is not kept either.
    expect(outcome(store(), [pin('a/three', 4), batch(9)])).toBe('fenced')
    expect(store().pinned('a/three')).toBeUndefined()
  })

  test('keeps what waits to be sealed until a batch has it', () => {
    const { store, reopen } = storeStage(fresh())
    store().commit([earned(7), earned(5), { write: 'askLedger', event: '{"a":1}' }])
    store().commit([{ write: 'askLedger', event: '{"a":2}' }])
    expect(outcome(store(), [earned(7)])).toBe('fenced')
    expect(reopen().earned(9)).toEqual([
      { task: 5, receipt: Uint8Array.of(5) },
      { task: 7, receipt: Uint8Array.of(7) },
    ])
    expect(store().earned(1)).toHaveLength(1)
    const [first, second] = store().asked(9)
    expect([first!.event, second!.event]).toEqual(['{"a":1}', '{"a":2}'])
    store().commit([batch(1, { tasks: [5], earned: [5, 99], asked: [first!.id] })])
    expect(store().earned(9)).toMatchObject([{ task: 7 }])
    expect(store().asked(9)).toEqual([second])
    store().commit([
      { write: 'forgetAsked', id: second!.id },
      { write: 'forgetAsked', id: 99 },
    ])
    expect(store().asked(9)).toEqual([])
    store().commit([{ write: 'askLedger', event: '{}' }])
    expect(store().asked(9)[0]!.id).toBeGreaterThan(second!.id)
  })

  test('keeps rules by their hash, the first text of each', () => {
    const { store, reopen } = storeStage(fresh())
    const hash = new Uint8Array(32).fill(1)
    store().commit([
      { write: 'rules', hash, text: 'one' },
      { write: 'rules', hash, text: 'two' },
    ])
    expect(reopen().rulesText(hash)).toBe('one')
    expect(store().rulesText(new Uint8Array(32))).toBeUndefined()
  })

  test('carries the snapshot on from where it is, and from nowhere else', () => {
    const { store, reopen } = storeStage(fresh())
    expect(store().snapshot()).toEqual({ projected: 0, written: 0, balances: [], seasons: [] })
    const season = { season: '2026-05', state: 'open' as const, sinceMs: 5, note: '' }
    const balances = [balance('mint', -5), balance('b', 3), balance('a', 2)]
    store().commit([fold(0, 3, { balances, seasons: [season] })])
    for (const from of [0, 2, 4])
      expect(outcome(store(), [fold(from, 9, { balances: [balance('a', 9)] })])).toBe('fenced')
    const closing = { ...season, state: 'closing' as const }
    store().commit([fold(3, 4, { balances: [balance('a', 0), balance('b', 4)], seasons: [closing] })])
    expect(reopen().snapshot()).toEqual({
      ...{ projected: 4, written: 4, seasons: [closing] },
      balances: [
        { account: 'b', points: 4, upTo: 4 },
        { account: 'mint', points: -5, upTo: 3 },
      ],
    })
  })

  test('takes rows that go further than the snapshot, and says how far, also of accounts that are empty', () => {
    const { store, reopen } = storeStage(fresh())
    const some = { balances: [balance('a', 2), balance('b', 0)], balancesUpTo: 8 }
    store().commit([
      fold(0, 3, { balances: [balance('b', 1)] }),
      fold(3, 3, { ...some, earnings: [], earningsUpTo: 5 }),
    ])
    expect(reopen().snapshot()).toMatchObject({
      ...{ projected: 3, written: 8 },
      balances: [
        { account: 'a', points: 2, upTo: 8 },
        { account: 'b', points: 0, upTo: 8 },
      ],
    })
    store().commit([
      fold(3, 5, { earnings: [earning(9, 'k/ant', { unpaid: 0 }), earning(9, 'k/bee')], balancesUpTo: 9 }),
    ])
    expect(store().snapshot()).toMatchObject({ projected: 5, written: 9, balances: [{}, { account: 'b' }] })
    expect(store().earningUpTo(9, 'k/ant', 'm')).toBe(5)
    expect([store().earningUpTo(9, 'k/ant', 'n'), store().earningUpTo(8, 'k/ant', 'm')]).toEqual([0, 0])
    expect(store().unpaidOf(9)).toEqual([earning(9, 'k/bee')])
    expect(store().unpaidOf(8)).toEqual([])
    store().commit([fold(5, 8)])
    expect(reopen().snapshot()).toEqual({
      projected: 8,
      written: 8,
      balances: [{ account: 'a', points: 2, upTo: 8 }],
      seasons: [],
    })
  })

  test('adds earnings up by scout, model and day, and finds those of an operator, a scout, a span', () => {
    const { store, reopen } = storeStage(fresh())
    const rows = [
      earning(8, 'k/ant'),
      earning(9, 'k/ant'),
      earning(9, 'k/bee'),
      earning(9, 'k2/ant'),
      earning(9, 'k-/a'),
    ]
    store().commit([fold(0, 1, { earnings: rows })])
    store().commit([fold(1, 2, { earnings: [earning(9, 'k/ant', { loop: 2 })] })])
    const found = (filter: { operator: string | null; scout?: string }, from = 0) =>
      reopen().earnings({ from, to: 9, limit: 9, ...filter })
    expect(found({ operator: 'k' }).map(({ day, scout }) => [day, scout])).toEqual([
      [9, 'k/ant'],
      [9, 'k/bee'],
      [8, 'k/ant'],
    ])
    expect(found({ operator: 'k', scout: 'k/ant' }, 9)).toEqual([
      { ...earning(9, 'k/ant'), tasks: 4, points: 60, unpaid: 2, own: 2, loop: 2 },
    ])
    expect(found({ operator: null })).toHaveLength(5)
    const span = { operator: null, from: 0, to: 9 }
    const behind = (at: number) => ({ after: store().earnings({ ...span, limit: 9 })[at]! })
    const whole = store().earnings({ ...span, limit: 9 })
    expect(store().earnings({ ...span, limit: 1, ...behind(1) })).toEqual([whole[2]])
    expect(store().earnings({ ...span, limit: 9, ...behind(3) })).toEqual([whole[4]])
    expect(store().earnings({ ...span, limit: 9, ...behind(4) })).toEqual([])
    const ofOne = { operator: 'k', scout: 'k/ant', from: 0, to: 9, limit: 9 }
    expect(store().earnings({ ...ofOne, after: { day: 9, scout: 'k/ant', model: 'm' } })).toMatchObject([{ day: 8 }])
    expect(store().earnings({ ...ofOne, after: { day: 9, scout: 'k/ant', model: 'l' } })).toHaveLength(2)
    expect(store().earnings({ operator: null, from: 9, to: 9, limit: 2 })).toHaveLength(2)
    expect(store().earningRecord('k/ant', 'm')).toEqual({ paidTasks: 3, days: 2 })
    expect(store().earningRecord('k/ant', 'other')).toEqual({ paidTasks: 0, days: 0 })
  })

  test('does nothing of a batch whose other writes do not hold', () => {
    const { store } = storeStage(fresh())
    store().commit([earned(5), { write: 'askLedger', event: '{}' }])
    const [asked] = store().asked(1)
    const sealed = batch(1, { tasks: [5], earned: [5], asked: [asked!.id] })
    const snapshot = fold(0, 1, { balances: [balance('a', 1)], earnings: [earning(9, 'k/ant')] })
    expect(outcome(store(), [sealed, snapshot, batch(1)])).toBe('fenced')
    expect(store().lastBatch()).toBeUndefined()
    expect(store().earned(9)).toHaveLength(1)
    expect(store().asked(9)).toEqual([asked])
    expect(store().snapshot()).toEqual({ projected: 0, written: 0, balances: [], seasons: [] })
    expect(store().earnings({ operator: null, from: 0, to: 99, limit: 9 })).toEqual([])
    expect(store().receiptPlace(5)).toBeUndefined()
  })
}
