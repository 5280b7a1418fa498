/**
 * One edge as a process: it dials the brain and the other edges, holds sockets of clients and scouts on the port that
 * all edges share, and answers plain chats and embeddings itself; other requests go on to the brain. When the brain is
 * gone it keeps its sockets, and presents what it has to the next one. Cut off from a peer that still lives, or without
 * a brain for long, it ends: who dialed it dials again.
 */
import { join } from 'node:path'
import { edgeFiguresMs } from '../../shared/limits/process.ts'
import { TrustedProxies } from '../../shared/network/client-address.ts'
import type { System, Timer } from '../../shared/system.ts'
import { AccountWatch } from '../accounts/account-watch.ts'
import type { Config } from '../config.ts'
import { Keyring } from '../engine/keyring.ts'
import type { Accounts } from '../engine/ports/accounts.ts'
import type { Engine } from '../engine/ports/client.ts'
import type { EngineDefect } from '../engine/ports/defect.ts'
import type { Intents } from '../engine/ports/intents.ts'
import { connectionsMax, requestsMax } from '../gateway/descriptors.ts'
import { fits } from '../gateway/frame-links.ts'
import { Gateway, type GatewaySettings } from '../gateway/gateway.ts'
import type { Figures } from '../http/figures.ts'
import type { HttpSettings, Keys, Log } from '../http/request-context.ts'
import { canListen, serveHub } from '../http/server.ts'
import type { OpenOfKey, ToBrain, ToEdgeOf, ToPeer } from '../link/control.ts'
import { brainHttpPath, brainPath } from '../link/run-folder.ts'
import { dialLink, listenLinks } from '../link/unix-socket.ts'
import { listenFlaw } from '../listen-flaw.ts'
import { pageHosts } from '../page-address.ts'
import { planner } from '../planner/planner.ts'
import { type DataFolder, openDataFolder } from '../store/data-folder.ts'
import { askedHere } from './asked-here.ts'
import { brainHttp } from './brain-http.ts'
import { Mesh } from './mesh.ts'
import { NetworkKeys } from './network-keys.ts'

interface EdgeOptions {
  config: Config
  /** Where the sockets between the processes of this hub are. */
  runDir: string
  /** Of this edge among all that were ever started there. */
  name: string
  system: System
  log: Log
  http?: Partial<HttpSettings>
  gateway?: Partial<GatewaySettings>
  onDefect: (defect: EngineDefect) => void
  /** It cannot go on, or has nothing left to do. */
  onEnd: (why: string | null) => void
  /** Another brain has taken over what the edges had. */
  onTakenOver?: () => void
  /** The process of the brain does not answer, and may still be there. */
  onSilence?: (pid: number) => void
}

/** Why a scout is asked to dial again. */
const hasMoreRoom = 'another part of the orchestrator has more room'

/** Resolves once it listens; rejects with a sentence when it cannot. */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const { config, system } = options
  const folder = openDataFolder(config.dataDir, 'guest', system)
  if ('flaw' in folder) throw new Error(folder.flaw)
  const edge = new Edge(options, folder)
  try {
    await edge.start()
    return edge
  } catch (error) {
    edge.close()
    throw error
  }
}

export class Edge {
  private readonly keyring: Keyring
  private readonly watch: AccountWatch
  /** Null for a hub by itself. */
  private readonly network: NetworkKeys | null
  private readonly gateway: Gateway
  private readonly mesh: Mesh
  private readonly peersDoor: { stop(): void }
  private http: ReturnType<typeof serveHub> | null = null
  private figuresTimer: Timer | null = null
  /** Keys that have more or fewer scouts or streams than the brain knows. */
  private readonly changedKeys = new Set<string>()
  /** Keys that have some. */
  private readonly openKeys = new Set<string>()
  private readonly countChanged = (key: string) => void this.changedKeys.add(key)
  private readonly clientOf: (peer: string, headers: Headers) => string
  private isOver = false
  private readonly started = Promise.withResolvers<void>()

  constructor(
    private readonly options: EdgeOptions,
    private readonly folder: DataFolder,
  ) {
    const { config, system, log, runDir, name } = options
    const proxies = TrustedProxies.parse(config.trustedProxies)
    if ('flaw' in proxies) throw new Error(`TRUSTED_PROXIES: ${proxies.flaw} is neither an address nor a network.`)
    this.keyring = new Keyring(folder.store, folder.pepper, system, config.adminKey ?? undefined)
    this.watch = new AccountWatch(folder.store, this.keyring, system, 'edge')
    this.clientOf = (peer, headers) => proxies.clientOf(peer, headers)
    this.network = config.clusterServers.length > 0 ? this.networkKeys() : null
    this.gateway = new Gateway({
      system,
      keys: (key) => this.keyring.verify(key),
      connectionsMax: connectionsMax(),
      clientOf: this.clientOf,
      countChanged: this.countChanged,
      otherHubs: () => this.network?.otherHubs ?? [],
      onDefect: (err) => log.error({ err }, "a scout's frame met a defect of this orchestrator"),
      nextSession: () => this.mesh.desks.nextSession(),
      ...(options.gateway && { settings: options.gateway }),
    })
    this.keyring.onDropped((id) => {
      this.gateway.closeKey(id)
      this.http?.keyDropped(id)
    })
    const path = join(runDir, `edge-${name}.sock`)
    this.mesh = this.meshAt(path)
    // Whoever starts it asks how that went; what happens later is no failed start.
    this.started.promise.catch(() => {})
    this.peersDoor = listenLinks<ToPeer, ToPeer>(system, path, (link) => this.mesh.dialed(link))
  }

  /** Where it listens; empty before. */
  get url(): string {
    return this.http?.url ?? ''
  }

  private networkKeys(): NetworkKeys {
    return new NetworkKeys({
      keyring: this.keyring,
      store: this.folder.store,
      isBrainThere: () => this.mesh.brain.isThere,
      met: (id, print) => this.mesh.brain.send({ type: 'keyMet', id, print }),
    })
  }

  private meshAt(path: string): Mesh {
    const { options } = this
    const { config, system, log, runDir, onDefect } = options
    return new Mesh({
      ...{ system, links: this.gateway.links, canCarry: fits, onDefect, path, log },
      countsWork: config.receipts === 'on',
      costsPoints: config.points === 'spend',
      showsAnswers: config.trust !== 'off',
      dialBrain: (end) => dialLink<ToEdgeOf, ToBrain<Figures>>(system, brainPath(runDir), end),
      dialPeer: (peer, end) => dialLink<ToPeer, ToPeer>(system, peer, end),
      port: () => this.http?.port ?? null,
      seated: () => {
        this.listen()
        this.started.resolve()
      },
      seatFailed: this.started.reject,
      accepted: () => {
        for (const key of this.openKeys) this.changedKeys.add(key)
      },
      takenOver: () => options.onTakenOver?.(),
      network: (state) => this.network?.take(state),
      silent: (pid) => options.onSilence?.(pid),
      drain: (reason) => this.gateway.announceDrain(reason),
      move: (session) => this.gateway.move(session, hasMoreRoom),
      stop: () => void this.stop(),
      end: (why) => this.end(why),
    })
  }

  /** Resolves once it has a seat at the brain, knows the other edges, and listens. */
  async start(): Promise<void> {
    this.mesh.brain.dial()
    await this.started.promise
  }

  // ------------------------------------------------------------ sockets

  listen(): void {
    try {
      this.http = this.serve()
    } catch (error) {
      throw new Error(listenFlaw(this.options.config, error, canListen), { cause: error })
    }
    this.gateway.start(this.mesh.desks.scoutEvents)
    this.watch.start()
    this.measure()
    this.mesh.brain.send({ type: 'edgeReady', port: this.http.port })
  }

  private serve() {
    const { config, system, log, runDir } = this.options
    const { corsOrigins, requestBytesMax, publicUrl } = config
    const page = { publicUrl, pageHosts: pageHosts(config.host) }
    const allowsPrivateUrls = config.privateUrls === 'allow'
    const { brain, desks } = this.mesh
    const ready = () => !this.mesh.isLeaving && brain.isThere
    return serveHub({
      listen: { host: config.host, port: config.port, isShared: true },
      engine: askedHere<Engine, 'begin' | 'submit' | 'ready'>({
        begin: (key) => desks.begin(key),
        submit: (asked) => desks.submit(asked),
        ready,
      }),
      intents: askedHere<Intents>({}),
      planner,
      keyring: askedHere<Keys, 'verify'>({ verify: (presented) => this.keyring.verify(presented) }),
      accounts: askedHere<Accounts>({}),
      system,
      clientOf: this.clientOf,
      countChanged: this.countChanged,
      answersHeld: () => desks.held,
      upgradeScout: (request, server) => this.gateway.upgrade(request, server),
      websocket: this.gateway.websocket,
      requestsMax: () => requestsMax(this.gateway.room),
      log,
      settings: { allowsPrivateUrls, corsOrigins, requestBytesMax, ...page, ...this.options.http },
      forward: brainHttp(brainHttpPath(runDir), this.keyring, this.folder.store, () => brain.there()),
    })
  }

  private measure(): void {
    this.figuresTimer = this.options.system.after(edgeFiguresMs, () => this.measure())
    // What is counted stays here until somebody adds it up.
    const { brain } = this.mesh
    if (!brain.isThere) return
    const open = [...this.changedKeys].map((key) => this.openOf(key))
    this.changedKeys.clear()
    void this.http?.figures().then((figures) => brain.send({ type: 'figures', figures, open }))
  }

  private openOf(key: string): OpenOfKey {
    const [scouts, streams] = [this.gateway.scoutsOf(key), this.http?.streamsOf(key) ?? 0]
    if (scouts + streams > 0) this.openKeys.add(key)
    else this.openKeys.delete(key)
    return [key, scouts, streams]
  }

  // ------------------------------------------------------------ its end

  private async stop(): Promise<void> {
    const { brain, desks } = this.mesh
    this.watch.stop()
    desks.stop()
    await this.gateway.closeAll()
    await this.http?.stop()
    // What was counted since the last time.
    this.figuresTimer?.cancel()
    const figures = await this.http?.figures()
    if (figures !== undefined) brain.send({ type: 'figures', figures, open: [] })
    this.http = null
    brain.flush()
    this.end(null)
  }

  /** `why`: what made it end, null when it was to. */
  end(why: string | null): void {
    if (this.isOver) return
    this.close()
    this.started.reject(new Error(why ?? 'it was to end'))
    this.options.onEnd(why)
  }

  /** Gives up all that it has opened. */
  close(): void {
    this.isOver = true
    this.watch.stop()
    this.figuresTimer?.cancel()
    void this.http?.stop()
    this.mesh.close()
    this.peersDoor.stop()
    this.folder.close()
  }
}
