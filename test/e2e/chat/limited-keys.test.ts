/** Keys with budgets and models over HTTP: what every dialect answers, and what an exhausted key can still see. */
import { expect, onTestFinished, test } from 'vitest'
import { type KeyLimits, noLimits, noScopes, storedLimits, storedScopes } from '../../../shared/keys/key-terms.ts'
import { IntentClient } from '../../support/clients/intent-client.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import { joinRaw } from '../../support/scout/raw-scout.ts'

const hello = [{ role: 'user', content: 'hello' }]

function liveHub(): LiveHub {
  const live = new LiveHub()
  onTestFinished(() => live.close())
  return live
}

const spent: KeyLimits = { ...noLimits, budgets: [{ unit: 'micro_dollars', per: 'day', amount: 0 }] }

/** Asks with the key that is given. */
function asker(live: LiveHub, key: string) {
  const headers = { authorization: `Bearer ${key}` }
  return {
    post: (path: string, body: object) => live.post(path, body, { headers }),
    get: (path: string) => fetch(live.url + path, { headers }),
  }
}

test('an exhausted budget is named by every dialect, and every page still opens', async () => {
  const live = liveHub()
  await live.addScout({ name: 'ant' })
  const { key } = live.hub.keyring.issue('client', 'spent', { limits: storedLimits(spent) })
  const { post, get } = asker(live, key)
  const said = 'This key has used its $0 for today; it resets at 00:00 UTC.'
  const asked: [string, object][] = [
    ['/v1/chat/completions', { model: 'auto', messages: hello }],
    ['/v1/chat/completions', { model: 'auto', messages: hello, stream: true }],
    ['/v1/chat/completions', { model: 'chasm/ensemble', messages: hello }],
    ['/v1/completions', { model: 'auto', prompt: 'hello' }],
    ['/v1/messages', { model: 'auto', max_tokens: 9, messages: hello }],
    ['/v1/responses', { model: 'auto', input: 'hello' }],
    ['/v1/intents', { input: 'hello' }],
  ]
  for (const [path, body] of asked) {
    const refused = await post(path, body)
    expect([path, refused.status, ((await refused.json()) as { error: { message: string } }).error.message]).toEqual([
      ...[path, 402, said],
    ])
  }
  for (const path of ['/v1/models', '/v1/intents', '/v1/me', '/v1/me/keys', '/v1/me/usage', '/v1/me/limits']) {
    expect([path, (await get(path)).status]).toEqual([path, 200])
  }
})

test('a key for some models reaches no others, by `auto`, virtual models or the nodes that a map grows', async () => {
  const live = liveHub()
  await live.addScout({ name: 'ant' })
  const offers = ['secret-70b', 'secret-8b'].map((model) => ['chat', model, 'raw', 0, 0, null, null, ''] as const)
  const secret = await joinRaw(live, { credits: 8, offers: offers as never })
  const scopes = storedScopes({ ...noScopes, models: ['demo-*'] })
  const { key } = live.hub.keyring.issue('client', 'narrow', { scopes })
  const { post } = asker(live, key)
  const served = async (model: string) => {
    const answer = await post('/v1/chat/completions', { model, messages: hello })
    expect([model, answer.status]).toEqual([model, 200])
    expect(await answer.text()).not.toContain('secret')
  }
  for (const model of ['auto', 'chasm/auto', 'chasm/ensemble']) await served(model)
  const client = new IntentClient(live.url, key)
  const map = { over: 'params.words', max: 3, join: ' ' }
  const scroll = { params: { words: ['x', 'y'] }, nodes: [{ id: 'a', prompt: 'Say {{item}}', map }] }
  expect(await client.done(await client.accepted({ scroll }))).toMatchObject({ state: 'done' })
  const named = await post('/v1/chat/completions', { model: 'secret-8b', messages: hello })
  expect(named.status).toBe(404)
  expect(await named.text()).not.toContain('secret-70b')
  expect(secret.frames.filter(({ type }) => type === 'task')).toEqual([])
})
