/**
 * Who sends a request: a key in the Authorization header, else in x-api-key, else the session of a cookie. The server
 * asks for every route that is not open; the gateway checks the keys of scouts.
 */

import { type Fault, fault } from '../../../shared/faults.ts'
import type { KeyRole } from '../../../shared/keys/api-key.ts'
import type { Access, Caller, Keys, RequestContext } from '../request-context.ts'
import { foreignPage } from './own-page.ts'
import { cookieOf } from './session-cookie.ts'

type Required = Exclude<Access, 'open'>

const bearer = /^Bearer +(\S+) *$/i
const howTo = 'send a client key in the header "Authorization: Bearer <key>"; the operator of this server issues them'
const soon = { retryAfterMs: 1_000 }
const sessionOver = fault('invalid_api_key', 'The session is over: sign in again.')

/**
 * Sets the caller, and the session that it has; or says why it may not: `invalid_api_key` without a good key or
 * session, `permission_denied` with the wrong role or from a foreign page.
 */
export function authenticate(context: RequestContext, access: Required): Fault | null {
  const { request, edge } = context
  const header = request.headers.get('authorization')
  // Anthropic's clients put it there.
  const presented = header === null ? request.headers.get('x-api-key') : bearer.exec(header)?.[1]
  const caller = presented === null ? callerOfSession(context) : callerOfKey(presented, edge.keys)
  if ('code' in caller) return caller
  context.caller = caller
  return mayUse(caller.role, access) ? null : fault('permission_denied', roleSentence(caller.role, access))
}

function callerOfKey(presented: string | undefined, keys: Keys): Caller | Fault {
  if (presented === undefined) {
    return fault('invalid_api_key', `The Authorization header is not of the form "Bearer <key>": ${howTo}.`)
  }
  const verified = keys.verify(presented)
  if (verified.ok) return verified
  if (verified.isPassing)
    return { ...fault('store_unavailable', `The API key cannot be checked: ${verified.flaw}.`), ...soon }
  return fault('invalid_api_key', `The API key was refused: ${verified.flaw}; ${howTo}.`)
}

function callerOfSession(context: RequestContext): Caller | Fault {
  const token = cookieOf(context)
  if (token === null) return fault('invalid_api_key', `No API key was given: ${howTo}.`)
  const foreign = foreignPage(context)
  if (foreign !== null) return foreign
  const session = context.edge.accounts.session(token)
  if (session === null) return sessionOver
  context.session = session
  return session.holder
}

function mayUse(role: KeyRole, access: Required): boolean {
  return access === 'any' || role === 'admin' || role === access
}

function roleSentence(role: KeyRole, access: Required): string {
  if (access === 'admin') return `This needs an admin key, and the key given is a ${role} key: use an admin key.`
  return `A ${role} key cannot ask for answers: use a client key, and keep this one for the machine it was made for.`
}
