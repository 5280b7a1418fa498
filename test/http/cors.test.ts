/** Pages of other origins: what their browsers are told before and with every answer. */
import { afterEach, describe, expect, test } from 'vitest'
import { fault } from '../../shared/faults.ts'
import { startEdge, type TestEdge } from '../support/hub/client-edge.ts'

const page = 'https://app.example.com'
const chat = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }
const sdkHeaders =
  'authorization,content-type,idempotency-key,x-api-key,anthropic-version,anthropic-dangerous-direct-browser-access,' +
  'openai-organization,x-stainless-retry-count,x-stainless-os'

let edge: TestEdge
afterEach(() => edge.hub.stop())

function open(corsOrigins: string[]): void {
  edge = startEdge({ corsOrigins })
  edge.engine.script = (answer) => answer.serve().done()
}

function preflight(path: string, origin = page, method = 'POST'): Promise<Response> {
  const headers = {
    origin,
    'access-control-request-method': method,
    'access-control-request-headers': sdkHeaders,
  }
  return edge.ask(path, { method: 'OPTIONS', headers }, null)
}

/** What the browser of a page looks at. */
function toldBy({ headers }: Response) {
  return {
    origin: headers.get('access-control-allow-origin'),
    exposed: headers.get('access-control-expose-headers')?.split(', ') ?? [],
    vary: headers.get('vary'),
    credentials: headers.get('access-control-allow-credentials'),
  }
}

describe('a named origin', () => {
  test('may send what the SDKs send, and need not ask again for two hours', async () => {
    open(['https://other.example', page])
    const response = await preflight('/v1/chat/completions')
    expect(response.status).toBe(204)
    expect(toldBy(response)).toMatchObject({ origin: page, credentials: null })
    expect(response.headers.get('access-control-allow-headers')).toBe(sdkHeaders)
    expect(response.headers.get('access-control-allow-methods')!.split(', ')).toEqual(
      expect.arrayContaining(['GET', 'POST', 'DELETE']),
    )
    expect(response.headers.get('access-control-max-age')).toBe('7200')
    expect(response.headers.get('vary')).toBe('Access-Control-Request-Headers, Origin')
    expect(response.headers.get('x-request-id')).toMatch(/^req_/)
  })

  test('reads answers, streams, refusals, errors and what is open', async () => {
    open([page])
    const headers = { origin: page }
    const told = { origin: page, vary: 'Origin', credentials: null }
    const reading = async (response: Response, status: number) => {
      expect(response.status).toBe(status)
      expect(toldBy(response)).toMatchObject(told)
      expect(toldBy(response).exposed).toEqual(expect.arrayContaining(['x-request-id', 'retry-after', 'x-chasm']))
      await response.text()
    }
    await reading(await edge.post('/v1/chat/completions', chat, { headers }), 200)
    await reading(await edge.post('/v1/chat/completions', { ...chat, stream: true }, { headers }), 200)
    await reading(await edge.post('/v1/chat/completions', { model: 'm' }, { headers }), 400)
    await reading(await edge.post('/v1/chat/completions', chat, { headers }, null), 401)
    await reading(await edge.post('/v1/chat/completions', 'x'.repeat(34_000_000), { headers }), 413)
    await reading(await edge.ask('/v1/scouts', { headers }), 403)
    await reading(await edge.ask('/v1/nothing', { headers }), 404)
    await reading(await edge.ask('/v1/models', { headers, method: 'PUT' }), 405)
    await reading(await edge.ask('/readyz', { headers }, null), 200)
    edge.engine.script = (answer) => answer.fail(fault('queue_full', 'Too many.', { retryAfterMs: 2_000 }))
    await reading(await edge.post('/v1/chat/completions', chat, { headers }), 429)
    edge.engine.script = () => {
      throw new Error('a defect')
    }
    await reading(await edge.post('/v1/chat/completions', chat, { headers }), 500)
  })

  test('is asked for with a path or a method that is not there, so that its page reads the refusal', async () => {
    open([page])
    expect((await preflight('/v1/nothing')).status).toBe(204)
    expect((await preflight('/v1/models', page, 'PUT')).status).toBe(204)
  })

  test('is not the origin of another page', async () => {
    open([page])
    const refused = await preflight('/v1/chat/completions', 'https://evil.example')
    expect(refused.status).toBe(403)
    expect(toldBy(refused)).toMatchObject({ origin: null, vary: 'Origin' })
    const { error } = (await refused.json()) as { error: { code: string; message: string } }
    expect(error).toMatchObject({ code: 'permission_denied' })
    expect(error.message).toContain('https://evil.example')
    expect(error.message).toContain('CORS_ORIGINS')
    for (const origin of ['https://evil.example', 'null', `${page}.evil.example`, 'http://app.example.com']) {
      const response = await edge.post('/v1/chat/completions', chat, { headers: { origin } })
      expect([origin, toldBy(response)]).toEqual([
        origin,
        { origin: null, exposed: [], vary: 'Origin', credentials: null },
      ])
      await response.text()
    }
  })
})

describe('every origin', () => {
  test('may use the routes that need a key', async () => {
    open(['*'])
    const response = await preflight('/v1/embeddings', 'https://anything.example')
    expect([response.status, toldBy(response).origin]).toEqual([204, '*'])
    const answered = await edge.post('/v1/chat/completions', chat, { headers: { origin: 'null' } })
    expect(toldBy(answered)).toMatchObject({ origin: '*', credentials: null })
    await answered.text()
    expect(toldBy(await edge.ask('/v1/models', { headers: { origin: page } }, null)).origin).toBe('*')
  })

  test('may not read what is open to all who reach the hub', async () => {
    open(['*'])
    for (const path of ['/', '/healthz', '/readyz', '/metrics', '/openapi.json', '/v1/scout']) {
      const response = await edge.ask(path, { headers: { origin: page } }, null)
      expect([path, toldBy(response).origin]).toEqual([path, null])
      await response.text()
      expect(toldBy(await preflight(path, page, 'GET')).origin).toBeNull()
    }
  })
})

describe('without CORS_ORIGINS', () => {
  test('no answer speaks of origins, and a preflight request is told why not', async () => {
    open([])
    const response = await edge.post('/v1/chat/completions', chat, { headers: { origin: page } })
    expect(toldBy(response)).toEqual({ origin: null, exposed: [], vary: null, credentials: null })
    await response.text()
    const refused = await preflight('/v1/chat/completions')
    expect(refused.status).toBe(403)
    expect(await refused.text()).toContain('CORS_ORIGINS')
    expect((await edge.ask('/v1/chat/completions', { method: 'OPTIONS' })).status).toBe(405)
  })
})

test('a preflight request is counted under its route', async () => {
  open([page])
  await preflight('/v1/chat/completions')
  const metrics = await (await edge.ask('/metrics', {}, null)).text()
  expect(metrics).toContain('chasm_http_requests_total{method="OPTIONS",route="/v1/chat/completions",status="204"} 1')
})

test('names of headers that are none are not repeated', async () => {
  open([page])
  const headers = { origin: page, 'access-control-request-method': 'POST', 'access-control-request-headers': 'a, <b>' }
  const response = await edge.ask('/v1/chat/completions', { method: 'OPTIONS', headers }, null)
  expect([response.status, response.headers.get('access-control-allow-headers')]).toEqual([204, null])
})
