/** What a client may ask of the hub itself, through the official SDK: who answers, how often, and why. */
import { expect, onTestFinished, test } from 'vitest'
import { DemoProvider, demoDefaults } from '../../../scout/providers/demo/demo.ts'
import { ProviderError } from '../../../scout/providers/provider.ts'
import { fault } from '../../../shared/faults.ts'
import { realSystem } from '../../../shared/system.ts'
import { type HeldSystem, heldSystem } from '../../support/clocks/held-system.ts'
import { until } from '../../support/clocks/until.ts'
import { sdkOf } from '../../support/hub/client-stage.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import type { Json } from '../../support/providers/provider-calls.ts'
import { ScriptedProvider } from '../../support/providers/scripted-provider.ts'

function liveHub(system?: HeldSystem): LiveHub {
  const live = new LiveHub({ core: { retryBaseMs: 1 }, ...(system && { system }) })
  onTestFinished(() => live.close())
  return live
}

const messages = [{ role: 'user' as const, content: 'hello' }]
const whole = '{"choices":[{"index":0,"message":{"role":"assistant","content":"yes"},"finish_reason":"stop"}]}'
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))

/** The `chasm` field of an answer to a request that carries one. */
async function chasmOf(live: LiveHub, chasm: object): Promise<Json> {
  const answer = await sdkOf(live).chat.completions.create({ model: 'm', messages, ...{ chasm } })
  return (answer as unknown as Json).chasm
}

async function asAdmin(live: LiveHub, path: string): Promise<Json> {
  const response = await fetch(live.url + path, { headers: { authorization: `Bearer ${live.adminKey}` } })
  expect(response.status).toBe(200)
  return (await response.json()) as Json
}

test('only those named answer, and those ignored do not, by scout, operator or provider', async () => {
  const live = liveHub()
  for (const name of ['ant', 'bee', 'cat']) await live.addScout({ name, demo: { models: ['m'] } })
  const [ant, bee, cat] = live.hub.engine.scouts().map(({ id }) => id) as [string, string, string]
  const operator = live.hub.engine.scouts()[0]!.operator
  const served = (chasm: object) => Promise.all(times(8, async () => (await chasmOf(live, chasm)).scout as string))
  expect(new Set(await served({ only: [bee] }))).toEqual(new Set([bee]))
  expect(new Set(await served({ ignore: [ant, cat] }))).toEqual(new Set([bee]))
  expect(new Set(await served({ only: [operator], ignore: [ant, bee] }))).toEqual(new Set([cat]))
  expect(await served({ only: ['demo'] })).toHaveLength(8)
})

test('a client that names only absent scouts waits, and is refused at its deadline', async () => {
  const live = liveHub()
  await live.addScout({ name: 'ant', demo: { models: ['m'] } })
  const asked = chasmOf(live, { ignore: ['demo'], deadline_ms: 300 })
  await expect(asked).rejects.toMatchObject({ status: 504, code: 'deadline_exceeded' })
})

test('a request may be tried as often as it says, and no more', async () => {
  const live = liveHub()
  const providers = times(3, (i) => new ScriptedProvider(`p${i}`))
  for (const provider of providers) await live.addScout({ name: provider.name, providers: [provider] })
  const failing = async () => {
    for (let failed = 0; ; failed++) {
      const calls = () => providers.flatMap((provider) => provider.calls)
      await until('a call', () => calls().length > failed || asked.settled)
      if (asked.settled) return failed
      for (const call of calls()) call.fail(new ProviderError(fault('provider_unavailable', 'it is not there')))
    }
  }
  const asked = { settled: false }
  const ask = chasmOf(live, { max_attempts: 2 }).finally(() => {
    asked.settled = true
  })
  const [outcome, attempts] = await Promise.all([ask.catch((error) => error), failing()])
  expect(outcome).toMatchObject({ status: 502, code: 'provider_unavailable' })
  expect(attempts).toBe(2)
})

test('an answer can be explained, and the scout be looked at', async () => {
  // No time passes: it is as fast as can be, on any machine.
  const live = liveHub(heldSystem())
  await live.addScout({ name: 'ant', demo: { models: ['m', 'n'] } })
  const first = await chasmOf(live, { explain: true })
  const terms = ['first_content', 'tokens', 'load', 'price', 'failure', 'operator']
  expect(Object.keys(first.cost_ms)).toEqual([...terms, 'total'])
  const sum = terms.reduce((total, term) => total + first.cost_ms[term], 0)
  expect(Math.abs(first.cost_ms.total - sum)).toBeLessThanOrEqual(terms.length)
  expect(first.cost_ms.total).toBeGreaterThan(0)
  expect(await chasmOf(live, {})).not.toHaveProperty('cost_ms')

  const { id } = live.hub.engine.scouts()[0]!
  const shown = await asAdmin(live, `/v1/scouts/${id}`)
  expect(shown).toMatchObject({ id, name: 'ant', sessions: 1, window: 4, done: 2, failed: 0, failure_rate: 0 })
  const [served, unserved] = shown.models
  expect(served).toMatchObject({ model: 'm', samples: 2, resumes_in_ms: null, first_content_ms: expect.any(Number) })
  expect(unserved).toMatchObject({ model: 'n', samples: 0, first_content_ms: null, tokens_per_second: null })
  // A stranger's speed is assumed, not known: the one that was fast is expected to cost less.
  expect(served.cost_ms.total).toBeLessThan(unserved.cost_ms.total)
})

/** Answers after a time on the hub's own clock, at a price. */
class PricedProvider extends DemoProvider {
  constructor(
    private readonly price: number,
    private readonly clock: HeldSystem,
    private readonly takesMs: number,
  ) {
    super({ ...demoDefaults, models: ['m'], tokensPerSecond: 0, firstTokenMs: 0 }, realSystem())
  }

  override answer(...asked: Parameters<DemoProvider['answer']>) {
    this.clock.advance(this.takesMs)
    return super.answer(...asked)
  }

  override async discover() {
    const prices = { promptPrice: this.price, answerPrice: this.price }
    return (await super.discover()).map((offer) => ({ ...offer, ...prices }))
  }
}

test('whoever sorts by price gets the cheapest scout of two, though the other one is faster', async () => {
  const clock = heldSystem()
  const live = liveHub(clock)
  await live.addScout({ name: 'fast', providers: [new PricedProvider(900_000, clock, 10)] })
  await live.addScout({ name: 'cheap', providers: [new PricedProvider(80_000, clock, 2_000)] })
  const idOf = (name: string) => live.hub.engine.scouts().find((scout) => scout.name === name)!.id
  const [fast, cheap] = [idOf('fast'), idOf('cheap')]
  for (const scout of [fast, cheap]) for (let i = 0; i < 2; i++) await chasmOf(live, { only: [scout] })
  for (let i = 0; i < 4; i++) {
    expect((await chasmOf(live, {})).scout).toBe(fast)
    const { scout, cost_ms: cost } = await chasmOf(live, { sort: 'price', explain: true })
    expect([scout, cost.price]).toEqual([cheap, 96_000])
  }
  expect((await asAdmin(live, `/v1/scouts/${cheap}`)).models[0].cost_ms.price).toBe(10)
})

test('a model that its provider limits is shown resting, with the time it takes', async () => {
  const live = liveHub()
  const provider = new ScriptedProvider('scripted', ['m', 'n'])
  await live.addScout({ name: 'ant', providers: [provider] })
  const asked = live.post('/v1/chat/completions', { model: 'm', messages, chasm: { deadline_ms: 2_000 } })
  const limited = fault('provider_rate_limited', 'too much of it', { retryAfterMs: 60_000 })
  ;(await provider.call()).fail(new ProviderError(limited))
  const { id } = live.hub.engine.scouts()[0]!
  await until('the pause', () => live.hub.engine.scout(id)!.standings[0]!.resumesInMs !== null)
  const [resting, well] = (await asAdmin(live, `/v1/scouts/${id}`)).models
  expect(resting).toMatchObject({ model: 'm', cost_ms: null })
  expect(resting.resumes_in_ms).toBeGreaterThan(50_000)
  expect(resting.resumes_in_ms).toBeLessThanOrEqual(60_000)
  expect(well).toMatchObject({ model: 'n', resumes_in_ms: null, cost_ms: { total: expect.any(Number) } })
  expect((await asked).status).toBe(429)
})

test('two keys share one scout by what they weigh', async () => {
  const live = liveHub()
  const provider = new ScriptedProvider()
  await live.addScout({ name: 'ant', concurrency: 1, providers: [provider] })
  const body = JSON.stringify({ role: 'client', name: 'heavy', weight: 3 })
  const headers = { authorization: `Bearer ${live.adminKey}`, 'content-type': 'application/json' }
  const made = await fetch(`${live.url}/v1/admin/keys`, { method: 'POST', body, headers })
  const heavy = ((await made.json()) as Json).key as string
  const ask = (apiKey: string, who: string) =>
    sdkOf(live, { apiKey }).chat.completions.create({ model: 'm', messages: [{ role: 'user', content: who }] })
  const first = ask(live.clientKey, 'first')
  const before = await provider.call()
  const waiting = [...times(30, () => ask(live.clientKey, 'light')), ...times(30, () => ask(heavy, 'heavy'))]
  await until('all to wait', () => live.hub.engine.stats().tasksQueued === 60)
  before.done(whole)
  const served = { light: 0, heavy: 0 }
  for (let count = 0; count < 60; count++) {
    const call = await provider.call()
    const { messages: said } = JSON.parse(Buffer.from(call.request.body).toString()) as Json
    if (count < 32) served[said[0].content as 'light' | 'heavy']++
    call.done(whole)
  }
  expect(served).toEqual({ light: 8, heavy: 24 })
  expect(await Promise.all([first, ...waiting])).toHaveLength(61)
})
