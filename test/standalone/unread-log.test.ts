/**
 * A log that nobody reads: the process goes on, says later how much was lost, and ends when it is told to. The hub's
 * goes to standard error, the scout's to standard output.
 */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { LiveHub } from '../support/hub/live-hub.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'

const root = join(import.meta.dirname, '..', '..')
const lines = 20_000
const system = `(await import('${join(root, 'shared/system.ts')}')).realSystem()`

type Side = 'hub' | 'scout'
const logs: Record<Side, string> = {
  hub: `(await import('${join(root, 'orchestrator/log.ts')}')).createLog('info')`,
  scout: `(await import('${join(root, 'scout/log.ts')}')).openLog('info', ${system})`,
}

/** Logs far more than a pipe and the backlog hold, reports it on the other stream, and goes on once its input ends. */
function programOf(side: Side): string {
  return `
    const log = ${logs[side]}
    for (let line = 0; line < ${lines}; line++) log.info({ line, text: 'x'.repeat(200) }, 'many')
    require('node:fs').writeSync(${side === 'hub' ? 1 : 2}, 'logged')
    await Bun.stdin.text()
    while (true) {
      await Bun.sleep(20)
      log.info({}, 'still here')
      if (await Bun.file(process.argv[1]).exists()) break
    }
    log.error({}, 'the end')
    process.exit(70)
  `
}

function start(side: Side) {
  const stop = join(process.env.TMPDIR ?? '/tmp', `unread-${crypto.randomUUID()}`)
  const child = Bun.spawn([process.execPath, '-e', programOf(side), stop], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await Bun.file(stop).delete()
  })
  const [log, said] = side === 'hub' ? [child.stderr, child.stdout] : [child.stdout, child.stderr]
  return { child, stop, log, said }
}

test.each(['hub', 'scout'] as const)(
  'of a %s does not hold it up; what was dropped is counted, the last words are not lost',
  async (side) => {
    const { child, stop, log, said } = start(side)
    const { value } = await said.getReader().read()
    expect(Buffer.from(value!).toString()).toBe('logged')
    child.stdin.end()
    let text = ''
    let told = false
    for await (const piece of log as ReadableStream<Uint8Array>) {
      text += Buffer.from(piece).toString()
      if (!told && text.includes('"dropped"')) {
        told = true
        await Bun.write(stop, '')
      }
    }
    expect(await child.exited).toBe(70)
    const logged = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { msg: string; dropped?: number })
    const dropped = logged.reduce((sum, line) => sum + (line.dropped ?? 0), 0)
    const many = logged.filter(({ msg }) => msg === 'many').length
    const later = logged.filter(({ msg }) => msg === 'still here').length
    expect(dropped).toBeGreaterThan(0)
    expect(many + dropped).toBeGreaterThanOrEqual(lines)
    expect(many + dropped).toBeLessThanOrEqual(lines + later + 1_000)
    expect(logged.at(-1)!.msg).toBe('the end')
  },
)

test.each(['hub', 'scout'] as const)('of a %s whose reader has left is not written to any more', async (side) => {
  const { child, stop, log, said } = start(side)
  await (log as ReadableStream<Uint8Array>).cancel()
  const { value } = await said.getReader().read()
  expect(Buffer.from(value!).toString()).toBe('logged')
  await Bun.write(stop, '')
  child.stdin.end()
  expect(await child.exited).toBe(70)
})

describe('a scout at work whose output nobody reads', () => {
  let live: LiveHub
  beforeAll(() => {
    live = new LiveHub()
  })
  afterAll(() => live.close())

  test('goes on answering when its pipe is full', async () => {
    const identity = { ORCHESTRATOR_URL: live.url, SCOUT_KEY: live.scoutKey, SCOUT_NAME: 'unread', PROVIDERS: 'demo' }
    const noisy = { LOG_LEVEL: 'debug', SCOUT_STATE_DIR: temporaryFolder(), DEMO_TOKENS: '1' }
    const env = { PATH: process.env.PATH, DEMO_FIRST_TOKEN_MS: '0', SCOUT_CONCURRENCY: '16', ...identity, ...noisy }
    const child = Bun.spawn([process.execPath, join(root, 'scout/main.ts')], { env, stdio: ['ignore', 'pipe', 2] })
    onTestFinished(() => child.kill('SIGKILL'))
    await live.connected('unread', 16)
    const pipeBytes = 65_536
    const ask = () => live.post('/v1/chat/completions', chat)
    let answered = 0
    // As many lines as fill a pipe twice, at no less than fifty bytes each.
    while (answered * 50 < 2 * pipeBytes) {
      const answers = await Promise.all(Array.from({ length: 64 }, ask))
      expect(answers.every(({ ok }) => ok)).toBe(true)
      answered += answers.length
      await Promise.all(answers.map((answer) => answer.text()))
    }
    child.kill('SIGTERM')
    let text = ''
    for await (const piece of child.stdout) text += Buffer.from(piece).toString()
    expect(await child.exited).toBe(0)
    expect(text.length).toBeGreaterThan(pipeBytes)
  })
})

const chat = { model: 'demo-small', messages: [{ role: 'user', content: 'hi' }], max_tokens: 1 }
