/**
 * The context of one request at the client edge: who sent it, under which id, and what the handlers need to answer. The
 * server makes one per request, authenticates its caller, and handlers read it. It reports to the metrics, once, how
 * the request ended. Keys count in the Authorization header, else in x-api-key; the gateway verifies those of scouts.
 */
import type { KeyRole } from '../../shared/api-key.ts'
import type { ByteAccount, ByteRefusal } from '../../shared/byte-account.ts'
import { type Fault, fault } from '../../shared/faults.ts'
import { unreadPartBytesFree } from '../../shared/limits/http.ts'
import { bodyBytesMax } from '../../shared/limits/wire.ts'
import type { System } from '../../shared/system.ts'
import type { TurnLane } from '../../shared/turn-lane.ts'
import type { Engine } from '../engine/ports/client.ts'
import type { Intents } from '../engine/ports/intents.ts'
import type { Planner } from '../engine/ports/planner.ts'
import type { KeyRow } from '../engine/ports/store.ts'
import type { BodyReads } from './body-reads.ts'
import type { Cors } from './cors.ts'
import type { Metrics } from './metrics.ts'
import type { RequestShares } from './request-shares.ts'
import type { OpenStreams } from './streaming/open-streams.ts'
import type { WholeWaits } from './whole-waits.ts'

/** What the client edge logs through; pino's loggers fit. */
export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What the operator sets, and waits that tests shorten. */
export interface HttpSettings {
  keepAliveMs: number
  clientStallMs: number
  /** The largest body of an interactive request. */
  requestBytesMax: number
  /** Whether requests may name URLs of private networks, which the machines of scouts would fetch. */
  allowsPrivateUrls: boolean
  /** Whose pages may use this hub from a browser. */
  corsOrigins: readonly string[]
}

/** The keyring, as far as the client edge uses it. */
export interface Keys {
  verify(presented: string): Readonly<{ ok: true } & Caller> | Readonly<{ ok: false; flaw: string }>
  issue(role: KeyRole, name: string, weight?: number): { key: string; row: KeyRow }
  /** False when there is no such key or it was revoked before. */
  revoke(id: string): boolean
  list(): KeyRow[]
}

export interface Caller {
  /** Public id of the key; the tenant of what it submits. */
  id: string
  role: KeyRole
  /** Its turns in the queue for each one of another tenant's; 1 when absent. */
  weight?: number
}

/** What a route requires of its caller. */
type Access = 'open' | 'client' | 'admin'

/**
 * Passes a request on to the process that answers it, with its body, which may have been inflated. Comes back with the
 * answer as that process gives it.
 */
export type Forward = (request: Request, body: Uint8Array<ArrayBuffer> | null, isInflated: boolean) => Promise<Response>

/** What all requests share. */
export interface Edge {
  engine: Engine
  intents: Intents
  planner: Planner
  keys: Keys
  system: System
  log: Log
  settings: HttpSettings
  metrics: Metrics
  cors: Cors
  waits: WholeWaits
  /** Requests that may be under way at once, as descriptors stand now. */
  requestsMax: () => number
  /** The same by the keys that sent them. */
  shares: RequestShares
  bodies: BodyReads
  streams: OpenStreams
  /** Of requests, by tenant; those of large requests are in both accounts. */
  bytesInFlight: ByteAccount
  largeBytesInFlight: ByteAccount
  /** Of large answers that their clients have not taken yet, by tenant. */
  unreadBytes: ByteAccount
  /** For what takes long with a request. */
  lane: TurnLane
  /** The gateway's: nothing when the connection is a websocket now, else why it is not. */
  upgradeScout: (request: Request) => Response | undefined
  /** Where requests go that are answered elsewhere; null in a process that answers all of them. */
  forward: Forward | null
}

/** By the name in braces, decoded; empty where the path has no such segment. */
export interface Params {
  readonly id: string
  readonly node: string
}

export const noParams: Params = { id: '', node: '' }

export interface Route {
  method: 'GET' | 'POST' | 'DELETE'
  /** A segment in braces takes what stands there, slashes included. There are two of them at most. */
  path: string
  access: Access
  /** Answered by every process of a hub; others only by the one that has the store. */
  isEverywhere?: true
  /** Nothing means that the connection has become a websocket. */
  handle(context: RequestContext): Response | Promise<Response> | undefined
}

/** Of the request's body: nobody has read it, all of it has arrived, or its connection is given up. */
type BodyState = 'unread' | 'over' | 'cut'

const later = { retryAfterMs: 2_000 }
const overBytes: Record<ByteRefusal, Fault> = {
  share: fault('rate_limited', 'Requests of this key hold all the bytes one key may have: send fewer at once.', later),
  full: fault('hub_overloaded', 'The orchestrator holds all the requests that it has memory for: try again.', later),
}

const overUnread: Record<ByteRefusal, Fault> = {
  share: fault('rate_limited', 'Streams of this key hold all the bytes one key may have: read them, or open fewer.'),
  full: fault('hub_overloaded', 'The orchestrator has no memory for what this stream has not read: read faster.'),
}

const acceptedId = /^[A-Za-z0-9_-]{1,64}$/

export class RequestContext {
  readonly id: string
  readonly startedMs: number
  /** The route's method and path, for metrics and logs; never the path as asked, which may hold anything. */
  route: Route | null = null
  params: Params = noParams
  /** Null on open routes. */
  caller: Caller | null = null
  /** Counted where it is answered. */
  isForwarded = false
  /** Set by an answer that goes on after its response has been returned: it then calls `ended` itself. */
  streams = false
  /** Owned by `WholeWaits`. */
  waitSlot = 0
  isIdleExempt = false
  private bodyState: BodyState = 'unread'
  /** Counted in the accounts of bytes in flight until the request has ended. */
  private heldBytes = 0
  /** The same of what was made for the client and not read so far, while that is much. */
  private unreadBytes = 0
  private heldLargeBytes = 0
  /** Among the requests of its key that are under way. */
  private isCounted = false
  /** From the arrival to the first content; null before, and without content. */
  private firstByteMs: number | null = null

  constructor(
    readonly request: Request,
    readonly server: Pick<Bun.Server<unknown>, 'timeout' | 'pendingRequests'>,
    readonly edge: Edge,
  ) {
    const given = request.headers.get('x-request-id')
    this.id = given !== null && acceptedId.test(given) ? given : `req_${Bun.randomUUIDv7()}`
    this.startedMs = edge.system.nowMs()
  }

  /** The first byte of an answer's content leaves. */
  firstByte(): void {
    this.firstByteMs = this.edge.system.nowMs() - this.startedMs
  }

  get query(): URLSearchParams {
    const { url } = this.request
    const at = url.indexOf('?')
    return new URLSearchParams(at < 0 ? '' : url.slice(at + 1))
  }

  /** Counts it among the requests of its key until it has ended; false when the key has as many as it may. */
  count(): boolean {
    this.isCounted = this.edge.shares.begin(this.caller!.id)
    return this.isCounted
  }

  /** Bytes that are counted for this request so far. */
  get bodyBytes(): number {
    return this.heldBytes
  }

  /** Counts bytes of the body that are kept from now on, until the request has ended; or says why it cannot. */
  hold(bytes: number): Fault | null {
    const { bytesInFlight, largeBytesInFlight } = this.edge
    const { id } = this.caller!
    const refused = bytesInFlight.take(id, bytes)
    if (refused !== null) return overBytes[refused]
    this.heldBytes += bytes
    if (this.heldBytes <= bodyBytesMax) return null
    const largeBytes = this.heldBytes - this.heldLargeBytes
    const refusedLarge = largeBytesInFlight.take(id, largeBytes)
    if (refusedLarge !== null) return overBytes[refusedLarge]
    this.heldLargeBytes += largeBytes
    return null
  }

  /**
   * Counts what was made for the client of a stream and waits for it to read on; what waited before has been read.
   * Parts as small as most are do not count.
   */
  holdUnread(bytes: number): Fault | null {
    const { unreadBytes } = this.edge
    if (this.unreadBytes > 0) unreadBytes.give(this.caller!.id, this.unreadBytes)
    this.unreadBytes = 0
    if (bytes <= unreadPartBytesFree) return null
    const refused = unreadBytes.take(this.caller!.id, bytes)
    if (refused !== null) return overUnread[refused]
    this.unreadBytes = bytes
    return null
  }

  /** What came of reading the body. */
  tookBody(outcome: Uint8Array | string | Fault): void {
    if (outcome instanceof Uint8Array) this.bodyState = 'over'
    else if (this.request.bodyUsed) this.bodyState = 'cut'
  }

  /** A body that was sent and that nobody has read. */
  get hasUnreadBody(): boolean {
    const { headers } = this.request
    if (this.bodyState !== 'unread') return false
    return headers.has('transfer-encoding') || Number(headers.get('content-length') ?? 0) > 0
  }

  get isBodyCut(): boolean {
    return this.bodyState === 'cut'
  }

  /** Once, when nothing of the request is kept any more. */
  ended(status: number): void {
    this.giveBack()
    this.holdUnread(0)
    if (this.isCounted) this.edge.shares.end(this.caller!.id)
    this.isCounted = false
    if (this.isForwarded) return
    const { edge, request, startedMs, firstByteMs } = this
    edge.metrics.ended(this.routeName(), request.method, status, edge.system.nowMs() - startedMs, firstByteMs)
  }

  private giveBack(): void {
    const { bytesInFlight, largeBytesInFlight } = this.edge
    if (this.heldBytes > 0) bytesInFlight.give(this.caller!.id, this.heldBytes)
    if (this.heldLargeBytes > 0) largeBytesInFlight.give(this.caller!.id, this.heldLargeBytes)
    this.heldBytes = 0
    this.heldLargeBytes = 0
  }

  private routeName(): string {
    return this.route?.path ?? 'none'
  }
}

const bearer = /^Bearer +(\S+) *$/i
const howTo = 'send a client key in the header "Authorization: Bearer <key>"; the operator of this server issues them'

/** The caller, or why it may not: `invalid_api_key` without a good key, `permission_denied` with the wrong role. */
export function authenticate(request: Request, keys: Keys, access: 'client' | 'admin'): Caller | Fault {
  const header = request.headers.get('authorization')
  // Anthropic's clients put it there.
  const presented = header === null ? request.headers.get('x-api-key') : bearer.exec(header)?.[1]
  if (presented === null) return fault('invalid_api_key', `No API key was given: ${howTo}.`)
  if (presented === undefined) {
    return fault('invalid_api_key', `The Authorization header is not of the form "Bearer <key>": ${howTo}.`)
  }
  const verified = keys.verify(presented)
  if (!verified.ok) return fault('invalid_api_key', `The API key was refused: ${verified.flaw}; ${howTo}.`)
  if (verified.role === 'admin' || verified.role === access) return verified
  return fault('permission_denied', roleSentence(verified.role, access))
}

function roleSentence(role: KeyRole, access: 'client' | 'admin'): string {
  if (access === 'admin') return `This needs an admin key, and the key given is a ${role} key: use an admin key.`
  return `A ${role} key cannot ask for answers: use a client key, and keep this one for the machine it was made for.`
}
