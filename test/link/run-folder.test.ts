/** What is removed of a hub that was killed, and what never is. */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { killed } from '../../bench/fleet/hub-parts.ts'
import { makeRunFolder, noteRunFolder, removeLeftFolder, runFolderOf } from '../../orchestrator/link/run-folder.ts'
import { until } from '../support/clocks/until.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'

/** A folder with two sockets that their process listened at when it was killed. */
async function leftFolder(): Promise<string> {
  const folder = makeRunFolder()
  const paths = ['brain.sock', 'http.sock'].map((name) => join(folder, name))
  const listen = 'Bun.listen({ unix, socket: { data() {} } })'
  const code = `for (const unix of ${JSON.stringify(paths)}) ${listen}; setInterval(() => {}, 1e6)`
  const child = Bun.spawn([process.execPath, '-e', code], { stdio: ['ignore', 'ignore', 'inherit'] })
  onTestFinished(() => child.kill('SIGKILL'))
  await until('the sockets', () => paths.every((path) => existsSync(path)))
  await killed(child.pid)
  return folder
}

test('a folder whose processes are dead goes, and is gone only once', async () => {
  const folder = await leftFolder()
  expect(await Promise.all([removeLeftFolder(folder), removeLeftFolder(folder)])).toContain(true)
  expect(existsSync(folder)).toBe(false)
  expect(await removeLeftFolder(folder)).toBe(false)
})

test('a folder stays in which a process listens, or that is anything else', async () => {
  const heard = await leftFolder()
  const listener = Bun.listen({ unix: join(heard, 'edge-1.sock'), socket: { data() {} } })
  onTestFinished(() => listener.stop(true))
  const foreign = await leftFolder()
  writeFileSync(join(foreign, 'notes.txt'), 'of a person')
  const full = makeRunFolder()
  mkdirSync(join(full, 'folder'))
  const inside = join(temporaryFolder(), 'chasm-hub-x')
  mkdirSync(inside)
  const link = `${makeRunFolder()}-link`
  symlinkSync(temporaryFolder(), link)
  for (const path of [heard, foreign, full, inside, link, '/', '', temporaryFolder()]) {
    expect(await removeLeftFolder(path)).toBe(false)
    if (path !== '') expect(existsSync(path)).toBe(true)
  }
})

test('the next hub on a data folder removes what the last one left, of several processes or of one', async () => {
  const dataDir = temporaryFolder()
  for (const next of [makeRunFolder(), null]) {
    const left = await leftFolder()
    noteRunFolder(dataDir, left)
    noteRunFolder(dataDir, next)
    expect(runFolderOf(dataDir)).toBe(next ?? undefined)
    await until('what was left to be gone', () => !existsSync(left))
  }
})

test('what a killed hub left goes when its last process ends, though the next hub has started before', async () => {
  const dataDir = temporaryFolder()
  const left = await leftFolder()
  const edge = Bun.listen({ unix: join(left, 'edge-1.sock'), socket: { data() {} } })
  onTestFinished(() => edge.stop(true))
  noteRunFolder(dataDir, left)
  noteRunFolder(dataDir, null)
  expect(await removeLeftFolder(left)).toBe(false)
  edge.stop(true)
  await until('what was left to be gone', () => !existsSync(left))
})
