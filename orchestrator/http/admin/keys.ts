/**
 * Keys over HTTP, for admins: make one (the only time its text is seen), list them, revoke one. What is shown of a key
 * afterwards is its id, role and name; its digest never leaves the store.
 */

import type { KeyRole } from '../../../shared/api-key.ts'
import { fault } from '../../../shared/faults.ts'
import type { KeyRow } from '../../engine/ports/store.ts'
import type { RequestContext } from '../request-context.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { readDurable } from '../schema/body.ts'
import { keyRequest } from '../schema/openai-requests.ts'

export async function createKey(context: RequestContext): Promise<Response> {
  const { id, edge, caller } = context
  const body = await readDurable(context, keyRequest)
  if ('code' in body) return refuse(id, body)
  const { role, name, weight } = body.value as { role: KeyRole; name: string; weight?: number | null }
  const { key, row } = edge.keys.issue(role, name, weight ?? 1)
  edge.log.info({ keyId: row.id, role, by: caller?.id }, 'key made')
  return jsonResponse(id, JSON.stringify({ ...shownKey(row), key }), 201)
}

export function listKeys({ id, edge }: RequestContext): Response {
  return jsonResponse(id, JSON.stringify({ object: 'list', data: edge.keys.list().map(shownKey) }))
}

export function revokeKey({ id, edge, params, caller }: RequestContext): Response {
  if (!edge.keys.revoke(params.id)) {
    const text = 'There is no such key, or it was revoked before: GET /v1/admin/keys lists the ids.'
    return refuse(id, fault('not_found', text, { param: 'id' }))
  }
  edge.log.info({ keyId: params.id, by: caller?.id }, 'key revoked')
  return jsonResponse(id, JSON.stringify({ id: params.id, object: 'key', deleted: true }))
}

function shownKey(row: KeyRow) {
  const { id, role, name, weight, createdMs, revokedMs } = row
  const revoked = revokedMs === null ? null : Math.floor(revokedMs / 1000)
  return { id, object: 'key', role, name, weight, created: Math.floor(createdMs / 1000), revoked }
}
