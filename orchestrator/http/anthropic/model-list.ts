/**
 * `GET /v1/models` as Anthropic shows it, for clients that send `anthropic-version`: the models that can answer
 * messages, virtual ones too. All others are given OpenAI's form by `fleet/models.ts`.
 */
import { fault } from '../../../shared/faults.ts'
import { modelsPageMax } from '../../../shared/limits/http.ts'
import type { ModelListing } from '../../engine/ports/client.ts'
import { allowsModel } from '../../tenants/scopes.ts'
import { getModel, listModels } from '../fleet/models.ts'
import { shownVirtual } from '../fleet/virtual-view.ts'
import type { RequestContext } from '../request-context.ts'
import { refuseAnthropic, speaksAnthropic } from '../response/anthropic-errors.ts'
import { jsonResponse } from '../response/response.ts'

/** Anthropic's own default. */
const pageDefault = 20

interface ModelInfo {
  id: string
  type: 'model'
  display_name: string
  created_at: string
  max_input_tokens: number | null
  max_tokens: number | null
  capabilities: null
}

export function modelsInForm(context: RequestContext): Response {
  return speaksAnthropic(context) ? listed(context) : listModels(context)
}

export function modelInForm(context: RequestContext): Response {
  if (!speaksAnthropic(context)) return getModel(context)
  const { id, edge, caller, params } = context
  const { scopes } = caller!
  const model = allowsModel(scopes, params.id) ? edge.engine.model(params.id) : undefined
  const virtual = virtualInfos(edge.engine.modelsFor(scopes)).find((info) => info.id === params.id)
  const found = model?.kinds.includes('chat') === true ? infoOf(model, model.contextTokens) : virtual
  if (found !== undefined) return jsonResponse(id, JSON.stringify(found), 200, { 'request-id': id })
  const text = 'No scout offers this model for messages now: GET /v1/models lists those there are.'
  return refuseAnthropic(id, fault('model_not_found', text))
}

function listed({ id, edge, caller, query }: RequestContext): Response {
  const limit = query.get('limit')
  const count = limit === null ? pageDefault : Number(limit)
  if (!Number.isInteger(count) || count < 1 || count > modelsPageMax) {
    return refuseAnthropic(id, fault('invalid_request', `\`limit\` must be a whole number from 1 to ${modelsPageMax}.`))
  }
  const { page, hasMore } = pageOf(
    edge.engine.modelsFor(caller!.scopes),
    count,
    query.get('after_id'),
    query.get('before_id'),
  )
  const ends = { first_id: page[0]?.id ?? null, last_id: page.at(-1)?.id ?? null }
  return jsonResponse(id, JSON.stringify({ data: page, has_more: hasMore, ...ends }), 200, { 'request-id': id })
}

/** By name, which is how pages go on even if the model that ended one is gone. */
function pageOf(models: readonly ModelListing[], count: number, after: string | null, before: string | null) {
  const isInside = (id: string) => (after === null || id > after) && (before === null || id < before)
  const step = before === null ? 1 : -1
  // One more than the page has, to know whether there is more.
  const found: ModelInfo[] = []
  const first = before === null ? firstFrom(models, after ?? '') : firstFrom(models, before) - 1
  for (let at = first; found.length <= count && at >= 0 && at < models.length; at += step) {
    const model = models[at]!
    if (model.kinds.includes('chat') && isInside(model.id)) found.push(infoOf(model, model.contextTokens))
  }
  found.push(...virtualInfos(models).filter(({ id }) => isInside(id)))
  found.sort((one, other) => (one.id < other.id ? -step : step))
  const page = found.slice(0, count)
  return { page: before === null ? page : page.reverse(), hasMore: found.length > count }
}

/** Where the names begin that are not before this one. */
function firstFrom(models: readonly ModelListing[], name: string): number {
  let low = 0
  let high = models.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (models[middle]!.id < name) low = middle + 1
    else high = middle
  }
  return low
}

function virtualInfos(models: readonly ModelListing[]): ModelInfo[] {
  return (shownVirtual(models) as { id: string; created: number }[]).map((model) => infoOf(model, 0))
}

function infoOf({ id, created }: { id: string; created: number }, contextTokens: number): ModelInfo {
  return {
    ...{ id, type: 'model', display_name: id, created_at: new Date(created * 1_000).toISOString() },
    ...{ max_input_tokens: contextTokens || null, max_tokens: null, capabilities: null },
  }
}
