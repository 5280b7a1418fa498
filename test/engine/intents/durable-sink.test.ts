import { expect, test } from 'vitest'
import { DurableSink } from '../../../orchestrator/engine/intents/durable-sink.ts'
import { ByteAccount } from '../../../shared/byte-account.ts'
import { bodyBytesMax } from '../../../shared/limits/wire.ts'
import type { FrameOf } from '../../../shared/protocol/frames.ts'
import type { TaskKind } from '../../../shared/task.ts'
import { bytesOf, deltaLine, finishLine, roleLine, tail, textOf } from '../../support/hub/engine-bench.ts'

const served = { scout: 'a/box', provider: 'p', model: 'm' }
const plainCost = {} as never

function stage(kind: TaskKind = 'chat') {
  const began: number[] = []
  let news = 0
  const host = {
    contentBegan: (_: number, attempt: number) => void began.push(attempt),
    flow() {},
    where: () => {},
    abandon() {},
    fail() {},
    unread: new ByteAccount(0, 0),
    works: null,
  }
  function* request() {
    yield
    return bytesOf('{}')
  }
  const sink = new DurableSink(
    { task: 7, kind, model: 'm', request, breach: null, count: null, watch: null, onLines: () => news++ },
    host,
  )
  const begin = (attempt: number, session = 1) => {
    const terms = { nonce: new Uint8Array(16), queuedMs: 0, cost: plainCost, promptPrice: null, answerPrice: null }
    sink.begin({ attempt, session, served, ...terms })
    return new Speaker(sink, attempt, session)
  }
  return { sink, began, begin, news: () => news }
}

/** The scout of one attempt. */
class Speaker {
  private seq = 0
  private offset = 0
  constructor(
    private readonly sink: DurableSink,
    private readonly attempt: number,
    private readonly session: number,
  ) {}

  attemptStream() {
    return this.sink.attemptStream(this.attempt, this.session)
  }

  say(...lines: string[]) {
    const body = bytesOf(lines.map((line) => `${line}\n`).join(''))
    const { seq, offset, attempt } = this
    this.seq++
    this.offset += body.length
    const frame: FrameOf<'chunk'> = { type: 'chunk', task: 7, attempt, seq, offset, size: body.length, body: null }
    return this.sink.chunk(this.attemptStream()!, frame, body)
  }

  settle(body: string = tail) {
    const bytes = bytesOf(body)
    const plain = { outcome: 'done', fault: '', message: '', param: '', retryAfterMs: 0, nonce: new Uint8Array(16) }
    const sizes = { chunks: this.seq, size: bytes.length, body: null }
    const frame = { type: 'settle', task: 7, attempt: this.attempt, ...plain, ...sizes } as FrameOf<'settle'>
    return this.sink.settle(this.attemptStream()!, frame, bytes)
  }
}

test('lines are kept from the first content on, and the settled answer is made of all of them', () => {
  const { sink, begin, began, news } = stage()
  const scout = begin(1)
  scout.say(roleLine)
  expect([sink.lines.length, began, news()]).toEqual([0, [], 0])
  scout.say(deltaLine('a'))
  scout.say(deltaLine('b'), finishLine)
  expect([textOf(sink.lines), began, news()]).toEqual([[roleLine, deltaLine('a'), deltaLine('b')], [1], 2])
  expect(sink.result(1)).toBeUndefined()
  expect(scout.settle()).toBeNull()
  const { body, use, served: by } = sink.result(1)!
  expect(JSON.parse(textOf([body])[0]!)).toMatchObject({
    choices: [{ message: { content: 'ab' }, finish_reason: 'stop' }],
  })
  expect([use.completionTokens, by]).toEqual([3, served])
})

test('an answer without content is an answer too', () => {
  const { sink, begin, news } = stage()
  const scout = begin(1)
  scout.say(roleLine, finishLine)
  expect(scout.settle()).toBeNull()
  expect(JSON.parse(textOf([sink.result(1)!.body])[0]!).choices[0].message).toEqual({
    role: 'assistant',
    content: '',
  })
  expect(news()).toBe(0)
})

test('a whole answer is kept as it came', () => {
  const { sink, begin } = stage('embed')
  const embedding = '{"data":[{"index":0,"embedding":[0.5]}],"usage":{"prompt_tokens":2}}'
  expect(begin(1).settle(embedding)).toBeNull()
  expect(textOf([sink.result(1)!.body])).toEqual([embedding])
  expect(sink.result(1)!.use.promptTokens).toBe(2)
})

test('a new attempt begins with nothing of the one before, whose scout is not listened to any more', () => {
  const { sink, begin } = stage()
  const first = begin(1)
  first.say(deltaLine('a'), finishLine)
  first.settle()
  begin(2, 5)
  expect([sink.attempt, sink.lines, sink.result(1), sink.result(2)]).toEqual([2, [], undefined, undefined])
  expect([first.attemptStream(), sink.attemptStream(2, 1), sink.nextChunk(1)]).toEqual([undefined, undefined, 0])
  sink.void(1)
  expect(sink.attemptStream(2, 5)).toBeDefined()
  sink.void(2)
  expect([sink.attempt, sink.attemptStream(2, 5)]).toEqual([0, undefined])
})

test('over another socket an attempt goes on where it broke off, or from the start if nothing is known of it', () => {
  const { sink, begin } = stage()
  begin(1).say(deltaLine('a'))
  expect(sink.nextChunk(1)).toBe(1)
  sink.resume(1, 9, 'a/box')
  expect([sink.attemptStream(1, 1), sink.attemptStream(1, 9)?.seq]).toEqual([undefined, 1])

  const fresh = stage().sink
  expect(fresh.nextChunk(3)).toBe(0)
  fresh.resume(3, 9, 'a/box')
  expect(fresh.attemptStream(3, 9)).toMatchObject({ seq: 0, served: { scout: 'a/box', model: 'm' } })
  fresh.servedBy(3, served)
  fresh.servedBy(2, { ...served, scout: 'late' })
  expect(fresh.attemptStream(3, 9)!.served).toEqual(served)
})

test('what is wrong with a chunk or a settlement comes back, and there is no result', () => {
  for (const [flawed, code] of [
    [(scout: Speaker) => scout.say('no json'), 'bad_answer'],
    [(scout: Speaker) => scout.settle(), 'bad_answer'],
    [(scout: Speaker) => scout.say(finishLine) ?? scout.settle('{"choices":[{}]}'), 'bad_answer'],
  ] as const) {
    const { sink, begin } = stage()
    const scout = begin(1)
    scout.say(deltaLine('a'))
    expect(flawed(scout)).toMatchObject({ code })
    expect(sink.result(1)).toBeUndefined()
  }
})

test('an answer longer than a body may be is broken off', () => {
  const { begin } = stage()
  const scout = begin(1)
  const line = deltaLine('x'.repeat(100_000))
  let flaw = null
  let lines = 0
  for (; flaw === null && lines < 100; lines++) flaw = scout.say(line)
  expect(flaw).toMatchObject({ code: 'answer_too_large' })
  expect(lines).toBe(Math.floor(bodyBytesMax / line.length) + 1)
  expect(scout.attemptStream()).toBeUndefined()
})

test('a kept line keeps nothing of the frame that it came in', () => {
  const { sink, begin } = stage()
  const scout = begin(1)
  scout.say(deltaLine('a'), ...Array.from({ length: 600 }, () => deltaLine('x'.repeat(100))))
  scout.say(deltaLine('b'))
  expect(sink.lines).toHaveLength(602)
  for (const line of sink.lines) expect(line.buffer.byteLength).toBe(line.byteLength)
})
