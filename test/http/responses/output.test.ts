/** What a response's output and its events amount to, however the answer came in pieces. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EventWriter, type Numbering } from '../../../orchestrator/http/responses/events/event-writer.ts'
import { ResponseAnswer } from '../../../orchestrator/http/responses/events/response-answer.ts'
import { customArguments } from '../../../orchestrator/http/responses/items/custom-tool.ts'
import { echoOf } from '../../../orchestrator/http/responses/items/response-object.ts'
import { toolNamesIn } from '../../../orchestrator/http/responses/items/tool-names.ts'

import type { Json } from '../../support/providers/provider-calls.ts'

const id = `resp_${'0123456789abcdef'.repeat(2)}`
const toolNames = toolNamesIn([{ type: 'custom', name: 'patch' }])

function answered(emit: (type: string, fields: Json, delta?: string) => void, completions: readonly Json[]) {
  const made = new ResponseAnswer({ id, createdAt: 1, model: 'asked', echo: echoOf({}), toolNames, store: true }, emit)
  made.open()
  for (const one of completions) made.add(one)
  made.close()
  const response = made.ended({ atSeconds: 2, model: 'served' }, true)
  made.finish(response)
  return response
}

function eventsOf(completions: readonly Json[], numbering: Numbering = 'single', after = -1): Json[] {
  const writer = new EventWriter(numbering, after)
  answered(writer.emit, completions)
  const events = writer.take().split('\n\n').slice(0, -1)
  return events.map((text) => {
    const [head, data] = text.split('\n')
    const event = JSON.parse(data!.slice('data: '.length)) as Json
    expect(head).toBe(`event: ${event.type}`)
    return event
  })
}

const whole = (message: Json, finish: string | null = 'stop') => [
  { choices: [{ index: 0, message, finish_reason: finish }] },
]
const line = (delta: Json, finish: string | null = null) => ({ choices: [{ index: 0, delta, finish_reason: finish }] })

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
const call = fc.record({
  id: fc.stringMatching(/^call_[a-z0-9]{1,8}$/),
  name: fc.constantFrom('weather', 'patch'),
  sent: fc.dictionary(fc.constantFrom('city', 'input', 'n'), text, { maxKeys: 3 }),
})
const message = fc.record({
  reasoning: fc.option(text),
  content: fc.option(text),
  refusal: fc.option(text),
  calls: fc.uniqueArray(call, { maxLength: 3, selector: (one) => one.id }),
})
type Message = typeof message extends fc.Arbitrary<infer T> ? T : never

function wholeOf({ reasoning, content, refusal, calls }: Message): Json {
  const made = calls.map(({ id: callId, name, sent }) => ({
    ...{ id: callId, type: 'function', function: { name, arguments: JSON.stringify(sent) } },
  }))
  return {
    role: 'assistant',
    reasoning_content: reasoning,
    content,
    refusal,
    ...(made.length > 0 && { tool_calls: made }),
  }
}

/** The same message as lines of a stream, each text cut at these places. */
function linesOf({ reasoning, content, refusal, calls }: Message, cut: (text: string) => string[]): Json[] {
  const lines: Json[] = [line({ role: 'assistant', content: '' })]
  for (const piece of cut(reasoning ?? '')) lines.push(line({ reasoning_content: piece }))
  for (const piece of cut(content ?? '')) lines.push(line({ content: piece }))
  for (const piece of cut(refusal ?? '')) lines.push(line({ refusal: piece }))
  for (const [index, { id: callId, name, sent }] of calls.entries()) {
    lines.push(line({ tool_calls: [{ index, id: callId, type: 'function', function: { name, arguments: '' } }] }))
    for (const piece of cut(JSON.stringify(sent)))
      lines.push(line({ tool_calls: [{ index, function: { arguments: piece } }] }))
  }
  return [...lines, line({}, 'stop')]
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 })

function cutter(lengths: readonly number[]): (text: string) => string[] {
  return (all) => {
    const pieces: string[] = []
    for (let at = 0, turn = 0; at < all.length; turn++) {
      const length = lengths[turn % lengths.length]!
      pieces.push(all.slice(at, at + length))
      at += length
    }
    return pieces
  }
}

/** What a client that only adds deltas up ends with, by item. */
function accumulated(events: readonly Json[]): Record<string, string> {
  const texts: Record<string, string> = {}
  for (const { type, item_id: item, delta } of events) {
    if (type.endsWith('.delta')) texts[item] = (texts[item] ?? '') + delta
  }
  return texts
}

function textsOf(output: readonly Json[]): Record<string, string> {
  const texts: Record<string, string> = {}
  for (const item of output) {
    const parts = (item.content ?? item.summary ?? []) as Json[]
    const joined = parts.map((part) => part.text ?? part.refusal).join('')
    const said = item.arguments ?? item.input ?? joined
    if (said !== '') texts[item.id] = said
  }
  return texts
}

describe('however an answer is cut into pieces', () => {
  test('its output is that of the same answer given whole', () => {
    fc.assert(
      fc.property(message, sizes, (said, lengths) => {
        const streamed = answered(() => {}, linesOf(said, cutter(lengths)))
        expect(streamed).toEqual(answered(() => {}, whole(wholeOf(said))))
      }),
    )
  })

  test('its deltas add up to the output, and the last event repeats it', () => {
    fc.assert(
      fc.property(message, sizes, (said, lengths) => {
        const events = eventsOf(linesOf(said, cutter(lengths)))
        const { response } = events.at(-1)!
        expect(accumulated(events)).toEqual(textsOf(response.output))
        const done = events.filter(({ type }) => type === 'response.output_item.done')
        expect(done.toSorted((a, b) => a.output_index - b.output_index).map(({ item }) => item)).toEqual(
          response.output,
        )
        expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_, at) => at))
      }),
    )
  })

  test('each item begins before it grows and ends before the response does', () => {
    fc.assert(
      fc.property(message, sizes, (said, lengths) => {
        const open = new Set<string>()
        for (const { type, item, item_id: of } of eventsOf(linesOf(said, cutter(lengths))).slice(2, -1)) {
          if (type === 'response.output_item.added') open.add(item.id)
          else if (type === 'response.output_item.done') expect(open.delete(item.id)).toBe(true)
          else expect(open.has(of)).toBe(true)
        }
        expect(open.size).toBe(0)
      }),
    )
  })

  test('a follower that resumes anywhere has every character once, whatever the pieces are then', () => {
    fc.assert(
      fc.property(message, sizes, sizes, fc.nat(400), (said, lengths, others, after) => {
        const before = eventsOf(linesOf(said, cutter(lengths)), 'repeatable').filter(
          (event) => event.sequence_number <= after,
        )
        // It has read up to an event, not into the middle of one.
        const last = before.at(-1)?.sequence_number ?? -1
        const rest = eventsOf(linesOf(said, cutter(others)), 'repeatable', last)
        const all = eventsOf(whole(wholeOf(said)), 'repeatable')
        expect(accumulated([...before, ...rest])).toEqual(accumulated(all))
        expect(rest.at(-1) ?? all.at(-1)).toEqual(all.at(-1))
      }),
    )
  })
})

describe('an answer', () => {
  test.each([
    ['stop', 'completed', null, 'completed'],
    ['tool_calls', 'completed', null, 'completed'],
    ['length', 'incomplete', { reason: 'max_output_tokens' }, 'incomplete'],
    ['content_filter', 'incomplete', { reason: 'content_filter' }, 'incomplete'],
  ])('that ended with %s is %s', (finish, status, details, item) => {
    const response = answered(() => {}, whole({ content: 'so far' }, finish)) as Json
    expect(response).toMatchObject({ status, incomplete_details: details, error: null, model: 'served' })
    expect(response.output.map((one: Json) => one.status)).toEqual([item])
    expect(response.completed_at).toBe(status === 'completed' ? 2 : null)
    expect(eventsOf(whole({ content: 'so far' }, finish)).at(-1)!.type).toBe(`response.${status}`)
  })

  test('that says nothing is an empty message, unless it was cut off', () => {
    expect((answered(() => {}, whole({ content: null })) as Json).output).toMatchObject([
      { type: 'message', content: [{ type: 'output_text', text: '' }] },
    ])
    expect((answered(() => {}, whole({ content: null }, 'length')) as Json).output).toEqual([])
  })

  test('that refuses holds a refusal', () => {
    const { output } = answered(() => {}, whole({ content: null, refusal: 'No.' })) as Json
    expect(output).toMatchObject([{ type: 'message', content: [{ type: 'refusal', refusal: 'No.' }] }])
  })

  test('gives the tokens as its provider counted them', () => {
    const usage = {
      ...{ prompt_tokens: 20, completion_tokens: 5, total_tokens: 99 },
      prompt_tokens_details: { cached_tokens: 8, cache_write_tokens: 3 },
      completion_tokens_details: { reasoning_tokens: 4 },
    }
    const { usage: shown } = answered(() => {}, [...whole({ content: 'x' }), { usage }]) as Json
    expect(shown).toEqual({
      ...{ input_tokens: 20, input_tokens_details: { cached_tokens: 8, cache_write_tokens: 3 } },
      ...{ output_tokens: 5, output_tokens_details: { reasoning_tokens: 4 }, total_tokens: 25 },
    })
  })

  test('calls a custom tool with its text, and a function with its arguments', () => {
    const calls = [
      { id: 'a', type: 'function', function: { name: 'patch', arguments: customArguments('*** begin\n"x"') } },
      { id: 'b', type: 'function', function: { name: 'weather', arguments: '{"city":"Ys"}' } },
    ]
    const { output } = answered(() => {}, whole({ content: null, tool_calls: calls }, 'tool_calls')) as Json
    expect(output).toMatchObject([
      { type: 'custom_tool_call', call_id: 'a', name: 'patch', input: '*** begin\n"x"' },
      { type: 'function_call', call_id: 'b', name: 'weather', arguments: '{"city":"Ys"}', status: 'completed' },
    ])
  })

  test('keeps calls apart whose arguments come by turns', () => {
    const part = (index: number, sent: string, more: Json = {}) =>
      line({ tool_calls: [{ index, ...more, function: { arguments: sent, ...(more.id && { name: `f${index}` }) } }] })
    const lines = [
      part(0, '{"a"', { id: 'x' }),
      part(1, '{"b"', { id: 'y' }),
      part(0, ':1}'),
      part(1, ':2}'),
      line({}, 'tool_calls'),
    ]
    const { output } = answered(() => {}, lines) as Json
    expect(output.map((one: Json) => one.arguments)).toEqual(['{"a":1}', '{"b":2}'])
  })

  test('has the probabilities of its tokens with the pieces and with the whole', () => {
    const token = { token: 'é', logprob: -0.5, bytes: null, top_logprobs: [{ token: 'e', logprob: -1 }] }
    const shown = {
      ...{ token: 'é', logprob: -0.5, bytes: [195, 169] },
      top_logprobs: [{ token: 'e', logprob: -1, bytes: [101] }],
    }
    const events = eventsOf([
      {
        choices: [{ index: 0, delta: { content: 'é' }, logprobs: { content: [token, 'junk'] }, finish_reason: 'stop' }],
      },
    ])
    expect(events.find(({ type }) => type === 'response.output_text.delta')!.logprobs).toEqual([shown])
    expect(events.at(-1)!.response.output[0].content[0].logprobs).toEqual([shown])
  })

  test('has the sources that it cites', () => {
    const cited = { url: 'https://a.example', title: 'A', start_index: 0, end_index: 1 }
    const annotations = [{ type: 'url_citation', url_citation: cited }, { type: 'url_citation' }, null]
    const events = eventsOf(whole({ content: 'x', annotations }))
    const shown = { type: 'url_citation', ...cited }
    expect(events.at(-1)!.response.output[0].content[0].annotations).toEqual([shown])
    expect(events.filter(({ type }) => type === 'response.output_text.annotation.added')).toMatchObject([
      { annotation_index: 0, annotation: shown },
    ])
  })
})
