import { expect, onTestFinished, test } from 'vitest'
import type { HubOptions } from '../../../orchestrator/main.ts'
import { StreamReader } from '../../support/clients/stream-reader.ts'
import { until } from '../../support/clocks/until.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import { TcpProxy } from '../../support/machine/tcp-proxy.ts'
import { CountingProvider } from '../../support/providers/counting-provider.ts'
import type { Json } from '../../support/providers/provider-calls.ts'
import { ScriptedProvider } from '../../support/providers/scripted-provider.ts'
import { contentLine, dialRaw, finishLine, joinRaw } from '../../support/scout/raw-scout.ts'
import { eagerSystem } from '../../support/scout/scout-stage.ts'

function liveHub(core: HubOptions['core'] = {}): LiveHub {
  const live = new LiveHub({ core: { retryBaseMs: 1, ...core } })
  onTestFinished(() => live.close())
  return live
}

async function proxyTo(live: LiveHub): Promise<TcpProxy> {
  const proxy = await TcpProxy.open(live.hub.port)
  onTestFinished(() => proxy.close())
  return proxy
}

const request = (stream: boolean) => ({
  model: 'm',
  stream,
  messages: [{ role: 'user', content: 'hello' }],
  ...(stream && { stream_options: { include_usage: true } }),
})

function ask(live: LiveHub, stream: boolean): Promise<Response> {
  return live.post('/v1/chat/completions', request(stream))
}

const inFlight = (live: LiveHub, name: string) =>
  live.hub.engine.scouts().find((scout) => scout.name === name)?.inFlight

const line = (text: string) =>
  JSON.stringify({ choices: [{ index: 0, delta: { content: text }, finish_reason: null }] })
const lastLine = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'

test('a scout killed before its first content chunk is invisible to the client, streamed or not', async () => {
  const live = liveHub()
  const doomed = await live.spawnScout('doomed', { DEMO_MODELS: 'm', DEMO_FIRST_TOKEN_MS: '600000' })
  const [streamed, whole] = [ask(live, true), ask(live, false)]
  await until('both to be under way', () => inFlight(live, 'doomed') === 2)
  const good = new CountingProvider({ models: ['m'] })
  await live.addScout({ name: 'good', providers: [good] })
  doomed.kill('SIGKILL')

  const reader = await new StreamReader(await streamed).over()
  expect(reader).toMatchObject({ error: null, isDone: true, finishes: ['stop'] })
  expect(reader.events[0]!.chasm).toMatchObject({ attempts: 2 })
  expect(reader.events[0]!.chasm.scout).toMatch(/\/good$/)
  const answer = (await (await whole).json()) as Json
  expect(answer.choices[0].message.content).not.toBe('')
  expect(answer.chasm).toMatchObject({ attempts: 2 })
  expect(good.asked).toEqual(['m', 'm'])
})

test('a scout killed after content ends the stream with an error that says how far it came', async () => {
  const live = liveHub({ resumeWindowMs: 100 })
  const knobs = { DEMO_MODELS: 'm', DEMO_FIRST_TOKEN_MS: '0', DEMO_TOKENS_PER_SECOND: '50', DEMO_TOKENS: '5000' }
  const doomed = await live.spawnScout('doomed', knobs)
  const reader = new StreamReader(await ask(live, true))
  await reader.content()
  const good = new CountingProvider({ models: ['m'] })
  await live.addScout({ name: 'good', providers: [good] })
  doomed.kill('SIGKILL')

  await reader.over()
  expect(reader).toMatchObject({ isDone: false, finishes: [] })
  expect(reader.error).toMatchObject({ code: 'scout_lost', type: 'server_error' })
  expect(reader.error!.message).toMatch(/lost its connection/)
  // What was forwarded are the scout's own lines: at least the text itself.
  expect(reader.error!.forwarded_bytes).toBeGreaterThan(reader.text.length)
  expect(good.asked).toEqual([])
  expect(live.hub.engine.stats()).toMatchObject({ tasksQueued: 0, tasksLeased: 0 })
})

test('a whole answer that was under way when its scout died is made anew elsewhere', async () => {
  const live = liveHub()
  const knobs = { DEMO_MODELS: 'm', DEMO_FIRST_TOKEN_MS: '0', DEMO_TOKENS_PER_SECOND: '1', DEMO_TOKENS: '5000' }
  const doomed = await live.spawnScout('doomed', knobs)
  const whole = ask(live, false)
  await until('the work to begin', () => inFlight(live, 'doomed') === 1)
  doomed.kill('SIGKILL')
  await until('the loss to be noticed', () => live.hub.engine.scouts().length === 0)
  await live.addScout({ name: 'good', demo: { models: ['m'] } })
  const response = await whole
  expect(response.status).toBe(200)
  expect(((await response.json()) as Json).chasm.attempts).toBe(2)
})

test('when every attempt is lost, the client hears the cause with a status of its own', async () => {
  const live = liveHub({ attemptsMax: 2 })
  const knobs = { DEMO_MODELS: 'm', DEMO_FIRST_TOKEN_MS: '600000' }
  const first = await live.spawnScout('first', knobs)
  const answers = [ask(live, true), ask(live, false)]
  await until('the first to work', () => inFlight(live, 'first') === 2)
  const second = await live.spawnScout('second', knobs)
  first.kill('SIGKILL')
  await until('the second to work', () => inFlight(live, 'second') === 2)
  second.kill('SIGKILL')
  for (const response of await Promise.all(answers)) {
    expect(response.status).toBe(502)
    expect(await response.json()).toMatchObject({ error: { code: 'scout_lost', type: 'server_error' } })
  }
})

test('a scout whose socket is cut after content comes back and goes on, without loss or doubling', async () => {
  const live = liveHub()
  const proxy = await proxyTo(live)
  const provider = new ScriptedProvider('scripted', ['m'])
  await live.addScout({ name: 'cut', providers: [provider], url: proxy.url, system: eagerSystem() })
  const response = ask(live, true)
  const call = await provider.call()
  let said = ''
  const say = async (text: string) => {
    said += text
    await call.line(line(text))
  }
  await say('one ')
  const reader = new StreamReader(await response)
  await reader.content()
  for (let round = 0; round < 5; round++) {
    // Some of it is lost with the socket, some is said while there is none, some after it is back.
    const lostBefore = proxy.lostBytes.up
    proxy.lose('up')
    await say(`lost ${round} `)
    await until('something to be lost', () => proxy.lostBytes.up > lostBefore)
    proxy.cut()
    await say(`cut ${round} `)
    await until('the scout to be back', () => live.hub.engine.scouts().some(({ credits }) => credits === 3))
    await say(`back ${round} `)
    await reader.until(`round ${round}`, ({ text }) => text === said)
  }
  await call.line(lastLine)
  call.done('{"choices":[],"usage":{"total_tokens":7}}')
  await reader.over()
  expect(reader).toMatchObject({ text: said, isDone: true, finishes: ['stop'], error: null })
  expect(reader.events.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 7 } })
  expect(proxy.connections).toBe(6)
  expect(live.hub.engine.stats()).toMatchObject({ attempts: 1, tasksFinished: { done: 1 } })
})

test.each([
  { what: 'settlement', direction: 'up' },
  { what: 'acknowledgement', direction: 'down' },
] as const)('when a $what is lost with its socket, the answer is settled again and committed once', async (lost) => {
  const live = liveHub()
  const proxy = await proxyTo(live)
  const provider = new ScriptedProvider('scripted', ['m'])
  await live.addScout({ name: 'cut', concurrency: 1, providers: [provider], url: proxy.url, system: eagerSystem() })
  const response = ask(live, true)
  const call = await provider.call()
  await call.line(line('all of it'))
  const reader = new StreamReader(await response)
  await reader.content()
  const finished = () => live.hub.engine.stats().tasksFinished.done ?? 0

  await call.line(lastLine)
  proxy.lose(lost.direction)
  call.done()
  await until('the loss', () => proxy.lostBytes[lost.direction] > 0)
  expect(finished()).toBe(lost.direction === 'down' ? 1 : 0)
  proxy.cut()
  await reader.over()
  expect(reader).toMatchObject({ text: 'all of it', isDone: true, finishes: ['stop'], error: null })

  await live.connected('cut', 1)
  // The scout has let go of the old attempt: it takes the next one.
  const next = ask(live, false)
  const second = await provider.call()
  second.done('{"choices":[{"index":0,"message":{"role":"assistant","content":"next"},"finish_reason":"stop"}]}')
  expect((await next).status).toBe(200)
  expect(live.hub.engine.stats()).toMatchObject({ attempts: 2, tasksFinished: { done: 2 }, staleSettlements: 0 })
  expect(live.hub.engine.scouts()).toMatchObject([{ done: 2, failed: 0 }])
})

test('a scout that comes back after the window has closed hears that its work is stale', async () => {
  const live = liveHub({ resumeWindowMs: 0 })
  const proxy = await proxyTo(live)
  const provider = new ScriptedProvider('scripted', ['m'])
  await live.addScout({ name: 'cut', providers: [provider], url: proxy.url, system: eagerSystem() })
  const response = ask(live, true)
  const call = await provider.call()
  await call.line(line('begun'))
  const reader = new StreamReader(await response)
  await reader.content()
  proxy.target = 1
  proxy.cut()
  await reader.over()
  expect(reader.error).toMatchObject({ code: 'scout_lost' })
  expect(call.aborted).toBe(false)
  proxy.target = live.hub.port
  await provider.aborted(call)
  await live.connected('cut', 4)
})

test('a scout that dials again over a half-open socket takes its place, and its lease goes on', async () => {
  const live = liveHub()
  const old = await joinRaw(live, { instance: 'same', credits: 1 })
  const response = ask(live, true)
  const lease = await old.heard('task')
  old.chunk(lease, 0, 0, contentLine('one '))
  const reader = new StreamReader(await response)
  await reader.content()

  const renewed = await dialRaw(live)
  renewed.hello({ instance: 'same', held: [[lease.task, lease.attempt, lease.nonce]] })
  expect((await renewed.heard('welcome')).held).toEqual([[lease.task, lease.attempt, 'resumed', 1]])
  expect((await old.ended()).code).toBe(4409)
  const offset = contentLine('one ').length
  renewed.chunk(lease, 1, offset, contentLine('two') + finishLine)
  renewed.settle(lease, { chunks: 2 })
  expect((await renewed.heard('settled')).acks[0]![2]).toBe('committed')
  expect(await reader.over()).toMatchObject({ text: 'one two', isDone: true, error: null })
  renewed.cut()
})

test('nobody but the instance that holds a lease can take it up, whatever it presents', async () => {
  const live = liveHub({ resumeWindowMs: 60_000 })
  const holder = await joinRaw(live, { instance: 'holder', credits: 1 })
  const response = ask(live, true)
  const { task, attempt, nonce } = await holder.heard('task')
  holder.chunk({ task, attempt }, 0, 0, contentLine('one '))
  const reader = new StreamReader(await response)
  await reader.content()
  holder.cut()
  await until('the loss to be noticed', () => live.hub.engine.scouts().length === 0)

  const wrongNonce = new Uint8Array(nonce).fill(7)
  const cases: [instance: string, held: [number, number, Uint8Array]][] = [
    ['thief', [task, attempt, nonce]],
    ['holder', [task, attempt, wrongNonce]],
    ['holder', [task, attempt + 1, nonce]],
    ['holder', [task + 1, attempt, nonce]],
  ]
  for (const [instance, held] of cases) {
    const scout = await dialRaw(live)
    scout.hello({ instance, held: [held] })
    expect((await scout.heard('welcome')).held).toEqual([[held[0], held[1], 'stale', 0]])
    scout.cut()
    await until('it to be gone', () => live.hub.engine.scouts().length === 0)
  }
  const back = await dialRaw(live)
  back.hello({ instance: 'holder', held: [[task, attempt, nonce]] })
  expect((await back.heard('welcome')).held).toEqual([[task, attempt, 'resumed', 1]])
  back.chunk({ task, attempt }, 1, contentLine('one ').length, contentLine('two') + finishLine)
  back.settle({ task, attempt, nonce }, { chunks: 2 })
  expect(await reader.over()).toMatchObject({ text: 'one two', isDone: true })
  back.cut()
})
