/** Scopes and rates of keys at the client edge, and the usage it shows. */
import { afterAll, expect, test } from 'vitest'
import {
  type KeyLimits,
  type KeyScopes,
  noLimits,
  noScopes,
  storedLimits,
  storedScopes,
} from '../../../shared/keys/key-terms.ts'
import { startEdge } from '../../support/hub/client-edge.ts'
import { usageTally } from '../../support/store/store-rows.ts'

const edge = startEdge()
afterAll(() => edge.hub.stop())

function keyWith({ scopes = {}, limits = {} }: { scopes?: Partial<KeyScopes>; limits?: Partial<KeyLimits> }) {
  const stored = { scopes: storedScopes({ ...noScopes, ...scopes }), limits: storedLimits({ ...noLimits, ...limits }) }
  return edge.keyring.issue('client', 'a key', stored)
}

const hello = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }
const errorOf = async (response: Response) =>
  ((await response.json()) as { error: { code: string; message: string } }).error

test('a key for some routes is refused at the others', async () => {
  const { key } = keyWith({ scopes: { routes: ['chat'] } })
  for (const path of ['/v1/embeddings', '/v1/intents', '/v1/responses']) {
    const refused = await edge.post(path, {}, {}, key)
    expect(refused.status).toBe(403)
    expect((await errorOf(refused)).message).toMatch(/^This key may not be used for \w+: use it for chat, or/)
  }
  expect((await edge.ask('/v1/intents', {}, key)).status).toBe(403)
  expect((await edge.ask('/v1/models', {}, key)).status).toBe(200)
  expect((await edge.ask('/v1/me/usage', {}, key)).status).toBe(200)
})

test('a rate stops the request after the last one it has room for, and says for how long', async () => {
  const { key } = keyWith({ limits: { requestsPerMinute: 2 } })
  edge.engine.script = (answer) => void answer.serve().done()
  const first = await edge.post('/v1/chat/completions', hello, {}, key)
  expect(first.status).toBe(200)
  expect(first.headers.get('x-ratelimit-limit-requests')).toBe('2')
  expect(first.headers.get('x-ratelimit-remaining-requests')).toBe('1')
  await edge.post('/v1/chat/completions', hello, {}, key)
  const stopped = await edge.post('/v1/chat/completions', hello, {}, key)
  expect(stopped.status).toBe(429)
  expect(await errorOf(stopped)).toMatchObject({ code: 'rate_limited', message: expect.stringContaining('This key') })
  expect(Number(stopped.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(stopped.headers.get('x-ratelimit-remaining-requests')).toBe('0')
  // What asks for no work goes on.
  expect((await edge.ask('/v1/me/limits', {}, key)).status).toBe(200)
  expect((await edge.ask('/v1/models', {}, key)).headers.has('x-ratelimit-limit-requests')).toBe(false)
})

test('a key for some models sees no others', async () => {
  const { key } = keyWith({ scopes: { models: ['open-*'] } })
  const listed = { kinds: ['chat' as const], scouts: 1, idle: 1, providers: [], contextTokens: 0, abilities: 0 }
  const rest = { about: '', promptPrice: null, answerPrice: null, speed: null, created: 1 }
  edge.engine.modelListings = ['open-1', 'secret-1'].map((id) => ({ id, ...listed, ...rest }))
  for (const headers of [{}, { 'anthropic-version': '2023-06-01' }]) {
    const list = await (await edge.ask('/v1/models', { headers }, key)).text()
    expect(list).toContain('open-1')
    expect(list).not.toContain('secret')
    const hidden = await edge.ask('/v1/models/secret-1', { headers }, key)
    expect([hidden.status, (await hidden.text()).includes('secret')]).toEqual([404, false])
  }
  const node = { scroll: { nodes: [{ id: 'a', prompt: 'x', model: 'secret-1' }] } }
  for (const path of ['/v1/intents', '/v1/intents/plan']) {
    expect((await edge.post(path, node, {}, key)).status).toBe(404)
  }
})

test('usage is shown by key, model and day, to its tenant and to administrators', async () => {
  const { key, row } = keyWith({})
  const hour = Math.floor(Date.now() / 3_600_000)
  const own = { tenant: row.tenant, key: row.id, hour }
  const tallies = [
    usageTally({ ...own, model: '=1+1,"a"' }),
    usageTally({ ...own, model: 'm', failed: 2, microDollars: 7 }),
    usageTally({ hour }),
  ]
  edge.engine.store.commit(tallies.map((tally) => ({ write: 'tally', tally })))
  const shown = async (path: string, who = key) => (await edge.ask(path, {}, who)).json() as Promise<UsageList>
  const { data, next } = await shown('/v1/me/usage')
  expect(data.map(({ model }) => model)).toEqual(['m', '=1+1,"a"'])
  expect(data[0]).toMatchObject({ key: row.id, requests: 1, failed: 2, prompt_tokens: 10, micro_dollars: 7 })
  expect(next).toBeNull()
  expect((await shown('/v1/me/usage?model=m')).data).toHaveLength(1)
  expect((await shown('/v1/me/usage?by=hour')).data).toHaveLength(2)
  const first = await shown('/v1/me/usage?limit=1')
  expect((await shown(`/v1/me/usage?limit=1&after=${first.next}`)).data.map(({ model }) => model)).toEqual(['=1+1,"a"'])
  expect((await shown('/v1/admin/usage', edge.keys.admin)).data).toHaveLength(3)
  expect((await shown(`/v1/admin/usage?account=${row.tenant}`, edge.keys.admin)).data).toHaveLength(2)
  expect((await edge.ask('/v1/admin/usage', {}, key)).status).toBe(403)
  const csv = await edge.ask('/v1/me/usage?format=csv', {}, key)
  expect(csv.headers.get('content-type')).toMatch(/^text\/csv/)
  // A spreadsheet takes no name for a formula.
  expect((await csv.text()).split('\r\n')[2]).toContain(`,"'=1+1,""a""",1,`)
})

interface UsageList {
  data: Record<string, unknown>[]
  next: string | null
}

test.each([
  ['by=year', 'by'],
  ['from=yesterday', 'from'],
  ['to=2026-13-40', 'to'],
  ['limit=0', 'limit'],
  ['limit=1e9', 'limit'],
  ['after=x', 'after'],
  ['format=xml', 'format'],
  ['colour=red', 'colour'],
])('usage?%s is refused by its name', async (query, param) => {
  const refused = await edge.ask(`/v1/me/usage?${query}`)
  expect(refused.status).toBe(400)
  expect(await errorOf(refused)).toMatchObject({ code: 'invalid_request', param })
})

test('a list of keys tells what is left of each, and when it was last used', async () => {
  const limits = storedLimits({ ...noLimits, budgets: [{ unit: 'tokens', per: 'day', amount: 500 }] })
  const { row } = edge.keyring.issue('client', 'watched', { limits })
  const day = Math.floor(Date.now() / 86_400_000) - 1
  const counts = { tasks: 1, failed: 0, promptTokens: 5, completionTokens: 7, microDollars: 0, estimated: 0 }
  const tally = { hour: day * 24, tenant: row.tenant, key: row.id, model: 'm', ...counts }
  edge.engine.store.commit([{ write: 'tally', tally }])
  const { data } = (await (await edge.ask('/v1/admin/keys', {}, edge.keys.admin)).json()) as {
    data: { name: string }[]
  }
  expect(data[0]).toMatchObject({
    ...{ name: 'watched', last_used: new Date(day * 86_400_000).toISOString().slice(0, 10) },
    left: [{ per: 'day', unit: 'tokens', limit: 500, used: 0, reserved: 0 }],
  })
  expect(data.find(({ name }) => name === 'a scout')).toMatchObject({ left: [], last_used: null })
})

test('what is left of its limits is shown to an exhausted key as well', async () => {
  const { key } = keyWith({ limits: { budgets: [{ unit: 'tokens', per: 'day', amount: 0 }], tokensPerMinute: 5 } })
  const shown = await (await edge.ask('/v1/me/limits', {}, key)).json()
  const left = { of: 'key', unit: 'tokens', limit: 0, used: 0, reserved: 0, per: 'day' }
  expect(shown).toMatchObject({
    object: 'limits',
    budgets: [left],
    rates: [{ unit: 'tokens', limit: 5, remaining: 5 }],
  })
})
