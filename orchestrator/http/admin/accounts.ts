/**
 * Accounts, settings and the audit log over HTTP, for administrators. Suspending an account ends its sessions, streams
 * and scouts at once; every change has its row in the log, which nobody can change.
 */
import { fault } from '../../../shared/faults.ts'
import { accountStates } from '../../engine/ports/account-store.ts'
import type { SignupMode } from '../../engine/ports/accounts.ts'
import { shownAccount, shownAudit } from '../accounts/views.ts'
import type { RequestContext } from '../request-context.ts'
import { listPage } from '../response/list-page.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import {
  accountChanges,
  accountChangesOf,
  accountRequest,
  settingChanges,
  wantedAccount,
} from '../schema/accounts/account-requests.ts'
import { pageAsked } from '../schema/accounts/page-asked.ts'
import { readSmall } from '../schema/body.ts'

const unknownAccount = fault('not_found', 'There is no such account: GET /v1/admin/accounts lists them.', {
  param: 'id',
})
const badState = fault('invalid_request', `\`state\` must be one of ${accountStates.join(', ')}.`, { param: 'state' })
const badNumber = fault('invalid_request', '`before` must be the `next` of an earlier page.', { param: 'before' })

export function listAccounts(context: RequestContext): Response {
  const { id, edge, query } = context
  const asked = pageAsked(context)
  if ('code' in asked) return refuse(id, asked)
  const state = query.get('state')
  const known = accountStates.find((one) => one === state)
  if (state !== null && known === undefined) return refuse(id, badState)
  const rows = edge.accounts.accounts({ ...asked, ...(known && { state: known }), limit: asked.limit + 1 })
  return jsonResponse(id, JSON.stringify(listPage(rows, asked.limit, (row) => row.id, shownAccount)))
}

export async function createAccount(context: RequestContext): Promise<Response> {
  const { id, edge } = context
  const body = await readSmall(context, accountRequest)
  if ('code' in body) return refuse(id, body)
  const made = edge.accounts.makeAccount(wantedAccount(body.value), context.actor)
  if ('code' in made) return refuse(id, made)
  edge.log.info({ account: made.id, by: context.actor.id }, 'account made')
  return jsonResponse(id, JSON.stringify(shownAccount(made)), 201)
}

export function getAccount({ id, edge, params }: RequestContext): Response {
  const row = edge.accounts.account(params.id)
  return row === undefined ? refuse(id, unknownAccount) : jsonResponse(id, JSON.stringify(shownAccount(row)))
}

export async function amendAccount(context: RequestContext): Promise<Response> {
  const { id, edge, params } = context
  const body = await readSmall(context, accountChanges)
  if ('code' in body) return refuse(id, body)
  const changed = edge.accounts.changeAccount(params.id, accountChangesOf(body.value), context.actor)
  if ('code' in changed) return refuse(id, changed)
  edge.log.info({ account: changed.id, state: changed.state, by: context.actor.id }, 'account changed')
  return jsonResponse(id, JSON.stringify(shownAccount(changed)))
}

export function getSettings({ id, edge }: RequestContext): Response {
  return jsonResponse(id, JSON.stringify({ object: 'settings', signup: edge.accounts.signup() }))
}

export async function amendSettings(context: RequestContext): Promise<Response> {
  const { id, edge } = context
  const body = await readSmall(context, settingChanges)
  if ('code' in body) return refuse(id, body)
  const { signup } = body.value as { signup?: SignupMode }
  if (signup !== undefined) edge.accounts.setSignup(signup, context.actor)
  return getSettings(context)
}

export function listAudit(context: RequestContext): Response {
  const { id, edge, query } = context
  const asked = pageAsked(context)
  if ('code' in asked) return refuse(id, asked)
  const { limit, before } = asked
  if (before !== undefined && !/^\d{1,15}$/.test(before)) return refuse(id, badNumber)
  const subject = query.get('subject')
  const about = { ...(subject !== null && { subject }), ...(before !== undefined && { before: Number(before) }) }
  const rows = edge.accounts.audit({ ...about, limit: limit + 1 })
  return jsonResponse(id, JSON.stringify(listPage(rows, limit, ({ seq }) => String(seq), shownAudit)))
}
