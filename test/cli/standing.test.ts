/** Why a scout gets the work it gets: told by the hub, shown by the scout, and the same to the hub's admin. */
import { expect, onTestFinished, test } from 'vitest'
import { hastySystem } from '../support/clocks/hasty-system.ts'
import { LiveHub } from '../support/hub/live-hub.ts'
import { startCommand } from '../support/machine/programs.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'
import type { Json } from '../support/providers/provider-calls.ts'

/** A hub's minute is a few seconds, and its heartbeat still slow enough for a busy machine. */
const haste = 10
const rounds = 12

async function until(met: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 30_000
  while (!(await met())) if (performance.now() > endMs) throw new Error('it did not come about within 30 s')
}

test('the slower of two scouts shows in its status that it loses to a faster one', async () => {
  const live = new LiveHub({ system: hastySystem(haste) })
  onTestFinished(() => live.close())
  const folder = temporaryFolder()
  const serve = async (name: string, firstTokenMs: string) => {
    const who = { ORCHESTRATOR_URL: live.url, SCOUT_KEY: live.scoutKey, SCOUT_NAME: name }
    const demo = { PROVIDERS: 'demo', DEMO_MODELS: 'm', DEMO_TOKENS_PER_SECOND: '0', DEMO_FIRST_TOKEN_MS: firstTokenMs }
    const program = startCommand(['start'], folder, { ...who, ...demo })
    await program.wrote(/Connected as/)
    await live.connected(name, 4)
    return live.hub.engine.scouts().find((scout) => scout.name === name)!.id
  }
  const [fast, slow] = [await serve('fast', '0'), await serve('slow', '2000')]
  const ask = async (chasm: object) => {
    const asked = { model: 'm', messages: [{ role: 'user', content: 'hello' }], chasm }
    const response = await live.post('/v1/chat/completions', asked)
    expect(response.status).toBe(200)
    return ((await response.json()) as Json).chasm.scout as string
  }
  for (const scout of [fast, slow]) await ask({ only: [scout] })
  for (let i = 0; i < rounds; i++) expect(await ask({})).toBe(fast)

  const status = async () => (await startStatus(folder, ['--name', 'slow'])).stdout
  await until(async () => (await status()).includes(`considered ${rounds + 1} times`))
  const told = (await status()).replaceAll(/\s+/g, ' ')
  expect(told).toContain(`Standing In the last hour this scout was considered ${rounds + 1} times and got 1 task`)
  expect(told).toContain(`${rounds} went to faster scouts. A faster provider or a smaller model would get more.`)

  const headers = { authorization: `Bearer ${live.adminKey}` }
  const shown = (await (await fetch(`${live.url}/v1/scouts/${slow}`, { headers })).json()) as Json
  const lost = { latency: rounds, price: 0, capacity: 0, trust: 0 }
  expect(shown.last_hour).toEqual({ considered: rounds + 1, won: 1, lost, done: 1, failed: 0 })
})

async function startStatus(folder: string, more: string[]) {
  const program = startCommand(['status', ...more], folder)
  expect(await program.exited).toBe(0)
  return program
}
