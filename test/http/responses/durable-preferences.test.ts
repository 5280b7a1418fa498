/** Whom a durable response prefers: kept with its task, and several models become one node that asks in turn. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ModelListing } from '../../../orchestrator/engine/ports/client.ts'
import { fault } from '../../../shared/faults.ts'
import { durableTriesMax } from '../../../shared/limits/intents.ts'
import { startEdge, type TestEdge } from '../../support/hub/client-edge.ts'

let edge: TestEdge
beforeEach(() => {
  edge = startEdge()
  edge.engine.modelListings = ['m', 'n', 'o'].map((id) => ({ ...listing, id }))
})
afterEach(() => edge.hub.stop())

const listing: ModelListing = {
  ...{ id: 'm', kinds: ['chat'], scouts: 1, idle: 1, providers: ['groq', 'vllm'], contextTokens: 0, abilities: 0 },
  ...{ about: '', promptPrice: null, answerPrice: null, speed: null, created: 0 },
}
const asked = { model: 'm', input: 'hi', background: true }

async function taskOf(more: object) {
  const response = await edge.post('/v1/responses', { ...asked, ...more })
  expect([response.status, await response.text()]).toEqual([200, expect.any(String)])
  const { tasks } = edge.intents.all.at(-1)!.submission.plan
  expect(tasks).toHaveLength(1)
  return tasks[0]!
}

interface Spec {
  type: string
  request: object
  tries: { model: string; terms: object }[]
}

async function triesOf(more: object) {
  const { control } = await taskOf(more)
  return (control as Spec).tries.map(({ model, terms }) => [model, terms])
}

describe('one model', () => {
  test('keeps its preferences with its task', async () => {
    const { model, request, ...terms } = await taskOf({
      model: 'm:floor',
      provider: { only: ['groq'], max_price: { prompt: 1 } },
      chasm: { ignore: ['ant'], max_attempts: 2 },
    })
    expect([model, JSON.parse(Buffer.from(request).toString())]).toEqual([
      'm',
      { model: 'm', messages: [{ role: 'user', content: 'hi' }] },
    ])
    expect(terms).toMatchObject({
      attemptsMax: 2,
      requires: { promptPriceMax: 1_000_000 },
      routing: { sort: 'price', only: ['groq'], ignore: ['ant'] },
    })
  })

  test('without any is asked as ever', async () => {
    const { node, kind, needs, request: _, ...rest } = await taskOf({})
    expect([node, kind, needs, rest]).toEqual(['answer', 'chat', [], { model: 'm' }])
  })

  test('under an Idempotency-Key keeps them, too', async () => {
    const waiting = edge.post(
      '/v1/responses',
      { model: 'm:nitro', input: 'hi', stream: true },
      { headers: { 'idempotency-key': 'k' } },
    )
    const response = await waiting
    expect(edge.intents.all[0]!.submission.plan.tasks[0]).toMatchObject({ model: 'm', routing: { sort: 'throughput' } })
    await response.body!.cancel()
  })
})

describe('several models', () => {
  test('are asked in turn, each but the last with its share of the time', async () => {
    const chasm = { deadline_ms: 90_000 }
    expect(await triesOf({ models: ['n:floor', 'o'], chasm })).toEqual([
      ['m', { deadlineMs: 30_000 }],
      ['n', { deadlineMs: 30_000, routing: { sort: 'price' } }],
      ['o', {}],
    ])
  })

  test('as providers in an order', async () => {
    const provider = { order: ['vllm', 'groq'], allow_fallbacks: false }
    const tries = await triesOf({ provider, chasm: { deadline_ms: 10_000 } })
    expect(tries).toEqual([
      ['m', { deadlineMs: 5_000, routing: { only: ['vllm'] } }],
      ['m', { routing: { only: ['groq'] } }],
    ])
  })

  test('of which only one has somebody are that one', async () => {
    expect(await taskOf({ model: 'gone', models: ['n', 'lost'] })).toMatchObject({ model: 'n' })
  })

  test('of which none has somebody are refused as the first one would be', async () => {
    edge.engine.missing.set('gone', fault('model_not_found', 'Nobody offers it.', { param: 'model' }))
    expect((await edge.post('/v1/responses', { ...asked, model: 'gone', models: ['lost'] })).status).toBe(404)
  })

  test('are refused where they are too many with the providers of each', async () => {
    const models = Array.from({ length: 8 }, (_, at) => `m${at}`)
    const response = await edge.post('/v1/responses', { ...asked, models, provider: { order: ['a', 'b', 'c'] } })
    const { error } = (await response.json()) as { error: { param: string; message: string } }
    expect([response.status, error.param]).toEqual([400, 'models'])
    expect(error.message).toContain(`at most ${durableTriesMax}`)
  })
})
