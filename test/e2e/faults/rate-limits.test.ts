/** The limits of providers as clients see them: at once and with the provider's own time, or not at all. */
import OpenAI from 'openai'
import { expect, onTestFinished, test } from 'vitest'
import { localService } from '../../../scout/providers/dialects.ts'
import { ServiceProvider } from '../../../scout/providers/service/service-provider.ts'
import { realSystem } from '../../../shared/system.ts'
import { sdkOf } from '../../support/hub/client-stage.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import { type OpenAiStandIn, startOpenAiStandIn } from '../../support/providers/openai-stand-in.ts'
import type { Json } from '../../support/providers/provider-calls.ts'

/** A hub with one scout for each of these services. */
async function stage(...services: OpenAiStandIn[]): Promise<LiveHub> {
  const live = new LiveHub()
  onTestFinished(async () => {
    await live.close()
    for (const service of services) await service.stop()
  })
  for (const [at, { baseURL }] of services.entries()) {
    const provider = new ServiceProvider(localService('compatible', baseURL), [], realSystem())
    await live.addScout({ name: `scout-${at}`, providers: [provider] })
  }
  return live
}

function service(): OpenAiStandIn {
  return startOpenAiStandIn({ models: ['m'] })
}

const limited = (headers: Record<string, string>) => () =>
  Response.json({ error: { message: 'Too many.', type: 'rate_limit_error' } }, { status: 429, headers })
const chats = ({ seen }: OpenAiStandIn) => seen.filter(({ path }) => path === '/v1/chat/completions').length
const body = { model: 'm', messages: [{ role: 'user' as const, content: 'Hi' }] }

test.each([false, true])('a limit that outlasts the request is passed on at once, streamed: %s', async (stream) => {
  const standIn = service()
  const live = await stage(standIn)
  standIn.script(limited({ 'retry-after': '6m0s' }))
  const first = await live.post('/v1/chat/completions', { ...body, stream })
  expect(first.status).toBe(429)
  const seconds = Number(first.headers.get('retry-after'))
  expect(seconds).toBeGreaterThan(300)
  expect(seconds).toBeLessThanOrEqual(360)
  expect(Number(first.headers.get('retry-after-ms'))).toBeLessThanOrEqual(360_000)
  expect(((await first.json()) as Json).error).toMatchObject({ code: 'rate_limited', type: 'rate_limit_error' })
  // The next one is not even sent there.
  const second = await live.post('/v1/chat/completions', { ...body, stream })
  expect([second.status, chats(standIn)]).toEqual([429, 1])
})

test('the official SDK behaves as against the provider itself', async () => {
  const standIn = service()
  const live = await stage(standIn)
  standIn.script(limited({ 'retry-after': '600' }))
  const refused = await sdkOf(live, { maxRetries: 0 })
    .chat.completions.create(body)
    .catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(OpenAI.RateLimitError)
  expect(refused).toMatchObject({ status: 429, code: 'rate_limited' })
})

test('a limit that ends while the request can wait is waited for, and nobody hears of it', async () => {
  const standIn = service()
  const live = await stage(standIn)
  standIn.script(limited({ 'retry-after-ms': '1200' }))
  const response = await live.post('/v1/chat/completions', body)
  expect([response.status, chats(standIn)]).toEqual([200, 2])
  expect(((await response.json()) as Json).chasm).toMatchObject({ attempts: 2 })
})

test('a limit is no matter while another scout has none', async () => {
  const standIns = [service(), service()]
  const live = await stage(...standIns)
  for (const standIn of standIns) standIn.script(limited({ 'retry-after': '500' }))
  // Whoever has it first is limited, and the other one as well.
  const [one, two] = [await live.post('/v1/chat/completions', body), await live.post('/v1/chat/completions', body)]
  expect([one.status, two.status, ...standIns.map(chats)]).toEqual([429, 429, 1, 1])
  const third = service()
  onTestFinished(() => third.stop())
  const provider = new ServiceProvider(localService('compatible', third.baseURL), [], realSystem())
  await live.addScout({ name: 'third', providers: [provider] })
  expect((await live.post('/v1/chat/completions', body)).status).toBe(200)
})

test('the last request within a limit pauses the model as its reset says, for the hub too', async () => {
  const standIn = service()
  const live = await stage(standIn)
  const used = { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '5m30s' }
  standIn.script(() => {
    const message = { role: 'assistant', content: 'The last one.' }
    return Response.json({ choices: [{ index: 0, message, finish_reason: 'stop' }] }, { headers: used })
  })
  expect((await live.post('/v1/chat/completions', body)).status).toBe(200)
  const next = await live.post('/v1/chat/completions', body)
  expect([next.status, chats(standIn)]).toEqual([429, 1])
  expect(Number(next.headers.get('retry-after'))).toBeGreaterThan(300)
})

test('a model whose last scout has gone is 503 with why and when to come back, later 404 with why', async () => {
  const live = new LiveHub({ core: { modelWaitMs: 300, modelGraceMs: 700 } })
  onTestFinished(() => live.close())
  const drain = await live.addScout({ name: 'ant', demo: { models: ['m'] } })
  await drain()
  const away = await live.post('/v1/chat/completions', body)
  expect(away.status).toBe(503)
  expect(away.headers.get('retry-after')).toBe('15')
  const { error } = (await away.json()) as Json
  expect(error).toMatchObject({ code: 'no_scout_available' })
  expect(error.message).toMatch(/^No connected scout offers "m" for chat: the last one that did left \d+ s ago\.$/)
  const unknown = await live.post('/v1/chat/completions', body)
  expect(unknown.status).toBe(404)
  expect(((await unknown.json()) as Json).error).toMatchObject({
    code: 'model_not_found',
    message: expect.stringContaining('the last one that did left'),
  })
})
