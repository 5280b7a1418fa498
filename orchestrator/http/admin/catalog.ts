/**
 * What there is to choose from: the models that live scouts offer, for everyone with a key, and the scouts themselves
 * with what explains their standing, for admins. Everything shown is asked from the engine at that moment.
 */
import { fault } from '../../../shared/faults.ts'
import { abilitiesIn, dollars, type Offer } from '../../../shared/task.ts'
import type { LastHour } from '../../core/stats/hour-counts.ts'
import type { ModelListing, OfferStatus, ScoutListing } from '../../engine/ports/client.ts'
import type { RequestContext } from '../request-context.ts'
import { shownCost } from '../response/envelope.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { shownVirtual } from '../schema/virtual-models.ts'

/** How many names a sentence about an unknown model lists. */
const namesShownMax = 10

export function listModels({ id, edge }: RequestContext): Response {
  const models = edge.engine.models()
  return jsonResponse(
    id,
    JSON.stringify({ object: 'list', data: [...models.map(shownModel), ...shownVirtual(models)] }),
  )
}

export function getModel({ id, edge, params }: RequestContext): Response {
  const model = edge.engine.model(params.id)
  if (model !== undefined) return jsonResponse(id, JSON.stringify(shownModel(model)))
  const virtual = shownVirtual(edge.engine.models()).find((shown) => (shown as { id: string }).id === params.id)
  if (virtual !== undefined) return jsonResponse(id, JSON.stringify(virtual))
  const names = edge.engine.models().map((listing) => listing.id)
  const more = names.length > namesShownMax ? ' and others, see /v1/models' : ''
  const offered =
    names.length === 0
      ? 'no scout offers any model at the moment: try again when one has connected'
      : `use one of: ${names.slice(0, namesShownMax).join(', ')}${more}`
  return refuse(id, fault('model_not_found', `No scout offers this model now; ${offered}.`, { param: 'model' }))
}

export function listScouts({ id, edge }: RequestContext): Response {
  return jsonResponse(id, JSON.stringify({ object: 'list', data: edge.engine.scouts().map(shownScout) }))
}

export function getScout({ id, edge, params }: RequestContext): Response {
  const scout = edge.engine.scout(params.id)
  if (scout === undefined) {
    const text = 'No scout with this id is connected now: GET /v1/scouts lists those that are.'
    return refuse(id, fault('not_found', text, { param: 'id' }))
  }
  const { sessions, window, lastHour, standings } = scout
  const detail = { sessions, window, last_hour: shownHour(lastHour), models: standings.map(shownStanding) }
  return jsonResponse(id, JSON.stringify({ ...shownScout(scout), ...detail }))
}

function shownHour({ considered, won, lostLatency, lostPrice, lostCapacity, lostTrust, done, failed }: LastHour) {
  const lost = { latency: lostLatency, price: lostPrice, capacity: lostCapacity, trust: lostTrust }
  return { considered, won, lost, done, failed }
}

function shownScout(scout: ScoutListing) {
  return {
    id: scout.id,
    object: 'scout',
    name: scout.name,
    operator: scout.operator,
    agent: scout.agent,
    address: scout.address,
    connected_at: scout.connectedAt,
    phase: scout.phase,
    concurrency: scout.concurrency,
    credits: scout.credits,
    in_flight: scout.inFlight,
    done: scout.done,
    failed: scout.failed,
    failure_rate: scout.failureRate,
    offers: scout.offers.map(shownOffer),
  }
}

function shownOffer({ kind, model, provider, contextTokens, abilities, promptPrice, answerPrice, about }: Offer) {
  return {
    kind,
    model,
    provider,
    context_tokens: contextTokens,
    abilities: abilitiesIn(abilities),
    dollars_per_million_tokens: { prompt: dollars(promptPrice), answer: dollars(answerPrice) },
    about,
  }
}

function shownStanding({ kind, model, provider, speed, resumesInMs, cost }: OfferStatus) {
  return {
    kind,
    model,
    provider,
    first_content_ms: speed && Math.round(speed.firstContentMs),
    tokens_per_second: speed && Math.round(speed.tokensPerSecond * 10) / 10,
    samples: speed?.samples ?? 0,
    resumes_in_ms: resumesInMs && Math.ceil(resumesInMs),
    cost_ms: cost && shownCost(cost),
  }
}

function shownModel(model: ModelListing) {
  return {
    id: model.id,
    object: 'model',
    created: model.created,
    owned_by: model.providers.join(', ') || 'chasm',
    chasm: {
      kinds: model.kinds,
      scouts: model.scouts,
      idle: model.idle,
      providers: model.providers,
      context_tokens: model.contextTokens,
      ...(model.about !== '' && { about: model.about }),
    },
  }
}
