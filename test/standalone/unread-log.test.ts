/** A log that nobody reads: the process goes on, says later how much was lost, and ends when it is told to. */
import { join } from 'node:path'
import { expect, test } from 'vitest'

const logFile = join(import.meta.dirname, '..', '..', 'orchestrator', 'log.ts')
const lines = 20_000
/** Logs far more than a pipe and the backlog hold, says so, and goes on once its input ends. */
const program = `
  const { createLog } = await import(${JSON.stringify(logFile)})
  const log = createLog('info')
  for (let line = 0; line < ${lines}; line++) log.info({ line, text: 'x'.repeat(200) }, 'many')
  process.stdout.write('logged')
  await Bun.stdin.text()
  while (true) {
    await Bun.sleep(20)
    log.info('still here')
    if (process.stdout.writable && (await Bun.file(process.argv[1]).exists())) break
  }
  log.fatal('the end')
  process.exit(70)
`

function start(stderr: 'pipe' | number) {
  const stop = join(process.env.TMPDIR ?? '/tmp', `unread-${crypto.randomUUID()}`)
  const child = Bun.spawn([process.execPath, '-e', program, stop], { stdin: 'pipe', stdout: 'pipe', stderr })
  return { child, stop }
}

test('does not hold up the process; what was dropped is counted, and the last words are not lost', async () => {
  const { child, stop } = start('pipe')
  const { value } = await child.stdout.getReader().read()
  expect(Buffer.from(value!).toString()).toBe('logged')
  child.stdin.end()
  let text = ''
  let told = false
  for await (const piece of child.stderr as ReadableStream<Uint8Array>) {
    text += Buffer.from(piece).toString()
    if (!told && text.includes('"dropped"')) {
      told = true
      await Bun.write(stop, '')
    }
  }
  expect(await child.exited).toBe(70)
  const logged = text.trimEnd().split('\n').map((line) => JSON.parse(line) as { msg: string; dropped?: number })
  const dropped = logged.reduce((sum, line) => sum + (line.dropped ?? 0), 0)
  const many = logged.filter(({ msg }) => msg === 'many').length
  const later = logged.filter(({ msg }) => msg === 'still here').length
  expect(dropped).toBeGreaterThan(0)
  expect(many + dropped).toBeGreaterThanOrEqual(lines)
  expect(many + dropped).toBeLessThanOrEqual(lines + later + 1_000)
  expect(logged.at(-1)!.msg).toBe('the end')
  await Bun.file(stop).delete()
})

test('whose reader has left is not written to any more', async () => {
  const { child, stop } = start('pipe')
  await (child.stderr as ReadableStream<Uint8Array>).cancel()
  const { value } = await child.stdout.getReader().read()
  expect(Buffer.from(value!).toString()).toBe('logged')
  await Bun.write(stop, '')
  child.stdin.end()
  expect(await child.exited).toBe(70)
  await Bun.file(stop).delete()
})
