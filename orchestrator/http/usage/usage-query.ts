/**
 * What a request for usage asks for, read out of its URL: a span of days or hours, one key, one model, how much at
 * once and in which form. Times are of UTC.
 */
import { type Fault, fault, plainMessage } from '../../../shared/faults.ts'
import { usageDaysKept, usageHoursKept, usagePageMax } from '../../../shared/limits/store.ts'
import { hourMs, type UsageFilter, type UsagePoint } from '../../engine/ports/usage.ts'
import { dayMs } from '../../tenants/periods.ts'

interface UsageQuery {
  filter: Omit<UsageFilter, 'tenant'>
  isCsv: boolean
}

const pageDefault = 1_000
const daysDefault = 30
const dateForm = /^\d{4}-\d{2}-\d{2}$/
const fields = ['by', 'from', 'to', 'key', 'model', 'account', 'format', 'limit', 'after']

export function usageQuery(query: URLSearchParams, accept: string | null, nowMs: number): UsageQuery | Fault {
  for (const field of query.keys()) if (!fields.includes(field)) return wrong(field, 'is not known here: remove it')
  const by = query.get('by') ?? 'day'
  if (by !== 'day' && by !== 'hour') return wrong('by', 'must be day or hour')
  const format = query.get('format') ?? (accept?.includes('text/csv') ? 'csv' : 'json')
  if (format !== 'csv' && format !== 'json') return wrong('format', 'must be csv or json')
  const limit = Number(query.get('limit') ?? pageDefault)
  if (!Number.isInteger(limit) || limit < 1 || limit > usagePageMax) {
    return wrong('limit', `must be a whole number from 1 to ${usagePageMax}`)
  }
  const span = spanOf(query, by, nowMs)
  if ('code' in span) return span
  const after = query.get('after')
  const last = after === null ? null : pointAt(after)
  if (after !== null && last === null) return wrong('after', 'must be the `next` of the list before')
  const [key, model] = [query.get('key'), query.get('model')]
  const only = { ...(key !== null && { key }), ...(model !== null && { model }), ...(last !== null && { after: last }) }
  return { filter: { by, ...span, ...only, limit }, isCsv: format === 'csv' }
}

function spanOf(query: URLSearchParams, by: 'day' | 'hour', nowMs: number): { from: number; to: number } | Fault {
  const [from, to] = [dayIn(query, 'from'), dayIn(query, 'to')]
  if (typeof from === 'object' && from !== null) return from
  if (typeof to === 'object' && to !== null) return to
  const today = Math.floor(nowMs / dayMs)
  const last = to ?? today
  if (by === 'day') return { from: from ?? Math.max(last - daysDefault + 1, today - usageDaysKept), to: last }
  const hoursPerDay = dayMs / hourMs
  const first = from === null ? Math.floor(nowMs / hourMs) - usageHoursKept : from * hoursPerDay
  return { from: first, to: last * hoursPerDay + hoursPerDay - 1 }
}

function dayIn(query: URLSearchParams, field: string): number | null | Fault {
  const text = query.get(field)
  if (text === null) return null
  const ms = dateForm.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  return Number.isNaN(ms) ? wrong(field, 'must be a day of UTC, as 2026-11-28') : ms / dayMs
}

type Place = Pick<UsagePoint, 'start' | 'tenant' | 'key' | 'model'>

/** Where a list goes on; opaque to clients. */
export function placeAfter({ start, tenant, key, model }: UsagePoint): string {
  return Buffer.from(JSON.stringify([start, tenant, key, model])).toString('base64url')
}

function pointAt(text: string): Place | null {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
  } catch {
    return null
  }
  if (!Array.isArray(value) || value.length !== 4 || !Number.isSafeInteger(value[0])) return null
  const [start, tenant, key, model] = value as [number, unknown, unknown, unknown]
  if (typeof tenant !== 'string' || typeof key !== 'string' || typeof model !== 'string') return null
  return { start, tenant, key, model }
}

function wrong(param: string, rule: string): Fault {
  return fault('invalid_request', plainMessage(`\`${param}\` ${rule}.`), { param: plainMessage(param) })
}
