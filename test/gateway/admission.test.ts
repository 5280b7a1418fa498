/** Who may open a scout's socket: every refusal with its status, its code and a sentence that says what to do. */
import { describe, expect, test } from 'vitest'
import { type Admission, admit } from '../../orchestrator/gateway/gateway.ts'

const known: Record<string, string> = { good: 'scout', mine: 'client', root: 'admin' }

function check(key: string) {
  const role = known[key]
  if (role === undefined) return { ok: false as const, flaw: 'this hub does not know the key' }
  return { ok: true as const, id: `id-of-${key}`, tenant: `tenant-of-${key}`, role }
}

const right = { authorization: 'Bearer good', 'sec-websocket-protocol': 'chasm.v1' }

function dial(headers: Record<string, string | undefined>): Admission | Response {
  const given = Object.entries({ ...right, ...headers }).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  )
  return admit(new Request('http://hub/v1/scout?key=good', { headers: given }), '10.0.0.1', check)
}

describe('a dialer with a scout key', () => {
  test('is let in as its tenant, under its key', () => {
    expect(dial({})).toEqual({ operator: 'tenant-of-good', key: 'id-of-good', address: '10.0.0.1' })
  })

  test('may offer other subprotocols too, and write "bearer" as it likes', () => {
    expect(dial({ 'sec-websocket-protocol': 'chasm.v2, chasm.v1', authorization: 'bearer good' })).toHaveProperty(
      'operator',
    )
  })
})

const refusals: [string, Record<string, string | undefined>, number, string, string][] = [
  ['a web page', { origin: 'https://page' }, 403, 'permission_denied', 'connect without an Origin header'],
  ['no subprotocol', { 'sec-websocket-protocol': undefined }, 400, 'invalid_request', 'ask for it in Sec-WebSocket'],
  ['another subprotocol', { 'sec-websocket-protocol': 'chasm.v10' }, 400, 'invalid_request', 'or update the scout'],
  ['no key, not even one in the address', { authorization: undefined }, 401, 'invalid_api_key', 'set SCOUT_KEY'],
  ['an empty key', { authorization: 'Bearer ' }, 401, 'invalid_api_key', 'set SCOUT_KEY'],
  ['another scheme', { authorization: 'Basic good' }, 401, 'invalid_api_key', 'Authorization: Bearer <key>'],
  ['an unknown key', { authorization: 'Bearer bad' }, 401, 'invalid_api_key', 'does not know the key'],
  ['a client key', { authorization: 'Bearer mine' }, 403, 'permission_denied', 'of this key is client; a scout needs'],
  ['an admin key', { authorization: 'Bearer root' }, 403, 'permission_denied', 'of this key is admin; a scout needs'],
]

describe('a dialer is refused with', () => {
  for (const [what, headers, status, code, sentence] of refusals) {
    test(`${what}: ${status}`, async () => {
      const refused = dial(headers) as Response
      expect(refused.status).toBe(status)
      const { error } = (await refused.json()) as { error: Record<string, string> }
      expect(error).toMatchObject({ code, param: null })
      expect(error.message).toContain(sentence)
      expect(error.message).not.toContain('bad')
    })
  }
})
