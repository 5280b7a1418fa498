/**
 * Plays one round of one peer: broker, server and workers start from nothing, the load runs once, and everything ends.
 * Each round stands alone, so that peers never share the machine with each other's idle connections. The runner decides
 * whose turn it is; the load generator measures.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Broker, startBroker } from './broker.ts'
import type { Peer } from './catalogue.ts'
import type { LoadResult, LoadSetting } from './load.ts'
import { PeerChild } from './peer-child.ts'
import { descriptorLimit } from './processes.ts'
import { answerText } from './work.ts'

export interface RoundSettings {
  workers: number
  inFlight: number
  warmMs: number
  windowMs: number
  /** Requests per second of a second window, in which only the server's cost is read; 0 leaves it out. */
  pacedPerSecond: number
  /** Processes over which a peer's workers are spread, if their descriptors allow so few. */
  workerProcesses: number
}

export interface Round extends LoadResult {
  workers: number
  /** From the start of the first worker's process until all were connected. */
  connectMs: number
}

/** The slack a load may take beyond its time before it counts as stuck. */
const loadSlackMs = 30_000
/** No more of a process's descriptors are planned for: at the limit itself runtimes spin. */
const descriptorShare = 0.8
/** Descriptors a worker may need: a webhook scout listens and holds a connection, a BullMQ worker holds two. */
const descriptorsPerWorker = 2

const runtimes = { bun: process.execPath, node: 'node' }

/** Workers of this peer that take part, of those asked for. */
function workersOf(peer: Peer, asked: number): number {
  return Math.min(asked, peer.workersMax, Math.floor(descriptorLimit() * descriptorShare))
}

/** Rejects with one sentence when a part of the peer does not start or the load does not end. */
export async function playRound(peer: Peer, settings: RoundSettings): Promise<Round> {
  const folder = mkdtempSync(join(tmpdir(), 'chasm-peer-'))
  const sweep = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', sweep)
  const children: PeerChild[] = []
  const start = (part: string, command: string[], setting: object) => {
    const child = PeerChild.spawn(`${peer.name} ${part}`, command, { answer: answerText, folder, ...setting })
    children.push(child)
    return child
  }
  let broker: Broker | null = null
  try {
    if (peer.broker !== null) broker = await startBroker(peer.broker, folder)
    const url = broker?.url ?? ''
    const server = start('server', [runtimes[peer.server.runtime], peer.server.file], {
      url,
      isBare: peer.server.isBare ?? false,
    })
    const facts = await server.ready()
    const workers = workersOf(peer, settings.workers)
    const startMs = performance.now()
    const crew = startWorkers(peer, workers, settings.workerProcesses, (setting) => {
      const shared = { url: facts.url, broker: url, key: facts.workerKey ?? '', ...setting }
      return start('worker', [runtimes[peer.worker!.runtime], peer.worker!.file], shared)
    })
    await Promise.all(crew.map((child) => child.ready()))
    const connectMs = performance.now() - startMs
    const load: LoadSetting = {
      url: facts.url!,
      key: facts.key ?? '',
      inFlight: settings.inFlight,
      warmMs: settings.warmMs,
      windowMs: settings.windowMs,
      pacedPerSecond: settings.pacedPerSecond,
      serverPids: [server.pid, ...(broker === null ? [] : [broker.pid])],
      workerPids: crew.map(({ pid }) => pid),
    }
    const generator = start('load', [process.execPath, 'runner/load.ts'], load)
    const msMax = settings.warmMs + 2 * settings.windowMs + loadSlackMs
    return { ...(await generator.line<LoadResult>('result ', msMax)), workers, connectMs }
  } finally {
    await Promise.all(children.map((child) => child.kill()))
    await broker?.stop()
    process.off('exit', sweep)
    sweep()
  }
}

function startWorkers(
  peer: Peer,
  workers: number,
  processesMin: number,
  start: (setting: { first: number; count: number }) => PeerChild,
): PeerChild[] {
  if (peer.worker === null || workers === 0) return []
  const perProcessMax = Math.floor((descriptorLimit() * descriptorShare) / descriptorsPerWorker)
  const processes = Math.min(workers, Math.max(processesMin, Math.ceil(workers / perProcessMax)))
  const perProcess = Math.ceil(workers / processes)
  return Array.from({ length: processes }, (_, index) => {
    const first = index * perProcess
    return start({ first, count: Math.max(0, Math.min(perProcess, workers - first)) })
  })
}
