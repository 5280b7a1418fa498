import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { streamBufferBytes } from '../../../shared/limits/http.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import type { FrameOf } from '../../../shared/protocol/frames.ts'
import { StreamReader } from '../../support/clients/stream-reader.ts'
import { until } from '../../support/clocks/until.ts'
import { LiveHub } from '../../support/hub/live-hub.ts'
import type { Json } from '../../support/providers/provider-calls.ts'
import { contentLine, finishLine, joinRaw, type RawScout, roleLine } from '../../support/scout/raw-scout.ts'

const live = new LiveHub({ core: { retryBaseMs: 1 } })
afterAll(() => live.close())

type Lease = FrameOf<'task'>
type Misdeed = (scout: RawScout, lease: Lease) => void

function ask(stream: boolean): Promise<Response> {
  return live.post('/v1/chat/completions', { model: 'm', stream, messages: [{ role: 'user', content: 'well?' }] })
}

/** The only scout there is gets the task; an honest one joins before it misbehaves. */
async function stage(stream: boolean) {
  const bad = await joinRaw(live, { name: 'bad', credits: 1 })
  const response = ask(stream)
  const lease = await bad.heard('task')
  const honest = await joinRaw(live, { name: 'honest', credits: 1 })
  await live.connected('honest', 1)
  onTestFinished(async () => {
    for (const scout of [bad, honest]) scout.cut()
    await until('both to be gone', () => live.hub.engine.scouts().length === 0)
  })
  return { bad, honest, lease, response }
}

const wholeAnswer = '{"choices":[{"index":0,"message":{"role":"assistant","content":"honest"},"finish_reason":"stop"}]}'

async function answerHonestly(honest: RawScout, stream: boolean): Promise<void> {
  const lease = await honest.heard('task')
  expect(lease.attempt).toBe(2)
  if (stream) honest.chunk(lease, 0, 0, contentLine('honest') + finishLine)
  honest.settle(lease, { chunks: stream ? 1 : 0 }, stream ? '{"choices":[]}' : wholeAnswer)
  expect((await honest.heard('settled')).acks[0]![2]).toBe('committed')
}

const chunkOf =
  (lines: string): Misdeed =>
  (scout, lease) =>
    scout.chunk(lease, 0, 0, lines)
const settleWith =
  (answer: string, lines = finishLine): Misdeed =>
  (scout, lease) => {
    if (lines !== '') scout.chunk(lease, 0, 0, lines)
    scout.settle(lease, { chunks: lines === '' ? 0 : 1 }, answer)
  }
const withField = (field: string) => `{"${field}":"x","choices":[{"index":0,"delta":{"content":"forged"}}]}\n`

const misdeeds: Record<string, Misdeed> = {
  'a chunk that is missing': (scout, lease) => {
    scout.chunk(lease, 0, 0, roleLine)
    scout.chunk(lease, 2, roleLine.length, contentLine('late'))
  },
  'a chunk that comes twice': (scout, lease) => {
    for (let i = 0; i < 2; i++) scout.chunk(lease, 0, 0, roleLine)
  },
  'a chunk at the wrong offset': (scout, lease) => scout.chunk(lease, 0, 1, contentLine('shifted')),
  'a stream that begins in its middle': (scout, lease) => scout.chunk(lease, 1, 0, contentLine('second')),
  'fewer chunks than it says': (scout, lease) => {
    scout.chunk(lease, 0, 0, finishLine)
    scout.settle(lease, { chunks: 2 })
  },
  'text that is no JSON': chunkOf('hello\n'),
  'half a line': chunkOf(contentLine('half').trimEnd()),
  'an empty chunk': chunkOf(''),
  'an empty line': chunkOf('\n'),
  'a line that is a list': chunkOf('[]\n'),
  'a line without choices': chunkOf('{"usage":{"total_tokens":1}}\n'),
  'a line with no choice in it': chunkOf('{"choices":[]}\n'),
  'a choice without its delta': chunkOf('{"choices":[{"index":0}]}\n'),
  'a choice without its number': chunkOf('{"choices":[{"delta":{"content":"x"}}]}\n'),
  'a line break inside a line': chunkOf('{"choices":[{"index":0,\r"delta":{"content":"x"}}]}\n'),
  'a comment of its own in the stream': chunkOf(`: ping\n${contentLine('x')}`),
  'a [DONE] of its own': chunkOf(`${roleLine}data: [DONE]\n`),
  'an id of its own': chunkOf(withField('id')),
  'an id of its own, written otherwise': chunkOf(withField('\\u0069d')),
  'an object of its own': chunkOf(withField('object')),
  'a date of its own': chunkOf(withField('created')),
  'a model of its own': chunkOf(withField('model')),
  'a chasm field of its own': chunkOf(withField('chasm')),
  'a line that is not UTF-8': (scout, { task, attempt }) => {
    const body = Buffer.from(contentLine('\u0000'), 'latin1')
    const broken = Buffer.concat([body.subarray(0, -4), Buffer.from([0xff, 0xfe]), body.subarray(-4)])
    scout.send({ type: 'chunk', task, attempt, seq: 0, offset: 0, size: broken.length, body: broken })
  },
  'an end without a finish reason': settleWith('{"choices":[]}', roleLine),
  'an end without anything': settleWith('{"choices":[]}', ''),
  'a tail that is no JSON': settleWith('nothing'),
  'a tail that repeats the answer': settleWith(wholeAnswer),
  'a tail that speaks for the hub': settleWith('{"id":"x","choices":[]}'),
  'fragments out of order': (scout, { task, attempt }) => {
    scout.send({ type: 'chunk', task, attempt, seq: 0, offset: 0, size: 100_000, body: null })
    for (const index of [0, 2]) {
      scout.send({ type: 'fragment', task, attempt, index, bytes: new Uint8Array(32_768) })
    }
  },
  'an empty fragment': (scout, { task, attempt }) => {
    scout.send({ type: 'chunk', task, attempt, seq: 0, offset: 0, size: 100_000, body: null })
    scout.send({ type: 'fragment', task, attempt, index: 0, bytes: new Uint8Array(0) })
  },
  'more fragments than it announced': (scout, { task, attempt }) => {
    scout.send({ type: 'chunk', task, attempt, seq: 0, offset: 0, size: 40_000, body: null })
    for (const index of [0, 1]) {
      scout.send({ type: 'fragment', task, attempt, index, bytes: new Uint8Array(32_768) })
    }
  },
  'more half-delivered bodies than there is room for': (scout, { task, attempt }) => {
    for (let i = 0; i < 4; i++) {
      scout.send({ type: 'chunk', task: i, attempt: 1, seq: 0, offset: 0, size: bodyBytesMax, body: null })
    }
    scout.send({ type: 'chunk', task, attempt, seq: 0, offset: 0, size: bodyBytesMax, body: null })
  },
}

describe('a stream that turns out to be no answer is hidden, and another scout answers', () => {
  test.each(Object.entries(misdeeds))('%s', async (_name, misbehave) => {
    const { bad, honest, lease, response } = await stage(true)
    misbehave(bad, lease)
    expect((await bad.heard('cancel')).task).toBe(lease.task)
    await answerHonestly(honest, true)
    const reader = await new StreamReader(await response).over()
    expect(reader).toMatchObject({ text: 'honest', isDone: true, finishes: ['stop'], error: null })
    expect(reader.events[0]!.chasm).toMatchObject({ attempts: 2, scout: expect.stringMatching(/\/honest$/) })
    expect(bad.closed).toBeNull()
  })
})

const badWholes: Record<string, Misdeed> = {
  'chunks that nobody asked for': chunkOf(contentLine('x')),
  nothing: settleWith('', ''),
  'an empty object': settleWith('{}', ''),
  'no choice': settleWith('{"choices":[]}', ''),
  'text that is no JSON': settleWith('hello', ''),
  'a model of its own': settleWith(`{"model":"x",${wholeAnswer.slice(1)}`, ''),
  'line breaks': settleWith(wholeAnswer.replaceAll(',', ',\n'), ''),
  'an answer to a question about embeddings': settleWith('{"data":[{"index":0,"embedding":[1]}]}', ''),
  'fragments of something else': (scout, lease) => {
    scout.settle(lease, { size: 40_000, body: null })
    const { task, attempt } = lease
    const piece = (index: number, length: number) =>
      scout.send({ type: 'fragment', task, attempt, index, bytes: new Uint8Array(length).fill(0x20) })
    piece(0, 32_768)
    piece(1, 40_000 - 32_768)
  },
}

describe('a whole answer that is none is hidden, and another scout answers', () => {
  test.each(Object.entries(badWholes))('%s', async (_name, misbehave) => {
    const { bad, honest, lease, response } = await stage(false)
    misbehave(bad, lease)
    await bad.heard('cancel')
    await answerHonestly(honest, false)
    const answered = await response
    expect(answered.status).toBe(200)
    expect((await answered.json()) as Json).toMatchObject({
      choices: [{ message: { content: 'honest' } }],
      chasm: { attempts: 2 },
    })
  })
})

describe('once the client has seen content, a broken stream ends in an error and never cleanly', () => {
  const opening = contentLine('good so far')
  test.each<[name: string, code: string, misbehave: Misdeed]>([
    ['a chunk that comes twice', 'chunk_gap', (scout, lease) => scout.chunk(lease, 0, 0, opening)],
    ['a chunk that is missing', 'chunk_gap', (scout, lease) => scout.chunk(lease, 2, opening.length, finishLine)],
    ['a line that is no answer', 'bad_answer', (scout, lease) => scout.chunk(lease, 1, opening.length, 'junk\n')],
    ['an id of its own', 'bad_answer', (scout, lease) => scout.chunk(lease, 1, opening.length, withField('id'))],
    ['an end without a finish reason', 'bad_answer', (scout, lease) => scout.settle(lease, { chunks: 1 })],
    [
      'fewer chunks than it says',
      'chunk_gap',
      (scout, lease) => {
        scout.chunk(lease, 1, opening.length, finishLine)
        scout.settle(lease, { chunks: 3 })
      },
    ],
    [
      'a failure of its own after the last line',
      'provider_unavailable',
      (scout, lease) => {
        scout.chunk(lease, 1, opening.length, finishLine)
        scout.settle(lease, { chunks: 2, outcome: 'failed', fault: 'provider_unavailable', message: 'gone' })
      },
    ],
  ])('%s: %s', async (_name, code, misbehave) => {
    const { bad, honest, lease, response } = await stage(true)
    bad.chunk(lease, 0, 0, opening)
    const reader = new StreamReader(await response)
    await reader.content()
    misbehave(bad, lease)
    await reader.over()
    expect(reader).toMatchObject({ text: 'good so far', isDone: false, finishes: [] })
    expect(reader.error).toMatchObject({ code, type: 'server_error', forwarded_bytes: opening.trimEnd().length })
    expect(honest.count('task')).toBe(0)
  })
})

test('endless lines without content are stopped where the buffer ends, and another scout answers', async () => {
  const { bad, honest, lease, response } = await stage(true)
  const lines = roleLine.repeat(200)
  let sentBytes = 0
  // What is sent until the hub's word arrives is the socket's doing; without an end it would come to this.
  const sentBytesMax = 16 * streamBufferBytes
  for (let seq = 0; bad.count('cancel') === 0 && sentBytes < sentBytesMax; seq++) {
    bad.chunk(lease, seq, sentBytes, lines)
    sentBytes += lines.length
    await new Promise((resolve) => setImmediate(resolve))
  }
  await bad.heard('cancel')
  expect(sentBytes).toBeGreaterThan(streamBufferBytes)
  expect(sentBytes).toBeLessThan(sentBytesMax)
  await answerHonestly(honest, true)
  const reader = await new StreamReader(await response).over()
  expect(reader).toMatchObject({ text: 'honest', isDone: true, error: null })
  expect(reader.events).toHaveLength(2)
})

test('an answer that no attempt could give ends in the last cause, and every scout was asked once', async () => {
  const scouts = await Promise.all(['a', 'b', 'c', 'd'].map((name) => joinRaw(live, { name, credits: 1 })))
  const response = ask(true)
  const heard = () => scouts.filter((scout) => scout.count('task') > 0)
  for (let attempt = 1; attempt <= 3; attempt++) {
    await until(`attempt ${attempt}`, () => heard().length === attempt)
    const current = heard().find((scout) => scout.count('cancel') === 0)!
    const lease = await current.heard('task')
    expect(lease.attempt).toBe(attempt)
    current.chunk(lease, 0, 0, 'junk\n')
    await current.heard('cancel')
  }
  const answered = await response
  expect(answered.status).toBe(502)
  expect(await answered.json()).toMatchObject({ error: { code: 'bad_answer' } })
  expect(scouts.map((scout) => scout.count('task')).sort()).toEqual([0, 1, 1, 1])
  for (const scout of scouts) scout.cut()
})
