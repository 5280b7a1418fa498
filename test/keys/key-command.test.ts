import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Keyring } from '../../orchestrator/engine/keyring.ts'
import { openDataFolder } from '../../orchestrator/store/data-folder.ts'
import { keyRoles, parseKey } from '../../shared/keys/api-key.ts'
import { accountKeysMax } from '../../shared/limits/keys.ts'
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
  ['a name for the list', ['list', 'client']],
  ['an option that there is not', ['client', '--colour', 'red']],
])('%s is answered with the usage and exit code 2', (_what, args) => {
  const dataDir = temporaryFolder()
  const { stdout, stderr, exitCode } = run(dataDir, args)
  expect(exitCode).toBe(2)
  expect(stdout).toBe('')
  expect(stderr).toContain('Usage: npm run -s key -- COMMAND\n')
})

test.each([
  ['a name with a line break', ['client', 'a\nb'], '`name`'],
  ['a name with a terminal escape', ['client', 'a\u001b[2Jb'], '`name`'],
  ['an empty name', ['client', ''], '`name`'],
  ['a name that is too long', ['client', 'x'.repeat(65)], '`name`'],
  ['a route that there is not', ['client', '--routes', 'chats'], '`scopes.routes[0]`'],
  ['an end in the past', ['client', '--expires', '2001-01-01'], '`expires`'],
  ['an account that there is not', ['client', '--account', 'acc_none'], 'none of this hub'],
  ['a limit that is no number', ['limits', 'key_none', '--tokens-per-minute', 'many'], 'no key key_none'],
  ['a key that there is not', ['revoke', 'key_none'], 'no key key_none'],
  ['a mode that there is not', ['settings', '--signup', 'maybe'], '`signup`'],
  ['an address that is none', ['account', 'Ada', '--address', '0x12'], '`address`'],
])('%s is refused with one sentence and exit code 1', (_what, args, part) => {
  const { stdout, stderr, exitCode } = run(temporaryFolder(), args)
  expect([stdout, exitCode]).toEqual(['', 1])
  expect(stderr.trimEnd().split('\n')).toEqual([expect.stringContaining(part)])
})

test('does what the routes of administrators do: terms, secrets, accounts, links, settings, audit', () => {
  const dataDir = temporaryFolder()
  const done = (...args: string[]) => {
    const { stdout, stderr, exitCode } = run(dataDir, args)
    expect([args, exitCode, exitCode === 0 ? '' : stderr]).toEqual([args, 0, ''])
    return stdout
  }
  const account = /^acc_\w+/.exec(done('account', 'Ada', '--role', 'member', '--budget', '5usd/day'))![0]
  const key = done('client', 'app', '--account', account, '--models', 'llama*', '--expires', '30d').trimEnd()
  expect(verify(dataDir, key)).toMatchObject({
    ...{ ok: true, tenant: account, scopes: { models: ['llama*'], routes: null } },
    accountLimits: { budgets: [{ unit: 'micro_dollars', per: 'day', amount: 5_000_000 }] },
  })
  expect(done('list')).toMatch(new RegExp(`^key_\\w+ {2}client .* app {2}of Ada \\(${account}\\) `, 'm'))
  const id = done('list')
    .split('\n')
    .find((line) => line.includes('app'))!
    .split(' ')[0]!
  done('limits', id, '--tokens-per-minute', '100')
  done('limits', id, '--requests-per-minute', '7', '--budget', '1000tokens/week')
  done('scopes', id, '--audit', 'no')
  done('scopes', id, '--routes', 'chat,intents')
  expect(verify(dataDir, key)).toMatchObject({
    scopes: { models: ['llama*'], routes: ['chat', 'intents'], audit: false },
    limits: { tokensPerMinute: 100, requestsPerMinute: 7, budgets: [{ unit: 'tokens', per: 'week', amount: 1000 }] },
  })
  done('limits', id, '--tokens-per-minute', 'none', '--budget', 'none')
  done('scopes', id, '--models', 'all', '--audit', 'yes')
  expect(verify(dataDir, key)).not.toHaveProperty('scopes.audit')
  expect(verify(dataDir, key)).toMatchObject({
    scopes: { models: null },
    limits: { tokensPerMinute: null, budgets: [] },
  })
  const fresh = done('regenerate', id).trimEnd()
  expect([verify(dataDir, key).ok, verify(dataDir, fresh).ok]).toEqual([false, true])
  done('account', account, '--state', 'suspended')
  expect(verify(dataDir, fresh).ok).toBe(false)
  done('account', account, '--state', 'active')
  done('revoke', id)
  expect(verify(dataDir, fresh).ok).toBe(false)
  expect(done('settings')).toBe('signup  off\n')
  expect(done('settings', '--signup', 'open')).toBe('signup  open\n')
  expect(done('login')).toMatch(/^http:\/\/127\.0\.0\.1:8080\/#login=[\w-]{43}\n$/)
  expect(done('accounts')).toMatch(/^acc_\w+ {2}admin {3}active .* operator\nacc_\w+ {2}member {2}active .* Ada .*\n$/)
  const audit = done('audit', '--subject', id)
  expect(
    audit
      .trimEnd()
      .split('\n')
      .map((line) => line.split('  ')[3]),
  ).toEqual([
    ...['key.revoked', 'key.regenerated', 'key.changed', 'key.changed', 'key.changed', 'key.changed', 'key.changed'],
    ...['key.changed', 'key.made'],
  ])
  expect(audit).toContain('console')
})

test('refuses a key for an account that has as many as it may', () => {
  const dataDir = temporaryFolder()
  const account = /^acc_\w+/.exec(run(dataDir, ['account', 'Ada']).stdout)![0]
  const folder = openDataFolder(dataDir, 'guest', realSystem())
  if ('flaw' in folder) throw new Error(folder.flaw)
  const keyring = new Keyring(folder.store, folder.pepper, realSystem())
  while (keyring.ownerFlaw(account) === null) keyring.issue('client', 'one more', { account })
  expect(folder.store.keysOfAccount(account)).toHaveLength(accountKeysMax)
  folder.close()
  const { stdout, stderr, exitCode } = run(dataDir, ['client', 'app', '--account', account])
  expect([stdout, stderr.trimEnd(), exitCode]).toEqual([
    '',
    'This account has as many keys as one may have: revoke one first.',
    1,
  ])
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

function verify(dataDir: string, key: string) {
  const system = realSystem()
  const folder = openDataFolder(dataDir, 'guest', system)
  if ('flaw' in folder) throw new Error(folder.flaw)
  const check = new Keyring(folder.store, folder.pepper, system).verify(key)
  folder.close()
  return check
}
