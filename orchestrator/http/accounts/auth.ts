/**
 * Signing in and out on the hub's page: challenges for wallets and what they sign, login links, keys that open a
 * session. Each answer that begins a session sets its cookie; whatever cookie came along is worth nothing from then on.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import type { MadeKey, SignedIn, Visitor } from '../../engine/ports/accounts.ts'
import { hubNow } from '../live/topics.ts'
import type { RequestContext } from '../request-context.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import {
  type ChallengeBody,
  challengeRequest,
  keySignInRequest,
  linkRequest,
  signedActionOf,
  verifyRequest,
} from '../schema/accounts/sign-in-requests.ts'
import { readSmall } from '../schema/body.ts'
import { foreignPage, pageOf, visitorOf } from './own-page.ts'
import { cookieOf, endedCookie, sessionCookie } from './session-cookie.ts'
import { shownKey, shownSession } from './views.ts'

const noSession = fault('invalid_api_key', 'There is no session: sign in first.')
/** Nothing that is answered here may be kept by anybody. */
const unkept = { 'cache-control': 'no-store' }

/** What is possible here, and who is signed in. */
export function getAuth(context: RequestContext): Response {
  const { id, edge } = context
  const token = cookieOf(context)
  const session = token === null || foreignPage(context) !== null ? null : edge.accounts.session(token)
  const ways = { signup: edge.accounts.signup(), wallet: pageOf(context) !== null }
  const shown = { object: 'auth', ...ways, network: edge.network !== null }
  // A visitor's page shows them first: it need not ask twice.
  const hub = hubNow(edge.engine)
  return jsonResponse(id, JSON.stringify({ ...shown, session: session && shownSession(session), hub }), 200, unkept)
}

export async function challenge(context: RequestContext): Promise<Response> {
  return withBody(context, challengeRequest, (visitor, value) => {
    const { address, chain_id: chainId, action } = value as unknown as ChallengeBody
    const made = context.edge.accounts.challenge(visitor, { address, chainId, action: signedActionOf(action) })
    if ('code' in made) return made
    const shown = { nonce: made.nonce, message: made.message, expires_in: made.expiresInMs / 1000 }
    return jsonResponse(context.id, JSON.stringify(shown), 201, unkept)
  })
}

export async function verify(context: RequestContext): Promise<Response> {
  return withBody(context, verifyRequest, (visitor, value) => {
    const signed = value as { message: string; signature: string }
    return signedIn(context, visitor, context.edge.accounts.verify(visitor, signed))
  })
}

export async function useLink(context: RequestContext): Promise<Response> {
  return withBody(context, linkRequest, (visitor, { token }) =>
    signedIn(context, visitor, context.edge.accounts.useLink(visitor, token as string)),
  )
}

export async function useKey(context: RequestContext): Promise<Response> {
  return withBody(context, keySignInRequest, (visitor, { key }) =>
    signedIn(context, visitor, context.edge.accounts.useKey(visitor, key as string)),
  )
}

export function endSession(context: RequestContext): Response {
  const { session, edge } = context
  if (session === null) return refuse(context.id, noSession)
  edge.accounts.endSession(session, context.actor)
  return signedOut(context, {})
}

export function endSessions(context: RequestContext): Response {
  const { session, edge } = context
  if (session === null) return refuse(context.id, noSession)
  return signedOut(context, { count: edge.accounts.endSessions(session, context.actor) })
}

async function withBody(
  context: RequestContext,
  schema: Parameters<typeof readSmall>[1],
  act: (visitor: Visitor, value: Record<string, unknown>) => Response | Fault,
): Promise<Response> {
  const visitor = visitorOf(context)
  if ('code' in visitor) return refuse(context.id, visitor, unkept)
  const body = await readSmall(context, schema)
  const answer = 'code' in body ? body : act(visitor, body.value)
  return 'code' in answer ? refuse(context.id, answer, unkept) : answer
}

function signedIn(context: RequestContext, page: Visitor, outcome: SignedIn | MadeKey | Fault): Response | Fault {
  if ('code' in outcome) return outcome
  const { id, edge } = context
  if ('token' in outcome) {
    edge.log.info({ account: outcome.session.account?.id, key: outcome.session.key }, 'signed in')
    const cookie = sessionCookie(page, outcome.token)
    const shown = JSON.stringify(shownSession(outcome.session))
    return jsonResponse(id, shown, 200, { ...unkept, 'set-cookie': cookie })
  }
  const { key, row } = outcome
  edge.log.info({ keyId: row.id, generation: row.generation, by: row.account }, 'key made with a signature')
  return jsonResponse(id, JSON.stringify({ ...shownKey(row, edge), key }), 201, unkept)
}

function signedOut(context: RequestContext, more: object): Response {
  const cookie = endedCookie(pageOf(context)!)
  const shown = JSON.stringify({ object: 'session', deleted: true, ...more })
  return jsonResponse(context.id, shown, 200, { ...unkept, 'set-cookie': cookie })
}
