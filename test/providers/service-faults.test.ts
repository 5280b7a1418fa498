import { describe, expect, test } from 'vitest'
import { hostedService, localService } from '../../scout/providers/dialects.ts'
import { readRetryAfterMs } from '../../scout/providers/transport/retry-after.ts'
import { faultOfService } from '../../scout/providers/transport/service-faults.ts'

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
  ])('reads %j as %s ms', (headers, waitMs) => {
    expect(readRetryAfterMs(new Headers(headers as Record<string, string>), wallMs)).toBe(waitMs)
  })
})
