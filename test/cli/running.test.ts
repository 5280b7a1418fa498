import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { until } from '../support/clocks/until.ts'
import { LiveHub } from '../support/hub/live-hub.ts'
import { Program, startCommand } from '../support/machine/programs.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'
import { heldService } from '../support/providers/held-service.ts'

let hub: LiveHub
beforeAll(() => {
  hub = new LiveHub()
})
afterAll(() => hub.close())

async function serving(folder: string, name: string, env: Record<string, string> = {}): Promise<Program> {
  const known = { ORCHESTRATOR_URL: hub.url, SCOUT_KEY: hub.scoutKey, SCOUT_NAME: name, PROVIDERS: 'demo' }
  const program = startCommand(['start'], folder, { ...known, DEMO_FIRST_TOKEN_MS: '0', ...env })
  await program.wrote(/Connected as/)
  return program
}

async function command(args: string[], folder: string): Promise<Program & { code: number }> {
  const program = startCommand(args, folder)
  return Object.assign(program, { code: await program.exited })
}

describe('status', () => {
  test('tells how the running scout is, for people and for programs', async () => {
    const folder = temporaryFolder()
    await serving(folder, 'one', { DEMO_MODELS: 'small-one,large-one' })
    const ask = { model: 'small-one', messages: [{ role: 'user', content: 'hello' }] }
    expect((await hub.post('/v1/chat/completions', ask)).status).toBe(200)
    const told = await command(['status'], folder)
    expect(told.code).toBe(0)
    expect(told.stdout).toMatch(/^Scout {7}one, running for \d+ s$/m)
    expect(told.stdout).toMatch(/^Connection {2}connected for \d+ s$/m)
    expect(told.stdout).toMatch(/^Offers {6}small-one \(demo\), large-one \(demo\)$/m)
    expect(told.stdout).toMatch(/^In flight {3}0 of 4$/m)
    expect(told.stdout).toMatch(/^Tasks {7}1 done, 0 failed$/m)
    expect(told.stdout).toMatch(/^Tokens {6}\d+ read, 64 written$/m)
    expect(told.stdout).toMatch(/^Standing {4}/m)
    const status = JSON.parse((await command(['status', '--json'], folder)).stdout)
    expect(status).toMatchObject({ name: 'one', phase: 'ready', inFlight: 0, outcomes: { done: 1 } })
    expect(JSON.stringify(status)).not.toContain(hub.scoutKey)
  })

  test('tells of no scout where none runs, and of several where several do', async () => {
    const folder = temporaryFolder()
    const none = await command(['status'], folder)
    expect(none).toMatchObject({ code: 1, stdout: '' })
    expect(none.stderr).toMatch(/^No scout of this user runs here .*: start one with `chasm-scout start`/)
    await Promise.all([serving(folder, 'a'), serving(folder, 'b')])
    const both = await command(['status'], folder)
    expect(both.stdout.match(/^Scout .*$/gm)).toHaveLength(2)
    expect((await command(['status', '--name', 'a'], folder)).stdout).not.toMatch(/^Scout {7}b/m)
    const other = await command(['status', '--name', 'c'], folder)
    expect(other).toMatchObject({ code: 1, stderr: expect.stringMatching(/^No scout called c runs here: there is /) })
    const unclear = await command(['drain'], folder)
    expect(unclear).toMatchObject({ code: 1, stderr: expect.stringMatching(/^2 scouts run here .*--name/) })
  })

  test('of a scout whose hub is away says why and what to do', async () => {
    const folder = temporaryFolder()
    const env = { ORCHESTRATOR_URL: 'http://127.0.0.1:1', SCOUT_KEY: hub.scoutKey, PROVIDERS: 'demo' }
    const program = startCommand([], folder, env)
    await program.wrote(/Not connected/)
    const { code, stdout } = await command(['status'], folder)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Connection {2}(none: nothing listens at this address; start the orchestrator|dialing)/m)
  })

  test('removes what a killed scout has left, and tells it from one that hangs', async () => {
    const folder = temporaryFolder()
    const state = join(folder, 'state')
    const scout = await serving(folder, 'killed')
    scout.signal('SIGKILL')
    await scout.exited
    expect(readdirSync(state)).toHaveLength(1)
    const [left] = readdirSync(state)
    expect((await command(['status'], folder)).code).toBe(1)
    expect(readdirSync(state)).toEqual([])
    writeFileSync(join(state, left!), '')
    const next = await serving(folder, 'next')
    await until('the next scout to tidy up', () => !existsSync(join(state, left!)))
    next.signal('SIGTERM')
    await next.exited
    const hanging = createServer(() => {}).listen(join(state, 'hangs.sock'))
    onTestFinished(() => void hanging.close())
    const { code, stderr } = await command(['status'], folder)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^1 scout\(s\) hold a socket in .* but do not answer: end and restart them/)
    expect(readdirSync(state)).toEqual(['hangs.sock'])
  })
})

describe('drain', () => {
  const ask = { model: 'm', stream: true, messages: [{ role: 'user', content: 'go' }] }

  /** A scout in the middle of an answer, which ends when the service goes on. */
  async function busy(folder: string, name: string) {
    const service = heldService()
    const scout = await serving(folder, name, service.env)
    service.hold(1)
    const response = await hub.post('/v1/chat/completions', ask)
    return { scout, service, text: response.text() }
  }

  test('lets the work in flight end, and tells when the scout is gone', async () => {
    const folder = temporaryFolder()
    const { scout, service, text } = await busy(folder, 'leaving')
    const drain = startCommand(['drain'], folder)
    await drain.wrote(/finishes/)
    service.goOn()
    expect(await drain.exited).toBe(0)
    expect(drain.stdout).toBe('leaving drains: 1 task finishes.\nleaving has ended.\n')
    expect(await text).toContain('data: [DONE]')
    expect(await scout.exited).toBe(0)
    expect(readdirSync(join(folder, 'state'))).toEqual([])
  })

  test('follows a SIGHUP, and the work in flight ends', async () => {
    const { scout, service, text } = await busy(temporaryFolder(), 'hung-up')
    scout.signal('SIGHUP')
    await scout.wrote(/Draining: received SIGHUP/)
    service.goOn()
    expect(await text).toContain('data: [DONE]')
    expect(await scout.exited).toBe(0)
  })

  test('does not follow a SIGHUP that nohup has it ignore', async () => {
    const folder = temporaryFolder()
    const env = { ORCHESTRATOR_URL: hub.url, SCOUT_KEY: hub.scoutKey, SCOUT_NAME: 'stays', PROVIDERS: 'demo' }
    const main = new URL('../../scout/main.ts', import.meta.url).pathname
    const ignoring = ['sh', '-c', `trap '' HUP; exec ${process.execPath} ${main}`]
    const scout = new Program(ignoring, folder, { ...env, SCOUT_STATE_DIR: join(folder, 'state') })
    await scout.wrote(/Connected as stays/)
    scout.signal('SIGHUP')
    scout.signal('SIGTERM')
    expect(await scout.exited).toBe(0)
    expect(scout.stdout).toMatch(/Draining: received SIGTERM/)
  })

  test('ends a scout that still waits for its first models', async () => {
    const folder = temporaryFolder()
    const env = { SCOUT_KEY: hub.scoutKey, PROVIDERS: 'vllm', VLLM_URL: 'http://127.0.0.1:1/v1' }
    const scout = startCommand([], folder, env)
    await scout.wrote(/No provider offers a model yet/)
    expect((await command(['drain'], folder)).code).toBe(0)
    expect(await scout.exited).toBe(0)
  })
})

describe('the state folder', () => {
  test('is for its user alone, and so is the socket in it', async () => {
    const folder = temporaryFolder()
    await serving(folder, '../../etc/passwd')
    const state = join(folder, 'state')
    const [name, ...more] = readdirSync(state)
    expect(more).toEqual([])
    expect(name).toMatch(/^[0-9a-f]{16}\.sock$/)
    expect(statSync(state).mode & 0o777).toBe(0o700)
    expect(statSync(join(state, name!)).mode & 0o777).toBe(0o600)
  })

  test('that is open to others is not used, and the scout serves all the same', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'open'), { mode: 0o755 })
    const scout = await serving(folder, 'open', { SCOUT_STATE_DIR: join(folder, 'open') })
    expect(scout.stdout).toMatch(/will not find this scout: .* is open to other users: run `chmod 700/)
    expect(readdirSync(join(folder, 'open'))).toEqual([])
  })

  test('that cannot be made is no reason to stay away', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'file'), '')
    const scout = await serving(folder, 'homeless', { SCOUT_STATE_DIR: join(folder, 'file', 'state') })
    expect(scout.stdout).toMatch(/will not find this scout: .* cannot be used \(ENOTDIR\): set SCOUT_STATE_DIR/)
  })

  test.each(['nonsense\n', 'x'.repeat(4_096)])('cuts off who says %j', async (words) => {
    const folder = temporaryFolder()
    const scout = await serving(folder, 'asked')
    const [name] = readdirSync(join(folder, 'state'))
    const socket = connect(join(folder, 'state', name!))
    let heard = ''
    socket.on('data', (bytes) => {
      heard += bytes
    })
    const closed = new Promise((resolve) => socket.on('close', resolve))
    socket.on('error', () => {})
    socket.write(words)
    await closed
    expect(heard).toBe('')
    expect(existsSync(join(folder, 'state', name!))).toBe(true)
    scout.signal('SIGTERM')
    expect(await scout.exited).toBe(0)
  })
})
