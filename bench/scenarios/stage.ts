/**
 * The processes of one scenario: hubs, fleets, load generators, the raw server; started when asked for and all ended
 * with the scenario, whatever happens in it. Also the one measurement that most scenarios share: what a load did in a
 * window, and what that cost the server.
 */
import { Fleet } from '../fleet/fleet.ts'
import { HubUnderTest } from '../fleet/hub.ts'
import { HubOfProcesses } from '../fleet/hub-of-processes.ts'
import type { Population } from '../fleet/population.ts'
import { Child, programPath, type Usage } from '../load/child.ts'
import type { CollectionLog } from '../load/collections.ts'
import { Histogram, type HistogramData } from '../load/histogram.ts'
import type { LoadCalls, Sample } from '../load/load-process.ts'
import type { RawCalls } from '../load/raw-process.ts'
import type { RawWorkerCalls } from '../load/raw-worker-process.ts'
import type { Options, Say } from './scenario.ts'

/** Dials on their way at once when nothing else is asked for; more than a listen backlog only costs retries. */
export const dialsAtOnce = 256

/** One window: what went through, and what each request cost the server. */
export interface Window extends Sample {
  perSecond: number
  cpuUs: number
  rssMb: number
}

interface Server {
  usage(): Usage
}

/** What scouts have to know of a hub. */
type Dialed = Pick<HubUnderTest, 'port' | 'scoutKey'>

export type Load = Child<LoadCalls>

export class Stage {
  private readonly closers: (() => Promise<void>)[] = []

  constructor(
    readonly options: Options,
    readonly say: Say,
  ) {}

  async hub(collections: CollectionLog | null = null, receipts: 'on' | 'off' | null = null): Promise<HubUnderTest> {
    const hub = await HubUnderTest.start(this.options.profileDir, collections, receipts)
    this.closers.push(() => hub.close())
    return hub
  }

  /** A hub of a brain and so many edges. */
  async hubOfProcesses(edges: number): Promise<HubOfProcesses> {
    const hub = await HubOfProcesses.start(edges, this.options.profileDir)
    this.closers.push(() => hub.close())
    return hub
  }

  /** Whatever has to be ended with the scenario. */
  closesWith(close: () => Promise<void>): void {
    this.closers.push(close)
  }

  /** A hub whose log nobody reads. */
  async unreadHub(): Promise<HubUnderTest> {
    const hub = await HubUnderTest.startUnread(this.options.profileDir)
    this.closers.push(() => hub.close())
    return hub
  }

  async fleet(scouts: number): Promise<Fleet> {
    const fleet = await Fleet.start(scouts, this.options)
    this.closers.push(() => fleet.close())
    return fleet
  }

  /** A hub with its fleet connected. */
  async network(scouts: number, population: Partial<Population> = {}): Promise<{ hub: HubUnderTest; fleet: Fleet }> {
    const hub = await this.hub()
    const fleet = await this.fleet(scouts)
    await this.staff(hub, fleet, scouts, population)
    return { hub, fleet }
  }

  async staff(hub: Dialed, fleet: Fleet, scouts: number, population: Partial<Population> = {}): Promise<void> {
    const { port, scoutKey: key } = hub
    const whole = { ...this.options.population, ...population }
    const seconds = await fleet.staff(scouts, whole, { port, key, dialsAtOnce })
    this.say(`${fleet.size} scouts connected (the last ${scouts} took ${seconds.toFixed(1)} s)`)
  }

  async load(): Promise<Load> {
    return this.closing(await Child.start<LoadCalls>(programPath('load/load-process.ts')))
  }

  async raw(): Promise<Child<RawCalls>> {
    return this.closing(await Child.start<RawCalls>(programPath('load/raw-process.ts')))
  }

  async rawWorker(): Promise<Child<RawWorkerCalls>> {
    return this.closing(await Child.start<RawWorkerCalls>(programPath('load/raw-worker-process.ts')))
  }

  async close(): Promise<void> {
    for (const close of this.closers.reverse()) await close()
  }

  private closing<C extends Child<never>>(child: C): C {
    this.closers.push(() => child.end())
    return child
  }
}

/** Runs `scene` on a stage of its own and clears it afterwards. */
export async function onStage<T>(options: Options, say: Say, scene: (stage: Stage) => Promise<T>): Promise<T> {
  const stage = new Stage(options, say)
  try {
    return await scene(stage)
  } finally {
    await stage.close()
  }
}

/** Measures a load for some seconds, and the server under it. `unit` is what the cost is divided by. */
export async function measure(
  load: Load,
  server: Server,
  seconds: number,
  unit: 'done' | 'chunks' = 'done',
): Promise<Window> {
  const before = server.usage()
  const sample = await load.call('measure', { seconds })
  const { cpuMs, rssMb } = server.usage()
  const cpuUs = ((cpuMs - before.cpuMs) * 1_000) / Math.max(1, sample[unit])
  return { ...sample, perSecond: sample[unit] / sample.seconds, cpuUs, rssMb }
}

/** A share of one kind of time over several windows. */
export function timeAt(
  windows: readonly Window[],
  which: 'latency' | 'added' | 'late' | 'firstAdded' | 'gapAdded',
  share: number,
): number {
  return Histogram.merged(windows.map((window): HistogramData => window[which])).at(share)
}
