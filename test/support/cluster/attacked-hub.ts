/**
 * A real hub with a scout and a client of its own, and a hub that the test plays beside it in a network of two: what an
 * attack has to leave as it was. The attacker says that it is here again and again.
 */
import OpenAI from 'openai'
import { expect, onTestFinished } from 'vitest'
import { prefixOf } from '../../../orchestrator/cluster/membership.ts'
import { realSystem, type System } from '../../../shared/system.ts'
import { until } from '../clocks/until.ts'
import { LiveHub } from '../hub/live-hub.ts'
import { ScriptedProvider } from '../providers/scripted-provider.ts'
import { FalseHub } from './false-hub.ts'
import { openedNetwork } from './hub-network.ts'
import { BusModel } from './model-bus.ts'
import { LogModel } from './model-log.ts'
import { networkOf, type TestHub, testHub } from './network.ts'

const system = realSystem()
const alpha = testHub('alpha', 1)
export const beta = testHub('beta', 2)
const pair = networkOf([alpha, beta])
export const prefix = prefixOf(pair)
const messages = [{ role: 'user' as const, content: 'hello' }]
/** How its own scout answers. */
export const whole = JSON.stringify({ choices: [{ index: 0, message: { role: 'assistant', content: 'hi' } }] })

/** A hub with a scout of its own for model `m`, and the attacker, who says that it is here again and again. */
export async function attacked(by: TestHub, ...models: string[]) {
  const buses = new BusModel(system)
  const logs = new LogModel(system)
  let frozenMs: number | null = null
  const freeze = () => {
    frozenMs = system.nowMs()
  }
  const clock: System = { ...system, nowMs: () => frozenMs ?? system.nowMs() }
  let lateMs = 0
  /** Draws come out the same each time, and what takes long does so by the test's word alone. */
  const ownClock: System = { ...system, random: () => 0.37, nowMs: () => system.nowMs() + lateMs }
  const connect = () => ({
    bus: buses.connect(),
    shared: logs.connect(),
    keys: logs.connect(),
    use: logs.connect(),
    ledger: logs.connect(),
  })
  const { network } = openedNetwork(alpha, pair, connect, clock)
  const live = new LiveHub({ network, system: ownClock })
  onTestFinished(() => live.close())
  const provider = new ScriptedProvider('scripted', ['m'])
  await live.addScout({ name: 'worker', providers: [provider] })
  const mallory = new FalseHub(system, buses, by, pair, prefix)
  await until('the attacker to hear of the hub', () => mallory.processOf('alpha') !== undefined)
  again(100, () => mallory.tell(...models))
  const { engine } = live.hub
  const client = new OpenAI({ baseURL: live.baseURL, apiKey: live.clientKey, maxRetries: 0 })
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
    await until('the hub to know of it', () => network.listing().hubs[1]!.state === 'here')
    mallory.open('alpha', offered)
    await until('its seat', () => seat() !== undefined)
  }
  /** It is served as a hub that asks. Resolves with its credits. */
  const asks = async () => {
    await until('the hub to serve it', () => mallory.isServed)
    mallory.welcome('alpha')
    await until('credits to have come', () => mallory.granted > 0)
    return mallory.granted
  }
  /** That much time has passed. */
  const passes = (ms: number) => {
    lateMs += ms
  }
  const dropped = () => network.listing().dropped
  return { live, network, engine, mallory, ask, goesOn, seat, open, asks, provider, freeze, passes, dropped }
}

/** Every so many milliseconds, until the test is over. */
export function again(everyMs: number, act: () => void): void {
  const timer = setInterval(act, everyMs)
  onTestFinished(() => clearInterval(timer))
}
