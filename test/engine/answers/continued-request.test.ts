/** The request for the rest of an answer says what the first one said, but for what has to be different. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { continuedRequest } from '../../../orchestrator/engine/answers/continuation.ts'
import '../../support/law/seeded-properties.ts'

const continued = (text: string, prefix = 'so far', tokens = 3) => {
  const made = continuedRequest(Buffer.from(text), prefix, tokens)
  return made === null ? null : Buffer.from(made).toString('utf8')
}
const turn = { role: 'assistant', content: 'so far', prefix: true }
const switches = { continue_final_message: true, add_generation_prompt: false }

const limit = fc.constantFrom(undefined, null, -1, 0, 1, 3, 4, 5.5, 1_000)
const request = fc.record(
  {
    messages: fc.array(fc.record({ role: fc.constant('user'), content: fc.jsonValue() }), { maxLength: 3 }),
    max_tokens: limit,
    max_completion_tokens: limit,
    continue_final_message: fc.constantFrom(true, false, null),
    add_generation_prompt: fc.jsonValue(),
    odd: fc.jsonValue({ maxDepth: 5 }),
  },
  { requiredKeys: ['messages'] },
)

test('is what would be made of the parsed request', () => {
  fc.assert(
    fc.property(request, fc.constantFrom(undefined, 1, '\t'), (sent, indent) => {
      const text = JSON.stringify(sent, null, indent)
      const { messages, ...rest } = JSON.parse(text) as Record<string, unknown> & { messages: unknown[] }
      for (const field of ['max_tokens', 'max_completion_tokens']) {
        const most = rest[field]
        if (typeof most === 'number' && most > 0) rest[field] = Math.max(1, most - 3)
      }
      expect(JSON.parse(continued(text)!)).toEqual({ ...rest, ...switches, messages: [...messages, turn] })
    }),
  )
})

test('keeps the digits and the escapes of the first one', () => {
  const text = '{"seed":18446744073709551615,"model":"\\u006d","messages":[ {"role":"user","content":"\\/"} ] }'
  expect(continued(text)).toBe(
    '{"seed":18446744073709551615,"model":"\\u006d","messages":[ {"role":"user","content":"\\/"} ' +
      ',{"role":"assistant","content":"so far","prefix":true}] ' +
      ',"continue_final_message":true,"add_generation_prompt":false}',
  )
})

test.each(['{"messages":[1],"messages":[2]}', '{"messages":"hi"}', '{"model":"m"}', '[]', '{"messages":[}'])(
  '%s cannot be continued',
  (text) => {
    expect(continued(text)).toBeNull()
  },
)
