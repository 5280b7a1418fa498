/**
 * Appeals against convictions: who may ask, how often, what fresh checks do to the record then, and that a start goes
 * on with an appeal of which its owner was told.
 */
import { describe, expect, test } from 'vitest'
import type { AuditedEngine } from '../../orchestrator/engine/ports/trust/witness.ts'
import { memoryStore } from '../../orchestrator/store/memory/store.ts'
import { AppealDesk } from '../../orchestrator/trust/desk/appeals.ts'
import { ModelBook } from '../../orchestrator/trust/desk/model-book.ts'
import { defaultTrustSettings, type TrustParts } from '../../orchestrator/trust/desk/parts.ts'
import { TrustBook } from '../../orchestrator/trust/desk/trust-book.ts'
import { newRecord, type TrustRecord } from '../../orchestrator/trust/standing/record.ts'
import * as weights from '../../orchestrator/trust/standing/weights.ts'
import { fault } from '../../shared/faults.ts'
import { ManualSystem } from '../support/clocks/manual-system.ts'

const dayMs = 86_400_000
/** An engine that nobody asks for anything here. */
const engine = { markTrust: () => {}, ownersOf: () => 0 } as unknown as AuditedEngine
const own = { scout: 't/s', model: null, owner: 't' }

function stage(store = memoryStore(), system = new ManualSystem()) {
  const keep: TrustParts['keep'] = (write) => store.commit([write])
  const settings = { ...defaultTrustSettings, isEnforced: true }
  const parts: TrustParts = { system, engine, store, keep, settings }
  const book = new TrustBook(parts, new ModelBook(parts), { isOver: false })
  const trouble = { now: false }
  const desk = new AppealDesk({
    ...{ system, book, isEnforced: true },
    promise: async (write) => {
      if (trouble.now) return fault('store_unavailable', 'no')
      store.commit([write])
      return null
    },
    commit: async (write) => store.commit([write]),
  })
  return { store, system, book, desk, trouble }
}

/** Its scout was trusted, and then grossly odd until it was convicted. */
function convicted(on = stage(), model = 'm') {
  const record = on.book.of('t/s', model, 't')!
  Object.assign(record, { state: 'trusted', passed: 20 } satisfies Partial<TrustRecord>)
  for (let times = 0; record.state !== 'convicted'; times++) {
    expect(times).toBeLessThan(99)
    on.book.book(record, 'gross', on.system.wallMs())
  }
  return { ...on, record }
}

describe('an appeal', () => {
  test('that fresh checks bear out ends the conviction, which counts as none', async () => {
    const { desk, book, record, system } = convicted()
    expect(book.needed(record)).toBe(weights.passesNeededAgain)
    expect(await desk.appeal(own)).toMatchObject({ scout: 't/s', state: 'convicted', appeal: 'under_way' })
    expect([...book.doubted()]).toEqual([record])
    for (let at = 0; at < weights.freshChecksMax; at++) {
      expect(record.state).toBe('convicted')
      book.book(record, 'pass', system.wallMs())
    }
    expect(record).toMatchObject({ state: 'watched', doubt: weights.watchedDoubt, convictions: 0, untilMs: 0 })
    expect(record).toMatchObject({ isProven: true, convictedMs: 0, appeal: undefined })
    expect(book.needed(record)).toBe(weights.passesNeeded)
  })

  test('is lost as soon as they show the same again, and the conviction takes its time', async () => {
    const { desk, book, record, system } = convicted()
    const { untilMs } = record
    await desk.appeal(own)
    for (let times = 0; times < 3; times++) book.book(record, 'gross', system.wallMs())
    expect(record).toMatchObject({ state: 'convicted', untilMs, convictions: 1, fresh: 3 })
    const { checks } = record
    book.book(record, 'pass', system.wallMs())
    expect(record.checks).toBe(checks)
    expect(await desk.appeal(own)).toMatchObject({ code: 'appeal_exists' })
    expect([...book.doubted()]).toEqual([])
    system.pass(dayMs)
    book.tick()
    expect(record).toMatchObject({ state: 'new', convictions: 1, appeal: undefined })
  })

  test('counts nothing that was made before it', async () => {
    const { desk, book, record, system } = convicted()
    const beforeMs = system.wallMs()
    system.pass(1_000)
    await desk.appeal(own)
    book.book(record, 'gross', beforeMs)
    expect(record).toMatchObject({ fresh: 0, evidence: 0 })
  })

  test('is taken once while it is under way, and once more after the next conviction', async () => {
    const { desk, book, record, system } = convicted()
    const [first, second] = await Promise.all([desk.appeal(own), desk.appeal(own)])
    expect(first).toMatchObject({ appeal: 'under_way' })
    expect(second).toMatchObject({ code: 'appeal_exists' })
    system.pass(dayMs)
    book.tick()
    expect(await desk.appeal(own)).toMatchObject({ code: 'mismatch' })
    while (record.state !== 'convicted') book.book(record, 'gross', system.wallMs())
    expect(record.convictions).toBe(2)
    expect(await desk.appeal(own)).toMatchObject({ appeal: 'under_way' })
  })

  test('of somebody else is as one of a scout that is not there', async () => {
    const { desk, record } = convicted()
    const foreign = await desk.appeal({ ...own, owner: 'somebody' })
    expect(foreign).toMatchObject({ code: 'not_found' })
    expect(await desk.appeal({ ...own, scout: 't/none' })).toEqual(foreign)
    expect(record.appeal).toBeUndefined()
  })

  test('names the model where several are meant', async () => {
    const on = convicted()
    convicted(on, 'other')
    expect(await on.desk.appeal(own)).toMatchObject({ code: 'invalid_request', param: 'model' })
    expect(await on.desk.appeal({ ...own, model: 'other' })).toMatchObject({ model: 'other', appeal: 'under_way' })
    expect(await on.desk.appeal({ ...own, model: 'none' })).toMatchObject({ code: 'not_found' })
  })

  test('that cannot be written changes nothing', async () => {
    const { desk, record, trouble } = convicted()
    trouble.now = true
    expect(await desk.appeal(own)).toMatchObject({ code: 'store_unavailable' })
    expect(record.appeal).toBeUndefined()
    trouble.now = false
    expect(await desk.appeal(own)).toMatchObject({ appeal: 'under_way' })
  })

  test('goes on after a start, though the hub was killed right after its answer', async () => {
    const { desk, store, system } = convicted()
    await desk.appeal(own)
    const { book } = stage(store, system)
    const record = book.find('t/s', 'm')!
    expect([...book.doubted()]).toEqual([record])
    for (let at = 0; at < weights.freshChecksMax; at++) book.book(record, 'pass', system.wallMs())
    expect(record).toMatchObject({ state: 'watched', convictions: 0, isProven: true })
  })

  test('waits with its end while the brake holds, and is lost when it is released', async () => {
    const { desk, book, record, system } = convicted()
    await desk.appeal(own)
    for (const owner of ['a', 'b', 'c']) {
      const suspect = book.of(`${owner}/s`, 'm', owner)!
      for (let times = 0; times < 2; times++) book.book(suspect, 'gross', system.wallMs())
    }
    for (let times = 0; times < 4; times++) book.book(record, 'gross', system.wallMs())
    expect(record.appeal).toMatchObject({ isLost: false })
    // The conviction lasts as long as the brake: it is held up for longer.
    record.untilMs += dayMs
    system.pass(dayMs)
    book.tick()
    expect(record.appeal).toMatchObject({ isLost: true })
  })
})

test('a record of before appeals were there is newly doubted, and no proven one', async () => {
  const store = memoryStore()
  const system = new ManualSystem()
  const nowMs = system.wallMs()
  const times = { sinceMs: nowMs, convictedMs: nowMs, untilMs: nowMs + dayMs }
  const old: TrustRecord = { ...newRecord('t/s', 'm', 't', nowMs), state: 'convicted', convictions: 1, ...times }
  store.commit([{ write: 'trust', row: { scout: 't/s', model: 'm', bookedMs: nowMs, record: JSON.stringify(old) } }])
  const { desk, book } = stage(store, system)
  await desk.appeal(own)
  const record = book.find('t/s', 'm')!
  for (let at = 0; at < weights.freshChecksMax; at++) book.book(record, 'pass', nowMs)
  expect(record).toMatchObject({ state: 'watched', convictions: 0, convictedMs: 0, isProven: false })
})
