/** What one tenant has does not exist for another: every route with an id answers as it does for one that is none. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { routes } from '../../../orchestrator/http/routes.ts'
import { IntentClient } from '../../support/clients/intent-client.ts'
import { until } from '../../support/clocks/until.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'

let live: LiveHub
let other: string
/** By the begin of a route's path: something of the first tenant that exists, and something that never did. */
let ids: Record<string, [theirs: string, none: string]>

beforeAll(async () => {
  live = new LiveHub()
  await live.addScout({ name: 'ant' })
  other = live.hub.keyring.issue('client', 'other').key
  const intent = await new IntentClient(live.url, live.clientKey).accepted({ input: 'a secret' })
  const kept = await live.post('/v1/responses', { model: 'auto', input: 'a secret' })
  const { id: response } = (await kept.json()) as { id: string }
  const asked = JSON.stringify({ model: 'demo-small', messages: [{ role: 'user', content: 'x' }] })
  const chat = await live.post('/v1/chat/completions', JSON.parse(asked))
  const answered = (await chat.json()) as { id: string; choices: { message: unknown }[] }
  const { id: answer } = answered
  const task = Number.parseInt(answer.slice('chatcmpl-'.length), 36)
  const { ledger } = live.hub.engine
  await until('the receipt to be sealed', () => typeof ledger!.receipt(task, null) === 'object')
  const shown = { task: answer, reason: 'wrong', request: asked, answer: { choices: answered.choices } }
  const filed = await live.post('/v1/disputes', shown)
  const { id: dispute } = (await filed.json()) as { id: string }
  const [scout] = live.hub.engine.scouts()
  const mine = live.hub.keyring.verify(live.clientKey)
  if (!mine.ok) throw new Error(mine.flaw)
  ids = {
    '/v1/intents/': [intent, `${intent.slice(0, -4)}0000`],
    '/v1/responses/': [response, `${response.slice(0, -4)}0000`],
    '/v1/receipts/': [answer, 'chatcmpl-zzzzzzzzz'],
    '/v1/disputes/': [dispute, `${dispute.slice(0, -4)}0000`],
    '/v1/me/disputes/': [dispute, `${dispute.slice(0, -4)}0000`],
    '/v1/me/keys/': [mine.id, 'key_000000000000'],
    '/v1/me/scouts/': [scout!.id, 'key_000000000000/ant'],
    '/v1/signing-keys/': [scout!.name, 'nobody'],
    '/v1/trust/': [scout!.id, 'key_000000000000/ant'],
  }
})
afterAll(() => live.close())

const own = routes.filter(({ path, access }) => path.includes('{id}') && (access === 'client' || access === 'any'))
// Models and seasons are everybody's.
const withIds = own.filter(({ path }) => !/^\/v1\/(models|seasons)/.test(path))

test.each(withIds.map(({ method, path }) => [method, path] as const))('%s %s', async (method, path) => {
  const begin = Object.keys(ids).find((one) => path.startsWith(one))
  // A new route with an id has to be added to the list above.
  expect(begin, path).toBeDefined()
  const answers = ids[begin!]!.map(async (id) => {
    const filled = path.replace('{id}', encodeURIComponent(id)).replace('{node}', 'answer')
    const response = await fetch(live.url + filled, {
      method,
      headers: { authorization: `Bearer ${other}`, 'content-type': 'application/json' },
      ...(method !== 'GET' && method !== 'DELETE' && { body: '{}' }),
    })
    return { status: response.status, body: await response.text() }
  })
  const [theirs, none] = await Promise.all(answers)
  expect(theirs).toEqual(none)
  expect(theirs!.status).toBe(404)
})

test('the list of routes is the one that there is', () => {
  expect(withIds.length).toBeGreaterThan(10)
})
