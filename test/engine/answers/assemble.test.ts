import { expect, test } from 'vitest'
import { AnswerAssembly } from '../../../orchestrator/engine/answers/assembly/assemble.ts'
import { textOf } from '../../../shared/json/answer-text.ts'
import { toolCallsMax } from '../../../shared/limits/intents.ts'

const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
const emptyTail = { choices: [] }

interface Part {
  index?: number
  delta?: unknown
  finish_reason?: unknown
  logprobs?: unknown
}

function assembleAnswer(lines: readonly Uint8Array[], tail: Uint8Array): Uint8Array | null {
  const assembly = new AnswerAssembly()
  for (const line of lines) assembly.add(line)
  return assembly.result(tail)
}

function assembled(parts: Part[], tail: unknown = emptyTail) {
  const lines = parts.map((part) => bytes({ choices: [{ index: 0, delta: {}, ...part }] }))
  return JSON.parse(Buffer.from(assembleAnswer(lines, bytes(tail))!).toString('utf8'))
}

test('text in pieces becomes one message, with its finish reason and usage', () => {
  const usage = { prompt_tokens: 3, completion_tokens: 2 }
  const parts = [
    { delta: { role: 'assistant', content: '' } },
    { delta: { content: 'Grüß' } },
    { delta: { content: ' Gott 🙂' } },
    { finish_reason: 'stop' },
  ]
  expect(assembled(parts, { choices: [], usage })).toEqual({
    choices: [
      { index: 0, message: { role: 'assistant', content: 'Grüß Gott 🙂' }, finish_reason: 'stop', logprobs: null },
    ],
    usage,
  })
})

test('choices that come interleaved are told apart by their index and put in order', () => {
  const parts = [1, 0, 2, 0, 1].map((index, at) => ({ index, delta: { content: `${at}` } }))
  const { choices } = assembled(parts)
  expect(choices.map((choice: Part & { message: unknown }) => [choice.index, choice.message])).toEqual([
    [0, { role: 'assistant', content: '13' }],
    [1, { role: 'assistant', content: '04' }],
    [2, { role: 'assistant', content: '2' }],
  ])
})

test('refusal and reasoning are joined like content; what is no text comes whole, the last word counts', () => {
  const { choices } = assembled([
    { delta: { refusal: 'I ', reasoning: 'Hm', audio: { id: 'a' } } },
    { delta: { refusal: 'cannot', reasoning: '...', audio: { id: 'b' }, content: null } },
  ])
  const said = { refusal: 'I cannot', reasoning: 'Hm...', audio: { id: 'b' } }
  expect(choices[0].message).toEqual({ role: 'assistant', content: null, ...said })
})

test('tool calls are put together by their index', () => {
  const { choices } = assembled([
    { delta: { tool_calls: [{ index: 0, id: 'c0', type: 'function', function: { name: 'look', arguments: '' } }] } },
    { delta: { tool_calls: [{ index: 1, id: 'c1', function: { name: 'go', arguments: '{}' } }] } },
    { delta: { tool_calls: [{ index: 0, function: { arguments: '{"at":' } }] } },
    { delta: { tool_calls: [{ index: 0, function: { arguments: '1}' } }] } },
  ])
  expect(choices[0].message.tool_calls).toEqual([
    { id: 'c0', type: 'function', function: { name: 'look', arguments: '{"at":1}' } },
    { id: 'c1', type: 'function', function: { name: 'go', arguments: '{}' } },
  ])
})

test('logprobs are joined, also where some lines have none', () => {
  const { choices } = assembled([
    { logprobs: { content: [{ token: 'a' }] } },
    { logprobs: null },
    { logprobs: { content: [{ token: 'b' }], refusal: [{ token: 'c' }] } },
  ])
  expect(choices[0].logprobs).toEqual({ content: [{ token: 'a' }, { token: 'b' }], refusal: [{ token: 'c' }] })
})

test('the logprobs of thousands of lines cost no more than their sum', () => {
  const parts = Array.from({ length: 40_000 }, () => ({ logprobs: { content: [1] } }))
  expect(assembled(parts).choices[0].logprobs.content).toHaveLength(40_000)
})

test('texts are joined as they are written, escapes and halves of characters included', () => {
  const lines = [
    '{"choices":[{"delta":{"content":"a\\u00e9\\n\\ud83d"},"index":0}]}',
    '{"choices":[{"index":0,"delta":{"c\\u006fntent":"\\ude00 \\"b\\""}}]}',
    '{"choices":[{"index":0,"delta":{"tool_calls":[{"function":{"arguments":"{\\"a"},"id":"c","index":0}]}}]}',
    '{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\\":1}"}}]}}]}',
  ]
  const answer = JSON.parse(Buffer.from(assembleAnswer(lines.map(bytes), bytes(emptyTail))!).toString('utf8'))
  expect(answer.choices[0].message).toEqual({
    role: 'assistant',
    content: 'aé\n😀 "b"',
    tool_calls: [{ id: 'c', type: 'function', function: { name: '', arguments: '{"a":1}' } }],
  })
})

test.each([
  ['a negative index', [{ index: -1 }]],
  ['an index far away', [{ index: 4_000_000_000 }]],
  ['an index that leaves a hole', [{ index: 1 }]],
  ['an index that is no number', [{ index: 'length' }, { index: '__proto__' }, { index: {} }]],
  ['no objects', [null, 7, 'x', [1]]],
  ['no list', { index: 0 }],
  ['a text', 'abc'],
])('tool calls with %s are left out', (_, tool_calls) => {
  expect(assembled([{ delta: { tool_calls, content: 'x' } }]).choices[0].message).toMatchObject({ content: 'x' })
  expect(assembled([{ delta: { tool_calls } }]).choices[0].message.tool_calls ?? []).toEqual([])
})

test('tool calls beyond the limit are left out', () => {
  const tool_calls = Array.from({ length: toolCallsMax + 9 }, (_, index) => ({ index, id: `c${index}` }))
  expect(assembled([{ delta: { tool_calls } }]).choices[0].message.tool_calls).toHaveLength(toolCallsMax)
})

test('fields that are named like parts of an object change no object', () => {
  const line = '{"choices":[{"index":0,"delta":{"__proto__":{"polluted":1},"constructor":"c","toString":"t"}}]}'
  const text = Buffer.from(assembleAnswer([bytes(line), bytes(line)], bytes(emptyTail))!).toString('utf8')
  expect(text).toContain('"constructor":"cc","toString":"tt"')
  expect(({} as { polluted?: number }).polluted).toBeUndefined()
  expect(Object.keys(Object.prototype)).toEqual([])
})

test('what is of another kind than expected is never turned into text by force', () => {
  const trap = { toString: 1, valueOf: 1 }
  const parts: Part[] = [
    { delta: { content: trap, x: trap, role: trap } },
    { delta: { content: 'a', x: 'b' } },
    { delta: { tool_calls: [{ index: 0, id: trap, type: trap, function: { name: trap, arguments: trap } }] } },
    { delta: { tool_calls: [{ index: 0, function: 'no object' }] } },
    { logprobs: { content: trap, refusal: 5 } },
    { logprobs: 'no object' },
  ]
  const { choices } = assembled(parts, { choices: [], usage: trap })
  expect(choices[0].message).toMatchObject({ content: 'a', x: 'b' })
  expect(choices[0].message.tool_calls).toEqual([{ id: '', type: 'function', function: { name: '', arguments: '' } }])
})

test('an answer too deep to be read is none, and hands on nothing', () => {
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
  const line = `{"choices":[{"index":0,"delta":{"x":${deep}}}]}`
  expect(assembleAnswer([bytes(line)], bytes(emptyTail))).toBeNull()
  expect(textOf(bytes(`{"data":[{"embedding":${deep}}]}`))).toBe('null')
})

test.each([
  [{ choices: [{ message: { content: 'text' } }, { message: { content: 'other' } }] }, 'text'],
  [{ choices: [{ message: { content: '' } }] }, ''],
  [{ choices: [{ message: { content: null, tool_calls: [1] } }] }, '{"content":null,"tool_calls":[1]}'],
  [{ choices: [{ message: { content: [{ type: 'text' }] } }] }, '[{"type":"text"}]'],
  [{ data: [{ embedding: [0.5] }] }, '[{"embedding":[0.5]}]'],
  [{ choices: [] }, 'null'],
])('a result %j says %j to the next task', (result, text) => {
  expect(textOf(bytes(result))).toBe(text)
})

test('of a long answer no more is read than lies before its text', () => {
  // Broken behind the text: whoever had read on would have found nothing.
  const text = '{"choices":[{"index":0,"message":{"role":"assistant","content":"gr\\u00fc\\u00df"},"logprobs":['
  expect(textOf(bytes(text))).toBe('grüß')
})
