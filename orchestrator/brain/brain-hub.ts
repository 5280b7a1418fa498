/**
 * The brain as a process: the engine with the store, but no socket of a client or a scout. Edges dial in to it over
 * Unix sockets, one for messages and one for the requests that only it can answer.
 */
import { rmSync } from 'node:fs'
import {
  balanceEveryMs,
  brainLeaveMs,
  drainMs,
  edgesGatherMs,
  edgesStopMs,
  goneHoldMs,
} from '../../shared/limits/process.ts'
import { every, type System } from '../../shared/system.ts'
import { AccountWatch } from '../accounts/account-watch.ts'
import { HubAccounts } from '../accounts/accounts.ts'
import type { Network } from '../cluster/network.ts'
import type { Config } from '../config.ts'
import type { CoreSettings } from '../core/settings.ts'
import { addressFromEdge } from '../edge/brain-http.ts'
import { HubEngine } from '../engine/engine.ts'
import { Keyring } from '../engine/keyring.ts'
import type { EngineDefect } from '../engine/ports/defect.ts'
import { connectionsMax, requestsMax } from '../gateway/descriptors.ts'
import { fits } from '../gateway/frame-links.ts'
import type { Figures } from '../http/figures.ts'
import type { Builds, HttpSettings, Log, Page } from '../http/request-context.ts'
import { serveHub } from '../http/server.ts'
import type { ToBrain, ToEdgeOf } from '../link/control.ts'
import { brainHttpPath, brainPath, forgetRunFolder, noteRunFolder } from '../link/run-folder.ts'
import { listenLinks } from '../link/unix-socket.ts'
import { pageHosts } from '../page-address.ts'
import { planner, plannerFunctions } from '../planner/planner.ts'
import { type DataFolder, openDataFolder } from '../store/data-folder.ts'
import type { TrustSettings } from '../trust/desk/parts.ts'
import type { TrustDesk } from '../trust/trust-desk.ts'
import type { BalanceRules } from './balance.ts'
import { Edges } from './edges.ts'
import { openLedger } from './open-ledger.ts'
import { openTrust } from './open-trust.ts'
import { PeerHubs } from './peer-hubs.ts'

interface BrainHubOptions {
  config: Config
  /** Where the sockets between the processes of this hub are. */
  runDir: string
  system: System
  log: Log
  core?: Partial<CoreSettings>
  http?: Partial<HttpSettings>
  trust?: Partial<TrustSettings>
  /** The page for people; without it `GET /` has a text for everybody. */
  page?: Page
  builds?: Builds
  /** Its part in a network of hubs, null for none; stopped with the hub. */
  network?: Network | null
  /** Edges that outlived the last brain, and come back to this one. */
  awaited?: number
  /** When scouts are moved from one edge to another. */
  balance?: BalanceRules & { everyMs: number }
  /** It was told to make room for another brain. */
  onLeave?: () => void
  onDefect: (defect: EngineDefect) => void
}

export interface BrainHub {
  engine: HubEngine
  keyring: Keyring
  accounts: HubAccounts
  /** Null where `TRUST` is off. */
  trust: TrustDesk | null
  /** Edges that are there. */
  edges(): number
  /** Stops taking work, lets what is under way finish within `drainMs`, then closes edges and store. */
  stop(): Promise<void>
  /** Makes room for another brain: writes out what is decided and leaves the edges to that one. */
  leave(): Promise<void>
}

type Shown = ReturnType<typeof serveHub>

const stopPollMs = 10
const leaving = 'the orchestrator is restarting'
const noScoutsHere = 'Scouts dial the edges of this orchestrator, and never its brain.'

/** Starts a brain, or says in one sentence why it cannot. */
export function startBrain(options: BrainHubOptions): BrainHub | { flaw: string } {
  const { config, runDir, system, log, awaited = 0, onLeave = () => {}, network = null } = options
  const folder = openDataFolder(config.dataDir, 'hub', system)
  if ('flaw' in folder) return folder
  const { store } = folder
  const keyring = new Keyring(store, folder.pepper, system, config.adminKey ?? undefined)
  const epoch = store.nextEpoch()
  const ledger = openLedger(config, folder, system)
  if (ledger !== null && 'flaw' in ledger) {
    folder.close()
    return ledger
  }
  const edges: Edges = new Edges({
    ...{ engine: () => engine, epoch, awaited, leave: onLeave, canCarry: fits, shown: () => http, log, network },
    ...(options.balance && { balance: options.balance }),
  })
  const engine: HubEngine = new HubEngine({
    ...{ system, store, links: edges, epoch, onDefect: options.onDefect, goneHoldMs, ledger },
    planner: plannerFunctions,
    ...(network && { taskEpoch: network.taskEpoch(epoch) }),
    // On the very first start there is no fleet that could be on its way back.
    settings: epoch === 1 ? { bootGraceMs: 0, ...options.core } : { ...options.core },
  })
  network?.share(engine)
  network?.shareKeys(keyring, store, engine.tenants)
  const peers = network && new PeerHubs({ system, engine, edges, network, log })
  engine.start()
  for (const { intent, reason } of engine.intents.setAside) log.error({ intent, reason }, 'an intent was set aside')
  const accounts = new HubAccounts({ store, keyring, system, signup: config.signup })
  const watch = new AccountWatch(store, keyring, system)
  const http: Shown = serve(options, { engine, keyring, accounts, edges })
  // Edges read of it in the audit log.
  keyring.onDropped(http.keyDropped)
  watch.start()
  peers?.start()
  const trust = openTrust({ config, ledger, changes: options.trust, engine, keyring, store, system })
  const door = listenLinks<ToBrain<Figures>, ToEdgeOf>(system, brainPath(runDir), (link) => edges.met(link))
  noteRunFolder(config.dataDir, runDir)
  if (awaited > 0) system.after(edgesGatherMs, () => edges.gathered())
  const balancing = every(system, options.balance?.everyMs ?? balanceEveryMs, () => edges.balance())
  const parts = { options, engine, edges, http, door, folder, watch, balancing, peers }
  const ends = { stop: () => stop(parts), leave: () => leave(parts) }
  return { engine, keyring, accounts, trust, edges: () => edges.size, ...ends }
}

interface RunningBrain {
  options: BrainHubOptions
  engine: HubEngine
  edges: Edges
  http: Shown
  /** Where edges dial. */
  door: { stop(): void }
  folder: DataFolder
  watch: AccountWatch
  balancing: { cancel(): void }
  peers: PeerHubs | null
}

async function stop({ options, engine, edges, http, door, folder, watch, balancing, peers }: RunningBrain) {
  const { config, system, network } = options
  balancing.cancel()
  edges.tellAll({ type: 'drain', reason: leaving })
  network?.drain(leaving)
  await Promise.race([engine.drain(), after(system, drainMs)])
  edges.stop()
  // What they have for the books comes before their end.
  for (let waitedMs = 0; edges.size > 0 && waitedMs < edgesStopMs; waitedMs += stopPollMs) {
    await after(system, stopPollMs)
  }
  watch.stop()
  await peers?.stop()
  engine.stop()
  await http.stop()
  door.stop()
  forgetRunFolder(config.dataDir)
  folder.close()
}

async function leave({ options, engine, edges, http, door, folder, watch, balancing, peers }: RunningBrain) {
  const { system } = options
  balancing.cancel()
  edges.part()
  // Before another one is there to listen at the same path.
  door.stop()
  watch.stop()
  await peers?.stop()
  engine.stop()
  await Promise.race([http.stop(), after(system, brainLeaveMs)])
  folder.close()
}

interface BrainParts {
  engine: HubEngine
  keyring: Keyring
  accounts: HubAccounts
  edges: Edges
}

/** For the requests that edges pass on. */
function serve(options: BrainHubOptions, { engine, keyring, accounts, edges }: BrainParts): Shown {
  const { config, runDir, system, log, page, builds, network } = options
  const { corsOrigins, requestBytesMax, publicUrl } = config
  // Left behind by a brain that was killed.
  rmSync(brainHttpPath(runDir), { force: true })
  return serveHub({
    listen: { unix: brainHttpPath(runDir) },
    engine,
    intents: engine.intents,
    planner,
    keyring,
    ...(page && { page }),
    ...(builds && { builds }),
    ...(network && { network }),
    accounts,
    system,
    clientOf: (_peer, headers) => addressFromEdge(headers),
    scoutsOf: (key) => edges.openOf(key).scouts,
    streamsOfOthers: (key) => edges.openOf(key).streams,
    port: () => edges.port ?? config.port,
    upgradeScout: () => new Response(noScoutsHere, { status: 404 }),
    websocket: { message() {} },
    // Each forwarded request is a connection here; edges are few.
    requestsMax: () => requestsMax(connectionsMax()),
    log,
    settings: {
      ...{ corsOrigins, requestBytesMax, publicUrl, pageHosts: pageHosts(config.host) },
      allowsPrivateUrls: config.privateUrls === 'allow',
      ...options.http,
    },
    metricsOfOthers: () => edges.metrics(),
  })
}

function after(system: System, ms: number): Promise<void> {
  return new Promise((resolve) => system.after(ms, resolve))
}
