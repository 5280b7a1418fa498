/**
 * Authenticates a request: reads the key from its Authorization header, has the keyring verify it and compares its role
 * with what the route requires. Keys anywhere else, such as in a URL, are ignored. Scouts are left to the gateway,
 * which verifies their keys when they dial in.
 */

import type { KeyRole } from '../../shared/api-key.ts'
import { type Fault, fault } from '../../shared/faults.ts'
import type { KeyRow } from '../engine/ports/store.ts'

/** The keyring, as far as the client edge uses it. */
export interface Keys {
  verify(presented: string): Readonly<{ ok: true } & Caller> | Readonly<{ ok: false; flaw: string }>
  issue(role: KeyRole, name: string, weight?: number): { key: string; row: KeyRow }
  /** False when there is no such key or it was revoked before. */
  revoke(id: string): boolean
  list(): KeyRow[]
}

export interface Caller {
  /** Public id of the key; the tenant of what it submits. */
  id: string
  role: KeyRole
  /** Its turns in the queue for each one of another tenant's; 1 when absent. */
  weight?: number
}

/** What a route requires of its caller. */
export type Access = 'open' | 'client' | 'admin'

const bearer = /^Bearer +(\S+) *$/i
const howTo = 'send a client key in the header "Authorization: Bearer <key>"; the operator of this server issues them'

/** The caller, or why it may not: `invalid_api_key` without a good key, `permission_denied` with the wrong role. */
export function authenticate(request: Request, keys: Keys, access: 'client' | 'admin'): Caller | Fault {
  const header = request.headers.get('authorization')
  // Anthropic's clients put it there.
  const presented = header === null ? request.headers.get('x-api-key') : bearer.exec(header)?.[1]
  if (presented === null) return fault('invalid_api_key', `No API key was given: ${howTo}.`)
  if (presented === undefined) {
    return fault('invalid_api_key', `The Authorization header is not of the form "Bearer <key>": ${howTo}.`)
  }
  const verified = keys.verify(presented)
  if (!verified.ok) return fault('invalid_api_key', `The API key was refused: ${verified.flaw}; ${howTo}.`)
  if (verified.role === 'admin' || verified.role === access) return verified
  return fault('permission_denied', roleSentence(verified.role, access))
}

function roleSentence(role: KeyRole, access: 'client' | 'admin'): string {
  if (access === 'admin') return `This needs an admin key, and the key given is a ${role} key: use an admin key.`
  return `A ${role} key cannot ask for answers: use a client key, and keep this one for the machine it was made for.`
}
