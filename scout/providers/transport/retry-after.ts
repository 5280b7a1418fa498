/**
 * How long a service takes no more requests, from its headers and error bodies. Services write it in many ways: as
 * seconds, milliseconds, a duration like `2m59.56s`, a date, or a moment counted from 1970 in seconds or finer. What
 * has passed is now, what is absurd is cut, and what cannot be read counts as not stated.
 */
import { pauseMaxMs } from '../../../shared/limits/scheduling.ts'
import { isObject } from './json-object.ts'

/** For how long a service takes no requests, at most `pauseMaxMs`; undefined when it does not state it. */
export function readRetryAfterMs(headers: Headers, wallMs: number): number | undefined {
  return bounded(plainlyMs(headers, wallMs) ?? resetMs(headers, wallMs))
}

/** The same out of an error's `metadata.headers`, where OpenRouter repeats the headers of a model's own provider. */
export function readMetadataMs(error: unknown, wallMs: number): number | undefined {
  const metadata = isObject(error) && isObject(error.metadata) ? error.metadata : null
  if (metadata === null || !isObject(metadata.headers)) return undefined
  const pairs = Object.entries(metadata.headers).flatMap(([name, value]): [string, string][] =>
    /^[\w-]+$/.test(name) && (typeof value === 'number' || /^[\x20-\x7e]*$/.test(String(value)))
      ? [[name, String(value)]]
      : [],
  )
  return readRetryAfterMs(new Headers(pairs), wallMs)
}

/** How long to wait because this successful answer used up what is left of a limit; undefined when it did not. */
export function exhaustedMs(headers: Headers, wallMs: number): number | undefined {
  const waits = resetsOf(headers, wallMs).flatMap(({ waitMs, isHit }) => (isHit ? [waitMs] : []))
  const waitMs = bounded(waits.length > 0 ? Math.max(...waits) : undefined)
  return waitMs === 0 ? undefined : waitMs
}

function bounded(waitMs: number | undefined): number | undefined {
  return waitMs === undefined ? undefined : Math.min(Math.max(Math.ceil(waitMs), 0), pauseMaxMs)
}

function plainlyMs(headers: Headers, wallMs: number): number | undefined {
  const exact = countIn(headers.get('retry-after-ms') ?? '')
  if (exact !== undefined) return exact < earliestMs ? exact : sinceEpochMs(exact) - wallMs
  return readWaitMs(headers.get('retry-after') ?? '', wallMs)
}

/** Which limit was hit shows in what remains; the other one's reset may be hours away and means nothing. */
function resetMs(headers: Headers, wallMs: number): number | undefined {
  const resets = resetsOf(headers, wallMs)
  const hit = resets.filter(({ isHit }) => isHit)
  if (hit.length > 0) return Math.max(...hit.map(({ waitMs }) => waitMs))
  return resets.length > 0 ? Math.min(...resets.map(({ waitMs }) => waitMs)) : undefined
}

interface Reset {
  waitMs: number
  /** Nothing remains of this limit. */
  isHit: boolean
}

/** Such headers of one answer that are looked at. */
const resetsMax = 16
const resetName = /^(?:[a-z]+-)?rate-?limit-(?:[\w-]+-)?reset(?:-[\w-]+)?$/

/** Of requests and of tokens, by the minute or the day, or of one limit for all. */
function resetsOf(headers: Headers, wallMs: number): Reset[] {
  const resets = [...unitedReset(headers.get('ratelimit') ?? '')]
  for (const [name, text] of headers) {
    if (resets.length === resetsMax) break
    if (!resetName.test(name)) continue
    const waitMs = readWaitMs(text, wallMs)
    const remaining = countIn(headers.get(name.replace('reset', 'remaining')) ?? '')
    if (waitMs !== undefined) resets.push({ waitMs, isHit: remaining === 0 })
  }
  return resets
}

/** The header of the IETF's drafts: `limit=100, remaining=0, reset=50`, later `"default";r=0;t=50`. */
function unitedReset(text: string): Reset[] {
  const [, reset] = /(?:^|[;,\s])(?:t|reset)=(\d{1,9})\b/.exec(text) ?? []
  if (reset === undefined) return []
  return [{ waitMs: Number(reset) * 1_000, isHit: /(?:^|[;,\s])(?:r|remaining)=0\b/.test(text) }]
}

/** From here on a number of seconds is a moment, and one of milliseconds likewise: nobody waits for thirty years. */
const earliestSeconds = 1e9
const earliestMs = 1e11
/** More than the nanoseconds since 1970. */
const absurdCount = 1e20

/** One statement of a time, however it is written; several seconds that came as one header count as the longest. */
function readWaitMs(stated: string, wallMs: number): number | undefined {
  const text = stated.trim().replace(/^"(.*)"$/, '$1')
  const counts = text.split(',').map((part) => countIn(part.trim()))
  if (counts.every((count) => count !== undefined)) {
    const count = Math.max(...counts)
    const isMoment = count >= earliestSeconds && count < absurdCount
    return isMoment ? sinceEpochMs(count) - wallMs : count * 1_000
  }
  const durationMs = readDurationMs(text)
  if (durationMs !== undefined) return durationMs
  const atMs = readDateMs(text)
  return atMs === undefined ? undefined : atMs - wallMs
}

function countIn(text: string): number | undefined {
  return /^\d{1,30}(\.\d{1,30})?$/.test(text) ? Number(text) : undefined
}

/** A moment in seconds, or in thousandths of them, of those, and so on. */
function sinceEpochMs(count: number): number {
  let ms = count < earliestMs ? count * 1_000 : count
  while (ms >= 1_000 * earliestMs) ms /= 1_000
  return ms
}

const unitMs: Readonly<Record<string, number>> = {
  ...{ d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 },
  ...{ us: 1e-3, µs: 1e-3, ns: 1e-6 },
}

/** `2m59.56s`, `120ms`, `6h0m0s`. */
function readDurationMs(text: string): number | undefined {
  if (!/^(\d{1,15}(\.\d{1,15})?([muµn]s|[dhms]))+$/.test(text)) return undefined
  let sumMs = 0
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)([muµn]s|[dhms])/g)) {
    sumMs += Number(count) * unitMs[unit!]!
  }
  return sumMs
}

/** The dates of HTTP, also in their older forms, and ISO 8601; without a zone they are taken to be in UTC. */
function readDateMs(text: string): number | undefined {
  const isIso = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$/i.test(text)
  const isHttp = /^[A-Z][a-z]{2,8},? [\w :-]{8,30}$/.test(text)
  if (!isIso && !isHttp) return undefined
  const hasZone = /(Z|GMT|UTC|[+-]\d\d:?\d\d)$/i.test(text)
  const ms = Date.parse(isIso ? `${text.replace(' ', 'T')}${hasZone ? '' : 'Z'}` : `${text}${hasZone ? '' : ' GMT'}`)
  return Number.isNaN(ms) ? undefined : ms
}
