/**
 * The form of every answer: the headers all of them carry, JSON bodies, and faults as OpenAI clients expect them.
 * All handlers build their responses here, so that no answer leaves without its request id.
 */
import { type Fault, faultTable } from '../../../shared/faults.ts'
import { answerPieceBytes } from '../../../shared/limits/http.ts'

type Headers = Record<string, string>

/** The headers of every answer. */
export function baseHeaders(requestId: string, contentType: string): Headers {
  return { 'content-type': contentType, 'x-request-id': requestId, 'x-chasm': '1' }
}

/** The headers of server-sent events. */
export function streamHeaders(requestId: string): Headers {
  return {
    ...baseHeaders(requestId, 'text/event-stream; charset=utf-8'),
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
  }
}

/**
 * The headers of answers in JSON. A response copies what it is given, and copying the runtime's own kind costs half of
 * reading an object; the id is another one each time.
 */
const jsonHeaders = new globalThis.Headers(baseHeaders('', 'application/json'))

/** Bodies that the server is to give out piece by piece; their responses have none. */
const largeBodies = new WeakMap<Response, Uint8Array>()

/** The body of a response that is too large to be left to the runtime. */
export function largeBodyOf(response: Response): Uint8Array | undefined {
  return largeBodies.get(response)
}

/** `body` is JSON text already, as a string or as bytes. */
export function jsonResponse(
  requestId: string,
  body: string | Uint8Array<ArrayBuffer>,
  status = 200,
  more?: Headers,
): Response {
  if (body.length <= answerPieceBytes && more === undefined) {
    jsonHeaders.set('x-request-id', requestId)
    return new Response(body, { status, headers: jsonHeaders })
  }
  const headers = { ...baseHeaders(requestId, 'application/json'), ...more }
  if (body.length <= answerPieceBytes) return new Response(body, { status, headers })
  const response = new Response(null, { status, headers })
  largeBodies.set(response, typeof body === 'string' ? Buffer.from(body) : body)
  return response
}

export function textResponse(requestId: string, text: string, contentType = 'text/plain; charset=utf-8'): Response {
  return new Response(text, { headers: baseHeaders(requestId, contentType) })
}

/** A fault as OpenAI clients know errors. */
export function shownFault({ code, message, param }: Fault) {
  return { message, type: faultTable[code].type, param: param ?? null, code }
}

/** The body of a refusal; `extra` are further fields of its error object. */
export function faultBody(fault: Fault, extra?: Record<string, unknown>): string {
  return JSON.stringify({ error: { ...shownFault(fault), ...extra } })
}

/** After these the same request may succeed; the `Retry-After` header says when. */
const passing: readonly number[] = [409, 429, 503]

/** A refusal with the status of its fault. */
export function refuse(requestId: string, fault: Fault, more?: Headers): Response {
  const { status } = faultTable[fault.code]
  const headers: Headers = { ...baseHeaders(requestId, 'application/json'), ...more }
  if (passing.includes(status)) {
    const waitMs = fault.retryAfterMs ?? 0
    headers['retry-after'] = String(Math.max(1, Math.ceil(waitMs / 1000)))
    if (fault.retryAfterMs !== undefined) headers['retry-after-ms'] = String(Math.max(0, Math.ceil(waitMs)))
  }
  if (status === 401) headers['www-authenticate'] = 'Bearer'
  return new Response(faultBody(fault), { status, headers })
}
