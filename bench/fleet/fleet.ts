/**
 * A fleet, seen from a scenario: scouts divided among processes, because one process has descriptors for some 20,000
 * sockets, and among addresses 127.0.0.x of the hub, because one pair of addresses has some 28,000 ports. The machine
 * is shared, so by default there are only as many processes as have to be. `fleet-process.ts` is one of them.
 */
import { scoutPath } from '../../shared/protocol/frames.ts'
import { sleep } from '../load/calls.ts'
import { Child, profileFlags, programPath } from '../load/child.ts'
import type { FleetCalls, Span, Staffing } from './fleet-process.ts'
import type { Population } from './population.ts'

/** Scouts per process, and per address of the hub, at most. */
const scoutsPerProcess = 15_000
const scoutsPerAddress = 20_000
const pollMs = 100

export interface Dialing {
  port: number
  key: string
  /** Dials on their way at once, in all processes together. */
  dialsAtOnce: number
}

interface FleetOptions {
  processes: number
  profileDir: string | null
}

export class Fleet {
  size = 0
  private constructor(private readonly children: Child<FleetCalls>[]) {}

  /** Processes without scouts; at least so many as this number of scouts will need. */
  static async start(scouts: number, { processes, profileDir }: FleetOptions): Promise<Fleet> {
    const count = Math.max(processes, Math.ceil(scouts / scoutsPerProcess))
    const flags = profileFlags(profileDir)
    const start = () => Child.start<FleetCalls>(programPath('fleet/fleet-process.ts'), flags)
    return new Fleet(await Promise.all(Array.from({ length: count }, start)))
  }

  /** Adds scouts. Resolves when all of them are connected, with how many seconds that took. */
  async staff(count: number, population: Population, dialing: Dialing): Promise<number> {
    const spans = this.divide(count, dialing, (child, staffing) => child.call('staff', { staffing, population }))
    this.size += count
    return secondsOf(await spans)
  }

  /** Opens bare sockets instead of scouts. */
  async dialBare(count: number, dialing: Dialing): Promise<number> {
    return secondsOf(await this.divide(count, dialing, (child, staffing) => child.call('dialBare', staffing)))
  }

  private divide(
    count: number,
    { port, key, dialsAtOnce }: Dialing,
    call: (child: Child<FleetCalls>, staffing: Staffing) => Promise<Span>,
  ): Promise<Span[]> {
    const addresses = Math.ceil((this.size + count) / scoutsPerAddress)
    const urls = Array.from({ length: addresses }, (_, i) => `ws://127.0.0.${i + 1}:${port}${scoutPath}`)
    const share = this.children.length
    let first = this.size
    return Promise.all(
      this.children.map((child, i) => {
        const part = Math.floor(count / share) + (i < count % share ? 1 : 0)
        const staffing = { count: part, first, urls, key, dialsAtOnce: Math.max(1, Math.ceil(dialsAtOnce / share)) }
        first += part
        return part === 0 ? { beganMs: Number.POSITIVE_INFINITY, endedMs: 0 } : call(child, staffing)
      }),
    )
  }

  connected(): Promise<number> {
    return this.sum('connected')
  }

  /** Sessions of all scouts so far. */
  welcomes(): Promise<number> {
    return this.sum('welcomes')
  }

  /** Sockets of scouts so far that ended though no hub had asked for that, as it does to balance its edges. */
  dropped(): Promise<number> {
    return this.sum('dropped')
  }

  private async sum(count: 'connected' | 'welcomes' | 'dropped'): Promise<number> {
    const counts = await Promise.all(this.children.map((child) => child.call(count, null)))
    return counts.reduce((sum, some) => sum + some, 0)
  }

  /** Seconds until this share of the fleet is connected; throws when that takes longer than `limitSeconds`. */
  async returned(share: number, limitSeconds: number, progress: (connected: number) => void): Promise<number> {
    const beganMs = performance.now()
    for (;;) {
      const connected = await this.connected()
      const seconds = (performance.now() - beganMs) / 1_000
      if (connected >= this.size * share) return seconds
      if (seconds > limitSeconds) throw new Error(`only ${connected} of ${this.size} scouts were back in time`)
      progress(connected)
      await sleep(pollMs)
    }
  }

  /** From now on so many scouts per second lose their socket and dial again. */
  async flap(perSecond: number): Promise<void> {
    const each = perSecond / this.children.length
    await Promise.all(this.children.map((child) => child.call('flap', { perSecond: each })))
  }

  /** The first process stops in its tracks: its scouts hold their sockets and read nothing. */
  freeze(): void {
    this.children[0]!.signal('SIGSTOP')
  }

  thaw(): void {
    this.children[0]!.signal('SIGCONT')
  }

  /** Of its processes. */
  get pids(): number[] {
    return this.children.map(({ pid }) => pid)
  }

  cpuMs(): number {
    return this.children.reduce((sum, child) => sum + child.usage().cpuMs, 0)
  }

  async close(): Promise<void> {
    await Promise.all(this.children.map((child) => child.end()))
  }
}

function secondsOf(spans: Span[]): number {
  const began = Math.min(...spans.map(({ beganMs }) => beganMs))
  return (Math.max(...spans.map(({ endedMs }) => endedMs)) - began) / 1_000
}
