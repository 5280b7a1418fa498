/**
 * One request on its way through the client edge: who asked, under which id, and what the handlers need to answer. The
 * server makes one per request; handlers read it; the metrics are told through it, once, how it ended.
 */
import type { System } from '../../shared/system.ts'
import type { Engine } from '../engine/ports/client.ts'
import type { Intents } from '../engine/ports/intents.ts'
import type { Planner } from '../engine/ports/planner.ts'
import type { Access, Caller, Keys } from './auth.ts'
import type { Metrics } from './metrics.ts'

/** What the client edge logs through; pino's loggers fit. */
export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Waits that tests shorten. */
export interface HttpSettings {
  keepAliveMs: number
  clientStallMs: number
}

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
  /** The gateway's: nothing when the connection is a websocket now, else why it is not. */
  upgradeScout: (request: Request) => Response | undefined
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
  /** Nothing means that the connection has become a websocket. */
  handle(context: RequestContext): Response | Promise<Response> | undefined
}

const acceptedId = /^[A-Za-z0-9_-]{1,64}$/

export class RequestContext {
  readonly id: string
  readonly startedMs: number
  /** The route's method and path, for metrics and logs; never the path as asked, which may hold anything. */
  route: Route | null = null
  /** What the path's segments in braces matched. */
  params: Params = noParams
  /** Null on open routes. */
  caller: Caller | null = null
  /** Set by an answer that goes on after its response has been returned: it then calls `ended` itself. */
  streams = false
  /** From the arrival to the first content; null before, and without content. */
  private firstByteMs: number | null = null

  constructor(
    readonly request: Request,
    readonly server: Pick<Bun.Server<unknown>, 'timeout'>,
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

  ended(status: number): void {
    const { edge, request, startedMs, firstByteMs } = this
    edge.metrics.ended(this.routeName(), request.method, status, edge.system.nowMs() - startedMs, firstByteMs)
  }

  private routeName(): string {
    return this.route?.path ?? 'none'
  }
}
