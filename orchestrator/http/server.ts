/**
 * The client edge: the only `Bun.serve` of the product. It finds the route, checks the key, calls the handler and
 * turns every outcome into a response. Scouts connect to the same port; their upgrade is passed to the gateway
 * synchronously, because a socket leaks when anything is awaited before it.
 */
import { fault } from '../../shared/faults.ts'
import { clientStallMs, declaredBodyBytesMax, httpIdleMs, httpStopMs, keepAliveMs } from '../../shared/limits/http.ts'
import type { System } from '../../shared/system.ts'
import type { Engine } from '../engine/ports/client.ts'
import type { Intents } from '../engine/ports/intents.ts'
import type { Planner } from '../engine/ports/planner.ts'
import { StoreError } from '../engine/ports/store.ts'
import { authenticate, type Keys } from './auth.ts'
import { Metrics } from './metrics.ts'
import { type Edge, type HttpSettings, type Log, RequestContext, type Route } from './request-context.ts'
import { refuse } from './response/response.ts'
import { findRoutes } from './routes.ts'
import { WholeWaits } from './whole-waits.ts'

interface HubOptions<SocketData> {
  host: string
  /** 0 for any free one. */
  port: number
  engine: Engine
  intents: Intents
  planner: Planner
  keyring: Keys
  system: System
  /** Upgrades and returns nothing, or refuses. Called synchronously. */
  upgradeScout: (request: Request, server: Bun.Server<SocketData>) => Response | undefined
  websocket: Bun.WebSocketHandler<SocketData>
  log: Log
  settings?: Partial<HttpSettings>
}

interface Hub {
  port: number
  url: string
  /** Takes no more connections, lets the last answers be written out, then cuts what is left. */
  stop(): Promise<void>
}

const stopPollMs = 10
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
  const settings = { keepAliveMs, clientStallMs, ...options.settings }
  const edge: Edge = {
    engine,
    intents: options.intents,
    planner: options.planner,
    keys: keyring,
    system,
    log,
    settings,
    metrics: new Metrics(engine),
    waits: new WholeWaits(system),
    upgradeScout: (request) => upgradeScout(request, server),
  }
  const server: Bun.Server<SocketData> = Bun.serve<SocketData>({
    hostname: options.host,
    port: options.port,
    idleTimeout: httpIdleMs / 1000,
    maxRequestBodySize: declaredBodyBytesMax,
    websocket: options.websocket,
    fetch: (request) => answer(new RequestContext(request, server, edge)),
  })
  return { port: server.port!, url: server.url.origin, stop: () => stop(server, edge) }
}

/** Synchronous up to the handler: an upgrade happens before anything is awaited. Never throws, never rejects. */
function answer(context: RequestContext): Response | Promise<Response> | undefined {
  try {
    const response = dispatch(context)
    if (!(response instanceof Promise)) return finish(context, response)
    return response.then(
      (answered) => finish(context, answered)!,
      (error) => finish(context, broken(context, error))!,
    )
  } catch (error) {
    return finish(context, broken(context, error))
  }
}

function dispatch(context: RequestContext): ReturnType<Route['handle']> {
  const { request, edge, id } = context
  const path = pathOf(request.url)
  const found = findRoutes(path)
  if (found === null) return refuse(id, unknownPath)
  // The runtime itself leaves out the body of an answer to HEAD.
  const method = request.method === 'HEAD' ? 'GET' : request.method
  const route = found.routes.find((candidate) => candidate.method === method)
  if (route === undefined) return refuseMethod(context, found.routes)
  context.route = route
  context.params = found.params
  if (route.access !== 'open') {
    const caller = authenticate(request, edge.keys, route.access)
    if ('code' in caller) return refuse(id, caller)
    context.caller = caller
  }
  return route.handle(context)
}

function finish(context: RequestContext, response: Response | undefined): Response | undefined {
  // Without a response it was an upgrade; a stream is counted when it ends.
  if (!context.streams) context.ended(response?.status ?? 101)
  return response
}

function broken(context: RequestContext, error: unknown): Response {
  const { edge, id, route } = context
  // The disk is full or busy: nothing is wrong with this program.
  if (error instanceof StoreError && error.trouble !== 'fenced') {
    edge.log.warn({ trouble: error.trouble, requestId: id, route: route?.path }, 'the store could not do this')
    return refuse(id, storeUnavailable)
  }
  edge.log.error({ err: error, requestId: id, route: route?.path }, 'a request handler broke')
  const text = `The orchestrator failed at this request: try again, and tell its operator the request id ${id}.`
  return refuse(id, fault('internal_error', text))
}

function refuseMethod(context: RequestContext, routes: readonly Route[]): Response {
  const methods = routes.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  const allow = methods.join(', ')
  const text = `This path does not answer ${context.request.method.slice(0, 16)}: use ${allow}.`
  return refuse(context.id, fault('method_not_allowed', text), { allow })
}

/** The path as it stands in an absolute URL: parsing the URL would cost more than all the rest of the routing. */
function pathOf(url: string): string {
  const from = url.indexOf('/', 'https://'.length)
  const query = url.indexOf('?', from)
  return query < 0 ? url.slice(from) : url.slice(from, query)
}

async function stop(server: Bun.Server<unknown>, { system, waits }: Edge): Promise<void> {
  // Its promise waits for every socket, a scout's too; the bound below is ours.
  void server.stop(false)
  const lastMs = system.nowMs() + httpStopMs
  while (server.pendingRequests > 0 && system.nowMs() < lastMs) {
    await new Promise<void>((resolve) => system.after(stopPollMs, resolve))
  }
  await server.stop(true)
  waits.stop()
}
