import { describe, expect, test } from 'vitest'
import { Pauses } from '../../scout/offers/pauses.ts'
import { hostedService, localService } from '../../scout/providers/dialects.ts'
import { readRetryAfterMs } from '../../scout/providers/transport/retry-after.ts'
import { faultOfService } from '../../scout/providers/transport/service-faults.ts'
import { ProviderAttempts } from '../../scout/tasks/provider-attempts.ts'
import { pauseLengthMs } from '../../shared/backoff.ts'
import { fault } from '../../shared/faults.ts'

const groq = hostedService('groq', 'gsk-secret')
const wallMs = Date.UTC(2024, 0, 1)

function faultOf(status: number | null, error: unknown = {}, headers: Record<string, string> = {}) {
  return faultOfService(groq, { status, error, headers: new Headers(headers) }, wallMs)
}

describe('errors of a service in our words', () => {
  test.each([
    [400, {}, 'invalid_request'],
    [422, {}, 'invalid_request'],
    [400, { code: 'context_length_exceeded' }, 'context_length_exceeded'],
    [400, { code: 'content_filter' }, 'content_refused'],
    [401, {}, 'provider_unauthorized'],
    [402, {}, 'provider_unauthorized'],
    [403, {}, 'provider_unauthorized'],
    [404, {}, 'not_offered'],
    [400, { code: 'model_not_found' }, 'not_offered'],
    [408, {}, 'provider_timeout'],
    [409, {}, 'provider_unavailable'],
    [413, {}, 'request_too_large'],
    [413, { code: 'rate_limit_exceeded' }, 'provider_unavailable'],
    [429, {}, 'provider_rate_limited'],
    [429, { code: 'insufficient_quota' }, 'provider_unauthorized'],
    [500, {}, 'provider_unavailable'],
    [502, {}, 'provider_unavailable'],
    [504, {}, 'provider_timeout'],
    [null, { type: 'rate_limit_error' }, 'provider_rate_limited'],
    [null, { code: 400 }, 'invalid_request'],
    [null, { code: '429' }, 'provider_rate_limited'],
    [null, null, 'provider_unavailable'],
    [500, { code: '__proto__', type: 'constructor' }, 'provider_unavailable'],
  ])('reads %s %j as %s', (status, error, code) => {
    expect(faultOf(status, error).code).toBe(code)
  })

  test('passes on what is wrong with a request, and where', () => {
    const error = { message: 'temperature is\ntoo high', param: 'temperature', type: 'invalid_request_error' }
    expect(faultOf(400, error)).toEqual({
      code: 'invalid_request',
      message: 'temperature is too high',
      param: 'temperature',
    })
  })

  test('never repeats what a service says about a key', () => {
    const fault = faultOf(401, { message: 'Incorrect API key provided: gsk-secret' })
    expect(fault.message).not.toContain('secret')
    const open = faultOfService(localService('vllm', null), { status: 401, error: {}, headers: null }, wallMs)
    expect(open.message).toContain('wants a key')
  })

  test('decides by code and status alone, whatever the message says', () => {
    expect(faultOf(500, { message: 'rate limit exceeded, context_length_exceeded' }).code).toBe('provider_unavailable')
  })
})

describe('how long a rate limit lasts', () => {
  test.each([
    [{ 'retry-after-ms': '250', 'retry-after': '9' }, 250],
    [{ 'retry-after': '2' }, 2_000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after': 'Mon, 01 Jan 2024 00:00:30 GMT' }, 30_000],
    [{ 'retry-after': 'Sun, 31 Dec 2023 00:00:00 GMT' }, 0],
    [{ 'retry-after': '999999' }, 3_600_000],
    [{ 'x-ratelimit-reset-requests': '2m59.56s' }, 179_560],
    [{ 'x-ratelimit-reset-requests': '6h0m0s', 'x-ratelimit-reset-tokens': '120ms' }, 120],
    [
      { 'x-ratelimit-reset-requests': '2m', 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-tokens': '1s' },
      120_000,
    ],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'x-ratelimit-reset-requests': '-1s' }, undefined],
    [{}, undefined],
    // Durations, where seconds are due as well.
    [{ 'retry-after': '6m0s' }, 360_000],
    [{ 'retry-after': '1m26.4s' }, 86_400],
    [{ 'retry-after': '250ms' }, 250],
    [{ 'retry-after': '1.5s' }, 1_500],
    [{ 'retry-after': '350us' }, 1],
    [{ 'retry-after': '0s' }, 0],
    [{ 'retry-after': '2d' }, 3_600_000],
    [{ 'retry-after': 'm5s' }, undefined],
    [{ 'retry-after': ' 7 ' }, 7_000],
    [{ 'retry-after': '"7"' }, 7_000],
    [{ 'retry-after': '3, 5' }, 5_000],
    [{ 'retry-after': '3, soon' }, undefined],
    // Moments since 1970, in any unit.
    [{ 'retry-after': `${wallMs / 1_000 + 45}` }, 45_000],
    [{ 'retry-after': `${wallMs / 1_000 + 45}.25` }, 45_250],
    [{ 'retry-after': `${wallMs + 45_000}` }, 45_000],
    [{ 'retry-after': `${(wallMs + 45_000) * 1_000}` }, 45_000],
    [{ 'retry-after': `${wallMs / 1_000 - 45}` }, 0],
    [{ 'retry-after-ms': `${wallMs + 45_000}` }, 45_000],
    [{ 'x-ratelimit-reset': `${wallMs / 1_000 + 30}` }, 30_000],
    [{ 'x-ratelimit-reset': `${wallMs + 30_000}` }, 30_000],
    [{ 'x-ratelimit-reset-tokens': `${wallMs + 30_000}` }, 30_000],
    [{ 'x-ratelimit-reset': `${wallMs - 30_000}` }, 0],
    // Dates.
    [{ 'retry-after': '2024-01-01T00:00:30Z' }, 30_000],
    [{ 'retry-after': '2024-01-01T00:00:30.500Z' }, 30_500],
    [{ 'retry-after': '2024-01-01 00:00:30' }, 30_000],
    [{ 'retry-after': '2024-01-01T01:00:30+01:00' }, 30_000],
    [{ 'retry-after': '2023-12-31T23:59:30Z' }, 0],
    [{ 'retry-after': '2999-01-01T00:00:00Z' }, 3_600_000],
    [{ 'retry-after': 'Monday, 01-Jan-24 00:00:30 GMT' }, 30_000],
    [{ 'retry-after': 'Mon Jan  1 00:00:30 2024' }, 30_000],
    [{ 'retry-after': 'Mon, 99 Jan 2024 00:00:30 GMT' }, undefined],
    [{ 'anthropic-ratelimit-requests-reset': '2024-01-01T00:00:12Z' }, 12_000],
    // Plain seconds and other names of resets.
    [{ 'x-ratelimit-reset-requests': '12' }, 12_000],
    [{ 'x-ratelimit-reset-requests': '0.5' }, 500],
    [{ 'x-ratelimit-reset-tokens-minute': '8', 'x-ratelimit-reset-requests-day': '40000' }, 8_000],
    [{ 'ratelimit-reset': '17', 'ratelimit-remaining': '0' }, 17_000],
    [{ ratelimit: 'limit=100, remaining=0, reset=50' }, 50_000],
    [{ ratelimit: '"default";r=0;t=50' }, 50_000],
    [{ ratelimit: 'limit=100' }, undefined],
    // What is absurd is cut, what is no number is none.
    [{ 'retry-after-ms': '99999999999' }, 3_600_000],
    [{ 'retry-after': '1e9' }, undefined],
    [{ 'retry-after': '-5' }, undefined],
    [{ 'retry-after': 'NaN' }, undefined],
    [{ 'retry-after': 'Infinity' }, undefined],
    [{ 'retry-after': '9'.repeat(400) }, undefined],
    [{ 'retry-after': '9'.repeat(30) }, 3_600_000],
    [{ 'retry-after': `${'9'.repeat(16)}s` }, undefined],
    [{ 'retry-after': `${'9'.repeat(15)}s` }, 3_600_000],
    [{ 'retry-after': '' }, undefined],
    [{ 'retry-after-ms': 'soon', 'retry-after': '3' }, 3_000],
    [{ 'retry-after-ms': '0', 'retry-after': '3' }, 0],
  ])('reads %j as %s ms', (headers, waitMs) => {
    expect(readRetryAfterMs(new Headers(headers as Record<string, string>), wallMs)).toBe(waitMs)
  })
})

describe('a pause', () => {
  test.each([
    [undefined, 10_000],
    [0, 1_000],
    [20, 1_000],
    [1_234.5, 1_234.5],
    [999_999_999, 3_600_000],
    [Number.POSITIVE_INFINITY, 3_600_000],
    [Number.NaN, 10_000],
    [-5, 1_000],
  ])('of %s ms lasts %s', (statedMs, lastsMs) => {
    expect(pauseLengthMs(statedMs)).toBe(lastsMs)
  })

  test('is the same at the scout and on the wire, whatever the provider said', () => {
    for (const retryAfterMs of [undefined, 0, 20, 5_000, 1e12, Number.NaN]) {
      const cause = fault('provider_rate_limited', 'slow down', retryAfterMs === undefined ? {} : { retryAfterMs })
      const attempts = new ProviderAttempts('m')
      attempts.failed(cause)
      const lastsMs = new Pauses().begin('p', 'chat', 'm', retryAfterMs, 0)
      expect(attempts.settlement(false)).toMatchObject({ outcome: 'released', retryAfterMs: lastsMs })
      expect(attempts.settlement(true)).toMatchObject({ outcome: 'failed', retryAfterMs: lastsMs })
      // And the hub makes the same of it again.
      expect(pauseLengthMs(lastsMs)).toBe(lastsMs)
    }
  })
})
