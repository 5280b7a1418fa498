/** A budget over `kill -9` of a hub process: what was used stays used but for a second, and nothing stays reserved. */
import { expect, onTestFinished, test } from 'vitest'
import { consoleActor, Keyring } from '../../../orchestrator/engine/keyring.ts'
import { type DataFolder, openDataFolder } from '../../../orchestrator/store/data-folder.ts'
import { noLimits, storedLimits } from '../../../shared/keys/key-terms.ts'
import { realSystem } from '../../../shared/system.ts'
import { until } from '../../support/clocks/until.ts'
import { HubProcess } from '../../support/machine/hub-process.ts'
import { temporaryFolder } from '../../support/machine/temporary-folder.ts'

const noonMs = Date.UTC(2030, 5, 12, 12)
const system = { ...realSystem(), wallMs: () => noonMs }
const scoutMain = new URL('../../../scout/main.ts', import.meta.url).pathname
const roomy = 1_000_000

const tokensADay = (amount: number) => storedLimits({ ...noLimits, budgets: [{ unit: 'tokens', per: 'day', amount }] })

/** Works in the data folder beside whoever has it. */
function inFolder<T>(dataDir: string, work: (keyring: Keyring, store: DataFolder['store']) => T): T {
  const folder = openDataFolder(dataDir, 'guest', system)
  if ('flaw' in folder) throw new Error(folder.flaw)
  try {
    return work(new Keyring(folder.store, folder.pepper, system), folder.store)
  } finally {
    folder.close()
  }
}

/** A scout of this hub, as a process. */
function scoutFor(hub: HubProcess): void {
  const who = { ORCHESTRATOR_URL: hub.url, SCOUT_KEY: hub.scoutKey, SCOUT_NAME: 'ant', PROVIDERS: 'demo' }
  const pace = { DEMO_FIRST_TOKEN_MS: '0', DEMO_TOKENS_PER_SECOND: '100000' }
  const child = Bun.spawn([process.execPath, scoutMain], {
    ...{ stdin: 'ignore', stdout: 'ignore', stderr: 'inherit' },
    env: { PATH: process.env.PATH!, LOG_LEVEL: 'error', SCOUT_STATE_DIR: temporaryFolder(), ...who, ...pace },
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await child.exited
  })
}

function ask(hub: HubProcess, key: string, path: string, body?: object): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  return fetch(
    hub.url + path,
    body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) },
  )
}

const question = { model: 'auto', messages: [{ role: 'user', content: 'Say hello' }], max_tokens: 20 }

/** Tokens that one chat was charged for. */
async function spend(hub: HubProcess, key: string): Promise<number> {
  const answer = (await (await ask(hub, key, '/v1/chat/completions', question)).json()) as {
    usage: { total_tokens: number }
  }
  return answer.usage.total_tokens
}

interface Budget {
  limit: number
  used: number
  reserved: number
}

async function budget(hub: HubProcess, key: string) {
  const limits = (await (await ask(hub, key, '/v1/me/limits')).json()) as { budgets: Budget[] }
  return limits.budgets[0]!
}

test('survives but for what was used in the last second, and an exhausted key still sees everything', async () => {
  const dataDir = temporaryFolder()
  const { key, row } = inFolder(dataDir, (keyring) => keyring.issue('client', 'app', { limits: tokensADay(roomy) }))
  const first = await HubProcess.start(1, { dataDir, wallMs: noonMs })
  scoutFor(first)
  const written = (await spend(first, key)) + (await spend(first, key))
  expect(written).toBeGreaterThan(0)
  expect(await budget(first, key)).toMatchObject({ used: written, reserved: 0 })
  const today = Math.floor(noonMs / 86_400_000)
  const onDisk = () => inFolder(dataDir, (_, store) => store.usageOfDays(row.tenant, row.id, today)[0]?.tokens)
  await until('the usage to be on disk', () => onDisk() === written)
  const lately = await spend(first, key)
  await first.kill()

  const second = await HubProcess.start(1, { dataDir, wallMs: noonMs + 1_000 })
  const { used, reserved } = await budget(second, key)
  expect([written, written + lately]).toContain(used)
  expect(reserved).toBe(0)
  // From here on nothing is left of it. The hub follows what the command on its machine does.
  inFolder(dataDir, (keyring) => keyring.amend(row.id, { limits: tokensADay(written) }, consoleActor))
  while ((await budget(second, key)).limit !== written) await Bun.sleep(5)
  const refused = await ask(second, key, '/v1/chat/completions', question)
  expect(await refused.json()).toMatchObject({ error: { code: 'budget_exceeded' } })
  const reads = [
    ...['/v1/me', '/v1/me/keys', '/v1/me/usage', '/v1/me/limits', '/v1/me/scouts', '/v1/models', '/v1/intents'],
    ...['/v1/live?topics=hub,traffic,mine', '/v1/history', '/v1/hub'],
  ]
  const statuses = reads.map(async (path) => [path, (await ask(second, key, path)).status])
  expect(await Promise.all(statuses)).toEqual(reads.map((path) => [path, 200]))
})
