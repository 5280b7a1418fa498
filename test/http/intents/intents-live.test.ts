/** Durable intents over HTTP with the real engine and store behind it. */
import { expect, onTestFinished, test } from 'vitest'
import { StoreError } from '../../../orchestrator/engine/ports/store.ts'
import { until } from '../../support/clocks/until.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import type { Json } from '../../support/providers/provider-calls.ts'
import { type ScriptedCall, ScriptedProvider } from '../../support/providers/scripted-provider.ts'

async function stage() {
  const live = new LiveHub()
  onTestFinished(() => live.close())
  const provider = new ScriptedProvider()
  await live.addScout({ name: 'ant', providers: [provider] })
  const ask = (path: string, init: RequestInit = {}, key = live.clientKey) =>
    fetch(live.url + path, { ...init, headers: { authorization: `Bearer ${key}`, ...init.headers } })
  const read = async (path: string) => (await (await ask(path)).json()) as Json
  const make = async (body: object = { input: 'hello' }, headers = {}): Promise<string> => {
    const response = await live.post('/v1/intents', body, { headers })
    expect(response.status).toBe(202)
    return ((await response.json()) as Json).id
  }
  return { live, provider, ask, read, make }
}

const line = (text: string) =>
  JSON.stringify({ choices: [{ index: 0, delta: { content: text }, finish_reason: null }] })

async function finish(call: ScriptedCall): Promise<void> {
  await call.line('{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}')
  call.done('{"choices":[],"usage":{"prompt_tokens":2,"completion_tokens":3}}')
}

/** The events of a stream, read to its end or to the one that `enough` likes. */
async function eventsOf(response: Response, enough: (type: string) => boolean = () => false) {
  expect(response.headers.get('content-type')).toContain('text/event-stream')
  const events: { id: string; type: string; data: Json }[] = []
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of response.body!) {
    const blocks = (rest + decoder.decode(bytes, { stream: true })).split('\n\n')
    rest = blocks.pop()!
    for (const block of blocks) {
      const [, id, type, data] = /^id: (.*)\nevent: (.*)\ndata: (.*)$/.exec(block) ?? []
      if (id === undefined) continue
      events.push({ id, type: type!, data: JSON.parse(data!) })
      if (enough(type!)) return events
    }
  }
  return events
}

const told = (events: { type: string }[]) => events.map(({ type }) => type)

test('an intent is done, shows its result, and its events can be had in one go or from any of them on', async () => {
  const { provider, ask, read, make } = await stage()
  const id = await make()
  const following = ask(`/v1/intents/${id}/events`).then((response) => eventsOf(response, (type) => type === 'chunk'))
  const call = await provider.call()
  await call.line(line('one '))
  const seen = await following
  expect(told(seen)).toEqual(['planned', 'task_started', 'chunk'])
  const headers = { 'last-event-id': seen.at(-1)!.id }
  const resumed = ask(`/v1/intents/${id}/events`, { headers }).then((response) => eventsOf(response))
  await call.line(line('two'))
  await finish(call)
  const later = await resumed
  expect(told(later).slice(-2)).toEqual(['task_settled', 'done'])
  expect(told(later)).not.toContain('planned')
  expect(JSON.stringify([...seen, ...later])).toMatch(/one .*two/)

  const shown = await read(`/v1/intents/${id}`)
  expect(shown).toMatchObject({ state: 'done', error: null, usage: { total_tokens: 5 } })
  expect(shown.tasks).toMatchObject([{ state: 'done', attempts: 1, served: { provider: 'scripted', model: 'm' } }])
  expect(shown.result.choices[0].message.content).toBe('one two')
  const whole = await eventsOf(await ask(`/v1/intents/${id}/events`))
  expect(told(whole)).toEqual(expect.arrayContaining(['planned', 'task_started', 'task_settled', 'done']))
  const over = await ask(`/v1/intents/${id}/events`, { headers: { 'last-event-id': whole.at(-1)!.id } })
  expect(over.status).toBe(204)
  const [second] = whole
  const rest = await eventsOf(await ask(`/v1/intents/${id}/events?last_event_id=${encodeURIComponent(second!.id)}`))
  expect(told(rest)).toEqual(told(whole).slice(1))
})

test('cancelling stops the work at the provider, and again changes nothing', async () => {
  const { provider, ask, make } = await stage()
  const nodes = [
    { id: 'a', prompt: 'begin' },
    { id: 'b', needs: ['a'], prompt: 'go on' },
  ]
  const id = await make({ scroll: { nodes } })
  const following = ask(`/v1/intents/${id}/events`).then((response) => eventsOf(response))
  const call = await provider.call()
  const cancelled = (await (await ask(`/v1/intents/${id}`, { method: 'DELETE' })).json()) as Json
  expect(cancelled).toMatchObject({ state: 'cancelled', result: null, error: { code: 'cancelled' } })
  expect(cancelled.tasks.map(({ state }: Json) => state)).not.toContain('ready')
  await provider.aborted(call)
  expect(told(await following).at(-1)).toBe('done')
  expect(await (await ask(`/v1/intents/${id}`, { method: 'DELETE' })).json()).toEqual(cancelled)
})

test('an intent that is sent again with its key is one intent, also after it is done', async () => {
  const { live, provider, make } = await stage()
  const headers = { 'idempotency-key': 'k' }
  const send = () => live.post('/v1/intents', { input: 'hello' }, { headers })
  const [first, twin] = await Promise.all([send(), send()])
  const statuses = [first, twin].map(({ status }) => status).toSorted()
  // The twin came while the first was on its way to the disk, or right after.
  expect([[202, 202].join(), [202, 409].join()]).toContain(statuses.join())
  await finish(await provider.call())
  const id = await make({ input: 'hello' }, headers)
  expect(await make({ input: 'hello' }, headers)).toBe(id)
  expect((await live.post('/v1/intents', { input: 'else' }, { headers })).status).toBe(422)
  expect(provider.calls).toHaveLength(1)
})

test("another key's intent is the same 404 as none", async () => {
  const { live, ask, make } = await stage()
  const id = await make()
  const stranger = live.hub.keyring.issue('client', 'stranger').key
  const headers = { 'x-request-id': 'same' }
  for (const [method, suffix] of [
    ['GET', ''],
    ['DELETE', ''],
    ['GET', '/events'],
  ] as const) {
    const texts = await Promise.all(
      [id, `${id}0`].map(async (asked) => {
        const response = await ask(`/v1/intents/${asked}${suffix}`, { method, headers }, stranger)
        expect(response.status).toBe(404)
        return response.text()
      }),
    )
    expect(texts[0]).toBe(texts[1])
  }
  const listed = await ask('/v1/intents', {}, stranger)
  expect(await listed.json()).toMatchObject({ data: [] })
  expect((await ask(`/v1/intents?after=${id}`, {}, stranger)).status).toBe(404)
  expect((await ask(`/v1/intents/${id}`, { method: 'DELETE' })).status).toBe(200)
})

test('a store that cannot write is 503 with the time to come back, and heals without a restart', async () => {
  const { live, provider } = await stage()
  const { brain } = live.hub.engine as unknown as { brain: { store: { commit: (writes: unknown) => void } } }
  const { store } = brain
  const commit = store.commit.bind(store)
  store.commit = () => {
    throw new StoreError('full', 'the disk is full')
  }
  for (let round = 0; round < 2; round++) {
    const refused = await live.post('/v1/intents', { input: 'hello' })
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
    expect(((await refused.json()) as Json).error.code).toBe('store_unavailable')
  }
  store.commit = commit
  await until('the store to be tried again', () => live.hub.engine.journal.trouble === null)
  expect((await live.post('/v1/intents', { input: 'hello' })).status).toBe(202)
  await finish(await provider.call())
})
