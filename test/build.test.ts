import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { scoutSnippets } from '../orchestrator/dashboard/page/pages/snippets.ts'
import { ScoutBuilds } from '../orchestrator/dashboard/scout-builds.ts'
import { scoutPlatforms } from '../shared/scouts/platforms.ts'
import { realSystem } from '../shared/system.ts'
import { LiveHub } from './support/hub/live-hub.ts'
import { documentedNames } from './support/law/tidy-rules.ts'
import { Program } from './support/machine/programs.ts'
import { temporaryFolder } from './support/machine/temporary-folder.ts'

const root = join(import.meta.dirname, '..')
/** This machine's, if executables are handed out for it. */
const platform = scoutPlatforms.find((one) => one === `${process.platform}-${process.arch}`)
const executable = join(root, 'dist/chasm-scout')
const bundle = join(root, 'dist/scout/executable.js')

async function build(...products: string[]): Promise<Program> {
  const program = new Program([process.execPath, join(root, 'scout/build.ts'), ...products], root, {})
  await program.exited
  return program
}

const read = (path: string): string => readFileSync(join(root, path), 'utf8')

describe('what is handed out', () => {
  // In a test a program would be killed at its end; here nothing is left to kill.
  beforeAll(() => {
    const products = ['bundle', 'here', ...(platform === undefined ? [] : [platform])]
    const built = Bun.spawnSync([process.execPath, join(root, 'scout/build.ts'), ...products], { stderr: 'pipe' })
    expect([built.exitCode, built.stderr.toString()]).toEqual([0, ''])
  })

  test.each([
    ['the executable', [executable]],
    ['the bundle', [process.execPath, bundle]],
  ])('%s becomes a scout without the compiler, serves and drains', async (_what, command) => {
    const hub = new LiveHub()
    const folder = temporaryFolder()
    const env = {
      ORCHESTRATOR_URL: hub.url,
      SCOUT_KEY: hub.scoutKey,
      PROVIDERS: 'demo',
      SCOUT_STATE_DIR: join(folder, 's'),
    }
    const scout = new Program(command, folder, env)
    await scout.wrote(/"msg":"Connected as/)
    expect(readFileSync(`/proc/${scout.pid}/environ`, 'utf8')).toContain('BUN_JSC_useJIT=0')
    const response = await fetch(`${hub.baseURL}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${hub.clientKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'demo-small', stream: true, messages: [{ role: 'user', content: 'hello' }] }),
    })
    expect(await response.text()).toContain('data: [DONE]')
    const status = new Program([...command, 'status'], folder, env)
    expect([await status.exited, status.stdout]).toEqual([0, expect.stringContaining('connected')])
    scout.signal('SIGTERM')
    expect(await scout.exited).toBe(0)
    await hub.close()
  })

  const skipped = platform === undefined ? ' (skipped: none is built for this platform)' : ''
  test.skipIf(skipped !== '')(`one line fetches it from a hub that has it, and it serves${skipped}`, async () => {
    const hub = new LiveHub({ builds: new ScoutBuilds(realSystem(), join(root, 'dist')) })
    const home = temporaryFolder()
    const line = scoutSnippets(hub.url, hub.scoutKey, [platform!]).find(({ id }) => id === 'line')!
    const settings = { PROVIDERS: 'demo', SCOUT_NAME: 'fetched', SCOUT_CONCURRENCY: '4', LOG_LEVEL: 'error' }
    const child = Bun.spawn(['sh', '-c', line.text], {
      ...{ cwd: home, stdin: 'ignore', stdout: 'ignore', stderr: 'pipe', detached: true },
      env: { PATH: process.env.PATH!, HOME: home, SCOUT_STATE_DIR: join(home, 'state'), ...settings },
    })
    try {
      await hub.connected('fetched', 4)
      const kept = readFileSync(join(home, '.local/share/chasm/chasm-scout'))
      expect(kept.equals(readFileSync(`${executable}-${platform}`))).toBe(true)
      const body = { model: 'demo-small', stream: true, messages: [{ role: 'user', content: 'hello' }] }
      expect(await (await hub.post('/v1/chat/completions', body)).text()).toContain('data: [DONE]')
    } finally {
      // The scout is a grandchild; it drains.
      process.kill(-child.pid, 'SIGTERM')
    }
    expect(await new Response(child.stderr).text()).toContain(`Fetching the scout for ${platform}`)
    await hub.close()
  })

  test('an option that the environment sets is left alone', async () => {
    const program = new Program([executable, '--version'], temporaryFolder(), { BUN_JSC_useJIT: '1' })
    expect([await program.exited, program.stdout]).toEqual([0, expect.stringMatching(/^\S*\d+\.\d+\.\d+/)])
  })

  test('a wrong setting ends the executable with a sentence and code 2', async () => {
    const program = new Program([executable], temporaryFolder(), { SCOUT_KEY: 'chasm_scout_wrong' })
    expect(await program.exited).toBe(2)
    expect(program.stderr).toMatch(/^SCOUT_KEY cannot be used/)
  })

  test('what cannot be built is named', async () => {
    const program = await build('windows-x64')
    expect([await program.exited, program.stderr]).toEqual([2, expect.stringContaining('There is no windows-x64')])
  })
})

describe.each(['docs/run-a-scout.md', 'docs/run-an-orchestrator.md'])('%s', (path) => {
  const text = read(path)

  test('names scripts, files and variables that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const named = [...text.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(([, name]) => name!)
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([])
    const files = [...text.matchAll(/(?:docs|dist)\/[\w./-]+|Dockerfile\.\w+|compose\.yaml/g)].map(([file]) => file)
    expect(files.filter((file) => !file.startsWith('dist/') && !existsSync(join(root, file)))).toEqual([])
    const known = documentedNames(read('.env.example'))
    const variables = [...text.matchAll(/\b([A-Z]+(?:_[A-Z]+)+)(?==|`)/g)].map(([, name]) => name!)
    expect(variables.filter((name) => !known.has(name) && !name.startsWith('BUN_'))).toEqual([])
  })

  test('names commands that the scout knows', async () => {
    const help = new Program([process.execPath, join(root, 'scout/main.ts'), '--help'], temporaryFolder(), {})
    await help.exited
    const named = [...text.matchAll(/(?:exec scout |\.\/|`)chasm-scout (\w+)/g)].map(([, name]) => name!)
    expect(named.filter((name) => !help.stdout.includes(`  ${name}`))).toEqual([])
  })
})
