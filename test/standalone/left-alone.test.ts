/** Processes whose starter was killed, and addresses on which nobody can listen: each ends by itself and says why. */
import { expect, test } from 'vitest'
import { isBelowNpm, watchParent } from '../../orchestrator/process-end.ts'
import { parentLookMs } from '../../shared/limits/process.ts'
import { ManualSystem } from '../support/clocks/manual-system.ts'
import { Program, start } from '../support/machine/programs.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'

const root = new URL('../../', import.meta.url).pathname

/** A program below a shell that stands where npm would. */
function belowNpm(script: string, env: Record<string, string>): Program {
  const folder = temporaryFolder()
  const command = ['sh', '-c', `"${process.execPath}" "${root}${script}"; true`]
  return new Program(command, folder, { DATA_DIR: `${folder}/data`, PORT: '0', npm_lifecycle_event: 'start', ...env })
}

test('npm start ends with all its processes when npm alone is killed', async () => {
  const program = belowNpm('orchestrator/supervisor.ts', { PROVIDERS: 'demo', SCOUT_STATE_DIR: temporaryFolder() })
  await program.wrote(/Chasm is running/)
  program.signal('SIGKILL')
  // Its output ends with the last process that holds it.
  await program.exited
  expect(program.stderr).toContain('Stopping')
})

test('an orchestrator below npm drains when npm alone is killed', async () => {
  const program = belowNpm('orchestrator/main.ts', { LOG_LEVEL: 'info' })
  await program.wrote(/listening/)
  program.signal('SIGKILL')
  await program.exited
  expect(program.stderr).toContain('stopping: taking no new work')
})

test('a parent that is gone is noticed within two looks, once, and only then', () => {
  const system = new ManualSystem()
  let parent = 7
  let gone = 0
  watchParent({ system, parent, parentOf: () => parent, onGone: () => gone++ })
  system.pass(60_000)
  expect(gone).toBe(0)
  parent = 1
  system.pass(2 * parentLookMs)
  expect(gone).toBe(1)
  system.pass(60_000)
  expect([gone, system.pending]).toEqual([1, 0])
  expect([isBelowNpm({}), isBelowNpm({ npm_lifecycle_event: 'start' })]).toEqual([false, true])
})

test('a parent that was gone before the first look is noticed, too', () => {
  const system = new ManualSystem()
  let gone = 0
  watchParent({ system, parent: 7, parentOf: () => 1, onGone: () => gone++ })
  system.pass(parentLookMs)
  expect(gone).toBe(1)
})

test.each([
  ['nosuch.invalid', 'HOST=nosuch.invalid is no address of this machine'],
  ['203.0.113.7', 'HOST=203.0.113.7 is no address of this machine'],
])('HOST=%s is not called a taken port', async (host, sentence) => {
  const folder = temporaryFolder()
  const program = start('orchestrator/main.ts', folder, { DATA_DIR: `${folder}/data`, HOST: host, PORT: '0' })
  expect(await program.exited).toBe(1)
  expect(program.stderr).toContain(sentence)
})

test('a hub on every network without a proxy warns that keys cross it in clear', async () => {
  const folder = temporaryFolder()
  const env = { DATA_DIR: `${folder}/data`, HOST: '0.0.0.0', PORT: '0', LOG_LEVEL: 'info' }
  const open = start('orchestrator/main.ts', folder, env)
  await open.wrote(/listening/)
  await open.wrote(/keys and prompts cross the network in clear/)
  open.signal('SIGTERM')
  await open.exited
  const other = temporaryFolder()
  const covered = start('orchestrator/main.ts', other, {
    ...env,
    DATA_DIR: `${other}/data`,
    TRUSTED_PROXIES: '127.0.0.1',
  })
  await covered.wrote(/listening/)
  covered.signal('SIGTERM')
  await covered.exited
  expect(covered.stderr).not.toContain('in clear')
})
