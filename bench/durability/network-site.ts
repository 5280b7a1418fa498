/**
 * Three hubs of one network over three NATS servers, with scouts, as the processes they are in production: each hub can
 * be killed, and comes back on its folder and its port. Identities and roster are made here.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keepChain } from '../../orchestrator/cluster/hub-files.ts'
import { makeIdentity } from '../../orchestrator/cluster/identity-file.ts'
import type { RosterChain } from '../../orchestrator/cluster/roster/roster-chain.ts'
import { databaseIn } from '../../orchestrator/store/data-folder.ts'
import { networkOf, type TestHub, testHub } from '../../test/support/cluster/network.ts'
import { NatsServer } from '../../test/support/cluster/programs/nats-server.ts'
import { HttpLine } from './http-line.ts'
import { adminKey, eagerScout, freePort, madeKey, readyAt, spawned } from './site.ts'

const names = ['alpha', 'beta', 'gamma']
const lookEveryMs = 50

interface SiteHub {
  port: number
  dataDir: string
  servers: string
  process: Bun.Subprocess | null
}

export class NetworkSite {
  private readonly scouts: Bun.Subprocess[] = []
  private clientKey = ''
  private scoutKey = ''

  private constructor(
    private readonly folder: string,
    private readonly servers: readonly NatsServer[],
    readonly hubs: readonly SiteHub[],
  ) {}

  /** Hubs that have found each other. `natsServer`: the path of the program. */
  static async open(natsServer: string): Promise<NetworkSite> {
    const folder = mkdtempSync(join(tmpdir(), 'chasm-network-'))
    const servers = await NatsServer.withStreams(natsServer, names.length)
    const ports = await Promise.all(names.map(() => freePort()))
    const identities = names.map((name, at) => ({ ...testHub(name, at + 1), url: `http://127.0.0.1:${ports[at]!}` }))
    const chain = networkOf(identities)
    const hubs = identities.map((hub, at): SiteHub => {
      const addresses = servers.map((_, turn) => `nats://${servers[(at + turn) % servers.length]!.address}`)
      const dataDir = join(folder, hub.name)
      prepare(dataDir, hub, chain)
      return { port: ports[at]!, dataDir, servers: addresses.join(','), process: null }
    })
    const site = new NetworkSite(folder, servers, hubs)
    await Promise.all(hubs.map((_, at) => site.start(at)))
    ;[site.clientKey, site.scoutKey] = await Promise.all([madeKey(ports[0]!, 'client'), madeKey(ports[0]!, 'scout')])
    for (let at = 0; at < hubs.length; at++) await site.knows(at)
    return site
  }

  get databases(): string[] {
    return this.hubs.map(({ dataDir }) => databaseIn(dataDir))
  }

  line(at: number): HttpLine {
    return new HttpLine(this.hubs[at]!.port, this.clientKey)
  }

  async start(at: number): Promise<void> {
    const hub = this.hubs[at]!
    const settings = { DATA_DIR: hub.dataDir, PORT: String(hub.port), CLUSTER_URL: hub.servers, ADMIN_KEY: adminKey }
    hub.process = spawned(['orchestrator/main.ts'], this.folder, { ...settings, LOG_LEVEL: 'error' })
    await readyAt(hub.port, hub.process, performance.now())
  }

  /** `kill -9`. */
  async kill(at: number): Promise<void> {
    const { process } = this.hubs[at]!
    process?.kill('SIGKILL')
    await process?.exited
  }

  /** Ends all hubs as they are told to in production. */
  async stop(): Promise<void> {
    for (const { process } of this.hubs) process?.kill('SIGTERM')
    await Promise.all(this.hubs.map(({ process }) => process?.exited))
  }

  /** A scout that dials this hub first, and the others when that is away. */
  addScout(name: string, at: number, env: Record<string, string>): void {
    const ORCHESTRATOR_URL = `http://127.0.0.1:${this.hubs[at]!.port}`
    const SCOUT_STATE_DIR = join(this.folder, name)
    const who = { ORCHESTRATOR_URL, SCOUT_KEY: this.scoutKey, SCOUT_NAME: name, SCOUT_STATE_DIR }
    this.scouts.push(eagerScout(this.folder, { ...who, ...env }))
  }

  async close(): Promise<void> {
    const processes = [...this.hubs.map(({ process }) => process), ...this.scouts]
    for (const process of processes) process?.kill('SIGKILL')
    await Promise.all(processes.map((process) => process?.exited))
    await Promise.all(this.servers.map((server) => server.remove()))
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Resolves once this hub takes the key of clients, which was made at another one. */
  private async knows(at: number): Promise<void> {
    const line = this.line(at)
    while ((await line.ask('GET', '/v1/models')).status !== 200) await Bun.sleep(lookEveryMs)
    line.close()
  }
}

function prepare(dataDir: string, { seed }: TestHub, chain: RosterChain): void {
  const identity = makeIdentity(dataDir, seed)
  const flaw = 'flaw' in identity ? identity : keepChain(dataDir, chain)
  if (flaw !== null) throw new Error(flaw.flaw)
}
