/** What passes for a line of an answer and for a whole one: everything here is forwarded to clients byte by byte. */
import { describe, expect, test } from 'vitest'
import { inspectBody, inspectLine } from '../../../orchestrator/engine/answers/answer-check.ts'
import { bytesOf, deltaLine, finishLine, roleLine, tail, wholeAnswer } from '../../support/hub/engine-bench.ts'

function withDelta(delta: unknown, rest = {}): string {
  return JSON.stringify({ choices: [{ index: 0, delta, ...rest }] })
}

describe('a streamed line', () => {
  const content: [string, unknown][] = [
    ['text', { content: 'x' }],
    ['a refusal', { refusal: 'no' }],
    ['reasoning', { reasoning: 'hm' }],
    ['reasoning under its other name', { reasoning_content: 'hm' }],
    ['a tool call', { tool_calls: [{ index: 0 }] }],
    ['a function call of old', { function_call: { name: 'f' } }],
    ['audio', { audio: { data: 'x' } }],
    ['images', { images: [{}] }],
  ]
  for (const [what, delta] of content) {
    test(`with ${what} has content`, () => {
      expect(inspectLine(bytesOf(withDelta(delta)))).toEqual({ hasContent: true, hasFinish: false })
    })
  }

  const empty: [string, unknown][] = [
    ['a role and empty text', { role: 'assistant', content: '' }],
    ['null text', { content: null }],
    ['no tool calls', { tool_calls: [] }],
    ['nothing', {}],
  ]
  for (const [what, delta] of empty) {
    test(`with ${what} has none`, () => {
      expect(inspectLine(bytesOf(withDelta(delta)))).toEqual({ hasContent: false, hasFinish: false })
    })
  }

  test('may end a choice, with content or without', () => {
    expect(inspectLine(bytesOf(finishLine))).toEqual({ hasContent: false, hasFinish: true })
    const both = withDelta({ content: 'x' }, { finish_reason: 'length' })
    expect(inspectLine(bytesOf(both))).toEqual({ hasContent: true, hasFinish: true })
    expect(inspectLine(bytesOf(withDelta({}, { finish_reason: null })))?.hasFinish).toBe(false)
  })

  const refused: [string, string | Uint8Array][] = [
    ['nothing', ''],
    ['half an object', roleLine.slice(0, -1)],
    ['more than an object', `${roleLine}{}`],
    ['a list', '[]'],
    ['a number', '7'],
    ['space before the brace', ` ${roleLine}`],
    ['no choices', '{"usage":{}}'],
    ['empty choices, which only the end may have', '{"choices":[]}'],
    ['choices that are no list', '{"choices":{}}'],
    ['a choice that is no object', '{"choices":[1]}'],
    ['a choice without its index', '{"choices":[{"delta":{}}]}'],
    ['a choice with half an index', '{"choices":[{"index":0.5,"delta":{}}]}'],
    ['a choice without a delta', '{"choices":[{"index":0,"message":{}}]}'],
    ['a delta that is a list', '{"choices":[{"index":0,"delta":[]}]}'],
    ['a finish reason that is no text', withDelta({}, { finish_reason: 1 })],
    ['a carriage return, which would end an event', `{"choices":\r${roleLine.slice(11)}`],
    ['a line break', `{"choices":\n${roleLine.slice(11)}`],
    ['a byte that is no UTF-8', Buffer.concat([bytesOf(roleLine.slice(0, -4)), Buffer.from([0xff]), bytesOf('"}]}')])],
    ['a nesting that no parser follows', `{"choices":${'['.repeat(200_000)}`],
  ]
  for (const [what, line] of refused) {
    test(`is refused with ${what}`, () => {
      expect(inspectLine(typeof line === 'string' ? bytesOf(line) : line)).toBeNull()
    })
  }

  for (const field of ['id', 'object', 'created', 'model', 'chasm', 'node', 'attempt', 'index']) {
    test(`is refused when it writes "${field}" in the hub's name, escaped or not`, () => {
      expect(inspectLine(bytesOf(`{"${field}":null,${roleLine.slice(1)}`))).toBeNull()
      const escaped = `\\u00${field.charCodeAt(0).toString(16)}${field.slice(1)}`
      expect(inspectLine(bytesOf(`{"${escaped}":1,${roleLine.slice(1)}`))).toBeNull()
    })
  }

  test('may hold those names deeper down, and text of any language', () => {
    const line = withDelta({ tool_calls: [{ index: 0, id: 'call', function: { name: 'größe 漢字 😀' } }] })
    expect(inspectLine(bytesOf(line))?.hasContent).toBe(true)
  })
})

describe('a whole answer', () => {
  test('has choices with messages; a tail has none', () => {
    expect(inspectBody(bytesOf(wholeAnswer), 'chat', false)).toMatchObject({ completionTokens: 0 })
    expect(inspectBody(bytesOf(tail), 'chat', true)).toMatchObject({ completionTokens: 3 })
    expect(inspectBody(bytesOf(wholeAnswer), 'chat', true)).toBeNull()
    expect(inspectBody(bytesOf(tail), 'chat', false)).toBeNull()
  })

  test('of embeddings has data, as numbers or in base64', () => {
    for (const embedding of [[0.5], 'AAAA']) {
      const body = JSON.stringify({ data: [{ index: 0, embedding }], usage: { prompt_tokens: 2 } })
      expect(inspectBody(bytesOf(body), 'embed', false)).toMatchObject({ completionTokens: 0 })
    }
    expect(inspectBody(bytesOf('{"data":[]}'), 'embed', false)).toBeNull()
    expect(inspectBody(bytesOf('{"data":[{"embedding":7}]}'), 'embed', false)).toBeNull()
    expect(inspectBody(bytesOf(wholeAnswer), 'embed', false)).toBeNull()
  })

  test('is refused when a choice is none', () => {
    for (const choice of ['1', 'null', '{}', '{"message":"hi"}', deltaLine('x')]) {
      expect(inspectBody(bytesOf(`{"choices":[${choice}]}`), 'chat', false)).toBeNull()
    }
  })

  test('counts no more tokens than it could hold', () => {
    for (const [claimed, counted] of [
      [5, 5],
      [1e12, 'all'],
      [-1, 0],
      ['9', 0],
      [null, 0],
    ] as const) {
      const body = bytesOf(JSON.stringify({ choices: [], usage: { completion_tokens: claimed } }))
      const completionTokens = counted === 'all' ? body.length : counted
      expect(inspectBody(body, 'chat', true)).toMatchObject({ completionTokens })
    }
    expect(inspectBody(bytesOf('{"choices":[],"usage":null}'), 'chat', true)).toMatchObject({ completionTokens: 0 })
  })

  test("is refused when it writes the hub's fields", () => {
    expect(inspectBody(bytesOf(`{"model":"mine",${wholeAnswer.slice(1)}`), 'chat', false)).toBeNull()
  })
})
