/**
 * Real NATS servers on loopback: one, or several that know each other. As this machine has the program, or as its
 * package manager has it where this process may install packages. Where there is none, `findNats` says why, for the
 * name of a skipped suite.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../clocks/until.ts'
import { installObstacle, installPackages } from '../../machine/apt.ts'

type Found = { path: string } | { reason: string }

/** Installs it once, where that is possible. */
export async function findNats(): Promise<Found> {
  const found = onPath()
  if (found !== null) return { path: found }
  const obstacle = installObstacle()
  if (obstacle !== null) return { reason: `no nats-server in PATH, and ${obstacle}` }
  const failure = await installPackages('nats-server')
  const installed = onPath()
  return installed === null ? { reason: `nats-server could not be installed: ${failure}` } : { path: installed }
}

function onPath(): string | null {
  // Debian puts it where the path of an ordinary user does not look.
  return Bun.which('nats-server') ?? (existsSync('/usr/sbin/nats-server') ? '/usr/sbin/nats-server' : null)
}

/** Where a server keeps its streams, also while it is not running. */
const streamsFolder = 'streams'

/** Ports that nobody listens on now. */
export function freePorts(count: number): number[] {
  const socket = { data() {} }
  const listeners = Array.from({ length: count }, () => Bun.listen({ hostname: '127.0.0.1', port: 0, socket }))
  const ports = listeners.map(({ port }) => port)
  for (const listener of listeners) listener.stop(true)
  return ports
}

const anyClusterPort = 'nats://127.0.0.1:-1'

interface Ports {
  nats: string[]
  cluster?: string[]
}

export class NatsServer {
  private child: Bun.Subprocess | null = null
  private readonly folder = mkdtempSync(join(tmpdir(), 'chasm-nats-'))
  private ports: Ports = { nats: [] }

  private constructor(
    private readonly program: string,
    private readonly options: string[],
  ) {}

  static async start(program: string, ...options: string[]): Promise<NatsServer> {
    const server = new NatsServer(program, options)
    await server.run('-1')
    return server
  }

  /** Servers that know each other, the first one first. */
  static async cluster(program: string, count: number): Promise<NatsServer[]> {
    const own = ['--cluster_name', 'test', '--cluster', anyClusterPort]
    const servers = [await NatsServer.start(program, ...own)]
    const route = servers[0]!.ports.cluster![0]!
    while (servers.length < count) servers.push(await NatsServer.start(program, ...own, '--routes', route))
    return servers
  }

  /** One with JetStream, or several that keep its streams together. */
  static async withStreams(program: string, count: number): Promise<NatsServer[]> {
    const ports = freePorts(count)
    const routes = ports.map((port) => `nats://127.0.0.1:${port}`)
    const starting = ports.map((_, at) => {
      const own = ['--cluster_name', 'test', '--cluster', routes[at]!, '--routes', routes.join(',')]
      return NatsServer.start(program, '-js', '--server_name', `test-${at}`, ...(count > 1 ? own : []))
    })
    return await Promise.all(starting)
  }

  /** `host:port`, as a hub dials it. */
  get address(): string {
    return this.ports.nats[0]!.replace(/^.*\/\//, '')
  }

  /** Of its process. */
  get pid(): number {
    return this.child!.pid
  }

  /** Ends it at once. */
  async kill(): Promise<void> {
    this.child?.kill('SIGKILL')
    await this.child?.exited
    this.child = null
  }

  /** Starts it again on the ports it had. */
  async restart(): Promise<void> {
    await this.run(this.address.replace(/^.*:/, ''))
  }

  /** It stands still, and its sockets stay open; or goes on. */
  stall(isStalled: boolean): void {
    this.child?.kill(isStalled ? 'SIGSTOP' : 'SIGCONT')
  }

  async remove(): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }

  private async run(port: string): Promise<void> {
    for (const name of readdirSync(this.folder)) if (name !== streamsFolder) rmSync(join(this.folder, name))
    const own = this.options.map((option) => (option === anyClusterPort ? (this.ports.cluster?.[0] ?? option) : option))
    const where = ['-a', '127.0.0.1', '-p', port, '--ports_file_dir', this.folder]
    if (own.includes('-js')) where.push('--store_dir', join(this.folder, streamsFolder))
    const child = Bun.spawn([this.program, ...where, ...own], { stdio: ['ignore', 'ignore', 'ignore'] })
    this.child = child
    let ports: Ports | undefined
    await until('the ports of a NATS server', () => {
      if (child.exitCode !== null) throw new Error(`nats-server ended with code ${child.exitCode}`)
      ports = this.readPorts()
      return ports !== undefined
    })
    this.ports = ports!
  }

  private readPorts(): Ports | undefined {
    const name = readdirSync(this.folder).find((file) => file.endsWith('.ports'))
    const text = name === undefined ? '' : readFileSync(join(this.folder, name), 'utf8')
    // It is written in one go, but may be looked at before.
    return text.trimEnd().endsWith('}') ? (JSON.parse(text) as Ports) : undefined
  }
}
