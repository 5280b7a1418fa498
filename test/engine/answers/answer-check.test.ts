/** What passes for a line of an answer and for a whole one: everything here is forwarded to clients byte by byte. */
import { describe, expect, test } from 'vitest'
import * as check from '../../../orchestrator/engine/answers/answer-check.ts'
import { type Asked, askedUnknown } from '../../../orchestrator/engine/answers/asked.ts'
import { Choices } from '../../../orchestrator/engine/answers/choices.ts'
import { LineTemplate } from '../../../orchestrator/engine/answers/line-template.ts'
import { bytesOf, deltaLine, finishLine, roleLine, tail, wholeAnswer } from '../../support/hub/engine-bench.ts'

/** A request of this many bytes that asked for this. */
function sourceOf(asked: Partial<Asked> = {}, requestBytes = 1_000) {
  return { requestBytes, asked: () => ({ ...askedUnknown, ...asked }) }
}

function inspectLine(line: Uint8Array, choices = new Choices(sourceOf())) {
  return check.inspectLine(line, choices, new LineTemplate())
}

function inspectBody(body: Uint8Array, kind: 'chat' | 'embed', stream: boolean, source = sourceOf()) {
  return check.inspectBody(body, kind, stream, source)
}

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

describe('what a scout claims to have used', () => {
  const bodyOf = (usage: object) => bytesOf(JSON.stringify({ choices: [], usage }))

  test.each([
    ['what the request can have cost', { requestBytes: 100 }, 50, 50],
    ['no more than its bytes', { requestBytes: 100 }, 9_007_199_254_740_991, 100],
    ['more for each image', { requestBytes: 100, media: 2 }, 1e300, 100 + 2 * 2_000],
    ['nothing for the bytes of an image', { requestBytes: 9_000, media: 1, mediaBytes: 8_000 }, 8_999, 1_000 + 2_000],
    ['nothing below zero', { requestBytes: 100 }, -5, 0],
  ] as const)('of prompt tokens is believed as %s', (_what, { requestBytes, ...asked }, claim, promptTokens) => {
    const body = bodyOf({ prompt_tokens: claim })
    expect(inspectBody(body, 'chat', true, sourceOf(asked, requestBytes))).toMatchObject({ promptTokens })
  })

  test('is refused when it is larger than any account of usage', () => {
    const details = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`detail_${at}`, 'x'.repeat(100)]))
    expect(inspectBody(bodyOf(details), 'chat', true)).toBeNull()
  })
})

describe('choices', () => {
  const lineOf = (...indices: unknown[]) =>
    bytesOf(JSON.stringify({ choices: indices.map((index) => ({ index, delta: {} })) }))
  const end = (index: number) => bytesOf(JSON.stringify({ choices: [{ index, delta: {}, finish_reason: 'stop' }] }))

  test.each([
    ['the second of one', 1, [1]],
    ['a negative one', 2, [-1]],
    ['the third of two', 2, [2]],
    ['the same twice', 2, [1, 1]],
    ['the first twice', 2, [0, 0]],
    ['half of one', 2, [1.5]],
    ['one named by a text', 2, ['0']],
    ['one far away', 2, [4_000_000_000]],
  ])('of a line are refused: %s', (_what, choices, indices) => {
    expect(inspectLine(lineOf(...indices), new Choices(sourceOf({ choices })))).toBeNull()
  })

  test('that were asked for are accepted, and are complete when all that began have ended', () => {
    const choices = new Choices(sourceOf({ choices: 3 }))
    expect(choices.isComplete).toBe(false)
    expect(inspectLine(lineOf(0, 2), choices)).not.toBeNull()
    expect(inspectLine(end(0), choices)).not.toBeNull()
    expect(choices.isComplete).toBe(false)
    expect(inspectLine(end(2), choices)).not.toBeNull()
    expect(inspectLine(end(2), choices)).not.toBeNull()
    expect(choices.isComplete).toBe(true)
    expect(inspectLine(lineOf(1), choices)).not.toBeNull()
    expect(choices.isComplete).toBe(false)
  })

  test.each([
    ['two of one', [{ index: 0 }, { index: 1 }], 1],
    ['the same twice', [{ index: 1 }, { index: 1 }], 2],
    ['the first twice', [{ index: 0 }, { index: 0 }], 2],
    ['a negative one', [{ index: -1 }], 2],
    ['an empty finish reason', [{ index: 0, finish_reason: '' }], 1],
    ['a finish reason that is no text', [{ index: 0, finish_reason: 7 }], 1],
  ])('of a whole answer are refused: %s', (_what, choices, asked) => {
    const message = { role: 'assistant', content: 'x' }
    const body = bytesOf(JSON.stringify({ choices: choices.map((choice) => ({ message, ...choice })) }))
    expect(inspectBody(body, 'chat', false, sourceOf({ choices: asked }))).toBeNull()
  })

  test('of a whole answer are as many as were asked for', () => {
    const message = { role: 'assistant', content: null }
    const body = bytesOf(JSON.stringify({ choices: [1, 0].map((index) => ({ index, message })) }))
    expect(inspectBody(body, 'chat', false, sourceOf({ choices: 2 }))).not.toBeNull()
  })

  test.each([[7], [{}], [['x']], [true]])('with %j for content are refused', (content) => {
    expect(inspectLine(bytesOf(withDelta({ content })))).toBeNull()
    const body = bytesOf(JSON.stringify({ choices: [{ index: 0, message: { content } }] }))
    expect(inspectBody(body, 'chat', false)).toBeNull()
  })

  test('that end for no reason are refused', () => {
    expect(inspectLine(bytesOf(withDelta({}, { finish_reason: '' })))).toBeNull()
  })
})

describe('embeddings', () => {
  const verdict = (data: unknown, asked: Partial<Asked>) =>
    inspectBody(bytesOf(JSON.stringify({ data })), 'embed', false, sourceOf(asked)) !== null
  const two = [
    { index: 1, embedding: [1, 2.5e-3] },
    { index: 0, embedding: [-3, 4] },
  ]

  test('are those that were asked for, in any order', () => {
    expect(verdict(two, { inputs: 2, dimensions: 2 })).toBe(true)
    expect(verdict([{ embedding: Buffer.alloc(8).toString('base64') }], { inputs: 1, dimensions: 2 })).toBe(true)
    expect(verdict(two, {})).toBe(true)
  })

  test.each<[string, unknown, Partial<Asked>]>([
    ['too few', two, { inputs: 3 }],
    ['too many', two, { inputs: 1 }],
    ['of another size than was asked for', two, { inputs: 2, dimensions: 3 }],
    ['of another size in base64', [{ embedding: Buffer.alloc(12).toString('base64') }], { dimensions: 2 }],
    ['of two sizes', [{ embedding: [1] }, { embedding: [1, 2] }], {}],
    ['empty', [{ embedding: [] }], {}],
    ['empty in base64', [{ embedding: '' }], {}],
    ['nested', [{ embedding: [[1, 2]] }], {}],
    ['of texts', [{ embedding: ['1'] }], {}],
    ['of null', [{ embedding: [null] }], {}],
    ['twice in the same place', [{ ...two[0] }, { ...two[0] }], { inputs: 2 }],
    ['out of place', [{ index: 2, embedding: [1] }], { inputs: 1 }],
  ])('are refused when they are %s', (_what, data, asked) => {
    expect(verdict(data, asked)).toBe(false)
  })
})
