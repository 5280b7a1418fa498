/**
 * One edge as a process: it dials the brain and the other edges, holds sockets of clients and scouts on the port that
 * all edges share, and answers plain chats and embeddings itself; other requests go on to the brain. Without the brain,
 * or cut off from a peer that still lives, it ends: who dialed it dials again.
 */
import { join } from 'node:path'
import { edgeFiguresMs, linkSilenceMs } from '../../shared/limits/process.ts'
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
import type { Link } from '../link/link.ts'
import { dialLink, type LinkEnd, listenLinks } from '../link/unix-socket.ts'
import { listenFlaw } from '../listen-flaw.ts'
import { pageHosts } from '../page-address.ts'
import { planner } from '../planner/planner.ts'
import { type DataFolder, openDataFolder } from '../store/data-folder.ts'
import { askedHere } from './asked-here.ts'
import { brainHttp } from './brain-http.ts'
import { EdgeDesks } from './edge-desks.ts'
import type { PeerLink } from './ways.ts'

/** Where the brain of a hub is reached by its edges, and where its HTTP listener is. */
export function brainPath(runDir: string): string {
  return join(runDir, 'brain.sock')
}

export function brainHttpPath(runDir: string): string {
  return join(runDir, 'http.sock')
}

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
}

/** Resolves once it listens; rejects with a sentence when it cannot. */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const { config, system } = options
  const folder = openDataFolder(config.dataDir, 'guest', system)
  if ('flaw' in folder) throw new Error(folder.flaw)
  const edge = new Edge(options, folder)
  try {
    await edge.join()
    edge.listen()
    return edge
  } catch (error) {
    edge.close()
    throw error
  }
}

export class Edge {
  private readonly keyring: Keyring
  private readonly watch: AccountWatch
  private readonly gateway: Gateway
  private readonly desks: EdgeDesks
  private readonly peersDoor: { stop(): void }
  private readonly path: string
  private brain: Link<ToEdgeOf, ToBrain> | null = null
  private http: ReturnType<typeof serveHub> | null = null
  private figuresTimer: Timer | null = null
  /** Keys that have more or fewer scouts or streams than the brain knows. */
  private readonly changedKeys = new Set<string>()
  private readonly countChanged = (key: string) => void this.changedKeys.add(key)
  private readonly clientOf: (peer: string, headers: Headers) => string
  private isDraining = false
  private isOver = false
  private seated = Promise.withResolvers<Extract<ToEdgeOf, { type: 'seat' }>>()

  constructor(
    private readonly options: EdgeOptions,
    private readonly folder: DataFolder,
  ) {
    const { config, system, log, runDir, name, onDefect } = options
    const proxies = TrustedProxies.parse(config.trustedProxies)
    if ('flaw' in proxies) throw new Error(`TRUSTED_PROXIES: ${proxies.flaw} is neither an address nor a network.`)
    this.keyring = new Keyring(folder.store, folder.pepper, system, config.adminKey ?? undefined)
    this.watch = new AccountWatch(folder.store, this.keyring, system, 'edge')
    this.clientOf = (peer, headers) => proxies.clientOf(peer, headers)
    this.gateway = new Gateway({
      system,
      keys: (key) => this.keyring.verify(key),
      connectionsMax: connectionsMax(),
      clientOf: this.clientOf,
      countChanged: this.countChanged,
      onDefect: (err) => log.error({ err }, "a scout's frame met a defect of this orchestrator"),
      nextSession: () => this.desks.nextSession(),
      ...(options.gateway && { settings: options.gateway }),
    })
    this.keyring.onDropped((id) => {
      this.gateway.closeKey(id)
      this.http?.keyDropped(id)
    })
    this.desks = new EdgeDesks({
      system,
      links: this.gateway.links,
      canCarry: fits,
      toBrain: (message, body) => this.brain?.send(message, body),
      onDefect,
      countsWork: config.receipts === 'on',
    })
    this.path = join(runDir, `edge-${name}.sock`)
    this.peersDoor = listenLinks<ToPeer, ToPeer>(system, this.path, (link) => this.dialed(link))
  }

  /** Where it listens; empty before. */
  get url(): string {
    return this.http?.url ?? ''
  }

  private tell(message: ToBrain<Figures>): void {
    this.brain?.send(message)
  }

  // ------------------------------------------------------------ the mesh

  /** Dials the brain and, once that has given it a seat, all edges that were there before. */
  async join(): Promise<void> {
    const { system, runDir } = this.options
    this.brain = await dialLink<ToEdgeOf, ToBrain>(system, brainPath(runDir), {
      receive: (message, body) => this.receive(message, body),
      ended: (why) => this.end(`the brain is gone: ${why}`),
    })
    this.tell({ type: 'edgeHello', path: this.path })
    const { edge, peers } = await this.seated.promise
    for (const peer of peers) {
      const end = this.peerEnd(peer.edge)
      try {
        const link = await dialLink<ToPeer, ToPeer>(system, peer.path, end)
        link.send({ type: 'peerHello', edge })
        this.desks.ways.meet(peer.edge, link)
      } catch (err) {
        // It may have ended since the brain wrote the list; the brain notices.
        this.options.log.warn({ err, edge: peer.edge }, 'another edge could not be reached')
      }
    }
  }

  private dialed(link: PeerLink): LinkEnd<ToPeer> {
    let end: LinkEnd<ToPeer> | null = null
    return {
      receive: (message, body) => {
        if (end !== null) return end.receive(message, body)
        if (message.type !== 'peerHello') return link.end('it did not say who it is')
        end = this.peerEnd(message.edge)
        this.desks.ways.meet(message.edge, link)
      },
      ended: (why) => end?.ended(why),
    }
  }

  private peerEnd(edge: number): LinkEnd<ToPeer> {
    return {
      receive: (message, body) => this.desks.fromPeer(edge, message, body),
      ended: (why) => this.lost(edge, why),
    }
  }

  /** The brain says so soon if the other edge is gone. If it is not, the two cannot work together any more. */
  private lost(edge: number, why: string): void {
    if (this.isOver || this.isDraining) return
    this.options.system.after(linkSilenceMs, () => {
      if (this.desks.ways.has(edge)) this.end(`the link to edge ${edge} is gone while that edge is not: ${why}`)
    })
  }

  // ------------------------------------------------------------ from the brain

  private receive(message: ToEdgeOf, body: Uint8Array | null): void {
    switch (message.type) {
      case 'seat':
        return this.seated.resolve(message)
      case 'drain':
        this.isDraining = true
        return this.gateway.announceDrain(message.reason)
      case 'stop':
        return void this.stop()
      default:
        return this.desks.fromBrain(message, body)
    }
  }

  // ------------------------------------------------------------ sockets

  listen(): void {
    try {
      this.http = this.serve()
    } catch (error) {
      throw new Error(listenFlaw(this.options.config, error, canListen), { cause: error })
    }
    this.gateway.start(this.desks.scoutEvents)
    this.watch.start()
    this.measure()
    this.tell({ type: 'edgeReady', port: this.http.port })
  }

  private serve() {
    const { config, system, log, runDir } = this.options
    const { corsOrigins, requestBytesMax, publicUrl } = config
    const page = { publicUrl, pageHosts: pageHosts(config.host) }
    const allowsPrivateUrls = config.privateUrls === 'allow'
    const ready = () => !this.isDraining && this.brain?.isOver === false
    return serveHub({
      listen: { host: config.host, port: config.port, isShared: true },
      engine: askedHere<Engine, 'begin' | 'submit' | 'ready'>({
        begin: (key) => this.desks.begin(key),
        submit: (asked) => this.desks.submit(asked),
        ready,
      }),
      intents: askedHere<Intents>({}),
      planner,
      keyring: askedHere<Keys, 'verify'>({ verify: (presented) => this.keyring.verify(presented) }),
      accounts: askedHere<Accounts>({}),
      system,
      clientOf: this.clientOf,
      countChanged: this.countChanged,
      answersInCheck: () => this.desks.answersInCheck,
      upgradeScout: (request, server) => this.gateway.upgrade(request, server),
      websocket: this.gateway.websocket,
      requestsMax: () => requestsMax(this.gateway.room),
      log,
      settings: { allowsPrivateUrls, corsOrigins, requestBytesMax, ...page, ...this.options.http },
      forward: brainHttp(brainHttpPath(runDir), this.keyring, this.folder.store),
    })
  }

  private measure(): void {
    this.figuresTimer = this.options.system.after(edgeFiguresMs, () => this.measure())
    const open = [...this.changedKeys].map((key): OpenOfKey => {
      return [key, this.gateway.scoutsOf(key), this.http?.streamsOf(key) ?? 0]
    })
    this.changedKeys.clear()
    void this.http?.figures().then((figures) => this.tell({ type: 'figures', figures, open }))
  }

  // ------------------------------------------------------------ its end

  private async stop(): Promise<void> {
    this.isDraining = true
    this.watch.stop()
    this.desks.stop()
    await this.gateway.closeAll()
    await this.http?.stop()
    // What was counted since the last time.
    this.figuresTimer?.cancel()
    const figures = await this.http?.figures()
    if (figures !== undefined) this.tell({ type: 'figures', figures, open: [] })
    this.http = null
    this.brain?.flush()
    this.end(null)
  }

  /** `why`: what made it end, null when it was to. */
  end(why: string | null): void {
    if (this.isOver) return
    this.close()
    this.options.onEnd(why)
  }

  /** Gives up all that it has opened. */
  close(): void {
    this.isOver = true
    this.watch.stop()
    this.figuresTimer?.cancel()
    void this.http?.stop()
    this.desks.ways.end('this edge ends')
    this.peersDoor.stop()
    this.brain?.end('this edge ends')
    this.folder.close()
  }
}
