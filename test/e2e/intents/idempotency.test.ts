/** Requests that are sent again: with an Idempotency-Key the work is done once, also across a restart of the hub. */

import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../support/clocks/until.ts'
import { sdkOf } from '../../support/hub/client-stage.ts'
import { LiveHub, quietConfig } from '../../support/hub/live-hub.ts'
import { temporaryFolder } from '../../support/machine/temporary-folder.ts'
import { CountingProvider } from '../../support/providers/counting-provider.ts'
import type { Json } from '../../support/providers/provider-calls.ts'
import { ScriptedProvider } from '../../support/providers/scripted-provider.ts'

function liveHub(): LiveHub {
  const live = new LiveHub()
  onTestFinished(() => live.close())
  return live
}

const messages = [{ role: 'user' as const, content: 'hello' }]
const whole = '{"choices":[{"index":0,"message":{"role":"assistant","content":"yes"},"finish_reason":"stop"}]}'
const keyed = (key: string) => ({ headers: { 'idempotency-key': key } })

test('a chat that is sent again costs one answer and gives the same bytes', async () => {
  const live = liveHub()
  const provider = new CountingProvider({ models: ['m'] })
  await live.addScout({ name: 'ant', providers: [provider] })
  const ask = () => sdkOf(live).chat.completions.create({ model: 'm', messages }, keyed('k-1')).withResponse()
  const first = await ask()
  const again = await ask()
  expect(again.data).toEqual(first.data)
  expect([first, again].map(({ response }) => response.headers.get('idempotent-replayed'))).toEqual([null, 'true'])
  expect(provider.asked).toEqual(['m'])
  const other = live.post('/v1/chat/completions', { model: 'm', messages, n: 1 }, keyed('k-1'))
  expect((await other).status).toBe(422)
})

test('vectors that are asked for again cost one answer', async () => {
  const live = liveHub()
  const provider = new CountingProvider({ models: ['m-embed'] })
  await live.addScout({ name: 'ant', providers: [provider] })
  const ask = () => sdkOf(live).embeddings.create({ model: 'm-embed', input: ['a', 'b'] }, keyed('k'))
  expect((await ask()).data).toEqual((await ask()).data)
  expect(provider.asked).toHaveLength(1)
})

test('the official SDK waits out a first request that is under way, and then has its answer', async () => {
  const live = liveHub()
  const provider = new ScriptedProvider()
  await live.addScout({ name: 'ant', providers: [provider] })
  const ask = (maxRetries: number) =>
    sdkOf(live, { maxRetries }).chat.completions.create({ model: 'm', messages }, keyed('k'))
  const first = ask(0)
  const call = await provider.call()
  await expect(ask(0)).rejects.toMatchObject({ status: 409, code: 'idempotency_in_flight' })
  const patient = ask(2)
  call.done(whole)
  expect(await patient).toEqual(await first)
  expect(provider.calls).toHaveLength(1)
})

test('an answer and an intent are kept across a restart of the hub', async () => {
  const config = quietConfig(temporaryFolder())
  const run = async (key: string | null) => {
    const live = new LiveHub({ config })
    try {
      const clientKey = key ?? live.clientKey
      await live.addScout({ name: 'ant', demo: { models: ['m'] } })
      const headers = { ...keyed('k').headers, authorization: `Bearer ${clientKey}` }
      const chat = await live.post('/v1/chat/completions', { model: 'm', messages }, { headers })
      const intent = await live.post('/v1/intents', { input: 'hello', model: 'm' }, { headers })
      const texts = [await chat.text(), await intent.text()]
      await until('the intent to be done', () => live.hub.engine.intents.list(null, { limit: 1 })[0]?.state === 'done')
      const replayed = [chat, intent].map((response) => response.headers.get('idempotent-replayed'))
      return { clientKey, texts, replayed, attempts: live.hub.engine.stats().attempts }
    } finally {
      await live.close()
    }
  }
  const before = await run(null)
  expect(before).toMatchObject({ replayed: [null, null], attempts: 2 })
  const after = await run(before.clientKey)
  expect(after).toMatchObject({ texts: before.texts, replayed: ['true', 'true'], attempts: 0 })
  const { id } = JSON.parse(after.texts[1]!) as Json
  expect(id).toMatch(/^int_/)
})

/** Asks, leaves when the provider has the first task, and resolves when the hub has noticed. */
async function askAndLeave(live: LiveHub, path: string, body: object, called: Promise<unknown>): Promise<void> {
  const leaving = new AbortController()
  const left = live.post(path, body, { ...keyed('k'), signal: leaving.signal })
  await called
  leaving.abort()
  await expect(left.then((response) => response.text())).rejects.toThrow()
  const counted = `route="${path}",status="499"} 1`
  while (!(await (await fetch(`${live.url}/metrics`)).text()).includes(counted));
}

const streamedWhole = (content: string) =>
  JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: 'stop' }] })

const leavable: [string, string, object, number][] = [
  ['a virtual model', '/v1/chat/completions', { model: 'chasm/ensemble', messages }, 4],
  ['a foreground response', '/v1/responses', { model: 'm', input: 'hello' }, 1],
  ['a streamed response', '/v1/responses', { model: 'm', input: 'hello', stream: true }, 1],
]

test.each(leavable)('%s under a key goes on without its client, and the repetition has the answer', async (...row) => {
  const [, path, body, count] = row
  const live = liveHub()
  const provider = new ScriptedProvider()
  await live.addScout({ name: 'ant', providers: [provider] })
  const first = provider.call()
  await askAndLeave(live, path, body, first)
  const again = live.post(path, body, keyed('k'))
  for (let at = 0; at < count; at++) {
    const call = at === 0 ? await first : await provider.call()
    expect(call.aborted).toBe(false)
    await call.line(streamedWhole(`answer ${at}`))
    call.done()
  }
  const response = await again
  expect([response.status, await response.text()]).toEqual([200, expect.stringContaining(`answer ${count - 1}`)])
  expect(provider.calls).toHaveLength(count)
})

test.each(leavable)('of two clients that wait for %s under one key, the first may leave', async (...row) => {
  const [, path, body, count] = row
  const live = liveHub()
  const provider = new ScriptedProvider()
  await live.addScout({ name: 'ant', providers: [provider] })
  const first = provider.call()
  let staying: Promise<Response> | null = null
  const joined = first.then(() => {
    staying = live.post(path, body, keyed('k'))
  })
  await askAndLeave(live, path, body, joined)
  for (let at = 0; at < count; at++) {
    const call = at === 0 ? await first : await provider.call()
    await call.line(streamedWhole(`answer ${at}`))
    call.done()
  }
  const response = await staying!
  expect([response.status, await response.text()]).toEqual([200, expect.stringContaining(`answer ${count - 1}`)])
})
