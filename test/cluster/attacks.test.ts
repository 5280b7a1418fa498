/**
 * Attacks on a real hub from its network, beside a client of its own whose requests go on: by whoever reaches the
 * servers between hubs and is no authority, and by an authority that breaks the protocol; `lies.test.ts` has what one
 * says within it. What is written into the logs that hubs share has its attacks in `journal/life.test.ts` and
 * `keys/key-sharing.test.ts`.
 */
import { expect, test } from 'vitest'
import { batchBytes } from '../../orchestrator/cluster/sharing/batch.ts'
import { summariesPerSecondMax } from '../../shared/limits/cluster/presence.ts'
import { linkAskedFramesPerSecond } from '../../shared/limits/cluster/sharing.ts'
import { frameBytesMax } from '../../shared/limits/wire.ts'
import { until } from '../support/clocks/until.ts'
import { attacked, beta, prefix } from '../support/cluster/attacked-hub.ts'
import { testHub } from '../support/cluster/network.ts'
import { bombs } from '../support/wire/bombs.ts'

test('who is no authority is nobody: not as a hub, a scout, a client or a reader, whatever its name', async () => {
  for (const by of [testHub('mallory', 66), { ...testHub('beta', 66), name: 'beta' }]) {
    const { network, engine, mallory, goesOn, dropped } = await attacked(by, 'm', 'n')
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
    expect(network.listing().hubs.map(({ name, state }) => [name, state])).toEqual([
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

test('an authority that floods with word of itself is read a few times a second, and harms nobody', async () => {
  const { network, mallory, goesOn, freeze } = await attacked(beta)
  await until('the hub to know of it', () => network.listing().hubs[1]!.state === 'here')
  freeze()
  for (let word = 1; word <= 1_000; word++) mallory.claim({ credits: word })
  await goesOn()
  expect(network.listing().hubs[1]!.credits).toBeLessThanOrEqual(summariesPerSecondMax)
})

test('an authority that floods the hub that works for it loses the link, and harms nobody', async () => {
  const { mallory, goesOn, freeze, asks } = await attacked(beta)
  await asks()
  freeze()
  const pings = Array.from({ length: 200 }, (_, at) => ({ type: 'ping' as const, ping: at, acks: [] }))
  for (let sent = 0; sent <= linkAskedFramesPerSecond; sent += pings.length) mallory.ask('alpha', ...pings)
  await until('the link to be over', () => !mallory.isServed)
  await goesOn()
})

test('an authority that sends bombs to the hub that works for it loses the link each time', async () => {
  const { mallory, goesOn, asks } = await attacked(beta)
  const fitting = Object.values(bombs).filter(({ length }) => length > 0 && length <= frameBytesMax)
  for (const bomb of fitting.slice(0, 3)) {
    await asks()
    mallory.askRaw('alpha', bomb)
    await until('the link to be over', () => !mallory.isServed)
  }
  await goesOn()
})

test('an authority that has more done than it was granted loses the link, and all of its work ends', async () => {
  const { mallory, goesOn, asks, provider, engine } = await attacked(beta)
  const granted = await asks()
  mallory.ask('alpha', ...Array.from({ length: granted + 1 }, () => mallory.task('m')))
  await until('the link to be over', () => !mallory.isServed)
  await until('its work to end', () => engine.stats().tasksLeased === 0)
  provider.calls.splice(0)
  await goesOn()
})
