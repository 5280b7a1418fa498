import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { TrustReport } from '../../../orchestrator/engine/ports/trust/trust-report.ts'
import { StreamReader } from '../../support/clients/stream-reader.ts'
import { startEdge, type TestEdge } from '../../support/hub/client-edge.ts'

let edge: TestEdge
beforeEach(() => {
  edge = startEdge()
  edge.engine.script = (answer) => answer.serve().done()
})
afterEach(() => edge.hub.stop())

const chat = { model: 'auto', messages: [{ role: 'user', content: 'hi' }] }

async function submissionOf(chasm: unknown, more: object = {}) {
  const response = await edge.post('/v1/chat/completions', { ...chat, ...more, chasm })
  expect(response.status).toBe(200)
  await response.text()
  return edge.engine.answers.at(-1)!.submission
}

describe('the routing options of a request', () => {
  const names = Array.from({ length: 64 }, (_, at) => `${at}`.padEnd(200, 'x'))
  const rows: [chasm: object, submission: object][] = [
    [{ sort: 'throughput' }, { routing: { sort: 'throughput' } }],
    [{ sort: 'latency' }, { routing: { sort: 'latency' } }],
    [{ sort: 'price' }, { routing: { sort: 'price' } }],
    [
      { only: ['key_1/ant'], ignore: ['groq', 'key_2'] },
      { routing: { only: ['key_1/ant'], ignore: ['groq', 'key_2'] } },
    ],
    [{ only: names }, { routing: { only: names } }],
    [{ max_attempts: 1 }, { routing: { attemptsMax: 1 } }],
    [
      { max_attempts: 3, deadline_ms: 5 },
      { routing: { attemptsMax: 3 }, deadlineMs: 5 },
    ],
    [{ hedge_after_ms: 0 }, { routing: { hedgeAfterMs: 0 } }],
    [{ hedge_after_ms: 600_000 }, { routing: { hedgeAfterMs: 600_000 } }],
    [{ continue: false, explain: true, sort: null, only: null, hedge_after_ms: null }, { routing: {} }],
  ]
  test.each(rows)('%j reaches the engine', async (asked, wanted) => {
    const { routing, deadlineMs } = await submissionOf(asked)
    expect({ routing, ...(deadlineMs !== undefined && { deadlineMs }) }).toEqual(wanted)
  })

  test('may be that its scout is trusted, beside what else is required, where anybody is', async () => {
    edge.engine.trust = { isEnforced: false, scouts: [], more: 0 } as unknown as TrustReport
    expect((await submissionOf({ trusted: true })).routing).toEqual({ requires: { isTrusted: true } })
    expect((await submissionOf({ trusted: false })).routing).toEqual({})
    const { routing } = await submissionOf({ trusted: true }, { provider: { max_price: { prompt: 1 } } })
    expect(routing!.requires).toEqual({ isTrusted: true, promptPriceMax: 1_000_000 })
    edge.engine.trust = null
    edge.engine.answers.length = 0
    const response = await edge.post('/v1/chat/completions', { ...chat, chasm: { trusted: true } })
    await expectRefused(response, 'chasm.trusted', 'needs audits')
  })

  test('also of vectors', async () => {
    const chasm = { only: ['ant'], max_attempts: 2 }
    expect((await edge.post('/v1/embeddings', { model: 'm', input: 'x', chasm })).status).toBe(200)
    expect(edge.engine.answers[0]!.submission.routing).toEqual({ only: ['ant'], attemptsMax: 2 })
  })

  test('may be that a stream goes on at another scout', async () => {
    const text = { n: 1, logprobs: false, tools: [], response_format: { type: 'text' }, stream: true }
    const { routing } = await submissionOf({ continue: true }, text)
    expect(routing).toEqual({ continues: true })
  })

  const bad: [chasm: unknown, param: string, rule: string][] = [
    [{ sort: 'speed' }, 'chasm.sort', 'must be one of latency, throughput, price'],
    [{ only: [] }, 'chasm.only', 'a list of 1 to 64 strings'],
    [{ only: 'ant' }, 'chasm.only', 'a list of 1 to 64 strings'],
    [{ only: [...names, 'one more'] }, 'chasm.only', 'a list of 1 to 64 strings'],
    [{ ignore: ['a', ''] }, 'chasm.ignore[1]', '1 to 200 characters'],
    [{ ignore: ['x'.repeat(201)] }, 'chasm.ignore[0]', '1 to 200 characters'],
    [{ max_attempts: 0 }, 'chasm.max_attempts', 'from 1 to 3'],
    [{ max_attempts: 4 }, 'chasm.max_attempts', 'from 1 to 3'],
    [{ hedge_after_ms: -1 }, 'chasm.hedge_after_ms', 'from 0 to 600000'],
    [{ hedge_after_ms: 600_001 }, 'chasm.hedge_after_ms', 'from 0 to 600000'],
    [{ deadline_ms: 0 }, 'chasm.deadline_ms', 'from 1 to 600000'],
    [{ explain: 'yes' }, 'chasm.explain', 'true or false'],
    [{ cheap: true }, 'chasm.cheap', 'is not known here'],
    [[], 'chasm', 'must be an object'],
  ]
  test.each(bad)('is refused as %j', async (asked, param, rule) => {
    for (const [path, request] of [
      ['/v1/chat/completions', chat],
      ['/v1/embeddings', { model: 'm', input: 'x' }],
    ] as const) {
      await expectRefused(await edge.post(path, { ...request, chasm: asked }), param, rule)
    }
  })

  const obstacles: [more: object, rule: string][] = [
    [{}, 'needs `stream: true`'],
    [{ stream: true, n: 2 }, '`n`'],
    [{ stream: true, logprobs: true }, '`logprobs`'],
    [{ stream: true, tools: [{ type: 'function', function: { name: 'f' } }] }, '`tools`'],
    [{ stream: true, functions: [{ name: 'f' }] }, '`functions`'],
    [{ stream: true, response_format: { type: 'json_object' } }, '`response_format`'],
  ]
  test.each(obstacles)('cannot be continued elsewhere with %j', async (more, rule) => {
    const response = await edge.post('/v1/chat/completions', { ...chat, ...more, chasm: { continue: true } })
    await expectRefused(response, 'chasm.continue', rule)
  })

  test('cannot be that vectors go on elsewhere', async () => {
    const response = await edge.post('/v1/embeddings', { model: 'm', input: 'x', chasm: { continue: true } })
    await expectRefused(response, 'chasm.continue', 'vectors come whole')
  })

  async function expectRefused(response: Response, param: string, rule: string): Promise<void> {
    const { error } = (await response.json()) as { error: { code: string; param: string; message: string } }
    expect([response.status, error.code, error.param]).toEqual([400, 'invalid_request', param])
    expect(error.message).toContain(rule)
    expect(edge.engine.answers).toEqual([])
  }
})

test.each(['trusted', 'failing', null] as const)('an answer says that its scout is %s', async (trust) => {
  edge.engine.script = (answer) => {
    answer.trust = trust
    answer.serve().line('{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}').done()
  }
  const whole = (await (await edge.post('/v1/chat/completions', chat)).json()) as { chasm: { trust?: string } }
  expect(whole.chasm.trust ?? null).toBe(trust)
  const streamed = new StreamReader(await edge.post('/v1/chat/completions', { ...chat, stream: true }))
  await streamed.over()
  expect((streamed.events[0] as { chasm: { trust?: string } }).chasm.trust ?? null).toBe(trust)
})

describe('an answer that is to be explained', () => {
  const cost = {
    firstContentMs: 0.4,
    tokensMs: 99.5,
    loadMs: 2,
    priceMs: 76.4,
    failureMs: 3.2,
    operatorMs: 0,
    scrollMs: 0,
    trustMs: 0,
    totalMs: 181.5,
  }
  const shown = { first_content: 0, tokens: 100, load: 2, price: 76, failure: 3, operator: 0, total: 182 }

  test('names the terms of the cost, whole or streamed; another one does not', async () => {
    edge.engine.script = (answer) => {
      answer.cost = cost
      answer.serve().line('{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}').done()
    }
    const asked = { ...chat, chasm: { explain: true } }
    const whole = (await (await edge.post('/v1/chat/completions', asked)).json()) as { chasm: object }
    const served = { scout: 'ant', provider: 'demo', model: 'llama', attempts: 1, queued_ms: 7 }
    expect(whole.chasm).toEqual({ ...served, cost_ms: shown })
    const streamed = new StreamReader(await edge.post('/v1/chat/completions', { ...asked, stream: true }))
    await streamed.over()
    expect(streamed.events.map(({ chasm }) => chasm)).toEqual([{ ...served, cost_ms: shown }])
    const plain = (await (await edge.post('/v1/chat/completions', chat)).json()) as { chasm: object }
    expect(plain.chasm).toEqual(served)
  })
})

test('what a key weighs goes with everything it asks for', async () => {
  const { key } = edge.keyring.issue('client', 'heavy', { weight: 2.5 })
  await edge.post('/v1/chat/completions', chat, {}, key)
  await edge.post('/v1/embeddings', { model: 'm', input: 'x' }, {}, key)
  await edge.post('/v1/chat/completions', chat)
  await edge.post('/v1/intents', { input: 'x' }, {}, key)
  expect(edge.engine.answers.map(({ submission }) => submission.weight)).toEqual([2.5, 2.5, 1])
  expect(edge.intents.all[0]!.submission.weight).toBe(2.5)
})
