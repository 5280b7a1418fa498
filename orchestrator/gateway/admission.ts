/**
 * Who may open a scout's socket. Everything is decided on the upgrade request, before a single frame is read, and every
 * refusal is a sentence that says what to do. Keys come from the Authorization header alone: addresses end up in logs.
 */
import { type FaultCode, faultTable } from '../../shared/faults.ts'
import { subprotocol } from '../../shared/protocol/frames.ts'

/** The keyring, as much of it as is needed here. */
export type KeyCheck = (key: string) => { ok: true; id: string; role: string } | { ok: false; flaw: string }

export interface Admission {
  /** Id of the scout key. */
  operator: string
  address: string
}

export const upgradeHeaders = { 'sec-websocket-protocol': subprotocol, 'x-chasm': '1' }

const unspoken = `This orchestrator speaks "${subprotocol}": ask for it in Sec-WebSocket-Protocol, or update the scout.`

export function admit(request: Request, address: string, keys: KeyCheck): Admission | Response {
  const { headers } = request
  if (headers.has('origin')) {
    return refusal('permission_denied', 'Scouts do not dial from web pages: connect without an Origin header.')
  }
  const spoken = (headers.get('sec-websocket-protocol') ?? '').split(',').map((name) => name.trim())
  if (!spoken.includes(subprotocol)) {
    return refusal('invalid_request', unspoken)
  }
  const [scheme, key] = (headers.get('authorization') ?? '').split(' ', 2)
  if (scheme?.toLowerCase() !== 'bearer' || !key) {
    return refusal('invalid_api_key', 'No scout key: set SCOUT_KEY, sent as "Authorization: Bearer <key>".')
  }
  const check = keys(key)
  if (!check.ok) return refusal('invalid_api_key', check.flaw)
  if (check.role !== 'scout') {
    return refusal(
      'permission_denied',
      `The role of this key is ${check.role}; a scout needs a scout key in SCOUT_KEY.`,
    )
  }
  return { operator: check.id, address }
}

/** An OpenAI-shaped refusal, for the one HTTP request a scout makes. */
export function refusal(code: FaultCode, message: string): Response {
  const { status, type } = faultTable[code]
  const body = { error: { message, type, param: null, code } }
  const retry = status === 429 || status === 503 ? { 'retry-after': '1' } : undefined
  return Response.json(body, { status, headers: { 'x-chasm': '1', ...retry } })
}
