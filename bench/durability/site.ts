/**
 * A hub and its scouts as the processes they are in production, on a data folder of their own, so that they can be
 * killed like there. The hub keeps its port and its folder over all restarts. One of several processes is killed in
 * parts: a brain or an edge, which its supervisor starts again, the supervisor itself, or a scout.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { databaseIn } from '../../orchestrator/store/data-folder.ts'
import { drainMs } from '../../shared/limits/process.ts'
import { isRunning, killed, partsOf } from '../fleet/hub-parts.ts'
import { HttpLine } from './http-line.ts'

const root = new URL('../../', import.meta.url).pathname
export const adminKey = 'an-admin-key-for-benches-of-forty-letters'
const startsWithinMs = 30_000
const lookEveryMs = 2
/** Without their supervisor an edge ends at once, and a brain once nobody works on anything, or its time is over. */
const orphansEndWithinMs = drainMs + 10_000

/** What of a hub of several processes, and beside it, is killed. */
export const siteParts = ['brain', 'edge', 'supervisor', 'scout'] as const
export type SitePart = (typeof siteParts)[number]

/** A program of the product, which knows nothing but `env`. */
export function spawned(command: string[], folder: string, env: Record<string, string>): Bun.Subprocess {
  return Bun.spawn([process.execPath, ...command.map((part) => (part.endsWith('main.ts') ? join(root, part) : part))], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

/** A scout that dials again at once whenever it lost its hub. `env` sets the demo provider's knobs. */
export function eagerScout(folder: string, env: Record<string, string>): Bun.Subprocess {
  const eager = `Math.random = () => 0.01; await import(${JSON.stringify(join(root, 'scout/main.ts'))})`
  return spawned(['-e', eager], folder, { PROVIDERS: 'demo', LOG_LEVEL: 'error', ...env })
}

/** Resolves once the hub at this port says that it is ready, with the milliseconds since `begin`. */
export async function readyAt(port: number, hub: Bun.Subprocess, begin: number, isWhole = () => true): Promise<number> {
  const line = new HttpLine(port, adminKey)
  for (;;) {
    const reply = await line.ask('GET', '/readyz').catch(() => null)
    const tookMs = performance.now() - begin
    if (reply?.status === 200 && isWhole()) {
      line.close()
      return tookMs
    }
    if (hub.exitCode !== null) throw new Error(`the hub ended by itself with code ${hub.exitCode}`)
    if (tookMs > startsWithinMs) throw new Error(`the hub is not ready after ${startsWithinMs} ms`)
    await Bun.sleep(lookEveryMs)
  }
}

export async function madeKey(port: number, role: 'client' | 'scout'): Promise<string> {
  const line = new HttpLine(port, adminKey)
  const { body } = await line.ask('POST', '/v1/admin/keys', JSON.stringify({ role, name: `a ${role}` }))
  line.close()
  return (JSON.parse(body) as { key: string }).key
}

export class Site {
  readonly folder = mkdtempSync(join(tmpdir(), 'chasm-durability-'))
  clientKey = ''
  private hub: Bun.Subprocess | null = null
  private readonly scouts: { child: Bun.Subprocess; spawn: () => Bun.Subprocess }[] = []
  private readonly flappers: Promise<void>[] = []
  private isClosed = false

  private constructor(
    readonly port: number,
    private readonly edges: number,
  ) {}

  /** A hub that serves; of one process, or with so many edges around its brain. */
  static async open(edges = 0): Promise<Site> {
    const site = new Site(await freePort(), edges)
    await site.start()
    site.clientKey = await madeKey(site.port, 'client')
    return site
  }

  get database(): string {
    return databaseIn(this.folder)
  }

  line(): HttpLine {
    return new HttpLine(this.port, this.clientKey)
  }

  /** Starts the hub. Resolves, once it says that it is ready, with how long that took in milliseconds. */
  async start(): Promise<number> {
    const begin = performance.now()
    const settings = { DATA_DIR: this.folder, PORT: String(this.port), ADMIN_KEY: adminKey }
    // A supervisor tells of each death that it is there for.
    const LOG_LEVEL = this.edges > 0 ? 'fatal' : 'error'
    const env = { ...settings, LOG_LEVEL, HUB_EDGES: String(this.edges) }
    this.hub = spawned(['orchestrator/main.ts'], this.folder, env)
    return this.ready(begin)
  }

  private ready(begin: number): Promise<number> {
    return readyAt(this.port, this.hub!, begin, () => this.isWhole())
  }

  /** Whether all processes of the hub are there. */
  private isWhole(): boolean {
    return this.edges === 0 || partsOf(this.hub!.pid).length === this.edges + 1
  }

  /** Ends one of these and waits until the hub is whole and ready again; resolves with how long that took. */
  async killPart(part: SitePart): Promise<number> {
    const begin = performance.now()
    if (part === 'supervisor') return this.killSupervisor()
    if (part === 'scout') await this.killScout()
    else await killed(chosen(partsOf(this.hub!.pid).filter(({ role }) => role === part)).pid)
    return this.ready(begin)
  }

  /** What it looked after ends with it, and another one finds the folder free. */
  private async killSupervisor(): Promise<number> {
    const parts = partsOf(this.hub!.pid)
    await this.kill()
    const endMs = performance.now() + orphansEndWithinMs
    while (parts.some(({ pid }) => isRunning(pid))) {
      if (performance.now() > endMs) throw new Error(`what was supervised still runs after ${orphansEndWithinMs} ms`)
      await Bun.sleep(lookEveryMs)
    }
    return this.start()
  }

  private async killScout(): Promise<void> {
    const scout = chosen(this.scouts)
    scout.child.kill('SIGKILL')
    await scout.child.exited
    scout.child = scout.spawn()
  }

  /** Ends the hub as a power cut would, but for what the disk has. */
  async kill(): Promise<void> {
    this.hub?.kill('SIGKILL')
    await this.hub?.exited
  }

  /** Tells the hub to end, and waits. Resolves with its exit code. */
  async stop(): Promise<number> {
    this.hub?.kill('SIGTERM')
    return (await this.hub?.exited) ?? 0
  }

  /** A scout that dials again at once whenever it lost the hub. `env` sets the demo provider's knobs. */
  async addScout(name: string, env: Record<string, string>): Promise<void> {
    const key = await madeKey(this.port, 'scout')
    const spawn = () => this.spawnScout(name, key, env)
    this.scouts.push({ child: spawn(), spawn })
  }

  private spawnScout(name: string, key: string, env: Record<string, string>): Bun.Subprocess {
    const who = { ORCHESTRATOR_URL: `http://127.0.0.1:${this.port}`, SCOUT_KEY: key, SCOUT_NAME: name }
    return eagerScout(this.folder, { ...who, ...env })
  }

  /** A scout that dies like a power cut within so many milliseconds, and comes back, until the site is closed. */
  async addFlapper(name: string, env: Record<string, string>, lifeMsMax: number): Promise<void> {
    const key = await madeKey(this.port, 'scout')
    const flap = async () => {
      while (!this.isClosed) {
        const child = this.spawnScout(name, key, env)
        await Promise.race([Bun.sleep(lifeMsMax * (0.2 + 0.8 * Math.random())), child.exited])
        child.kill('SIGKILL')
        await child.exited
      }
    }
    this.flappers.push(flap())
  }

  async close(): Promise<void> {
    this.isClosed = true
    await Promise.all(this.flappers)
    const parts = this.edges > 0 && this.hub !== null ? partsOf(this.hub.pid) : []
    const children = [this.hub, ...this.scouts.map(({ child }) => child)]
    for (const child of children) child?.kill('SIGKILL')
    for (const { pid } of parts) await killed(pid)
    await Promise.all(children.map((child) => child?.exited))
    rmSync(this.folder, { recursive: true })
  }
}

/** One of them, by chance. */
function chosen<One>(of: readonly One[]): One {
  return of[Math.floor(Math.random() * of.length)]!
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
