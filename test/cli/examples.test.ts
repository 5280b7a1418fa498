import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LiveHub } from '../support/hub/live-hub.ts'
import { Program, startCommand, startExample } from '../support/machine/programs.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'

let hub: LiveHub
beforeAll(() => {
  hub = new LiveHub()
})
afterAll(() => hub.close())

const read = (name: string) => readFileSync(new URL(`../../docs/examples/${name}`, import.meta.url), 'utf8')

async function run(example: string, folder: string, env: Record<string, string> = {}) {
  const program = startExample(example, folder, { ORCHESTRATOR_URL: hub.url, SCOUT_KEY: hub.scoutKey, ...env })
  await program.wrote(/Connected as/)
  return program
}

async function ask(model: string, content: string, more: object = {}): Promise<Response> {
  return await hub.post('/v1/chat/completions', { model, messages: [{ role: 'user', content }], ...more })
}

async function answer(response: Response): Promise<string> {
  const json = (await response.json()) as { choices: { message: { content: string } }[] }
  return json.choices[0]!.message.content
}

test('every example is run here, raw-scout.ts in test/protocol, answer-hash.ts in test/e2e/ledger', () => {
  const examples = readdirSync(new URL('../../docs/examples', import.meta.url)).filter((name) => name.endsWith('.ts'))
  expect(examples.sort()).toEqual(['answer-hash.ts', 'countdown.ts', 'dice.ts', 'raw-scout.ts', 'retrieval.ts'])
})

test('dice.ts answers with an object, and is a scout like any other to status and drain', async () => {
  const folder = temporaryFolder()
  const program = await run('dice.ts', folder)
  const { rolls, sum } = JSON.parse(await answer(await ask('dice', 'roll 3d6')))
  expect(rolls).toHaveLength(3)
  expect(sum).toBeGreaterThanOrEqual(3)
  const status = startCommand(['status'], folder)
  expect(await status.exited).toBe(0)
  expect(status.stdout).toMatch(/^Scout {7}dice, /m)
  expect(await startCommand(['drain'], folder).exited).toBe(0)
  expect(await program.exited).toBe(0)
})

test('countdown.ts streams, and says in its own words what it does not take', async () => {
  const program = await run('countdown.ts', temporaryFolder())
  const text = await (await ask('countdown', '3', { stream: true })).text()
  const said = [...text.matchAll(/"content":"([^"]+)"/g)].map((match) => match[1])
  expect(said.join('')).toBe('3 2 1 liftoff')
  const refused = await ask('countdown', 'many')
  expect(refused.status).toBe(400)
  expect(await refused.text()).toContain('Say a whole number from 1 to 100.')
  program.signal('SIGTERM')
  expect(await program.exited).toBe(0)
})

test('retrieval.ts finds the passage that fits', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'notes.md'), 'Bread wants flour and time.\n\nThe boat leaves the harbour at noon.\n')
  await run('retrieval.ts', folder, { NOTES: folder })
  const { passages } = JSON.parse(await answer(await ask('notes', 'When does the boat leave?')))
  expect(passages[0]).toMatchObject({ file: 'notes.md', passage: expect.stringContaining('harbour at noon') })
})

test('the ten lines of the README serve', async () => {
  const folder = temporaryFolder()
  const code = /```ts\n([\s\S]+?)```/.exec(read('README.md'))![1]!
  const api = new URL('../../scout/sdk/define.ts', import.meta.url).pathname
  writeFileSync(join(folder, 'shouter.ts'), code.replace("'chasm/scout'", JSON.stringify(api)))
  const env = { ORCHESTRATOR_URL: hub.url, SCOUT_KEY: hub.scoutKey, SCOUT_STATE_DIR: folder }
  await new Program([process.execPath, 'shouter.ts'], folder, env).wrote(/Connected as shouter/)
  expect(await answer(await ask('shout', 'hello'))).toBe('HELLO')
})

test('an example without a key says what to do and ends with code 2', async () => {
  const program = startExample('dice.ts', temporaryFolder(), {})
  expect(await program.exited).toBe(2)
  expect(program.stderr).toMatch(/^SCOUT_KEY is not set: run `chasm-scout init`/)
})
