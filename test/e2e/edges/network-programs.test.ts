/**
 * Two hubs of one network as programs over a real NATS server with JetStream, one of them with edges: its brain is
 * killed, and then all of it.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { killed, partsOf } from '../../../bench/fleet/hub-parts.ts'
import { type HubProgram, type HubPrograms, hubPrograms } from '../../support/cluster/programs/hub-programs.ts'
import { findNats, NatsServer } from '../../support/cluster/programs/nats-server.ts'
import { installMsMax } from '../../support/machine/apt.ts'
import { start } from '../../support/machine/programs.ts'
import { temporaryFolder } from '../../support/machine/temporary-folder.ts'

const found = await findNats()
const program = 'path' in found ? found.path : ''
/** A hub is given up by the others, and its intents are taken. */
const takeoverTestMs = 120_000
/** Longer than it takes until another brain is there and the scout has dialed again. */
const slowMs = 15_000
const messages = [{ role: 'user', content: 'Say something.' }]

interface Shown {
  id: string
  state: string
  tasks: { state: string; attempts: number }[]
}

const isDone = ({ state }: Shown) => state === 'done'

/** A scout of the demo provider that offers this model alone. */
async function scoutAt(hub: HubProgram, { scoutKey }: HubPrograms, model: string, firstTokenMs = 0) {
  const folder = temporaryFolder()
  const who = { ORCHESTRATOR_URL: hub.url, SCOUT_KEY: scoutKey, SCOUT_NAME: `of-${model}`, PROVIDERS: 'demo' }
  const knobs = { DEMO_MODELS: model, DEMO_FIRST_TOKEN_MS: String(firstTokenMs) }
  const scout = start('scout/main.ts', folder, { ...who, SCOUT_STATE_DIR: folder, ...knobs })
  await scout.wrote(/Connected as/)
  return scout
}

function clientOf({ clientKey }: HubPrograms) {
  const headers = { authorization: `Bearer ${clientKey}`, 'content-type': 'application/json' }
  /** The body of the answer that is wanted; asked for again until it comes. */
  const insist = async (url: string, isWanted: (status: number, body: unknown) => boolean, init: RequestInit = {}) => {
    for (;;) {
      const response = await fetch(url, { headers, ...init }).catch(() => null)
      const body: unknown = await response?.json().catch(() => null)
      if (response !== null && isWanted(response.status, body)) return body
      await Bun.sleep(50)
    }
  }
  const post = (body: object) => ({ method: 'POST', body: JSON.stringify(body) })
  return {
    /** Who served a chat with this model. */
    async served({ url }: HubProgram, model: string): Promise<string> {
      const asked = post({ model, messages })
      const answer = await insist(`${url}/v1/chat/completions`, (status) => status === 200, asked)
      return (answer as { chasm: { scout: string } }).chasm.scout
    },
    async accepted({ url }: HubProgram, model: string): Promise<string> {
      const answer = await insist(`${url}/v1/intents`, (status) => status === 202, post({ model, input: 'hello' }))
      return (answer as Shown).id
    },
    /** The intent, once it is so. */
    async shown({ url }: HubProgram, id: string, isSo: (shown: Shown) => boolean): Promise<Shown> {
      const isWanted = (status: number, body: unknown) => status === 200 && isSo(body as Shown)
      return (await insist(`${url}/v1/intents/${id}`, isWanted)) as Shown
    },
  }
}

describe.skipIf(program === '')(
  `a hub with edges in a network${'reason' in found ? ` (skipped: ${found.reason})` : ''}`,
  () => {
    let servers: NatsServer[] = []
    beforeAll(async () => {
      servers = await NatsServer.withStreams(program, 1)
    }, installMsMax)
    afterAll(() => Promise.all(servers.map((server) => server.remove())))

    test(
      'serves the other one and is served, with another brain as well, and what it took outlives it',
      async () => {
        const all = await hubPrograms(['alpha', 'beta'], [servers[0]!.address], { alpha: { HUB_EDGES: '2' } })
        const [alpha, beta] = all.hubs as [HubProgram, HubProgram]
        const { served, accepted, shown } = clientOf(all)
        const near = await scoutAt(alpha, all, 'near')
        await scoutAt(beta, all, 'far')
        const both = async () => [await served(alpha, 'far'), await served(beta, 'near')]
        expect(await both()).toEqual(['hub:beta/beta', 'hub:alpha/alpha'])
        await scoutAt(alpha, all, 'slow', slowMs)
        const leased = await accepted(alpha, 'slow')
        await shown(alpha, leased, ({ tasks }) => tasks[0]!.state === 'leased')
        const [brain] = partsOf(alpha.program.pid).filter(({ role }) => role === 'brain')
        await killed(brain!.pid)
        expect(await both()).toEqual(['hub:beta/beta', 'hub:alpha/alpha'])
        // Its edge has kept its socket.
        expect(`${near.stdout}${near.stderr}`.match(/Connected as/g)).toHaveLength(1)
        // The scout has presented its lease to the next brain.
        expect((await shown(alpha, leased, isDone)).tasks).toMatchObject([{ state: 'done', attempts: 1 }])
        const left = await accepted(alpha, 'slow')
        await shown(alpha, left, ({ tasks }) => tasks[0]!.state === 'leased')
        await alpha.kill()
        // Its scout knows from its welcome where else to dial, and brings the lease along.
        expect((await shown(beta, left, isDone)).tasks).toMatchObject([{ state: 'done', attempts: 1 }])
      },
      takeoverTestMs,
    )
  },
)
