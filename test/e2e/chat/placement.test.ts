import { expect, onTestFinished, test } from 'vitest'
import { heldSystem } from '../../support/clocks/held-system.ts'
import { until } from '../../support/clocks/until.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import { CountingProvider } from '../../support/providers/counting-provider.ts'
import type { Json } from '../../support/providers/provider-calls.ts'
import { ScriptedProvider } from '../../support/providers/scripted-provider.ts'
import { dialRaw, joinRaw, knock } from '../../support/scout/raw-scout.ts'

function liveHub(options: ConstructorParameters<typeof LiveHub>[0] = {}): LiveHub {
  const live = new LiveHub(options)
  onTestFinished(() => live.close())
  return live
}

async function chat(live: LiveHub, model: string, content = 'hello'): Promise<Json> {
  const response = await live.post('/v1/chat/completions', { model, messages: [{ role: 'user', content }] })
  return { status: response.status, ...((await response.json()) as Json) }
}

async function asAdmin(live: LiveHub, path: string, method = 'GET'): Promise<Json> {
  const response = await fetch(live.url + path, { method, headers: { authorization: `Bearer ${live.adminKey}` } })
  expect(response.status).toBe(200)
  return (await response.json()) as Json
}

const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))

test('two scouts with different models each get only what they offer', async () => {
  const live = liveHub()
  const small = new CountingProvider({ models: ['small', 'both'] })
  const large = new CountingProvider({ models: ['large', 'both'] })
  await live.addScout({ name: 'small', providers: [small] })
  await live.addScout({ name: 'large', providers: [large] })
  const models = ['small', 'large', 'both']
  const answers = await Promise.all(times(60, (i) => chat(live, models[i % 3]!, `question ${i}`)))
  for (const [i, answer] of answers.entries()) {
    const asked = models[i % 3]!
    expect(answer).toMatchObject({ status: 200, model: asked })
    expect(answer.choices[0].message.content).toContain(`question ${i}`)
    if (asked !== 'both') expect(answer.chasm.scout).toMatch(new RegExp(`/${asked}$`))
  }
  const count = (provider: CountingProvider, model: string) => provider.asked.filter((name) => name === model).length
  expect([count(small, 'small'), count(small, 'large')]).toEqual([20, 0])
  expect([count(large, 'large'), count(large, 'small')]).toEqual([20, 0])
  expect(small.asked.length + large.asked.length).toBe(60)
  const auto = await chat(live, 'auto')
  expect(auto.model).toBe(auto.chasm.scout.endsWith('/small') ? 'small' : 'large')
  const unknown = await chat(live, 'none')
  expect(unknown).toMatchObject({ status: 404, error: { code: 'model_not_found', param: 'model' } })
  for (const name of ['small', 'large', 'both']) expect(unknown.error.message).toContain(name)
})

test('a scout never has more at once than it offered, and the rest waits its turn', async () => {
  const live = liveHub()
  const [one, two] = times(2, () => new CountingProvider({ models: ['m'], firstTokenMs: 5 })) as [
    CountingProvider,
    CountingProvider,
  ]
  await live.addScout({ name: 'one', concurrency: 3, providers: [one] })
  await live.addScout({ name: 'two', concurrency: 2, providers: [two] })
  const answers = await Promise.all(times(120, (i) => chat(live, 'm', String(i))))
  expect(answers.every(({ status }) => status === 200)).toBe(true)
  expect(one.asked.length + two.asked.length).toBe(120)
  expect(one.mostAtOnce).toBe(3)
  expect(two.mostAtOnce).toBe(2)
})

test('what waits goes to the scout that joins, and to the next free place after that', async () => {
  const live = liveHub()
  const providers = times(3, (i) => new ScriptedProvider(`p${i}`, ['m']))
  await live.addScout({ name: 's0', concurrency: 1, providers: [providers[0]!] })
  await live.addScout({ name: 's1', concurrency: 1, providers: [providers[1]!] })
  const answers = times(4, () => chat(live, 'm'))
  const [first, second] = [await providers[0]!.call(), await providers[1]!.call()]
  await until('two tasks to wait', () => live.hub.engine.stats().tasksQueued === 2)
  await live.addScout({ name: 's2', concurrency: 1, providers: [providers[2]!] })
  const third = await providers[2]!.call()
  expect(live.hub.engine.stats()).toMatchObject({ tasksQueued: 1, tasksLeased: 3 })
  const whole = '{"choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}'
  third.done(whole)
  const fourth = await providers[2]!.call()
  for (const call of [first, second, fourth]) call.done(whole)
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200])
})

test('the listings count what is connected, and what could start at once', async () => {
  const live = liveHub()
  const busy = new ScriptedProvider('busy', ['m'])
  await live.addScout({ name: 'one', concurrency: 2, providers: [busy] })
  await live.addScout({ name: 'two', concurrency: 3, demo: { models: ['m', 'n-embed'] } })
  const { data: scouts } = await asAdmin(live, '/v1/scouts')
  expect(scouts).toHaveLength(2)
  expect(scouts.find(({ name }: Json) => name === 'one')).toMatchObject({
    object: 'scout',
    phase: 'ready',
    concurrency: 2,
    credits: 2,
    in_flight: 0,
    offers: [{ kind: 'chat', model: 'm', provider: 'busy', context_tokens: 0 }],
  })
  const { data: models } = await asAdmin(live, '/v1/models')
  const offered = models.filter(({ chasm }: Json) => !chasm.virtual)
  expect(offered.map(({ id, chasm }: Json) => [id, chasm.kinds, chasm.scouts, chasm.idle])).toEqual([
    ['m', ['chat'], 2, 2],
    ['n-embed', ['embed'], 1, 1],
  ])
  expect((await asAdmin(live, '/v1/models/m')).chasm.providers.sort()).toEqual(['busy', 'demo'])
})

test('a revoked scout key ends its live sockets at once, and the scout stops for good', async () => {
  // No time passes, so nothing that the hub waits for can be what ends them.
  const live = liveHub({ system: heldSystem() })
  const other = live.hub.keyring.issue('scout', 'other').key
  const neighbour = await dialRaw(live, { key: other })
  neighbour.hello()
  await neighbour.heard('welcome')
  const raw = await joinRaw(live)
  const unGreeted = await dialRaw(live)
  const child = await live.spawnScout('child', { LOG_LEVEL: 'silent' })
  const { data: keys } = await asAdmin(live, '/v1/admin/keys')
  const { id } = keys.find(({ role, name }: Json) => role === 'scout' && name === 'test')
  await asAdmin(live, `/v1/admin/keys/${id}`, 'DELETE')
  expect((await raw.ended()).code).toBe(4501)
  expect((await unGreeted.ended()).code).toBe(4501)
  expect(await child.exited).toBe(1)
  expect(neighbour.closed).toBeNull()
  expect(await knock(live)).toMatchObject({ status: 401, error: { code: 'invalid_api_key' } })
  await until('the roster to be rid of them', () => live.hub.engine.scouts().length === 1)
  neighbour.cut()
})
