/**
 * How long a service takes no more requests, from its headers and error bodies. Services write it in many ways: as
 * seconds, milliseconds, a date, a duration like `2m59.56s`, or the moment of the reset in milliseconds since 1970.
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
  const exact = headers.get('retry-after-ms')
  if (exact !== null && isCount(exact)) return Number(exact)
  const after = headers.get('retry-after')
  if (after === null) return undefined
  if (isCount(after)) return Number(after) * 1_000
  const at = Date.parse(after)
  return Number.isNaN(at) ? undefined : at - wallMs
}

function isCount(text: string): boolean {
  return /^\d+(\.\d+)?$/.test(text)
}

/** Which limit was hit shows in what remains; the other one's reset may be hours away and means nothing. */
function resetMs(headers: Headers, wallMs: number): number | undefined {
  const resets = resetsOf(headers, wallMs)
  const hit = resets.filter(({ isHit }) => isHit)
  if (hit.length > 0) return Math.max(...hit.map(({ waitMs }) => waitMs))
  return resets.length > 0 ? Math.min(...resets.map(({ waitMs }) => waitMs)) : undefined
}

/** Of requests and of tokens, or of one limit for all. */
function resetsOf(headers: Headers, wallMs: number): { waitMs: number; isHit: boolean }[] {
  return ['-requests', '-tokens', ''].flatMap((limit) => {
    const text = headers.get(`x-ratelimit-reset${limit}`) ?? ''
    const waitMs = /^\d{13}$/.test(text) ? Number(text) - wallMs : readDurationMs(text)
    return waitMs === undefined ? [] : [{ waitMs, isHit: headers.get(`x-ratelimit-remaining${limit}`) === '0' }]
  })
}

const unitMs: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 }

/** `2m59.56s`, `120ms`, `6h0m0s`. */
function readDurationMs(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|[dhms]))+$/.test(text)) return undefined
  let sumMs = 0
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g)) sumMs += Number(count) * unitMs[unit!]!
  return sumMs
}
