/**
 * A hub whose process stands still for 12 s of its time, as when its machine is moved: a hundred scouts, durable tasks
 * and chats are under way, and some of their answers come while nobody reads. Nobody is dropped, and nothing is given
 * out again. Its clock and the scouts' run faster than the real one, and the standstill is as much shorter.
 */
import { expect, onTestFinished, test } from 'vitest'
import { websocketDial } from '../../../scout/link/socket.ts'
import type { Log } from '../../../scout/log.ts'
import { Catalog } from '../../../scout/offers/catalog.ts'
import { Scout } from '../../../scout/process/scout.ts'
import type { AnswerWriter, Provider, ProviderAnswer, ProviderRequest } from '../../../scout/providers/provider.ts'
import { wakeGraceMs } from '../../../shared/limits/wire.ts'
import { scoutPath } from '../../../shared/protocol/frames.ts'
import { offerOf } from '../../../shared/task.ts'
import { IntentClient } from '../../support/clients/intent-client.ts'
import { hastySystem } from '../../support/clocks/hasty-system.ts'
import { until } from '../../support/clocks/until.ts'
import { HubProcess } from '../../support/machine/hub-process.ts'

const haste = 2
/** As long as no scout gives the hub up by itself, whenever it was pinged last; `bun bench standstill` takes 20 s. */
const standstillMs = 12_000
const scouts = 100
const intents = 100
const chats = 60
const system = hastySystem(haste)
const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }
const choice = { index: 0, finish_reason: 'stop' }
const said = { role: 'assistant', content: 'hello' }

/** Answers once it is told to: those asked so far, or all from now on. */
class HeldProvider implements Provider {
  readonly name = 'held'
  asked = 0
  private readonly held: (() => void)[] = []
  private isOpen = false

  async discover() {
    return [offerOf({ kind: 'chat', model: 'm', provider: this.name })]
  }

  async answer({ stream }: ProviderRequest, writer: AnswerWriter): Promise<ProviderAnswer> {
    this.asked++
    if (!this.isOpen) await new Promise<void>((resolve) => this.held.push(resolve))
    if (!stream) return { json: JSON.stringify({ choices: [{ ...choice, message: said }] }) }
    await writer.line(JSON.stringify({ choices: [{ ...choice, delta: said }] }))
    return { json: '{"choices":[]}' }
  }

  release(count: number): void {
    for (const resolve of this.held.splice(0, count)) resolve()
  }

  open(): void {
    this.isOpen = true
    this.release(this.held.length)
  }
}

async function fleetOf(hub: HubProcess, provider: Provider) {
  const catalog = new Catalog(system, silent, [provider])
  await catalog.open()
  const fleet = { welcomes: 0 }
  const dial = websocketDial(hub.url.replace('http', 'ws') + scoutPath, hub.scoutKey, system)
  for (let at = 0; at < scouts; at++) {
    const ports = { system, dial, catalog, log: silent, stopped() {} }
    const scout = new Scout({ name: `s${at}`, concurrency: 2 }, { ...ports, welcomed: () => void fleet.welcomes++ })
    scout.start()
    onTestFinished(() => scout.drain('the test is over'))
  }
  onTestFinished(() => catalog.close())
  return fleet
}

test('a hub that stands still for 12 s drops nobody and gives nothing out again', { timeout: 120_000 }, async () => {
  const hub = await HubProcess.start(haste)
  const provider = new HeldProvider()
  const fleet = await fleetOf(hub, provider)
  await until('all scouts to be welcomed', () => fleet.welcomes === scouts)
  const client = new IntentClient(hub.url, hub.clientKey)
  const ids = await Promise.all(Array.from({ length: intents }, () => client.accepted({ input: 'hi', model: 'm' })))
  const chat = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }
  const answers = Array.from({ length: chats }, () => client.ask('POST', '/v1/chat/completions', chat))
  await until('everything to be under way', () => provider.asked === intents + chats)
  hub.signal('SIGSTOP')
  // Answers that nobody reads yet.
  provider.release((intents + chats) / 2)
  await Bun.sleep(standstillMs / haste)
  hub.signal('SIGCONT')
  await hub.count('chasm_attempts_total')
  // It is awake, and by the end of this has judged everybody.
  await Bun.sleep((2 * wakeGraceMs) / haste)
  expect(await hub.count('chasm_attempts_total')).toBe(intents + chats)
  expect(await hub.count('chasm_scouts')).toBe(scouts)
  provider.open()
  expect((await Promise.all(answers)).filter(({ status }) => status !== 200)).toEqual([])
  for (const id of ids) expect(await client.done(id)).toMatchObject({ state: 'done' })
  expect([fleet.welcomes, provider.asked]).toEqual([scouts, intents + chats])
})
