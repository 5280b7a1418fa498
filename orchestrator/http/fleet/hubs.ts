/**
 * The hubs of the network that this one belongs to, for admins: who is there, and what each one tells of itself. Read
 * from the network at that moment; a hub by itself lists nobody.
 */
import type { HubListing, HubModel } from '../../engine/ports/client.ts'
import type { RequestContext } from '../request-context.ts'
import { jsonResponse } from '../response/response.ts'

export function listHubs({ id, edge }: RequestContext): Response {
  const listing = edge.network?.listing() ?? null
  if (listing === null) return jsonResponse(id, JSON.stringify({ object: 'list', network: null, data: [] }))
  const { network, epoch, threshold, standing, apart, dropped, hubs } = listing
  const shown = { id: network, epoch, threshold, standing, apart, messages_dropped: dropped }
  return jsonResponse(id, JSON.stringify({ object: 'list', network: shown, data: hubs.map(shownHub) }))
}

function shownHub({ isSelf, silentMs, moreModels, models, ...hub }: HubListing) {
  const silence = silentMs === null ? null : Math.round(silentMs)
  return {
    object: 'hub',
    ...hub,
    is_self: isSelf,
    silent_ms: silence,
    models: models.map(shownModel),
    more: moreModels,
  }
}

function shownModel({ id, row }: HubModel) {
  if (row === null) return { id }
  const { kind, scouts, idle, contextTokens } = row
  return { id, kind, scouts, idle, context_tokens: contextTokens }
}
