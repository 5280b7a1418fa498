/**
 * A hub as its own process: the product's own composition (`startHub`) with one setting raised, upgrades per second
 * and address, because a whole fleet dials from this machine. `hub.ts` starts it, restarts it on the same data folder
 * and port, and reads its cost from /proc.
 */

import { heapSize, heapStats } from 'bun:jsc'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { pino } from 'pino'
import { firstClientKey } from '../../orchestrator/first-keys.ts'
import { type Hub, startHub } from '../../orchestrator/main.ts'
import { requestBodyBytesDefault } from '../../shared/limits/http.ts'
import { answerCalls } from '../load/calls.ts'

/** A whole fleet dials at once. */
const upgradesPerSecond = 1_000_000

/** What the hub's process holds after a full collection. */
export interface Heap {
  heapMb: number
  /** What native code has allocated, buffers and the database's cache among it, and what the allocator keeps. */
  nativeMb: number
  committedMb: number
  /** Objects of the heap, by type. */
  types: Record<string, number>
}

/** The part of the runtime's statistics that its types leave out. */
interface Allocator {
  mimalloc: Record<'malloc_normal' | 'malloc_huge' | 'committed', { current: number }>
}

/** One timer; how much later than due it fires is how long the loop was not free. */
const stalls = monitorEventLoopDelay({ resolution: 5 })
const silent = pino({ level: 'silent' })
let hub: Hub | null = null

const calls = {
  /** Listens on every address of the machine, for fleets larger than one address has ports. */
  open({ port, dataDir }: { port: number; dataDir: string }) {
    const config = {
      host: '0.0.0.0',
      port,
      dataDir,
      adminKey: null,
      logLevel: 'silent',
      trustedProxies: [],
      privateUrls: 'refuse',
      requestBytesMax: requestBodyBytesDefault,
    } as const
    const started = startHub({
      config,
      log: silent,
      gateway: { upgradesPerSecond, upgradesPerSecondPerOperator: upgradesPerSecond },
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

  stats: (_: null) => hub!.engine.stats(),

  collect: (_: null) => Bun.gc(true),

  /** The JavaScript heap, and the longest stall of the event loop since the last call; the first call starts it. */
  memory(_: null): { heapMb: number; stallMs: number } {
    stalls.enable()
    const stallMs = stalls.max / 1e6
    stalls.reset()
    return { heapMb: heapSize() / 2 ** 20, stallMs }
  },

  /** Collects twice: what the first collection finalizes is only freed by the next one. */
  heap(_: null): Heap {
    Bun.gc(true)
    Bun.gc(true)
    const { heapSize: bytes, objectTypeCounts, mimalloc } = heapStats() as ReturnType<typeof heapStats> & Allocator
    const nativeMb = (mimalloc.malloc_normal.current + mimalloc.malloc_huge.current) / 2 ** 20
    const committedMb = mimalloc.committed.current / 2 ** 20
    return { heapMb: bytes / 2 ** 20, nativeMb, committedMb, types: objectTypeCounts }
  },
}

export type HubCalls = typeof calls

answerCalls(calls)
