/**
 * Requests that another process of the hub answers: the body is read here, within the bounds of all bodies, and the
 * answer is passed on as it comes. The server forwards whole routes, and what comes with a cookie; the routes of chats
 * what only the process with the store can answer.
 */
import { fault } from '../../shared/faults.ts'
import { httpIdleMs } from '../../shared/limits/http.ts'
import { smallBodyBytesMax } from '../../shared/limits/keys.ts'
import { requestBodyBytesMax } from '../../shared/limits/wire.ts'
import { cookieOf } from './accounts/session-cookie.ts'
import type { RequestContext } from './request-context.ts'
import { refuse } from './response/response.ts'

const unreachable = fault(
  'hub_overloaded',
  'The part of the orchestrator that answers this is not there at the moment: try again.',
  { retryAfterMs: 1_000 },
)
const unread = fault('request_too_large', 'The body is too large, came too slowly or was cut short: send it again.')

const nothing = () => {}

/** Whether somebody may be signed in who sends this; a key counts first, where there is one. */
export function bringsSession(context: RequestContext): boolean {
  const { headers } = context.request
  return !headers.has('authorization') && !headers.has('x-api-key') && cookieOf(context) !== null
}

/** Whether only the process with the store can answer, going by its headers. */
export function isAnsweredElsewhere(context: RequestContext): boolean {
  const { edge, route, request } = context
  if (edge.forward === null) return false
  if (route?.isEverywhere !== true || request.headers.has('idempotency-key')) return true
  return route.access !== 'open' && bringsSession(context)
}

/** The answer of the other process; `read` if the body has been read already, and inflated. */
export async function forwarded(context: RequestContext, read?: Uint8Array<ArrayBuffer>): Promise<Response> {
  const { request, edge, id, server } = context
  context.isForwarded = true
  const body = read ?? (context.hasUnreadBody ? await bodyOf(context) : null)
  if (body instanceof Response) return body
  // An answer that comes whole may take as long as here.
  edge.waits.begin(context, nothing)
  try {
    const address = context.clientAddress
    const answer = await edge.forward!.send({ request, body, isInflated: read !== undefined, id, address })
    // Whoever is answered may wait for more of it, as here.
    if (answer.ok) server.timeout(request, httpIdleMs / 1000)
    return answer
  } catch (error) {
    // A client that has left is no trouble of ours, and reads nothing.
    if (!request.signal.aborted) edge.log.warn({ err: error, requestId: id }, 'a request could not be passed on')
    return refuse(id, unreachable)
  } finally {
    edge.waits.end(context)
  }
}

async function bodyOf(context: RequestContext): Promise<Uint8Array<ArrayBuffer> | Response> {
  const { request, edge, id } = context
  const length = request.headers.get('content-length')
  const declared = length === null ? null : Number(length)
  const bytesMax = isKnown(context) ? requestBodyBytesMax : smallBodyBytesMax
  const arrived = await edge.bodies.read(request, declared, bytesMax, (more) => context.hold(more))
  context.tookBody(arrived)
  if (arrived instanceof Uint8Array) return arrived
  return refuse(id, typeof arrived === 'string' ? unread : arrived)
}

/** Whether this is somebody who may send large bodies: of strangers nothing bounds how many there are. */
function isKnown(context: RequestContext): boolean {
  if (context.caller !== null) return true
  const token = cookieOf(context)
  return token !== null && context.edge.forward!.knowsSession(token)
}
