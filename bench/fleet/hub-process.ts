/**
 * A hub as its own process: the product's own composition (`startHub`) with one setting raised, upgrades per second
 * and address, because a whole fleet dials from this machine. `hub.ts` starts it, restarts it on the same data folder
 * and port, and reads its cost from /proc.
 */
import { heapSize } from 'bun:jsc'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { pino } from 'pino'
import { firstClientKey } from '../../orchestrator/first-keys.ts'
import { type Hub, startHub } from '../../orchestrator/main.ts'
import { answerCalls } from '../load/calls.ts'

/** A whole fleet dials at once. */
const upgradesPerSecond = 1_000_000

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

  stats: (_: null) => hub!.engine.stats(),

  collect: (_: null) => Bun.gc(true),

  /** The JavaScript heap, and the longest stall of the event loop since the last call; the first call starts it. */
  memory(_: null): { heapMb: number; stallMs: number } {
    stalls.enable()
    const stallMs = stalls.max / 1e6
    stalls.reset()
    return { heapMb: heapSize() / 2 ** 20, stallMs }
  },
}

export type HubCalls = typeof calls

answerCalls(calls)
