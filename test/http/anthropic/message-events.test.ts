/** From chat completions to messages: whole and streamed answers come to the same, however the chunks were cut. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AnswerForm } from '../../../orchestrator/http/anthropic/answer/answer-form.ts'
import { messageOf } from '../../../orchestrator/http/anthropic/answer/message.ts'
import { type MessageEvent, MessageEvents } from '../../../orchestrator/http/anthropic/answer/message-events.ts'
import { heldBlockCharsMax } from '../../../shared/limits/http.ts'
import { accumulated } from './legal-events.ts'

type Json = Record<string, unknown>

const head = { id: 'msg_1', model: 'llama' }
const shown: AnswerForm = { thinking: 'shown', stops: ['END'] }

/** All events of these chunks, the last of which is the tail with the usage; or the fault that broke them off. */
function eventsOf(chunks: readonly Json[], form = shown): MessageEvent[] | { code: string } {
  const machine = new MessageEvents(form)
  const events = [machine.start(head)]
  for (const chunk of chunks) {
    const more = machine.chunk(chunk)
    if (!Array.isArray(more)) return more
    events.push(...more)
  }
  const last = machine.end()
  return Array.isArray(last) ? [...events, ...last] : last
}

function delta(fields: Json, more: Json = {}): Json {
  return { choices: [{ index: 0, delta: fields, finish_reason: null, ...more }] }
}

const ended = (finish: string, more: Json = {}) => delta({}, { finish_reason: finish, ...more })
const call = (index: number, fields: Json, args: string) => ({
  tool_calls: [{ index, ...fields, function: { ...(fields.function as Json), arguments: args } }],
})
const begun = (index: number, name: string, args = '') =>
  call(index, { id: `call_${index}`, type: 'function', function: { name } }, args)

const usage = {
  prompt_tokens: 100,
  completion_tokens: 20,
  total_tokens: 120,
  prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 10 },
  completion_tokens_details: { reasoning_tokens: 5 },
}
const tail = { choices: [], usage }

const jsonObject = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 })
const answer = fc.record({
  reasoning: fc.string({ unit: 'grapheme' }),
  text: fc.string({ unit: 'grapheme' }),
  calls: fc.array(fc.record({ name: fc.constantFrom('read', 'write'), input: jsonObject, isSpaced: fc.boolean() }), {
    maxLength: 3,
  }),
  finish: fc.constantFrom('stop', 'length', 'tool_calls', 'content_filter'),
  cuts: fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 8 }),
  field: fc.constantFrom('reasoning', 'reasoning_content'),
})

/** A text in pieces whose sizes go round the list; empty pieces are among them. */
function cut(text: string, sizes: readonly number[]): string[] {
  const pieces: string[] = []
  for (let at = 0, turn = 0; at < text.length; turn++) {
    const size = sizes[turn % sizes.length]! + (turn % sizes.length === sizes.length - 1 ? 1 : 0)
    pieces.push(text.slice(at, at + size))
    at += size
  }
  return pieces
}

describe('any answer', () => {
  test('comes to the same blocks whole and streamed, in legal order', () => {
    fc.assert(
      fc.property(answer, ({ reasoning, text, calls, finish, cuts, field }) => {
        const written = calls.map(({ input, isSpaced }) => JSON.stringify(input, null, isSpaced ? 1 : 0))
        const toolCalls = calls.map(({ name }, index) => ({
          id: `call_${index}`,
          type: 'function',
          function: { name, arguments: written[index] },
        }))
        const message = { role: 'assistant', content: text, [field]: reasoning, tool_calls: toolCalls }
        const whole = messageOf(head, { choices: [{ index: 0, message, finish_reason: finish }], usage }, shown)
        const chunks = [
          delta({ role: 'assistant', content: '' }),
          ...cut(reasoning, cuts).map((piece) => delta({ [field]: piece })),
          ...cut(text, cuts).map((piece) => delta({ content: piece })),
          ...calls.flatMap(({ name }, index) => [
            delta(begun(index, name)),
            ...cut(written[index]!, cuts).map((piece) => delta(call(index, {}, piece))),
          ]),
          ended(finish),
          tail,
        ]
        const streamed = accumulated(eventsOf(chunks) as MessageEvent[])
        // Long numbers are kept as their digits until they are written.
        expect(streamed).toEqual(JSON.parse(JSON.stringify(whole)))
      }),
    )
  })

  test('with calls that come all at once, mixed, is told one block after the other', () => {
    fc.assert(
      fc.property(fc.array(jsonObject, { minLength: 2, maxLength: 4 }), fc.infiniteStream(fc.nat()), (inputs, dice) => {
        const chunks = inputs.map((_, index) => delta(begun(index, `tool_${index}`)))
        const pieces = inputs.map((input) => cut(JSON.stringify(input), [3]))
        while (pieces.some((left) => left.length > 0)) {
          const open = pieces.flatMap((left, index) => (left.length > 0 ? [index] : []))
          const index = open[dice.next().value! % open.length]!
          chunks.push(delta(call(index, {}, pieces[index]!.shift()!)))
        }
        const { content } = accumulated(eventsOf([...chunks, ended('tool_calls'), tail]) as MessageEvent[])
        expect(content.map(({ input }) => input)).toEqual(inputs.map((input) => JSON.parse(JSON.stringify(input))))
        expect(content.map(({ id }) => id)).toEqual(inputs.map((_, index) => `call_${index}`))
      }),
    )
  })
})

test('a piece goes out when it comes, not when the block ends', () => {
  const machine = new MessageEvents(shown)
  expect(machine.chunk(delta({ content: 'He' }))).toEqual([
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '', citations: null } },
    { type: 'ping' },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'He' } },
  ])
  expect(machine.chunk(delta({ content: 'llo' }))).toEqual([
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'llo' } },
  ])
  const next = machine.chunk(delta(begun(0, 'read', '{"a'))) as MessageEvent[]
  expect(next.map(({ type }) => type)).toEqual(['content_block_stop', 'content_block_start', 'content_block_delta'])
  const second = machine.chunk(delta(call(0, {}, '":1}'))) as MessageEvent[]
  expect(second).toMatchObject([{ delta: { type: 'input_json_delta', partial_json: '":1}' } }])
})

test('a call whose name comes late waits for it', () => {
  const late = { tool_calls: [{ index: 0, function: { name: 'read', arguments: ':1}' } }] }
  const chunks = [delta(call(0, { id: 'call_0' }, '{"a"')), delta(late), ended('tool_calls'), tail]
  const { content } = accumulated(eventsOf(chunks) as MessageEvent[])
  expect(content).toMatchObject([{ type: 'tool_use', id: 'call_0', name: 'read', input: { a: 1 } }])
})

test('a call without arguments has an empty input, whole and streamed', () => {
  const chunks = [delta(begun(0, 'now')), delta(begun(1, 'here', '{}')), ended('tool_calls'), tail]
  const { content } = accumulated(eventsOf(chunks) as MessageEvent[])
  expect(content).toMatchObject([
    { name: 'now', input: {} },
    { name: 'here', input: {} },
  ])
  const message = { content: null, tool_calls: [{ id: 'c', function: { name: 'now', arguments: '' } }] }
  const whole = messageOf(head, { choices: [{ message, finish_reason: 'tool_calls' }] }, shown)
  expect(whole).toMatchObject({ content: [{ name: 'now', input: {} }] })
})

describe('arguments that are no object', () => {
  test.each(['[1]', '"text"', '7', '{"a":1', '{"a":1}}', '{"a":1} and more'])('%j fail the answer', (args) => {
    const message = { content: null, tool_calls: [{ id: 'c', function: { name: 'read', arguments: args } }] }
    const whole = messageOf(head, { choices: [{ message, finish_reason: 'tool_calls' }] }, shown)
    expect(whole).toMatchObject({ code: 'provider_bad_answer' })
    for (const size of [1, 100]) {
      const pieces = cut(args, [size]).map((piece) => delta(call(0, {}, piece)))
      const chunks = [delta(begun(0, 'read')), ...pieces, delta(begun(1, 'next', '{}')), ended('tool_calls'), tail]
      expect(eventsOf(chunks)).toMatchObject({ code: 'provider_bad_answer' })
    }
  })

  test('are left out where the answer was cut off in them', () => {
    const calls = ['{"a":1}', '{"b'].map((args, at) => ({ id: `c${at}`, function: { name: 'read', arguments: args } }))
    const choice = { message: { content: 'So', tool_calls: calls }, finish_reason: 'length' }
    expect(messageOf(head, { choices: [choice] }, shown)).toMatchObject({
      content: [{ text: 'So' }, { id: 'c0', input: { a: 1 } }],
      stop_reason: 'max_tokens',
    })
  })
})

test('long numbers in arguments keep their digits', () => {
  const message = { tool_calls: [{ id: 'c', function: { name: 'ban', arguments: '{"user":123456789012345678901}' } }] }
  const whole = messageOf(head, { choices: [{ message, finish_reason: 'tool_calls' }] }, shown)
  expect(JSON.stringify(whole)).toContain('"input":{"user":123456789012345678901}')
})

test('blocks that wait for an unfinished call are bounded', () => {
  const part = 'x'.repeat(heldBlockCharsMax / 4)
  const waiting = Array.from({ length: 5 }, (_, index) => delta(begun(index + 1, 'write', `{"text":"${part}`)))
  expect(eventsOf([delta(begun(0, 'read', '{"path":"')), ...waiting])).toMatchObject({ code: 'answer_too_large' })
  // What can be told at once does not count.
  const told = Array.from({ length: 40 }, () => delta({ content: part }))
  expect(accumulated(eventsOf([...told, ended('stop'), tail]) as MessageEvent[]).content).toHaveLength(1)
})

describe('an answer ends', () => {
  const rows: [what: string, choice: Json, stop: Json][] = [
    ['by itself', { finish_reason: 'stop' }, { stop_reason: 'end_turn', stop_sequence: null, stop_details: null }],
    ['at the limit', { finish_reason: 'length' }, { stop_reason: 'max_tokens' }],
    ['filtered', { finish_reason: 'content_filter' }, { stop_reason: 'refusal', stop_details: { type: 'refusal' } }],
    ['at a text of the client (vLLM)', { finish_reason: 'stop', stop_reason: 'END' }, sequence('END')],
    ['at a text of the client (SGLang)', { finish_reason: 'stop', matched_stop: 'END' }, sequence('END')],
    ['at a token of the model', { finish_reason: 'stop', stop_reason: 128_009 }, { stop_reason: 'end_turn' }],
  ]
  function sequence(text: string): Json {
    return { stop_reason: 'stop_sequence', stop_sequence: text }
  }

  test.each(rows)('%s', (_what, choice, stop) => {
    const whole = messageOf(head, { choices: [{ index: 0, message: { content: 'a' }, ...choice }] }, shown)
    expect(whole).toMatchObject(stop)
    const { finish_reason: finish, ...more } = choice
    const chunks = [delta({ content: 'a' }), ended(finish as string, more), tail]
    expect(accumulated(eventsOf(chunks) as MessageEvent[])).toMatchObject(stop)
  })

  test('with a refusal', () => {
    const refused = { content: [{ type: 'text', text: 'I will not' }], stop_reason: 'refusal' }
    const choice = { message: { content: null, refusal: 'I will not' }, finish_reason: 'stop' }
    expect(messageOf(head, { choices: [choice] }, shown)).toMatchObject(refused)
    const chunks = [delta({ refusal: 'I will' }), delta({ refusal: ' not' }), ended('stop'), tail]
    expect(accumulated(eventsOf(chunks) as MessageEvent[])).toMatchObject(refused)
  })

  test('with calls, also where the provider says stop', () => {
    const chunks = [delta(begun(0, 'read', '{}')), ended('stop'), tail]
    expect(accumulated(eventsOf(chunks) as MessageEvent[])).toMatchObject({ stop_reason: 'tool_use' })
  })
})

test('usage tells cached tokens apart, and thinking', () => {
  const chunks = [delta({ content: 'a' }), ended('stop'), tail]
  expect(accumulated(eventsOf(chunks) as MessageEvent[]).usage).toEqual({
    input_tokens: 30,
    cache_read_input_tokens: 60,
    cache_creation_input_tokens: 10,
    cache_creation: null,
    output_tokens: 20,
    output_tokens_details: { thinking_tokens: 5 },
    server_tool_use: null,
    service_tier: null,
    inference_geo: null,
  })
  const none = accumulated(eventsOf([delta({ content: 'a' }), ended('stop'), { choices: [] }]) as MessageEvent[])
  expect(none.usage).toMatchObject({ input_tokens: 0, output_tokens: 0, output_tokens_details: null })
})

describe('reasoning', () => {
  const chunks = [
    delta({ reasoning: 'Hm, ' }),
    delta({ reasoning: 'yes' }),
    delta({ content: 'Yes' }),
    ended('stop'),
    tail,
  ]
  const message = { content: 'Yes', reasoning: 'Hm, yes' }
  const choices = [{ message, finish_reason: 'stop' }]

  test.each([
    ['shown', [{ type: 'thinking', thinking: 'Hm, yes', signature: 'chasm' }]],
    ['omitted', [{ type: 'thinking', thinking: '', signature: 'chasm' }]],
    ['none', []],
  ] as const)('is %s as it was asked for', (thinking, before) => {
    const form = { thinking, stops: [] }
    const content = [...before, { type: 'text', text: 'Yes', citations: null }]
    expect(messageOf(head, { choices }, form)).toMatchObject({ content })
    expect(accumulated(eventsOf(chunks, form) as MessageEvent[]).content).toEqual(content)
  })
})
