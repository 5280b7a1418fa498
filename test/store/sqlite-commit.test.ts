import { Database, SQLiteError } from 'bun:sqlite'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Journal } from '../../orchestrator/engine/durability/journal.ts'
import { type Store, StoreError, type StoreWrite } from '../../orchestrator/engine/ports/store.ts'
import { readyConnection } from '../../orchestrator/store/sqlite/connection.ts'
import { openSqlite } from '../../orchestrator/store/sqlite/open.ts'
import { sqliteStore } from '../../orchestrator/store/sqlite/store.ts'
import { type TransactionSteps, transact } from '../../orchestrator/store/sqlite/transaction.ts'
import { journalRetryMs, storeBusyMs } from '../../shared/limits/store.ts'
import { ManualSystem } from '../support/clocks/manual-system.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'
import { contents, event, intentRow, newIntent, outcome, settle, taskRow } from '../support/store/store-rows.ts'
import { tinyDisk } from '../support/store/tiny-disk.ts'

const asHub = { mayCreate: true, checkWhole: true }

/** A store together with its connection, so that a test can take away what it needs. */
function openedWith(path: string): { store: Store; db: Database } {
  const db = new Database(path, { create: true })
  expect(readyConnection(db, path)).toBeNull()
  const store = sqliteStore(db, null)
  onTestFinished(() => store.close())
  return { store, db }
}

/** An intent with one large request, larger than the others together. */
function large(id: string, task: number, bytes = 40_000): StoreWrite[] {
  return [
    { write: 'intent', intent: intentRow('small'.concat(id)), tasks: [], requests: [] },
    { ...newIntent(intentRow(id), [taskRow(task, id)]), requests: [new Uint8Array(bytes).fill(task)] },
    event(id, 1),
  ]
}

describe('a full disk', () => {
  test('refuses a batch whole, lets reads go on, and takes the same batch once there is space', () => {
    const { store, db } = openedWith(join(temporaryFolder(), 'chasm.db'))
    store.commit(large('first', 1))
    const was = contents(store)
    db.run('PRAGMA max_page_count = 1')
    for (let time = 0; time < 3; time++) expect(outcome(store, large('second', 2))).toBe('full')
    expect(contents(store)).toEqual(was)
    db.run('PRAGMA max_page_count = 1000000')
    expect(outcome(store, large('second', 2))).toBe('committed')
    expect(store.request(2)).toEqual(new Uint8Array(40_000).fill(2))
  })

  test('refuses what does not fit and still takes what does', () => {
    const { store, db } = openedWith(join(temporaryFolder(), 'chasm.db'))
    store.commit([newIntent(intentRow('int_1'), [taskRow(1, 'int_1', { state: 'leased' })])])
    db.run('PRAGMA max_page_count = 1')
    expect(() => store.commit([settle(1, { result: new Uint8Array(100_000) })])).toThrow(StoreError)
    expect(outcome(store, [settle(1)])).toBe('committed')
  })

  test.skipIf(tinyDisk.missing)('that is real stops commits with `full` and heals without a restart', () => {
    const folder = tinyDisk.mount(2)
    const path = join(folder, 'chasm.db')
    const { store } = openedWith(path)
    store.commit(large('first', 1))
    const ballast = join(folder, 'ballast')
    fill(ballast)
    const was = contents(store)
    for (let time = 0; time < 3; time++) expect(outcome(store, large('second', 2))).toBe('full')
    expect(contents(store)).toEqual(was)
    rmSync(ballast)
    expect(outcome(store, large('second', 2))).toBe('committed')
    store.close()
    expect(contents(reopened(path)).intents.map(({ intent }) => intent.id)).toEqual([
      'second',
      'smallsecond',
      'first',
      'smallfirst',
    ])
  })

  test.skipIf(tinyDisk.missing)('that is real leaves no half of a backup behind', () => {
    const folder = tinyDisk.mount(1)
    const { store } = openedWith(join(temporaryFolder(), 'chasm.db'))
    store.commit(large('first', 1, 2_000_000))
    expect(() => store.backup(join(folder, 'copy.db'))).toThrow(expect.objectContaining({ trouble: 'full' }))
    expect(existsSync(join(folder, 'copy.db'))).toBe(false)
    writeFileSync(join(folder, 'as much as before'), new Uint8Array(900_000))
  })
})

/** Writes until nothing more fits. */
function fill(path: string): void {
  for (let part = 1 << 20; part >= 1; part >>= 1) {
    try {
      for (;;) writeFileSync(path, new Uint8Array(part), { flag: 'a' })
    } catch {}
  }
}

function reopened(path: string): Store {
  const store = openSqlite(path, asHub)
  if ('flaw' in store) throw new Error(store.flaw)
  onTestFinished(() => store.close())
  return store
}

describe('another writer', () => {
  test('that holds the file is waited for while the hub starts, and only for a moment once it runs', () => {
    const path = join(temporaryFolder(), 'chasm.db')
    const { store, db } = openedWith(path)
    const patienceMs = () => db.query('PRAGMA busy_timeout').values()[0]![0]
    expect(patienceMs()).toBe(5_000)
    const other = new Database(path)
    onTestFinished(() => other.close())
    store.nextEpoch()
    expect(patienceMs()).toBe(storeBusyMs)
    other.run('BEGIN IMMEDIATE')
    const system = new ManualSystem()
    const told: string[] = []
    const journal = new Journal(store, system, (isTroubled) => told.push(isTroubled ? 'troubled' : 'recovered'))
    journal.add(large('first', 1), () => told.push('committed'))
    system.pass(0)
    expect([journal.trouble, told]).toEqual(['busy', ['troubled']])
    other.run('ROLLBACK')
    system.pass(journalRetryMs)
    expect([journal.trouble, told]).toEqual([null, ['troubled', 'committed', 'recovered']])
  })

  test('that holds the file makes a commit `busy`, and nothing of it stays', () => {
    const path = join(temporaryFolder(), 'chasm.db')
    const { store, db } = openedWith(path)
    const other = openedWith(path)
    db.run('PRAGMA busy_timeout = 0')
    other.db.run('BEGIN IMMEDIATE')
    expect(outcome(store, large('first', 1))).toBe('busy')
    expect(store.intents({ tenant: null, limit: 9 })).toEqual([])
    other.db.run('ROLLBACK')
    expect(outcome(store, large('first', 1))).toBe('committed')
    expect(other.store.intent('first')).toEqual(intentRow('first'))
  })
})

describe('an error that no batch has to do with', () => {
  test('is passed on as it came, and takes the batch back', () => {
    const { store } = openedWith(join(temporaryFolder(), 'chasm.db'))
    const broken = { ...event('first', 1), write: 'dance' } as unknown as StoreWrite
    expect(() => store.commit([...large('first', 1), broken])).toThrow(TypeError)
    expect(store.intent('first')).toBeUndefined()
    expect(outcome(store, large('first', 1))).toBe('committed')
  })
})

describe('when COMMIT itself fails', () => {
  /** Steps whose commit raises this error; says which steps were made. */
  function failing(code: string, open: boolean, overwrites: boolean) {
    const made: string[] = []
    let isOpen = false
    const raise = (code: string): never => {
      throw Object.assign(Object.create(SQLiteError.prototype), { name: 'SQLiteError', code, message: 'it went wrong' })
    }
    const steps: TransactionSteps = {
      begin() {
        made.push('begin')
        isOpen = true
      },
      commit() {
        made.push('commit')
        isOpen = open
        raise(code)
      },
      rollback() {
        made.push('rollback')
        isOpen = false
      },
      isOpen: () => isOpen,
      count: () => 0,
      counted: () => {},
      overwrite() {
        made.push('overwrite')
        if (!overwrites) raise('SQLITE_IOERR_WRITE')
      },
    }
    return { steps, made }
  }

  test.each([
    ['leaves the transaction open', 'SQLITE_BUSY', true, true, 'busy', 'rollback'],
    ['filled the disk', 'SQLITE_FULL', false, false, 'full', 'commit'],
    ['could not flush, but the next commit does', 'SQLITE_IOERR_FSYNC', false, true, 'io', 'overwrite'],
    ['could not flush, nor could the next', 'SQLITE_IOERR_FSYNC', false, false, 'unknown', 'overwrite'],
    ['could not grow the index of the log', 'SQLITE_IOERR_SHMSIZE', false, false, 'unknown', 'overwrite'],
  ])('because it %s, that is told apart', (_what, code, open, overwrites, trouble, lastStep) => {
    const { steps, made } = failing(code, open, overwrites)
    expect(() => transact(steps, () => {})).toThrow(expect.objectContaining({ name: 'StoreError', trouble }))
    expect(made.at(-1)).toBe(lastStep)
    expect(steps.isOpen()).toBe(false)
  })
})

describe('a process killed in the middle of committing', () => {
  test('has lost nothing that it had been told is committed, and left no half of a batch', async () => {
    const folder = temporaryFolder()
    for (let round = 0; round < 3; round++) {
      const path = join(folder, `chasm-${round}.db`)
      const acknowledged = await committedBeforeKill(path, 40 + round * 25)
      const store = reopened(path)
      const kept = store.intents({ tenant: null, limit: 100_000 }).map(({ id }) => id)
      expect(acknowledged.length).toBeGreaterThan(0)
      expect(acknowledged.filter((id) => !kept.includes(id))).toEqual([])
      for (const id of kept) {
        expect(store.tasksOf(id)).toMatchObject([{ state: 'done' }, { state: 'ready' }])
        expect(store.eventsAfter(id, 0, 9)).toHaveLength(1)
      }
    }
  })
})

/** Has a process commit intents one after the other, kills it after so many, and says which ones it had reported. */
async function committedBeforeKill(path: string, count: number): Promise<string[]> {
  const script = `
    import { openSqlite } from './orchestrator/store/sqlite/open.ts'
    import { event, intentRow, newIntent, settle, taskRow } from './test/support/store/store-rows.ts'
    import { writeSync } from 'node:fs'
    const store = openSqlite(${JSON.stringify(path)}, { mayCreate: true, checkWhole: true })
    for (let at = 0; ; at++) {
      const id = 'int_' + at
      const tasks = [taskRow(at * 2, id, { state: 'leased' }), taskRow(at * 2 + 1, id, { state: 'blocked' })]
      const unblock = { write: 'unblock', task: at * 2 + 1 }
      store.commit([newIntent(intentRow(id), tasks), settle(at * 2), unblock, event(id, 1)])
      writeSync(1, id + '\\n')
    }
  `
  const root = join(import.meta.dirname, '..', '..')
  const child = Bun.spawn([process.execPath, '--eval', script], { cwd: root, stdout: 'pipe', stderr: 'inherit' })
  onTestFinished(() => child.kill('SIGKILL'))
  let said = ''
  for await (const part of child.stdout) {
    said += new TextDecoder().decode(part)
    if (said.split('\n').length > count) child.kill('SIGKILL')
  }
  await child.exited
  return said.split('\n').slice(0, -1)
}
