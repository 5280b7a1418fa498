/**
 * The brokers that some peers rest on, started as programs of the machine on a free port of the loopback. A broker that
 * is not installed is not an error: its peers are skipped with the command that would install it.
 */
import { type AddressInfo, connect, createServer } from 'node:net'
import type { Peer } from './catalogue.ts'

type BrokerKind = NonNullable<Peer['broker']>

export interface Broker {
  url: string
  pid: number
  stop(): Promise<void>
}

interface Program {
  binary: string
  /** How to get it on Debian; elsewhere the package is called the same or nearly so. */
  advice: string
  scheme: string
  args(port: number, folder: string): string[]
}

const nats = {
  binary: 'nats-server',
  advice: 'needs nats-server: apt-get install nats-server',
  scheme: 'nats',
  args: (port: number) => ['-a', '127.0.0.1', '-p', String(port)],
}

const programs: Record<BrokerKind, Program> = {
  nats,
  jetstream: { ...nats, args: (port, folder) => [...nats.args(port), '-js', '-sd', folder] },
  redis: {
    binary: 'redis-server',
    advice: 'needs redis-server: apt-get install redis-server',
    scheme: 'redis',
    args: (port, folder) => {
      const quiet = ['--save', '', '--appendonly', 'no', '--dir', folder]
      return ['--bind', '127.0.0.1', '--port', String(port), '--maxclients', '18000', ...quiet]
    },
  },
}

const sbin = `${process.env.PATH ?? ''}:/usr/sbin:/usr/local/sbin`
const upMsMax = 10_000

function pathOf(kind: BrokerKind): string | null {
  return Bun.which(programs[kind].binary, { PATH: sbin })
}

/** What is missing for this broker and how to get it, or null. */
export function missingBroker(kind: BrokerKind): string | null {
  return pathOf(kind) === null ? programs[kind].advice : null
}

/** The version each installed broker tells of itself. */
export function brokerVersions(): Record<string, string> {
  const versions: Record<string, string> = {}
  for (const kind of ['nats', 'redis'] as const) {
    const path = pathOf(kind)
    if (path === null) continue
    const said = Bun.spawnSync([path, '--version']).stdout.toString()
    versions[programs[kind].binary] = /\d+\.\d+\.\d+/.exec(said)?.[0] ?? 'unknown'
  }
  return versions
}

/** Starts it and waits until it takes connections. What it has to keep goes into `folder`. */
export async function startBroker(kind: BrokerKind, folder: string): Promise<Broker> {
  const program = programs[kind]
  const port = await freePort()
  const command = [pathOf(kind)!, ...program.args(port, folder)]
  const child = Bun.spawn(command, { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' })
  // It would outlive a runner that is interrupted.
  const end = () => child.kill('SIGKILL')
  process.once('exit', end)
  const stop = async () => {
    process.off('exit', end)
    end()
    await child.exited
  }
  const lastMs = performance.now() + upMsMax
  while (!(await answers(port))) {
    if (child.exitCode === null && performance.now() < lastMs) continue
    await stop()
    throw new Error(`${program.binary} does not start; try it by hand to see why.`)
  }
  return { url: `${program.scheme}://127.0.0.1:${port}`, pid: child.pid, stop }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

async function answers(port: number): Promise<boolean> {
  await Bun.sleep(20)
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => resolve(false))
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
