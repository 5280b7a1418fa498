/**
 * What was used of the hub, by key, model and time: a tenant's own for its keys, everybody's for administrators. As a
 * list or as CSV, newest first, a page at a time. Also how much of its limits the caller's key has left, which an
 * exhausted key may ask as well.
 */
import type { UsagePoint } from '../../engine/ports/usage.ts'
import { dayMs } from '../../tenants/periods.ts'
import type { RequestContext } from '../request-context.ts'
import { baseHeaders, jsonResponse, refuse } from '../response/response.ts'
import { placeAfter, usageQuery } from './usage-query.ts'

/** The caller's own. */
export function ownUsage(context: RequestContext): Response {
  return usage(context, context.caller!.tenant)
}

/** Everybody's, or that of one account. */
export function allUsage(context: RequestContext): Response {
  return usage(context, context.query.get('account'))
}

function usage(context: RequestContext, tenant: string | null): Response {
  const { id, edge, query, request } = context
  const asked = usageQuery(query, request.headers.get('accept'), edge.system.wallMs())
  if ('code' in asked) return refuse(id, asked)
  const { filter, isCsv } = asked
  const points = edge.engine.usagePoints({ ...filter, tenant, limit: filter.limit + 1 })
  const page = points.slice(0, filter.limit)
  const next = points.length > filter.limit ? placeAfter(page.at(-1)!) : null
  const shown = page.map((point) => shownPoint(point, filter.by))
  if (!isCsv) return jsonResponse(id, JSON.stringify({ object: 'list', data: shown, next }))
  const headers = baseHeaders(id, 'text/csv; charset=utf-8')
  headers['content-disposition'] = 'attachment; filename="usage.csv"'
  if (next !== null) headers['x-next'] = next
  return new Response(csvOf(shown), { headers })
}

/** What is left of the caller's limits. */
export function ownLimits({ id, edge, caller }: RequestContext): Response {
  const { tenants } = edge.engine
  const now = { wallMs: edge.system.wallMs(), nowMs: edge.system.nowMs() }
  const budgets = tenants.budgets(caller!, now).map(({ resetsAtMs, ...budget }) => {
    return { ...budget, resets_at: new Date(resetsAtMs).toISOString() }
  })
  const rates = tenants.rates(caller!, now).map(({ resetsInMs, ...rate }) => ({ ...rate, resets_in_ms: resetsInMs }))
  return jsonResponse(id, JSON.stringify({ object: 'limits', budgets, rates }))
}

function shownPoint({ start, ...point }: UsagePoint, by: 'day' | 'hour') {
  const startMs = by === 'day' ? start * dayMs : start * (dayMs / 24)
  return {
    start: new Date(startMs).toISOString(),
    account: point.tenant,
    key: point.key,
    model: point.model,
    requests: point.tasks,
    failed: point.failed,
    prompt_tokens: point.promptTokens,
    completion_tokens: point.completionTokens,
    micro_dollars: point.microDollars,
    estimated: point.estimated,
  }
}

type Shown = ReturnType<typeof shownPoint>

const columns = [
  ...(['start', 'account', 'key', 'model', 'requests', 'failed', 'prompt_tokens', 'completion_tokens'] as const),
  ...(['micro_dollars', 'estimated'] as const),
] as const satisfies readonly (keyof Shown)[]

function csvOf(rows: readonly Shown[]): string {
  const lines = rows.map((row) => columns.map((column) => cell(row[column])).join(','))
  return `${[columns.join(','), ...lines].join('\r\n')}\r\n`
}

/** Names of models are a stranger's: a spreadsheet must not take one for a formula. */
function cell(value: string | number): string {
  if (typeof value === 'number') return String(value)
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
