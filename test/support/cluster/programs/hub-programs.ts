/**
 * Hubs of one network as a person runs them: programs of their own over real NATS servers, which a test kills. Keys are
 * made at the first one, and the others have them from the network.
 */
import { killed, partsOf } from '../../../../bench/fleet/hub-parts.ts'
import { Keyring } from '../../../../orchestrator/engine/keyring.ts'
import { openDataFolder } from '../../../../orchestrator/store/data-folder.ts'
import { realSystem } from '../../../../shared/system.ts'
import { type Program, start } from '../../machine/programs.ts'
import { temporaryFolder } from '../../machine/temporary-folder.ts'
import { folderOf, good, networkOf, testHub } from '../network.ts'
import { freePorts } from './nats-server.ts'

const system = realSystem()

export interface HubProgram {
  name: string
  url: string
  program: Program
  dataDir: string
  /** `kill -9`, of all its processes. */
  kill(): Promise<void>
  restart(): Promise<void>
}

export interface HubPrograms {
  hubs: HubProgram[]
  clientKey: string
  scoutKey: string
}

/** Started and connected. `addresses`: of the NATS servers, each hub begins with another one. */
export async function hubPrograms(
  names: readonly string[],
  addresses: readonly string[],
  /** Of hubs by their names, beside what all of them get. */
  more: Record<string, Record<string, string>> = {},
): Promise<HubPrograms> {
  const ports = freePorts(names.length)
  const identities = names.map((name, at) => ({ ...testHub(name, at + 1), url: `http://127.0.0.1:${ports[at]!}` }))
  const chain = networkOf(identities)
  const folders = identities.map((hub) => folderOf(hub, chain))
  const keys = keysOf(folders[0]!)
  const hubs = identities.map((hub, at): HubProgram => {
    const servers = addresses.map((_, turn) => `nats://${addresses[(at + turn) % addresses.length]!}`)
    const own = { PORT: String(ports[at]!), CLUSTER_URL: servers.join(','), DATA_DIR: folders[at]!, LOG_LEVEL: 'info' }
    const env = { ...own, ...more[hub.name] }
    const run = () => start('orchestrator/main.ts', temporaryFolder(), env)
    const made: HubProgram = {
      ...{ name: hub.name, url: hub.url, dataDir: folders[at]!, program: run() },
      async kill() {
        const parts = partsOf(made.program.pid)
        made.program.signal('SIGKILL')
        for (const { pid } of parts) await killed(pid)
        await made.program.exited
      },
      async restart() {
        made.program = run()
        await made.program.wrote(/connected to the servers between hubs/)
      },
    }
    return made
  })
  await Promise.all(hubs.map(({ program }) => program.wrote(/connected to the servers between hubs/)))
  await Promise.all(hubs.map(({ url }) => knows(url, keys.clientKey)))
  return { hubs, ...keys }
}

function keysOf(dataDir: string): { clientKey: string; scoutKey: string } {
  const folder = good(openDataFolder(dataDir, 'guest', system))
  const keyring = new Keyring(folder.store, folder.pepper, system)
  const made = [keyring.issue('client', 'test'), keyring.issue('scout', 'test')] as const
  folder.close()
  return { clientKey: made[0].key, scoutKey: made[1].key }
}

/** Resolves once the hub takes the key. */
async function knows(url: string, key: string): Promise<void> {
  for (;;) {
    // The brain of one with edges is connected before they listen.
    const response = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } }).catch(() => null)
    if (response?.status === 200) return
    await new Promise((resolve) => system.after(50, () => resolve(undefined)))
  }
}
