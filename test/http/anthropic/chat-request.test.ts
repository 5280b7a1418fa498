/** From Anthropic's requests to chat requests: what each field becomes, and what is refused by name. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { messageOf } from '../../../orchestrator/http/anthropic/answer/message.ts'
import { chatRequestOf } from '../../../orchestrator/http/anthropic/request/chat-request.ts'
import { type MessagesFields, messagesRequest } from '../../../orchestrator/http/anthropic/request/messages-request.ts'
import { chatRequest } from '../../../orchestrator/http/schema/openai-requests.ts'
import { refusal } from '../../../orchestrator/http/schema/validation.ts'
import type { Fault } from '../../../shared/faults.ts'

type Json = Record<string, unknown>

const hello = [{ role: 'user', content: 'Hello' }]
const base = { model: 'm', max_tokens: 9, messages: hello }

/** The chat request of a request that the schema accepts. */
function chatOf(fields: Json): Json {
  const sent = { ...base, ...fields }
  expect(refusal(messagesRequest, sent)).toBeNull()
  const made = chatRequestOf(sent as unknown as MessagesFields)
  if ('code' in made) throw new Error(made.message)
  expect(refusal(chatRequest, made.chat)).toBeNull()
  return made.chat
}

function refused(fields: Json): Fault {
  const sent = { ...base, ...fields }
  const flaw = refusal(messagesRequest, sent)
  if (flaw !== null) return flaw
  const made = chatRequestOf(sent as unknown as MessagesFields)
  if (!('code' in made)) throw new Error(`it became ${JSON.stringify(made.chat)}`)
  return made
}

const messagesOf = (...turns: Json[]) => chatOf({ messages: turns }).messages as Json[]
const user = (...content: Json[]) => ({ role: 'user', content })
const assistant = (...content: Json[]) => ({ role: 'assistant', content })
const text = (said: string) => ({ type: 'text', text: said })
const picture = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } }
const pictureUrl = { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } }
const picturePart = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }
const toolUse = { type: 'tool_use', id: 'toolu_1', name: 'read', input: { path: 'a' } }
const result = (content: unknown, more: Json = {}) => ({
  type: 'tool_result',
  tool_use_id: 'toolu_1',
  content,
  ...more,
})
const schema = { type: 'object', properties: { path: { type: 'string' } } }
const tool = { name: 'read', description: 'Reads a file.', input_schema: schema }

test('the fields of a request are those of a chat request under other names', () => {
  const fields = {
    ...{ stream: true, temperature: 0.5, top_p: 0.9, top_k: 40, stop_sequences: ['END'] },
    ...{ metadata: { user_id: 'u-1' }, service_tier: 'standard_only', cache_control: { type: 'ephemeral' } },
    ...{ output_config: { effort: 'max', format: { type: 'json_schema', schema } }, chasm: { sort: 'price' } },
  }
  expect(chatOf(fields)).toEqual({
    ...{ model: 'm', messages: hello, max_completion_tokens: 9, stream: true, temperature: 0.5, top_p: 0.9, top_k: 40 },
    ...{ stop: ['END'], user: 'u-1', service_tier: 'default', reasoning_effort: 'xhigh', chasm: { sort: 'price' } },
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } },
  })
})

test('what is null or changes nothing leaves no trace', () => {
  const fields = {
    ...{ system: null, stream: false, temperature: null, top_k: null, stop_sequences: [], metadata: {}, tools: [] },
    ...{ tool_choice: { type: 'auto' }, thinking: { type: 'enabled', budget_tokens: 2_000 }, service_tier: 'auto' },
    ...{ container: null, mcp_servers: null, cache_control: null, output_config: { effort: 'high' } },
    ...{ speed: 'standard', thread: null, context_management: { edits: [{ type: 'clear_thinking_20251015' }] } },
  }
  expect(chatOf(fields)).toEqual({ model: 'm', messages: hello, max_completion_tokens: 9 })
})

test('a long user id goes as its digest', () => {
  const { user: long } = chatOf({ metadata: { user_id: 'x'.repeat(65) } })
  expect(long).toMatch(/^[0-9a-f]{64}$/)
  expect(chatOf({ metadata: { user_id: 'x'.repeat(65) } }).user).toBe(long)
  expect(chatOf({ metadata: { user_id: 'x'.repeat(64) } }).user).toBe('x'.repeat(64))
})

describe('a turn becomes', () => {
  const rows: [what: string, turns: Json[], messages: Json[]][] = [
    ['text', [user(text('a'), text('b'))], [{ role: 'user', content: 'a\n\nb' }]],
    [
      'parts where there are pictures',
      [user(text('a'), picture, pictureUrl)],
      [
        {
          role: 'user',
          content: [text('a'), picturePart, { type: 'image_url', image_url: { url: 'https://example.com/a.png' } }],
        },
      ],
    ],
    [
      'a call',
      [user(text('a')), assistant(text('So '), text('be it'), toolUse), user(result('data'))],
      [
        { role: 'user', content: 'a' },
        {
          ...{ role: 'assistant', content: 'So be it' },
          tool_calls: [{ id: 'toolu_1', type: 'function', function: { name: 'read', arguments: '{"path":"a"}' } }],
        },
        { role: 'tool', tool_call_id: 'toolu_1', content: 'data' },
      ],
    ],
    [
      'results before what else is said',
      [user(text('and then?'), result([text('a'), text('b')]))],
      [
        { role: 'tool', tool_call_id: 'toolu_1', content: 'a\n\nb' },
        { role: 'user', content: 'and then?' },
      ],
    ],
    [
      'a failed result that says so',
      [user(result('no such file', { is_error: true }))],
      [{ role: 'tool', tool_call_id: 'toolu_1', content: 'Error: no such file' }],
    ],
    ['an empty result', [user(result(undefined))], [{ role: 'tool', tool_call_id: 'toolu_1', content: '' }]],
    [
      'pictures of a result in a message after it',
      [user(result([text('see'), picture]), text('well?'))],
      [
        {
          ...{ role: 'tool', tool_call_id: 'toolu_1' },
          content: 'see\n\n(1 of its parts are not text and follow in the next message.)',
        },
        { role: 'user', content: [text('Of the result of the tool call toolu_1:'), picturePart, text('well?')] },
      ],
    ],
    [
      'an instruction in the middle',
      [user(text('a')), { role: 'system', content: 'be brief' }, user(text('b'))],
      [
        { role: 'user', content: 'a' },
        { role: 'system', content: 'be brief' },
        { role: 'user', content: 'b' },
      ],
    ],
    [
      'an instruction inside of a turn',
      [user(text('a'), { type: 'mid_conv_system', content: [text('be brief')] })],
      [
        { role: 'user', content: 'a' },
        { role: 'system', content: 'be brief' },
      ],
    ],
    [
      'nothing of what was thought',
      [
        assistant(
          { type: 'thinking', thinking: 'hm', signature: 's' },
          { type: 'redacted_thinking', data: 'x' },
          text('a'),
        ),
        user(text('b')),
      ],
      [
        { role: 'assistant', content: 'a' },
        { role: 'user', content: 'b' },
      ],
    ],
    [
      'text of a document',
      [
        user({
          type: 'document',
          title: 'T',
          context: 'C',
          source: { type: 'text', media_type: 'text/plain', data: 'D' },
        }),
      ],
      [{ role: 'user', content: 'T\nC\n\nD' }],
    ],
    [
      'a file',
      [user({ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'AAAA' } })],
      [
        {
          role: 'user',
          content: [
            { type: 'file', file: { filename: 'document.pdf', file_data: 'data:application/pdf;base64,AAAA' } },
          ],
        },
      ],
    ],
    [
      'parts of a document',
      [user({ type: 'document', source: { type: 'content', content: [text('a'), picture] } })],
      [{ role: 'user', content: [text('a'), picturePart] }],
    ],
    [
      'a found text',
      [user({ type: 'search_result', title: 'T', source: 'S', content: [text('a')] })],
      [{ role: 'user', content: 'T\nS\na' }],
    ],
  ]
  test.each(rows)('%s', (_what, turns, messages) => expect(messagesOf(...turns)).toEqual(messages))

  test('an unfinished answer that is to be gone on with, when it is the last', () => {
    const chat = chatOf({ messages: [...hello, { role: 'assistant', content: 'The answer is (' }] })
    expect(chat).toMatchObject({ continue_final_message: true, add_generation_prompt: false })
    expect((chat.messages as Json[]).at(-1)).toEqual({ role: 'assistant', content: 'The answer is (', prefix: true })
    const empty = chatOf({ messages: [...hello, { role: 'assistant', content: '' }] })
    expect(empty).toEqual({ model: 'm', max_completion_tokens: 9, messages: hello })
  })
})

test('instructions are one message before all others', () => {
  for (const system of ['a\n\nb', [{ ...text('a'), cache_control: { type: 'ephemeral' } }, text('b')]]) {
    expect(chatOf({ system }).messages).toEqual([{ role: 'system', content: 'a\n\nb' }, ...hello])
  }
})

describe('tools', () => {
  const described = { name: 'read', description: 'Reads a file.', parameters: schema }

  test('are functions', () => {
    const examples = { ...tool, input_examples: [{ path: 'a' }], strict: true, eager_input_streaming: true }
    expect(chatOf({ tools: [tool, examples] }).tools).toEqual([
      { type: 'function', function: described },
      {
        type: 'function',
        function: {
          ...described,
          description: 'Reads a file.\n\nExamples of its input: [{"path":"a"}]',
          strict: true,
        },
      },
    ])
  })

  test.each([
    [{ type: 'auto' }, { tool_choice: 'auto' }],
    [{ type: 'none' }, { tool_choice: 'none' }],
    [{ type: 'any' }, { tool_choice: 'required' }],
    [{ type: 'tool', name: 'read' }, { tool_choice: { type: 'function', function: { name: 'read' } } }],
    [
      { type: 'auto', disable_parallel_tool_use: true },
      { tool_choice: 'auto', parallel_tool_calls: false },
    ],
  ])('chosen by %j', (choice, fields) => {
    const { tools: _, ...chat } = chatOf({ tools: [tool], tool_choice: choice })
    expect(chat).toEqual({ model: 'm', messages: hello, max_completion_tokens: 9, ...fields })
  })
})

describe('refused by name is', () => {
  const inTurn = (...content: Json[]) => ({ messages: [user(...content)] })
  const source = (fields: Json) => inTurn({ type: 'document', source: fields })
  const rows: [param: string, fields: Json, rule: string][] = [
    ['max_tokens', { max_tokens: undefined }, 'is required'],
    ['max_tokens', { max_tokens: 0 }, 'at least 1'],
    ['messages', { messages: [] }, 'at least one'],
    ['messages[0].role', { messages: [{ role: 'tool', content: 'a' }] }, '"user", "assistant"'],
    ['future', { future: 1 }, 'not known here'],
    ['container', { container: 'c' }, 'not offered here'],
    ['mcp_servers', { mcp_servers: [{ url: 'https://a' }] }, 'send their tools in `tools`'],
    [
      'context_management.edits[0].type',
      { context_management: { edits: [{ type: 'clear_tool_uses_20250919' }] } },
      'no other',
    ],
    ['thread', { thread: { type: 'create' } }, 'whole conversation'],
    ['speed', { speed: 'fast' }, '"standard"'],
    ['inference_geo', { inference_geo: 'eu' }, '`chasm.only`'],
    ['thinking.budget_tokens', { thinking: { type: 'enabled' } }, 'is required'],
    ['tool_choice', { tool_choice: { type: 'any' } }, 'needs `tools`'],
    ['tool_choice.name', { tools: [tool], tool_choice: { type: 'tool', name: 'x' } }, 'one of `tools`'],
    ['tools[0].type', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, 'web_search_20250305'],
    ['tools[0].future', { tools: [{ ...tool, future: 1 }] }, 'not known here'],
    ['tools[0].input_schema', { tools: [{ name: 'a' }] }, 'JSON schema'],
    ['tools[0].defer_loading', { tools: [{ ...tool, defer_loading: true }] }, 'search of tools'],
    ['tools[0].allowed_callers', { tools: [{ ...tool, allowed_callers: ['code_execution_20250825'] }] }, '"direct"'],
    ['messages[0].content[0].future', inTurn({ ...text('a'), future: 1 }), 'not known here'],
    ['messages[0].content[0].type', inTurn({ type: 'container_upload', file_id: 'f' }), 'container_upload'],
    ['messages[0].content[0].type', { messages: [assistant({ type: 'server_tool_use', id: 'a' })] }, 'server_tool_use'],
    ['messages[0].content[0].source.type', inTurn({ type: 'image', source: { type: 'file', file_id: 'f' } }), '"file"'],
    ['messages[0].content[0].source.type', source({ type: 'url', url: 'https://a/b.pdf' }), 'send the document'],
    ['messages[0].content[0].source.media_type', source({ type: 'base64', media_type: 'text/html', data: '' }), 'pdf'],
    [
      'messages[0].content[0].content[0].type',
      inTurn(result([{ type: 'tool_reference', tool_name: 'a' }])),
      'tool_reference',
    ],
    ['messages[0].content[0].input', { messages: [assistant({ ...toolUse, input: 'a' })] }, 'must be an object'],
    [
      'messages[0].content[0].citations',
      inTurn({ type: 'document', citations: { enabled: true }, source: { type: 'text', data: 'a' } }),
      'quotes',
    ],
    ['system[0].type', { system: [picture] }, 'must be text'],
  ]
  test.each(rows)('%s of %j', (param, fields, rule) => {
    const flaw = refused(fields)
    expect(flaw).toMatchObject({ code: 'invalid_request', param })
    expect(flaw.message).toContain(`\`${param}\``)
    expect(flaw.message).toContain(rule)
  })
})

const jsonObject = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 })

test('calls of an answer come back as the calls they were, whatever their input', () => {
  const calls = fc.array(fc.record({ id: fc.uuid(), name: fc.constantFrom('read', 'write'), input: jsonObject }), {
    minLength: 1,
    maxLength: 4,
  })
  fc.assert(
    fc.property(calls, fc.string(), (made, said) => {
      const toolCalls = made.map(({ id, name, input }) => {
        return { id, type: 'function', function: { name, arguments: JSON.stringify(input) } }
      })
      const message = { role: 'assistant', content: said === '' ? null : said, tool_calls: toolCalls }
      const answer = messageOf(
        { id: 'msg', model: 'm' },
        { choices: [{ message, finish_reason: 'tool_calls' }] },
        {
          thinking: 'none',
          stops: [],
        },
      )
      if ('code' in answer) throw new Error(answer.message)
      const results = made.map(({ id }) => ({ type: 'tool_result', tool_use_id: id, content: 'done' }))
      const sent = JSON.parse(JSON.stringify([{ role: 'assistant', content: answer.content }, user(...results)]))
      const [back, ...rest] = messagesOf(...sent)
      expect(back).toEqual(message)
      expect(rest).toEqual(made.map(({ id }) => ({ role: 'tool', tool_call_id: id, content: 'done' })))
    }),
  )
})

test('whatever the schema accepts becomes a chat request or is refused by name', () => {
  const block = fc.oneof(
    fc.constantFrom<Json>(text('a'), picture, pictureUrl, toolUse, result('a'), result([picture])),
    fc.record({ type: fc.constantFrom('text', 'image', 'document', 'tool_use', 'tool_result', 'thinking', 'odd') }),
    fc.record({ type: fc.constantFrom('image', 'document'), source: jsonObject, title: fc.jsonValue() }),
  )
  const content = fc.oneof(fc.string(), fc.array(block, { maxLength: 4 }))
  const turn = fc.record({ role: fc.constantFrom('user', 'assistant', 'system'), content })
  const request = fc.record(
    {
      ...{ model: fc.constant('m'), max_tokens: fc.constant(5) },
      messages: fc.array(turn, { minLength: 1, maxLength: 4 }),
      system: content,
      tools: fc.array(fc.oneof(fc.constant(tool), jsonObject), { maxLength: 2 }),
      tool_choice: fc.constantFrom({ type: 'auto' }, { type: 'any' }, { type: 'tool', name: 'read' }, null),
      thinking: fc.constantFrom({ type: 'adaptive' }, { type: 'disabled' }, null),
      stream: fc.constantFrom(true, false, null),
    },
    { requiredKeys: ['model', 'max_tokens', 'messages'] },
  )
  fc.assert(
    fc.property(request, (sent) => {
      const flaw = refusal(messagesRequest, sent)
      const made = flaw ?? chatRequestOf(sent as unknown as MessagesFields)
      if ('code' in made) expect(made.param).toMatch(/./)
      else expect(refusal(chatRequest, made.chat)).toBeNull()
    }),
    { numRuns: 500 },
  )
})
