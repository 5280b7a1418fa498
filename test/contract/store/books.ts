/** What every adapter of the Store port promises about idempotency rows, usage and forgetting. */
import { expect, test } from 'vitest'
import type { IntentRow, StoreWrite } from '../../../orchestrator/engine/ports/store.ts'
import {
  contents,
  event,
  idempotencyRow,
  intentRow,
  newIntent,
  outcome,
  settle,
  taskRow,
  usageRow,
  usageTally,
} from '../../support/store/store-rows.ts'
import { type StoreMaker, storeStage } from '../../support/store/store-stage.ts'

export function bookContract(fresh: () => StoreMaker): void {
  idempotencyContract(fresh)
  usageContract(fresh)
  usageByTimeContract(fresh)
  forgettingContract(fresh)
}

function idempotencyContract(fresh: () => StoreMaker): void {
  test('replaces an idempotency row as a whole and forgets it, known or not', () => {
    const { store, reopen } = storeStage(fresh())
    const flying = idempotencyRow('k')
    const answered = idempotencyRow('k', { status: 200, answer: Uint8Array.of(0, 255), bodyHash: 'cd', createdMs: 5 })
    store().commit([{ write: 'idempotency', row: flying }])
    expect(reopen().idempotency('key_a', 'POST /v1/intents', 'k')).toEqual(flying)
    store().commit([{ write: 'idempotency', row: answered }])
    answered.answer!.fill(9)
    expect(reopen().idempotency('key_a', 'POST /v1/intents', 'k')).toEqual({
      ...answered,
      answer: Uint8Array.of(0, 255),
    })
    const forget = { write: 'forgetIdempotency', tenant: 'key_a', route: 'POST /v1/intents', key: 'k' } as const
    store().commit([forget, forget])
    expect(reopen().idempotency('key_a', 'POST /v1/intents', 'k')).toBeUndefined()
  })

  test('tells tenants, routes and keys apart, also where their texts run into one another', () => {
    const { store } = storeStage(fresh())
    const scopes = [
      { tenant: 'a', route: 'b', key: 'c' },
      { tenant: 'a', route: 'bc', key: '' },
      { tenant: 'ab', route: '', key: 'c' },
      { tenant: '', route: 'ab', key: 'c' },
      { tenant: 'a', route: 'b\0', key: 'c' },
      { tenant: 'a', route: 'B', key: 'c' },
    ]
    for (const [status, scope] of scopes.entries()) {
      store().commit([{ write: 'idempotency', row: idempotencyRow('', { ...scope, status }) }])
    }
    const found = scopes.map(({ tenant, route, key }) => store().idempotency(tenant, route, key)?.status)
    expect(found).toEqual([0, 1, 2, 3, 4, 5])
    expect(store().idempotency('a', 'c', 'b')).toBeUndefined()
  })
}

function usageContract(fresh: () => StoreMaker): void {
  test('sums usage by model, of one tenant and of all', () => {
    const { store, reopen } = storeStage(fresh())
    const booked = [
      usageRow(1),
      usageRow(2, { model: 'llama', promptTokens: 0, completionTokens: 5 }),
      usageRow(3, { tenant: 'key_b', promptTokens: 100 }),
      usageRow(4, { scout: 'other', provider: 'other', promptTokens: 3_000_000_000 }),
    ]
    expect(store().usage(null)).toEqual([])
    store().commit(booked.map((usage) => ({ write: 'usage', usage })))
    expect(reopen().usage('key_a')).toEqual([
      { model: 'demo', tasks: 2, promptTokens: 3_000_000_010, completionTokens: 40 },
      { model: 'llama', tasks: 1, promptTokens: 0, completionTokens: 5 },
    ])
    expect(store().usage('key_b')).toEqual([{ model: 'demo', tasks: 1, promptTokens: 100, completionTokens: 20 }])
    expect(store().usage(null)).toEqual([
      { model: 'demo', tasks: 3, promptTokens: 3_000_000_110, completionTokens: 60 },
      { model: 'llama', tasks: 1, promptTokens: 0, completionTokens: 5 },
    ])
    expect(store().usage('key_c')).toEqual([])
  })

  test.each([
    ['booked already', usageRow(1, { tenant: 'key_b' })],
    ['of half a token', usageRow(2, { promptTokens: 0.5 })],
    ['of no number', usageRow(2, { completionTokens: Number.NaN })],
    ['below zero', usageRow(2, { promptTokens: -1 })],
    ['beyond every number', usageRow(2, { promptTokens: 1e300 })],
  ])('usage that is %s is left out and counted, and the answer commits', (_what, usage) => {
    const { store, reopen } = storeStage(fresh())
    store().commit([{ write: 'usage', usage: usageRow(1) }])
    const sums = store().usage(null)
    const tally = usageTally({ promptTokens: Number.NaN })
    const batch: StoreWrite[] = [{ write: 'usage', usage }, newIntent(intentRow('int_1')), { write: 'tally', tally }]
    expect(outcome(store(), batch)).toBe('committed')
    expect(store().unbooked()).toBe(2)
    expect(store().usage(null)).toEqual(sums)
    expect(reopen().intent('int_1')).toBeDefined()
  })

  test('sums of usage stop at the largest number that every reader can hold', () => {
    const { store, reopen } = storeStage(fresh())
    const most = Number.MAX_SAFE_INTEGER
    for (const task of [1, 2, 3, 4]) {
      const usage = usageRow(task, { promptTokens: most, completionTokens: 1, tenant: task < 4 ? 'key_a' : 'key_b' })
      expect(outcome(store(), [{ write: 'usage', usage }])).toBe('committed')
    }
    expect(store().usage('key_a')).toEqual([{ model: 'demo', tasks: 3, promptTokens: most, completionTokens: 3 }])
    expect(reopen().usage(null)).toEqual([{ model: 'demo', tasks: 4, promptTokens: most, completionTokens: 4 }])
  })

  test('tokens of an intent stop there as well', () => {
    const { store } = storeStage(fresh())
    const most = Number.MAX_SAFE_INTEGER
    const rows = Array.from({ length: 1_030 }, (_, at) => taskRow(at + 1, 'int_1', { promptTokens: most }))
    store().commit([newIntent(intentRow('int_1'), rows)])
    expect(store().intents({ tenant: null, limit: 1 })).toMatchObject([{ promptTokens: most, completionTokens: 0 }])
  })

  test('counts the deaths under an intent, keeps what is in hand, and forgets it at a clean end', () => {
    const { store, reopen } = storeStage(fresh())
    store().commit([newIntent(intentRow('int_1')), newIntent(intentRow('int_2'))])
    store().commit([
      { write: 'blame', intent: 'int_1', deaths: 1 },
      { write: 'blame', intent: 'int_9', deaths: 1 },
    ])
    store().commit([{ write: 'blame', intent: 'int_1', deaths: 2 }])
    // What may have been written before counts once.
    store().commit([{ write: 'blame', intent: 'int_1', deaths: 2 }])
    store().noteInHand('int_1')
    expect(store().inHand()).toBe('int_1')
    expect(reopen().inHand()).toBeNull()
    expect(store().deaths()).toEqual(new Map([['int_1', 2]]))
  })

  test('keeps what is owed of deaths until something else is, over a clean end and beside what is in hand', () => {
    const { store, reopen } = storeStage(fresh())
    store().noteInHand('int_1')
    store().noteDeaths([{ intent: 'int_1', deaths: 2 }], 'int_2')
    expect([store().inHand(), store().owedDeaths()]).toEqual(['int_2', [{ intent: 'int_1', deaths: 2 }]])
    store().noteInHand('int_3')
    expect(reopen().owedDeaths()).toEqual([{ intent: 'int_1', deaths: 2 }])
    expect(store().inHand()).toBeNull()
    expect(reopen().owedDeaths()).toEqual([{ intent: 'int_1', deaths: 2 }])
    store().noteDeaths([], null)
    expect(reopen().owedDeaths()).toEqual([])
  })
}

/** Usage by key, model and time. */
function usageByTimeContract(fresh: () => StoreMaker): void {
  const hour = 24 * 20_000
  const all = { by: 'day', tenant: null, from: 0, to: 30_000, limit: 100 } as const

  test('adds usage up by key, model, hour and day, whether it is booked or tallied', () => {
    const { store, reopen } = storeStage(fresh())
    const usage = usageRow(1, { atMs: hour * 3_600_000, microDollars: 7, isEstimated: true })
    store().commit([
      { write: 'usage', usage },
      { write: 'tally', tally: usageTally({ hour: hour + 1 }) },
      { write: 'tally', tally: usageTally({ hour: hour + 1, tasks: 0, failed: 3, promptTokens: 0, microDollars: 0 }) },
    ])
    const both = { tenant: 'key_a', key: 'key_a', model: 'demo' }
    const day = { promptTokens: 20, completionTokens: 60, microDollars: 12, estimated: 1, tasks: 2, failed: 3 }
    expect(reopen().usagePoints(all)).toEqual([{ ...both, ...day, start: 20_000 }])
    const hours = store().usagePoints({ ...all, by: 'hour', to: 1e9 })
    expect(hours.map(({ start, tasks }) => [start, tasks])).toEqual([
      [hour + 1, 1],
      [hour, 1],
    ])
    expect(store().usageOfDays('key_a', 'key_a', 20_000)).toEqual([{ day: 20_000, tokens: 80, microDollars: 12 }])
    expect(store().usageOfDays('key_a', 'other', 20_000)).toEqual([])
    expect(store().usageOfDays('key_a', null, 20_001)).toEqual([])
    // What failed is no use of a model.
    expect(store().usage(null)).toMatchObject([{ model: 'demo', tasks: 2 }])
  })

  test('lists usage newest first, by filters, a page at a time', () => {
    const { store } = storeStage(fresh())
    const places = ['a', 'b'].flatMap((key) =>
      [0, 1, 2].map((day) => ({ key, tenant: key, hour: day * 24, model: `m${day}` })),
    )
    store().commit(places.map((place) => ({ write: 'tally', tally: usageTally(place) })))
    const list = (filter: object) =>
      store()
        .usagePoints({ ...all, ...filter })
        .map(({ start, key }) => `${start}${key}`)
    expect(list({})).toEqual(['2b', '2a', '1b', '1a', '0b', '0a'])
    expect(list({ tenant: 'a' })).toEqual(['2a', '1a', '0a'])
    expect(list({ key: 'b', from: 1 })).toEqual(['2b', '1b'])
    expect(list({ model: 'm1' })).toEqual(['1b', '1a'])
    expect(list({ to: 1, limit: 3 })).toEqual(['1b', '1a', '0b'])
    const after = { start: 1, tenant: 'b', key: 'b', model: 'm1' }
    expect(list({ after })).toEqual(['1a', '0b', '0a'])
    expect(list({ after, tenant: 'a' })).toEqual(['1a', '0a'])
  })

  test('knows the last day on which each key of a tenant was used', () => {
    const { store, reopen } = storeStage(fresh())
    const used = (key: string, tenant: string, day: number) =>
      usageTally({ key, tenant, hour: day * 24, model: `m${day}` })
    const tallies = [used('k1', 't', 5), used('k1', 't', 9), used('k1', 't', 7), used('k2', 't', 3), used('k3', 'u', 9)]
    store().commit(tallies.map((tally) => ({ write: 'tally', tally })))
    const last = (fromDay: number) =>
      reopen()
        .lastUses('t', fromDay)
        .map(({ key, day }) => `${key} ${day}`)
        .sort()
    expect(last(0)).toEqual(['k1 9', 'k2 3'])
    expect(last(4)).toEqual(['k1 9'])
    expect(last(10)).toEqual([])
  })

  test('forgets hours and days before a time, so many at once', () => {
    const { store } = storeStage(fresh())
    store().commit([0, 1, 2].map((day) => ({ write: 'tally', tally: usageTally({ hour: day * 24 }) })))
    expect(store().forgetUsage(48, 1, 1)).toBe(2)
    expect(store().forgetUsage(48, 1, 10)).toBe(1)
    expect(store().forgetUsage(48, 1, 10)).toBe(0)
    expect(
      store()
        .usagePoints(all)
        .map(({ start }) => start),
    ).toEqual([2, 1])
    expect(store().usage(null)).toMatchObject([{ tasks: 3 }])
  })
}

/** An intent with a settled task, events and usage, finished at this time; running when it is null. */
function wholeIntent(at: number, finishedMs: number | null): StoreWrite[] {
  const id = `int_${at}`
  const over: Partial<IntentRow> = finishedMs === null ? {} : { state: 'done', finishedMs }
  return [
    newIntent(intentRow(id, over), [taskRow(at, id, { state: 'leased' })]),
    settle(at),
    event(id, 1),
    event(id, 2),
    { write: 'usage', usage: usageRow(at, { atMs: finishedMs ?? 0 }) },
  ]
}

function forgettingContract(fresh: () => StoreMaker): void {
  test('adds a tally to the sums of its tenant and model', () => {
    const { store, reopen } = storeStage(fresh())
    const tally = usageTally({ model: 'm', tasks: 3, promptTokens: 30, completionTokens: 6 })
    store().commit([
      { write: 'tally', tally },
      { write: 'tally', tally: { ...tally, tasks: 2 } },
      { write: 'tally', tally: { ...tally, tenant: 'key_b' } },
    ])
    expect(reopen().usage('key_a')).toEqual([{ model: 'm', tasks: 5, promptTokens: 60, completionTokens: 12 }])
  })

  test('forgets what finished before a time with all that belongs to it, and nothing else', () => {
    const { store, reopen } = storeStage(fresh())
    const finished = [100, 300, null, 199, 200, null]
    for (const [at, finishedMs] of finished.entries()) store().commit(wholeIntent(at, finishedMs))
    const was = contents(store())
    store().forgetBefore(200, 0, 100)
    const gone = ['int_0', 'int_3']
    expect(contents(reopen())).toEqual({
      ...was,
      intents: was.intents.filter(({ intent }) => !gone.includes(intent.id)),
    })
    for (const [at, id] of [[0, 'int_0'] as const, [3, 'int_3'] as const]) {
      expect([store().request(at), store().result(at), store().intent(id)]).toEqual([undefined, undefined, undefined])
      expect([store().tasksOf(id), store().eventsAfter(id, 0, 9)]).toEqual([[], []])
    }
    expect(
      store()
        .intents({ tenant: 'key_a', state: 'done', limit: 9 })
        .map(({ id }) => id),
    ).toEqual(['int_4', 'int_1'])
  })

  test('never forgets what is running, however old', () => {
    const { store } = storeStage(fresh())
    store().commit([newIntent(intentRow('int_1', { createdMs: 0, deadlineMs: 1 }), [taskRow(1, 'int_1')])])
    expect(store().forgetBefore(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 100)).toBe(0)
    expect([...store().openIntents()]).toHaveLength(1)
  })

  test('forgets at most so many at once, the longest finished first, and says when it is through', () => {
    const { store } = storeStage(fresh())
    for (const [at, finishedMs] of [50, 30, 10, 40, 20].entries()) {
      store().commit([newIntent(intentRow(`int_${at}`, { state: 'done', finishedMs }), [taskRow(at, `int_${at}`)])])
    }
    const left = () =>
      store()
        .intents({ tenant: null, limit: 9 })
        .map(({ finishedMs }) => finishedMs)
    expect([store().forgetBefore(45, 0, 3), left()]).toEqual([3, [40, 50]])
    expect([store().forgetBefore(45, 0, 3), left()]).toEqual([1, [50]])
    expect([store().forgetBefore(45, 0, 3), left()]).toEqual([0, [50]])
  })

  test('forgets idempotency rows by their own time, the oldest first', () => {
    const { store } = storeStage(fresh())
    for (const createdMs of [30, 10, 20, 40]) {
      store().commit([{ write: 'idempotency', row: idempotencyRow(`k${createdMs}`, { createdMs }) }])
    }
    const left = () => [10, 20, 30, 40].filter((ms) => store().idempotency('key_a', 'POST /v1/intents', `k${ms}`))
    expect([store().forgetBefore(1_000, 31, 2), left()]).toEqual([2, [30, 40]])
    expect([store().forgetBefore(1_000, 31, 2), left()]).toEqual([1, [40]])
    expect([store().forgetBefore(1_000, 31, 2), left()]).toEqual([0, [40]])
  })

  test('keeps the sums of usage when it forgets the bookings', () => {
    const { store, reopen } = storeStage(fresh())
    store().commit([1, 2, 3].map((task) => ({ write: 'usage', usage: usageRow(task, { atMs: task }) })))
    const was = store().usage(null)
    expect(store().forgetBefore(3, 0, 100)).toBe(2)
    expect(reopen().usage(null)).toEqual(was)
  })
}
