import { expect, test } from 'vitest'
import { Journal, type Refusal } from '../../../orchestrator/engine/durability/journal.ts'
import { StoreError, type StoreTrouble, type StoreWrite } from '../../../orchestrator/engine/ports/store.ts'
import { memoryStore } from '../../../orchestrator/store/memory/store.ts'
import { journalBytesMax, journalRetryMs, journalRowsMax, usageBacklogMax } from '../../../shared/limits/store.ts'
import { ManualSystem } from '../../support/clocks/manual-system.ts'
import { idempotencyRow, intentRow, newIntent, settle, taskRow, usageRow } from '../../support/store/store-rows.ts'

/** A journal on a store that does what the test says, and everything that came of it in one list. */
function bench() {
  const system = new ManualSystem()
  const told: string[] = []
  const bench = {
    system,
    told,
    /** What every commit meets; null commits. */
    trouble: null as StoreTrouble | null,
    commits: [] as number[],
    journal: null as unknown as Journal,
    /** A turn of the loop. */
    turn: () => system.pass(0),
    add: (name: string, rows = 1) => bench.journal.add(marks(name, rows), () => told.push(name)),
    promise(name: string, rows = 1) {
      const refuse = (trouble: Refusal) => told.push(`${name} refused: ${trouble}`)
      bench.journal.promise(marks(name, rows), () => told.push(name), refuse)
    },
  }
  const store = memoryStore()
  const commit = (writes: readonly StoreWrite[]) => {
    if (bench.trouble !== null) throw new StoreError(bench.trouble, 'as the test says')
    store.commit(writes)
    bench.commits.push(writes.length)
    for (const write of writes) if (write.write === 'idempotency') told.push(`row ${write.row.key}`)
  }
  bench.journal = new Journal({ ...store, commit }, system)
  return bench
}

/** Rows that can be written any number of times; the first bears the name. */
function marks(name: string, rows: number): StoreWrite[] {
  return Array.from({ length: rows }, (_, at) => ({
    write: 'idempotency',
    row: idempotencyRow(at === 0 ? name : `${name}.${at}`),
  }))
}

test('what is added in one turn is committed in one transaction, in order, and only then followed up', () => {
  const { add, promise, turn, told, commits, journal } = bench()
  add('a')
  promise('b')
  add('c', 0)
  expect(told).toEqual([])
  expect(journal.busy).toBe(true)
  turn()
  expect(told).toEqual(['row a', 'row b', 'a', 'b', 'c'])
  expect(commits).toEqual([2])
  expect(journal.busy).toBe(false)
})

test('what has nothing to write still waits for what was added before it, and costs no transaction alone', () => {
  const { add, turn, told, commits } = bench()
  add('only order', 0)
  turn()
  expect([told, commits]).toEqual([['only order'], []])
})

test('rows that nobody waits for are written in order with those of entries: of one row the later write wins', () => {
  const { journal, add, turn, told, commits } = bench()
  const lazily = (name: string) => journal.lazily(marks(name, 1)[0]!)
  lazily('a')
  add('b')
  lazily('c')
  add('d')
  lazily('e')
  turn()
  expect(told).toEqual(['row a', 'row b', 'row c', 'row d', 'row e', 'b', 'd'])
  expect(commits).toEqual([5])
})

test('nor does an entry overtake them when there are more than fit into one transaction', () => {
  const { journal, add, turn, told, commits } = bench()
  for (let at = 0; at < journalRowsMax + 1; at++) journal.lazily(marks('lazy', 1)[0]!)
  add('entry')
  journal.lazily(marks('late', 1)[0]!)
  turn()
  expect(told.slice(-4)).toEqual(['row lazy', 'row entry', 'row late', 'entry'])
  expect(commits).toEqual([journalRowsMax, 3])
})

test('an entry added by a follow-up is committed in a later transaction', () => {
  const { journal, add, turn, told, commits } = bench()
  journal.add(marks('first', 1), () => add('second'))
  turn()
  expect(told).toEqual(['row first', 'row second', 'second'])
  expect(commits).toEqual([1, 1])
})

test('the journal is busy until every follow-up of a transaction has run, so that nothing overtakes one', () => {
  const { journal, turn } = bench()
  const busy: boolean[] = []
  journal.add(marks('a', 1), () => busy.push(journal.busy))
  journal.add(marks('b', 1), () => busy.push(journal.busy))
  turn()
  expect([busy, journal.busy]).toEqual([[true, true], false])
})

test('a transaction takes no more rows than the limit, but an entry is never split', () => {
  const { add, turn, commits, told } = bench()
  add('a', journalRowsMax - 1)
  add('b', 1)
  add('c', 1)
  add('huge', journalRowsMax * 2)
  add('d', 1)
  turn()
  expect(commits).toEqual([journalRowsMax, 1, journalRowsMax * 2, 1])
  expect(told.filter((name) => !name.startsWith('row'))).toEqual(['a', 'b', 'c', 'huge', 'd'])
})

test('an intent counts the rows of its tasks and of their requests', () => {
  const { journal, turn, commits } = bench()
  const tasksEach = Math.floor(journalRowsMax / 5)
  for (let at = 0; at < 6; at++) {
    const id = `intent-${at}`
    const tasks = Array.from({ length: tasksEach }, (_, task) => taskRow(at * journalRowsMax + task + 1, id))
    journal.add([newIntent(intentRow(id), tasks)], () => {})
  }
  turn()
  expect(commits).toEqual([2, 2, 2])
})

test.each(['full', 'busy', 'io', 'unknown'] as const)(
  'a store that is %s refuses new promises, keeps old ones, and serves all again by itself',
  (trouble) => {
    const stage = bench()
    const { add, promise, turn, told, journal, system } = stage
    stage.trouble = trouble
    add('old')
    promise('new')
    turn()
    expect(told).toEqual([`new refused: ${trouble}`])
    promise('newer')
    expect(told).toEqual([`new refused: ${trouble}`, `newer refused: ${trouble}`])
    expect([journal.trouble, journal.busy]).toEqual([trouble, true])
    add('also old')
    turn()
    system.pass(journalRetryMs)
    expect(told).toHaveLength(2)
    stage.trouble = null
    system.pass(journalRetryMs)
    expect(told.slice(2)).toEqual(['row old', 'row also old', 'old', 'also old'])
    expect(journal.trouble).toBeNull()
    promise('newest')
    turn()
    expect(told.slice(6)).toEqual(['row newest', 'newest'])
  },
)

test('a store that refused only promises is tried again by the next one after a while', () => {
  const stage = bench()
  const { promise, turn, told, system } = stage
  stage.trouble = 'full'
  promise('a')
  turn()
  system.pass(journalRetryMs)
  promise('b')
  turn()
  expect(told).toEqual(['a refused: full', 'b refused: full'])
  stage.trouble = null
  system.pass(journalRetryMs)
  promise('c')
  turn()
  expect(told.slice(2)).toEqual(['row c', 'c'])
  expect(system.pending).toBe(0)
})

test('a write whose condition does not hold is a defect: it is thrown, and nothing that rests on it is done', () => {
  const { journal, turn, told } = bench()
  journal.add([settle(1)], () => told.push('followed up'))
  expect(turn).toThrow(/fenced|leased|unknown|exist/)
  expect(told).toEqual([])
  expect(() => journal.flush()).toThrow()
})

test('an error that is none of the store is thrown', () => {
  const system = new ManualSystem()
  const commit = () => {
    throw new TypeError('a defect')
  }
  const journal = new Journal({ ...memoryStore(), commit }, system)
  journal.add(marks('a', 1), () => {})
  expect(() => system.pass(0)).toThrow('a defect')
})

test('rows nobody waits for go along with the next transaction, and up to a limit wait out the trouble', () => {
  const stage = bench()
  const { journal, system, turn, add, commits } = stage
  const book = (task: number) => journal.lazily({ write: 'usage', usage: usageRow(task) })
  book(1)
  add('a')
  turn()
  expect([commits, journal.busy]).toEqual([[2], false])
  stage.trouble = 'full'
  for (let task = 2; task < usageBacklogMax + 5; task++) book(task)
  turn()
  expect([journal.dropped, journal.trouble]).toEqual([3, 'full'])
  stage.trouble = null
  system.pass(journalRetryMs)
  expect(commits.slice(1).reduce((sum, rows) => sum + rows, 0)).toBe(usageBacklogMax)
  expect(Math.max(...commits)).toBeLessThanOrEqual(journalRowsMax)
})

test('a flush commits everything at once, also what follow-ups add, and gives up on a store in trouble', () => {
  const stage = bench()
  const { journal, add, told } = stage
  journal.add(marks('a', 1), () => add('b'))
  journal.lazily({ write: 'usage', usage: usageRow(1) })
  journal.flush()
  expect(told).toEqual(['row a', 'row b', 'b'])
  stage.trouble = 'io'
  add('c')
  journal.flush()
  expect([journal.busy, told.length]).toEqual([true, 3])
})

test('large results that gathered in one turn go into several transactions, each of a few', () => {
  const { journal, system, commits, told } = bench()
  const answer = new Uint8Array(journalBytesMax / 2)
  for (let at = 0; at < 5; at++) {
    const row = { ...idempotencyRow(`large ${at}`), answer }
    journal.add([{ write: 'idempotency', row }], () => told.push(`${at}`))
  }
  const each: number[] = []
  while (system.turn()) each.push(commits.length)
  expect(commits).toEqual([2, 2, 1])
  expect(each.slice(0, 3)).toEqual([1, 2, 3])
  expect(told.filter((one) => one.length === 1)).toEqual(['0', '1', '2', '3', '4'])
})

test('behind a commit that took long the loop is left to others for as long', () => {
  const system = new ManualSystem()
  const tookMs = 8
  const told: string[] = []
  const commit = () => system.stand(tookMs)
  const journal = new Journal({ ...memoryStore(), commit }, system)
  const add = (name: string) => journal.add(marks(name, 1), () => told.push(name))
  add('a')
  system.turn()
  expect(told).toEqual(['a'])
  add('b')
  while (system.turn());
  expect(told).toEqual(['a'])
  system.pass(tookMs - 1)
  expect(told).toEqual(['a'])
  add('c')
  system.pass(1)
  expect(told).toEqual(['a', 'b', 'c'])
})
