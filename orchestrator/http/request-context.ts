/**
 * The context of one request at the client edge: who sent it, under which id, and what the handlers need to answer. The
 * server makes one per request, and handlers read it. It reports to the metrics, once, how
 * the request ended. Keys count in the Authorization header, else in x-api-key; the gateway verifies those of scouts.
 */
import type { ByteAccount, ByteRefusal } from '../../shared/byte-account.ts'
import { type Fault, fault } from '../../shared/faults.ts'
import type { ScopedRoute } from '../../shared/keys/key-terms.ts'
import { unreadPartBytesFree } from '../../shared/limits/http.ts'
import { bodyBytesMax } from '../../shared/limits/wire.ts'
import type { System } from '../../shared/system.ts'
import type { Served } from '../../shared/task.ts'
import type { TurnLane } from '../../shared/turn-lane.ts'
import type { Actor, KeyHolder, Keyring } from '../engine/keyring.ts'
import type { Accounts, Session } from '../engine/ports/accounts.ts'
import type { Begun, Engine, HubNetwork } from '../engine/ports/client.ts'
import type { Intents } from '../engine/ports/intents.ts'
import type { Planner } from '../engine/ports/planner.ts'
import type { BodyReads } from './body-reads.ts'
import type { Cors } from './cors.ts'
import type { LiveFeed } from './live/live-feed.ts'
import type { RecentAnswers } from './live/recent-answers.ts'
import type { Topics } from './live/topics.ts'
import type { Traffic } from './live/traffic.ts'
import type { Metrics } from './metrics.ts'
import type { RequestShares } from './shares/request-shares.ts'
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
  /** The origin of the hub's own page; null: `pageHosts` with the port of the server. */
  publicUrl: string | null
  /** Names at which the page is the hub's own where there is no `publicUrl`, as they stand in a URL. */
  pageHosts: readonly string[]
}

/** The keyring, as far as the client edge uses it. */
export type Keys = Pick<Keyring, 'verify' | 'issue' | 'regenerate' | 'amend' | 'revoke' | 'page' | 'row' | 'ownerFlaw'>

/** Whose key a request came with: `id` is the key's, `tenant` is whose work it reaches. */
export type Caller = KeyHolder

/** What a route requires of its caller; `any`: a key of whatever role. */
export type Access = 'open' | 'any' | 'client' | 'admin'

/** The page for people, as the dashboard gives its files. */
export interface Page {
  /** The file of this name, the page itself for an empty one; null when there is none. Waits until there are files. */
  file(
    name: string,
    acceptedEncodings: string,
  ): Promise<{ status: number; body: Uint8Array<ArrayBuffer>; headers: Record<string, string> } | null>
}

/** The way to the process that answers what this one cannot. */
export interface Forward {
  /** The answer as that process gives it. */
  send(passed: PassedRequest): Promise<Response>
  /** Whether somebody is signed in with this token, as far as it takes to let a large body in. */
  knowsSession(token: string): boolean
}

interface PassedRequest {
  request: Request
  /** Null when there is none. */
  body: Uint8Array<ArrayBuffer> | null
  isInflated: boolean
  /** Under which both processes know it. */
  id: string
  /** The network address of whoever sent it. */
  address: string
}

/** Executables of the scout that this hub hands out. */
export interface Builds {
  list(): readonly { platform: string; sha256: string }[]
  /** The bytes of one of the list; null while as many are read as may be at once. */
  open(platform: string): ReadableStream<Uint8Array> | null
}

/** What all requests share. */
export interface Edge {
  engine: Engine
  intents: Intents
  planner: Planner
  keys: Keys
  /** Null for a hub without one. */
  page: Page | null
  /** Null for a hub that has none. */
  builds: Builds | null
  accounts: Accounts
  /** Null for a hub by itself. */
  network: HubNetwork | null
  system: System
  log: Log
  settings: HttpSettings
  metrics: Metrics
  traffic: Traffic
  recent: RecentAnswers
  topics: Topics
  live: LiveFeed
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
  /** Who is at the other end of a connection, given its peer and what proxies say. */
  clientOf: (peer: string, headers: Headers) => string
  /** Connections of scouts with this key. */
  scoutsOf: (key: string) => number
  /** Streams that this key has opened. */
  streamsOf: (key: string) => number
  /** The port at which clients reach this hub. */
  port: () => number
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
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** A segment in braces takes what stands there, slashes included. There are two of them at most. */
  path: string
  access: Access
  /** The group of routes that a key's scopes allow or not; without one every key may that its role allows. */
  scope?: ScopedRoute
  /** It asks for work, and counts among the requests per minute and in the charts. */
  isRated?: true
  /** Answered by every process of a hub; others only by the one that has the store. */
  isEverywhere?: true
  /** Nothing means that the connection has become a websocket. */
  handle(context: RequestContext): Response | Promise<Response> | undefined
}

/** Who has not signed in yet shares what one tenant may hold. */
const noTenant = ''

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
  /** Of a key whose rates are limited, once they have been asked. */
  begun: Begun | null = null
  /** Set when the caller came with a cookie instead of a key. */
  session: Session | null = null
  /** Counted where it is answered. */
  isForwarded = false
  /** Set by an answer that goes on after its response has been returned: it then calls `ended` itself. */
  streams = false
  /** Owned by `WholeWaits`. */
  listSlot = 0
  onLeave: (() => void) | null = null
  leaveListener: (() => void) | null = null
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
  private served: Served | null = null

  constructor(
    readonly request: Request,
    readonly server: Pick<Bun.Server<unknown>, 'timeout' | 'pendingRequests' | 'requestIP'>,
    readonly edge: Edge,
  ) {
    const given = request.headers.get('x-request-id')
    this.id = given !== null && acceptedId.test(given) ? given : `req_${Bun.randomUUIDv7()}`
    this.startedMs = edge.system.nowMs()
  }

  /** The first byte of an answer's content leaves; `served` as far as one scout serves all of it. */
  firstByte(served: Served | null = null): void {
    this.served = served
    this.firstByteMs = this.edge.system.nowMs() - this.startedMs
  }

  get query(): URLSearchParams {
    const { url } = this.request
    const at = url.indexOf('?')
    return new URLSearchParams(at < 0 ? '' : url.slice(at + 1))
  }

  /** The network address of whoever sent it. */
  get clientAddress(): string {
    return this.edge.clientOf(this.server.requestIP(this.request)?.address ?? 'unknown', this.request.headers)
  }

  /** Who makes a change with this request, for the audit log. */
  get actor(): Actor {
    return { id: this.caller!.account ?? this.caller!.id, address: this.clientAddress }
  }

  /**
   * Before anything of another tenant is shown to an administrator; null stands for everybody. Throws when it cannot be
   * noted.
   */
  noteLook(subject: string, tenant: string | null): void {
    const { caller, edge } = this
    if (caller!.role === 'admin' && tenant !== caller!.tenant) edge.accounts.noteLook(subject, tenant, this.actor)
  }

  /** Counts it among the requests of its key until it has ended; false when the key has as many as it may. */
  count(): boolean {
    this.isCounted = this.edge.shares.begin(this.caller!.tenant)
    return this.isCounted
  }

  /** Bytes that are counted for this request so far. */
  get bodyBytes(): number {
    return this.heldBytes
  }

  /** Counts bytes of the body that are kept from now on, until the request has ended; or says why it cannot. */
  hold(bytes: number): Fault | null {
    const { bytesInFlight, largeBytesInFlight } = this.edge
    const tenant = this.caller?.tenant ?? noTenant
    const refused = bytesInFlight.take(tenant, bytes)
    if (refused !== null) return overBytes[refused]
    this.heldBytes += bytes
    if (this.heldBytes <= bodyBytesMax) return null
    const largeBytes = this.heldBytes - this.heldLargeBytes
    const refusedLarge = largeBytesInFlight.take(tenant, largeBytes)
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
    if (this.unreadBytes > 0) unreadBytes.give(this.caller!.tenant, this.unreadBytes)
    this.unreadBytes = 0
    if (bytes <= unreadPartBytesFree) return null
    const refused = unreadBytes.take(this.caller!.tenant, bytes)
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
    if (this.isCounted) this.edge.shares.end(this.caller!.tenant)
    this.isCounted = false
    if (this.isForwarded) return
    const { edge, request, startedMs, firstByteMs } = this
    const durationMs = edge.system.nowMs() - startedMs
    edge.metrics.ended(this.routeName(), request.method, status, durationMs, firstByteMs)
    if (this.caller !== null && this.route!.isRated === true) this.noteWork(status, durationMs)
  }

  private noteWork(status: number, durationMs: number): void {
    const { edge, caller, served, firstByteMs } = this
    edge.traffic.count(status, firstByteMs)
    const atMs = edge.system.wallMs()
    edge.recent.note(caller!.tenant, { atMs, route: this.routeName(), status, durationMs, served })
  }

  private giveBack(): void {
    const { bytesInFlight, largeBytesInFlight } = this.edge
    const tenant = this.caller?.tenant ?? noTenant
    if (this.heldBytes > 0) bytesInFlight.give(tenant, this.heldBytes)
    if (this.heldLargeBytes > 0) largeBytesInFlight.give(tenant, this.heldLargeBytes)
    this.heldBytes = 0
    this.heldLargeBytes = 0
  }

  private routeName(): string {
    return this.route?.path ?? 'none'
  }
}
