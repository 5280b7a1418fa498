import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { networkKillRuns } from '../../../bench/durability/network-runs.ts'
import { type HubProgram, type HubPrograms, hubPrograms } from '../../support/cluster/programs/hub-programs.ts'
import { findNats, NatsServer } from '../../support/cluster/programs/nats-server.ts'
import { installMsMax } from '../../support/machine/apt.ts'
import { start } from '../../support/machine/programs.ts'
import { temporaryFolder } from '../../support/machine/temporary-folder.ts'

const found = await findNats()
const program = 'path' in found ? found.path : ''
/** A hub is given up, its intents are taken, and a scout that waits for the next dial comes. */
const takeoverTestMs = 120_000

interface Shown {
  state: string
  tasks: { attempts: number; state: string }[]
}

function client({ clientKey }: HubPrograms) {
  const headers = { authorization: `Bearer ${clientKey}`, 'content-type': 'application/json' }
  return {
    async accept({ url }: HubProgram): Promise<string> {
      const body = JSON.stringify({ model: 'demo-small', input: 'hello' })
      for (;;) {
        const response = await fetch(`${url}/v1/intents`, { method: 'POST', headers, body })
        if (response.status === 202) return ((await response.json()) as { id: string }).id
        // Servers that have just met choose who leads the stream.
        expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
        await Bun.sleep(200)
      }
    },
    async shown({ url }: HubProgram, id: string): Promise<Shown> {
      for (;;) {
        const response = await fetch(`${url}/v1/intents/${id}`, { headers })
        if (response.status === 200) return (await response.json()) as Shown
        // A hub that has just started is not connected yet.
        expect(response.status).toBe(503)
        await Bun.sleep(200)
      }
    },
    /** Types of the events behind this one, up to the end. */
    async events({ url }: HubProgram, id: string, after: string): Promise<string[]> {
      const init = { headers: { ...headers, 'last-event-id': after } }
      const text = await (await fetch(`${url}/v1/intents/${id}/events`, init)).text()
      return [...text.matchAll(/^event: (.*)$/gm)].map((match) => match[1]!)
    },
  }
}

async function scoutAt(hub: HubProgram, { scoutKey }: HubPrograms, env: Record<string, string> = {}) {
  const folder = temporaryFolder()
  const settings = { ORCHESTRATOR_URL: hub.url, SCOUT_KEY: scoutKey, SCOUT_NAME: 'worker', PROVIDERS: 'demo' }
  const scout = start('scout/main.ts', folder, { ...settings, SCOUT_STATE_DIR: folder, ...env })
  await scout.wrote(/Connected as/)
  return scout
}

/** Resolves once this hub shows all of these so. */
async function shows(
  of: ReturnType<typeof client>,
  hub: HubProgram,
  ids: readonly string[],
  isSo: (shown: Shown) => boolean,
): Promise<Shown[]> {
  for (;;) {
    const all = await Promise.all(ids.map((id) => of.shown(hub, id)))
    if (all.every(isSo)) return all
    await Bun.sleep(100)
  }
}

const isDone = ({ state }: Shown) => state === 'done'

describe.skipIf(program === '')(
  `hubs over JetStream${'reason' in found ? ` (skipped: ${found.reason})` : ''}, killed with kill -9`,
  () => {
    let servers: NatsServer[] = []
    beforeAll(async () => {
      servers = await NatsServer.withStreams(program, 3)
    }, installMsMax)
    afterAll(() => Promise.all(servers.map((server) => server.remove())))

    const network = () =>
      hubPrograms(
        ['alpha', 'beta', 'gamma'],
        servers.map(({ address }) => address),
      )

    test(
      'what was accepted at one is finished at another, read and followed at the third, and committed once',
      async () => {
        const all = await network()
        const [a, b, c] = all.hubs as [HubProgram, HubProgram, HubProgram]
        const of = client(all)
        const ids = [await of.accept(a), await of.accept(a), await of.accept(a)]
        expect((await of.shown(c, ids[0]!)).state).toBe('running')
        await a.kill()
        await scoutAt(b, all)
        for (const { tasks } of await shows(of, c, ids, isDone))
          expect(tasks).toMatchObject([{ state: 'done', attempts: 1 }])
        for (const hub of [b, c]) {
          const types = (await of.events(hub, ids[0]!, '1')).filter((type) => type !== 'chunk')
          expect(types).toEqual(['task_started', 'task_settled', 'done'])
        }
        await a.restart()
        await shows(of, a, ids, isDone)
      },
      takeoverTestMs,
    )

    test(
      'a scout brings its lease to the hub that goes on with it, and its one attempt is the one that counts',
      async () => {
        const all = await network()
        const [a, b, c] = all.hubs as [HubProgram, HubProgram, HubProgram]
        const of = client(all)
        const scout = await scoutAt(a, all, { DEMO_FIRST_TOKEN_MS: '22000' })
        onTestFinished(() => scout.signal('SIGKILL'))
        const id = await of.accept(a)
        await shows(of, a, [id], ({ tasks }) => tasks[0]!.state === 'leased')
        await a.kill()
        await scout.wrote(/Connected as worker[\s\S]*Connected as worker/)
        const [{ tasks }] = (await shows(of, c, [id], isDone)) as [Shown]
        expect(tasks).toMatchObject([{ state: 'done', attempts: 1 }])
        expect((await of.events(b, id, '0')).filter((type) => type === 'attempt_reset')).toEqual([])
      },
      takeoverTestMs,
    )
    test(
      'a NATS server of three that is killed costs a pause: intents are taken and done at every hub meanwhile',
      async () => {
        const all = await network()
        const of = client(all)
        for (const hub of all.hubs) await scoutAt(hub, all, { SCOUT_NAME: hub.name })
        for (const [at, server] of servers.entries()) {
          await server.kill()
          const accepted: [HubProgram, string][] = []
          for (const hub of all.hubs) accepted.push([hub, await of.accept(hub)])
          for (const [hub, id] of accepted) await shows(of, hub, [id], isDone)
          await server.restart()
          const id = await of.accept(all.hubs[at]!)
          await shows(of, all.hubs[(at + 1) % 3]!, [id], isDone)
        }
      },
      2 * takeoverTestMs,
    )

    test(
      'hubs that are killed in turn under load lose nothing that they acknowledged and commit nothing twice',
      async () => {
        const ran = await networkKillRuns({ kills: 4, scouts: 2, clients: 3, natsServer: program })
        expect(ran).toMatchObject({ lost: 0, undone: 0, doubled: 0, unshown: 0 })
        expect(ran.acknowledged).toBeGreaterThan(ran.kills)
        expect(ran.broken).toBeGreaterThan(0)
      },
      2 * takeoverTestMs,
    )
  },
)
