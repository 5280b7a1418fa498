/** Why a scout gets the work it gets: told by the hub, shown by the scout, and the same to the hub's admin. */
import { expect, onTestFinished, test } from 'vitest'
import { heldSystem } from '../support/clocks/held-system.ts'
import { patienceMs } from '../support/clocks/until.ts'
import { LiveHub } from '../support/hub/live-hub.ts'
import { startCommand } from '../support/machine/programs.ts'
import { temporaryFolder } from '../support/machine/temporary-folder.ts'
import { startOpenAiStandIn } from '../support/providers/openai-stand-in.ts'
import type { Json } from '../support/providers/provider-calls.ts'

const rounds = 12
/** Steps in which the hub's time is moved on: its scouts, whose time is the real one, get its pings in between. */
const stepMs = 10_000

test('the slower of two scouts shows in its status that it loses to a faster one', async () => {
  const clock = heldSystem()
  const live = new LiveHub({ system: clock })
  onTestFinished(() => live.close())
  const folder = temporaryFolder()
  const serve = async (name: string) => {
    const service = startOpenAiStandIn({ models: ['m'] })
    onTestFinished(() => service.stop())
    const who = { ORCHESTRATOR_URL: live.url, SCOUT_KEY: live.scoutKey, SCOUT_NAME: name }
    const program = startCommand(['start'], folder, { ...who, PROVIDERS: 'vllm', VLLM_URL: service.baseURL })
    await program.wrote(/Connected as/)
    await live.connected(name, 4)
    clock.advance(stepMs)
    return { id: live.hub.engine.scouts().find((scout) => scout.name === name)!.id, service }
  }
  const fast = (await serve('fast')).id
  const { id: slow, service: slowService } = await serve('slow')
  const ask = async (chasm: object) => {
    const asked = { model: 'm', messages: [{ role: 'user', content: 'hello' }], chasm }
    const response = await live.post('/v1/chat/completions', asked)
    expect(response.status).toBe(200)
    return ((await response.json()) as Json).chasm.scout as string
  }
  await ask({ only: [fast] })
  // The slow one's answer takes ten seconds of the hub's time.
  slowService.script(() => {
    clock.advance(stepMs)
    return Response.json({
      choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }],
    })
  })
  await ask({ only: [slow] })
  for (let i = 0; i < rounds; i++) expect(await ask({})).toBe(fast)

  const status = async () => (await startStatus(folder, ['--name', 'slow'])).stdout
  const lastMs = performance.now() + patienceMs
  while (!(await status()).includes(`considered ${rounds + 1} times`)) {
    if (performance.now() > lastMs) throw new Error(`it never showed: ${await status()}`)
    clock.advance(stepMs)
  }
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
