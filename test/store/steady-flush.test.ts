/** A copy of the database goes to the disk while it is written, and folds in what of the log waited for it. */
import { Database } from 'bun:sqlite'
import { appendFileSync, existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openSqlite } from '../../orchestrator/store/sqlite/open.ts'
import { Statements } from '../../orchestrator/store/sqlite/statements.ts'
import { sqliteBackup } from '../../orchestrator/store/sqlite/upkeep/backup.ts'
import { SteadyFlush } from '../../orchestrator/store/sqlite/upkeep/steady-flush.ts'
import { copyFlushBytes, foldBytes } from '../../shared/limits/store.ts'
import { ManualSystem } from '../support/clocks/manual-system.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'
import { idempotencyRow } from '../support/store/store-rows.ts'

test('each piece of a file is flushed while more is written, and the rest in the end', async () => {
  const path = join(temporaryFolder(), 'grows')
  writeFileSync(path, '')
  const flush = new SteadyFlush(path)
  for (let piece = 1; piece <= 5; piece++) {
    appendFileSync(path, new Uint8Array(copyFlushBytes))
    // Nothing more is written before this piece is at the disk.
    while (flush.pieces < piece) await new Promise((later) => setImmediate(later))
  }
  appendFileSync(path, 'less than a piece')
  flush.end()
  expect(flush.pieces).toBe(6)
})

test('a flush that fails is told in the end', () => {
  const flush = new SteadyFlush(join(temporaryFolder(), 'not there'))
  expect(() => flush.end()).toThrow(expect.objectContaining({ code: 'ENOENT', syscall: 'fdatasync' }))
})

test('a copy is flushed from its first byte to its last, before it has its name', () => {
  const folder = temporaryFolder()
  const db = new Database(join(folder, 'chasm.db'), { create: true })
  const statements = new Statements(db)
  onTestFinished(() => {
    statements.finalize()
    db.close(true)
  })
  db.run('CREATE TABLE row (text TEXT)')
  const path = join(folder, 'copy.db')
  const seen: { draftBytes: number; isNamed: boolean }[] = []
  const look = () => {
    const draft = readdirSync(folder).find((name) => name.endsWith('.partial'))!
    seen.push({ draftBytes: statSync(join(folder, draft)).size, isNamed: existsSync(path) })
  }
  sqliteBackup(statements, () => {
    look()
    return { end: look }
  })(path)
  expect(seen).toEqual([
    { draftBytes: 0, isNamed: false },
    { draftBytes: statSync(path).size, isNamed: false },
  ])
})

test('what a running hub has written meanwhile is folded in by the copy, and not by a turn of its loop', () => {
  const path = join(temporaryFolder(), 'chasm.db')
  const system = new ManualSystem()
  const store = openSqlite(path, { mayCreate: true, checkWhole: true }, system)
  const guest = openSqlite(path, { mayCreate: false, checkWhole: false })
  if ('flaw' in store || 'flaw' in guest) throw new Error('not opened')
  onTestFinished(() => store.close())
  onTestFinished(() => guest.close())
  const bytes = 8 * foldBytes
  store.commit([{ write: 'idempotency', row: { ...idempotencyRow('large'), answer: new Uint8Array(bytes) } }])
  expect(statSync(path).size).toBeLessThan(bytes)
  guest.backup(`${path}.copy`)
  expect(statSync(path).size).toBeGreaterThan(bytes)
  const folded = statSync(path).mtimeMs
  system.turn()
  expect(statSync(path).mtimeMs).toBe(folded)
})
