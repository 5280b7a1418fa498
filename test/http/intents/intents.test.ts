import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fault } from '../../../shared/faults.ts'
import { startEdge, type TestEdge } from '../../support/hub/client-edge.ts'

let edge: TestEdge
let other: string
beforeEach(() => {
  edge = startEdge()
  other = edge.keyring.issue('client', 'another client').key
})
afterEach(() => edge.hub.stop())

const noUsage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }
const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 }
const served = { scout: 'ant', provider: 'demo', model: 'llama' }
const accepted = {
  id: 'int_0',
  object: 'intent',
  state: 'running',
  priority: 5,
  created: 1_700_000_000,
  deadline: 1_700_003_600,
  metadata: {},
}
const running = { ...accepted, finished: null, result_node: 'answer', usage: noUsage, error: null }
const scroll = {
  nodes: [
    { id: 'end', needs: ['a'], prompt: 'sum up' },
    { id: 'a', prompt: 'begin', model: 'small' },
  ],
}

const keyed = (key: string) => ({ headers: { 'idempotency-key': key } })
const make = async (body: object, key?: string) => {
  const response = await edge.post('/v1/intents', body, {}, key)
  expect(response.status).toBe(202)
  return edge.intents.all.at(-1)!
}
const shown = async (response: Response) => ({ status: response.status, body: await response.json() })

async function expectRefusal(response: Response, status: number, code: string, param: string | null): Promise<string> {
  const { error } = (await response.json()) as { error: { code: string; param: string | null; message: string } }
  expect({ status: response.status, code: error.code, param: error.param }).toEqual({ status, code, param })
  expect(error.message).toMatch(/^.{20,}\.$/)
  return error.message
}

describe('making an intent', () => {
  test('answers 202 with its id and its place, and hands the plan to the engine', async () => {
    const response = await edge.post('/v1/intents', { input: 'hello' })
    expect(await shown(response)).toEqual({ status: 202, body: accepted })
    expect(response.headers.get('location')).toBe('/v1/intents/int_0')
    expect(response.headers.get('idempotent-replayed')).toBeNull()
    const { plan, key, ...rest } = edge.intents.all[0]!.submission
    expect(plan).toMatchObject({ resultNode: 'answer', tasks: [{ node: 'answer', model: 'auto' }] })
    expect(key).toMatchObject({ id: rest.tenant, account: null, name: 'a client' })
    expect(rest).toEqual({ tenant: expect.any(String), weight: 1, priority: 5, deadlineMs: 3_600_000, metadata: {} })
    expect(edge.keyring.list().find(({ id }) => id === rest.tenant)?.name).toBe('a client')
  })

  test('passes on what the client chose', async () => {
    const chosen = { model: 'big', deadline_ms: 90_000, priority: 0, metadata: { job: '7', __proto: 'x' } }
    const response = await edge.post('/v1/intents', { messages: [{ role: 'user', content: 'hi' }], ...chosen })
    const wanted = { ...accepted, priority: 0, deadline: 1_700_000_090, metadata: chosen.metadata }
    expect(await response.json()).toEqual(wanted)
    const { plan, deadlineMs, priority } = edge.intents.all[0]!.submission
    expect([plan.tasks[0]!.model, deadlineMs, priority]).toEqual(['big', 90_000, 0])
  })

  test('plans a scroll, whose nodes ask the common model unless they name their own', async () => {
    const { submission } = await make({ scroll, model: 'big' })
    const { resultNode, tasks } = submission.plan
    expect(resultNode).toBe('end')
    expect(tasks.map(({ node, model, needs }) => [node, model, needs])).toEqual([
      ['a', 'small', []],
      ['end', 'big', ['a']],
    ])
  })

  test('answers only after the engine has committed it', async () => {
    let commit = () => {}
    edge.intents.commit = new Promise((resolve) => {
      commit = resolve
    })
    let isAnswered = false
    const asked = edge.post('/v1/intents', { input: 'x' }).then((response) => {
      isAnswered = true
      return response
    })
    // A round trip through the same server: were the answer on its way, it would have come by then.
    for (let round = 0; round < 3; round++) await (await edge.ask('/healthz')).text()
    expect(isAnswered).toBe(false)
    commit()
    expect((await asked).status).toBe(202)
  })

  test('a repetition with its key gets the same bytes, also when the intent has ended', async () => {
    const first = await edge.post('/v1/intents', { input: 'x' }, keyed('k-1'))
    const body = await first.text()
    edge.intents.all[0]!.settle('answer', '{"choices":[]}')
    const second = await edge.post('/v1/intents', { input: 'x' }, keyed('k-1'))
    expect([second.status, await second.text()]).toEqual([202, body])
    expect(second.headers.get('idempotent-replayed')).toBe('true')
    expect(second.headers.get('location')).toBe('/v1/intents/int_0')
    expect(edge.intents.all).toHaveLength(1)
    const { idempotency } = edge.intents.all[0]!.submission
    const bodyHash = createHash('sha256').update('{"input":"x"}').digest('hex')
    expect(idempotency).toEqual({ route: 'POST /v1/intents', key: 'k-1', bodyHash })
  })

  test('another body under the key is 422, another client under the key makes its own', async () => {
    await edge.post('/v1/intents', { input: 'x' }, keyed('k'))
    const changed = await edge.post('/v1/intents', { input: 'y' }, keyed('k'))
    await expectRefusal(changed, 422, 'idempotency_mismatch', null)
    await edge.post('/v1/intents', { input: 'x' }, keyed('k'), other)
    expect(edge.intents.all).toHaveLength(2)
  })

  test('a cancel that cannot be written down is 503 with the time to come back, and may be sent again', async () => {
    await edge.post('/v1/intents', { input: 'x' })
    edge.intents.refusal = fault('store_unavailable', 'The disk is full: try again later.', { retryAfterMs: 4200 })
    const refused = await edge.ask('/v1/intents/int_0', { method: 'DELETE' })
    expect(refused.headers.get('retry-after')).toBe('5')
    await expectRefusal(refused, 503, 'store_unavailable', null)
    edge.intents.refusal = null
    expect((await edge.ask('/v1/intents/int_0', { method: 'DELETE' })).status).toBe(200)
  })

  test('what the engine refuses reaches the client with its status and the time to come back', async () => {
    const rows = [
      [fault('idempotency_in_flight', 'The first request with this key is under way: wait for it.'), 409, '1'],
      [fault('store_unavailable', 'The disk is full: try again later.', { retryAfterMs: 4200 }), 503, '5'],
      [fault('queue_full', 'Too much is waiting: try again later.'), 429, '1'],
    ] as const
    for (const [refusal, status, retryAfter] of rows) {
      edge.intents.refusal = refusal
      const response = await edge.post('/v1/intents', { input: 'x' }, keyed('k'))
      expect(response.headers.get('retry-after')).toBe(retryAfter)
      await expectRefusal(response, status, refusal.code, null)
    }
  })

  const pairs = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 'v']))
  const rows: [what: string, body: unknown, param: string, rule: string][] = [
    ['nothing to do', {}, 'input', 'send exactly one of them'],
    ['two things to do', { input: 'x', scroll }, 'scroll', 'cannot stand beside `input`'],
    ['an empty input', { input: '' }, 'input', 'not empty'],
    ['an input that is none', { input: ['x'] }, 'input', 'must be a string'],
    ['empty messages', { messages: [] }, 'messages', 'at least one message'],
    ['a bad message', { messages: [{ role: 'king' }] }, 'messages[0].role', 'must be one of'],
    ['a scroll that is none', { scroll: [] }, 'scroll', 'must be an object'],
    ['a scroll without nodes', { scroll: {} }, 'scroll.nodes', 'a list of 1 to 256 nodes'],
    ['a circle', { scroll: { nodes: [{ id: 'a', needs: ['a'], prompt: 'x' }] } }, 'scroll.nodes[0].needs[0]', '"a"'],
    ['a bad node', { scroll: { nodes: [{ id: 'a', prompt: 'x', n: 0 }] } }, 'scroll.nodes[0].n', 'In node "a"'],
    ['an empty model', { input: 'x', model: '' }, 'model', '1 to 128'],
    ['no time at all', { input: 'x', deadline_ms: 0 }, 'deadline_ms', 'from 1 to 86400000'],
    ['too much time', { input: 'x', deadline_ms: 86_400_001 }, 'deadline_ms', 'from 1 to 86400000'],
    ['priority 10', { input: 'x', priority: 10 }, 'priority', 'from 0 to 9'],
    ['half a priority', { input: 'x', priority: 1.5 }, 'priority', 'from 0 to 9'],
    ['17 labels', { input: 'x', metadata: pairs(17) }, 'metadata', 'at most 16'],
    ['a label without name', { input: 'x', metadata: { '': 'v' } }, 'metadata', '1 to 64'],
    ['a long name', { input: 'x', metadata: { ['k'.repeat(65)]: 'v' } }, 'metadata', '1 to 64'],
    ['a long label', { input: 'x', metadata: { k: 'v'.repeat(513) } }, 'metadata', 'at most 512'],
    ['a number as label', { input: 'x', metadata: { k: 1 } }, 'metadata', 'strings'],
    ['a list of labels', { input: 'x', metadata: ['v'] }, 'metadata', 'must be an object'],
    ['a field it does not know', { input: 'x', stream: true }, 'stream', 'remove it'],
  ]
  test.each(rows)('is refused with %s', async (_what, body, param, rule) => {
    const response = await edge.post('/v1/intents', body)
    expect(await expectRefusal(response, 400, 'invalid_request', param)).toContain(rule)
    expect(edge.intents.all).toEqual([])
  })

  test('is refused when an object in it has too many fields, wherever it is', async () => {
    const wide = Object.fromEntries(Array.from({ length: 4097 }, (_, at) => [`f${at}`, 1]))
    for (const body of [wide, { scroll: wide }, { scroll: { nodes: [{ id: 'a', prompt: 'x', deep: [[wide]] }] } }]) {
      const response = await edge.post('/v1/intents', body)
      expect(await expectRefusal(response, 400, 'invalid_request', null)).toContain('more than 4096 fields')
    }
  })

  test('is refused with a key that is none, and done with one at the limit', async () => {
    for (const key of ['', 'a b', 'ä', 'k'.repeat(256)]) {
      const response = await edge.post('/v1/intents', { input: 'x' }, keyed(key))
      expect(await expectRefusal(response, 400, 'invalid_request', 'Idempotency-Key')).toContain('1 to 255')
    }
    expect((await edge.post('/v1/intents', { input: 'x' }, keyed('~'.repeat(255)))).status).toBe(202)
    expect((await edge.post('/v1/intents', { input: 'x', metadata: pairs(16), priority: 9 })).status).toBe(202)
  })

  test('needs a client key', async () => {
    await expectRefusal(await edge.post('/v1/intents', { input: 'x' }, {}, null), 401, 'invalid_api_key', null)
    const asScout = await edge.post('/v1/intents', { input: 'x' }, {}, edge.keys.scout)
    await expectRefusal(asScout, 403, 'permission_denied', null)
  })
})

describe('looking at an intent', () => {
  test('shows its tasks from the start, and its result as the bytes that were committed', async () => {
    const intent = await make({ scroll })
    const task = { kind: 'chat', model: 'auto', attempts: 0, served: null, usage: noUsage, error: null }
    const first = { ...task, node: 'a', model: 'small', needs: [], state: 'ready' }
    const second = { ...task, node: 'end', needs: ['a'], state: 'blocked' }
    const whole = { ...running, result_node: 'end', tasks: [first, second], result: null }
    expect(await (await edge.ask('/v1/intents/int_0')).json()).toEqual(whole)
    intent.settle('a', '{"choices":[]}').settle('end', '{"choices":[{"index":0}],"seed":12345678901234567890}')
    const text = await (await edge.ask('/v1/intents/int_0')).text()
    const { tasks, result, ...rest } = JSON.parse(text)
    expect(rest).toMatchObject({ state: 'done', finished: 1_700_000_002 })
    expect(tasks).toMatchObject([
      { node: 'a', state: 'done', attempts: 1, served, usage },
      { node: 'end', state: 'done', attempts: 1, served, usage },
    ])
    const head = { id: 'int_0', object: 'chat.completion', created: 1_700_000_002, model: 'llama' }
    expect(result).toMatchObject({ ...head, choices: [{ index: 0 }] })
    expect(text).toContain('"seed":12345678901234567890}}')
  })

  test('shows vectors as a list, and an answer without fields as what the hub says of it', async () => {
    const intent = await make({ scroll: { nodes: [{ id: 'v', kind: 'embed', input: 'x' }] } })
    intent.settle('v', '{ }')
    const { result } = (await (await edge.ask('/v1/intents/int_0')).json()) as { result: unknown }
    expect(result).toEqual({ id: 'int_0', object: 'list', created: 1_700_000_002, model: 'llama' })
  })

  test('shows why it failed', async () => {
    const intent = await make({ input: 'x' })
    intent.end('failed', fault('scout_lost', 'The last of three machines went away.'))
    const { state, error, result } = (await (await edge.ask('/v1/intents/int_0')).json()) as Record<string, unknown>
    expect([state, result]).toEqual(['failed', null])
    const message = 'The last of three machines went away.'
    expect(error).toEqual({ message, type: 'server_error', param: null, code: 'scout_lost' })
  })

  test('an unknown id and that of another key are the same 404, to the byte; an admin sees all', async () => {
    await make({ input: 'x' }, other)
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['GET', '/events'],
    ] as const) {
      const answers = await Promise.all(
        ['int_0', 'int_1', '..%2fint_0', 'int_0%00'].map(async (id) => {
          const headers = { 'x-request-id': 'same' }
          const response = await edge.ask(`/v1/intents/${id}${path}`, { method, headers })
          const kept = [...response.headers].filter(([name]) => name !== 'date')
          return { status: response.status, headers: kept, text: await response.text() }
        }),
      )
      expect(answers[0]!.status).toBe(404)
      expect(answers[0]!.text).toContain('"code":"not_found"')
      for (const answer of answers) expect(answer).toEqual(answers[0])
    }
    expect(edge.intents.all[0]!.view.state).toBe('running')
    for (const key of [other, edge.keys.admin]) {
      expect((await edge.ask('/v1/intents/int_0', {}, key)).status).toBe(200)
    }
  })

  test('cancelling shows it cancelled, and again the same; what is done stays done', async () => {
    await make({ scroll })
    const cancelled = await shown(await edge.ask('/v1/intents/int_0', { method: 'DELETE' }))
    expect(cancelled).toMatchObject({ status: 200, body: { state: 'cancelled', result: null } })
    expect(await shown(await edge.ask('/v1/intents/int_0', { method: 'DELETE' }))).toEqual(cancelled)
    ;(await make({ input: 'x' })).settle('answer', '{"choices":[]}')
    const done = await shown(await edge.ask('/v1/intents/int_1', { method: 'DELETE' }))
    expect(done).toMatchObject({ status: 200, body: { state: 'done', result: { choices: [] } } })
  })

  test('a path that goes on is 404, a wrong method 405', async () => {
    await make({ input: 'x' })
    expect((await edge.ask('/v1/intents/int_0/tasks')).status).toBe(404)
    const rows = [
      ['/v1/intents', 'POST, GET, HEAD'],
      ['/v1/intents/int_0', 'GET, HEAD, DELETE'],
      ['/v1/intents/int_0/events', 'GET, HEAD'],
    ] as const
    for (const [path, allow] of rows) {
      const response = await edge.ask(path, { method: 'PUT' })
      expect([response.status, response.headers.get('allow')]).toEqual([405, allow])
    }
  })
})

describe('listing intents', () => {
  const page = async (query: string, key?: string) => {
    const response = await edge.ask(`/v1/intents${query}`, {}, key)
    expect(response.status).toBe(200)
    const { object, data, has_more, last_id } = (await response.json()) as Record<string, never> & { data: object[] }
    expect(object).toBe('list')
    return { ids: data.map((item) => (item as { id: string }).id), has_more, last_id, data }
  }

  test('goes through all of them page by page, newest first', async () => {
    for (let count = 0; count < 25; count++) await make({ input: 'x' })
    const seen: string[] = []
    let query = '?limit=10'
    for (let pages = 1; ; pages++) {
      const { ids, has_more, last_id } = await page(query)
      seen.push(...ids)
      expect(last_id).toBe(seen.at(-1))
      expect(has_more).toBe(pages < 3)
      if (!has_more) break
      query = `?limit=10&after=${last_id}`
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, at) => `int_${24 - at}`))
    expect((await page('')).ids).toHaveLength(20)
  })

  test('shows what each is, without tasks and result', async () => {
    expect(await page('')).toEqual({ ids: [], has_more: false, last_id: null, data: [] })
    await make({ input: 'x' })
    expect((await page('')).data).toEqual([running])
  })

  test('shows those in a state, and those of the key that asks; an admin sees all', async () => {
    await make({ input: 'x' })
    ;(await make({ input: 'x' })).end('cancelled')
    await make({ input: 'x' }, other)
    expect((await page('?state=cancelled')).ids).toEqual(['int_1'])
    expect((await page('?state=done')).ids).toEqual([])
    expect((await page('')).ids).toEqual(['int_1', 'int_0'])
    expect((await page('', other)).ids).toEqual(['int_2'])
    expect((await page('', edge.keys.admin)).ids).toEqual(['int_2', 'int_1', 'int_0'])
  })

  test('refuses a page that is none', async () => {
    await make({ input: 'x' }, other)
    for (const limit of ['0', '101', '-1', '1.5', 'x', '', '99999']) {
      await expectRefusal(await edge.ask(`/v1/intents?limit=${limit}`), 400, 'invalid_request', 'limit')
    }
    await expectRefusal(await edge.ask('/v1/intents?state=lost'), 400, 'invalid_request', 'state')
    for (const id of ['int_0', 'int_9', '']) {
      await expectRefusal(await edge.ask(`/v1/intents?after=${id}`), 404, 'not_found', 'after')
    }
  })
})

test('what the scout of a node is asked is there for its tenant, and for nobody else', async () => {
  const made = (await (await edge.post('/v1/intents', { input: 'hello' })).json()) as { id: string }
  const { plan } = edge.intents.all[0]!.submission
  const path = `/v1/intents/${made.id}/nodes/${plan.tasks[0]!.node}/request`
  expect(await (await edge.ask(path)).json()).toMatchObject({ messages: [{ role: 'user', content: 'hello' }] })
  expect((await edge.ask(path.replace(/[^/]+\/request$/, 'none/request'))).status).toBe(404)
  const stranger = edge.keyring.issue('client', 'a stranger').key
  expect((await edge.ask(path, {}, stranger)).status).toBe(404)
})
