import { afterAll, beforeAll, expect, test } from 'vitest'
import { DemoProvider, type DemoSettings, demoDefaults } from '../../../scout/providers/demo/demo.ts'
import { realSystem } from '../../../shared/system.ts'
import { hashOf, StreamReader } from '../../support/clients/stream-reader.ts'
import { until } from '../../support/clocks/until.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import { collector, type Json } from '../../support/providers/provider-calls.ts'

const streams = 200
const links = 20
const processes = 4
const concurrency = 10

/** The same for every scout, so that it does not matter which one answers. */
const knobs: DemoSettings = { ...demoDefaults, models: ['m'], firstTokenMs: 0, tokensPerSecond: 400, tokens: 300 }
const reference = new DemoProvider({ ...knobs, tokensPerSecond: 0 }, realSystem())

const live = new LiveHub()

beforeAll(async () => {
  const inProcess = Array.from({ length: links - processes }, (_, i) =>
    live.addScout({ name: `in-${i}`, concurrency, demo: { ...knobs, tokensPerSecond: i % 2 === 0 ? 0 : 400 } }),
  )
  const env = {
    SCOUT_CONCURRENCY: String(concurrency),
    DEMO_MODELS: 'm',
    DEMO_FIRST_TOKEN_MS: '0',
    DEMO_TOKENS_PER_SECOND: '400',
    DEMO_TOKENS: String(knobs.tokens),
  }
  const own = Array.from({ length: processes }, (_, i) => live.spawnScout(`own-${i}`, env))
  await Promise.all([...inProcess, ...own])
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

test('200 streams at once through 20 links: every byte in order, none lost, none doubled', async () => {
  const bodies = Array.from({ length: streams }, (_, i) => requestOf(i))
  const readers = await Promise.all(
    bodies.map(async (body) => new StreamReader(await live.post('/v1/chat/completions', body))),
  )
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
  await expectConservation()
  const { done = 0, cancelled = 0 } = live.hub.engine.stats().tasksFinished
  // Whoever answers at full speed may be through before the client has left.
  expect(done - doneBefore + cancelled - cancelledBefore).toBe(streams)
  expect(cancelled).toBeGreaterThan(cancelledBefore)
})
