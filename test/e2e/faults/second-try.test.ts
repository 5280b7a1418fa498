/**
 * Trouble the client never hears of: a provider that fails or is at its rate limit, and another scout, or the same one
 * a little later, that answers.
 */
import { afterEach, expect, test } from 'vitest'
import { ProviderError } from '../../../scout/providers/provider.ts'
import { fault } from '../../../shared/faults.ts'
import { until } from '../../support/clocks/until.ts'
import { sdkOf, standInProvider } from '../../support/hub/client-stage.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import { startOpenAiStandIn } from '../../support/providers/openai-stand-in.ts'
import { type ScriptedCall, ScriptedProvider } from '../../support/providers/scripted-provider.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const asked = { model: 'm', messages: [{ role: 'user' as const, content: 'Hello' }] }
const whole = '{"choices":[{"index":0,"message":{"role":"assistant","content":"at last"},"finish_reason":"stop"}]}'
const delta = (fields: object, finish: string | null = null) =>
  JSON.stringify({ choices: [{ index: 0, delta: fields, finish_reason: finish }] })

function liveHub(options: ConstructorParameters<typeof LiveHub>[0] = {}): LiveHub {
  const hub = new LiveHub(options)
  closing.push(() => hub.close())
  return hub
}

function standIn(models: string[]) {
  const started = startOpenAiStandIn({ models })
  closing.push(() => started.stop())
  return started
}

function scoutNamed(hub: LiveHub, name: string) {
  return hub.hub.engine.scouts().find((scout) => scout.name === name)!
}

/** A scout that also offers `m`, but is held up by another request until `free` is called. */
async function busyScout(hub: LiveHub) {
  const provider = new ScriptedProvider('scripted', ['m', 'other'])
  await hub.addScout({ name: 'other', concurrency: 1, providers: [provider] })
  const holding = sdkOf(hub).chat.completions.create({ ...asked, model: 'other' })
  const held = await provider.call()
  const free = async () => {
    held.done(whole)
    await holding
  }
  return { provider, free }
}

async function answerStreamed(call: ScriptedCall): Promise<void> {
  await call.line(delta({ role: 'assistant', content: '' }))
  await call.line(delta({ content: 'at last' }))
  await call.line(delta({}, 'stop'))
  call.done()
}

test.each([false, true])('a provider that fails is replaced by another scout’s (streamed: %s)', async (stream) => {
  const hub = liveHub({ core: { retryBaseMs: 20 } })
  await hub.addScout({ name: 'failing', demo: { models: ['m'], failureRate: 1 } })
  const { provider, free } = await busyScout(hub)
  const answer = stream
    ? sdkOf(hub).chat.completions.stream(asked).finalChatCompletion()
    : sdkOf(hub).chat.completions.create(asked)
  await until('the failing scout to have been asked', () => hub.hub.engine.stats().attempts === 2)
  await free()
  const call = await provider.call()
  if (stream) await answerStreamed(call)
  else call.done(whole)
  const { choices, ...rest } = await answer
  expect(choices[0]!.message.content).toBe('at last')
  if (!stream) expect(rest).toMatchObject({ chasm: { scout: expect.stringMatching(/\/other$/), attempts: 2 } })
})

test('a stream that failed before its first content begins anew, and the client sees one beginning', async () => {
  const hub = liveHub({ core: { retryBaseMs: 20 } })
  const provider = new ScriptedProvider()
  await hub.addScout({ name: 'one', providers: [provider] })
  await hub.addScout({ name: 'two', providers: [provider] })
  const chunks: object[] = []
  const reading = (async () => {
    for await (const chunk of await sdkOf(hub).chat.completions.create({ ...asked, stream: true })) chunks.push(chunk)
  })()
  const first = await provider.call()
  await first.line(delta({ role: 'assistant', content: '' }))
  await first.line(delta({ content: '' }))
  first.fail(new ProviderError(fault('provider_unavailable', 'gone')))
  await answerStreamed(await provider.call())
  await reading
  const said = [
    { delta: { role: 'assistant', content: '' }, finish_reason: null },
    { delta: { content: 'at last' }, finish_reason: null },
    { delta: {}, finish_reason: 'stop' },
  ]
  expect(chunks).toMatchObject(said.map((choice) => ({ choices: [{ index: 0, ...choice }] })))
  expect(chunks).toHaveLength(said.length)
})

test('when every attempt fails, the client hears the last cause with a status of its own', async () => {
  const hub = liveHub({ core: { retryBaseMs: 20 } })
  await hub.addScout({ name: 'failing', demo: { models: ['m'], failureRate: 1 } })
  for (const stream of [false, true]) {
    const failure = sdkOf(hub).chat.completions.create({ ...asked, stream })
    await expect(failure).rejects.toMatchObject({ status: 502, code: 'provider_unavailable' })
  }
  expect(hub.hub.engine.stats().attempts).toBe(6)
})

test('a rate limit sends the request to another scout, charges no attempt and marks nobody', async () => {
  const hub = liveHub({ core: { attemptsMax: 1 } })
  const limited = standIn(['m'])
  await hub.addScout({ name: 'limited', providers: [standInProvider(limited)] })
  limited.script(() => new Response('{}', { status: 429, headers: { 'retry-after': '600' } }))
  const { provider, free } = await busyScout(hub)
  const answer = sdkOf(hub).chat.completions.create(asked)
  await until('the limited provider to have said so', () => hub.hub.engine.stats().tasksQueued === 1)
  await free()
  const call = await provider.call()
  call.done(whole)
  expect(await answer).toMatchObject({ chasm: { scout: expect.stringMatching(/\/other$/), attempts: 2 } })
  expect(scoutNamed(hub, 'limited')).toMatchObject({ failed: 0, failureRate: 0, credits: 4, phase: 'ready' })

  // Left alone as long as it asked for: with the other busy again, the next request waits.
  const next = [sdkOf(hub).chat.completions.create(asked), sdkOf(hub).chat.completions.create(asked)]
  const nextCall = await provider.call()
  await until('one request to wait', () => hub.hub.engine.stats().tasksQueued === 1)
  nextCall.done(whole)
  const lastCall = await provider.call()
  lastCall.done(whole)
  await Promise.all(next)
  expect(limited.seen.filter(({ path }) => path === '/v1/chat/completions')).toHaveLength(1)
})

test('a rate limit of the only scout makes the request wait until it is over', async () => {
  const pauseMs = 120
  const hub = liveHub({ core: { attemptsMax: 1 } })
  const limited = standIn(['m'])
  await hub.addScout({ name: 'limited', providers: [standInProvider(limited)] })
  let limitedAtMs = 0
  limited.script(() => {
    limitedAtMs = performance.now()
    return new Response('{}', { status: 429, headers: { 'retry-after-ms': String(pauseMs) } })
  })
  const { choices, ...rest } = await sdkOf(hub).chat.completions.create(asked)
  expect(performance.now() - limitedAtMs).toBeGreaterThanOrEqual(pauseMs)
  expect(choices[0]!.finish_reason).toBe('stop')
  expect(rest).toMatchObject({ chasm: { attempts: 2 } })
})
