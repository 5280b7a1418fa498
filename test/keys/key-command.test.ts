import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Keyring } from '../../orchestrator/engine/keyring.ts'
import { openDataFolder } from '../../orchestrator/store/data-folder.ts'
import { type KeyRole, keyRoles, parseKey } from '../../shared/api-key.ts'
import { realSystem } from '../../shared/system.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'

const command = join(import.meta.dirname, '..', '..', 'orchestrator', 'commands', 'key.ts')

test('prints a working key of each role on standard output alone, with a hint beside it', () => {
  const dataDir = temporaryFolder()
  const keys = keyRoles.map((role) => {
    const { stdout, stderr, exitCode } = run(dataDir, [role])
    expect(exitCode).toBe(0)
    expect(stdout.endsWith('\n')).toBe(true)
    expect(parseKey(stdout.trimEnd())).toEqual({ role })
    expect(stderr).not.toContain(stdout.trimEnd())
    expect(stderr).toContain('shown this once')
    return { role, key: stdout.trimEnd() }
  })
  for (const { role, key } of keys) expect(verify(dataDir, key)).toMatchObject({ ok: true, role, name: role })
})

test('adds a key while a hub holds the folder, and the hub accepts it at once', () => {
  const dataDir = temporaryFolder()
  const system = realSystem()
  const hub = openDataFolder(dataDir, 'hub', system)
  if ('flaw' in hub) throw new Error(hub.flaw)
  const keyring = new Keyring(hub.store, hub.pepper, system)
  const { stdout } = run(dataDir, ['scout', 'the box under the desk'])
  expect(keyring.verify(stdout.trimEnd())).toMatchObject({ ok: true, name: 'the box under the desk' })
  hub.close()
})

test('six at once make a new folder together, and every key works', async () => {
  const dataDir = temporaryFolder()
  const makers = Array.from({ length: 6 }, () =>
    Bun.spawn([process.execPath, command, 'client'], { cwd: dataDir, env: environment(dataDir), stderr: 'pipe' }),
  )
  const ends = await Promise.all(
    makers.map(async (maker) => ({
      key: (await new Response(maker.stdout).text()).trimEnd(),
      hint: await new Response(maker.stderr).text(),
    })),
  )
  for (const { key, hint } of ends) {
    expect(hint).toContain('shown this once')
    expect(verify(dataDir, key).ok).toBe(true)
  }
})

test('lists what is there, oldest first, and no key', () => {
  const dataDir = temporaryFolder()
  const key = run(dataDir, ['client', 'first']).stdout.trimEnd()
  run(dataDir, ['scout', 'second'])
  const { stdout, stderr, exitCode } = run(dataDir, ['list'])
  expect(exitCode).toBe(0)
  expect(stderr).toBe('')
  expect(stdout).toMatch(/^key_\w+ {2}client .* first\nkey_\w+ {2}scout .* second\n$/)
  expect(stdout).not.toContain(key)
})

test.each([
  ['nothing', []],
  ['an unknown role', ['owner']],
  ['too many words', ['client', 'my', 'laptop']],
  ['a name with a line break', ['client', 'a\nb']],
  ['a name with a terminal escape', ['client', 'a\u001b[2Jb']],
  ['an empty name', ['client', '']],
  ['a name that is too long', ['client', 'x'.repeat(65)]],
  ['a name for the list', ['list', 'client']],
])('%s is answered with one sentence of usage and exit code 2', (_what, args) => {
  const dataDir = temporaryFolder()
  const { stdout, stderr, exitCode } = run(dataDir, args)
  expect(exitCode).toBe(2)
  expect(stdout).toBe('')
  expect(stderr).toMatch(/^Usage: npm run -s key -- .*\n$/)
})

test('a wrong variable and an unusable folder are said in a sentence, exit code 1', () => {
  const wrong = run(temporaryFolder(), ['client'], { PORT: 'eighty' })
  expect(wrong).toEqual({ exitCode: 1, stdout: '', stderr: expect.stringMatching(/^PORT must be .*\n$/) })
  const unusable = run(join(command, 'below-a-file'), ['client'])
  expect(unusable).toEqual({ exitCode: 1, stdout: '', stderr: expect.stringMatching(/^.*set DATA_DIR to .*\n$/) })
})

function run(dataDir: string, args: string[], env: Record<string, string> = {}) {
  const { stdout, stderr, exitCode } = Bun.spawnSync([process.execPath, command, ...args], {
    cwd: temporaryFolder(),
    env: { ...environment(dataDir), ...env },
  })
  return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode }
}

function environment(dataDir: string) {
  return { PATH: process.env.PATH, DATA_DIR: dataDir }
}

function verify(dataDir: string, key: string): { ok: boolean; role?: KeyRole } {
  const system = realSystem()
  const folder = openDataFolder(dataDir, 'guest', system)
  if ('flaw' in folder) throw new Error(folder.flaw)
  const check = new Keyring(folder.store, folder.pepper, system).verify(key)
  folder.close()
  return check
}
