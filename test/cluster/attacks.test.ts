/**
 * Attacks on a real hub from its network, beside a client of its own whose requests go on: by whoever reaches the
 * servers between hubs and is no authority, and by an authority that lies. What is written into the logs that hubs
 * share has its attacks in `journal/life.test.ts` and `keys/key-sharing.test.ts`.
 */
import OpenAI from 'openai'
import { expect, onTestFinished, test } from 'vitest'
import { prefixOf } from '../../orchestrator/cluster/membership.ts'
import { batchBytes } from '../../orchestrator/cluster/sharing/batch.ts'
import { concurrencyMax, frameBytesMax } from '../../shared/limits/wire.ts'
import type { FrameOf } from '../../shared/protocol/frames.ts'
import { realSystem, type System } from '../../shared/system.ts'
import { until } from '../support/clocks/until.ts'
import { FalseHub } from '../support/cluster/false-hub.ts'
import { networkedHub } from '../support/cluster/hub-network.ts'
import { BusModel } from '../support/cluster/model-bus.ts'
import { LogModel } from '../support/cluster/model-log.ts'
import { networkOf, type TestHub, testHub } from '../support/cluster/network.ts'
import { ScriptedProvider } from '../support/providers/scripted-provider.ts'
import { bombs } from '../support/wire/bombs.ts'

const system = realSystem()
const [alpha, beta] = [testHub('alpha', 1), testHub('beta', 2)]
const pair = networkOf([alpha, beta])
const prefix = prefixOf(pair)
const messages = [{ role: 'user' as const, content: 'hello' }]
const whole = JSON.stringify({ choices: [{ index: 0, message: { role: 'assistant', content: 'hi' } }] })

/** A hub with a scout of its own for model `m`, and the attacker, who says that it is here again and again. */
async function attacked(by: TestHub, ...models: string[]) {
  const buses = new BusModel(system)
  const logs = new LogModel(system)
  let frozenMs: number | null = null
  const freeze = () => {
    frozenMs = system.nowMs()
  }
  const clock: System = { ...system, nowMs: () => frozenMs ?? system.nowMs() }
  const connect = () => ({ bus: buses.connect(), shared: logs.connect(), keys: logs.connect(), use: logs.connect() })
  const a = networkedHub(alpha, pair, connect, clock)
  const provider = new ScriptedProvider('scripted', ['m'])
  await a.live.addScout({ name: 'worker', providers: [provider] })
  const mallory = new FalseHub(system, buses, by, pair, prefix)
  await until('the attacker to hear of the hub', () => mallory.processOf('alpha') !== undefined)
  again(50, () => mallory.tell(...models))
  const { engine } = a.live.hub
  const client = new OpenAI({ baseURL: a.live.baseURL, apiKey: a.live.clientKey, maxRetries: 0 })
  const ask = (model: string) => client.chat.completions.create({ model, messages })
  /** A request of the hub's own client is answered by its own scout. */
  const goesOn = async () => {
    const asked = ask('m')
    const call = await provider.call()
    call.done(whole)
    expect((await asked).choices[0]!.message.content).toBe('hi')
  }
  const seat = () => engine.scouts().find(({ operator }) => operator === 'hub:beta')
  /** A link with these models. */
  const open = async (...offered: string[]) => {
    await until('the hub to know of it', () => a.network.listing().hubs[1]!.state === 'here')
    mallory.open('alpha', offered)
    await until('its seat', () => seat() !== undefined)
  }
  return { a, engine, mallory, ask, goesOn, seat, open, provider, freeze, dropped: () => a.network.listing().dropped }
}

/** Every so many milliseconds, until the test is over. */
function again(everyMs: number, act: () => void): void {
  const timer = setInterval(act, everyMs)
  onTestFinished(() => clearInterval(timer))
}

test('who is no authority is nobody: not as a hub, a scout, a client or a reader, whatever its name', async () => {
  for (const by of [testHub('mallory', 66), { ...testHub('beta', 66), name: 'beta' }]) {
    const { a, engine, mallory, goesOn, dropped } = await attacked(by, 'm', 'n')
    const to = mallory.processOf('alpha')!
    mallory.open('alpha', ['m', 'n'])
    mallory.send('alpha', { type: 'credit', count: 4_000 })
    const asks = batchBytes({ from: 'asks', link: 1, seq: 0, isLast: false, frames: [Uint8Array.of(1)] })
    mallory.say(to, `${prefix}.to.alpha.${by.name}`, asks)
    for (const word of ['wish', 'done', 'follow', 'lines']) {
      const payload = Buffer.from(JSON.stringify({ number: 1, act: 'cancel', intent: 'int_1', viewer: null }))
      mallory.say(to, `${prefix}.${word}.alpha`, payload)
    }
    mallory.say(null, `${prefix}.roster`, Buffer.from('[]'))
    const counted = () => Object.values(dropped()).reduce((sum, some) => sum + some, 0)
    await until('all of it to have come', () => counted() >= 8)
    expect(dropped()).toMatchObject(by.name === 'beta' ? { stranger: 0 } : { forged: 0 })
    expect(a.network.listing().hubs.map(({ name, state }) => [name, state])).toEqual([
      ['alpha', 'here'],
      ['beta', 'unheard'],
    ])
    expect(engine.models().map(({ id }) => id)).toEqual(['m'])
    await goesOn()
  }
})

test('an authority that sends bombs over its link loses that each time, and harms nobody', async () => {
  const { mallory, goesOn, seat, open } = await attacked(beta, 'n')
  // What is no batch of frames between hubs at all never comes as far.
  const fitting = Object.values(bombs).filter(({ length }) => length > 0 && length <= frameBytesMax)
  expect(fitting.length).toBeGreaterThan(40)
  for (const bomb of fitting) {
    await open('n')
    mallory.sendRaw('alpha', bomb)
    await until('the link to be over', () => mallory.isEnded && seat() === undefined)
  }
  await goesOn()
})

test('an authority that floods its link loses that, and harms nobody', async () => {
  const { mallory, goesOn, seat, open, freeze } = await attacked(beta, 'n')
  await open('n')
  // A flood is one on a machine of any speed.
  freeze()
  const pongs = Array.from({ length: 100 }, () => ({ type: 'pong' as const, ping: 0, running: 0 }))
  for (let message = 0; message < 2_000 && !mallory.isEnded; message++) {
    mallory.send('alpha', ...pongs)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await until('the link to be over', () => seat() === undefined)
  await goesOn()
})

test('an authority that lies about credits and models gets bounded work, and little once it failed at it', async () => {
  const { mallory, ask, seat, provider, open } = await attacked(beta, 'm', 'n')
  await open('m', 'n')
  mallory.send('alpha', ...Array.from({ length: 2 }, () => ({ type: 'credit' as const, count: concurrencyMax })))
  await until('the link to be over', () => mallory.isEnded && seat() === undefined)
  await open('m', 'n')
  const welcome = mallory.heard.findLast(({ type }) => type === 'welcome') as FrameOf<'welcome'>
  mallory.send('alpha', { type: 'credit', count: welcome.creditMax })
  await until('credits to have come', () => (seat()?.credits ?? 0) > 0)
  let refusals = 0
  const refuse = () => {
    for (const frame of mallory.heard.splice(0)) {
      if (frame.type !== 'task') continue
      refusals++
      const { task, attempt, nonce } = frame
      const why = { fault: 'provider_error', message: 'No.', param: '', retryAfterMs: 0, provider: 'x' }
      const how = { outcome: 'failed' as const, chunks: 0, credits: 1, size: 0, body: new Uint8Array(0) }
      mallory.send('alpha', { type: 'settle', task, attempt, nonce, ...why, ...how })
    }
  }
  const answer = () => {
    for (const call of provider.calls.splice(0)) call.done(whole)
  }
  again(5, refuse)
  again(5, answer)
  // It takes what only it offers, and does none of it.
  const failed = ask('n').catch(({ status }: { status?: number }) => status)
  expect(await failed).toBeGreaterThanOrEqual(500)
  expect(refusals).toBeGreaterThan(0)
  // What it offers as others do is done by them.
  refusals = 0
  for (let request = 0; request < 20; request++) expect((await ask('m')).choices[0]!.message.content).toBe('hi')
  expect(refusals).toBeLessThan(10)
})
