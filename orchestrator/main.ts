/**
 * The orchestrator's composition root: config, data folder, keys, engine, gateway, HTTP, signals, in that order. It is
 * the only file that knows every adapter. `startHub` is the whole hub for whoever wants one inside a process (tests,
 * benches); run as a program it takes its configuration from the environment and drains on a signal.
 */

import { rmSync } from 'node:fs'
import { loadEnvFile } from '../shared/env-file.ts'
import { defectCode, drainMs } from '../shared/limits/process.ts'
import { TrustedProxies } from '../shared/network/client-address.ts'
import { realSystem, type System } from '../shared/system.ts'
import { AccountWatch } from './accounts/account-watch.ts'
import { HubAccounts } from './accounts/accounts.ts'
import type { Ready } from './banner.ts'
import { awaits, runBrain } from './brain/brain-process.ts'
import { openLedger } from './brain/open-ledger.ts'
import { openNetworkOf, startNetwork } from './brain/open-network.ts'
import { openTrust } from './brain/open-trust.ts'
import type { Network } from './cluster/network.ts'
import { type Config, readConfig } from './config.ts'
import type { CoreSettings } from './core/settings.ts'
import { PageFiles } from './dashboard/page-files.ts'
import { ScoutBuilds } from './dashboard/scout-builds.ts'
import { runEdge } from './edge/edge-process.ts'
import { HubEngine } from './engine/engine.ts'
import { Keyring } from './engine/keyring.ts'
import type { LedgerSettings } from './engine/ledger/ledger.ts'
import type { EngineDefect } from './engine/ports/defect.ts'
import type { Store } from './engine/ports/store.ts'
import { firstClientKey, localScoutKey } from './first-keys.ts'
import { connectionsMax, requestsMax } from './gateway/descriptors.ts'
import { Gateway, type GatewaySettings } from './gateway/gateway.ts'
import type { Builds, HttpSettings, Page } from './http/request-context.ts'
import { canListen, serveHub } from './http/server.ts'
import { HubProcesses } from './hub-processes.ts'
import { makeRunFolder, noteRunFolder } from './link/run-folder.ts'
import { listenFlaw } from './listen-flaw.ts'
import { createLog, type Logger } from './log.ts'
import { isLoopback, pageHosts, pageOrigin } from './page-address.ts'
import { planner, plannerFunctions } from './planner/planner.ts'
import { exitAfter, isBelowNpm, stopWhenAsked, watchParent } from './process-end.ts'
import { type DataFolder, openDataFolder } from './store/data-folder.ts'
import type { TrustSettings } from './trust/desk/parts.ts'
import type { TrustDesk } from './trust/trust-desk.ts'

export interface HubOptions {
  config: Config
  log: Logger
  system?: System
  core?: Partial<CoreSettings>
  http?: Partial<HttpSettings>
  gateway?: Partial<GatewaySettings>
  trust?: Partial<TrustSettings>
  /** The page for people; without it `GET /` has a text for everybody. */
  page?: Page
  /** Its part in a network of hubs; stopped with the hub. */
  network?: Network
  /** Executables of the scout to hand out; without them the script behind `/scout.sh` names other ways. */
  builds?: Builds
  /** Called once when the engine cannot continue; the process has to end. */
  onDefect?: (defect: EngineDefect) => void
}

export interface Hub {
  url: string
  port: number
  engine: HubEngine
  keyring: Keyring
  accounts: HubAccounts
  /** Null where `TRUST` is off. */
  trust: TrustDesk | null
  /** Stops taking work, lets what is under way finish within `drainMs`, closes everything. */
  stop(): Promise<void>
}

/** Starts a hub, or says in one sentence why it cannot. */
export function startHub(options: HubOptions): Hub | { flaw: string } {
  const { config, log } = options
  const system = options.system ?? realSystem()
  const proxies = TrustedProxies.parse(config.trustedProxies)
  if ('flaw' in proxies) return { flaw: `TRUSTED_PROXIES: ${proxies.flaw} is neither an address nor a network.` }
  const folder = openDataFolder(config.dataDir, 'hub', system)
  if ('flaw' in folder) return folder
  const keyring = new Keyring(folder.store, folder.pepper, system, config.adminKey ?? undefined)
  const epoch = folder.store.nextEpoch()
  const clientOf = (peer: string, headers: Headers) => proxies.clientOf(peer, headers)
  const ledger = openLedger(config, folder, system)
  if (ledger !== null && 'flaw' in ledger) return refused(folder, ledger.flaw)
  const gateway = gatewayOf(options, { system, keyring, clientOf })
  const engine = new HubEngine({
    system,
    store: folder.store,
    links: gateway.links,
    epoch,
    ...(options.network && { taskEpoch: options.network.taskEpoch(epoch) }),
    onDefect: options.onDefect ?? (() => {}),
    ...{ planner: plannerFunctions, settings: { ...graceOf(epoch), ...options.core }, ledger },
  })
  options.network?.share(engine)
  options.network?.shareKeys(keyring, folder.store, engine.tenants)
  // Recovery comes before the port: nobody may reach a hub that cannot go on from its store.
  engine.start()
  for (const { intent, reason } of engine.intents.setAside) log.error({ intent, reason }, 'an intent was set aside')
  keyring.onDropped((id) => gateway.closeKey(id))
  const accounts = new HubAccounts({ store: folder.store, keyring, system, signup: config.signup })
  const watch = new AccountWatch(folder.store, keyring, system)
  let http: ReturnType<typeof serveHub>
  try {
    http = serveHub({
      listen: { host: config.host, port: config.port },
      engine,
      intents: engine.intents,
      planner,
      keyring,
      ...shownParts(options),
      accounts,
      system,
      clientOf,
      scoutsOf: (key) => gateway.scoutsOf(key),
      upgradeScout: (request, server) => gateway.upgrade(request, server),
      websocket: gateway.websocket,
      requestsMax: () => requestsMax(gateway.room),
      log,
      settings: httpSettingsOf(options),
    })
  } catch (error) {
    engine.stop()
    return refused(folder, listenFlaw(config, error, canListen))
  }
  keyring.onDropped(http.keyDropped)
  gateway.start(engine.scoutEvents)
  watch.start()
  const trust = startBeside(options, { engine, gateway, keyring, store: folder.store, system, ledger })
  const stop = async () => {
    gateway.announceDrain('the orchestrator is restarting')
    options.network?.drain('the orchestrator is restarting')
    await within(system, drainMs, engine.drain())
    watch.stop()
    await options.network?.stop()
    engine.stop()
    await gateway.closeAll()
    await http.stop()
    folder.close()
  }
  return { url: http.url, port: http.port, engine, keyring, accounts, trust, stop }
}

interface StartedParts {
  engine: HubEngine
  gateway: Gateway
  keyring: Keyring
  store: Store
  system: System
  ledger: Pick<LedgerSettings, 'rules'> | null
}

/** Starts what works beside the engine. */
function startBeside(options: HubOptions, { gateway, ...parts }: StartedParts): TrustDesk | null {
  startNetwork(options.network, parts.engine, gateway)
  return openTrust({ config: options.config, changes: options.trust, ...parts })
}

/** On the very first start there is no fleet that could be on its way back. */
function graceOf(epoch: number): Partial<CoreSettings> {
  return epoch === 1 ? { bootGraceMs: 0 } : {}
}

function refused(folder: DataFolder, flaw: string): { flaw: string } {
  folder.close()
  return { flaw }
}

/** What there may be to show besides the hub itself. */
function shownParts({ page, builds, network }: HubOptions): Pick<HubOptions, 'page' | 'builds' | 'network'> {
  return { ...(page && { page }), ...(builds && { builds }), ...(network && { network }) }
}

interface GatewayNeeds {
  system: System
  keyring: Keyring
  clientOf: (peer: string, headers: Headers) => string
}

function gatewayOf(
  { log, gateway: settings, network }: HubOptions,
  { system, keyring, clientOf }: GatewayNeeds,
): Gateway {
  return new Gateway({
    system,
    keys: (key) => keyring.verify(key),
    connectionsMax: connectionsMax(),
    clientOf,
    onDefect: (err) => log.error({ err }, "a scout's frame met a defect of this orchestrator"),
    ...(settings && { settings }),
    ...(network && { otherHubs: () => network.otherHubs() }),
  })
}

function httpSettingsOf({ config, http }: HubOptions): Partial<HttpSettings> {
  const { corsOrigins, requestBytesMax, publicUrl } = config
  const page = { publicUrl, pageHosts: pageHosts(config.host) }
  return { allowsPrivateUrls: config.privateUrls === 'allow', corsOrigins, requestBytesMax, ...page, ...http }
}

/** Resolves with the promise or after `ms`, whichever comes first. */
function within(system: System, ms: number, promise: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = system.after(ms, resolve)
    void promise.then(() => {
      timer.cancel()
      resolve()
    })
  })
}

// ---------------------------------------------------------------- the program

async function run(): Promise<void> {
  const parent = process.ppid
  const flaw = loadEnvFile(process.cwd(), process.env)
  if (flaw !== null) return giveUp(flaw)
  const config = readConfig(process.env)
  if (Array.isArray(config)) return giveUp(config.join('\n'))
  const log = createLog(config.logLevel)
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error) => {
      log.error({ err: error }, 'an error reached the top; this is a defect, please report it')
    })
  }
  const [role, runDir, ...words] = process.argv.slice(2)
  if (role === 'brain' && runDir !== undefined) {
    return runBrain(config, log, runDir, words)
  }
  if (role === 'edge' && runDir !== undefined) return void runEdge(config, log, runDir)
  if (config.edges > 0) return runProcesses(config, log)
  await runHub(config, log, parent)
}

async function runHub(config: Config, log: Logger, parent: number): Promise<void> {
  const onDefect = ({ during, fields, cause }: EngineDefect) => {
    // Memory cannot be trusted any more, and the store can: the next start goes on from there.
    log.fatal({ err: cause, during, ...fields }, 'the orchestrator met a defect and ends; please report it')
    process.exit(defectCode)
  }
  const page = new PageFiles({ system: realSystem() })
  const network = await openNetworkOf(config, log)
  if (network !== null && 'flaw' in network) return giveUp(network.flaw)
  const builds = new ScoutBuilds(realSystem())
  const hub = startHub({ config, log, onDefect, page, builds, ...(network && { network }) })
  if ('flaw' in hub) {
    await network?.stop()
    return giveUp(hub.flaw)
  }
  noteRunFolder(config.dataDir, null)
  // Whoever is given a link comes at once. A hub that comes back under load has other things to do first.
  if (introduce(hub, config, log)) page.start()
  warnOfNetwork(config, log)
  const signal = stopWhenAsked(log, () => {
    page.stop()
    exitAfter(log, hub.stop(), 0)
  })
  if (process.send === undefined && isBelowNpm(process.env)) {
    watchParent({ system: realSystem(), parent, parentOf: () => process.ppid, onGone: signal })
  }
}

/** Brain and edges as processes of their own, and this one to look after them. */
function runProcesses(config: Config, log: Logger): void {
  const runDir = makeRunFolder()
  const parent = process.ppid
  const program = [process.execPath, '--no-env-file', process.argv[1]!]
  const forWhom = [...(process.send === undefined ? [] : ['scout']), ...(hasReader() ? ['reader'] : [])]
  const processes = new HubProcesses({
    commands: {
      brain: (awaited) => [...program, 'brain', runDir, ...forWhom, `${awaits}${awaited}`],
      edge: [...program, 'edge', runDir],
    },
    edges: config.edges,
    port: config.port,
    pageAt: (port) => pageOrigin(config, port),
    env: process.env,
    system: realSystem(),
    log,
    onReady: (ready) => tellReady(ready, log),
  })
  warnOfNetwork(config, log)
  const signal = () => processes.signal()
  process.on('SIGINT', signal)
  process.on('SIGTERM', signal)
  process.on('disconnect', signal)
  if (process.send === undefined && isBelowNpm(process.env)) {
    watchParent({ system: realSystem(), parent, parentOf: () => process.ppid, onGone: signal })
  }
  void processes.run().then((code) => {
    rmSync(runDir, { recursive: true, force: true })
    process.exit(code)
  })
}

function warnOfNetwork(config: Config, log: Logger): void {
  if (isLoopback(config.host) || config.trustedProxies.length > 0) return
  const advice = 'put a TLS proxy in front (docs/run-an-orchestrator.md) and name it in TRUSTED_PROXIES'
  log.warn({ host: config.host }, `keys and prompts cross the network in clear: ${advice}`)
}

/**
 * Tells whoever started this process where the hub is: the supervisor by message, a person on standard output. True
 * when that came with a link to the page.
 */
function introduce(hub: Hub, config: Config, log: Logger): boolean {
  const clientKey = firstClientKey(hub.keyring)
  const login = hasReader() ? hub.accounts.firstLogin() : undefined
  const loginUrl = login === undefined ? {} : { loginUrl: pageOrigin(config, hub.port) + login }
  // The scout's key is made for who brings a scout along.
  const scoutKey = process.send === undefined ? '' : localScoutKey(hub.keyring, config.dataDir)
  tellReady({ type: 'ready', url: hub.url, scoutKey, ...(clientKey !== undefined && { clientKey }), ...loginUrl }, log)
  return login !== undefined
}

/** A link that signs in is for a person's eyes: a log is read by others and kept. */
function hasReader(): boolean {
  return process.send !== undefined || process.stdout.isTTY
}

function tellReady(ready: Ready, log: Logger): void {
  if (process.send !== undefined) return void process.send(ready)
  const { url, clientKey, loginUrl } = ready
  log.info({ url }, 'listening')
  if (clientKey !== undefined) {
    process.stdout.write(`First client key, shown once: ${clientKey}\n`)
    process.stdout.write('Make a key for a scout with: npm run key -- scout\n')
  }
  if (loginUrl !== undefined) process.stdout.write(`Sign in as the operator, once, within 10 minutes: ${loginUrl}\n`)
}

function giveUp(flaw: string): void {
  process.stderr.write(`${flaw}\n`)
  process.exitCode = 1
}

if (import.meta.main) await run()
