/**
 * `GET /v1/history?span=10m|24h|30d`: the charts' series of the whole hub, equally spaced, `null` where nothing was
 * measured; what was before this process is there for 30 days only. Rates are per second, times milliseconds.
 */
import { fault } from '../../../shared/faults.ts'
import type { RequestContext } from '../request-context.ts'
import { jsonResponse, refuse } from '../response/response.ts'
import { historySpans, type Span } from './ring.ts'

export function showHistory({ id, edge, query }: RequestContext): Response {
  const span = query.get('span') ?? '10m'
  if (!isSpan(span)) {
    const text = `\`span\` must be one of ${Object.keys(historySpans).join(', ')}.`
    return refuse(id, fault('invalid_request', text, { param: 'span' }))
  }
  const { stepMs, start, series } = edge.traffic.history(span)
  const shown = { object: 'history', span, start: start / 1000, step_ms: stepMs, series }
  return jsonResponse(id, JSON.stringify(shown), 200, { 'cache-control': 'no-store' })
}

function isSpan(text: string): text is Span {
  return Object.hasOwn(historySpans, text)
}
