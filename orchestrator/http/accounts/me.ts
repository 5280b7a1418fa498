/**
 * One's own account and keys: what a caller is, the keys it reaches, and changes that allow less. Whoever is signed in
 * to an account reaches all of its keys; a key, and a session that it opened, reaches itself alone.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import type { KeyChanges, KeyTrouble } from '../../engine/keyring.ts'
import type { KeyRow } from '../../engine/ports/account-store.ts'
import type { RequestContext } from '../request-context.ts'
import { listPage } from '../response/list-page.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { keyChangesOf, ownKeyChanges } from '../schema/accounts/key-requests.ts'
import { pageAsked } from '../schema/accounts/page-asked.ts'
import { readSmall } from '../schema/body.ts'
import { ownersOf, useOf } from './key-use.ts'
import { widening } from './narrowing.ts'
import { shownAccount, shownKey, shownRights } from './views.ts'

const unknownKey = fault('not_found', 'There is no such key, or it was revoked: GET /v1/me/keys lists yours.', {
  param: 'id',
})
const keyChanged = fault('key_changed', 'The key changed meanwhile: look again.')
const foreignKey = fault('permission_denied', 'The key is of another hub of the network: change or revoke it there.')
const sessionKey = fault(
  'permission_denied',
  'The sessions of its account run under this key: suspend the account instead of revoking it.',
)

export function getMe(context: RequestContext): Response {
  const { id, edge, session, caller } = context
  if (session !== null) return jsonResponse(id, JSON.stringify({ object: 'me', ...shownRights(session) }))
  const { id: key, account, role, tenant } = caller!
  const row = account === null ? undefined : edge.accounts.account(account)
  const who = { object: 'me', account: row === undefined ? null : shownAccount(row), key, role, tenant }
  return jsonResponse(id, JSON.stringify({ ...who, mints: 'never', mints_until: null }))
}

export function listOwnKeys(context: RequestContext): Response {
  const { id, edge, caller } = context
  const asked = pageAsked(context)
  if ('code' in asked) return refuse(id, asked)
  const rows = reachesAccount(context)
    ? edge.keys.page({ tenant: caller!.tenant, ...asked, limit: asked.limit + 1 })
    : [edge.keys.row(caller!.id)].filter((row) => row !== undefined)
  return keyList(context, rows, asked.limit)
}

/** `rows` as in `listPage`. */
export function keyList({ id, edge }: RequestContext, rows: readonly KeyRow[], limit: number): Response {
  const use = useOf(edge, rows)
  const owner = ownersOf(edge, rows)
  const list = listPage(
    rows,
    limit,
    (row) => row.id,
    (row) => ({ ...shownKey(row, edge), ...owner(row), ...use(row) }),
  )
  return jsonResponse(id, JSON.stringify(list))
}

export async function amendOwnKey(context: RequestContext): Promise<Response> {
  const { id, edge } = context
  const body = await readSmall(context, ownKeyChanges)
  if ('code' in body) return refuse(id, body)
  const row = ownKey(context)
  if (row === null) return refuse(id, unknownKey)
  const changes: KeyChanges = keyChangesOf(body.value)
  const flaw = widening(row, changes, edge.system.wallMs())
  if (flaw !== null) return refuse(id, flaw)
  return answered(context, edge.keys.amend(row.id, changes, context.actor))
}

export function revokeOwnKey(context: RequestContext): Response {
  const { id, edge } = context
  const row = ownKey(context)
  if (row === null) return refuse(id, unknownKey)
  const trouble = edge.keys.revoke(row.id, context.actor)
  if (trouble !== null) return refuse(id, faultOf(trouble))
  edge.log.info({ keyId: row.id, by: context.actor.id }, 'key revoked')
  return jsonResponse(id, JSON.stringify({ id: row.id, object: 'key', deleted: true }))
}

export function answered({ id, edge }: RequestContext, outcome: KeyRow | KeyTrouble): Response {
  if (typeof outcome === 'string') return refuse(id, faultOf(outcome))
  return jsonResponse(id, JSON.stringify(shownKey(outcome, edge)))
}

export function faultOf(trouble: KeyTrouble): Fault {
  if (trouble === 'sessions') return sessionKey
  if (trouble === 'elsewhere') return foreignKey
  return trouble === 'changed' ? keyChanged : unknownKey
}

function reachesAccount({ session }: RequestContext): boolean {
  return session !== null && session.key === null
}

/** The key of the path, if this caller reaches it. */
function ownKey(context: RequestContext): KeyRow | null {
  const { edge, params, caller } = context
  const row = edge.keys.row(params.id)
  if (row === undefined || row.revokedMs !== null) return null
  const isOwn = reachesAccount(context) ? row.tenant === caller!.tenant : row.id === caller!.id
  return isOwn ? row : null
}
