/**
 * One edge as a process: it dials the brain and the other edges, holds sockets of clients and scouts on the port that
 * all edges share, and answers plain chats and embeddings itself; other requests go on to the brain. When the brain is
 * gone it keeps its sockets, and presents what it has to the next one. Cut off from a peer that still lives, or without
 * a brain for long, it ends: who dialed it dials again.
 */
import { join } from 'node:path'
import { edgeFiguresMs, linkSilenceMs, presentedPerFrame } from '../../shared/limits/process.ts'
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
import { linkVersion, type OpenOfKey, type ToBrain, type ToEdgeOf, type ToPeer } from '../link/control.ts'
import { brainHttpPath, brainPath } from '../link/run-folder.ts'
import { dialLink, type LinkEnd, listenLinks } from '../link/unix-socket.ts'
import { listenFlaw } from '../listen-flaw.ts'
import { pageHosts } from '../page-address.ts'
import { planner } from '../planner/planner.ts'
import { type DataFolder, openDataFolder } from '../store/data-folder.ts'
import { askedHere } from './asked-here.ts'
import { brainHttp } from './brain-http.ts'
import { BrainLine } from './brain-line.ts'
import { EdgeDesks } from './edge-desks.ts'
import type { PeerLink } from './ways.ts'

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
  private readonly gateway: Gateway
  private readonly desks: EdgeDesks
  private readonly peersDoor: { stop(): void }
  private readonly path: string
  private readonly brain: BrainLine
  /** Its number, once a brain has given it one. */
  private edge: number | null = null
  /** When a brain took it as its own, and the process of that brain. */
  private seatedMs = 0
  private brainPid = 0
  private http: ReturnType<typeof serveHub> | null = null
  private figuresTimer: Timer | null = null
  /** Keys that have more or fewer scouts or streams than the brain knows. */
  private readonly changedKeys = new Set<string>()
  /** Keys that have some. */
  private readonly openKeys = new Set<string>()
  private readonly countChanged = (key: string) => void this.changedKeys.add(key)
  private readonly clientOf: (peer: string, headers: Headers) => string
  private isDraining = false
  private isOver = false
  private readonly started = Promise.withResolvers<void>()

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
    this.brain = new BrainLine({
      system,
      path: brainPath(runDir),
      log,
      receive: (message, body) => this.receive(message, body),
      lost: (why, isSilent) => this.brainLost(why, isSilent),
      found: () => this.introduce(),
      givenUp: () => this.desks.brainMissed(),
      over: () => this.end('no brain came back'),
    })
    this.desks = new EdgeDesks({
      system,
      links: this.gateway.links,
      canCarry: fits,
      toBrain: (message, body) => this.brain.send(message as ToBrain<Figures>, body),
      isBrainMissed: () => this.brain.isMissed,
      onDefect,
      countsWork: config.receipts === 'on',
    })
    // Whoever starts it asks how that went; what happens later is no failed start.
    this.started.promise.catch(() => {})
    this.path = join(runDir, `edge-${name}.sock`)
    this.peersDoor = listenLinks<ToPeer, ToPeer>(system, this.path, (link) => this.dialed(link))
  }

  /** Where it listens; empty before. */
  get url(): string {
    return this.http?.url ?? ''
  }

  private tell(message: ToBrain<Figures>): void {
    this.brain.send(message)
  }

  // ------------------------------------------------------------ the mesh

  /** Resolves once it has a seat at the brain, knows the other edges, and listens. */
  async start(): Promise<void> {
    this.brain.dial()
    await this.started.promise
  }

  /** Says who it is; to a brain that does not know it, all that it has. */
  private introduce(): void {
    const { edge, http, path } = this
    const version = linkVersion
    if (edge === null || http === null) return this.tell({ type: 'edgeHello', version, path, before: null })
    const { held, carried, ...blocks } = this.desks.present()
    this.tell({ type: 'edgeHello', version, path, before: { edge, port: http.port, ...blocks } })
    for (const [at, session] of held.entries()) {
      this.tell({ type: 'presentSession', session })
      if (at % presentedPerFrame === 0) this.brain.flush()
    }
    for (const task of carried) this.tell({ type: 'presentTask', task })
    this.tell({ type: 'presented' })
    this.desks.brainFound()
  }

  /** The brain has taken it as its own. */
  private async seat({ edge, epoch, pid, peers }: Extract<ToEdgeOf, { type: 'seat' }>): Promise<void> {
    this.edge = edge
    this.desks.seated(epoch)
    this.brainPid = pid
    this.seatedMs = this.options.system.nowMs()
    this.brain.accepted()
    for (const key of this.openKeys) this.changedKeys.add(key)
    for (const peer of peers) if (!this.desks.ways.has(peer.edge)) await this.meet(edge, peer)
    if (this.http !== null || this.isOver) return
    this.listen()
    this.started.resolve()
  }

  private async meet(edge: number, peer: { edge: number; path: string }): Promise<void> {
    const { system, log } = this.options
    try {
      const link = await dialLink<ToPeer, ToPeer>(system, peer.path, this.peerEnd(peer.edge))
      link.send({ type: 'peerHello', edge })
      this.desks.ways.meet(peer.edge, link)
    } catch (err) {
      // It may have ended since the brain wrote the list; the brain notices.
      log.warn({ err, edge: peer.edge }, 'another edge could not be reached')
    }
  }

  private brainLost(why: string, isSilent: boolean): void {
    if (this.isOver || this.isDraining) return this.end(`the brain is gone: ${why}`)
    this.options.log.warn({ edge: this.edge }, `the brain is gone, and sockets stay: ${why}`)
    if (isSilent) this.options.onSilence?.(this.brainPid)
    this.desks.brainLost()
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
      ended: (why, isSilent) => end?.ended(why, isSilent),
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
    const { system } = this.options
    if (this.isOver || this.isDraining) return
    system.after(linkSilenceMs, () => {
      if (!this.desks.ways.has(edge)) return
      // A brain that has just come finds out first which edges there are.
      const isKnown = this.brain.isThere && system.nowMs() - this.seatedMs >= linkSilenceMs
      if (isKnown) this.end(`the link to edge ${edge} is gone while that edge is not: ${why}`)
      else this.lost(edge, why)
    })
  }

  // ------------------------------------------------------------ from the brain

  private receive(message: ToEdgeOf, body: Uint8Array | null): void {
    switch (message.type) {
      case 'seat':
        return void this.seat(message).catch(this.started.reject)
      case 'turnedAway':
        return this.end(`the brain turned it away: ${message.why}`)
      case 'edges': {
        const gone = this.desks.ways.others(message.edges, message.last)
        for (const edge of gone) this.desks.fromBrain({ type: 'edgeGone', edge }, null)
        return this.options.onTakenOver?.()
      }
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
    const ready = () => !this.isDraining && this.brain.isThere
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
      forward: brainHttp(brainHttpPath(runDir), this.keyring, this.folder.store, () => this.brain.there()),
    })
  }

  private measure(): void {
    this.figuresTimer = this.options.system.after(edgeFiguresMs, () => this.measure())
    // What is counted stays here until somebody adds it up.
    if (!this.brain.isThere) return
    const open = [...this.changedKeys].map((key) => this.openOf(key))
    this.changedKeys.clear()
    void this.http?.figures().then((figures) => this.tell({ type: 'figures', figures, open }))
  }

  private openOf(key: string): OpenOfKey {
    const [scouts, streams] = [this.gateway.scoutsOf(key), this.http?.streamsOf(key) ?? 0]
    if (scouts + streams > 0) this.openKeys.add(key)
    else this.openKeys.delete(key)
    return [key, scouts, streams]
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
    this.brain.flush()
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
    this.desks.ways.end('this edge ends')
    this.peersDoor.stop()
    this.brain.end('this edge ends')
    this.folder.close()
  }
}
