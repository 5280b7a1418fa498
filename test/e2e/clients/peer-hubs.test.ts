import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { NatsBus } from '../../../orchestrator/cluster/bus/nats-bus.ts'
import { keepChain } from '../../../orchestrator/cluster/hub-files.ts'
import type { Servers } from '../../../orchestrator/cluster/network.ts'
import { removing } from '../../../orchestrator/cluster/roster/proposal.ts'
import { realSystem } from '../../../shared/system.ts'
import { Conditions } from '../../support/clocks/conditions.ts'
import { until } from '../../support/clocks/until.ts'
import { type NetworkedHub, networkedHub, shares } from '../../support/cluster/hub-network.ts'
import { BusModel, type ModelBus, noTrouble } from '../../support/cluster/model-bus.ts'
import { LogModel } from '../../support/cluster/model-log.ts'
import { good, networkOf, signedByAll, testHub } from '../../support/cluster/network.ts'
import { findNats, NatsServer } from '../../support/cluster/programs/nats-server.ts'
import { installMsMax } from '../../support/machine/apt.ts'
import { ScriptedProvider } from '../../support/providers/scripted-provider.ts'

const found = await findNats()
const program = 'path' in found ? found.path : ''
const system = realSystem()
const [alpha, beta, gamma] = [testHub('alpha', 1), testHub('beta', 2), testHub('gamma', 3)]
const trio = networkOf([alpha, beta, gamma])
const messages = [{ role: 'user' as const, content: 'hello' }]

function clientOf({ live }: NetworkedHub): OpenAI {
  return new OpenAI({ baseURL: live.baseURL, apiKey: live.clientKey, maxRetries: 0 })
}

function served(answer: object): { scout: string; provider: string; model: string } {
  return (answer as { chasm: { scout: string; provider: string; model: string } }).chasm
}

describe.skipIf(program === '')(`over NATS${'reason' in found ? ` (skipped: ${found.reason})` : ''}`, () => {
  let servers: NatsServer[] = []
  beforeAll(async () => {
    servers = await NatsServer.cluster(program, 3)
  }, installMsMax)
  afterAll(() => Promise.all(servers.map((server) => server.remove())))

  function hubs(): [NetworkedHub, NetworkedHub, NetworkedHub] {
    const logs = new LogModel(system)
    const connect = (at: number) => (name: string) => {
      const bus = new NatsBus({ system, servers: [servers[at]!.address], isSecure: false, name, login: null })
      return { bus, shared: logs.connect(), keys: logs.connect(), use: logs.connect(), ledger: logs.connect() }
    }
    return [alpha, beta, gamma].map((hub, at) => networkedHub(hub, trio, connect(at))) as ReturnType<typeof hubs>
  }

  test('a client of one hub is answered by a scout of another one, whole, streamed and as vectors', async () => {
    const [a, b] = hubs()
    await b.live.addScout({ name: 'worker', demo: { tokens: 40 } })
    await shares(a, b, 'demo-small')
    const client = clientOf(a)
    const models = (await client.models.list()).data.map(({ id }) => id)
    expect(models).toEqual(expect.arrayContaining(['demo-small', 'demo-large', 'demo-embed']))
    const whole = await client.chat.completions.create({ model: 'demo-small', messages, seed: 1 })
    expect(served(whole)).toMatchObject({ scout: 'hub:beta/beta', provider: 'demo', model: 'demo-small' })
    const stream = await client.chat.completions.create({
      ...{ model: 'demo-small', messages, seed: 1, stream: true },
      stream_options: { include_usage: true },
    })
    let text = ''
    let usage: unknown = null
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      usage = chunk.usage ?? usage
    }
    const atHome = await clientOf(b).chat.completions.create({ model: 'demo-small', messages, seed: 1 })
    expect(text).toBe(atHome.choices[0]!.message.content)
    expect(usage).toEqual(atHome.usage)
    const vectors = await client.embeddings.create({ model: 'demo-embed', input: ['one', 'two'] })
    expect(vectors.data).toHaveLength(2)
    // Both hubs have booked it: the one for its client, the other for the hub that asked.
    const totals = b.live.hub.engine.stats().tasksFinished
    expect(totals.done).toBe(4)
  })

  test('a task travels one hop: who only knows a model from another hub offers it to nobody', async () => {
    const [a, b, c] = hubs()
    await c.live.addScout({ name: 'worker' })
    await Promise.all([shares(a, c, 'demo-small'), shares(b, c, 'demo-small')])
    const operators = a.live.hub.engine.scouts().map(({ operator }) => operator)
    expect(operators).toEqual(['hub:gamma'])
    expect(b.live.hub.engine.localFleet()).toMatchObject({ scouts: 0, models: [] })
  })
})

describe('over a bus that the test holds', () => {
  function pair(): { a: NetworkedHub; b: NetworkedHub; buses: Map<string, ModelBus>; model: BusModel } {
    const model = new BusModel(system)
    const buses = new Map<string, ModelBus>()
    const logs = new LogModel(system)
    const connect = (name: string): Servers => {
      const bus = model.connect()
      buses.set(name, bus)
      return { bus, shared: logs.connect(), keys: logs.connect(), use: logs.connect(), ledger: logs.connect() }
    }
    return { a: networkedHub(alpha, trio, connect), b: networkedHub(beta, trio, connect), buses, model }
  }

  async function scripted() {
    const provider = new ScriptedProvider('scripted', ['m'])
    const stage = pair()
    await stage.b.live.addScout({ name: 'worker', providers: [provider] })
    await shares(stage.a, stage.b, 'm')
    return { ...stage, provider }
  }

  const line = (content: string) => JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })
  const last = JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })

  test('a client that leaves ends the work at the other hub', async () => {
    const { a, b, provider } = await scripted()
    const abort = new AbortController()
    const asked = clientOf(a).chat.completions.create({ model: 'm', messages }, { signal: abort.signal })
    const call = await provider.call()
    abort.abort()
    await expect(asked).rejects.toThrow()
    await until('the scout of the other hub to stop', () => call.aborted)
    await until('the task to be over there', () => b.live.hub.engine.stats().tasksLeased === 0)
    await shares(a, b, 'm')
  })

  test('a hub that is cut off within a stream ends it with an error, and is used again when it is back', async () => {
    const { a, b, provider, buses } = await scripted()
    const stream = await begun(a, provider)
    await stream.call.line(line('one '))
    await stream.until('one ')
    buses.get('beta')!.cut(true)
    await expect(stream.rest()).rejects.toThrow()
    expect(stream.text()).toBe('one ')
    await until('the other hub to give the task up', () => stream.call.aborted)
    buses.get('beta')!.cut(false)
    await shares(a, b, 'm')
    const again = await begun(a, provider)
    await again.call.line(line('two '))
    await again.call.line(last)
    again.call.done()
    await again.rest()
    expect(again.text()).toBe('two ')
  })

  test('a message that is lost breaks the link and nothing else: what had not begun is done again', async () => {
    const { a, provider, model } = await scripted()
    const asked = clientOf(a).chat.completions.create({ model: 'm', messages })
    const first = await provider.call()
    model.trouble = { ...noTrouble, lost: 1 }
    const from = model.record.length
    first.done(JSON.stringify({ choices: [{ index: 0, message: { role: 'assistant', content: 'lost' } }] }))
    const isAnswer = ({ subject }: { subject: string }) => subject.endsWith('.to.alpha.beta')
    await until('the first answer to be lost', () => model.record.slice(from).some(isAnswer))
    model.trouble = noTrouble
    const second = await provider.call()
    second.done(JSON.stringify({ choices: [{ index: 0, message: { role: 'assistant', content: 'kept' } }] }))
    expect((await asked).choices[0]!.message.content).toBe('kept')
  })

  test('a hub that asked in the moment in which it was cut off has work done by the other one again', async () => {
    const { a, b, provider, buses } = await scripted()
    const alphas = buses.get('alpha')!
    alphas.cut(true)
    const asked = clientOf(a).chat.completions.create({ model: 'm', messages })
    await until('its link to be over', () => a.live.hub.engine.scouts().every(({ credits }) => credits === 0))
    // The other one has noticed nothing: it was told nothing, and has nothing to say.
    alphas.cut(false)
    await shares(a, b, 'm')
    const call = await provider.call()
    call.done(JSON.stringify({ choices: [{ index: 0, message: { role: 'assistant', content: 'kept' } }] }))
    expect((await asked).choices[0]!.message.content).toBe('kept')
  })

  test('a hub that is removed from the roster loses what it was doing, and gets nothing more', async () => {
    const { a, b, provider } = await scripted()
    const stream = await begun(a, provider)
    await stream.call.line(line('one '))
    await stream.until('one ')
    const without = good(trio.extended(signedByAll(good(removing(trio, 'beta')), [alpha, gamma]).next))
    expect(keepChain(a.dataDir, without)).toBeNull()
    await expect(stream.rest()).rejects.toThrow()
    expect(a.live.hub.engine.scouts()).toEqual([])
    await until('the hub that was removed to give the task up', () => b.live.hub.engine.stats().tasksLeased === 0)
  })

  test('a message that comes twice counts once', async () => {
    const { a, provider, model } = await scripted()
    model.trouble = { ...noTrouble, repeated: 1 }
    const stream = await begun(a, provider)
    for (const word of ['one ', 'two ', 'three']) await stream.call.line(line(word))
    await stream.call.line(last)
    stream.call.done()
    await stream.rest()
    expect(stream.text()).toBe('one two three')
    expect(provider.calls).toHaveLength(1)
  })

  test('requests and answers larger than a frame pass', async () => {
    const { a, provider } = await scripted()
    const long = 'x'.repeat(1_000_000)
    const asked = clientOf(a).chat.completions.create({ model: 'm', messages: [{ role: 'user', content: long }] })
    const call = await provider.call()
    expect(Buffer.from(call.request.body).includes(long)).toBe(true)
    const answer = { choices: [{ index: 0, message: { role: 'assistant', content: long } }] }
    call.done(JSON.stringify(answer))
    expect((await asked).choices[0]!.message.content).toBe(long)
  })

  /** A stream that has reached the provider. */
  async function begun(hub: NetworkedHub, provider: ScriptedProvider) {
    const changes = new Conditions()
    let text = ''
    const opened = clientOf(hub).chat.completions.create({ model: 'm', messages, stream: true })
    const call = await provider.call()
    const read = opened.then(async (stream) => {
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? ''
        changes.changed()
      }
    })
    read.catch(() => {})
    const reached = async (wanted: string) => void (await changes.until(wanted, () => text === wanted))
    return { call, text: () => text, rest: () => read, until: reached }
  }
})
