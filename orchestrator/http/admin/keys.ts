/**
 * Keys over HTTP, for administrators: make one (the only time its text is seen), list and change them, replace a
 * secret, revoke. A session makes keys only as long as it is fresh, and a wallet's session not at all: its owner signs
 * for each.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { answered, faultOf, keyList } from '../accounts/me.ts'
import { pastEnd } from '../accounts/narrowing.ts'
import { shownKey } from '../accounts/views.ts'
import type { RequestContext } from '../request-context.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { keyChanges, keyChangesOf, keyRequest, wantedKey } from '../schema/accounts/key-requests.ts'
import { pageAsked } from '../schema/accounts/page-asked.ts'
import { generationRequest } from '../schema/accounts/sign-in-requests.ts'
import { readSmall } from '../schema/body.ts'

const mintBySignature = fault('permission_denied', 'A wallet signs for each key: POST /v1/auth/challenge asks for it.')
const mintAfterSignIn = fault('permission_denied', 'It is over 15 minutes since you signed in: sign in again.')

export async function createKey(context: RequestContext): Promise<Response> {
  const { id, edge } = context
  const body = await readSmall(context, keyRequest)
  if ('code' in body) return refuse(id, body)
  const { role, name, ...wanted } = wantedKey(body.value)
  // On the page it is one's own unless said otherwise; a key makes keys that belong to nobody, as it always did.
  const account = 'account' in body.value ? wanted.account : (context.session?.account?.id ?? null)
  const terms = { ...wanted, account }
  const flaw = mintFlaw(context) ?? pastEnd(terms, edge.system.wallMs()) ?? edge.keys.ownerFlaw(account)
  if (flaw !== null) return refuse(id, flaw)
  const { key, row } = edge.keys.issue(role, name, terms, context.actor)
  edge.log.info({ keyId: row.id, role, by: context.actor.id }, 'key made')
  return jsonResponse(id, JSON.stringify({ ...shownKey(row, edge), key }), 201)
}

export function listKeys(context: RequestContext): Response {
  const { id, edge, query } = context
  const asked = pageAsked(context)
  if ('code' in asked) return refuse(id, asked)
  const rows = edge.keys.page({ tenant: query.get('tenant'), ...asked, limit: asked.limit + 1 })
  return keyList(context, rows, asked.limit)
}

export async function amendKey(context: RequestContext): Promise<Response> {
  const { id, edge, params } = context
  const body = await readSmall(context, keyChanges)
  if ('code' in body) return refuse(id, body)
  const changes = keyChangesOf(body.value)
  const flaw = pastEnd(changes, edge.system.wallMs())
  if (flaw !== null) return refuse(id, flaw)
  return answered(context, edge.keys.amend(params.id, changes, context.actor))
}

export async function regenerateKey(context: RequestContext): Promise<Response> {
  const { id, edge, params } = context
  const body = await readSmall(context, generationRequest)
  if ('code' in body) return refuse(id, body)
  const flaw = mintFlaw(context)
  if (flaw !== null) return refuse(id, flaw)
  const made = edge.keys.regenerate(params.id, body.value.generation as number, context.actor)
  if (typeof made === 'string') return refuse(id, faultOf(made))
  edge.log.info({ keyId: params.id, generation: made.row.generation, by: context.actor.id }, 'key replaced')
  return jsonResponse(id, JSON.stringify({ ...shownKey(made.row, edge), key: made.key }), 201)
}

export function revokeKey(context: RequestContext): Response {
  const { id, edge, params } = context
  const trouble = edge.keys.revoke(params.id, context.actor)
  if (trouble === 'sessions' || trouble === 'elsewhere') return refuse(id, faultOf(trouble))
  if (trouble !== null) {
    const text = 'There is no such key, or it was revoked before: GET /v1/admin/keys lists the ids.'
    return refuse(id, fault('not_found', text, { param: 'id' }))
  }
  edge.log.info({ keyId: params.id, by: context.actor.id }, 'key revoked')
  return jsonResponse(id, JSON.stringify({ id: params.id, object: 'key', deleted: true }))
}

/** Whoever only has a cookie must have signed in just now, and whoever has a wallet signs. */
function mintFlaw({ session }: RequestContext): Fault | null {
  if (session === null || session.mints === 'session') return null
  return session.mints === 'signature' ? mintBySignature : mintAfterSignIn
}
