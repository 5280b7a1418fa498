/** What owners see of trust grows at midnight alone, or it would tell them which task was an audit. */
import { expect, test } from 'vitest'
import type { AuditedEngine } from '../../orchestrator/engine/ports/trust/witness.ts'
import { memoryStore } from '../../orchestrator/store/memory/store.ts'
import { ModelBook } from '../../orchestrator/trust/desk/model-book.ts'
import { defaultTrustSettings, type TrustParts } from '../../orchestrator/trust/desk/parts.ts'
import { scoutsOf } from '../../orchestrator/trust/desk/report.ts'
import { TrustBook } from '../../orchestrator/trust/desk/trust-book.ts'
import { ManualSystem } from '../support/clocks/manual-system.ts'

const dayMs = 86_400_000
/** An engine that nobody asks for anything here. */
const engine = { markTrust: () => {}, ownersOf: () => 0 } as unknown as AuditedEngine

function stage() {
  const system = new ManualSystem()
  const store = memoryStore()
  const keep: TrustParts['keep'] = (write) => store.commit([write])
  const parts: TrustParts = { system, engine, store, keep, settings: defaultTrustSettings }
  const open = () => new TrustBook(parts, new ModelBook(parts), { isOver: false })
  const seenBy = (book: TrustBook, owner: string | null) => {
    const [row] = scoutsOf(book, owner === null ? {} : { owner }, false, system.wallMs()).scouts
    return [row!.checks, row!.passed, row!.sentences[0]]
  }
  return { system, open, seenBy }
}

test('figures stay as they were at midnight for owners, and are live for administrators', () => {
  const { system, open, seenBy } = stage()
  const book = open()
  book.tick()
  const record = book.of('t/s', 'm', 't')!
  book.book(record, 'pass', system.wallMs())
  expect(seenBy(book, null).slice(0, 2)).toEqual([1, 1])
  expect(seenBy(book, 't')).toEqual([0, 0, '0 of 10 first checks of m passed; it gets work meanwhile.'])
  book.tick()
  expect(seenBy(book, 't')[0]).toBe(0)
  system.pass(dayMs)
  book.tick()
  expect(seenBy(book, 't').slice(0, 2)).toEqual([1, 1])
  book.book(record, 'pass', system.wallMs())
  book.tick()
  expect(seenBy(book, 't')[0]).toBe(1)
  expect(seenBy(book, null)[0]).toBe(2)
})

test('a change of state, which is told at once, brings the figures that it rests on', () => {
  const { system, open, seenBy } = stage()
  const book = open()
  const record = book.of('t/s', 'm', 't')!
  while (record.state === 'new') book.book(record, 'gross', system.wallMs())
  expect(seenBy(book, 't')[0]).toBe(record.checks)
  book.book(record, 'odd', system.wallMs())
  expect(seenBy(book, null)[0]).toBe(record.checks)
  expect(seenBy(book, 't')[0]).toBe(record.checks - (record.state === 'watched' ? 1 : 0))
})

test('a start shows what the store had', () => {
  const { system, open, seenBy } = stage()
  const book = open()
  book.book(book.of('t/s', 'm', 't')!, 'pass', system.wallMs())
  book.flush()
  expect(seenBy(open(), 't')[0]).toBe(1)
})
