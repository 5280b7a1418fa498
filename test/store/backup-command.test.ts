import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Store } from '../../orchestrator/engine/ports/store.ts'
import { openDataFolder } from '../../orchestrator/store/data-folder.ts'
import { lockCopying } from '../../orchestrator/store/folder-lock.ts'
import { openSqlite } from '../../orchestrator/store/sqlite/open.ts'
import { realSystem } from '../../shared/system.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'
import { event, intentRow, newIntent, settle, taskRow, usageRow } from '../support/store/store-rows.ts'

const command = join(import.meta.dirname, '..', '..', 'orchestrator', 'commands', 'backup.ts')

test('copies the state of one moment while a hub goes on writing, and the copy opens as a store', async () => {
  const dataDir = temporaryFolder()
  const file = join(temporaryFolder(), 'copy.db')
  const store = hub(dataDir)
  for (let at = 0; at < 200; at++) addWhole(store, at)
  const backup = start(dataDir, [file])
  let written = 200
  for (let running = true; running; ) {
    addWhole(store, written++)
    // The command runs in a process of its own; a turn of the loop lets its end be heard.
    running = await Promise.race([backup.exited.then(() => false), new Promise<true>((go) => setImmediate(go, true))])
  }
  expect(await said(backup)).toEqual({ exitCode: 0, stdout: expect.stringMatching(/^Wrote .*\n$/), stderr: '' })
  const copy = opened(file)
  const ids = copy.intents({ tenant: null, limit: 100_000 }).map(({ id }) => id)
  expect(ids.length).toBeGreaterThanOrEqual(200)
  expect(ids.length).toBeLessThanOrEqual(written)
  expect(ids.toReversed()).toEqual(ids.map((_, at) => `int_${at}`))
  expect(copy.usage(null)).toEqual([{ model: 'demo', tasks: ids.length, promptTokens: 0, completionTokens: 0 }])
  for (const at of ids.keys()) expect(copy.result(at)).toEqual(Uint8Array.of(1, 2, 3))
})

test('makes one file that its owner alone may read, of which the hub can be restored', () => {
  const dataDir = temporaryFolder()
  const folder = temporaryFolder()
  const store = hub(dataDir)
  addWhole(store, 0)
  const { stdout, exitCode } = run(dataDir, [join(folder, 'copy.db')])
  expect(exitCode).toBe(0)
  expect(stdout).toContain(`to restore it, stop the hub, remove ${join(dataDir, 'chasm.db')}-wal and`)
  expect(readdirSync(folder)).toEqual(['copy.db'])
  expect(statSync(join(folder, 'copy.db')).mode & 0o777).toBe(0o600)
  addWhole(store, 1)
  store.close()
  writeFileSync(join(dataDir, 'chasm.db'), readFileSync(join(folder, 'copy.db')))
  const restored = hub(dataDir, 'guest')
  expect(restored.intents({ tenant: null, limit: 9 }).map(({ id }) => id)).toEqual(['int_0'])
})

test('never overwrites a file', () => {
  const dataDir = temporaryFolder()
  hub(dataDir)
  const file = join(temporaryFolder(), 'letters.txt')
  writeFileSync(file, 'dear diary')
  const { stdout, stderr, exitCode } = run(dataDir, [file])
  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 })
  expect(stderr).toMatch(/letters\.txt exists already: .*\n$/)
  expect(readFileSync(file, 'utf8')).toBe('dear diary')
})

test('makes nothing where there is nothing', () => {
  const dataDir = join(temporaryFolder(), 'data')
  const file = join(temporaryFolder(), 'copy.db')
  const { stderr, exitCode } = run(dataDir, [file])
  expect(exitCode).toBe(1)
  expect(stderr).toMatch(/^There is nothing to back up: .*chasm\.db does not exist; check DATA_DIR\.\n$/)
  expect([existsSync(dataDir), existsSync(file)]).toEqual([false, false])
})

test('says in a sentence when the place is no place', () => {
  const dataDir = temporaryFolder()
  hub(dataDir)
  const missing = run(dataDir, [join(dataDir, 'none', 'copy.db')])
  expect(missing).toEqual({ exitCode: 1, stdout: '', stderr: expect.stringMatching(/none does not exist: make .*\n$/) })
  const below = run(dataDir, [join(dataDir, 'chasm.db', 'copy.db')])
  expect(below).toEqual({ exitCode: 1, stdout: '', stderr: expect.stringMatching(/\(ENOTDIR\): name a file .*\n$/) })
})

test.each([
  ['nothing', []],
  ['two files', ['a.db', 'b.db']],
  ['an empty name', ['']],
  ['an option', ['--help']],
])('%s is answered with one sentence of usage and exit code 2', (_what, args) => {
  const { stdout, stderr, exitCode } = run(temporaryFolder(), args)
  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 })
  expect(stderr).toMatch(/^Usage: npm run -s backup -- .*\n$/)
})

/** A settled intent with usage, in one batch. */
function addWhole(store: Store, at: number): void {
  const id = `int_${at}`
  store.commit([
    newIntent(intentRow(id), [taskRow(at, id, { state: 'leased' })]),
    settle(at),
    event(id, 1),
    { write: 'usage', usage: usageRow(at, { promptTokens: 0, completionTokens: 0, atMs: at }) },
  ])
}

function hub(dataDir: string, use: 'hub' | 'guest' = 'hub'): Store {
  const folder = openDataFolder(dataDir, use, realSystem())
  if ('flaw' in folder) throw new Error(folder.flaw)
  onTestFinished(folder.close)
  return folder.store
}

function opened(path: string): Store {
  const store = openSqlite(path, { mayCreate: false, checkWhole: true })
  if ('flaw' in store) throw new Error(store.flaw)
  onTestFinished(() => store.close())
  return store
}

function environment(dataDir: string) {
  return { PATH: process.env.PATH, DATA_DIR: dataDir }
}

function start(dataDir: string, args: string[]) {
  const options = { cwd: temporaryFolder(), env: environment(dataDir), stdout: 'pipe', stderr: 'pipe' } as const
  return Bun.spawn([process.execPath, command, ...args], options)
}

async function said(child: ReturnType<typeof start>) {
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  return { exitCode: await child.exited, stdout, stderr }
}

function run(dataDir: string, args: string[]) {
  const options = { cwd: temporaryFolder(), env: environment(dataDir) }
  const { stdout, stderr, exitCode } = Bun.spawnSync([process.execPath, command, ...args], options)
  return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode }
}

test('removes what a copy to the same name left behind when it was killed, and nothing else', () => {
  const dataDir = temporaryFolder()
  const folder = temporaryFolder()
  addWhole(hub(dataDir), 0)
  // No process has this number: it is above what the system gives out.
  const left = ['copy.db.4194999.partial', 'copy.db.4194999.partial-journal']
  const others = [`copy.db.${process.pid}.partial`, 'copy.db.x.partial', 'other.db.4194999.partial']
  for (const name of [...left, ...others]) writeFileSync(join(folder, name), 'x')
  expect(run(dataDir, [join(folder, 'copy.db')])).toMatchObject({ exitCode: 0 })
  expect(readdirSync(folder).sort()).toEqual(['copy.db', ...others].sort())
})

test('leaves nothing under the final name, nor beside it, when it fails', () => {
  const dataDir = temporaryFolder()
  const store = hub(dataDir)
  const folder = temporaryFolder()
  const path = join(folder, 'copy.db')
  // What VACUUM INTO does when the disk fills up: it throws, with a part of the file written.
  mkdirSync(`${path}.${process.pid}.partial`)
  expect(() => store.backup(path)).toThrow()
  expect(existsSync(path)).toBe(false)
})

test('makes one copy at a time', () => {
  const dataDir = temporaryFolder()
  addWhole(hub(dataDir), 0)
  const folder = temporaryFolder()
  const other = lockCopying(dataDir)
  if ('flaw' in other) throw new Error(other.flaw)
  const refused = run(dataDir, [join(folder, 'copy.db')])
  expect(refused).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: `Another copy of ${dataDir} is being made: wait for its end.\n`,
  })
  expect(readdirSync(folder)).toEqual([])
  other.release()
  expect(run(dataDir, [join(folder, 'copy.db')])).toMatchObject({ exitCode: 0, stderr: '' })
})
