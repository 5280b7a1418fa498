/** `models`, `provider` and suffixes of names: what they ask of the engine, and what of them is refused by name. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ModelListing } from '../../../orchestrator/engine/ports/client.ts'
import { abilitiesOf } from '../../../shared/task.ts'
import { startEdge, type TestEdge } from '../../support/hub/client-edge.ts'

let edge: TestEdge
beforeEach(() => {
  edge = startEdge()
  edge.engine.script = (answer) => answer.serve().done()
})
afterEach(() => edge.hub.stop())

const chat = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }
const listing: ModelListing = {
  ...{ id: 'm', kinds: ['chat'], scouts: 1, idle: 1, providers: ['groq', 'vllm'], contextTokens: 0, abilities: 0 },
  ...{ about: '', promptPrice: null, answerPrice: null, speed: null, created: 0 },
}

async function submissionOf(more: object, path = '/v1/chat/completions', body: object = chat) {
  const response = await edge.post(path, { ...body, ...more })
  expect([response.status, await response.text()]).toEqual([200, expect.any(String)])
  const { model, routing, deadlineMs } = edge.engine.answers.at(-1)!.submission
  return { model, routing, ...(deadlineMs !== undefined && { deadlineMs }) }
}

describe('a request says whom it prefers', () => {
  const tools = [{ type: 'function', function: { name: 'f' } }]
  const picture = [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }] }]
  const sound = [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: '', format: 'wav' } }] }]
  const all = { require_parameters: true }
  const rows: [more: object, routing: object][] = [
    [{ provider: {} }, {}],
    [{ provider: { sort: 'price' } }, { sort: 'price' }],
    [{ provider: { only: ['groq'], ignore: ['vllm'] } }, { only: ['groq'], ignore: ['vllm'] }],
    [
      { provider: { max_price: { prompt: 0.5, completion: '1.25' } } },
      { requires: { promptPriceMax: 500_000, answerPriceMax: 1_250_000 } },
    ],
    [{ provider: { max_price: { prompt: 0 } } }, { requires: { promptPriceMax: 0 } }],
    [{ provider: { max_price: {} } }, {}],
    [{ provider: all }, {}],
    [{ provider: all, tools }, { requires: { abilities: abilitiesOf(['tools']) } }],
    [{ provider: all, response_format: { type: 'json_object' } }, { requires: { abilities: abilitiesOf(['json']) } }],
    [{ provider: all, messages: picture }, { requires: { abilities: abilitiesOf(['images']) } }],
    [
      { provider: all, messages: [...sound, ...picture] },
      { requires: { abilities: abilitiesOf(['images', 'audio']) } },
    ],
    [
      { provider: { ...all, max_price: { prompt: 1 } }, tools },
      { requires: { abilities: abilitiesOf(['tools']), promptPriceMax: 1_000_000 } },
    ],
    [{ provider: { require_parameters: false }, tools }, {}],
    [{ provider: { allow_fallbacks: true } }, {}],
    [{ provider: { allow_fallbacks: false } }, { attemptsMax: 1, hedgeAfterMs: 0 }],
    [{ provider: { sort: null, only: null, order: null, max_price: null } }, {}],
    [
      { provider: { sort: 'latency' }, chasm: { only: ['ant'], max_attempts: 2 } },
      { sort: 'latency', only: ['ant'], attemptsMax: 2 },
    ],
  ]
  test.each(rows)('%j', async (more, routing) => {
    expect(await submissionOf(more)).toEqual({ model: 'm', routing })
  })

  test('with a suffix of the model’s name', async () => {
    expect(await submissionOf({ model: 'acme/m:floor' })).toEqual({ model: 'acme/m', routing: { sort: 'price' } })
    expect(await submissionOf({ model: 'm:nitro' })).toEqual({ model: 'm', routing: { sort: 'throughput' } })
    expect(await submissionOf({ model: 'auto:floor' })).toEqual({ model: 'auto', routing: { sort: 'price' } })
    expect(await submissionOf({ model: 'm:floor', provider: { sort: 'price' } })).toMatchObject({ model: 'm' })
    for (const model of ['llama3.2:3b', 'm:free', 'm:FLOOR', 'floor', ':other']) {
      expect(await submissionOf({ model })).toEqual({ model, routing: undefined })
    }
  })

  test('and keeps its deadline', async () => {
    const asked = { provider: { sort: 'price' }, chasm: { deadline_ms: 7 } }
    expect(await submissionOf(asked)).toEqual({ model: 'm', routing: { sort: 'price' }, deadlineMs: 7 })
  })

  test('also of vectors, where only the prompt has a price', async () => {
    const provider = { only: ['groq'], max_price: { prompt: 1, completion: 1 } }
    expect(await submissionOf({ provider }, '/v1/embeddings', { model: 'm:floor', input: 'x' })).toEqual({
      model: 'm',
      routing: { only: ['groq'], requires: { promptPriceMax: 1_000_000 }, sort: 'price' },
    })
  })

  test('also of responses that are waited for', async () => {
    const asked = { model: 'm:nitro', provider: { only: ['groq'] } }
    expect(await submissionOf(asked, '/v1/responses', { input: 'hi', store: false })).toEqual({
      model: 'm',
      routing: { only: ['groq'], sort: 'throughput' },
    })
    const { body } = edge.engine.answers.at(-1)!.submission
    expect(Object.keys(JSON.parse(Buffer.from(body).toString()) as object)).not.toContain('provider')
  })

  test('in the body that goes on to the scout as it came', async () => {
    const sent = { ...chat, model: 'm:floor', models: ['m'], provider: { sort: 'price' } }
    await edge.post('/v1/chat/completions', sent)
    expect(JSON.parse(Buffer.from(edge.engine.answers[0]!.submission.body).toString())).toEqual(sent)
  })
})

/** The routes of other dialects that are made as chats. */
const routes: [path: string, body: object][] = [
  ['/v1/messages', { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] }],
  ['/v1/completions', { model: 'm', prompt: 'hi' }],
  ['/v1/responses', { model: 'm', input: 'hi', store: false }],
  ['/v1/responses', { model: 'm', input: 'hi', background: true }],
]

describe('a request of another dialect says it in the same way', () => {
  const whole = '{"choices":[{"index":0,"message":{"role":"assistant","content":"x"},"finish_reason":"stop"}]}'
  const interactive = routes.filter(([, body]) => !('background' in body))
  beforeEach(() => {
    edge.engine.script = (answer) => answer.serve().done(whole)
  })

  test.each(interactive)('%s', async (path, body) => {
    const asked = { model: 'm:nitro', provider: { only: ['groq'], max_price: { prompt: 0.1234567890123456 } } }
    expect(await submissionOf(asked, path, body)).toEqual({
      model: 'm',
      routing: { only: ['groq'], requires: { promptPriceMax: 123_457 }, sort: 'throughput' },
    })
  })

  test.each(interactive)('%s, with others in its place', async (path, body) => {
    edge.engine.modelListings = ['m', 'n'].map((id) => ({ ...listing, id }))
    edge.engine.script = ({ submission }) => {
      const answer = edge.engine.answers.at(-1)!
      if (submission.model === 'n') answer.serve({ scout: 'ant', provider: 'vllm', model: 'n' }).done(whole)
      else answer.fail({ code: 'provider_unavailable', message: 'It cannot be reached.' })
    }
    const response = await edge.post(path, { ...body, models: ['n'] })
    expect([response.status, ((await response.json()) as { model: string }).model]).toEqual([200, 'n'])
    expect(edge.engine.answers.map(({ submission }) => submission.model)).toEqual(['m', 'n'])
  })

  test('/v1/messages, for what its request needs', async () => {
    const tools = [{ name: 'f', input_schema: { type: 'object' } }]
    const asked = { provider: { require_parameters: true }, tools }
    expect(await submissionOf(asked, '/v1/messages', routes[0]![1])).toEqual({
      model: 'm',
      routing: { requires: { abilities: abilitiesOf(['tools']) } },
    })
    const { body } = edge.engine.answers[0]!.submission
    expect(Object.keys(JSON.parse(Buffer.from(body).toString()) as object)).not.toContain('provider')
  })
})

describe('providers in an order', () => {
  async function triedBy(provider: object, more: object = {}) {
    edge.engine.modelListings = [listing]
    edge.engine.script = (answer) => answer.fail({ code: 'provider_unavailable', message: 'It cannot be reached.' })
    expect((await edge.post('/v1/chat/completions', { ...chat, provider, ...more })).status).toBe(502)
    return edge.engine.answers.map(({ submission }) => submission.routing?.only ?? null)
  }

  test('are asked one by one, and then everybody', async () => {
    expect(await triedBy({ order: ['vllm', 'groq', 'vllm'] })).toEqual([['vllm'], ['groq'], null])
  })

  test('are the only ones where nobody else may be asked', async () => {
    expect(await triedBy({ order: ['vllm', 'groq'], allow_fallbacks: false })).toEqual([['vllm'], ['groq']])
  })

  test('are left out when they do not have the model', async () => {
    expect(await triedBy({ order: ['openai', 'groq'] })).toEqual([['groq'], null])
  })

  test('must be among those who may be asked at all', async () => {
    expect(await triedBy({ order: ['vllm', 'groq'], only: ['groq'] })).toEqual([['groq'], ['groq']])
  })
})

describe('a preference is refused by name', () => {
  const sorts = 'must be one of price, throughput, latency'
  const rows: [more: object, param: string, rule: string][] = [
    [{ provider: 'groq' }, 'provider', 'must be an object'],
    [{ provider: { data_collection: 'deny' } }, 'provider.data_collection', 'is not known here: remove it'],
    [{ provider: { quantizations: ['fp8'] } }, 'provider.quantizations', 'is not known here: remove it'],
    [{ provider: { sort: 'speed' } }, 'provider.sort', sorts],
    [{ provider: { sort: { by: 'price' } } }, 'provider.sort', sorts],
    [{ provider: { order: [] } }, 'provider.order', 'a list of 1 to 8 strings'],
    [{ provider: { order: Array.from({ length: 9 }, String) } }, 'provider.order', 'a list of 1 to 8 strings'],
    [{ provider: { only: [''] } }, 'provider.only[0]', '1 to 200 characters'],
    [{ provider: { max_price: { request: 1 } } }, 'provider.max_price.request', 'is not known here: remove it'],
    [{ provider: { max_price: { prompt: -1 } } }, 'provider.max_price.prompt', 'dollars per million tokens'],
    [{ provider: { max_price: { prompt: 'cheap' } } }, 'provider.max_price.prompt', 'dollars per million tokens'],
    [{ provider: { require_parameters: 'yes' } }, 'provider.require_parameters', 'true or false'],
    [{ provider: { sort: 'price' }, chasm: { sort: 'price' } }, 'provider.sort', 'cannot stand beside `chasm.sort`'],
    [{ provider: { only: ['a'] }, chasm: { only: ['b'] } }, 'provider.only', 'cannot stand beside `chasm.only`'],
    [{ provider: { order: ['a'], only: ['b'] } }, 'provider.order', 'names nobody whom `only` allows'],
    [{ provider: { order: ['a'] }, chasm: { only: ['b'] } }, 'provider.order', 'names nobody whom `only` allows'],
    [{ model: 'm:floor', provider: { sort: 'latency' } }, 'model', 'say one of both'],
    [{ model: 'm:nitro', chasm: { sort: 'price' } }, 'model', 'say one of both'],
    [{ models: [] }, 'models', 'a list of 1 to 8 strings'],
    [{ models: 'm' }, 'models', 'a list of 1 to 8 strings'],
    [{ models: Array.from({ length: 9 }, String) }, 'models', 'a list of 1 to 8 strings'],
    [{ models: ['m', 3] }, 'models[1]', '1 to 128 characters'],
    [{ models: ['chasm/ensemble'] }, 'models', 'cannot hold chasm/ensemble'],
    [{ model: undefined, models: ['chasm/auto'] }, 'models', 'cannot hold chasm/auto'],
    [{ model: 'chasm/ensemble', models: ['m'] }, 'models', 'no meaning for chasm/ensemble'],
    [{ model: 'chasm/ensemble', provider: { sort: 'price' } }, 'provider', 'no meaning for chasm/ensemble'],
    [{ model: undefined }, 'model', 'is required: it must be a string of 1 to 128 characters'],
  ]
  test.each(rows)('%j', async (more, param, rule) => {
    await expectRefused(await edge.post('/v1/chat/completions', { ...chat, ...more }), param, rule)
  })

  const virtual = rows.filter(([more]) => (more as { model?: string }).model === 'chasm/ensemble')
  const anywhere = rows.filter(([more]) => !('model' in more) || (more as { model?: string }).model !== undefined)
  test.each(routes)('at %s as on a chat', async (path, body) => {
    for (const [more, param, rule] of anywhere) {
      await expectRefused(await edge.post(path, { ...body, ...more }), param, rule, path)
    }
    expect(virtual.length).toBeGreaterThan(0)
  })

  test('when vectors of several models would be mixed', async () => {
    const asked = { model: 'm', input: 'x', models: ['n'] }
    await expectRefused(await edge.post('/v1/embeddings', asked), 'models', 'cannot be compared')
  })

  async function expectRefused(response: Response, param: string, rule: string, path = ''): Promise<void> {
    const { error } = (await response.json()) as { error: { code?: string; param?: string; message: string } }
    expect([response.status, error.message]).toEqual([400, expect.stringContaining(rule)])
    // Anthropic's form of an error has no place for them.
    if (path !== '/v1/messages') expect([error.code, error.param]).toEqual(['invalid_request', param])
    expect([edge.engine.answers, edge.intents.all]).toEqual([[], []])
  }
})
