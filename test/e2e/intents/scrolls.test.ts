/** Scrolls that decide while they run, on a real hub: conditions, maps, contracts, another try, a dry run. */
import { expect, onTestFinished, test } from 'vitest'
import { IntentClient } from '../../support/clients/intent-client.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import type { Json } from '../../support/providers/provider-calls.ts'
import { type ScriptedCall, ScriptedProvider } from '../../support/providers/scripted-provider.ts'

async function stage(core = {}) {
  const live = new LiveHub({ core: { retryBaseMs: 1, ...core } })
  onTestFinished(() => live.close())
  const provider = new ScriptedProvider()
  await live.addScout({ name: 'box', providers: [provider] })
  return { live, provider, client: new IntentClient(live.url, live.clientKey) }
}

/** What was asked, as the last message; the call is answered with this text. */
async function answer(call: ScriptedCall, text: string): Promise<string> {
  const { messages } = JSON.parse(Buffer.from(call.request.body).toString('utf8')) as Json
  await call.line(JSON.stringify({ choices: [{ index: 0, delta: { content: text }, finish_reason: 'stop' }] }))
  call.done('{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}')
  return messages.at(-1).content
}

const listSchema = {
  type: 'object',
  properties: { of: { type: 'array' }, more: { type: 'boolean' } },
  required: ['of'],
}

test('a list becomes tasks, which merge into the answer, which streams as the node that grew them', async () => {
  const { client, provider } = await stage()
  const nodes = [
    { id: 'list', prompt: 'List.', output: { schema: listSchema } },
    {
      id: 'each',
      prompt: 'On {{item}}.',
      map: { over: 'nodes.list.of', reduce: { prompt: 'Merge: {{items}}' } },
    },
    { id: 'more', prompt: 'More.', when: { ref: 'nodes.list.more', is: true } },
    { id: 'end', prompt: '{{nodes.each}}{{nodes.more}}!' },
  ]
  const id = await client.accepted({ scroll: { nodes } })
  const events = await client.follow(id)
  await answer(await provider.call(), '{"of": ["a", "b"], "more": false}')
  const first = await provider.call()
  const second = await provider.call()
  const asked = [await answer(first, 'of one'), await answer(second, 'of the other')]
  expect(asked.sort()).toEqual(['On a.', 'On b.'])
  expect(await answer(await provider.call(), 'merged')).toMatch(/^Merge: of (one|the other)\n\nof (one|the other)$/)
  expect(await answer(await provider.call(), 'the end')).toBe('merged!')
  expect(await events.over()).toBe('whole')
  const whole = await client.get(id)
  expect([whole.state, whole.result.choices[0].message.content]).toEqual(['done', 'the end'])
  const names = whole.tasks.map(({ node }: Json) => node).sort()
  expect(names).toEqual(['each', 'each.1', 'each.2', 'each.m1-1', 'end', 'list', 'more'])
  const expanded = events.events
    .filter(({ type }) => type === 'task_grown')
    .map(({ data }) => [data.node, data.delegate])
  expect(expanded).toEqual([
    ['each', null],
    ['each', 'each.m1-1'],
  ])
  const merged = (await (await client.ask('GET', `/v1/intents/${id}/nodes/each`)).json()) as Json
  expect([merged.state, merged.result.choices[0].message.content]).toEqual(['done', 'merged'])
})

test('an answer that breaks its contract is told what is wrong, and the next one counts', async () => {
  const { client, provider } = await stage()
  const id = await client.accepted({
    scroll: { nodes: [{ id: 'a', prompt: 'List.', output: { schema: listSchema } }] },
  })
  await answer(await provider.call(), 'Here you are: a, b.')
  const again = await answer(await provider.call(), '{"of": []}')
  expect(again).toContain('The answer is not JSON')
  expect((await client.done(id)).result.choices[0].message.content).toBe('{"of": []}')
})

test('a node that failed is tried again, and what was done stays', async () => {
  const { client, provider } = await stage({ attemptsMax: 1 })
  const nodes = [
    { id: 'a', prompt: 'A.' },
    { id: 'b', prompt: '{{nodes.a}} B.', attempts: 1 },
    { id: 'c', prompt: '{{nodes.b}} C.' },
  ]
  const id = await client.accepted({ scroll: { nodes } })
  await answer(await provider.call(), 'a')
  ;(await provider.call()).fail(new Error('it broke'))
  expect((await client.done(id)).tasks.map(({ state }: Json) => state)).toEqual(['done', 'failed', 'skipped'])
  const retried = await client.ask('POST', `/v1/intents/${id}/nodes/b/retry`)
  expect([retried.status, ((await retried.json()) as Json).state]).toEqual([200, 'running'])
  expect(await answer(await provider.call(), 'b')).toBe('a B.')
  expect(await answer(await provider.call(), 'c')).toBe('b C.')
  const events = await client.follow(id)
  await events.heard('task_settled', ({ node }) => node === 'c')
  await events.over()
  expect((await client.get(id)).result.choices[0].message.content).toBe('c')
  const refused = async (node: string) => (await client.ask('POST', `/v1/intents/${id}/nodes/${node}/retry`)).status
  expect([await refused('a'), await refused('nothing')]).toEqual([400, 404])
})

test('a dry run shows the plan and what it would take, and asks nobody', async () => {
  const { client, provider } = await stage()
  const ask = async (body: Json) => (await (await client.ask('POST', '/v1/intents/plan', body)).json()) as Json
  const single = await ask({ input: 'hello' })
  expect(single).toMatchObject({ object: 'plan', result_node: 'answer', expected: { tasks: 1, dollars: null } })
  const document = 'A sentence of a book. '.repeat(2_000)
  const split = await ask({ template: 'map-reduce', params: { question: 'What?', document, chars: 4_000 } })
  expect(split.nodes[0]).toMatchObject({ node: 'answer', control: true, content: { type: 'map' } })
  expect(split.expected.tasks).toBeGreaterThan(11)
  expect(split.expected.usage.prompt_tokens).toBeGreaterThan(single.expected.usage.prompt_tokens)
  expect(await ask({ input: 'hello', model: 'chasm/auto' })).toMatchObject({ nodes: [{ content: { type: 'plan' } }] })
  expect(await ask({ scroll: { nodes: [{ id: 'a', prompt: '{{nodes.b}}' }] } })).toMatchObject({
    error: { param: 'scroll.nodes[0].prompt' },
  })
  expect([provider.calls.length, (await (await client.ask('GET', '/v1/intents')).json()) as Json]).toEqual([
    0,
    expect.objectContaining({ data: [] }),
  ])
})
