/**
 * The models that can be asked for, for everyone with a client key: those that live scouts offer, read from the engine
 * at that moment, and the virtual ones.
 */
import { fault } from '../../../shared/faults.ts'
import { modelsPageMax } from '../../../shared/limits/http.ts'
import type { ModelListing } from '../../engine/ports/client.ts'
import { allowsModel } from '../../tenants/scopes.ts'
import type { RequestContext } from '../request-context.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { shownModel } from './model-view.ts'
import { shownVirtual } from './virtual-view.ts'

/** How many names a sentence about an unknown model lists. */
const namesShownMax = 10

/**
 * The pages that most clients ask for, by the list they are made of, which the engine gives out until something in it
 * changes: making one costs more than all the rest of the request.
 */
const firstPages = new WeakMap<readonly ModelListing[], Uint8Array<ArrayBuffer>>()

/** In the order of their names, a page at a time; the hub's own models are on the first one. */
export function listModels({ id, edge, caller, query }: RequestContext): Response {
  const [limit, after, offset] = ['limit', 'after', 'offset'].map((name) => query.get(name)) as (string | null)[]
  const models = edge.engine.modelsFor(caller!.scopes)
  if (limit === null && after === null && offset === null) return jsonResponse(id, firstPage(models))
  const count = limit === null ? modelsPageMax : Number(limit)
  if (!Number.isInteger(count) || count < 1 || count > modelsPageMax) {
    return refusePage(id, 'limit', `a whole number from 1 to ${modelsPageMax}`)
  }
  const skipped = Number(offset)
  if (!Number.isSafeInteger(skipped) || skipped < 0) return refusePage(id, 'offset', 'a whole number of at least 0')
  return jsonResponse(id, pageOf(models, { count, after: after ?? null, skipped }))
}

function refusePage(id: string, param: string, rule: string): Response {
  return refuse(id, fault('invalid_request', `\`${param}\` must be ${rule}.`, { param }))
}

function firstPage(models: readonly ModelListing[]): Uint8Array<ArrayBuffer> {
  const made = firstPages.get(models)
  if (made !== undefined) return made
  const body = Buffer.from(pageOf(models, { count: modelsPageMax, after: null, skipped: 0 }))
  firstPages.set(models, body)
  return body
}

interface Page {
  count: number
  /** The last name of the page before. */
  after: string | null
  /** How many were on the pages before, for clients that count; the hub's own among them. */
  skipped: number
}

function pageOf(models: readonly ModelListing[], { count, after, skipped }: Page): string {
  const own = shownVirtual(models)
  const from = after === null ? Math.max(0, skipped - own.length) : firstBehind(models, after)
  const page = models.slice(from, from + count)
  const data: object[] = page.map(shownModel)
  if (after === null && skipped === 0) data.push(...own)
  const hasMore = from + count < models.length
  const lastId = page.at(-1)?.id ?? null
  const next = hasMore && lastId !== null ? `/v1/models?limit=${count}&after=${encodeURIComponent(lastId)}` : null
  const paging = { has_more: hasMore, last_id: lastId, links: { next }, total_count: models.length + own.length }
  return JSON.stringify({ object: 'list', data, ...paging })
}

/** Where the names behind this one begin; it need not be there any more. */
function firstBehind(models: readonly ModelListing[], after: string): number {
  let low = 0
  let high = models.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (models[middle]!.id <= after) low = middle + 1
    else high = middle
  }
  return low
}

export function getModel({ id, edge, caller, params }: RequestContext): Response {
  const { scopes } = caller!
  const model = allowsModel(scopes, params.id) ? edge.engine.model(params.id) : undefined
  if (model !== undefined) return jsonResponse(id, JSON.stringify(shownModel(model)))
  const virtual = shownVirtual(edge.engine.modelsFor(scopes)).find((shown) => shown.id === params.id)
  if (virtual !== undefined) return jsonResponse(id, JSON.stringify(virtual))
  const names = edge.engine.modelsFor(scopes).map((listing) => listing.id)
  const more = names.length > namesShownMax ? ' and others, see /v1/models' : ''
  const offered =
    names.length === 0
      ? 'no scout offers any model at the moment: try again when one has connected'
      : `use one of: ${names.slice(0, namesShownMax).join(', ')}${more}`
  return refuse(id, fault('model_not_found', `No scout offers this model now; ${offered}.`, { param: 'model' }))
}
