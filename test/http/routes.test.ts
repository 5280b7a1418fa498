import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ModelListing } from '../../orchestrator/engine/ports/client.ts'
import { routes } from '../../orchestrator/http/routes.ts'
import { virtualNames } from '../../orchestrator/http/schema/virtual-models.ts'
import { modelsPageMax } from '../../shared/limits/http.ts'
import { offerOf } from '../../shared/task.ts'
import { startEdge, type TestEdge } from '../support/hub/client-edge.ts'

let edge: TestEdge
beforeEach(() => {
  edge = startEdge()
})
afterEach(() => edge.hub.stop())

const gemma: ModelListing = {
  id: 'google/gemma-2',
  kinds: ['chat'],
  scouts: 2,
  idle: 1,
  providers: ['groq', 'demo'],
  contextTokens: 8192,
  abilities: 0,
  about: '',
  promptPrice: null,
  answerPrice: null,
  speed: null,
  created: 1_700_000_000,
}
const shownGemma = {
  id: 'google/gemma-2',
  object: 'model',
  created: 1_700_000_000,
  owned_by: 'groq, demo',
  chasm: { kinds: ['chat'], scouts: 2, idle: 1, providers: ['groq', 'demo'], context_tokens: 8192, abilities: [] },
}

test('models are listed and found by name, slashes included, written plainly or escaped', async () => {
  edge.engine.modelListings = [gemma]
  expect(await (await edge.ask('/v1/models')).json()).toMatchObject({
    object: 'list',
    data: [shownGemma, ...virtualNames.map((id) => ({ id, owned_by: 'chasm', chasm: { virtual: true } }))],
  })
  expect(await (await edge.ask('/v1/models/chasm/auto')).json()).toMatchObject({ chasm: { template: 'auto' } })
  for (const name of ['google/gemma-2', 'google%2Fgemma-2', 'google%2fgemma-2?x=1']) {
    expect(await (await edge.ask(`/v1/models/${name}`)).json()).toMatchObject(shownGemma)
  }
})

test('a list of very many models comes in pages', async () => {
  const names = Array.from({ length: modelsPageMax + 5 }, (_, index) => `m${String(index).padStart(5, '0')}`)
  edge.engine.modelListings = names.map((id) => ({ ...gemma, id }))
  type Page = { data: { id: string }[]; has_more: boolean; last_id: string }
  const page = async (query: string) => (await (await edge.ask(`/v1/models${query}`)).json()) as Page
  const first = await page('')
  expect(first.data.map(({ id }) => id)).toEqual([...names.slice(0, modelsPageMax), ...virtualNames])
  expect([first.has_more, first.last_id]).toEqual([true, names[modelsPageMax - 1]])
  const second = await page(`?after=${first.last_id}`)
  expect(second.data.map(({ id }) => id)).toEqual(names.slice(modelsPageMax))
  expect(second.has_more).toBe(false)
  const two = await page('?limit=2&after=m00007x')
  expect(two.data.map(({ id }) => id)).toEqual(['m00008', 'm00009'])
  expect((await page('?after=zzz')).data).toEqual([])
  // Clients that count what they were given skip so many.
  const counted: string[] = []
  for (let more = true; more; ) {
    const { data } = await page(`?limit=500&offset=${counted.length}`)
    counted.push(...data.map(({ id }) => id))
    more = data.length >= 500
  }
  expect(counted.toSorted()).toEqual([...names, ...virtualNames].toSorted())
  for (const limit of ['0', 'x', '1.5', `${modelsPageMax + 1}`]) {
    expect((await edge.ask(`/v1/models?limit=${limit}`)).status).toBe(400)
  }
  for (const offset of ['-1', 'x', '1.5']) expect((await edge.ask(`/v1/models?offset=${offset}`)).status).toBe(400)
  edge.engine.modelListings = [gemma]
  expect((await page('')).data[0]!.id).toBe(gemma.id)
})

test('an unknown model is 404 and the sentence names what is offered', async () => {
  const none = await edge.ask('/v1/models/x')
  expect(none.status).toBe(404)
  expect(await none.text()).toContain('no scout offers any model at the moment')
  edge.engine.modelListings = [gemma]
  for (const name of ['x', '%ff', 'google', '__proto__']) {
    const response = await edge.ask(`/v1/models/${name}`)
    expect(response.status).toBe(404)
    const { error } = (await response.json()) as { error: { message: string; param: string; code: string } }
    expect(error).toMatchObject({ param: 'model', code: 'model_not_found' })
    expect(error.message).toContain('use one of: google/gemma-2')
  }
})

test('an admin sees the scouts', async () => {
  const offers = [
    {
      ...offerOf({ kind: 'chat', model: 'm', provider: 'demo', contextTokens: 5, abilities: 3, answerPrice: 80_000 }),
      requestBytesMax: 33_554_432,
    },
  ]
  edge.engine.scoutListings = [
    {
      ...{ id: 's1', name: 'ant', operator: 'key_1', agent: 'chasm-scout/1', address: '127.0.0.1', phase: 'ready' },
      ...{ connectedAt: '2026-01-01T00:00:00.000Z', concurrency: 4, credits: 3, inFlight: 1, done: 9, failed: 1 },
      ...{ failureRate: 0.1, offers },
    },
  ]
  const listed = (await (await edge.ask('/v1/scouts', {}, edge.keys.admin)).json()) as { data: unknown[] }
  const prices = { prompt: null, answer: 0.08 }
  const offer = { model: 'm', context_tokens: 5, abilities: ['tools', 'json'], dollars_per_million_tokens: prices }
  const shown = { ...offer, request_bytes_max: 33_554_432 }
  expect(listed.data).toMatchObject([{ id: 's1', name: 'ant', in_flight: 1, failure_rate: 0.1, offers: [shown] }])
})

test('an admin sees one scout with what explains its standing, by an id with a slash', async () => {
  const times = { firstContentMs: 1.5, tokensMs: 2, loadMs: 0 }
  const cost = { ...times, priceMs: 7, failureMs: 0.1, operatorMs: 0, scrollMs: 0, trustMs: 0, totalMs: 10.6 }
  const lost = { lostLatency: 3, lostPrice: 2, lostCapacity: 4, lostTrust: 1 }
  const lastHour = { considered: 20, won: 9, ...lost, done: 7, failed: 1 }
  const fast = offerOf({ kind: 'chat', model: 'm', provider: 'groq', contextTokens: 5 })
  const resting = { ...fast, model: 'n' }
  const speed = { firstContentMs: 12.6, tokensPerSecond: 99.96, samples: 7 }
  edge.engine.scoutDetails = [
    {
      ...{ id: 'key_1/ant', name: 'ant', operator: 'key_1', agent: 'a', address: '::1', phase: 'ready' },
      ...{ connectedAt: '2026-01-01T00:00:00.000Z', concurrency: 4, credits: 3, inFlight: 1, done: 9, failed: 1 },
      ...{ failureRate: 0.1, offers: [fast, resting], sessions: 2, window: 3.5, lastHour, verdict: [] },
      standings: [
        { ...fast, speed, resumesInMs: null, cost },
        { ...resting, speed: null, resumesInMs: 1200.2, cost: null },
      ],
    },
  ]
  for (const id of ['key_1/ant', 'key_1%2Fant']) {
    const shown = await (await edge.ask(`/v1/scouts/${id}`, {}, edge.keys.admin)).json()
    const shownCost = { first_content: 2, tokens: 2, load: 0, price: 7, failure: 0, operator: 0, total: 11 }
    const known = { kind: 'chat', provider: 'groq' }
    expect(shown).toMatchObject({ id: 'key_1/ant', object: 'scout', in_flight: 1, sessions: 2, window: 3.5 })
    const shownLost = { latency: 3, price: 2, capacity: 4, trust: 1 }
    expect(shown).toMatchObject({ last_hour: { considered: 20, won: 9, lost: shownLost, done: 7, failed: 1 } })
    expect((shown as { models: unknown }).models).toEqual([
      {
        ...{ ...known, model: 'm', first_content_ms: 13, tokens_per_second: 100, samples: 7 },
        ...{ resumes_in_ms: null, cost_ms: shownCost },
      },
      {
        ...{ ...known, model: 'n', first_content_ms: null, tokens_per_second: null, samples: 0 },
        ...{ resumes_in_ms: 1201, cost_ms: null },
      },
    ])
  }
  const unknown = await edge.ask('/v1/scouts/key_1/bee', {}, edge.keys.admin)
  expect(unknown.status).toBe(404)
  expect(await unknown.json()).toMatchObject({ error: { code: 'not_found', param: 'id' } })
  expect((await edge.ask('/v1/scouts/key_1/ant')).status).toBe(403)
})

test('health is always good, readiness follows the engine', async () => {
  expect((await edge.ask('/readyz', {}, null)).status).toBe(200)
  edge.engine.isReady = false
  expect((await edge.ask('/healthz', {}, null)).status).toBe(200)
  const unready = await edge.ask('/readyz', {}, null)
  expect([unready.status, unready.headers.get('retry-after')]).toEqual([503, '1'])
  expect(await unready.text()).toContain('starting or about to stop')
})

test('HEAD is GET without the body', async () => {
  const response = await edge.ask('/healthz', { method: 'HEAD' })
  expect([response.status, await response.text()]).toEqual([200, ''])
  expect(response.headers.get('x-chasm')).toBe('1')
})

test('the root tells a person where they are', async () => {
  const response = await edge.ask('/', {}, null)
  expect(response.headers.get('content-type')).toContain('text/plain')
  expect(await response.text()).toContain('/openapi.json')
})

test('a good x-request-id is kept, any other is replaced', async () => {
  const echoed = async (id: string) =>
    (await edge.ask('/healthz', { headers: { 'x-request-id': id } })).headers.get('x-request-id')
  expect(await echoed('abc_DEF-123')).toBe('abc_DEF-123')
  for (const bad of ['', 'a b', 'x'.repeat(65), '<script>']) expect(await echoed(bad)).toMatch(/^req_[0-9a-f-]{36}$/)
})

test('a scout is handed to the gateway on the spot, and its refusal carries the request id', async () => {
  const socket = new WebSocket(`${edge.hub.url.replace('http', 'ws')}/v1/scout`)
  const echoed = new Promise((resolve) => socket.addEventListener('message', ({ data }) => resolve(data)))
  socket.addEventListener('open', () => socket.send('hello'))
  expect(await echoed).toBe('hello')
  socket.close()
  const plain = await edge.ask('/v1/scout')
  expect([plain.status, plain.headers.get('x-chasm')]).toEqual([426, '1'])
  expect(plain.headers.get('x-request-id')).toMatch(/^req_/)
})

test('metrics are valid, count what happened, and hold nothing secret', async () => {
  edge.engine.script = (answer) => answer.serve().line('{"choices":[]}').done()
  const chat = { model: 'm', messages: [{ role: 'user', content: 'private' }] }
  await (await edge.post('/v1/chat/completions', { ...chat, stream: true })).text()
  await (await edge.post('/v1/chat/completions', chat)).text()
  await edge.ask(`/v1/stranger?key=${edge.keys.client}`, { method: 'PATCH' })
  const response = await edge.ask('/metrics', {}, null)
  expect(response.headers.get('content-type')).toContain('version=0.0.4')
  const text = await response.text()
  for (const line of text.split('\n').filter(Boolean)) {
    expect(line).toMatch(/^(# (HELP|TYPE) chasm_\w+ .+|chasm_\w+(\{[^{}]*\})? (-?[\d.e+-]+|Nan|[+-]Inf))$/)
  }
  expect(text).toContain('chasm_http_requests_total{method="POST",route="/v1/chat/completions",status="200"} 2')
  expect(text).toContain('chasm_http_requests_total{method="PATCH",route="none",status="404"} 1')
  expect(text).toContain('chasm_http_time_to_first_byte_seconds_count{route="/v1/chat/completions"} 2')
  expect(text).toContain('chasm_http_request_duration_seconds_count{route="/v1/chat/completions"} 2')
  for (const row of ['scouts 3', 'tasks_queued 2', 'tasks_leased 1', 'tasks_finished_total{outcome="done"} 5']) {
    expect(text).toContain(`chasm_${row}\n`)
  }
  for (const row of ['usage_unbooked_total 11', 'usage_dropped_total 12', 'answers_in_check 13', 'watched_bytes 24']) {
    expect(text).toContain(`chasm_${row}\n`)
  }
  expect(text).not.toMatch(/chasm_(client|admin|scout)_|private|stranger/)
  expect(await (await edge.ask('/metrics', {}, null)).text()).toContain('chasm_tasks_finished_total{outcome="done"} 5')
})

interface Document {
  openapi: string
  paths: Record<string, Record<string, { security: Record<string, unknown>[]; responses: object }>>
  components: { schemas: Record<string, { properties?: object }>; securitySchemes: Record<string, object> }
}

/** What lets somebody in: a key of the right role, or the cookie of the page. */
const schemes = {
  open: [],
  scout: ['scoutKey'],
  client: ['clientKey', 'session'],
  admin: ['adminKey', 'session'],
  any: ['clientKey', 'scoutKey', 'adminKey', 'session'],
}

test('the OpenAPI document describes exactly the routes there are, and all it refers to exists', async () => {
  const response = await edge.ask('/openapi.json', {}, null)
  const text = await response.text()
  const { openapi, paths, components } = JSON.parse(text) as Document
  expect(openapi).toBe('3.1.0')
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  expect(described.toSorted()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).toSorted())
  for (const { method, path, access } of routes) {
    const { security, responses } = paths[path]![method.toLowerCase()]!
    const wanted = path === '/v1/scout' ? 'scout' : access
    expect(security.flatMap(Object.keys)).toEqual(schemes[wanted])
    for (const name of security.flatMap(Object.keys)) expect(components.securitySchemes).toHaveProperty(name)
    expect(Object.keys(responses)).toContain('default')
  }
  for (const [, name] of text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)) {
    expect(components.schemas).toHaveProperty(name!)
  }
  expect(components.schemas.ChatRequest).toMatchObject({
    required: ['messages'],
    anyOf: [{ required: ['model'] }, { required: ['models'] }],
    properties: { messages: { type: 'array', minItems: 1, items: { required: ['role'] } } },
  })
  expect(text).not.toContain('$schema')
})
