/**
 * Requests that another process of the hub answers: the body is read here, within the bounds of all bodies, and the
 * answer is passed on as it comes. The server forwards whole routes, the routes of chats what only the process with the
 * store can answer.
 */
import { fault } from '../../shared/faults.ts'
import { requestBodyBytesMax } from '../../shared/limits/wire.ts'
import type { RequestContext } from './request-context.ts'
import { refuse } from './response/response.ts'

const unreachable = fault(
  'hub_overloaded',
  'The part of the orchestrator that answers this is not there at the moment: try again.',
  { retryAfterMs: 1_000 },
)
const unread = fault('request_too_large', 'The body is too large, came too slowly or was cut short: send it again.')

const nothing = () => {}

/** Whether only the process with the store can answer, going by its headers. */
export function isAnsweredElsewhere({ edge, route, request }: RequestContext): boolean {
  if (edge.forward === null) return false
  return route?.isEverywhere !== true || request.headers.has('idempotency-key')
}

/** The answer of the other process; `body` if it has been read already, and inflated. */
export async function forwarded(context: RequestContext, body?: Uint8Array<ArrayBuffer>): Promise<Response> {
  const { request, edge, id } = context
  context.isForwarded = true
  let sent = body ?? null
  if (body === undefined && context.caller !== null && context.hasUnreadBody) {
    const length = request.headers.get('content-length')
    const declared = length === null ? null : Number(length)
    const arrived = await edge.bodies.read(request, declared, requestBodyBytesMax, (more) => context.hold(more))
    context.tookBody(arrived)
    if (!(arrived instanceof Uint8Array)) return refuse(id, typeof arrived === 'string' ? unread : arrived)
    sent = arrived
  }
  // An answer that comes whole may take as long as here.
  edge.waits.begin(context, nothing)
  try {
    return await edge.forward!(request, sent, body !== undefined)
  } catch (error) {
    // A client that has left is no trouble of ours, and reads nothing.
    if (!request.signal.aborted) edge.log.warn({ err: error, requestId: id }, 'a request could not be passed on')
    return refuse(id, unreachable)
  } finally {
    edge.waits.end(context)
  }
}
