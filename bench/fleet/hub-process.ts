/**
 * A hub as its own process: the product's own composition (`startHub`) with one setting raised, upgrades per second
 * and address, because a whole fleet dials from this machine. `hub.ts` starts it, restarts it on the same data folder
 * and port, and reads its cost from /proc.
 */

import { heapSize, heapStats } from 'bun:jsc'
import { pino } from 'pino'
import type { Network } from '../../orchestrator/cluster/network.ts'
import { firstClientKey } from '../../orchestrator/first-keys.ts'
import { createLog, type Logger } from '../../orchestrator/log.ts'
import { type Hub, startHub } from '../../orchestrator/main.ts'
import { realSystem } from '../../shared/system.ts'
import { answerCalls } from '../load/calls.ts'
import { benchConfig } from './hub-config.ts'
import { type Turns, TurnWatch } from './turn-watch.ts'

/** A whole fleet dials at once. */
const upgradesPerSecond = 1_000_000

/** What the hub's process holds after a full collection. */
export interface Heap {
  heapMb: number
  /**
   * What native code has allocated beside the collector's heap, buffers and the database's cache among it; and what the
   * allocator counts as committed, which it does not take back when it returns pages.
   */
  nativeMb: number
  committedMb: number
  /** Objects of the heap, by type. */
  types: Record<string, number>
}

/** What the hub's process holds now, by kind and without a collection. */
export interface Kinds {
  /** What the collector has reserved for the heap, and what objects hold outside of it. */
  capacityMb: number
  extraMb: number
  nativeMb: number
  committedMb: number
}

/** With the part that the runtime's types leave out. */
type HeapStats = ReturnType<typeof heapStats> & {
  mimalloc: Record<'malloc_normal' | 'malloc_huge' | 'committed', { current: number }>
}

const mib = 2 ** 20
const turns = new TurnWatch()
const silent = pino({ level: 'silent' })
let hub: Hub | null = null
/** A hub whose log is tried writes so many lines every so often, and many more once it is told to. */
const calmLines = { count: 1, everyMs: 10 }
const loudLines = { count: 20, everyMs: 5 }

function keepLogging(log: Logger): void {
  const write = ({ count, everyMs }: typeof calmLines) =>
    setInterval(() => {
      for (let line = 0; line < count; line++) log.debug({ line, text: 'x'.repeat(100) }, 'a line that nobody reads')
    }, everyMs)
  write(calmLines)
  process.once('SIGUSR2', () => void write(loudLines))
}

/** The allocator serves the collector, too: what that has reserved is told apart. */
function nativeOf({ heapCapacity, mimalloc }: Pick<HeapStats, 'heapCapacity' | 'mimalloc'>) {
  const { malloc_normal, malloc_huge, committed } = mimalloc
  const allocated = malloc_normal.current + malloc_huge.current
  return { nativeMb: (allocated - heapCapacity) / mib, committedMb: committed.current / mib }
}

export interface Opening {
  port: number
  dataDir: string
  logs: boolean
  /** The servers between the hubs of its network; none for a hub by itself. */
  servers: readonly string[]
  /** Whether it gives receipts; null for what the environment says. */
  receipts: 'on' | 'off' | null
}

/** The hub's part in a network, whose identity and roster are in its folder. */
async function networkOf({ dataDir, servers }: Opening): Promise<Network | null> {
  if (servers.length === 0) return null
  const { openNetwork } = await import('../../orchestrator/cluster/network.ts')
  const { memoryStore } = await import('../../orchestrator/store/memory/store.ts')
  const settings = { dataDir, servers, isSecure: false, login: null, roster: null }
  const network = openNetwork(settings, { system: realSystem(), log: silent, copies: memoryStore() })
  if ('flaw' in network) throw new Error(network.flaw)
  return network
}

const calls = {
  /** Listens on every address of the machine, for fleets larger than one address has ports. */
  async open(opening: Opening) {
    const { port, dataDir, logs, receipts } = opening
    const log = logs ? createLog('debug') : silent
    if (logs) keepLogging(log)
    const config = benchConfig({ ...process.env, ...(receipts !== null && { RECEIPTS: receipts }) }, { port, dataDir })
    const network = await networkOf(opening)
    const started = startHub({
      ...(network !== null && { network }),
      config,
      log,
      gateway: {
        upgradesPerSecond,
        upgradesPerSecondPerOperator: upgradesPerSecond,
        // All honest scouts have one key.
        descriptorShareOfOperator: 1,
      },
    })
    if ('flaw' in started) throw new Error(started.flaw)
    hub = started
    const clientKey = firstClientKey(started.keyring)
    // Keys outlive a restart, and are shown once.
    return clientKey === undefined
      ? { port: started.port, keys: null }
      : { port: started.port, keys: { clientKey, scoutKey: started.keyring.issue('scout', 'fleet').key } }
  },

  /** Keys of somebody else: their scouts are another operator's, their requests another tenant's. */
  strangersKeys(_: null): { scoutKey: string; clientKey: string } {
    const { keyring } = hub!
    return { scoutKey: keyring.issue('scout', 'stranger').key, clientKey: keyring.issue('client', 'stranger').key }
  },

  adminKey: (_: null) => hub!.keyring.issue('admin', 'operator').key,

  stats: (_: null) => hub!.engine.stats(),

  /** Durable intents that are under way here. */
  openIntents: (_: null) => hub!.engine.core.state.intents.size,

  /** Of each other hub of its network that is here, what it may be given of this model now. */
  creditsOfOthers(model: string): { hub: string; credits: number }[] {
    return hub!.engine.scouts().flatMap(({ operator, credits, offers }) => {
      const offersIt = offers.some((offer) => offer.model === model)
      return operator.startsWith('hub:') && offersIt ? [{ hub: operator.slice('hub:'.length), credits }] : []
    })
  },

  /** Microseconds of one look at the counts, which the charts take every two seconds. */
  statsUs(_: null): number {
    const looks = 500
    const beganMs = performance.now()
    for (let at = 0; at < looks; at++) hub!.engine.stats()
    return ((performance.now() - beganMs) * 1_000) / looks
  },

  collect: (_: null) => Bun.gc(true),

  /** The JavaScript heap, and the longest turns of the loop since the last call; the first call starts the watch. */
  memory(_: null): Turns & { heapMb: number } {
    return { heapMb: heapSize() / mib, ...turns.take() }
  },

  kinds(_: null): Kinds {
    const stats = heapStats() as HeapStats
    return { capacityMb: stats.heapCapacity / mib, extraMb: stats.extraMemorySize / mib, ...nativeOf(stats) }
  },

  /** Collects twice: what the first collection finalizes is only freed by the next one. */
  heap(_: null): Heap {
    Bun.gc(true)
    Bun.gc(true)
    const stats = heapStats() as HeapStats
    return { heapMb: stats.heapSize / mib, ...nativeOf(stats), types: stats.objectTypeCounts }
  },
}

export type HubCalls = typeof calls

answerCalls(calls)
