/**
 * An authority that lies within the protocol: about its credits, its models, its prices and its speed, and one that
 * takes whatever it is granted. What it gets is bounded, what it does badly it soon gets no more, and whoever else is
 * there notices nothing.
 */
import { describe, expect, onTestFinished, test } from 'vitest'
import { prefixOf } from '../../orchestrator/cluster/membership.ts'
import { openNetworkOver } from '../../orchestrator/cluster/network.ts'
import type { Answer } from '../../orchestrator/engine/ports/client.ts'
import { memoryStore } from '../../orchestrator/store/memory/store.ts'
import { capacityShareOfPeers } from '../../shared/limits/cluster/sharing.ts'
import { modelsPerOwnerMax } from '../../shared/limits/scheduling.ts'
import { concurrencyMax, offersMax } from '../../shared/limits/wire.ts'
import type { FrameOf } from '../../shared/protocol/frames.ts'
import { offerOf } from '../../shared/task.ts'
import { ManualSystem } from '../support/clocks/manual-system.ts'
import { until } from '../support/clocks/until.ts'
import { again, attacked, beta, whole } from '../support/cluster/attacked-hub.ts'
import { FalseHub } from '../support/cluster/false-hub.ts'
import { BusModel } from '../support/cluster/model-bus.ts'
import { LogModel } from '../support/cluster/model-log.ts'
import { folderOf, good, networkOf, testHub } from '../support/cluster/network.ts'
import { ScriptedProvider } from '../support/providers/scripted-provider.ts'

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

test('an authority that lies about what its work costs is avoided once it has done some', async () => {
  const { mallory, ask, passes, provider, open, seat } = await attacked(beta, 'm')
  await open('m')
  mallory.send('alpha', { type: 'credit', count: 100 })
  await until('credits to have come', () => (seat()?.credits ?? 0) > 0)
  /** As many tokens as nobody can have written, in no time as it says itself. */
  const usage = { prompt_tokens: 1_000_000, completion_tokens: 1_000_000, total_tokens: 2_000_000 }
  const boasting = Buffer.from(JSON.stringify({ ...JSON.parse(whole), usage }))
  again(1, () => {
    for (const call of provider.calls.splice(0)) {
      passes(usualMs)
      call.done(whole)
    }
    for (const frame of mallory.heard.splice(0)) {
      if (frame.type !== 'task') continue
      passes(slowMs)
      const { task, attempt, nonce } = frame
      const why = { fault: '', message: '', param: '', retryAfterMs: 0, provider: 'x' }
      const how = { outcome: 'done' as const, chunks: 0, credits: 1, size: boasting.length, body: boasting }
      mallory.send('alpha', { type: 'settle', task, attempt, nonce, ...why, ...how })
    }
  })
  const served: string[] = []
  for (let request = 0; request < 40; request++) {
    const { chasm } = (await ask('m')) as unknown as { chasm: { scout: string } }
    served.push(chasm.scout)
  }
  const byIt = (part: string[]) => part.filter((scout) => scout.startsWith('hub:beta/')).length
  // It looked as good as any at first, and cheaper.
  expect(byIt(served.slice(0, 10))).toBeGreaterThan(0)
  expect(byIt(served.slice(10))).toBeLessThan(5)
})

test('an authority that claims all models there could be leaves those of others, and of who comes later', async () => {
  const { live, engine, mallory, goesOn, open } = await attacked(beta)
  await open('m')
  const known = () => engine.models().map(({ id }) => id)
  const lists = (2 * modelsPerOwnerMax) / offersMax
  for (let list = 0; list < lists; list++) {
    const offers = Array.from({ length: offersMax }, (_, at): FrameOf<'offers'>['offers'][number] => {
      return ['chat', `claimed-${list}-${at}`, 'x', 0, 0, 0, 0, '']
    })
    mallory.send('alpha', { type: 'offers', concurrency: concurrencyMax, offers })
    await until('it to have been heard', () => !known().includes(`claimed-${list - 1}-0`))
    expect(known().length).toBeLessThanOrEqual(offersMax + 1)
  }
  await live.addScout({ name: 'late', providers: [new ScriptedProvider('scripted', ['late'])] })
  await until('the model of the newcomer', () => known().includes('late'))
  expect(known()).toContain('m')
  await goesOn()
})

describe('authorities whose work never ends', () => {
  const [alpha, gamma] = [testHub('alpha', 1), testHub('gamma', 3)]

  /** A hub whose scouts can do so much at once, in a network with these, which take all that they are granted. */
  function beset(concurrency: number, ...greedy: (typeof alpha)[]) {
    const system = new ManualSystem()
    const buses = new BusModel(system)
    const logs = new LogModel(system)
    const chain = networkOf([alpha, ...greedy])
    const servers = {
      bus: buses.connect(),
      shared: logs.connect(),
      keys: logs.connect(),
      use: logs.connect(),
      ledger: logs.connect(),
    }
    const parts = { system, log: { info() {}, warn() {}, error() {} }, copies: memoryStore() }
    const network = good(openNetworkOver(() => servers, { dataDir: folderOf(alpha, chain), roster: null }, parts))
    onTestFinished(() => network.stop())
    let taken = 0
    const models = [{ offer: offerOf({ kind: 'chat', model: 'm', provider: 'x' }), scouts: 1, idle: 1 }]
    network.start({
      localFleet: () => {
        const credits = Math.max(0, concurrency - taken)
        return { scouts: 1, concurrency, credits, running: taken, queued: 0, intents: 0, models }
      },
      submit: () => {
        taken++
        return endless
      },
      openPeer: () => ({ receive() {}, closed() {} }),
    })
    const hubs = greedy.map((hub) => new FalseHub(system, buses, hub, chain, prefixOf(chain)))
    for (let second = 0; second < 60; second++) {
      for (const hub of hubs) {
        hub.tell()
        if (!hub.isServed) continue
        if (hub.granted === 0) hub.welcome('alpha')
        hub.useAll('alpha', 'm')
        // A link on which nothing comes is ended, and what came over it is given up.
        hub.ask('alpha', { type: 'ping', ping: second, acks: [] })
      }
      system.pass(1_000)
    }
    return { taken, isServed: hubs.map(({ isServed }) => isServed) }
  }

  test.each([
    ['one', 4, [beta], Math.floor(4 * capacityShareOfPeers)],
    ['two', 4, [beta, gamma], Math.floor(4 * capacityShareOfPeers)],
    ['one', 100, [beta], Math.floor(100 * capacityShareOfPeers)],
    ['two, where there is little', 1, [beta, gamma], 2],
  ])('have a share of the scouts at once, and the rest is for own clients: %s, %i', (_, concurrency, greedy, most) => {
    const { taken, isServed } = beset(concurrency, ...greedy)
    expect(isServed).toEqual(greedy.map(() => true))
    expect(taken).toBe(most)
  })
})

/** What scouts here take: more than is expected of a hub that nobody knows; and what this one takes. */
const usualMs = 700
const slowMs = 2_000

/** An answer of which nothing ever comes. */
const endless: Answer = {
  ...{ id: 'chatcmpl-1', created: 0, served: null, attempts: 1, queuedMs: 0 },
  ...{ cost: null, trust: null, microDollars: null },
  position: () => null,
  take: () => null,
  onReadable() {},
  abandon() {},
}
