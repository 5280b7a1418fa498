import { Database } from 'bun:sqlite'
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Store } from '../../orchestrator/engine/ports/store.ts'
import { migrations } from '../../orchestrator/store/sqlite/migrations.ts'
import { openSqlite } from '../../orchestrator/store/sqlite/open.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'
import { newKey } from '../support/store/store-rows.ts'

const asHub = { mayCreate: true, checkWhole: true }

describe('a database that cannot be used is refused with one sentence and left as it was', () => {
  const damages: { name: string; damage: (path: string) => void; says: RegExp }[] = [
    { name: 'random bytes', damage: (path) => writeFileSync(path, noise(8192)), says: /is damaged .* restore it/ },
    { name: 'a few words', damage: (path) => writeFileSync(path, 'hello'), says: /is damaged .* restore it/ },
    { name: 'a cut page', damage: (path) => truncateSync(path, 4096 + 100), says: /is damaged .* restore it/ },
    { name: 'a missing page', damage: (path) => truncateSync(path, 8192), says: /is damaged .* restore it/ },
    {
      name: 'one overwritten page',
      damage: (path) => {
        const bytes = readFileSync(path)
        bytes.set(noise(4096), bytes.length - 4096)
        writeFileSync(path, bytes)
      },
      says: /is damaged .* restore it/,
    },
    {
      name: 'a newer schema',
      damage: (path) => alter(path, `PRAGMA user_version = ${migrations.length + 1}`),
      says: /The data folder was written by a newer version .* update this program/,
    },
    {
      name: "another program's mark",
      damage: (path) => alter(path, 'PRAGMA application_id = 42'),
      says: /is a database of another program: set DATA_DIR/,
    },
  ]

  test.each(damages)('$name', ({ damage, says }) => {
    const path = filled()
    damage(path)
    const before = readFileSync(path)
    const result = openSqlite(path, asHub)
    expect(result).toEqual({ flaw: expect.stringMatching(says) })
    expect(sentences(result)).toBe(1)
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  test('an unmarked database with tables of its own', () => {
    const path = join(temporaryFolder(), 'chasm.db')
    alter(path, 'CREATE TABLE diary (entry TEXT)')
    const before = readFileSync(path)
    expect(openSqlite(path, asHub)).toEqual({ flaw: expect.stringContaining('another program') })
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  test('one that vanished or was emptied, where there should be one', () => {
    const path = join(temporaryFolder(), 'chasm.db')
    const asUsed = { mayCreate: false, checkWhole: true }
    expect(openSqlite(path, asUsed)).toEqual({ flaw: expect.stringContaining('missing or empty') })
    expect(existsSync(path)).toBe(false)
    writeFileSync(path, '')
    expect(openSqlite(path, asUsed)).toEqual({ flaw: expect.stringContaining('missing or empty') })
    expect(readFileSync(path).length).toBe(0)
  })

  test('a folder in its place', () => {
    expect(openSqlite(temporaryFolder(), asHub)).toEqual({ flaw: expect.stringContaining('cannot be opened') })
  })
})

test('closing leaves one whole file, with nothing waiting beside it', () => {
  const folder = temporaryFolder()
  const store = opened(join(folder, 'chasm.db'))
  store.nextEpoch()
  store.close()
  expect(readdirSync(folder)).toEqual(['chasm.db'])
})

test('a second connection sees what the first has just written', () => {
  const path = join(temporaryFolder(), 'chasm.db')
  const hub = opened(path)
  const guest = opened(path)
  expect([hub.nextEpoch(), guest.nextEpoch(), hub.nextEpoch()]).toEqual([1, 2, 3])
  guest.close()
  hub.close()
})

/** A database with a few hundred keys, so that its tables and indexes fill several pages. */
function filled(): string {
  const path = join(temporaryFolder(), 'chasm.db')
  const store = opened(path)
  for (let n = 0; n < 200; n++) {
    const digest = `${n}`.padStart(64, '0')
    store.commit([newKey(`k${n}`, { digest, createdMs: n })])
  }
  store.close()
  return path
}

function opened(path: string): Store {
  const store = openSqlite(path, asHub)
  if ('flaw' in store) throw new Error(store.flaw)
  return store
}

function alter(path: string, sql: string): void {
  const db = new Database(path, { create: true })
  db.run(sql)
  db.close(true)
}

/** Bytes that look random and are the same in every run. */
function noise(count: number): Uint8Array {
  let state = 1
  return Uint8Array.from({ length: count }, () => {
    state = (state * 48271) % 0x7fffffff
    return state & 0xff
  })
}

function sentences(result: object): number {
  return String('flaw' in result ? result.flaw : '').match(/\.( |$)/g)?.length ?? 0
}
