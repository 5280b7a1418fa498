/**
 * The scout edge: who may open a socket and which session it becomes. Sessions hold the protocol; this file joins them
 * to Bun's websocket server below, and to the engine above, whose requests it makes frames of. Nothing on the way of an
 * upgrade or a message awaits: an upgrade that does leaks, and asynchronous message handlers finish out of order.
 */
import type { Server, ServerWebSocket, WebSocketHandler } from 'bun'
import { ByteAccount } from '../../shared/byte-account.ts'
import { type FaultCode, faultTable } from '../../shared/faults.ts'
import { type KeyScopes, noScopes } from '../../shared/keys/key-terms.ts'
import { descriptorShareOfOperator } from '../../shared/limits/process.ts'
import * as wireLimits from '../../shared/limits/wire.ts'
import type { CloseName } from '../../shared/protocol/close-codes.ts'
import { type FrameOf, frameTable, type HubFrame, protocolVersion, subprotocol } from '../../shared/protocol/frames.ts'
import type { System } from '../../shared/system.ts'
import type { Verdict } from '../../shared/task.ts'
import { EngineDefect } from '../engine/ports/defect.ts'
import type { ScoutEvents, ScoutLinks, Standing, TaskGrant, Welcome } from '../engine/ports/scouts.ts'
import { allowsScout } from '../tenants/scopes.ts'
import { DialCounts, type DialRates } from './dial-rates.ts'
import { ScoutSession, type ScoutSocket } from './session.ts'
import { SessionVisits } from './visits.ts'

/** The keyring, as much of it as is needed here. */
export type KeyCheck = (
  key: string,
) => { ok: true; id: string; tenant: string; role: string; scopes?: ScoutScope } | { ok: false; flaw: string }

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
  private readonly visits: SessionVisits
  private readonly system: System
  private readonly dialCounts: DialCounts
  private readonly options: GatewayOptions
  private readonly settings: GatewaySettings
  /** Of answers that have not arrived whole. */
  readonly bytesInFlight = new ByteAccount(wireLimits.assemblyBytesInAllMax, wireLimits.assemblyBytesPerOperatorMax)
  private sessionsOpened = 0
  private open = 0
  private readonly openByOperator = new Map<string, number>()
  private readonly byKey = new Map<string, Set<ScoutSession>>()
  /** Where sessions report to; null before the start. */
  private events: ScoutEvents | null = null

  constructor(options: GatewayOptions) {
    this.options = options
    const { upgradesPerSecondPerAddress, upgradesPerSecond, upgradesPerSecondPerOperator, acksHeldMax } = wireLimits
    const rates = { upgradesPerSecondPerAddress, upgradesPerSecond, upgradesPerSecondPerOperator }
    this.settings = { ...rates, acksHeldMax, descriptorShareOfOperator, ...options.settings }
    this.dialCounts = new DialCounts(this.settings)
    this.system = options.system
    this.visits = new SessionVisits(options.system)
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
    close: (ws) => this.closed(ws),
  }

  private opened(ws: ServerWebSocket<SocketData>): void {
    const { operator, address, scopes = noScopes } = ws.data.admission
    const { events } = this
    if (events === null) throw new Error('a socket was opened before the start')
    const socket = new BunSocket(ws)
    const id = this.options.nextSession?.() ?? ++this.sessionsOpened
    const { acksHeldMax } = this.settings
    const nowMs = this.system.nowMs()
    const { bytesInFlight } = this
    const session = new ScoutSession({
      ...{ id, operator, address, socket, events, acksHeldMax, nowMs, bytesInFlight },
      mayBeNamed: (name) => allowsScout(scopes, name),
    })
    ws.data.session = session
    this.open++
    this.openByOperator.set(operator, this.openOf(operator) + 1)
    this.sessions.set(id, session)
    const { key } = ws.data.admission
    const ofKey = this.byKey.get(key)
    if (ofKey === undefined) this.byKey.set(key, new Set([session]))
    else ofKey.add(session)
    this.options.countChanged?.(key)
    this.visits.add(session)
  }

  /** An error that leaves this handler would end the process, and with it everybody else's work. */
  private received(ws: ServerWebSocket<SocketData>, message: string | Buffer): void {
    try {
      const nowMs = this.system.nowMs()
      this.visits.notice(nowMs)
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
    const { key } = ws.data.admission
    const ofKey = this.byKey.get(key)
    ofKey?.delete(session)
    if (ofKey?.size === 0) this.byKey.delete(key)
    this.options.countChanged?.(key)
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
    for (const session of [...(this.byKey.get(key) ?? [])]) session.close('keyRevoked')
  }

  /** Connections of scouts with this key. */
  scoutsOf(key: string): number {
    return this.byKey.get(key)?.size ?? 0
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
  if (!check.ok) return refusal('invalid_api_key', check.flaw)
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

/** Queues one frame. `body` is for task frames: sent inline when small, as fragments when not. */
type SendFrame = (session: number, frame: HubFrame, body?: Uint8Array) => void

/** Shared by all frames: a session replaces the list and never adds to it. */
const noAcks: FrameOf<'task'>['acks'] = []
const { attempt: attemptField, ttlMs: durationField } = frameTable.task.fields

/**
 * Makes the frames of what the engine asks for, and is the place where a value that the frame table refuses is stopped,
 * because an honest scout would close its socket over it.
 */
export class FrameLinks implements ScoutLinks {
  constructor(
    private readonly send: SendFrame,
    private readonly closeSession: (session: number, why: CloseName, detail?: string) => void,
  ) {}

  task(session: number, grant: TaskGrant, request: Uint8Array): boolean {
    if (!fits(grant, request)) return false
    const { task, attempt, nonce, kind, model, stream, ttlMs, deadlineMs } = grant
    const size = request.length
    const type = 'task'
    // The session puts the acknowledgements and a small body in.
    this.send(
      session,
      { type, task, attempt, nonce, kind, model, stream, ttlMs, deadlineMs, acks: noAcks, size, body: null },
      request,
    )
    return true
  }

  cancel(session: number, task: number, attempt: number, reason: string): void {
    this.send(session, { type: 'cancel', task, attempt, reason })
  }

  flow(session: number, task: number, attempt: number, paused: boolean): void {
    this.send(session, { type: 'flow', task, attempt, paused })
  }

  settled(session: number, task: number, attempt: number, verdict: Verdict): void {
    // A scout cannot name an attempt out of range, so neither can the answer to it.
    this.send(session, { type: 'settled', acks: [[task, attempt, verdict]] })
  }

  welcome(session: number, { epoch, scout, leaseTtlMs, creditMax, held }: Welcome): void {
    const version = protocolVersion
    const replies: FrameOf<'welcome'>['held'] = held.map(({ task, attempt, verdict, nextChunk }) => {
      return [task, attempt, verdict, nextChunk]
    })
    const { heartbeatMs, silenceMs } = wireLimits
    const terms = { version, epoch, scout, heartbeatMs, silenceMs, leaseTtlMs, creditMax }
    this.send(session, { type: 'welcome', ...terms, held: replies })
  }

  standing(session: number, { paused, ...counts }: Standing): void {
    const pauses: FrameOf<'standing'>['paused'] = paused.map(({ model, resumesInMs }) => [model, resumesInMs])
    this.send(session, { type: 'standing', ...counts, paused: pauses })
  }

  close(session: number, why: CloseName, detail?: string): void {
    this.closeSession(session, why, detail)
  }
}

/** The fields of a task that grow with time or come from a client; the others are made to fit. */
export function fits({ attempt, model, ttlMs, deadlineMs }: TaskGrant, request: Uint8Array): boolean {
  return (
    attemptField.accepts(attempt) &&
    durationField.accepts(ttlMs) &&
    durationField.accepts(deadlineMs) &&
    model.length > 0 &&
    model.length <= wireLimits.modelCharsMax &&
    request.length <= wireLimits.requestBodyBytesMax
  )
}
