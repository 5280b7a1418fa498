/**
 * The scout edge: who may open a socket and which session it becomes. Sessions hold the protocol; this file joins them
 * to Bun's websocket server below, and to the engine above (`frame-links.ts`). Nothing on the way of an
 * upgrade or a message awaits: an upgrade that does leaks, and asynchronous message handlers finish out of order.
 */
import type { Server, ServerWebSocket, WebSocketHandler } from 'bun'
import { ByteAccount } from '../../shared/byte-account.ts'
import { type FaultCode, faultTable } from '../../shared/faults.ts'
import { type KeyScopes, noScopes } from '../../shared/keys/key-terms.ts'
import { descriptorShareOfOperator, moveWindowMs } from '../../shared/limits/process.ts'
import * as wireLimits from '../../shared/limits/wire.ts'
import { type HubFrame, subprotocol } from '../../shared/protocol/frames.ts'
import { SetsByKey } from '../../shared/sets-by-key.ts'
import type { System } from '../../shared/system.ts'
import { EngineDefect } from '../engine/ports/defect.ts'
import type { ScoutEvents } from '../engine/ports/scouts.ts'
import { allowsScout } from '../tenants/scopes.ts'
import { DialCounts, type DialRates } from './dial-rates.ts'
import { FrameLinks } from './frame-links.ts'
import { Inbox } from './inbox.ts'
import { ScoutSession, type ScoutSocket } from './session.ts'
import { SessionVisits } from './visits.ts'

/** The keyring, as much of it as is needed here. */
export type KeyCheck = (
  key: string,
) =>
  | { ok: true; id: string; tenant: string; role: string; scopes?: ScoutScope }
  | { ok: false; flaw: string; isPassing?: true }

type ScoutScope = Pick<KeyScopes, 'scouts'>

export interface Admission {
  /** The tenant of the scout key: with a name it is the identity of a scout, whatever key that has. */
  operator: string
  /** Id of the scout key. */
  key: string
  /** The names that its scouts may have; absent for any. */
  scopes?: ScoutScope
  address: string
}

export interface SocketData {
  admission: Admission
  session: ScoutSession | null
  /** What the session sends through. */
  socket?: BunSocket
}

/** Dial rates are raised by benches, which dial a whole fleet at once; the rate of data is cut by the simulation. */
export interface GatewaySettings extends DialRates {
  /** Settlements that wait for a frame to be acknowledged with. */
  acksHeldMax: number
  /** Bytes of chunks and fragments that one scout may send per second. */
  dataBytesPerSecond: number
  /** Of all sockets, those that the scouts of one operator may have. */
  descriptorShareOfOperator: number
}

export interface GatewayOptions {
  system: System
  keys: KeyCheck
  /** Sockets held at most; the next is refused with 503. */
  connectionsMax: number
  settings?: Partial<GatewaySettings>
  /** Where else scouts may dial: the other hubs of a network. */
  otherHubs?: () => readonly string[]
  /** The dialer's address, where proxies stand in between. */
  clientOf?: (peer: string, headers: Headers) => string
  /** Told of an error that a message brought about: a defect of ours, whoever sent the message. */
  onDefect?: (error: unknown) => void
  /** A key has more or fewer connections than before. */
  countChanged?: (key: string) => void
  /** A number for the next session; counted from 1 without it. */
  nextSession?: () => number
}

/** Closing a fleet takes this long per socket, so that it does not come back as one wave. */
const closeSpreadMs = 0.5

const tooManyRefused = 'Too many refused connections per second from this address: check SCOUT_KEY.'
const noRoom = 'This orchestrator has no room for another scout. Try again later.'
const noRoomForKey =
  'This orchestrator has no room for another scout with this key: use another key, or raise `ulimit -n` there.'
const tooManyAtOnce = 'Too many scouts connect at this moment: try again in a second.'

/** Bun's socket as a session sees it: one small object for each of thousands. */
class BunSocket implements ScoutSocket {
  /** Closed, while what came before is still being read: what is sent to it meets nobody, and is no reason to end. */
  isClosed = false

  constructor(private readonly ws: ServerWebSocket<SocketData>) {}

  send(message: Uint8Array): number {
    return this.isClosed ? message.length : this.ws.sendBinary(message)
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
    () => this.options.otherHubs?.() ?? [],
  )
  private readonly sessions = new Map<number, ScoutSession>()
  private readonly visits: SessionVisits
  private readonly system: System
  private readonly dialCounts: DialCounts
  private readonly options: GatewayOptions
  private readonly settings: GatewaySettings
  private readonly inbox: Inbox<ServerWebSocket<SocketData>>
  /** Of answers that have not arrived whole. */
  readonly bytesInFlight = new ByteAccount(wireLimits.assemblyBytesInAllMax, wireLimits.assemblyBytesPerOperatorMax)
  private sessionsOpened = 0
  private open = 0
  private readonly openByOperator = new Map<string, number>()
  private readonly byKey = new SetsByKey<ScoutSession>((key) => this.options.countChanged?.(key))
  /** Where sessions report to; null before the start. */
  private events: ScoutEvents | null = null

  constructor(options: GatewayOptions) {
    this.options = options
    const { upgradesPerSecondPerAddress, upgradesPerSecond, upgradesPerSecondPerOperator } = wireLimits
    const { acksHeldMax, dataBytesPerSecond } = wireLimits
    const rates = { upgradesPerSecondPerAddress, upgradesPerSecond, upgradesPerSecondPerOperator, dataBytesPerSecond }
    this.settings = { ...rates, acksHeldMax, descriptorShareOfOperator, ...options.settings }
    this.dialCounts = new DialCounts(this.settings)
    this.system = options.system
    this.visits = new SessionVisits(options.system)
    this.inbox = new Inbox(
      options.system,
      (ws, message) => this.read(ws, message),
      (ws) => ws.data.session?.close('rate', 'more waits than is read'),
    )
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
    this.visits.start()
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
    close: (ws) => this.ended(ws),
  }

  private opened(ws: ServerWebSocket<SocketData>): void {
    const { admission } = ws.data
    const socket = new BunSocket(ws)
    const session = this.begin(admission, socket, 1)
    ws.data.session = session
    ws.data.socket = socket
    this.open++
    this.openByOperator.set(admission.operator, this.openOf(admission.operator) + 1)
    this.byKey.add(admission.key, session)
  }

  private begin(
    { operator, address, scopes = noScopes }: Omit<Admission, 'key'>,
    socket: ScoutSocket,
    allowance: number,
  ) {
    const { events } = this
    if (events === null) throw new Error('a socket was opened before the start')
    const id = this.options.nextSession?.() ?? ++this.sessionsOpened
    const { acksHeldMax, dataBytesPerSecond } = this.settings
    const nowMs = this.system.nowMs()
    const { bytesInFlight } = this
    const session = new ScoutSession({
      ...{ id, operator, address, socket, events, acksHeldMax, dataBytesPerSecond, nowMs, bytesInFlight, allowance },
      mayBeNamed: (name) => allowsScout(scopes, name),
    })
    this.sessions.set(id, session)
    this.visits.add(session)
    return session
  }

  /** A session that stands for another hub: a scout with `allowance` times as many frames and bytes a second. */
  openPeer(operator: string, address: string, socket: ScoutSocket, allowance: number) {
    const session = this.begin({ operator, address }, socket, allowance)
    const receive = (frame: Uint8Array, nowMs: number) => {
      this.visits.notice(nowMs)
      this.handed(session, frame, nowMs)
    }
    return { receive, closed: () => this.leave(session) }
  }

  private received(ws: ServerWebSocket<SocketData>, message: string | Buffer): void {
    this.visits.notice(this.system.nowMs())
    this.inbox.add(ws, message)
  }

  private read(ws: ServerWebSocket<SocketData>, message: string | Uint8Array): void {
    const { session } = ws.data
    if (session !== null) this.handed(session, message, this.system.nowMs())
  }

  /** An error that leaves this handler would end the process, and with it everybody else's work. */
  private handed(session: ScoutSession, message: string | Uint8Array, nowMs: number): void {
    try {
      session.receive(message, nowMs)
    } catch (error) {
      // The engine has reported it, and the process ends: no scout is to blame.
      if (error instanceof EngineDefect) throw error
      this.options.onDefect?.(error)
      session.close('badFrame', 'the orchestrator could not handle a frame')
    }
  }

  private ended(ws: ServerWebSocket<SocketData>): void {
    if (ws.data.socket !== undefined) ws.data.socket.isClosed = true
    this.inbox.end(ws, () => this.closed(ws))
  }

  private closed(ws: ServerWebSocket<SocketData>): void {
    const { session } = ws.data
    if (session === null) return
    this.open--
    const others = this.openOf(session.operator) - 1
    if (others === 0) this.openByOperator.delete(session.operator)
    else this.openByOperator.set(session.operator, others)
    this.byKey.remove(ws.data.admission.key, session)
    this.leave(session)
  }

  private leave(session: ScoutSession): void {
    this.sessions.delete(session.id)
    this.visits.remove(session)
    session.closed()
  }

  // ------------------------------------------------------------ above: the engine

  /** Queues one frame of a session; ignored when its socket is closed. */
  sendFrame(session: number, frame: HubFrame, body?: Uint8Array): void {
    this.sessions.get(session)?.send(frame, body)
  }

  /** A key stopped working: its scouts go, for good. */
  closeKey(key: string): void {
    for (const session of this.byKey.of(key)) session.close('keyRevoked')
  }

  /** Connections of scouts with this key. */
  scoutsOf(key: string): number {
    return this.byKey.countOf(key)
  }

  /** Tells every scout that the hub leaves and over which window to come back. */
  announceDrain(reason: string): void {
    const frame = { type: 'hubDrain' as const, windowMs: wireLimits.reconnectWindowMs, reason }
    for (const session of this.sessions.values()) if (session.phase !== 'greeting') session.send(frame)
  }

  /** Has the scout of this session dial again soon. It is idle, so that nothing is lost with its socket. */
  move(id: number, reason: string): void {
    const session = this.sessions.get(id)
    if (session === undefined || session.phase === 'greeting') return
    session.send({ type: 'hubDrain', windowMs: moveWindowMs, reason })
    session.close('hubDraining', reason)
  }

  /** Closes every socket, spread over a time that grows with the fleet; resolves when all are told. */
  async closeAll(): Promise<void> {
    const sessions = [...this.sessions.values()]
    const batch = Math.ceil(10 / closeSpreadMs)
    for (let from = 0; from < sessions.length; from += batch) {
      for (const session of sessions.slice(from, from + batch)) session.close('hubDraining')
      await new Promise<void>((resolve) => this.system.after(10, resolve))
    }
    this.visits.stop()
  }
}

const upgradeHeaders = { 'sec-websocket-protocol': subprotocol, 'x-chasm': '1' }

const unspoken = `This orchestrator speaks "${subprotocol}": ask for it in Sec-WebSocket-Protocol, or update the scout.`

/**
 * Decides on an upgrade request, before a single frame is read; every refusal is a sentence that says what to do. Keys
 * come from the Authorization header alone: addresses end up in logs.
 */
export function admit(request: Request, address: string, keys: KeyCheck): Admission | Response {
  const { headers } = request
  if (headers.has('origin')) {
    return refusal('permission_denied', 'Scouts do not dial from web pages: connect without an Origin header.')
  }
  const spoken = (headers.get('sec-websocket-protocol') ?? '').split(',').map((name) => name.trim())
  if (!spoken.includes(subprotocol)) {
    return refusal('invalid_request', unspoken)
  }
  const [scheme, key] = (headers.get('authorization') ?? '').split(' ', 2)
  if (scheme?.toLowerCase() !== 'bearer' || !key) {
    return refusal('invalid_api_key', 'No scout key: set SCOUT_KEY, sent as "Authorization: Bearer <key>".')
  }
  const check = keys(key)
  if (!check.ok) return refusal(check.isPassing ? 'store_unavailable' : 'invalid_api_key', check.flaw)
  if (check.role !== 'scout') {
    return refusal(
      'permission_denied',
      `The role of this key is ${check.role}; a scout needs a scout key in SCOUT_KEY.`,
    )
  }
  const { scopes } = check
  return { operator: check.tenant, key: check.id, ...(scopes?.scouts && { scopes }), address }
}

/** An OpenAI-shaped refusal, for the one HTTP request a scout makes. */
function refusal(code: FaultCode, message: string): Response {
  const { status, type } = faultTable[code]
  const body = { error: { message, type, param: null, code } }
  const retry = status === 429 || status === 503 ? { 'retry-after': '1' } : undefined
  return Response.json(body, { status, headers: { 'x-chasm': '1', ...retry } })
}
