/**
 * The form of every answer: the headers all of them carry, JSON bodies, and faults as OpenAI clients expect them.
 * All handlers build their responses here, so that no answer leaves without its request id.
 */
import { type Fault, faultTable } from '../../shared/faults.ts'

type Headers = Record<string, string>

/** The headers of every answer. */
export function baseHeaders(requestId: string, contentType: string): Headers {
  return { 'content-type': contentType, 'x-request-id': requestId, 'x-chasm': '1' }
}

/** `body` is JSON text already, as a string or as bytes. */
export function replyJson(requestId: string, body: string | Uint8Array<ArrayBuffer>, status = 200): Response {
  return new Response(body, { status, headers: baseHeaders(requestId, 'application/json') })
}

export function replyText(requestId: string, text: string, contentType = 'text/plain; charset=utf-8'): Response {
  return new Response(text, { headers: baseHeaders(requestId, contentType) })
}

/** The body of a refusal; `extra` are further fields of its error object. */
export function faultBody(fault: Fault, extra?: Record<string, unknown>): string {
  const { type } = faultTable[fault.code]
  return JSON.stringify({
    error: { message: fault.message, type, param: fault.param ?? null, code: fault.code, ...extra },
  })
}

/** A refusal with the status of its fault; 429 and 503 say when to come back. */
export function refuse(requestId: string, fault: Fault, more?: Headers): Response {
  const { status } = faultTable[fault.code]
  const headers = { ...baseHeaders(requestId, 'application/json'), ...more }
  if (status === 429 || status === 503) {
    const waitMs = fault.retryAfterMs ?? 0
    headers['retry-after'] = String(Math.max(1, Math.ceil(waitMs / 1000)))
    if (fault.retryAfterMs !== undefined) headers['retry-after-ms'] = String(Math.max(0, Math.ceil(waitMs)))
  }
  if (status === 401) headers['www-authenticate'] = 'Bearer'
  return new Response(faultBody(fault), { status, headers })
}
