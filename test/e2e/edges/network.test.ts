/**
 * A hub of a brain and two edges in a network, over a bus that the test holds: its clients are answered by scouts of
 * another hub and the other way round, and keys of the other hub count at its edges.
 */
import { describe, expect, onTestFinished, test } from 'vitest'
import { openNetworkOver, type Servers } from '../../../orchestrator/cluster/network.ts'
import type { Edge } from '../../../orchestrator/edge/edge.ts'
import { memoryStore } from '../../../orchestrator/store/memory/store.ts'
import type { FrameOf } from '../../../shared/protocol/frames.ts'
import { realSystem } from '../../../shared/system.ts'
import { StreamReader } from '../../support/clients/stream-reader.ts'
import { until } from '../../support/clocks/until.ts'
import { type NetworkedHub, networkedHub } from '../../support/cluster/hub-network.ts'
import { BusModel, type ModelBus } from '../../support/cluster/model-bus.ts'
import { LogModel } from '../../support/cluster/model-log.ts'
import { folderOf, good, networkOf, testHub } from '../../support/cluster/network.ts'
import { EdgeHub } from '../../support/edges/edge-hub.ts'
import { deltaLine, finishLine, tail } from '../../support/hub/engine-bench.ts'
import { ScriptedProvider } from '../../support/providers/scripted-provider.ts'

const system = realSystem()
const [alpha, beta] = [testHub('alpha', 1), testHub('beta', 2)]
const duo = networkOf([alpha, beta])
const log = { info() {}, warn() {}, error() {} }
const messages = [{ role: 'user', content: 'Say something.' }]

interface Stage {
  /** Alpha, with edges. */
  hub: EdgeHub
  edges: [Edge, Edge]
  beta: NetworkedHub
  betaBus: ModelBus
}

async function stage(): Promise<Stage> {
  const model = new BusModel(system)
  const [intents, keys, others] = [new LogModel(system), new LogModel(system), new LogModel(system)]
  const buses: ModelBus[] = []
  const connect = (): Servers => {
    const bus = model.connect()
    buses.push(bus)
    return { bus, shared: intents.connect(), keys: keys.connect(), use: others.connect(), ledger: others.connect() }
  }
  const dataDir = folderOf(alpha, duo)
  const network = good(openNetworkOver(connect, { dataDir, roster: null }, { system, log, copies: memoryStore() }))
  const hub = new EdgeHub({ network, dataDir, config: { clusterServers: ['127.0.0.1:1'] } })
  onTestFinished(() => hub.close())
  const edges: [Edge, Edge] = [await hub.addEdge(), await hub.addEdge()]
  const other = networkedHub(beta, duo, connect)
  return { hub, edges, beta: other, betaBus: buses[1]! }
}

/** Resolves once alpha has credits of beta for this model. */
async function served({ hub }: Stage, model: string): Promise<void> {
  await until('alpha to have credits of beta', () =>
    hub.brain.engine.scouts().some(({ operator, credits, offers }) => {
      return operator === 'hub:beta' && credits > 0 && offers.some((offer) => offer.model === model)
    }),
  )
}

/** A scout of beta whose answers the test gives. */
async function withScripted() {
  const of = await stage()
  const provider = new ScriptedProvider('scripted', ['m'])
  await of.beta.live.addScout({ name: 'worker', providers: [provider] })
  await served(of, 'm')
  return { ...of, provider }
}

describe('a client at an edge', () => {
  test('is answered by a scout of another hub, whole, streamed and as vectors', async () => {
    const of = await stage()
    const { hub, edges, beta: other } = of
    await other.live.addScout({ name: 'worker' })
    await served(of, 'demo-small')
    for (const edge of edges) {
      const whole = await hub.post(edge, '/v1/chat/completions', { model: 'demo-small', messages })
      expect([whole.status, await whole.json()]).toMatchObject([200, { chasm: { scout: 'hub:beta/beta' } }])
      const asked = { model: 'demo-small', messages, stream: true }
      const stream = await new StreamReader(await hub.post(edge, '/v1/chat/completions', asked)).over()
      expect([stream.isDone, stream.text.length > 0]).toEqual([true, true])
    }
    const vectors = await hub.post(edges[0], '/v1/embeddings', { model: 'demo-embed', input: ['one', 'two'] })
    expect(((await vectors.json()) as { data: object[] }).data).toHaveLength(2)
    await until('no work to be left', () => hub.brain.engine.stats().tasksLeased === 0)
    expect(hub.brain.engine.stats().tasksFinished).toEqual({ done: 5 })
    const metrics = await (await fetch(`${edges[1].url}/metrics`)).text()
    expect(metrics).toMatch(/^chasm_hubs 1$/m)
  })

  test('sends and gets what is larger than a frame', async () => {
    const { hub, edges, provider } = await withScripted()
    const long = 'x'.repeat(1_000_000)
    const asked = hub.post(edges[0], '/v1/chat/completions', {
      model: 'm',
      messages: [{ role: 'user', content: long }],
    })
    const call = await provider.call()
    expect(Buffer.from(call.request.body).includes(long)).toBe(true)
    call.done(JSON.stringify({ choices: [{ index: 0, message: { role: 'assistant', content: long } }] }))
    const answer = (await (await asked).json()) as { choices: { message: { content: string } }[] }
    expect(answer.choices[0]!.message.content).toBe(long)
  })

  test('that leaves ends the work at the other hub', async () => {
    const { hub, edges, provider, beta: other } = await withScripted()
    const asked = hub.post(edges[0], '/v1/chat/completions', { model: 'm', messages, stream: true })
    const call = await provider.call()
    await call.line(deltaLine('so far'))
    const reader = (await asked).body!.getReader()
    await reader.read()
    await reader.cancel()
    await provider.aborted(call)
    await until('the task to be over there', () => other.live.hub.engine.stats().tasksLeased === 0)
  })

  test('has its stream ended when the other hub is cut off, and that one is used again when it is back', async () => {
    const of = await withScripted()
    const { hub, edges, provider, betaBus } = of
    const ask = () => hub.post(edges[1], '/v1/chat/completions', { model: 'm', messages, stream: true })
    const asked = ask()
    const call = await provider.call()
    await call.line(deltaLine('one'))
    const stream = await new StreamReader(await asked).content()
    betaBus.cut(true)
    expect((await stream.over()).error).toMatchObject({ code: 'scout_lost' })
    betaBus.cut(false)
    await served(of, 'm')
    const again = ask()
    const second = await provider.call()
    await second.line(deltaLine('two'))
    await second.line(finishLine)
    second.done(tail)
    expect((await new StreamReader(await again).over()).text).toBe('two')
  })
})

test('a client of another hub is answered by a scout at an edge, and leaves its work there', async () => {
  const of = await stage()
  const { hub, edges, beta: other } = of
  const provider = new ScriptedProvider('scripted', ['m'])
  await hub.addScout(edges[0], 'worker', provider)
  await until('beta to have credits of alpha', () =>
    other.live.hub.engine.scouts().some(({ operator, credits }) => operator === 'hub:alpha' && credits > 0),
  )
  const ask = (init: RequestInit = {}) =>
    other.live.post('/v1/chat/completions', { model: 'm', messages, stream: true }, init)
  const asked = ask()
  const call = await provider.call()
  await call.line(deltaLine('from an edge'))
  await call.line(finishLine)
  call.done(tail)
  const stream = await new StreamReader(await asked).over()
  expect([stream.text, stream.isDone]).toEqual(['from an edge', true])
  const leaving = new AbortController()
  const left = ask({ signal: leaving.signal })
  const cut = await provider.call()
  await cut.line(deltaLine('so far'))
  await new StreamReader(await left).content()
  leaving.abort()
  await provider.aborted(cut)
  await until('no work to be left', () => hub.brain.engine.stats().tasksLeased === 0)
})

describe('a key of another hub', () => {
  test('is good at every edge, and ends there with its streams when it is revoked where it was made', async () => {
    const { hub, edges, provider, beta: other } = await withScripted()
    const { key, row } = other.live.hub.keyring.issue('client', 'from beta')
    const authorization = `Bearer ${key}`
    const ask = (edge: Edge, stream = false) =>
      hub.post(edge, '/v1/chat/completions', { model: 'm', messages, stream, max_tokens: 1 }, { authorization })
    const unanswered = async (edge: Edge) =>
      (await hub.post(edge, '/v1/chat/completions', {}, { authorization })).status
    // A body without a model is refused as such once the key is known.
    for (const edge of edges) {
      let status = 0
      while (status !== 400) status = await unanswered(edge)
    }
    const streaming = ask(edges[0], true)
    const call = await provider.call()
    await call.line(deltaLine('so far'))
    const reader = await new StreamReader(await streaming).content()
    other.live.hub.keyring.revoke(row.id)
    expect((await reader.over()).error).toMatchObject({ code: 'invalid_api_key' })
    await provider.aborted(call)
    for (const edge of edges) {
      let status = 0
      while (status !== 401) status = await unanswered(edge)
    }
  })

  test('that nobody knows is unknown at an edge, and not only unknown so far', async () => {
    const { hub, edges } = await stage()
    const stranger = new EdgeHub()
    onTestFinished(() => stranger.close())
    const authorization = `Bearer ${stranger.clientKey}`
    const status = async () => (await hub.post(edges[0], '/v1/chat/completions', {}, { authorization })).status
    const seen = new Set<number>()
    for (let last = 0; last !== 401; ) {
      last = await status()
      seen.add(last)
    }
    expect([...seen].every((one) => one === 401 || one === 503)).toBe(true)
  })

  test('opens the door for a scout, which hears where else it may dial', async () => {
    const { hub, edges, beta: other } = await stage()
    const { key } = other.live.hub.keyring.issue('scout', 'of beta')
    await until('the edge to know the key', () => hub.brain.keyring.verify(key).ok)
    const welcome = Promise.withResolvers<FrameOf<'welcome'>>()
    await hub.addScout(edges[1], 'guest', undefined, { key, welcomed: welcome.resolve })
    expect((await welcome.promise).hubs).toEqual([[beta.url]])
  })
})
