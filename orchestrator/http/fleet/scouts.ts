/**
 * The scouts that are connected, for admins: all of them, and one with what explains how placement treats it.
 * Everything is read from the engine at that moment.
 */
import { fault } from '../../../shared/faults.ts'
import { abilitiesIn, dollars, type Offer } from '../../../shared/task.ts'
import type { LastHour } from '../../core/stats/hour-counts.ts'
import type { OfferStatus, ScoutListing } from '../../engine/ports/client.ts'
import type { RequestContext } from '../request-context.ts'
import { shownCost } from '../response/envelope.ts'
import { jsonResponse, refuse } from '../response/response.ts'

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

function shownOffer(offer: Offer) {
  const { kind, model, provider, contextTokens, abilities, promptPrice, answerPrice, about, requestBytesMax } = offer
  return {
    kind,
    model,
    provider,
    context_tokens: contextTokens,
    abilities: abilitiesIn(abilities),
    dollars_per_million_tokens: { prompt: dollars(promptPrice), answer: dollars(answerPrice) },
    about,
    request_bytes_max: requestBytesMax,
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
