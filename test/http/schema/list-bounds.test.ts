/** Lists of requests are measured before any schema looks at their elements. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lengthFault } from '../../../orchestrator/http/schema/bounds/list-bounds.ts'
import * as limits from '../../../shared/limits/http.ts'
import { startEdge, type TestEdge } from '../../support/hub/client-edge.ts'

const many = (count: number, one: unknown = 0) => Array<unknown>(count).fill(one)
const hi = { role: 'user', content: 'hi' }
const part = { type: 'text', text: 'x' }

test.each([
  ['tools', { tools: many(limits.toolsMax + 1, { type: 'function' }) }],
  ['functions', { functions: many(limits.toolsMax + 1) }],
  ['stop', { stop: many(limits.stopsMax + 1, 'x') }],
  ['messages', { messages: many(limits.messagesMax + 1, hi) }],
  ['messages[1].content', { messages: [hi, { role: 'user', content: many(limits.contentPartsMax + 1, part) }] }],
  ['messages[0].tool_calls', { messages: [{ role: 'assistant', tool_calls: many(limits.toolsMax + 1) }] }],
  ['input', { input: many(limits.inputsMax + 1) }],
  ['input', { input: many(limits.messagesMax + 1, hi) }],
  ['input[0].content', { input: [{ role: 'user', content: many(limits.contentPartsMax + 1, part) }] }],
  ['params.messages', { params: { messages: many(limits.messagesMax + 1, hi) } }],
  ['params.messages[0].content', { params: { messages: [{ content: many(limits.contentPartsMax + 1) }] } }],
])('a list that is too long is named: %s', (param, request) => {
  const found = lengthFault(request)
  expect(found).toMatchObject({ code: 'invalid_request', param })
  expect(found!.message).toContain(`\`${param}\` has `)
  expect(found!.message).toContain('send fewer')
})

test.each([
  ['as many as are allowed', { messages: many(limits.messagesMax, hi), tools: many(limits.toolsMax, {}), stop: ['a'] }],
  ['tokens to embed', { input: many(limits.inputsMax, 7) }],
  ['texts to embed', { input: many(10_000, 'text') }],
  ['what is no list', { messages: 'x', tools: {}, input: 7, params: [], stop: null }],
  ['fields of others', { logit_bias: many(100_000), metadata: { a: many(100_000) } }],
])('%s pass', (_, request) => {
  expect(lengthFault(request)).toBeNull()
})

let edge: TestEdge
beforeEach(() => {
  edge = startEdge()
})
afterEach(() => edge.hub.stop())

test.each([
  ['/v1/chat/completions', { model: 'm', messages: [hi], tools: many(380_000) }, 'tools'],
  ['/v1/embeddings', { model: 'm', input: many(380_000, 1) }, 'input'],
  ['/v1/responses', { model: 'm', input: many(380_000, 1) }, 'input'],
  ['/v1/intents', { messages: many(380_000) }, 'messages'],
  [
    '/v1/intents',
    { scroll: { nodes: [{ id: 'a', model: 'm', messages: many(380_000) }] } },
    'scroll.nodes[0].messages',
  ],
  ['/v1/intents', { template: 'ensemble', params: { messages: many(380_000) } }, 'params.messages'],
])('%s says which list of hundreds of thousands is too long', async (path, body, param) => {
  const response = await edge.post(path, body)
  expect(response.status).toBe(400)
  const { error } = (await response.json()) as { error: { param: string; message: string } }
  expect(error.param).toBe(param)
  expect(error.message).toContain('has 380000 elements')
})
