/** A second scout is asked when the first one lets the client wait; the first content wins. */
import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../support/clocks/until.ts'
import { sdkOf } from '../../support/hub/client-stage.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import type { Json } from '../../support/providers/provider-calls.ts'
import { ScriptedProvider } from '../../support/providers/scripted-provider.ts'

const messages = [{ role: 'user' as const, content: 'hello' }]
const line = (text: string) =>
  JSON.stringify({ choices: [{ index: 0, delta: { content: text }, finish_reason: null }] })
const lastLine = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
const tail = '{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}'
const whole = '{"choices":[{"index":0,"message":{"role":"assistant","content":"fast"},"finish_reason":"stop"}]}'

/** A hub whose first scout says nothing, and what is booked of the answers. */
async function stage() {
  const live = new LiveHub()
  onTestFinished(() => live.close())
  const booked: Json[] = []
  const { journal } = live.hub.engine
  const lazily = journal.lazily.bind(journal)
  journal.lazily = (write) => {
    if (write.write === 'tally') booked.push(write.tally)
    lazily(write)
  }
  const [slow, fast] = [new ScriptedProvider('slow'), new ScriptedProvider('fast')]
  await live.addScout({ name: 'slow', providers: [slow] })
  return { live, booked, slow, fast }
}

test('of two scouts the one that begins first is heard, the other is stopped and not paid for', async () => {
  const { live, booked, slow, fast } = await stage()
  const chasm = { hedge_after_ms: 50, explain: true }
  const asked = sdkOf(live).chat.completions.create({ model: 'm', messages, stream: true, ...{ chasm } })
  const first = await slow.call()
  await live.addScout({ name: 'fast', providers: [fast] })
  const second = await fast.call()
  await second.line(line('from the '))
  await second.line(line('second'))
  await slow.aborted(first)
  await second.line(lastLine)
  second.done(tail)
  const chunks: Json[] = []
  for await (const chunk of await asked) chunks.push(chunk)
  expect(chunks.map(({ choices }) => choices[0].delta.content ?? '').join('')).toBe('from the second')
  expect(chunks[0]!.chasm).toMatchObject({ provider: 'fast', attempts: 2, cost_ms: { total: expect.any(Number) } })
  await until('both scouts to be free', () => live.hub.engine.scouts().every(({ inFlight }) => inFlight === 0))
  await until('the usage to be booked', () => booked.length > 0)
  expect(booked).toMatchObject([{ model: 'm', tasks: 1, promptTokens: 3, completionTokens: 2 }])
  const records = live.hub.engine.scouts().map(({ name, done, failed }) => [name, done, failed])
  expect(records).toEqual([
    ['slow', 0, 0],
    ['fast', 1, 0],
  ])
})

test('the first one wins when it begins after all, also of a whole answer', async () => {
  const { live, booked, slow, fast } = await stage()
  const asked = live.post('/v1/chat/completions', { model: 'm', messages, chasm: { hedge_after_ms: 50 } })
  const first = await slow.call()
  await live.addScout({ name: 'fast', providers: [fast] })
  const second = await fast.call()
  first.done(whole.replace('fast', 'slow'))
  const answer = (await (await asked).json()) as Json
  expect(answer).toMatchObject({ choices: [{ message: { content: 'slow' } }], chasm: { provider: 'slow' } })
  await fast.aborted(second)
  await until('the usage to be booked', () => booked.length > 0)
  expect(booked).toMatchObject([{ model: 'm', tasks: 1 }])
})

test('with 0 nobody else is asked, however long it takes', async () => {
  const { live, slow, fast } = await stage()
  await live.addScout({ name: 'fast', providers: [fast] })
  const ask = (chasm: object) => live.post('/v1/chat/completions', { model: 'm', messages, chasm })
  const patient = ask({ hedge_after_ms: 0, only: ['slow'] })
  const first = await slow.call()
  // Another request is hedged meanwhile: the hub has looked at its deadlines.
  const hurried = ask({ hedge_after_ms: 1, only: ['slow', 'fast'] })
  await until('both to work', () => slow.calls.length === 2 && fast.calls.length === 1)
  first.done(whole)
  expect(((await (await patient).json()) as Json).chasm).toMatchObject({ provider: 'slow', attempts: 1 })
  fast.calls[0]!.done(whole)
  await (await hurried).json()
})
