import { expect, onTestFinished, test } from 'vitest'
import { fragmentBytes, fragmentStretchBytes, silenceMs } from '../../../shared/limits/wire.ts'
import { heldSystem } from '../../support/clocks/held-system.ts'
import { until } from '../../support/clocks/until.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import { TcpProxy } from '../../support/machine/tcp-proxy.ts'
import { CountingProvider } from '../../support/providers/counting-provider.ts'
import type { Json } from '../../support/providers/provider-calls.ts'
import { ScriptedProvider } from '../../support/providers/scripted-provider.ts'
import { dialRaw } from '../../support/scout/raw-scout.ts'

const largeBytes = 2 * 1024 * 1024
const bytesPerSecond = 1024 * 1024
/**
 * The hub's time goes on with what the line has carried, and only then: on a machine of any speed a body takes 40 s of
 * it, which is longer than the hub would put up with silence.
 */
const msPerByte = 40_000 / largeBytes

async function slowSite(slow: 'up' | 'down') {
  const clock = heldSystem()
  const live = new LiveHub({ system: clock })
  onTestFinished(() => live.close())
  const proxy = await TcpProxy.open(live.hub.port)
  onTestFinished(() => proxy.close())
  proxy.bytesPerSecond[slow] = bytesPerSecond
  let carriedBytes = 0
  proxy.carried = (bytes) => {
    carriedBytes += bytes
    clock.advance(bytes * msPerByte)
  }
  /** Nothing moves the hub's time any more once a body is carried, and what works in turns may rest between them. */
  const finished = async <T>(work: Promise<T>): Promise<T> => {
    await until('a body to be carried', () => carriedBytes >= largeBytes)
    return clock.drive(work)
  }
  return { live, proxy, finished }
}

function ask(live: LiveHub): Promise<Response> {
  const messages = [
    { role: 'system', content: 'x'.repeat(largeBytes) },
    { role: 'user', content: 'short' },
  ]
  return live.post('/v1/chat/completions', { model: 'm', messages })
}

test('a scout is not given up while a large prompt takes longer than the hub tolerates silence', async () => {
  const { live, proxy, finished } = await slowSite('down')
  expect(largeBytes * msPerByte).toBeGreaterThan(silenceMs)
  const provider = new CountingProvider({ models: ['m'] })
  await live.addScout({ name: 'slow', providers: [provider], url: proxy.url })
  const response = await finished(ask(live))
  expect(response.status).toBe(200)
  expect(((await response.json()) as Json).chasm.attempts).toBe(1)
  expect(provider.asked).toEqual(['m'])
  expect(proxy.connections).toBe(1)
  expect(live.hub.engine.scouts()).toMatchObject([{ done: 1, failed: 0 }])
})

test('pings and short tasks slip in between the fragments of a large one', async () => {
  const { live, proxy, finished } = await slowSite('down')
  const scout = await dialRaw(live, { url: proxy.url })
  scout.hello()
  await scout.heard('welcome')
  scout.send({ type: 'credit', count: 2 })
  const large = ask(live)
  await scout.heard('fragment')
  const small = live.post('/v1/chat/completions', { model: 'm', messages: [{ role: 'user', content: 'quick' }] })
  const fragments = Math.ceil(largeBytes / fragmentBytes)
  await scout.until('the whole prompt', () => scout.count('fragment') >= fragments)

  const kinds = scout.frames.map(({ type }) => type)
  const between = kinds.slice(kinds.indexOf('fragment'), kinds.lastIndexOf('fragment'))
  expect(between).toContain('task')
  const runs = between
    .join(' ')
    .split('ping')
    .map((run) => run.split('fragment').length - 1)
  expect(Math.max(...runs)).toBeLessThanOrEqual(fragmentStretchBytes / fragmentBytes)
  const whole = '{"choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}'
  for (const frame of scout.frames) if (frame.type === 'task') scout.settle(frame, {}, whole)
  expect((await finished(large)).status).toBe(200)
  expect((await finished(small)).status).toBe(200)
  expect(scout.closed).toBeNull()
  scout.cut()
})

test('a scout is not given up while a large answer comes in slowly, though its pongs wait behind it', async () => {
  const { live, proxy, finished } = await slowSite('up')
  const provider = new ScriptedProvider('scripted', ['m'])
  await live.addScout({ name: 'slow', providers: [provider], url: proxy.url })
  const response = live.post('/v1/chat/completions', { model: 'm', messages: [{ role: 'user', content: 'long?' }] })
  const call = await provider.call()
  const message = { role: 'assistant', content: 'x'.repeat(largeBytes) }
  call.done(JSON.stringify({ choices: [{ index: 0, message, finish_reason: 'stop' }] }))
  const answer = (await (await finished(response)).json()) as Json
  expect(answer.choices[0].message.content).toHaveLength(largeBytes)
  expect(proxy.connections).toBe(1)
})
