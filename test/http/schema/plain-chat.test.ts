/** The short way for common chat requests must never accept what the schema refuses. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chatRequest } from '../../../orchestrator/http/schema/openai-requests.ts'
import { isPlainChat } from '../../../orchestrator/http/schema/plain-chat.ts'
import { refusal } from '../../../orchestrator/http/schema/validation.ts'
import '../../support/law/seeded-properties.ts'

type Json = Record<string, unknown>

const edgeNumbers = [-2.01, -2, -1, -0, 0, 0.5, 1, 1.5, 2, 2.01, 1e300, 2 ** 53, 2 ** 53 - 1, Number.POSITIVE_INFINITY]
const anything = fc.oneof(
  fc.constantFrom(null, true, false, '', 'x', [], {}, [null], [''], { type: 1 }, { type: 'text' }, 'tool'),
  fc.constantFrom(...edgeNumbers, Number.NaN),
  fc.jsonValue(),
)
const flag = fc.constantFrom(null, true, false)
const parts = fc.array(fc.record({ type: fc.constantFrom('text', 'image_url'), text: fc.string() }), { maxLength: 3 })
const role = fc.constantFrom('system', 'developer', 'user', 'assistant', 'tool', 'function')
const message = fc.record(
  {
    role,
    content: fc.oneof(fc.string(), parts, fc.constant(null)),
    tool_calls: fc.constantFrom(null, [], [{ type: 'function' }]),
    tool_call_id: fc.constantFrom(null, '', 'c1'),
    name: fc.string(),
  },
  { requiredKeys: ['role', 'content'] },
)
/** What the short way is for, in every variation. */
const common = fc.record(
  {
    model: fc.string({ minLength: 1 }),
    messages: fc.array(
      fc.record({ role: fc.constantFrom('system', 'user', 'assistant'), content: fc.oneof(fc.string(), parts) }),
      { minLength: 1, maxLength: 3 },
    ),
    stream: fc.constant(true),
    stream_options: fc.constantFrom(null, {}, { include_usage: true }),
    temperature: fc.constantFrom(null, 0, 2),
    max_tokens: fc.constantFrom(null, 1),
    user: fc.string(),
  },
  { requiredKeys: ['model', 'messages', 'stream'] },
)
const wide = fc.record(
  {
    model: fc.string({ minLength: 1 }),
    messages: fc.array(message, { minLength: 1, maxLength: 4 }),
    stream: flag,
    stream_options: fc.constantFrom(null, {}, { include_usage: true }, { include_usage: null }),
    temperature: fc.constantFrom(null, 0, 1, 2, 5),
    top_p: fc.constantFrom(null, 0, 1),
    presence_penalty: fc.constantFrom(null, -2, 2),
    frequency_penalty: fc.constantFrom(null, -2, 2),
    max_tokens: fc.constantFrom(null, -1, 0, 1, 4096),
    max_completion_tokens: fc.constantFrom(null, 1, 4096),
    stop: fc.constantFrom(null, 'x', ['x']),
    user: fc.string(),
    future_field: fc.jsonValue(),
  },
  { requiredKeys: ['model', 'messages'] },
)
const valid = fc.oneof(common, wide)
const fields = [...Object.keys(chatRequest.shape), 'user', '__proto__', 'constructor']
const messageFields = ['role', 'content', 'tool_calls', 'tool_call_id', 'function_call', 'refusal', 'audio', 'name']

/** `value` with one more field, parsed from JSON as a client's body is; `1e999` is infinite. */
function parsed(value: Json, field: string, put: unknown): Json {
  const json = put === Number.POSITIVE_INFINITY ? '1e999' : JSON.stringify(put)
  return JSON.parse(`${JSON.stringify(value).slice(0, -1)},${JSON.stringify(field)}:${json}}`) as Json
}

function expectAgreement(body: Json): boolean {
  const before = JSON.stringify(body)
  const isPlain = isPlainChat(body)
  if (isPlain) expect(refusal(chatRequest, body), before).toBe(null)
  expect(JSON.stringify(body)).toBe(before)
  return isPlain
}

test('what it accepts of valid requests, the schema accepts', () => {
  let accepted = 0
  fc.assert(
    fc.property(valid, (body) => {
      if (expectAgreement(JSON.parse(JSON.stringify(body)) as Json)) accepted++
    }),
    { numRuns: 1_000 },
  )
  expect(accepted).toBeGreaterThan(100)
})

test('what it accepts of requests with one field changed, the schema accepts', () => {
  fc.assert(
    fc.property(valid, fc.constantFrom(...fields), anything, (body, field, value) => {
      expectAgreement(parsed(body, field, value))
    }),
    { numRuns: 2_000 },
  )
})

test('what it accepts of requests with one field of a message changed, the schema accepts', () => {
  fc.assert(
    fc.property(valid, fc.constantFrom(...messageFields), anything, (body, field, value) => {
      const [first, ...others] = body.messages
      expectAgreement({ ...body, messages: [...others, parsed(first as Json, field, value)] })
      expectAgreement({ ...body, messages: [...others, value] })
    }),
    { numRuns: 2_000 },
  )
})

test('what it accepts of requests without one of their fields, the schema accepts', () => {
  fc.assert(
    fc.property(valid, fc.constantFrom(...fields), (body, field) => {
      const { [field]: _, ...rest } = body as Json
      expectAgreement(rest)
    }),
  )
})

test.each([
  { model: 'm', messages: [{ role: 'user', content: 'hi' }] },
  { model: 'm', messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }], stream: true, user: 'u' },
  {
    model: 'auto',
    messages: [
      { role: 'system', content: 's' },
      { role: 'assistant', content: 'a' },
    ],
    stream: true,
    stream_options: { include_usage: true },
    temperature: 0.7,
    top_p: 1,
    max_tokens: 100,
    stop: null,
    metadata: {},
  },
])('the common request %j takes the short way', (body) => {
  expect(expectAgreement(body)).toBe(true)
})

test('a field that only the schema knows goes to the schema', () => {
  const body = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }
  for (const field of Object.keys(chatRequest.shape)) {
    if (!(field in body)) expect(isPlainChat({ ...body, [field]: { type: 'object' } }), field).toBe(false)
  }
})
