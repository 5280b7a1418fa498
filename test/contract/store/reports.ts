/** What every adapter of the Store port promises about the charts' history and what scouts served by the day. */
import { expect, test } from 'vitest'
import type { StoreWriteOf } from '../../../orchestrator/engine/ports/store.ts'
import type { ServedDay } from '../../../orchestrator/engine/ports/usage.ts'
import { intentRow, newIntent, outcome } from '../../support/store/store-rows.ts'
import { type StoreMaker, storeStage } from '../../support/store/store-stage.ts'

function served(scout: string, day: number, changes: Partial<ServedDay> = {}): StoreWriteOf<'served'> {
  return { write: 'served', scout, served: { day, done: 2, failed: 1, tokens: 30, busyMs: 400, ...changes } }
}

function quarter(slot: number, sample = `{"n":${slot}}`): StoreWriteOf<'history'> {
  return { write: 'history', row: { slot, sample } }
}

export function reportContract(fresh: () => StoreMaker): void {
  test('keeps the quarters of the charts, in their order, the newest of each', () => {
    const { store, reopen } = storeStage(fresh())
    store().commit([quarter(7), quarter(5), quarter(6), quarter(5, '{"n":"again"}')])
    expect(reopen().history(0)).toEqual([
      { slot: 5, sample: '{"n":"again"}' },
      { slot: 6, sample: '{"n":6}' },
      { slot: 7, sample: '{"n":7}' },
    ])
    expect(store().history(7)).toEqual([{ slot: 7, sample: '{"n":7}' }])
    expect(store().history(8)).toEqual([])
  })

  test('adds up what a scout served in a day, and keeps scouts and days apart', () => {
    const { store, reopen } = storeStage(fresh())
    store().commit([served('k/ant', 9), served('k/ant', 9, { busyMs: 5 }), served('k/ant', 8), served('k/ant2', 9)])
    expect(reopen().servedDays('k/ant', 0)).toEqual([
      { day: 8, done: 2, failed: 1, tokens: 30, busyMs: 400 },
      { day: 9, done: 4, failed: 2, tokens: 60, busyMs: 405 },
    ])
    expect(store().servedDays('k/ant', 9)).toHaveLength(1)
    expect(store().servedDays('k', 0)).toEqual([])
    const most = Number.MAX_SAFE_INTEGER
    store().commit([served('k/ant', 9, { tokens: most }), served('k/ant', 9, { tokens: most })])
    expect(store().servedDays('k/ant', 9)).toMatchObject([{ done: 8, tokens: most }])
  })

  test('takes neither when another write of the batch does not hold', () => {
    const { store } = storeStage(fresh())
    store().commit([served('k/ant', 9), quarter(1), newIntent(intentRow('int_1'))])
    expect(outcome(store(), [served('k/ant', 9), quarter(1, '{}'), newIntent(intentRow('int_1'))])).not.toBe(
      'committed',
    )
    expect(store().servedDays('k/ant', 9)).toMatchObject([{ done: 2 }])
    expect(store().history(0)).toEqual([{ slot: 1, sample: '{"n":1}' }])
  })

  test('forgets quarters and days before a time, the oldest first, so many at once', () => {
    const { store, reopen } = storeStage(fresh())
    store().commit([3, 1, 2].flatMap((at) => [quarter(at), served('k/ant', at)]))
    expect(store().forgetReports(3, 2, 1)).toBe(2)
    expect(store().forgetReports(3, 2, 9)).toBe(1)
    expect(store().forgetReports(3, 2, 9)).toBe(0)
    expect(reopen().history(0)).toMatchObject([{ slot: 3 }])
    expect(store().servedDays('k/ant', 0)).toMatchObject([{ day: 2 }, { day: 3 }])
  })
}
