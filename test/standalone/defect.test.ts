/** The orchestrator as a process that meets a defect: it says so in one log line and ends at once with code 70. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Program } from '../support/machine/programs.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'

const root = new URL('../../', import.meta.url).pathname

/** The orchestrator with code run before it in the same process. */
function orchestratorAfter(code: string): Program {
  const folder = temporaryFolder()
  const preload = join(folder, 'preload.ts')
  writeFileSync(preload, code)
  const command = [process.execPath, '--preload', preload, `${root}orchestrator/main.ts`]
  return new Program(command, folder, { DATA_DIR: join(folder, 'data'), PORT: '0', LOG_LEVEL: 'info' })
}

const core = JSON.stringify(`${root}orchestrator/core/core.ts`)
const intents = JSON.stringify(`${root}orchestrator/engine/intents/intents.ts`)

test('a defect while it runs ends it with code 70, after a log line with the event', async () => {
  const program = orchestratorAfter(`const { Core } = await import(${core}); Core.prototype.step = (event) => {
    throw new Error('a broken core')
  };`)
  expect(await program.exited).toBe(70)
  expect(program.stderr).toMatch(/"during":"tick".*met a defect/)
  expect(program.stderr).toContain('a broken core')
})

test('a defect while it recovers ends it before it listens', async () => {
  const program = orchestratorAfter(`const { DurableIntents } = await import(${intents});
    DurableIntents.prototype.recover = () => { throw new Error('a broken recovery') };
    Bun.serve = () => { process.stderr.write('it listened'); process.exit(3) };`)
  expect(await program.exited).toBe(70)
  expect(program.stderr).toMatch(/"during":"recovery".*met a defect/)
  expect(program.stderr).not.toContain('it listened')
})
