import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeKey } from '../../shared/keys/api-key.ts'
import { realSystem } from '../../shared/system.ts'
import { LiveHub } from '../support/hub/live-hub.ts'
import { type Program, startCommand } from '../support/machine/programs.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'
import { keys, TerminalProgram } from '../support/machine/terminal.ts'

const scoutMain = new URL('../../scout/main.ts', import.meta.url).pathname
let hub: LiveHub
beforeAll(() => {
  hub = new LiveHub()
})
afterAll(() => hub.close())

const envIn = (folder: string) => join(folder, '.env')
const readEnv = (folder: string) => readFileSync(envIn(folder), 'utf8')

async function init(folder: string, args: string[], env: Record<string, string> = {}): Promise<Program> {
  const program = startCommand(['init', ...args], folder, env)
  await program.exited
  return program
}

describe('init without a terminal', () => {
  test('names every flag that is missing', async () => {
    const folder = temporaryFolder()
    const all = await init(folder, [])
    expect(await all.exited).toBe(2)
    expect(all.stderr).toMatch(/^There is no terminal to ask at: add --url <url>, --key <key>, --providers <list> /)
    const one = await init(folder, ['--url', hub.url, '--providers', 'demo'])
    expect(one.stderr).toBe('There is no terminal to ask at: add --key <key> to `chasm-scout init`.\n')
    const provider = await init(folder, ['--groq-api-key', 'gsk_1'], { SCOUT_KEY: hub.scoutKey })
    expect(provider.stderr).toMatch(/: add --url <url> to/)
    expect(readdirSync(folder)).toEqual([])
  })

  test('tries everything and writes a file for this user alone, with which start serves', async () => {
    const folder = temporaryFolder()
    const flags = ['--url', hub.url, '--key', hub.scoutKey, '--providers', 'demo', '--name', 'set up', '--model']
    const program = await init(folder, [...flags, 'demo-small'])
    expect(await program.exited, program.stderr).toBe(0)
    expect(program.stdout).toMatch(/^ok {4}Key /m)
    expect(program.stdout).toMatch(
      /Wrote .*\.env, for your eyes only\. Start the scout in this folder: chasm-scout start/,
    )
    expect(program.stdout + program.stderr).not.toContain(hub.scoutKey)
    expect(statSync(envIn(folder)).mode & 0o777).toBe(0o600)
    expect(readEnv(folder)).toContain('SCOUT_NAME="set up"\n')
    const scout = startCommand(['start'], folder)
    await scout.wrote(/Connected as set up, offering 1 model/)
    scout.signal('SIGTERM')
    expect(await scout.exited).toBe(0)
  })

  test('writes nothing when something does not work, unless it is told to', async () => {
    const folder = temporaryFolder()
    const key = makeKey('scout', realSystem().randomBytes)
    const flags = ['--url', hub.url, '--key', key, '--providers', 'vllm', '--vllm-url', 'http://127.0.0.1:1/v1']
    const refused = await init(folder, flags)
    expect(await refused.exited).toBe(1)
    expect(refused.stdout).toMatch(/^fail {2}Key .*does not know the key/m)
    expect(refused.stdout).toMatch(/^fail {2}Provider {4}vllm/m)
    expect(refused.stderr).toMatch(/^Nothing was written: mend what failed above, or add --force/)
    expect(existsSync(envIn(folder))).toBe(false)
    expect(await (await init(folder, [...flags, '--force'])).exited).toBe(0)
    expect(readEnv(folder)).toContain('VLLM_URL=http://127.0.0.1:1/v1\n')
  })

  test('refuses what no value can be, with the sentence of start', async () => {
    const folder = temporaryFolder()
    const program = await init(folder, ['--url', 'hub:1', '--key', hub.clientKey, '--providers', 'demo'])
    expect(await program.exited).toBe(2)
    expect(program.stderr).toMatch(/^ORCHESTRATOR_URL must be an http/m)
    expect(program.stderr).toMatch(/^SCOUT_KEY holds a key of the role client/m)
  })

  test('refuses a value that .env would not give back', async () => {
    const flags = ['--url', hub.url, '--key', hub.scoutKey, '--providers', 'demo', '--name', "a'$HOME"]
    const program = await init(temporaryFolder(), flags)
    expect(await program.exited).toBe(2)
    expect(program.stderr).toMatch(/^SCOUT_NAME holds a quote, a backslash or a \$, which .env cannot carry: set it/)
  })

  test('keeps the other lines of an older file and takes from it what is not said anew', async () => {
    const folder = temporaryFolder()
    const older = `# mine\nORCHESTRATOR_URL=http://127.0.0.1:1\nexport SCOUT_KEY=${hub.scoutKey}\nOTHER="a b"\n`
    writeFileSync(envIn(folder), older, { mode: 0o644 })
    const program = await init(folder, ['--url', hub.url, '--providers', 'demo'])
    expect(await program.exited, program.stdout).toBe(0)
    const lines = readEnv(folder).trimEnd().split('\n')
    expect(lines).toEqual([
      '# mine',
      `ORCHESTRATOR_URL=${hub.url}`,
      `SCOUT_KEY=${hub.scoutKey}`,
      'OTHER="a b"',
      'PROVIDERS=demo',
    ])
    expect(statSync(envIn(folder)).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['.env'])
  })
})

describe('init on a terminal', () => {
  const onTerminal = (folder: string) => new TerminalProgram([process.execPath, scoutMain, 'init'], folder, {})

  test('asks for hub, key and providers, tries them, and writes', async () => {
    const folder = temporaryFolder()
    const terminal = onTerminal(folder)
    await terminal.shows(/Where is the orchestrator\?/)
    terminal.press('hub:80', keys.enter)
    await terminal.shows(/ORCHESTRATOR_URL must be an http/)
    terminal.press(...Array<string>(6).fill('\x7f'), hub.url, keys.enter)
    await terminal.shows(/The key of this scout/)
    terminal.press(hub.clientKey, keys.enter)
    await terminal.shows(/SCOUT_KEY holds a key of the role client/)
    terminal.press(...Array<string>(hub.clientKey.length).fill('\x7f'), hub.scoutKey, keys.enter)
    await terminal.shows(/Which providers answer here\?/)
    terminal.press('\x1b[A', keys.space, keys.enter)
    await terminal.shows(/Wrote .*\.env/)
    expect(await terminal.exited).toBe(0)
    expect(readEnv(folder)).toBe(`ORCHESTRATOR_URL=${hub.url}\nSCOUT_KEY=${hub.scoutKey}\nPROVIDERS=demo\n`)
    expect(terminal.raw).not.toContain(hub.scoutKey)
  })

  test('lets a person mend what does not work, or stop', async () => {
    const folder = temporaryFolder()
    const known = { SCOUT_KEY: hub.scoutKey, ORCHESTRATOR_URL: hub.url, PROVIDERS: 'ollama' }
    const env = { ...known, OLLAMA_URL: 'http://127.0.0.1:1/v1' }
    const terminal = new TerminalProgram([process.execPath, scoutMain, 'init'], folder, env)
    for (let round = 0; round < 2; round++) {
      await terminal.shows(/Where is the orchestrator\?/)
      terminal.press(keys.enter)
      await terminal.shows(/empty: keep the present one/)
      terminal.press(keys.enter)
      await terminal.shows(/Which providers answer here\?/)
      terminal.press(keys.enter)
      await terminal.shows(/URL of Ollama/)
      terminal.press(keys.enter)
      await terminal.shows(/fail {2}Provider[\s\S]*What now\?/)
      terminal.press(...(round === 0 ? [] : [keys.down, keys.down]), keys.enter)
    }
    await terminal.shows(/Nothing was written/)
    expect(await terminal.exited).toBe(1)
    expect(readdirSync(folder)).toEqual([])
  })

  test('lets a person leave, and then writes nothing', async () => {
    const folder = temporaryFolder()
    const terminal = onTerminal(folder)
    await terminal.shows(/Where is the orchestrator\?/)
    terminal.press(keys.ctrlC)
    await terminal.shows(/Nothing was written/)
    expect(await terminal.exited).toBe(1)
    expect(readdirSync(folder)).toEqual([])
  })
})
