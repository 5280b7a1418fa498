/**
 * The hubs of the network that this one belongs to: who is there, and what each one tells of itself. Admins see all of
 * it, with what the hubs lend each other; everybody else where the hubs are and which models they have, as far as the
 * key may see those. Read from the network at that moment; a hub by itself lists nobody.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { summaryModelsMax } from '../../../shared/limits/cluster/presence.ts'
import { peerScout } from '../../../shared/scouts/scout-id.ts'
import type { Engine, HubListing, HubLoan, HubModel } from '../../engine/ports/client.ts'
import type { HubLedgerListing } from '../../engine/ports/network/network-ledger.ts'
import { allowsModel } from '../../tenants/scopes.ts'
import type { Caller, RequestContext } from '../request-context.ts'
import { jsonResponse, refuse } from '../response/response.ts'

export function listHubs({ id, edge, caller, query }: RequestContext): Response {
  const modelsMax = modelsAsked(query)
  if (typeof modelsMax !== 'number') return refuse(id, modelsMax)
  const listing = edge.network?.listing() ?? null
  if (listing === null) return jsonResponse(id, JSON.stringify({ object: 'list', network: null, data: [] }))
  const { network, epoch, threshold, standing, apart, dropped, hubs } = listing
  const isAdmin = caller!.role === 'admin'
  const known = { id: network, epoch, standing }
  const shown = isAdmin ? { ...known, threshold, apart, messages_dropped: dropped } : known
  const ledgers = edge.network?.ledger?.hubs() ?? []
  const data = hubs.map((hub) => ({
    ...shownHub(hub),
    ledger: shownLedger(ledgers, hub.name),
    ...(isAdmin && shownWork(hub, edge.engine)),
    ...shownModels(hub, caller!, modelsMax),
  }))
  const removed = ledgers.filter(({ state }) => state === 'removed').map(({ name }) => name)
  return jsonResponse(id, JSON.stringify({ object: 'list', network: { ...shown, removed }, data }))
}

/** How far this hub counts the points of another one; null where nobody gives receipts. */
function shownLedger(ledgers: readonly HubLedgerListing[], hub: string) {
  const found = ledgers.find(({ name, state }) => name === hub && state !== 'removed')
  if (found === undefined) return null
  const { state, key, batch, from, why } = found
  return { state, key, batch, from, why }
}

/** How many models of each hub are listed. */
function modelsAsked(query: URLSearchParams): number | Fault {
  const text = query.get('models') ?? String(summaryModelsMax)
  if (/^\d{1,4}$/.test(text) && Number(text) <= summaryModelsMax) return Number(text)
  const rule = `a whole number from 0 to ${summaryModelsMax}`
  return fault('invalid_request', `\`models\` must be ${rule}.`, { param: 'models' })
}

function shownHub({ name, url, isSelf, state, silentMs, scouts }: HubListing) {
  const silence = silentMs === null ? null : Math.round(silentMs)
  return { object: 'hub', name, url, is_self: isSelf, state, silent_ms: silence, scouts }
}

/** What a hub has to do, and what it and this one do for each other. */
function shownWork({ name, credits, running, intents, borrows }: HubListing, engine: Pick<Engine, 'scout'>) {
  const seat = engine.scout(peerScout(name))
  const lends: HubLoan | null = seat === undefined ? null : { credits: seat.credits, running: seat.inFlight }
  return { credits, running, intents, lends, borrows }
}

function shownModels({ models, moreModels }: HubListing, { scopes }: Caller, modelsMax: number) {
  const allowed = models.filter(({ id }) => allowsModel(scopes, id))
  // Of what is not named nobody can say whether the key may see it.
  const unnamed = scopes.models === null ? moreModels : 0
  const more = Math.max(0, allowed.length - modelsMax) + unnamed
  return { models: allowed.slice(0, modelsMax).map(shownModel), more }
}

function shownModel({ id, row }: HubModel) {
  if (row === null) return { id }
  const { kind, scouts, idle, contextTokens } = row
  return { id, kind, scouts, idle, context_tokens: contextTokens }
}
