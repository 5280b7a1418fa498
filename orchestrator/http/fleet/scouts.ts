/**
 * The scouts that are connected, for admins: all of them, and one with what explains how placement treats it.
 * Everything is read from the engine at that moment.
 */
import { type Fault, fault } from '../../../shared/faults.ts'
import { scoutSearchCharsMax, scoutsPageDefault, scoutsPageMax, servedDaysShown } from '../../../shared/limits/http.ts'
import { abilitiesIn, dollars, type Offer } from '../../../shared/task.ts'
import type { LastHour } from '../../core/stats/hour-counts.ts'
import type {
  OfferStatus,
  ScoutDetail,
  ScoutFilter,
  ScoutListing,
  ScoutShow,
  ScoutStanding,
} from '../../engine/ports/client.ts'
import type { ServedDay } from '../../engine/ports/usage.ts'
import { dayMs } from '../../tenants/periods.ts'
import type { RequestContext } from '../request-context.ts'
import { shownCost } from '../response/envelope.ts'
import { listPage } from '../response/list-page.ts'
import { jsonResponse, refuse } from '../response/response.ts'

/**
 * In the order in which they connected, a page at a time; `next` is null on the last. `newest` asked for as `after`
 * gives the scouts that connect from now on.
 */
export function listScouts(context: RequestContext): Response {
  return scoutPage(context, {})
}

/** The same of those that the caller's own keys let in. */
export function listOwnScouts(context: RequestContext): Response {
  return scoutPage(context, { operator: context.caller!.tenant })
}

function scoutPage({ id, edge, query }: RequestContext, whose: Pick<ScoutFilter, 'operator'>): Response {
  const asked = scoutQuery(query)
  if ('code' in asked) return refuse(id, asked)
  const { limit, after, filter } = asked
  // One more than asked for tells whether there is a next page.
  const found = edge.engine.scoutsAfter(after, limit + 1, { ...filter, ...whose })
  const list = listPage(found, limit, ({ session }) => String(session), shownInList)
  return jsonResponse(id, JSON.stringify({ ...list, newest: edge.engine.newestSession() }))
}

interface ScoutQuery {
  limit: number
  after: number
  filter: ScoutFilter
}

const shows: readonly string[] = ['failing', 'paused', 'idle'] satisfies ScoutShow[]

function scoutQuery(query: URLSearchParams): ScoutQuery | Fault {
  const flaw = (param: string, rule: string) => fault('invalid_request', `\`${param}\` must be ${rule}.`, { param })
  const limit = Number(query.get('limit') ?? scoutsPageDefault)
  if (!Number.isInteger(limit) || limit < 1 || limit > scoutsPageMax) {
    return flaw('limit', `a whole number from 1 to ${scoutsPageMax}`)
  }
  const after = Number(query.get('after') ?? -1)
  if (!Number.isSafeInteger(after)) return flaw('after', 'the `next` of the page before')
  const name = query.get('name')
  if (name !== null && name.length > scoutSearchCharsMax) {
    return flaw('name', `a part of a name, of at most ${scoutSearchCharsMax} characters`)
  }
  const show = query.get('show')
  if (show !== null && !shows.includes(show)) return flaw('show', `one of ${shows.join(', ')}`)
  return { limit, after, filter: { ...(name && { name }), ...(show !== null && { show: show as ScoutShow }) } }
}

function shownInList(scout: ScoutStanding) {
  return { ...shownScout(scout), last_hour: shownHour(scout.lastHour), verdict: scout.verdict }
}

export function getScout(context: RequestContext): Response {
  return scoutDetail(context, context.edge.engine.scout(context.params.id))
}

/** One of others looks like one that is not there. */
export function getOwnScout(context: RequestContext): Response {
  const { edge, params, caller } = context
  const scout = edge.engine.scout(params.id)
  return scoutDetail(context, scout?.operator === caller!.tenant ? scout : undefined)
}

function scoutDetail({ id, edge }: RequestContext, scout: ScoutDetail | undefined): Response {
  if (scout === undefined) {
    const text = 'No scout with this id is connected now: GET /v1/scouts, or /v1/me/scouts, lists those that are.'
    return refuse(id, fault('not_found', text, { param: 'id' }))
  }
  const { sessions, window, lastHour, verdict, standings } = scout
  const today = Math.floor(edge.system.wallMs() / dayMs)
  const served = edge.engine.daysOfScout(scout.id, today - servedDaysShown + 1).map(shownDay)
  const judged = { last_hour: shownHour(lastHour), verdict }
  const detail = { sessions, window, ...judged, models: standings.map(shownStanding), served }
  return jsonResponse(id, JSON.stringify({ ...shownScout(scout), ...detail }))
}

function shownDay({ day, done, failed, tokens, busyMs }: ServedDay) {
  return { day: new Date(day * dayMs).toISOString().slice(0, 10), done, failed, tokens, busy_ms: busyMs }
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
