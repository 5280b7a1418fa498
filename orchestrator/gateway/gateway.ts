/**
 * The scout edge: who may open a socket, which session it becomes, and when to look after it. Sessions hold the
 * protocol; this file joins them to Bun's websocket server below and to the engine above. Nothing in here awaits: an
 * upgrade that does leaks, and asynchronous message handlers finish out of order.
 */
import type { Server, ServerWebSocket, WebSocketHandler } from 'bun'
import { ByteAccount } from '../../shared/byte-account.ts'
import { descriptorShareOfOperator } from '../../shared/limits/process.ts'
import * as wireLimits from '../../shared/limits/wire.ts'
import type { HubFrame } from '../../shared/protocol/frames.ts'
import type { System, Timer } from '../../shared/system.ts'
import { EngineDefect } from '../engine/ports/defect.ts'
import type { ScoutEvents } from '../engine/ports/scouts.ts'
import { type Admission, admit, type KeyCheck, refusal, upgradeHeaders } from './admission.ts'
import { DialCounts, type DialRates } from './dial-rates.ts'
import { FrameLinks } from './frame-mapping.ts'
import { ScoutSession, type ScoutSocket } from './session.ts'

export interface SocketData {
  admission: Admission
  session: ScoutSession | null
}

/** The rates are raised by benches, which dial a whole fleet at once. */
export interface GatewaySettings extends DialRates {
  /** Settlements that wait for a frame to be acknowledged with. */
  acksHeldMax: number
  /** Of all sockets, those that the scouts of one operator may have. */
  descriptorShareOfOperator: number
}

export interface GatewayOptions {
  system: System
  keys: KeyCheck
  /** Sockets held at most; the next is refused with 503. */
  connectionsMax: number
  settings?: Partial<GatewaySettings>
  /** The dialer's address, where proxies stand in between. */
  clientOf?: (peer: string, headers: Headers) => string
  /** Told of an error that a message brought about: a defect of ours, whoever sent the message. */
  onDefect?: (error: unknown) => void
}

/** Sessions are looked after in turns: each turn visits one of these groups, so that no moment is crowded. */
const rounds = 25
const roundMs = 100
/** Closing a fleet takes this long per socket, so that it does not come back as one wave. */
const closeSpreadMs = 0.5

const tooManyRefused = 'Too many refused connections per second from this address: check SCOUT_KEY.'
const noRoom = 'This orchestrator has no room for another scout. Try again later.'
const noRoomForKey =
  'This orchestrator has no room for another scout with this key: use another key, or raise `ulimit -n` there.'
const tooManyAtOnce = 'Too many scouts connect at this moment: try again in a second.'

/** Bun's socket as a session sees it: one small object for each of thousands. */
class BunSocket implements ScoutSocket {
  constructor(private readonly ws: ServerWebSocket<SocketData>) {}

  send(message: Uint8Array): number {
    return this.ws.sendBinary(message)
  }

  close(code: number, reason: string): void {
    this.ws.close(code, reason)
  }

  buffered(): number {
    return this.ws.getBufferedAmount()
  }
}

export class Gateway {
  /** The engine's way to the scouts. */
  readonly links = new FrameLinks(
    (session, frame, body) => this.sendFrame(session, frame, body),
    (session, why, detail) => this.sessions.get(session)?.close(why, detail),
  )
  private readonly sessions = new Map<number, ScoutSession>()
  /** Those that have not greeted, and some that have a moment ago; in the order in which they came. */
  private readonly greeting = new Set<ScoutSession>()
  private readonly groups: Set<ScoutSession>[] = Array.from({ length: rounds }, () => new Set<ScoutSession>())
  private readonly system: System
  private readonly dialCounts: DialCounts
  private readonly options: GatewayOptions
  private readonly settings: GatewaySettings
  /** Of answers that have not arrived whole. */
  readonly bytesInFlight = new ByteAccount(wireLimits.assemblyBytesInAllMax, wireLimits.assemblyBytesPerOperatorMax)
  private nextSession = 1
  private open = 0
  private readonly openByOperator = new Map<string, number>()
  private round = 0
  private timer: Timer | null = null
  private visitDueMs = 0
  /** Where sessions report to; null before the start. */
  private events: ScoutEvents | null = null

  constructor(options: GatewayOptions) {
    this.options = options
    const { upgradesPerSecondPerAddress, upgradesPerSecond, upgradesPerSecondPerOperator, acksHeldMax } = wireLimits
    const rates = { upgradesPerSecondPerAddress, upgradesPerSecond, upgradesPerSecondPerOperator }
    this.settings = { ...rates, acksHeldMax, descriptorShareOfOperator, ...options.settings }
    this.dialCounts = new DialCounts(this.settings)
    this.system = options.system
  }

  /** Connections that the process can still hold. */
  get room(): number {
    return this.options.connectionsMax - this.open
  }

  private openOf(operator: string): number {
    return this.openByOperator.get(operator) ?? 0
  }

  /** Lets scouts in, whose sessions report to `events` from now on. */
  start(events: ScoutEvents): void {
    if (this.events !== null) throw new Error('the gateway was started before')
    this.events = events
    const visit = () => {
      this.timer = this.system.after(roundMs, visit)
      const nowMs = this.system.nowMs()
      this.notice(nowMs)
      this.visitDueMs = nowMs + roundMs
      this.round = (this.round + 1) % rounds
      for (const session of this.groups[this.round]!) session.check(nowMs)
      this.hurry(nowMs)
    }
    this.visitDueMs = this.system.nowMs()
    visit()
  }

  /** A round that is long overdue means that this process stood still. Noticed before anything is read or judged. */
  private notice(nowMs: number): void {
    const lateMs = nowMs - this.visitDueMs
    if (lateMs < wireLimits.standstillMs || this.timer === null) return
    this.visitDueMs = nowMs + roundMs
    for (const session of [...this.sessions.values()]) session.stood(lateMs, nowMs)
  }

  /** Gives up who has not greeted in time. The oldest stand first, so who is not due ends the look. */
  private hurry(nowMs: number): void {
    for (const session of this.greeting) {
      if (session.phase === 'greeting' && !session.helloDue(nowMs)) return
      this.greeting.delete(session)
    }
  }

  // ------------------------------------------------------------ below: Bun's server

  /** Answers `GET /v1/scout`: undefined once the socket is upgraded, otherwise the refusal. */
  upgrade(request: Request, server: Server<SocketData>): Response | undefined {
    const peer = server.requestIP(request)?.address ?? 'unknown'
    const address = this.options.clientOf?.(peer, request.headers) ?? peer
    const nowMs = this.system.nowMs()
    const admission = admit(request, address, this.options.keys)
    if (admission instanceof Response) {
      return this.dialCounts.mayFail(address, nowMs) ? admission : refusal('rate_limited', tooManyRefused)
    }
    if (!this.dialCounts.mayJoin(admission.operator, nowMs)) return refusal('rate_limited', tooManyAtOnce)
    if (this.events === null || this.room <= 0) return refusal('no_scout_available', noRoom)
    const share = this.options.connectionsMax * this.settings.descriptorShareOfOperator
    if (this.openOf(admission.operator) >= share) return refusal('no_scout_available', noRoomForKey)
    const data: SocketData = { admission, session: null }
    if (server.upgrade(request, { data, headers: upgradeHeaders })) return undefined
    return refusal('invalid_request', 'This is the scouts\' websocket endpoint; connect with "Upgrade: websocket".')
  }

  readonly websocket: WebSocketHandler<SocketData> = {
    // Counts the pieces of a message together, so that one without an end is bounded too.
    maxPayloadLength: wireLimits.frameBytesMax + wireLimits.oversizeRoomBytes,
    backpressureLimit: wireLimits.socketBacklogBytesMax,
    closeOnBackpressureLimit: true,
    perMessageDeflate: false,
    sendPings: false,
    idleTimeout: 0,
    open: (ws) => this.opened(ws),
    message: (ws, message) => this.received(ws, message),
    drain: (ws) => ws.data.session?.pump(),
    close: (ws) => this.closed(ws),
  }

  private opened(ws: ServerWebSocket<SocketData>): void {
    const { operator, address } = ws.data.admission
    const { events } = this
    if (events === null) throw new Error('a socket was opened before the start')
    const socket = new BunSocket(ws)
    const id = this.nextSession++
    const { acksHeldMax } = this.settings
    const nowMs = this.system.nowMs()
    const { bytesInFlight } = this
    const session = new ScoutSession({ id, operator, address, socket, events, acksHeldMax, nowMs, bytesInFlight })
    ws.data.session = session
    this.greeting.add(session)
    this.open++
    this.openByOperator.set(operator, this.openOf(operator) + 1)
    this.sessions.set(id, session)
    this.groups[id % rounds]!.add(session)
  }

  /** An error that leaves this handler would end the process, and with it everybody else's work. */
  private received(ws: ServerWebSocket<SocketData>, message: string | Buffer): void {
    try {
      const nowMs = this.system.nowMs()
      if (nowMs >= this.visitDueMs + wireLimits.standstillMs) this.notice(nowMs)
      ws.data.session?.receive(message, nowMs)
    } catch (error) {
      // The engine has reported it, and the process ends: no scout is to blame.
      if (error instanceof EngineDefect) throw error
      this.options.onDefect?.(error)
      ws.data.session?.close('badFrame', 'the orchestrator could not handle a frame')
    }
  }

  private closed(ws: ServerWebSocket<SocketData>): void {
    const { session } = ws.data
    if (session === null) return
    this.open--
    const others = this.openOf(session.operator) - 1
    if (others === 0) this.openByOperator.delete(session.operator)
    else this.openByOperator.set(session.operator, others)
    this.sessions.delete(session.id)
    this.groups[session.id % rounds]!.delete(session)
    session.closed()
  }

  // ------------------------------------------------------------ above: the engine

  /** Queues one frame of a session; ignored when its socket is closed. */
  sendFrame(session: number, frame: HubFrame, body?: Uint8Array): void {
    this.sessions.get(session)?.send(frame, body)
  }

  /** A key was revoked: its scouts go, for good. */
  closeOperator(operator: string): void {
    for (const session of this.sessions.values()) if (session.operator === operator) session.close('keyRevoked')
  }

  /** Tells every scout that the hub leaves and over which window to come back. */
  announceDrain(reason: string): void {
    const frame = { type: 'hubDrain' as const, windowMs: wireLimits.reconnectWindowMs, reason }
    for (const session of this.sessions.values()) if (session.phase !== 'greeting') session.send(frame)
  }

  /** Closes every socket, spread over a time that grows with the fleet; resolves when all are told. */
  async closeAll(): Promise<void> {
    const sessions = [...this.sessions.values()]
    const batch = Math.ceil(10 / closeSpreadMs)
    for (let from = 0; from < sessions.length; from += batch) {
      for (const session of sessions.slice(from, from + batch)) session.close('hubDraining')
      await new Promise<void>((resolve) => this.system.after(10, resolve))
    }
    this.timer?.cancel()
  }
}
