import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'

const command = join(import.meta.dirname, '..', '..', 'orchestrator', 'commands', 'cluster.ts')

/** One operator: a data folder, and a working folder that all of them share. */
function operator(folder: string) {
  const dataDir = temporaryFolder()
  const run = (...args: string[]) => {
    const env = { PATH: process.env.PATH, DATA_DIR: dataDir }
    const child = Bun.spawnSync([process.execPath, command, ...args], { cwd: folder, env })
    return { code: child.exitCode, out: child.stdout.toString(), err: child.stderr.toString() }
  }
  return { dataDir, run, key: () => run('identity').out.trim() }
}

test('a network grows from one hub to three, by files that its operators hand to each other', () => {
  const folder = temporaryFolder()
  const [alpha, beta, gamma] = [operator(folder), operator(folder), operator(folder)]
  const founded = alpha.run('init', 'alpha', 'https://a.example')
  expect(founded).toMatchObject({ code: 0, err: expect.stringContaining('whoever has it is this hub') })
  expect(founded.out).toMatch(/^Network [0-9a-f]{12}, epoch 1: a change needs 1 of 1 signatures\.\n/)
  expect(founded.out).toContain(`\n  alpha  ${alpha.key()}  https://a.example  (this hub)\n`)
  expect(alpha.run('propose', 'add', 'beta', beta.key(), 'https://b.example').out).toContain(
    'epoch 2: a change needs 1 of 2',
  )
  const third = alpha.run('propose', 'add', 'gamma', gamma.key(), 'https://c.example', '--out', 'third.json')
  expect(third.out).toContain('epoch 3: a change needs 2 of 3')
  expect(third.err).toContain('CLUSTER_ROSTER=third.json')
  const verified = beta.run('verify', 'third.json')
  expect(verified).toMatchObject({ code: 0, err: '' })
  expect(verified.out.replaceAll('  (this hub)', '')).toBe(third.out.replaceAll('  (this hub)', ''))
  expect(verified.out).toContain('https://b.example  (this hub)\n')
})

test('a change of three hubs holds once two have signed, and each signs one document of an epoch', () => {
  const { folder, alpha, beta } = trio()
  const proposed = alpha.run('propose', 'remove', 'gamma', '--out', 'without.json')
  expect(proposed.out).toContain('Proposal of epoch 4 in without.json:')
  expect(proposed.err).toBe('1 more of its authorities must sign it: npm run -s cluster -- sign without.json\n')
  expect(alpha.run('verify', 'without.json')).toEqual({
    ...{ code: 1, out: '' },
    err: 'without.json does not hold: epoch 4 has 1 of the 2 signatures that it needs.\n',
  })
  expect(beta.run('show', 'without.json').out).toContain('Proposal of epoch 4, signed by alpha; 1 more must sign.')
  // Another document for the same epoch is what would split the network.
  const again = alpha.run('propose', 'remove', 'beta', '--out', 'other.json')
  expect(again).toMatchObject({ code: 1, err: expect.stringContaining('has signed another document for epoch 4') })
  expect(existsSync(join(folder, 'other.json'))).toBe(false)
  expect(alpha.run('propose', 'remove', 'beta', '--out', 'other.json', '--replace').code).toBe(0)
  expect(beta.run('sign', 'without.json').out).toContain('epoch 4: a change needs 1 of 2 signatures.')
  expect(beta.run('show').out).toContain('epoch 4')
  expect(beta.run('sign', 'other.json').err).toContain('does not follow the roster that holds here')
})

test('who is no authority signs nothing, and a file that was changed is refused by its reason', () => {
  const { folder, gamma, alpha } = trio()
  const stranger = operator(folder)
  expect(stranger.run('sign', 'roster-epoch-3.json')).toMatchObject({
    code: 1,
    err: expect.stringContaining('found a network'),
  })
  alpha.run('propose', 'remove', 'beta', '--out', 'change.json')
  const path = join(folder, 'change.json')
  writeFileSync(path, readFileSync(path, 'utf8').replace('https://a.example', 'https://z.example'))
  expect(gamma.run('verify', 'change.json')).toMatchObject({
    ...{ code: 1, out: '' },
    err: 'change.json does not hold: the signature of alpha under epoch 1 does not fit.\n',
  })
  writeFileSync(path, 'no json')
  expect(gamma.run('sign', 'change.json').err).toBe('change.json is no roster: it is not JSON.\n')
  expect(gamma.run('sign', 'nowhere.json').err).toBe('nowhere.json does not exist.\n')
})

test('the key lies in the data folder for its owner alone, and one that is gone is not made anew', () => {
  const alpha = operator(temporaryFolder())
  const key = join(alpha.dataDir, 'hub.key')
  expect(alpha.run('show').err).toMatch(/^There is no roster at .*roster\.json: found a network/)
  const shown = alpha.key()
  expect(shown).toMatch(/^ed25519:[\w-]{43}$/)
  expect(alpha.key()).toBe(shown)
  expect(statSync(key).mode & 0o777).toBe(0o600)
  alpha.run('init', 'alpha', 'https://a.example')
  chmodSync(key, 0o644)
  expect(alpha.run('identity').err).toBe(`${key} can be read by others than its owner: run chmod 600 ${key}.\n`)
  writeFileSync(key, 'short', { mode: 0o600 })
  chmodSync(key, 0o600)
  expect(alpha.run('identity').err).toBe(`${key} is damaged: restore it from a backup.\n`)
  rmSync(key)
  expect(alpha.run('identity').err).toContain(`${key} is missing, and`)
  expect(alpha.run('init', 'alpha', 'https://a.example').err).toContain('this hub belongs to a network')
})

test('what is wrong with a command is one sentence', () => {
  const alpha = operator(temporaryFolder())
  expect(alpha.run().err).toMatch(/^Usage: npm run -s cluster -- COMMAND\n/)
  expect(alpha.run('propose', 'add', 'beta').code).toBe(2)
  expect(alpha.run('init', 'Alpha', 'https://a.example').err).toMatch(
    /^No network was founded: hubs\.0\.name is wrong: /,
  )
  expect(alpha.run('propose', 'remove', 'beta').err).toContain('found a network with `init NAME URL`')
  alpha.run('init', 'alpha', 'https://a.example')
  expect(alpha.run('propose', 'remove', 'beta').err).toBe('Nothing was proposed: there is no hub beta in epoch 1.\n')
  expect(alpha.run('propose', 'remove', 'x', '--threshold', 'all').err).toBe(
    '--threshold must be a whole number above zero.\n',
  )
})

/** Three hubs that know epoch 3. */
function trio() {
  const folder = temporaryFolder()
  const [alpha, beta, gamma] = [operator(folder), operator(folder), operator(folder)]
  const [keyOfBeta, keyOfGamma] = [beta.key(), gamma.key()]
  alpha.run('init', 'alpha', 'https://a.example')
  alpha.run('propose', 'add', 'beta', keyOfBeta, 'https://b.example')
  alpha.run('propose', 'add', 'gamma', keyOfGamma, 'https://c.example')
  for (const { dataDir } of [beta, gamma]) {
    writeFileSync(join(dataDir, 'roster.json'), readFileSync(join(alpha.dataDir, 'roster.json')))
  }
  return { folder, alpha, beta, gamma }
}
