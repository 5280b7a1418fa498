/**
 * A hub of a brain and two edges, joined by real Unix sockets, all in this process: each edge has a port of its own, so
 * that a test says which one a client or a scout dials. End-to-end tests of edges start from here.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { type BrainHub, startBrain } from '../../../orchestrator/brain/brain-hub.ts'
import type { Config } from '../../../orchestrator/config.ts'
import { type Edge, startEdge } from '../../../orchestrator/edge/edge.ts'
import { websocketDial } from '../../../scout/link/socket.ts'
import { Catalog } from '../../../scout/offers/catalog.ts'
import { Scout, type ScoutPorts } from '../../../scout/process/scout.ts'
import { DemoProvider, demoDefaults } from '../../../scout/providers/demo/demo.ts'
import type { Provider } from '../../../scout/providers/provider.ts'
import type { AnswerKey } from '../../../shared/answers/answer-keys.ts'
import { scoutPath } from '../../../shared/protocol/frames.ts'
import { realSystem } from '../../../shared/system.ts'
import { until } from '../clocks/until.ts'
import { quietConfig } from '../hub/live-hub.ts'

const silent = pino({ level: 'silent' })
const system = realSystem()
const promptly = { upgradesPerSecondPerAddress: 10_000, acksHeldMax: 0 }

type BrainOptions = Parameters<typeof startBrain>[0]

interface EdgeHubOptions extends Pick<BrainOptions, 'balance' | 'network' | 'trust'> {
  /** One of its own, removed at the end, without it. */
  dataDir?: string
  config?: Partial<Config>
}

/** `key`: of an operator of its own; the hub's test key without it. */
type ScoutMore = { key?: string; signingKey?: AnswerKey } & Pick<ScoutPorts, 'welcomed'>

export class EdgeHub {
  readonly brain: BrainHub
  readonly edges: Edge[] = []
  /** Why edges ended by themselves. */
  readonly ends: (string | null)[] = []
  readonly clientKey: string
  readonly adminKey: string
  readonly scoutKey: string
  private readonly folder = mkdtempSync(join(tmpdir(), 'chasm-edges-'))
  private readonly config: Config
  private readonly drains: (() => Promise<void>)[] = []

  constructor({ dataDir, config, balance, network, trust }: EdgeHubOptions = {}) {
    this.config = { ...quietConfig(dataDir ?? join(this.folder, 'data')), edges: 2, ...config }
    const onDefect = (defect: Error) => {
      throw defect
    }
    const brain = startBrain({
      ...{ config: this.config, runDir: this.folder, system, log: silent, onDefect },
      ...(balance && { balance }),
      ...(network && { network }),
      ...(trust && { trust }),
    })
    if ('flaw' in brain) throw new Error(brain.flaw)
    this.brain = brain
    this.clientKey = brain.keyring.issue('client', 'test').key
    this.adminKey = brain.keyring.issue('admin', 'test').key
    this.scoutKey = brain.keyring.issue('scout', 'test').key
  }

  /** Another edge, which is the last of `edges` then; at a port of its own unless it shares one. */
  async addEdge(port = 0): Promise<Edge> {
    const edge = await startEdge({
      config: { ...this.config, port },
      runDir: this.folder,
      name: `${this.edges.length}`,
      system,
      log: silent,
      gateway: promptly,
      onDefect: (defect) => {
        throw defect
      },
      onEnd: (why) => void this.ends.push(why),
    })
    this.edges.push(edge)
    return edge
  }

  /** A scout that dials this edge, connected and with its credits granted. Resolves with what drains it. */
  async addScout(edge: Edge, name: string, provider?: Provider, more: ScoutMore = {}): Promise<() => Promise<void>> {
    const concurrency = 4
    const demo = { ...demoDefaults, firstTokenMs: 0, tokensPerSecond: 0 }
    const catalog = new Catalog(system, silent, [provider ?? new DemoProvider(demo, system)])
    await catalog.open()
    const { key = this.scoutKey, signingKey, ...heard } = more
    const dial = websocketDial(edge.url.replace('http', 'ws') + scoutPath, key, system)
    const ended = Promise.withResolvers<void>()
    const ports = { system, dial, catalog, log: silent, stopped: () => ended.resolve(), ...heard }
    const scout = new Scout({ name, concurrency, signingKey }, ports)
    scout.start()
    await until(`scout ${name} to connect`, () =>
      this.brain.engine.scouts().some((known) => known.name === name && known.credits === concurrency),
    )
    const drain = () => {
      scout.drain('the test is over')
      catalog.close()
      return ended.promise
    }
    this.drains.push(drain)
    return drain
  }

  /** A request to this edge, as any HTTP client would send it. */
  post(edge: Edge, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(edge.url + path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { authorization: `Bearer ${this.clientKey}`, 'content-type': 'application/json', ...headers },
    })
  }

  get(edge: Edge, path: string, key = this.clientKey): Promise<Response> {
    return fetch(edge.url + path, { headers: { authorization: `Bearer ${key}` } })
  }

  async close(): Promise<void> {
    await Promise.all(this.drains.map((drain) => drain()))
    await this.brain.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
