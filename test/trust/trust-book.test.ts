/**
 * The records of trust and their rows: what changes many times between two looks is written once, nothing is lost when
 * the hub stops, and a start finds what was written.
 */
import { expect, test } from 'vitest'
import type { TrustWrite } from '../../orchestrator/engine/ports/trust/trust-store.ts'
import type { AuditedEngine } from '../../orchestrator/engine/ports/trust/witness.ts'
import { memoryStore } from '../../orchestrator/store/memory/store.ts'
import { ModelBook } from '../../orchestrator/trust/desk/model-book.ts'
import { defaultTrustSettings, type TrustParts } from '../../orchestrator/trust/desk/parts.ts'
import { Seats } from '../../orchestrator/trust/desk/seats.ts'
import { TrustBook } from '../../orchestrator/trust/desk/trust-book.ts'
import { passesNeeded, probationMs } from '../../orchestrator/trust/standing/weights.ts'
import { TrustDesk } from '../../orchestrator/trust/trust-desk.ts'
import { trustRowsPerTick } from '../../shared/limits/trust/audits.ts'
import { ManualSystem } from '../support/clocks/manual-system.ts'

/** An engine that nobody asks for anything here. */
const engine = { markTrust: () => {}, ownersOf: () => new Map() } as unknown as AuditedEngine

function partsOf(store = memoryStore()) {
  const writes: TrustWrite[] = []
  const keep = (write: TrustWrite, then?: () => void) => {
    writes.push(write)
    store.commit([write])
    then?.()
  }
  const system = new ManualSystem()
  const parts: TrustParts = { system, engine, store, keep, settings: defaultTrustSettings }
  return { parts, writes, system, store }
}

const bookOf = (parts: TrustParts) => new TrustBook(parts, new ModelBook(parts), { isOver: false })

test('a record that changes often between two looks is one row, and none while nothing changes', () => {
  const { parts, writes } = partsOf()
  const book = bookOf(parts)
  const record = book.of('t/s', 'm', 't')!
  for (let time = 0; time < 500; time++) book.book(record, 'pass', 0)
  expect(writes).toHaveLength(0)
  book.tick()
  expect(writes).toHaveLength(1)
  book.tick()
  expect(writes).toHaveLength(1)
})

test('a scout is written once something was found out about it, with the time of its first answer', () => {
  const { parts, writes, system } = partsOf()
  const book = bookOf(parts)
  const record = book.of('t/s', 'm', 't')!
  const { firstMs } = record
  book.tick()
  expect(writes).toHaveLength(0)
  system.stand(5_000)
  book.book(record, 'pass', 0)
  book.tick()
  expect(writes).toMatchObject([
    { row: { scout: 't/s', model: 'm', record: expect.stringContaining(`"firstMs":${firstMs},`) } },
  ])
})

test('a look writes no more than its bound, and the next ones write the rest', () => {
  const { parts, writes } = partsOf()
  const book = bookOf(parts)
  for (let at = 0; at < trustRowsPerTick + 5; at++) book.book(book.of(`t/s${at}`, 'm', 't')!, 'pass', 0)
  book.tick()
  expect(writes).toHaveLength(trustRowsPerTick)
  book.tick()
  expect(writes).toHaveLength(trustRowsPerTick + 5)
})

test('what changed since the last look is written when the desk stops, and found by the next start', () => {
  const { parts, store } = partsOf()
  const desk = new TrustDesk(parts)
  desk.start()
  const record = desk.book.of('t/s', 'm', 't')!
  for (let time = 0; time < 3; time++) desk.book.book(record, 'pass', 0)
  desk.stop()
  const found = bookOf(partsOf(store).parts).find('t/s', 'm')
  expect(found).toEqual(record)
  expect(found?.passed).toBe(3)
})

test('a scout has one seat for each of its models, in whatever order they are asked for', () => {
  const seats = new Seats(bookOf(partsOf().parts))
  const made = ['a', 'b', 'c'].map((model) => seats.of('t/s', model)!)
  const other = seats.of('t/other', 'b')
  expect(made.map(({ record }) => record.model)).toEqual(['a', 'b', 'c'])
  expect(['b', 'c', 'a'].map((model) => made.indexOf(seats.of('t/s', model)!))).toEqual([1, 2, 0])
  expect([seats.of('t/other', 'b'), other?.record.scout]).toEqual([other, 't/other'])
})

test('a newcomer that has its passes is trusted as soon as its day is over and somebody looks', () => {
  const { parts, system } = partsOf()
  const book = bookOf(parts)
  const record = book.of('t/s', 'm', 't')!
  for (let pass = 0; pass < passesNeeded - 1; pass++) book.book(record, 'pass', 0)
  system.pass(probationMs)
  book.look(record)
  expect(record.state).toBe('new')
  record.passed++
  book.look(record)
  expect(record.state).toBe('trusted')
})
