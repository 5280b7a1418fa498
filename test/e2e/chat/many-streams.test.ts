import { afterAll, beforeAll, expect, test } from 'vitest'
import { DemoProvider, type DemoSettings, demoDefaults } from '../../../scout/providers/demo/demo.ts'
import type { ProviderAnswer } from '../../../scout/providers/provider.ts'
import { realSystem } from '../../../shared/system.ts'
import { hashOf, StreamReader } from '../../support/clients/stream-reader.ts'
import { until } from '../../support/clocks/until.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import { collector, type Json } from '../../support/providers/provider-calls.ts'
import { ScriptedProvider } from '../../support/providers/scripted-provider.ts'

const streams = 200
const processes = 4
const inThisProcess = 16
/** And one whose answer never ends. */
const links = processes + inThisProcess + 1
const concurrency = 10

/** The same for every scout, so that it does not matter which one answers. */
const knobs: DemoSettings = { ...demoDefaults, models: ['m'], firstTokenMs: 0, tokensPerSecond: 400, tokens: 300 }
const reference = new DemoProvider({ ...knobs, tokensPerSecond: 0 }, realSystem())

const live = new LiveHub()
const endless = new ScriptedProvider('endless', ['endless'])
/** Opens once all streams are given out, so that all are under way at once on a machine of any speed. */
let gate: Promise<void> = Promise.resolve()

class GatedProvider extends DemoProvider {
  override async answer(...asked: Parameters<DemoProvider['answer']>): Promise<ProviderAnswer> {
    await gate
    return super.answer(...asked)
  }
}

beforeAll(async () => {
  const inProcess = Array.from({ length: inThisProcess }, (_, i) => {
    const provider = new GatedProvider({ ...knobs, tokensPerSecond: i % 2 === 0 ? 0 : 400 }, realSystem())
    return live.addScout({ name: `in-${i}`, concurrency, providers: [provider] })
  })
  const env = {
    SCOUT_CONCURRENCY: String(concurrency),
    DEMO_MODELS: 'm',
    DEMO_FIRST_TOKEN_MS: '0',
    DEMO_TOKENS_PER_SECOND: '400',
    DEMO_TOKENS: String(knobs.tokens),
  }
  const own = Array.from({ length: processes }, (_, i) => live.spawnScout(`own-${i}`, env))
  const last = live.addScout({ name: 'endless', concurrency, providers: [endless] })
  await Promise.all([...inProcess, ...own, last])
})

afterAll(() => live.close())

/** Requests of many sizes: most are short, some travel to their scout in fragments. */
function requestOf(i: number): string {
  const padding = i % 10 === 0 ? 'x'.repeat(40_000 + 3_000 * i) : ''
  const messages = [
    { role: 'system', content: padding },
    { role: 'user', content: `question ${i} with ünïcode ${'🜁'.repeat(i % 7)}` },
  ]
  return JSON.stringify({ model: 'm', messages, stream: true, stream_options: { include_usage: true } })
}

/** What any of the scouts must say to this request. */
async function expected(body: string): Promise<{ hash: string; usage: Json }> {
  const request = { kind: 'chat' as const, model: 'm', stream: false, body: Buffer.from(body) }
  const { json } = await reference.answer(request, collector().writer, new AbortController().signal)
  const { choices, usage } = JSON.parse(json)
  return { hash: hashOf(choices[0].message.content), usage }
}

/** Everything that was lent out has come back. */
async function expectConservation(): Promise<void> {
  const { engine } = live.hub
  const isWhole = () => engine.scouts().every(({ credits, inFlight }) => credits === concurrency && inFlight === 0)
  await until('all credits to be back', isWhole)
  expect(engine.scouts()).toHaveLength(links)
  const creditsHeld = links * concurrency
  expect(engine.stats()).toMatchObject({ tasksQueued: 0, tasksLeased: 0, creditsHeld })
  const { tasks, wheel } = engine.core.state
  expect([tasks.size, wheel.armed]).toEqual([0, 0])
}

test('200 streams at once through 20 scouts: every byte in order, none lost, none doubled', async () => {
  const bodies = Array.from({ length: streams }, (_, i) => requestOf(i))
  const { promise, resolve } = Promise.withResolvers<void>()
  gate = promise
  const opened = bodies.map(async (body) => new StreamReader(await live.post('/v1/chat/completions', body)))
  await until('all to be given out', () => live.hub.engine.stats().attempts === streams)
  resolve()
  const readers = await Promise.all(opened)
  await Promise.all(readers.map((reader) => reader.over()))
  for (const [i, reader] of readers.entries()) {
    const wanted = await expected(bodies[i]!)
    expect(reader, `stream ${i}`).toMatchObject({ error: null, isDone: true, finishes: ['stop'] })
    expect(reader.hash, `stream ${i}`).toBe(wanted.hash)
    expect(reader.events.at(-1)!.usage, `stream ${i}`).toEqual(wanted.usage)
  }
  expect(new Set(readers.map(({ hash }) => hash)).size).toBe(streams)
  const served = new Set(readers.map(({ events }) => events[0]!.chasm.scout))
  expect(served.size).toBeGreaterThan(links / 2)
  await expectConservation()
  expect(live.hub.engine.stats()).toMatchObject({
    attempts: streams,
    tasksFinished: { done: streams },
    staleSettlements: 0,
  })
})

test('clients that leave in the middle leave nothing behind, and disturb nobody who stays', async () => {
  const before = live.hub.engine.stats().tasksFinished
  const [doneBefore, cancelledBefore] = [before.done ?? 0, before.cancelled ?? 0]
  const bodies = Array.from({ length: streams }, (_, i) => requestOf(streams + i))
  // Whoever answers at full speed may be through before its client has left; this one is not.
  const left = new AbortController()
  const asked = { model: 'endless', stream: true, messages: [{ role: 'user', content: 'go on' }] }
  const unread = live.post('/v1/chat/completions', asked, { signal: left.signal }).catch(() => null)
  const call = await endless.call()
  const all = bodies.map(async (body, i) => {
    const leaving = new AbortController()
    const signal = leaving.signal
    const response = await live.post('/v1/chat/completions', body, { signal })
    if (i % 4 !== 0) return new StreamReader(response).over()
    await response.body!.getReader().read()
    leaving.abort()
    return null
  })
  for (const [i, reader] of (await Promise.all(all)).entries()) {
    if (reader === null) continue
    expect(reader.error, `stream ${i}`).toBeNull()
    expect(reader.hash, `stream ${i}`).toBe((await expected(bodies[i]!)).hash)
  }
  left.abort()
  await endless.aborted(call)
  await unread
  await expectConservation()
  const { done = 0, cancelled = 0 } = live.hub.engine.stats().tasksFinished
  expect(done - doneBefore + cancelled - cancelledBefore).toBe(streams + 1)
  expect(cancelled).toBeGreaterThan(cancelledBefore)
})
