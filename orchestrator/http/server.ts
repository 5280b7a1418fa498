/**
 * The client edge: the only `Bun.serve` of the product. It finds the route, checks the key, calls the handler and
 * turns every outcome into a response. Scouts connect to the same port; their upgrade is passed to the gateway
 * synchronously, because a socket leaks when anything is awaited before it.
 */
import { ByteAccount } from '../../shared/byte-account.ts'
import { type Fault, fault } from '../../shared/faults.ts'
import * as limits from '../../shared/limits/http.ts'
import type { System } from '../../shared/system.ts'
import { TurnLane } from '../../shared/turn-lane.ts'
import type { Accounts } from '../engine/ports/accounts.ts'
import type { Engine, HubNetwork } from '../engine/ports/client.ts'
import type { Intents } from '../engine/ports/intents.ts'
import type { Planner } from '../engine/ports/planner.ts'
import { StoreError } from '../engine/ports/store.ts'
import { allowsRoute } from '../tenants/scopes.ts'
import { authenticate } from './accounts/authentication.ts'
import { BodyReads } from './body-reads.ts'
import { Cors, isPreflight } from './cors.ts'
import { LiveFeed } from './live/live-feed.ts'
import { RecentAnswers } from './live/recent-answers.ts'
import { topicsOf } from './live/topics.ts'
import { Traffic } from './live/traffic.ts'
import { Metrics } from './metrics.ts'
import { Pipelines } from './pipelines.ts'
import {
  type Builds,
  type Edge,
  type HttpSettings,
  type Keys,
  type Log,
  type Page,
  RequestContext,
  type Route,
} from './request-context.ts'
import { RequestShares } from './request-shares.ts'
import { refuseInForm } from './response/anthropic-errors.ts'
import { largeBodyOf } from './response/response.ts'
import { findRoutes } from './routes.ts'
import { pacedResponse } from './streaming/large-answer.ts'
import { OpenStreams } from './streaming/open-streams.ts'
import { rateHeaders } from './usage/rate-headers.ts'
import { WholeWaits } from './whole-waits.ts'

interface HubOptions<SocketData> {
  host: string
  /** 0 for any free one. */
  port: number
  engine: Engine
  intents: Intents
  planner: Planner
  keyring: Keys
  page?: Page
  builds?: Builds
  accounts: Accounts
  system: System
  /** The network that this hub belongs to; none when absent. */
  network?: HubNetwork
  /** Who is at the other end, given the peer and what proxies say; the peer when absent. */
  clientOf?: (peer: string, headers: Headers) => string
  /** Connections of scouts with this key. */
  scoutsOf?: (key: string) => number
  /** Upgrades and returns nothing, or refuses. Called synchronously. */
  upgradeScout: (request: Request, server: Bun.Server<SocketData>) => Response | undefined
  websocket: Bun.WebSocketHandler<SocketData>
  log: Log
  /** Requests under way at once, without those that tell of health: descriptors are left over for scouts. */
  requestsMax?: () => number
  settings?: Partial<HttpSettings>
}

interface Hub {
  port: number
  url: string
  /** Ends the streams that this key has opened. */
  keyDropped: (id: string) => void
  /** Takes no more connections, lets the last answers be written out, then cuts what is left. */
  stop(): Promise<void>
}

const stopPollMs = 10
const tooManyRequests = fault(
  'hub_overloaded',
  'The orchestrator has as many requests under way as it can: try again in a moment.',
  { retryAfterMs: 2_000 },
)
const tooManyOfKey = fault(
  'rate_limited',
  'This key has as many requests under way as one key may: wait until some of them have ended.',
  { retryAfterMs: 2_000 },
)
const tooManyAtOnce = fault(
  'rate_limited',
  'This connection sent too many requests without waiting for their answers: wait, or use more connections.',
  { retryAfterMs: 1_000 },
)
/** Nothing is wrong with the request, nor with this program. */
const storeUnavailable = fault(
  'store_unavailable',
  'The orchestrator cannot write to its disk at the moment. Try again later.',
  { retryAfterMs: 5_000 },
)
const unknownPath = fault('not_found', 'There is nothing at this path: GET /openapi.json lists all there are.')

/** Listens. Throws when the address cannot be had. */
export function serveHub<SocketData>(options: HubOptions<SocketData>): Hub {
  const { engine, keyring, system, log, upgradeScout } = options
  const { keepAliveMs, clientStallMs, requestBodyBytesDefault: requestBytesMax } = limits
  const waits = { keepAliveMs, clientStallMs }
  const settings = {
    ...waits,
    requestBytesMax,
    allowsPrivateUrls: false,
    corsOrigins: [],
    publicUrl: null,
    pageHosts: ['127.0.0.1', 'localhost', '[::1]'],
    ...options.settings,
  }
  const bytesInFlight = new ByteAccount(limits.requestBytesMax, limits.requestBytesPerTenantMax)
  const requestsMax = options.requestsMax ?? (() => Number.POSITIVE_INFINITY)
  const traffic = new Traffic(engine, system)
  const recent = new RecentAnswers()
  const lane = new TurnLane(system)
  const topics = topicsOf({ engine, traffic, recent })
  const pipelines = new Pipelines(system)
  const edge: Edge = {
    engine,
    intents: options.intents,
    planner: options.planner,
    keys: keyring,
    page: options.page ?? null,
    network: options.network ?? null,
    builds: options.builds ?? null,
    accounts: options.accounts,
    system,
    log,
    settings,
    metrics: new Metrics(engine, bytesInFlight, options.network ?? null),
    traffic,
    recent,
    topics,
    live: new LiveFeed(system, topics),
    cors: new Cors(settings.corsOrigins),
    waits: new WholeWaits(system),
    requestsMax,
    shares: new RequestShares(requestsMax),
    bodies: new BodyReads(system, lane),
    streams: new OpenStreams(),
    bytesInFlight,
    largeBytesInFlight: new ByteAccount(limits.largeRequestBytesMax, limits.largeRequestBytesPerTenantMax),
    lane,
    unreadBytes: new ByteAccount(limits.unreadBytesMax, limits.unreadBytesPerTenantMax),
    upgradeScout: (request) => upgradeScout(request, server),
    clientOf: options.clientOf ?? ((peer) => peer),
    scoutsOf: options.scoutsOf ?? (() => 0),
    port: () => server.port!,
  }
  const server: Bun.Server<SocketData> = Bun.serve<SocketData>({
    hostname: options.host,
    port: options.port,
    // Until it is known who is at the other end.
    idleTimeout: limits.strangerIdleMs / 1000,
    maxRequestBodySize: limits.declaredBodyBytesMax,
    websocket: options.websocket,
    fetch: (request) => {
      const context = new RequestContext(request, server, edge)
      if (pipelines.allows(() => server.requestIP(request))) return answer(context)
      return finish(context, refuseInForm(context, tooManyAtOnce, { connection: 'close' }))
    },
  })
  // Not before: a hub whose port is taken has to end.
  traffic.start()
  const keyDropped = (id: string) => edge.streams.revoke(id)
  return { port: server.port!, url: server.url.origin, keyDropped, stop: () => stop(server, edge) }
}

/** Whether this is an address of this machine. */
export function canListen(hostname: string): boolean {
  try {
    void Bun.serve({ hostname, port: 0, fetch: () => new Response() }).stop(true)
    return true
  } catch {
    return false
  }
}

/** Synchronous up to the handler: an upgrade happens before anything is awaited. Never throws, never rejects. */
function answer(context: RequestContext): Response | Promise<Response> | undefined {
  try {
    const response = dispatch(context)
    if (response instanceof Promise) {
      return response.then(
        (answered) => afterBody(context, answered),
        (error) => afterBody(context, broken(context, error)),
      )
    }
    return response === undefined ? finish(context, response) : afterBody(context, response)
  } catch (error) {
    return afterBody(context, broken(context, error))
  }
}

/**
 * A response goes out once the body is in. A client that still writes one would not read the response, and one that
 * writes for ever would keep its connection: that one is closed.
 */
function afterBody(context: RequestContext, response: Response): Response | Promise<Response> {
  if (context.isBodyCut) response.headers.set('connection', 'close')
  if (!context.hasUnreadBody) return finish(context, response)
  return context.edge.bodies.discard(context.request).then((isOver) => {
    if (!isOver) response.headers.set('connection', 'close')
    return finish(context, response)
  })
}

function dispatch(context: RequestContext): ReturnType<Route['handle']> {
  const { request, edge, id } = context
  const path = pathOf(request.url)
  const found = findRoutes(path)
  if (isPreflight(request)) {
    context.route = found?.routes[0] ?? null
    return edge.cors.preflight(request, id)
  }
  if (found === null) return refuseInForm(context, unknownPath)
  // The runtime itself leaves out the body of an answer to HEAD.
  const method = request.method === 'HEAD' ? 'GET' : request.method
  const route = found.routes.find((candidate) => candidate.method === method)
  if (route === undefined) return refuseMethod(context, found.routes)
  context.route = route
  context.params = found.params
  if (route.access !== 'open') {
    if (context.server.pendingRequests > edge.requestsMax())
      return refuseInForm(context, tooManyRequests, { connection: 'close' })
    const refused = authenticate(context, route.access)
    if (refused !== null) return refuseInForm(context, refused)
    if (!context.count()) return refuseInForm(context, tooManyOfKey, { connection: 'close' })
    const stopped = refusedByTerms(context, route)
    if (stopped !== null) return refuseInForm(context, stopped)
    // Kept by its connection.
    context.server.timeout(request, limits.httpIdleMs / 1000)
  }
  return route.handle(context)
}

/** What the key's scopes or its rates say against this request; null when nothing does. */
function refusedByTerms({ caller, edge }: RequestContext, { scope, isRated }: Route): Fault | null {
  if (scope !== undefined && !allowsRoute(caller!.scopes, scope)) {
    const routes = caller!.scopes.routes!.join(', ')
    const text = `This key may not be used for ${scope}: use it for ${routes}, or use another key.`
    return fault('permission_denied', text)
  }
  if (isRated !== true) return null
  const { system, engine } = edge
  return engine.tenants.begin(caller!, { wallMs: system.wallMs(), nowMs: system.nowMs() })
}

function finish<Answered extends Response | undefined>(context: RequestContext, response: Answered): Answered {
  const large = response === undefined ? undefined : largeBodyOf(response)
  // A large answer reports its end itself.
  const answered = large === undefined ? response : (pacedResponse(context, response!, large) as Answered)
  const rates = answered === undefined ? null : rateHeaders(context)
  if (rates !== null) for (const [name, value] of Object.entries(rates)) answered!.headers.set(name, value)
  if (answered !== undefined) context.edge.cors.mark(context.request, answered, context.route?.access === 'open')
  // Without a response it was an upgrade; a stream is counted when it ends.
  if (large === undefined && !context.streams) context.ended(answered?.status ?? 101)
  return answered
}

function broken(context: RequestContext, error: unknown): Response {
  const { edge, id, route } = context
  // The disk is full or busy: nothing is wrong with this program.
  if (error instanceof StoreError && error.trouble !== 'fenced') {
    edge.log.warn({ trouble: error.trouble, requestId: id, route: route?.path }, 'the store could not do this')
    return refuseInForm(context, storeUnavailable)
  }
  edge.log.error({ err: error, requestId: id, route: route?.path }, 'a request handler broke')
  const text = `The orchestrator failed at this request: try again, and tell its operator the request id ${id}.`
  return refuseInForm(context, fault('internal_error', text))
}

function refuseMethod(context: RequestContext, routes: readonly Route[]): Response {
  const methods = routes.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  const allow = methods.join(', ')
  const text = `This path does not answer ${context.request.method.slice(0, 16)}: use ${allow}.`
  return refuseInForm(context, fault('method_not_allowed', text), { allow })
}

/**
 * The path as it stands in the URL: parsing the URL would cost more than all the rest of the routing. A request of
 * HTTP/1.0 without a Host has a URL without a host.
 */
function pathOf(url: string): string {
  const from = url.startsWith('/') ? 0 : url.indexOf('/', 'https://'.length)
  const query = url.indexOf('?', from)
  return query < 0 ? url.slice(from) : url.slice(from, query)
}

async function stop(server: Bun.Server<unknown>, { system, waits, bodies, traffic, live }: Edge): Promise<void> {
  // Its promise waits for every socket, a scout's too; the bound below is ours.
  void server.stop(false)
  const lastMs = system.nowMs() + limits.httpStopMs
  while (server.pendingRequests > 0 && system.nowMs() < lastMs) {
    await new Promise<void>((resolve) => system.after(stopPollMs, resolve))
  }
  await server.stop(true)
  waits.stop()
  bodies.stop()
  traffic.stop()
  live.stop()
}
