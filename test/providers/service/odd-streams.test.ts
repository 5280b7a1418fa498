/** Streams as services end, fill and mislabel them, and what becomes of each. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { localService } from '../../../scout/providers/dialects.ts'
import { ServiceProvider } from '../../../scout/providers/service/service-provider.ts'
import { providerStreamBytesMax, uselessBytesMax } from '../../../shared/limits/provider.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import { realSystem } from '../../../shared/system.ts'
import { heldSystem } from '../../support/clocks/held-system.ts'
import {
  chunk,
  event,
  events,
  identity,
  type OpenAiStandIn,
  startOpenAiStandIn,
} from '../../support/providers/openai-stand-in.ts'
import { ask, failure, type Json } from '../../support/providers/provider-calls.ts'

let standIn: OpenAiStandIn
let provider: ServiceProvider
beforeAll(() => {
  standIn = startOpenAiStandIn()
})
beforeEach(() => {
  provider = new ServiceProvider(localService('vllm', standIn.baseURL), [], realSystem())
})
afterAll(() => standIn.stop())

const hello = { messages: [{ role: 'user', content: 'Hello' }] }
const done = 'data: [DONE]\n\n'
const asked = (body: Json = hello) => ask(provider, body, { stream: true })
const textOf = (lines: Json[]) => lines.map(({ choices }) => choices[0].delta.content ?? '').join('')

function streams(...texts: string[]): void {
  standIn.script(() =>
    events(async (send) => {
      for (const text of texts) await send(text)
    }),
  )
}

/** At most so many bytes at once, however long the text is. */
const pieceBytes = 32 * 1024

/** Sends `text` for as long as it is read; returns how many bytes were sent. */
function endless(text: string, type = 'text/event-stream'): () => number {
  let sent = 0
  let pauseAt = 0
  const bytes = new TextEncoder().encode(text)
  standIn.script(() => {
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
      // The scout, in this same loop, reads in between: else it is a race which of them fills the sockets' buffers.
      if (sent >= pauseAt) await new Promise((resolve) => setTimeout(resolve, 1))
      if (sent >= pauseAt) pauseAt = sent + pieceBytes
      const from = sent % bytes.length
      const piece = bytes.subarray(from, from + pieceBytes)
      sent += piece.length
      controller.enqueue(piece)
    }
    return new Response(new ReadableStream({ pull }), { headers: { 'content-type': type } })
  })
  return () => sent
}

describe('an answer whose end is not told', () => {
  test.each([
    ['text', [{ content: 'All of it.' }], 'stop'],
    ['thoughts alone', [{ reasoning_content: 'hm' }], 'stop'],
    ['a call', [{ tool_calls: [{ index: 0, id: 'a', function: { name: 'now', arguments: '{}' } }] }], 'tool_calls'],
  ])('is ended by [DONE]: %s', async (_what, deltas, reason) => {
    streams(...deltas.map((delta) => chunk(delta)), done)
    const { lines, answer } = await asked()
    expect(lines.at(-1)).toEqual({ choices: [{ index: 0, delta: {}, finish_reason: reason }] })
    expect(answer).toEqual({ choices: [] })
  })

  test.each([
    ['no [DONE] came', [chunk({ content: 'half an ans' })]],
    ['no content came', [chunk({ role: 'assistant' }), done]],
    [
      'the arguments of a call are cut',
      [chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'now', arguments: '{"a' } }] }), done],
    ],
    ['a finish reason is empty and the connection ends', [chunk({ content: 'a' }, '')]],
  ])('stays broken where %s', async (_why, texts) => {
    streams(...texts)
    expect(await failure(asked())).toMatchObject({ code: 'provider_bad_answer' })
  })

  test('says who speaks in the first delta of each choice', async () => {
    const two = { choices: [{ index: 1, delta: { content: 'b' }, finish_reason: 'stop' }] }
    streams(chunk({ content: 'a' }), event({ ...identity, ...two }), chunk({ content: 'c' }, 'stop'), done)
    const { lines } = await asked()
    expect(lines.map(({ choices }) => choices[0].delta.role)).toEqual(['assistant', 'assistant', undefined])
  })
})

describe('events in other forms', () => {
  const first = chunk({ content: 'a' })
  const last = chunk({ content: 'b' }, 'stop')
  test.each([
    ['carriage returns', [(first + last + done).replaceAll('\n', '\r')]],
    ['both', [(first + last + done).replaceAll('\n', '\r\n')]],
    ['both, cut between them', (first + last + done).replaceAll('\n', '\r\n').split(/(?<=\r)/)],
    ['no empty lines between', [(first + last + done).replaceAll('\n\n', '\n')]],
    ['no space after the colon', [(first + last + done).replaceAll('data: ', 'data:')]],
    ['the last line not ended', [first + last.trimEnd()]],
    ['[DONE] not ended', [`${first}${last}data: [DONE]`]],
    ['one chunk over two lines', [first, last.replace(',"choices"', ',\ndata: "choices"'), done]],
    ['comments and names between', [`: hi\n\nevent: message\nid: 7\nretry: 3\n${first}`, `:\n${last}`, done]],
  ])('are read: %s', async (_what, texts) => {
    streams(...texts)
    expect(textOf((await asked()).lines)).toBe('ab')
  })

  test('an event that is called an error is one', async () => {
    streams(`event: error\ndata: {"message":"out of memory","code":507}\n\n`)
    const fault = await failure(asked())
    expect(fault).toMatchObject({ code: 'provider_unavailable' })
    expect(fault.message).toContain('out of memory')
  })
})

describe('what is no stream', () => {
  const whole = {
    ...identity,
    choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }],
  }
  test.each([
    ['one JSON answer', () => Response.json(whole), 'one whole JSON answer'],
    [
      'the same called a stream',
      () => new Response(JSON.stringify(whole), { headers: { 'content-type': 'text/event-stream' } }),
      'one whole JSON answer',
    ],
    [
      'the same as an event',
      () => new Response(event(whole), { headers: { 'content-type': 'text/event-stream' } }),
      'one whole JSON answer',
    ],
    [
      'a web page',
      () => new Response('<html>Sign in</html>', { headers: { 'content-type': 'text/html' } }),
      'web page',
    ],
  ])('is named: %s', async (_what, response, words) => {
    standIn.script(response)
    const fault = await failure(asked())
    expect(fault.code).toBe('provider_bad_answer')
    expect(fault.message).toContain(words)
  })

  test('has its reason passed on when that is all there is', async () => {
    standIn.script(() => Response.json({ detail: 'the worker died' }))
    expect((await failure(asked())).message).toContain('the worker died')
  })
})

describe('a stream without end', () => {
  test.each([
    ['comments', ': still here\n\n'],
    ['empty lines', '\n'.repeat(1_000)],
    ['carriage returns', '\r'.repeat(1_000)],
    ['events without choices', event({ choices: [] }).repeat(100)],
    ['deltas without content', chunk({ role: 'assistant', content: '' }).repeat(100)],
    ['usage again and again', event({ choices: [], usage: { total_tokens: 1 } }).repeat(100)],
    ['names without data', 'event: x\n'.repeat(100)],
  ])('of %s is cut long before its bytes add up', async (_what, text) => {
    const sent = endless(text)
    provider = new ServiceProvider(localService('vllm', standIn.baseURL), [], heldSystem())
    expect(await failure(asked())).toMatchObject({ code: 'answer_too_large' })
    // What the buffers of two sockets hold may be on its way.
    expect(sent()).toBeLessThan(uselessBytesMax + 8 * 1024 * 1024)
  })

  test('of content is ended as the client’s max_tokens says, without blame', async () => {
    const sent = endless(chunk({ content: 'word '.repeat(200) }))
    const { lines, answer } = await asked({ ...hello, max_tokens: 100 })
    expect(textOf(lines).length).toBeLessThan(100 * 64 + 16 * 1024 + 2_000)
    expect(lines.at(-1)!.choices).toEqual([{ index: 0, delta: {}, finish_reason: 'length' }])
    expect(answer).toEqual({ choices: [] })
    expect(sent()).toBeLessThan(8 * 1024 * 1024)
  })

  test('of content without max_tokens is cut at the bound of a stream', async () => {
    const sent = endless(chunk({ content: 'x'.repeat(60_000) }).repeat(16))
    const fault = await failure(asked())
    expect(fault).toMatchObject({ code: 'answer_too_large' })
    expect(fault.message).toContain(String(providerStreamBytesMax))
    expect(sent()).toBeLessThan(providerStreamBytesMax + 16 * 1024 * 1024)
  })

  test('is bounded like any answer where none was asked for, whatever it is called', async () => {
    const sent = endless(chunk({ content: 'x'.repeat(60_000) }))
    expect(await failure(ask(provider, hello))).toMatchObject({ code: 'answer_too_large' })
    expect(sent()).toBeLessThan(bodyBytesMax + 8 * 1024 * 1024)
  })

  test('that keeps alive at a usual rate is read for as long as it takes', async () => {
    const system = heldSystem()
    provider = new ServiceProvider(localService('vllm', standIn.baseURL), [], system)
    standIn.script(() =>
      events(async (send) => {
        for (let i = 0; i < 100; i++) {
          await send(`: ${'x'.repeat(20_000)}\n\n`)
          await new Promise((resolve) => setTimeout(resolve, 2))
          system.advance(1_000)
        }
        await send(chunk({ content: 'a' }, 'stop') + done)
      }),
    )
    expect(textOf((await asked()).lines)).toBe('a')
  })
})
