/**
 * A real hub on a free port with real scouts that dialed in over real sockets: in this process, or as processes of
 * their own that can be killed. End-to-end tests start from here. `close` ends everything that was opened.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { type Config, defaultConfig } from '../../../orchestrator/config.ts'
import type { ScoutListing } from '../../../orchestrator/engine/ports/client.ts'
import { type Hub, type HubOptions, startHub } from '../../../orchestrator/main.ts'
import { websocketDial } from '../../../scout/link/socket.ts'
import { Catalog } from '../../../scout/offers/catalog.ts'
import { Scout } from '../../../scout/process/scout.ts'
import { DemoProvider, type DemoSettings, demoDefaults } from '../../../scout/providers/demo/demo.ts'
import type { Provider } from '../../../scout/providers/provider.ts'
import type { AnswerKey } from '../../../shared/answers/answer-keys.ts'
import { scoutPath } from '../../../shared/protocol/frames.ts'
import { realSystem, type System } from '../../../shared/system.ts'
import type { HeldSystem } from '../clocks/held-system.ts'
import { until } from '../clocks/until.ts'

const silent = pino({ level: 'silent' })
const real = realSystem()
/** Seeds the draws of the hub, so that who is asked is not a matter of luck. */
const seeded: System = { ...real, random: () => 0.37 }
/** Many dial from one address, and a scripted scout waits for its acknowledgement with nothing else to hear. */
const promptly = {
  upgradesPerSecondPerAddress: 10_000,
  upgradesPerSecond: 10_000,
  upgradesPerSecondPerOperator: 10_000,
  acksHeldMax: 0,
}
const scoutMain = new URL('../../../scout/main.ts', import.meta.url).pathname

interface ScoutOptions {
  name: string
  concurrency?: number
  requestBytesMax?: number
  /** The demo provider's settings; by default it answers as fast as it can. */
  demo?: Partial<DemoSettings>
  /** Instead of the demo provider. */
  providers?: Provider[]
  /** What it must not tell the hub, as its environment would say. */
  secrets?: string[]
  /** Where it dials, when something lies between it and the hub. */
  url?: string
  /** Its clock and entropy, when a test has to bend them. */
  system?: System
  /** Of an operator of its own; the hub's test key otherwise. */
  key?: string
  /** With which it signs its answers; it does not without. */
  signingKey?: AnswerKey
}

/** The defaults, on any free port, without a log. */
export function quietConfig(dataDir: string): Config {
  return { ...defaultConfig(), port: 0, dataDir, logLevel: 'silent' }
}

export class LiveHub {
  readonly hub: Hub
  readonly url: string
  readonly clientKey: string
  readonly adminKey: string
  readonly scoutKey: string
  private readonly folder = mkdtempSync(join(tmpdir(), 'chasm-hub-'))
  private readonly drains: (() => Promise<void>)[] = []
  private readonly children: Bun.Subprocess[] = []
  private readonly system: System | HeldSystem

  constructor(options: Partial<HubOptions> = {}) {
    const config = quietConfig(this.folder)
    const gateway = { ...promptly, ...options.gateway }
    this.system = options.system ?? seeded
    const hub = startHub({ config, log: silent, ...options, gateway, system: this.system })
    if ('flaw' in hub) throw new Error(hub.flaw)
    this.hub = hub
    this.url = hub.url
    this.clientKey = hub.keyring.issue('client', 'test').key
    this.adminKey = hub.keyring.issue('admin', 'test').key
    this.scoutKey = hub.keyring.issue('scout', 'test').key
  }

  get baseURL(): string {
    return `${this.url}/v1`
  }

  /** A scout in this process, connected and with its credits granted. Resolves with what drains it. */
  async addScout(options: ScoutOptions): Promise<() => Promise<void>> {
    const { name, concurrency = 4, requestBytesMax, demo, providers, secrets, url = this.url, system = real } = options
    const { key = this.scoutKey, signingKey } = options
    const settings = { ...demoDefaults, firstTokenMs: 0, tokensPerSecond: 0, ...demo }
    const catalog = new Catalog(system, silent, providers ?? [new DemoProvider(settings, system)])
    await catalog.open()
    const dial = websocketDial(url.replace('http', 'ws') + scoutPath, key, system)
    let ended = () => {}
    const end = new Promise<void>((resolve) => {
      ended = resolve
    })
    const ports = { system, dial, catalog, log: silent, stopped: () => ended() }
    const scout = new Scout(
      { name, concurrency, ...(requestBytesMax && { requestBytesMax }), ...(secrets && { secrets }), signingKey },
      ports,
    )
    scout.start()
    await this.connected(name, concurrency)
    const drain = () => {
      scout.drain('the test is over')
      catalog.close()
      return end
    }
    this.drains.push(drain)
    return drain
  }

  /** A scout as a process of its own, to be killed. `env` sets the demo provider's knobs. */
  async spawnScout(name: string, env: Record<string, string> = {}): Promise<Bun.Subprocess> {
    const who = { ORCHESTRATOR_URL: this.url, SCOUT_KEY: this.scoutKey, SCOUT_NAME: name, PROVIDERS: 'demo' }
    const quiet = { PATH: process.env.PATH, LOG_LEVEL: 'error', SCOUT_STATE_DIR: join(this.folder, 'scouts') }
    const settings = { ...quiet, SCOUT_CONCURRENCY: '4', ...who, ...env }
    const child = Bun.spawn([process.execPath, scoutMain], {
      env: settings,
      stdout: 'ignore',
      stderr: 'inherit',
    })
    this.children.push(child)
    await this.connected(name, Number(settings.SCOUT_CONCURRENCY))
    return child
  }

  /** Resolves once this scout's credits have arrived; waiting work may have used some of them at once. */
  async connected(name: string, credits: number): Promise<void> {
    const isReady = (scout: ScoutListing) => scout.name === name && scout.credits + scout.inFlight === credits
    await until(`scout ${name} to connect`, () => this.hub.engine.scouts().some(isReady))
  }

  /** A request as any HTTP client would send it. */
  post(path: string, body: unknown, init: RequestInit = {}): Promise<Response> {
    const headers = { authorization: `Bearer ${this.clientKey}`, 'content-type': 'application/json', ...init.headers }
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return fetch(this.url + path, { method: 'POST', body: text, ...init, headers })
  }

  async close(): Promise<void> {
    await Promise.all(this.drains.map((drain) => drain()))
    for (const child of this.children) child.kill('SIGKILL')
    const stopped = this.hub.stop()
    await ('drive' in this.system ? this.system.drive(stopped) : stopped)
    rmSync(this.folder, { recursive: true, force: true })
  }
}
