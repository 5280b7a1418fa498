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
import type { Begun, Engine, HubNetwork } from '../engine/ports/client.ts'
import type { Intents } from '../engine/ports/intents.ts'
import type { Planner } from '../engine/ports/planner.ts'
import { StoreError } from '../engine/ports/store.ts'
import { allowsRoute } from '../tenants/scopes.ts'
import { authenticate } from './accounts/authentication.ts'
import { BodyReads } from './body-reads.ts'
import { Cors, isPreflight } from './cors.ts'
import { addFigures, type Figures, figuresOf } from './figures.ts'
import { bringsSession, forwarded, isAnsweredElsewhere } from './forwarded.ts'
import { LiveFeed } from './live/live-feed.ts'
import { RecentAnswers } from './live/recent-answers.ts'
import { topicsOf } from './live/topics.ts'
import { Traffic } from './live/traffic.ts'
import { type AnswersHeld, Metrics } from './metrics.ts'
import {
  type Access,
  type Builds,
  type Edge,
  type Forward,
  type HttpSettings,
  type Keys,
  type Log,
  type Page,
  RequestContext,
  type Route,
} from './request-context.ts'
import { refuseInForm } from './response/anthropic-errors.ts'
import { largeBodyOf } from './response/response.ts'
import { findRoutes } from './routes.ts'
import { Pipelines } from './shares/pipelines.ts'
import { RequestShares } from './shares/request-shares.ts'
import { pacedResponse } from './streaming/large-answer.ts'
import { OpenStreams } from './streaming/open-streams.ts'
import { hasRates, rateHeaders } from './usage/rate-headers.ts'
import { WholeWaits } from './whole-waits.ts'

interface HubOptions<SocketData> {
  /** Where: a port (0 for any free one), which several processes may have together, or the path of a socket. */
  listen: { host: string; port: number; isShared?: boolean } | { unix: string }
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
  /** Where requests go that only the process with the store can answer; absent in that one. */
  forward?: Forward
  /** What other processes of this hub have measured. */
  metricsOfOthers?: () => unknown[][]
  /** What is held of answers in a process that forwards. */
  answersHeld?: () => AnswersHeld
  streamsOfOthers?: (key: string) => number
  /** The port at which clients reach this hub, where that is another process's. */
  port?: () => number
  /** A key has more or fewer streams than before. */
  countChanged?: (key: string) => void
}

interface Hub {
  /** 0 at a socket with a path. */
  port: number
  url: string
  /** Streams that this key has opened here. */
  streamsOf: (key: string) => number
  /** What was counted here, for the process that shows it; its counts since the last time. */
  figures: () => Promise<Figures>
  /** Takes what another process has counted; its metrics are asked for with `metricsOfOthers`. */
  add: (figures: Omit<Figures, 'metrics'>) => void
  /** The metrics of a process that has ended. */
  keepMetrics: (exported: readonly unknown[]) => void
  /** Ends the streams that this key has opened. */
  keyDropped: (id: string) => void
  /** Takes no more connections, lets the last answers be written out, then cuts what is left. */
  stop(): Promise<void>
}

const defaultSettings: HttpSettings = {
  keepAliveMs: limits.keepAliveMs,
  clientStallMs: limits.clientStallMs,
  requestBytesMax: limits.requestBodyBytesDefault,
  allowsPrivateUrls: false,
  corsOrigins: [],
  publicUrl: null,
  pageHosts: ['127.0.0.1', 'localhost', '[::1]'],
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
  const settings = { ...defaultSettings, ...options.settings }
  const bytesInFlight = new ByteAccount(limits.requestBytesMax, limits.requestBytesPerTenantMax)
  const requestsMax = options.requestsMax ?? (() => Number.POSITIVE_INFINITY)
  const isWhole = options.forward === undefined
  const traffic = new Traffic(isWhole ? engine : null, system)
  const streams = new OpenStreams(options.countChanged)
  const recent = new RecentAnswers()
  const lane = new TurnLane(system)
  const topics = topicsOf({ engine, traffic, recent, accounts: options.accounts })
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
    metrics: new Metrics(isWhole ? engine : null, {
      bytesInFlight,
      network: options.network ?? null,
      ofOthers: options.metricsOfOthers,
      answersHeld: options.answersHeld,
    }),
    traffic,
    recent,
    topics,
    live: new LiveFeed(system, topics),
    cors: new Cors(settings.corsOrigins),
    waits: new WholeWaits(system),
    requestsMax,
    shares: new RequestShares(requestsMax),
    bodies: new BodyReads(system, lane),
    streams,
    bytesInFlight,
    largeBytesInFlight: new ByteAccount(limits.largeRequestBytesMax, limits.largeRequestBytesPerTenantMax),
    lane,
    unreadBytes: new ByteAccount(limits.unreadBytesMax, limits.unreadBytesPerTenantMax),
    upgradeScout: (request) => upgradeScout(request, server),
    clientOf: options.clientOf ?? ((peer) => peer),
    scoutsOf: options.scoutsOf ?? (() => 0),
    streamsOf: (key) => streams.countOf(key) + (options.streamsOfOthers?.(key) ?? 0),
    port: options.port ?? (() => server.port!),
    forward: options.forward ?? null,
  }
  const server: Bun.Server<SocketData> = listening(options, (request) => {
    const context = new RequestContext(request, server, edge)
    if (pipelines.allows(() => server.requestIP(request))) return answer(context)
    return finish(context, refuseInForm(context, tooManyAtOnce, { connection: 'close' }))
  })
  // Not before: a hub whose port is taken has to end.
  if (isWhole) traffic.start()
  const keyDropped = (id: string) => streams.revoke(id)
  return {
    port: server.port ?? 0,
    url: server.url.origin,
    streamsOf: (key) => streams.countOf(key),
    figures: () => figuresOf(edge),
    add: (figures) => addFigures(edge, figures),
    keepMetrics: (exported) => edge.metrics.keep(exported),
    keyDropped,
    stop: () => stop(server, edge),
  }
}

function listening<SocketData>(
  { listen, websocket }: Pick<HubOptions<SocketData>, 'listen' | 'websocket'>,
  fetch: (request: Request) => Response | Promise<Response> | undefined,
): Bun.Server<SocketData> {
  const shared = { maxRequestBodySize: limits.declaredBodyBytesMax, websocket, fetch }
  if ('unix' in listen) return Bun.serve<SocketData>({ unix: listen.unix, ...shared })
  const { host: hostname, port, isShared: reusePort = false } = listen
  // Until it is known who is at the other end.
  return Bun.serve<SocketData>({ hostname, port, reusePort, idleTimeout: limits.strangerIdleMs / 1000, ...shared })
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
  if (isAnsweredElsewhere(context)) return passOn(context, route)
  if (route.access !== 'open') {
    if (context.server.pendingRequests > edge.requestsMax())
      return refuseInForm(context, tooManyRequests, { connection: 'close' })
    const refused = admit(context, route.access)
    if (refused !== null) return refused
    const stopped = refusedByScopes(context, route)
    if (stopped !== null) return refuseInForm(context, stopped)
    if (route.isRated === true && hasRates(context.caller!)) return handleRated(context, route)
  }
  return route.handle(context)
}

/** Whose request it is, and whether there is room for it; null when there is. */
function admit(context: RequestContext, access: Exclude<Access, 'open'>): Response | null {
  const refused = authenticate(context, access)
  if (refused !== null) return refuseInForm(context, refused)
  if (!context.count()) return refuseInForm(context, tooManyOfKey, { connection: 'close' })
  // Kept by its connection.
  context.server.timeout(context.request, limits.httpIdleMs / 1000)
  return null
}

/** Scopes and rates of the key are looked at where the request is answered. */
function passOn(context: RequestContext, route: Route): Response | Promise<Response> {
  const { server, edge } = context
  if (route.access !== 'open') {
    if (server.pendingRequests > edge.requestsMax())
      return refuseInForm(context, tooManyRequests, { connection: 'close' })
    // Who is signed in is known there.
    const refused = bringsSession(context) ? null : admit(context, route.access)
    if (refused !== null) return refused
  }
  return forwarded(context)
}

/** What the key's scopes say against this request; null when they say nothing. */
function refusedByScopes({ caller }: RequestContext, { scope }: Route): Fault | null {
  if (scope !== undefined && !allowsRoute(caller!.scopes, scope)) {
    const routes = caller!.scopes.routes!.join(', ')
    const text = `This key may not be used for ${scope}: use it for ${routes}, or use another key.`
    return fault('permission_denied', text)
  }
  return null
}

/** Counts the request among those of its key, which may be done in another process. */
function handleRated(context: RequestContext, route: Route): ReturnType<Route['handle']> {
  const begun = context.edge.engine.begin(context.caller!)
  const go = (asked: Begun) => {
    context.begun = asked
    return asked.refused === null ? route.handle(context) : refuseInForm(context, asked.refused)
  }
  // No such route becomes a websocket.
  return begun instanceof Promise ? begun.then(go as (asked: Begun) => Response | Promise<Response>) : go(begun)
}

function finish<Answered extends Response | undefined>(context: RequestContext, response: Answered): Answered {
  const large = response === undefined ? undefined : largeBodyOf(response)
  // A large answer reports its end itself.
  const answered = large === undefined ? response : (pacedResponse(context, response!, large) as Answered)
  const rates = answered === undefined ? null : rateHeaders(context)
  if (rates !== null) for (const [name, value] of Object.entries(rates)) answered!.headers.set(name, value)
  if (answered !== undefined && !context.isForwarded)
    context.edge.cors.mark(context.request, answered, context.route?.access === 'open')
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
