/** Every line that the Connect page offers does what it says, run as it is shown. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiSnippets, scoutSnippets } from '../../../orchestrator/dashboard/page/pages/snippets.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'

const root = join(import.meta.dirname, '../../..')
const hasPython = Bun.which('python3') !== null && Bun.spawnSync(['python3', '-c', 'import openai']).exitCode === 0
const node = Bun.which('node')
/** What people run JavaScript with. */
const runtimes = [
  ['bun', process.execPath],
  [`node${node === null ? ' (skipped: it is not in PATH)' : ''}`, node],
] as const
/** The demo's answers quote what was asked. */
const answer = /Say hello/

let live: LiveHub
let folder: string
beforeAll(async () => {
  live = new LiveHub()
  await live.addScout({ name: 'ant' })
  // Beside the packages, which the snippets import.
  mkdirSync(join(root, 'node_modules/.cache'), { recursive: true })
  folder = mkdtempSync(join(root, 'node_modules/.cache/snippets-'))
})
afterAll(async () => {
  await live.close()
  rmSync(folder, { recursive: true, force: true })
})

async function run(command: string[], env: Record<string, string> = {}): Promise<{ code: number; said: string }> {
  const child = Bun.spawn(command, {
    cwd: root,
    env: { PATH: process.env.PATH!, ...env },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  return { code: await child.exited, said: out + err }
}

const snippet = (id: string) => apiSnippets(live.url, live.clientKey, 'auto').find((one) => one.id === id)!.text

describe('the lines for apps', () => {
  test('curl', async () => {
    const { code, said } = await run(['sh', '-c', snippet('curl')])
    expect([code, said]).toEqual([0, expect.stringContaining('"chat.completion"')])
    expect(said).toMatch(answer)
  })

  describe.each(runtimes)('with %s', (_name, runtime) => {
    test.skipIf(runtime === null).each(['openai-ts', 'langchain', 'ai-sdk'])('%s', async (id) => {
      const file = join(folder, `${id}.mjs`)
      writeFileSync(file, snippet(id))
      const { code, said } = await run([runtime!, file])
      expect([code, said]).toEqual([0, expect.stringMatching(answer)])
    })
  })

  test.skipIf(!hasPython)(`openai-python${hasPython ? '' : ' (skipped: no package openai for python3)'}`, async () => {
    const file = join(folder, 'ask.py')
    writeFileSync(file, snippet('openai-python'))
    const { code, said } = await run(['python3', file])
    expect([code, said]).toEqual([0, expect.stringMatching(answer)])
  })
})

describe('the lines for scouts', () => {
  test('from source: it connects', async () => {
    const { text } = scoutSnippets(live.url, live.scoutKey, []).find(({ id }) => id === 'source')!
    // The script that npm would run, without npm's own second.
    const direct = text.replace('npm run scout', `exec '${process.execPath}' --no-env-file scout/main.ts`)
    const quiet = { SCOUT_STATE_DIR: join(folder, 'state'), LOG_LEVEL: 'error' }
    const settings = { ...quiet, PROVIDERS: 'demo', SCOUT_NAME: 'bee', SCOUT_CONCURRENCY: '4' }
    const child = Bun.spawn(['sh', '-c', direct], {
      ...{ cwd: root, stdout: 'ignore', stderr: 'inherit' },
      env: { PATH: process.env.PATH!, ...settings },
    })
    try {
      await live.connected('bee', 4)
    } finally {
      child.kill('SIGKILL')
    }
  })

  test('all carry the address and the key, and a local hub is reachable from its container', () => {
    for (const { text } of scoutSnippets('http://127.0.0.1:8080', 'chasm_scout_x', ['linux-x64'])) {
      expect(text).toMatch(/ORCHESTRATOR_URL=http:\/\/127.0.0.1:8080|curl -fsS http:\/\/127.0.0.1:8080\/scout.sh/)
      expect(text).toContain('SCOUT_KEY=chasm_scout_x')
      if (text.startsWith('docker')) expect(text).toContain('--network host')
    }
    expect(scoutSnippets('https://hub.example', 'k', []).map(({ id }) => id)).not.toContain('line')
    expect(scoutSnippets('https://hub.example', 'k', []).find(({ id }) => id === 'docker')!.text).not.toContain(
      '--network',
    )
  })
})
