/**
 * A hub of a brain and edges under measurement, seen from a scenario: this process looks after the parts, as the
 * product's own supervisor does, and reads what each has cost.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ready } from '../../orchestrator/banner.ts'
import { awaits } from '../../orchestrator/brain/brain-process.ts'
import { HubProcesses } from '../../orchestrator/hub-processes.ts'
import { realSystem } from '../../shared/system.ts'
import { cpuMsOfPid, profileFlags, programPath, rssOfPid, type Usage } from '../load/child.ts'
import type { Target } from '../load/http-connection.ts'
import { type HubPart, killed, listenersAt, partsOf } from './hub-parts.ts'

/** What all parts of one kind have cost. */
export type Costs = Record<HubPart['role'], Usage>

export class HubOfProcesses {
  private readonly ended: Promise<number>

  private constructor(
    private readonly folder: string,
    private readonly processes: HubProcesses,
    ready: Promise<Ready>,
    ended: Promise<number>,
  ) {
    this.ended = ended
    this.ready = ready
  }

  private readonly ready: Promise<Ready>
  port = 0
  scoutKey = ''
  private clientKey = ''

  /** `profileDir` makes its parts write processor profiles there when they end. */
  static async start(edges: number, profileDir: string | null): Promise<HubOfProcesses> {
    const folder = mkdtempSync(join(tmpdir(), 'chasm-bench-cores-'))
    const program = [process.execPath, ...profileFlags(profileDir), programPath('fleet/hub-part-process.ts')]
    const ready = Promise.withResolvers<Ready>()
    const processes = new HubProcesses({
      commands: {
        brain: (awaited) => [...program, 'brain', folder, join(folder, 'data'), 'scout', `${awaits}${awaited}`],
        edge: [...program, 'edge', folder, join(folder, 'data')],
      },
      ...{ edges, port: 0, pageAt: () => '', env: process.env, system: realSystem() },
      log: { warn() {}, error() {} },
      onReady: ready.resolve,
    })
    const hub = new HubOfProcesses(folder, processes, ready.promise, processes.run())
    await hub.open(edges)
    return hub
  }

  private async open(edges: number): Promise<void> {
    const { url, scoutKey, clientKey } = await this.ready
    this.port = Number(new URL(url).port)
    this.scoutKey = scoutKey
    this.clientKey = clientKey!
    // Before the last of them listens, all that dial get to the others.
    while (listenersAt(this.port) < edges) await Bun.sleep(1)
  }

  target(bodies: string[]): Target {
    return { port: this.port, path: '/v1/chat/completions', key: this.clientKey, bodies }
  }

  /** The processes of one kind. Those of other hubs are children of this process, too. */
  parts(wanted: HubPart['role']): number[] {
    return partsOf(process.pid, this.folder).flatMap(({ role, pid }) => (role === wanted ? [pid] : []))
  }

  costs(): Costs {
    const of = (role: HubPart['role']): Usage => {
      const pids = this.parts(role)
      const sum = (read: (pid: number) => number) => pids.reduce((total, pid) => total + read(pid), 0)
      return { cpuMs: sum(cpuMsOfPid), rssMb: sum((pid) => rssOfPid(pid).rssMb) }
    }
    return { brain: of('brain'), edge: of('edge') }
  }

  /** Of all parts together. */
  usage(): Usage {
    const { brain, edge } = this.costs()
    return { cpuMs: brain.cpuMs + edge.cpuMs, rssMb: brain.rssMb + edge.rssMb }
  }

  /** As `kill -9` does; its supervisor starts another one. */
  async kill(role: HubPart['role']): Promise<void> {
    await killed(this.parts(role)[0]!)
  }

  async close(): Promise<void> {
    this.processes.signal()
    await this.ended
    rmSync(this.folder, { recursive: true, force: true })
  }
}
