/**
 * The models that can be asked for, for everyone with a client key: those that live scouts offer, read from the engine
 * at that moment, and the virtual ones.
 */
import { fault } from '../../../shared/faults.ts'
import { modelsPageMax } from '../../../shared/limits/http.ts'
import type { Engine, ModelListing } from '../../engine/ports/client.ts'
import type { RequestContext } from '../request-context.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { shownModel } from './model-view.ts'
import { shownVirtual } from './virtual-view.ts'

/** How many names a sentence about an unknown model lists. */
const namesShownMax = 10

/** What was made of a list of the engine's. The engine gives out the same list until something in it changes. */
interface MadePage {
  of: readonly ModelListing[]
  body: Uint8Array<ArrayBuffer>
}

/** The pages that most clients ask for, by engine: making one costs more than all the rest of the request. */
const firstPages = new WeakMap<Engine, MadePage>()

/** In the order of their names, a page at a time; the hub's own models are on the first one. */
export function listModels({ id, edge, query }: RequestContext): Response {
  const limit = query.get('limit')
  const after = query.get('after')
  const models = edge.engine.models()
  if (limit === null && after === null) return jsonResponse(id, firstPage(edge.engine, models))
  const count = limit === null ? modelsPageMax : Number(limit)
  if (!Number.isInteger(count) || count < 1 || count > modelsPageMax) {
    const text = `\`limit\` must be a whole number from 1 to ${modelsPageMax}.`
    return refuse(id, fault('invalid_request', text, { param: 'limit' }))
  }
  return jsonResponse(id, pageOf(models, count, after))
}

function firstPage(engine: Engine, models: readonly ModelListing[]): Uint8Array<ArrayBuffer> {
  const made = firstPages.get(engine)
  if (made?.of === models) return made.body
  const body = Buffer.from(pageOf(models, modelsPageMax, null))
  firstPages.set(engine, { of: models, body })
  return body
}

function pageOf(models: readonly ModelListing[], count: number, after: string | null): string {
  const from = after === null ? 0 : firstBehind(models, after)
  const page = models.slice(from, from + count)
  const data: object[] = page.map(shownModel)
  if (after === null) data.push(...shownVirtual(models))
  const hasMore = from + count < models.length
  return JSON.stringify({ object: 'list', data, has_more: hasMore, last_id: page.at(-1)?.id ?? null })
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

export function getModel({ id, edge, params }: RequestContext): Response {
  const model = edge.engine.model(params.id)
  if (model !== undefined) return jsonResponse(id, JSON.stringify(shownModel(model)))
  const virtual = shownVirtual(edge.engine.models()).find((shown) => shown.id === params.id)
  if (virtual !== undefined) return jsonResponse(id, JSON.stringify(virtual))
  const names = edge.engine.models().map((listing) => listing.id)
  const more = names.length > namesShownMax ? ' and others, see /v1/models' : ''
  const offered =
    names.length === 0
      ? 'no scout offers any model at the moment: try again when one has connected'
      : `use one of: ${names.slice(0, namesShownMax).join(', ')}${more}`
  return refuse(id, fault('model_not_found', `No scout offers this model now; ${offered}.`, { param: 'model' }))
}
