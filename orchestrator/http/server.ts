/**
 * The client edge: the only `Bun.serve` of the product. It finds the route, checks the key, calls the handler and
 * turns every outcome into a response. Scouts connect to the same port; their upgrade is passed to the gateway
 * synchronously, because a socket leaks when anything is awaited before it.
 */
import { ByteAccount } from '../../shared/byte-account.ts'
import { fault } from '../../shared/faults.ts'
import * as limits from '../../shared/limits/http.ts'
import type { System } from '../../shared/system.ts'
import { TurnLane } from '../../shared/turn-lane.ts'
import type { Engine } from '../engine/ports/client.ts'
import type { Intents } from '../engine/ports/intents.ts'
import type { Planner } from '../engine/ports/planner.ts'
import { StoreError } from '../engine/ports/store.ts'
import { BodyReads } from './body-reads.ts'
import { Cors, isPreflight } from './cors.ts'
import { forwarded, isAnsweredElsewhere } from './forwarded.ts'
import { Metrics } from './metrics.ts'
import {
  authenticate,
  type Edge,
  type Forward,
  type HttpSettings,
  type Keys,
  type Log,
  RequestContext,
  type Route,
} from './request-context.ts'
import { RequestShares } from './request-shares.ts'
import { refuseInForm } from './response/anthropic-errors.ts'
import { largeBodyOf } from './response/response.ts'
import { findRoutes } from './routes.ts'
import { pacedResponse } from './streaming/large-answer.ts'
import { OpenStreams } from './streaming/open-streams.ts'
import { WholeWaits } from './whole-waits.ts'

interface HubOptions<SocketData> {
  /** Where: a port (0 for any free one), which several processes may have together, or the path of a socket. */
  listen: { host: string; port: number; isShared?: boolean } | { unix: string }
  engine: Engine
  intents: Intents
  planner: Planner
  keyring: Keys
  system: System
  /** Upgrades and returns nothing, or refuses. Called synchronously. */
  upgradeScout: (request: Request, server: Bun.Server<SocketData>) => Response | undefined
  websocket: Bun.WebSocketHandler<SocketData>
  log: Log
  /** Requests under way at once, without those that tell of health: descriptors are left over for scouts. */
  requestsMax?: () => number
  settings?: Partial<HttpSettings>
  /** Where requests go that only the process with the store can answer; absent in that one. */
  forward?: Forward
  /** What other processes of this hub have measured. */
  metricsOfOthers?: () => unknown[][]
}

interface Hub {
  /** 0 at a socket with a path. */
  port: number
  url: string
  /** What was measured here, as the library of the metrics exports it. */
  metrics: () => Promise<unknown[]>
  /** Ends the streams that this key has opened. */
  keyRevoked: (id: string) => void
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
  const settings = { ...waits, requestBytesMax, allowsPrivateUrls: false, corsOrigins: [], ...options.settings }
  const bytesInFlight = new ByteAccount(limits.requestBytesMax, limits.requestBytesPerTenantMax)
  const requestsMax = options.requestsMax ?? (() => Number.POSITIVE_INFINITY)
  const edge: Edge = {
    engine,
    intents: options.intents,
    planner: options.planner,
    keys: keyring,
    system,
    log,
    settings,
    metrics: new Metrics(options.forward === undefined ? engine : null, bytesInFlight, options.metricsOfOthers),
    cors: new Cors(settings.corsOrigins),
    waits: new WholeWaits(system),
    requestsMax,
    shares: new RequestShares(requestsMax),
    bodies: new BodyReads(system),
    streams: new OpenStreams(),
    bytesInFlight,
    largeBytesInFlight: new ByteAccount(limits.largeRequestBytesMax, limits.largeRequestBytesPerTenantMax),
    lane: new TurnLane(system),
    unreadBytes: new ByteAccount(limits.unreadBytesMax, limits.unreadBytesPerTenantMax),
    upgradeScout: (request) => upgradeScout(request, server),
    forward: options.forward ?? null,
  }
  const { listen } = options
  const shared = {
    maxRequestBodySize: limits.declaredBodyBytesMax,
    websocket: options.websocket,
    fetch: (request: Request) => answer(new RequestContext(request, server, edge)),
  }
  // Until it is known who is at the other end; at a socket with a path it is known.
  const idleTimeout = limits.strangerIdleMs / 1000
  const server: Bun.Server<SocketData> =
    'unix' in listen
      ? Bun.serve<SocketData>({ unix: listen.unix, ...shared })
      : Bun.serve<SocketData>({
          ...{ hostname: listen.host, port: listen.port, reusePort: listen.isShared === true, idleTimeout },
          ...shared,
        })
  const keyRevoked = (id: string) => edge.streams.revoke(id)
  const metrics = () => edge.metrics.exported()
  return { port: server.port ?? 0, url: server.url.origin, metrics, keyRevoked, stop: () => stop(server, edge) }
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
    const caller = authenticate(request, edge.keys, route.access)
    if ('code' in caller) return refuseInForm(context, caller)
    context.caller = caller
    if (!context.count()) return refuseInForm(context, tooManyOfKey, { connection: 'close' })
    // Kept by its connection.
    context.server.timeout(request, limits.httpIdleMs / 1000)
  }
  return isAnsweredElsewhere(context) ? forwarded(context) : route.handle(context)
}

function finish<Answered extends Response | undefined>(context: RequestContext, response: Answered): Answered {
  const large = response === undefined ? undefined : largeBodyOf(response)
  // A large answer reports its end itself.
  const answered = large === undefined ? response : (pacedResponse(context, response!, large) as Answered)
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

async function stop(server: Bun.Server<unknown>, { system, waits, bodies }: Edge): Promise<void> {
  // Its promise waits for every socket, a scout's too; the bound below is ours.
  void server.stop(false)
  const lastMs = system.nowMs() + limits.httpStopMs
  while (server.pendingRequests > 0 && system.nowMs() < lastMs) {
    await new Promise<void>((resolve) => system.after(stopPollMs, resolve))
  }
  await server.stop(true)
  waits.stop()
  bodies.stop()
}
