/** The chat request that a request to the Responses API stands for. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ResponseAnswer } from '../../../orchestrator/http/responses/events/response-answer.ts'
import { compactionItem } from '../../../orchestrator/http/responses/items/compaction.ts'
import { customArguments, customInput } from '../../../orchestrator/http/responses/items/custom-tool.ts'
import { echoOf } from '../../../orchestrator/http/responses/items/response-object.ts'
import { toolNamesIn } from '../../../orchestrator/http/responses/items/tool-names.ts'
import { chatRequestOf } from '../../../orchestrator/http/responses/request/chat-request.ts'
import { messagesOf } from '../../../orchestrator/http/responses/request/input-items.ts'
import type { ResponseFields } from '../../../orchestrator/http/schema/response-request.ts'

import type { Json } from '../../support/providers/provider-calls.ts'

const id = `resp_${'0'.repeat(32)}`
const user = { role: 'user', content: 'hi' }

function chatOf(fields: Partial<ResponseFields> & Json, items: Json[] = [user]): Json {
  const mapped = chatRequestOf({ model: 'm', ...fields }, items)
  if ('code' in mapped) throw new Error(mapped.message)
  return mapped.chat
}

function refusalOf(fields: Partial<ResponseFields> & Json, items: Json[] = [user]): string | undefined {
  const mapped = chatRequestOf({ model: 'm', ...fields }, items)
  return 'code' in mapped ? mapped.param : undefined
}

const plain = { model: 'm', messages: [user] }

describe('settings', () => {
  test.each<[string, Json, Json]>([
    ['nothing', {}, {}],
    [
      'what both name alike',
      { temperature: 0, top_p: 0.5, seed: 7, user: 'u' },
      { temperature: 0, top_p: 0.5, seed: 7, user: 'u' },
    ],
    [
      'penalties and stops',
      { presence_penalty: 1, frequency_penalty: -1, stop: ['x'] },
      { presence_penalty: 1, frequency_penalty: -1, stop: ['x'] },
    ],
    ['keys', { prompt_cache_key: 'k', safety_identifier: 's' }, { prompt_cache_key: 'k', safety_identifier: 's' }],
    ['the most tokens', { max_output_tokens: 9 }, { max_completion_tokens: 9 }],
    ['effort', { reasoning: { effort: 'low', summary: 'auto' } }, { reasoning_effort: 'low' }],
    ['verbosity', { text: { verbosity: 'low' } }, { verbosity: 'low' }],
    ['plain text', { text: { format: { type: 'text' } } }, {}],
    ['JSON', { text: { format: { type: 'json_object' } } }, { response_format: { type: 'json_object' } }],
    ['probabilities', { top_logprobs: 2 }, { logprobs: true, top_logprobs: 2 }],
    ['probabilities alone', { include: ['message.output_text.logprobs'] }, { logprobs: true }],
    ['the usual tier', { service_tier: 'auto' }, {}],
    ['another tier', { service_tier: 'flex' }, { service_tier: 'flex' }],
    ['a stream', { stream: true }, { stream: true }],
    ['what the hub does not know', { top_k: 5, code: 'x', message: 'y' }, { top_k: 5, code: 'x', message: 'y' }],
    ['what is for the client alone', { client_metadata: { a: 'b' } }, {}],
    ['nothing in nulls', { temperature: null, max_output_tokens: null, text: null, reasoning: null, top_k: null }, {}],
    ['parallel calls without tools', { parallel_tool_calls: false, tools: [] }, {}],
  ])('of %s', (_, sent, more) => {
    expect(chatOf(sent)).toEqual({ ...plain, ...more })
  })

  test('of a schema', () => {
    const schema = { type: 'object' }
    const format = { type: 'json_schema', name: 'n', description: null, schema, strict: true }
    expect(chatOf({ text: { format } }).response_format).toEqual({
      type: 'json_schema',
      json_schema: { name: 'n', schema, strict: true },
    })
  })
})

describe('tools', () => {
  const parameters = { type: 'object', properties: {} }
  const weather = { type: 'function', name: 'weather', description: 'd', parameters, strict: false }
  const patch = {
    type: 'custom',
    name: 'patch',
    description: 'Edit',
    format: { type: 'grammar', syntax: 'lark', definition: 'start: X' },
  }

  test('are functions, and custom ones functions of one text', () => {
    const { tools, parallel_tool_calls: parallel } = chatOf({ tools: [weather, patch], parallel_tool_calls: false })
    expect(tools[0]).toEqual({
      type: 'function',
      function: { name: 'weather', description: 'd', parameters, strict: false },
    })
    expect(tools[1].function).toMatchObject({ name: 'patch', parameters: { required: ['input'] } })
    expect(tools[1].function.description).toMatch(/^Edit\n\n.*lark grammar:\nstart: X$/s)
    expect(parallel).toBe(false)
  })

  test('of a namespace stand in one list with the others, under names that tell them apart', () => {
    const inner = { type: 'namespace', name: 'files', description: 'd', tools: [{ ...weather }, patch] }
    const choice = { type: 'function', name: 'weather', namespace: 'files' }
    const { tools } = chatOf({ tools: [weather, inner], tool_choice: choice })
    expect(tools.map((tool: Json) => tool.function.name)).toEqual(['weather', 'files__weather', 'files__patch'])
    const call = { type: 'function_call', call_id: 'a', name: 'weather', namespace: 'files', arguments: '{}' }
    expect(messagesOf([call], null)).toMatchObject([{ tool_calls: [{ function: { name: 'files__weather' } }] }])
    const made = new ResponseAnswer(
      { id, createdAt: 1, model: 'm', echo: echoOf({}), toolNames: toolNamesIn([weather, inner]), store: true },
      () => {},
    )
    const called = ['weather', 'files__weather', 'files__patch']
    const calls = called.map((name, index) => ({ index, id: name, function: { name, arguments: '{}' } }))
    made.add({ choices: [{ index: 0, delta: { tool_calls: calls }, finish_reason: 'tool_calls' }] })
    made.close()
    expect((made.ended({ atSeconds: 2 }, true) as Json).output).toMatchObject([
      { type: 'function_call', name: 'weather' },
      { type: 'function_call', name: 'weather', namespace: 'files' },
      { type: 'custom_tool_call', name: 'patch', namespace: 'files' },
    ])
  })

  test.each<[string | Json, unknown, string[]]>([
    ['required', 'required', ['weather', 'patch']],
    [{ type: 'function', name: 'weather' }, { type: 'function', function: { name: 'weather' } }, ['weather', 'patch']],
    [{ type: 'custom', name: 'patch' }, { type: 'function', function: { name: 'patch' } }, ['weather', 'patch']],
    [
      { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'weather' }] },
      'required',
      ['weather'],
    ],
    [{ type: 'allowed_tools', mode: 'auto', tools: [{ type: 'custom', name: 'patch' }] }, 'auto', ['patch']],
  ])('are chosen as in %j', (choice, chosen, names) => {
    const { tools, tool_choice: mapped } = chatOf({ tools: [weather, patch], tool_choice: choice })
    expect(mapped).toEqual(chosen)
    expect(tools.map((tool: Json) => tool.function.name)).toEqual(names)
  })

  test.each<[string, Json]>([
    ['tools[0].type', { tools: [{ type: 'web_search' }] }],
    ['tools[1].name', { tools: [weather, { type: 'function' }] }],
    ['tools[0].tools[1].type', { tools: [{ type: 'namespace', name: 'n', tools: [weather, { type: 'mcp' }] }] }],
    ['tool_choice', { tools: [weather], tool_choice: 'any' }],
    ['tool_choice', { tools: [weather], tool_choice: { type: 'function', name: 'other' } }],
    [
      'tool_choice',
      { tools: [weather], tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ name: 'other' }] } },
    ],
    ['tool_choice', { tools: [weather], tool_choice: { type: 'file_search' } }],
  ])('that cannot be had are refused at %s', (param, sent) => {
    expect(refusalOf(sent)).toBe(param)
  })

  test('of one text bring any text over and back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(customInput(customArguments(text))).toBe(text)
      }),
    )
    expect(customInput('not JSON')).toBe('not JSON')
  })
})

describe('items', () => {
  const messages = (items: Json[], instructions: string | null = null) => messagesOf(items, instructions)

  test('of instructions, roles and parts become messages', () => {
    const items = [
      { type: 'message', role: 'developer', content: 'Be kind.' },
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'See' },
          { type: 'input_image', image_url: 'https://a.example/i.png', detail: 'low' },
        ],
      },
      {
        type: 'message',
        role: 'assistant',
        content: [
          { type: 'output_text', text: 'I see' },
          { type: 'refusal', refusal: ' no more' },
        ],
      },
      { role: 'system', content: 'Stop.' },
    ]
    expect(messages(items, 'Be brief.')).toEqual([
      { role: 'system', content: 'Be brief.\n\nBe kind.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'See' },
          { type: 'image_url', image_url: { url: 'https://a.example/i.png', detail: 'low' } },
        ],
      },
      { role: 'assistant', content: 'I see no more' },
      { role: 'system', content: 'Stop.' },
    ])
  })

  test('of one answer become one message, and its results follow', () => {
    const items = [
      { type: 'reasoning', id: 'rs_1', summary: [] },
      { role: 'assistant', content: 'Let me look.' },
      { type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' },
      { type: 'custom_tool_call', call_id: 'b', name: 'g', input: 'x' },
      { type: 'function_call_output', call_id: 'a', output: 'A' },
      { type: 'custom_tool_call_output', call_id: 'b', output: [{ type: 'input_text', text: 'B' }] },
      { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
    ]
    const call = (callId: string, name: string, sent: string) => ({
      id: callId,
      type: 'function',
      function: { name, arguments: sent },
    })
    expect(messages(items)).toEqual([
      {
        role: 'assistant',
        content: 'Let me look.',
        tool_calls: [call('a', 'f', '{}'), call('b', 'g', '{"input":"x"}')],
      },
      { role: 'tool', tool_call_id: 'a', content: 'A' },
      { role: 'tool', tool_call_id: 'b', content: 'B' },
      { role: 'assistant', content: null, tool_calls: [call('c', 'f', '{}')] },
    ])
  })

  test('with an image that a tool returned show it behind all results of the turn', () => {
    const image = { type: 'input_image', image_url: 'data:image/png;base64,AA==' }
    const items = [
      { type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' },
      { type: 'function_call', call_id: 'b', name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: 'a', output: [image] },
      { type: 'function_call_output', call_id: 'b', output: 'B' },
      { role: 'user', content: 'And?' },
    ]
    const made = messages(items) as Json[]
    expect(made.map(({ role }) => role)).toEqual(['assistant', 'tool', 'tool', 'user', 'user'])
    expect(made[3]!.content).toEqual([{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }])
  })

  test('with files hold the text of text files, and other files as they are', () => {
    const text = `data:text/plain;base64,${Buffer.from('grün').toString('base64')}`
    const pdf = 'data:application/pdf;base64,JVBERg=='
    const content = [
      { type: 'input_file', filename: 'a.txt', file_data: text },
      { type: 'input_file', filename: 'b.pdf', file_data: pdf },
    ]
    expect(messages([{ role: 'user', content }])).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a.txt:\n\ngrün' },
          { type: 'file', file: { file_data: pdf, filename: 'b.pdf' } },
        ],
      },
    ])
  })

  test('of a summary stand for what came before', () => {
    expect(messages([compactionItem(id, 0, 'All of it.')])).toEqual([
      { role: 'user', content: 'Summary of the conversation so far:\n\nAll of it.' },
    ])
  })

  test.each<[string, Json]>([
    ['input[0].type', { type: 'web_search_call' }],
    ['input[0].role', { role: 'tool', content: 'x' }],
    ['input[0].content', { role: 'user' }],
    ['input[0].content[0].type', { role: 'user', content: [{ type: 'input_video' }] }],
    ['input[0].content[0].text', { role: 'user', content: [{ type: 'input_text' }] }],
    ['input[0].content[0].image_url', { role: 'user', content: [{ type: 'input_image' }] }],
    ['input[0].content[0].file_id', { role: 'user', content: [{ type: 'input_image', file_id: 'f' }] }],
    [
      'input[0].content[0].file_url',
      { role: 'user', content: [{ type: 'input_file', file_url: 'https://a.example' }] },
    ],
    ['input[0].content[0].file_data', { role: 'user', content: [{ type: 'input_file', filename: 'a' }] }],
    [
      'input[0].content[0].file_data',
      { role: 'user', content: [{ type: 'input_file', file_data: 'data:text/plain;base64,/w==' }] },
    ],
    ['input[0].call_id', { type: 'function_call', name: 'f', arguments: '{}' }],
    ['input[0].arguments', { type: 'function_call', call_id: 'a', name: 'f' }],
    ['input[0].output', { type: 'function_call_output', call_id: 'a' }],
    ['input[0].encrypted_content', { type: 'compaction', encrypted_content: 'theirs' }],
  ])('that cannot be had are refused at %s', (param, item) => {
    expect(refusalOf({}, [item])).toBe(param)
  })

  test('that an answer consists of become the message that they were made of', () => {
    const call = fc.record({
      id: fc.stringMatching(/^call_[a-z]{1,8}$/),
      name: fc.constantFrom('f', 'patch'),
      input: fc.string(),
    })
    const said = fc.record({
      content: fc.string({ minLength: 1 }),
      calls: fc.uniqueArray(call, { maxLength: 3, selector: (one) => one.id }),
    })
    fc.assert(
      fc.property(said, ({ content, calls }) => {
        const toolCalls = calls.map(({ id: callId, name, input }) => ({
          ...{ id: callId, type: 'function', function: { name, arguments: customArguments(input) } },
        }))
        const message = { role: 'assistant', content, ...(toolCalls.length > 0 && { tool_calls: toolCalls }) }
        const toolNames = toolNamesIn([{ type: 'custom', name: 'patch' }])
        const made = new ResponseAnswer(
          { id, createdAt: 1, model: 'm', echo: echoOf({}), toolNames, store: true },
          () => {},
        )
        made.add({ choices: [{ index: 0, message, finish_reason: 'stop' }] })
        made.close()
        const { output } = made.ended({ atSeconds: 2 }, true) as Json
        expect(messages(output)).toEqual([message])
      }),
    )
  })
})
