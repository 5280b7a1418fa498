/** An answer on its way from frames to reader: order, form, what is held back, back pressure, and its one end. */
import { describe, expect, test } from 'vitest'
import type { Answer } from '../../../orchestrator/engine/ports/client.ts'
import {
  streamBufferBytes,
  streamOverrunBytes,
  unreadBytesFree,
  unreadBytesPerTenantMax,
} from '../../../shared/limits/http.ts'
import { inlineBodyBytesMax } from '../../../shared/limits/wire.ts'
import {
  deltaLine,
  EngineBench,
  finishLine,
  roleLine,
  tail,
  textOf,
  wholeAnswer,
} from '../../support/hub/engine-bench.ts'

/** A streamed answer, its only scout's work, and another scout that could take over. */
function stage() {
  const bench = new EngineBench()
  const answer = bench.ask()
  const session = bench.join(['m'], 1)
  const work = bench.work()
  work.started()
  const other = bench.join(['m'], 1)
  return { bench, answer, session, other, work }
}

function readable(answer: Answer): Promise<void> {
  return new Promise((resolve) => answer.onReadable(resolve))
}

function bulk(bytes: number): string {
  return deltaLine('x'.repeat(bytes))
}

describe('a streamed answer', () => {
  test('shows nothing before the first content, then everything in order, then its end once', async () => {
    const { answer, work } = stage()
    work.say(roleLine)
    expect(answer.take()).toBeNull()
    work.say(deltaLine('one'))
    await readable(answer)
    expect(textOf(answer.take()!.lines)).toEqual([roleLine, deltaLine('one')])
    expect(answer.take()).toBeNull()
    work.say(deltaLine('two'), deltaLine('three'))
    expect(answer.take()).toMatchObject({ lines: [{}, {}], end: null })
    work.say(finishLine)
    expect(answer.take()).toBeNull()
    work.done()
    await readable(answer)
    const last = answer.take()!
    expect(textOf(last.lines)).toEqual([finishLine])
    expect(last.end).toMatchObject({ type: 'done' })
    expect(last.end?.type === 'done' && textOf([last.end.body])).toEqual([tail])
    expect([answer.take(), answer.take()]).toEqual([null, null])
  })

  test('without any content still ends with its lines', () => {
    const { answer, work } = stage()
    work.say(roleLine, finishLine)
    work.done()
    expect(textOf(answer.take()!.lines)).toEqual([roleLine, finishLine])
  })

  test('wakes a reader that waits, and only when there is something', async () => {
    const { answer, work } = stage()
    let woken = 0
    const waiting = readable(answer).then(() => woken++)
    work.say(roleLine)
    work.say('{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}')
    await Promise.resolve()
    await Promise.resolve()
    expect(woken).toBe(0)
    work.done()
    await waiting
    expect(answer.take()?.lines.length).toBe(2)
  })

  test('is known by who serves it, which does not change once it flows', () => {
    const { answer, work } = stage()
    expect(answer.served).toEqual({ scout: 'operator/scout-1', provider: 'provider', model: 'm' })
    work.started('second choice')
    expect(answer.served?.provider).toBe('second choice')
    work.say(deltaLine('x'))
    work.started('somebody else')
    expect(answer.served?.provider).toBe('second choice')
  })

  test('knows its id, its attempts and how long it waited, from the first line on', () => {
    const bench = new EngineBench()
    const answer = bench.ask()
    expect(answer.position()).toBe(0)
    bench.system.pass(400)
    bench.join(['m'], 1)
    bench.work().say(deltaLine('x'))
    expect(answer).toMatchObject({ attempts: 1, queuedMs: 400, created: 1_700_000_010 })
    expect(answer.id).toMatch(/^chatcmpl-[0-9a-z]+$/)
    expect(answer.position()).toBeNull()
  })
})

const flaws: [string, (work: ReturnType<typeof stage>['work']) => void, string][] = [
  ['leaves out a chunk', (w) => w.chunk(`${deltaLine('x')}\n`, { seq: 5 }), 'chunk_gap'],
  ['repeats a chunk', (w) => w.chunk(`${deltaLine('x')}\n`, { seq: 0, offset: 0 }), 'chunk_gap'],
  ['is wrong about its offset', (w) => w.chunk(`${deltaLine('x')}\n`, { offset: 1 }), 'chunk_gap'],
  ['sends half a line', (w) => w.chunk(deltaLine('x')), 'bad_answer'],
  ['sends an empty chunk', (w) => w.chunk(''), 'bad_answer'],
  ['sends an empty line', (w) => w.chunk(`${roleLine}\n\n`), 'bad_answer'],
  ['sends what is no JSON', (w) => w.chunk('data: [DONE]\n'), 'bad_answer'],
  ['sends bytes that are no UTF-8', (w) => w.chunk(new Uint8Array([0x7b, 0xff, 0x7d, 0x0a])), 'bad_answer'],
  ["writes the hub's fields", (w) => w.say(`{"id":"mine",${roleLine.slice(1)}`), 'bad_answer'],
  ['settles without a finish reason', (w) => w.done(), 'bad_answer'],
  ['settles with more chunks than it sent', (w) => w.done(tail, { chunks: 9 }), 'chunk_gap'],
]

describe('a scout that', () => {
  for (const [what, doIt, code] of flaws) {
    test(`${what} before content fails unseen: ${code}, and another one answers`, () => {
      const { bench, answer, work, other } = stage()
      work.say(roleLine)
      doIt(work)
      expect(bench.take('cancel')).toMatchObject([{ session: work.session, frame: { reason: code } }])
      expect(answer.take()).toBeNull()
      bench.system.pass(200)
      const second = bench.work()
      expect([second.session, second.lease.attempt]).toEqual([other, 2])
      second.say(roleLine.replace('assistant', 'second'), deltaLine('new'), finishLine)
      second.done()
      const part = answer.take()!
      expect(textOf(part.lines)).toEqual([roleLine.replace('assistant', 'second'), deltaLine('new'), finishLine])
      expect(part.end?.type).toBe('done')
      expect(answer.attempts).toBe(2)
    })

    test(`${what} after content fails the answer: ${code}, with the bytes that were seen`, () => {
      const { bench, answer, work } = stage()
      work.say(deltaLine('seen'))
      answer.take()
      work.say(deltaLine('unread'))
      doIt(work)
      const part = answer.take()!
      const forwarded = deltaLine('seen').length + deltaLine('unread').length
      const read = textOf(part.lines).slice(0, 1)
      expect(read).toEqual([deltaLine('unread')])
      const extra = textOf(part.lines.slice(1)).join('').length
      expect(part.end).toMatchObject({ type: 'failed', fault: { code }, forwardedBytes: forwarded + extra })
      expect(answer.take()).toBeNull()
      bench.system.pass(1_000)
      expect(bench.take('task')).toEqual([])
    })
  }

  test('holds the finish line back: a failure after it is never a clean end', () => {
    const { answer, work } = stage()
    work.say(deltaLine('x'), finishLine)
    expect(textOf(answer.take()!.lines)).toEqual([deltaLine('x')])
    work.fail('provider_unavailable')
    expect(answer.take()).toMatchObject({ lines: [], end: { type: 'failed', fault: { code: 'provider_unavailable' } } })
  })

  test('said everything in one line with its finish reason, and then failed, is repeated unseen', () => {
    const { bench, answer, work } = stage()
    work.say('{"choices":[{"index":0,"delta":{"content":"all"},"finish_reason":"stop"}]}')
    work.fail('provider_unavailable')
    bench.system.pass(200)
    const second = bench.work()
    second.say(deltaLine('new'), finishLine)
    second.done()
    expect(textOf(answer.take()!.lines)).toEqual([deltaLine('new'), finishLine])
  })

  test('goes on after its attempt was given up is not heard, and told to stop', () => {
    const { bench, answer, work } = stage()
    work.chunk('x')
    bench.take('cancel')
    work.say(deltaLine('late'))
    expect(answer.take()).toBeNull()
    bench.system.pass(2_000)
    expect(bench.take('cancel').length).toBeGreaterThan(0)
    work.done()
    expect(bench.take('settled')).toMatchObject([
      { frame: { acks: [[expect.anything(), expect.anything(), 'stale']] } },
    ])
  })

  test('streams what was not to be streamed fails', () => {
    const bench = new EngineBench({ attemptsMax: 1 })
    bench.join(['m'], 1)
    const answer = bench.ask({ stream: false })
    bench.work().say(deltaLine('x'))
    expect(answer.take()?.end).toMatchObject({ type: 'failed', fault: { code: 'bad_answer' }, forwardedBytes: 0 })
  })

  test('gives a cause of its own invention is quoted in our words', () => {
    const bench = new EngineBench({ attemptsMax: 1 })
    bench.join(['m'], 3)
    for (const [code, message, shown] of [
      ['hub_draining', 'a\nb', { code: 'scout_error', message: 'a b' }],
      ['', '', { code: 'scout_error', message: 'The scout gave no reason.' }],
      ['provider_timeout', 'Slow.', { code: 'provider_timeout', message: 'Slow.' }],
    ] as const) {
      const answer = bench.ask()
      bench.work().fail(code, 'failed', message)
      expect(answer.take()?.end).toMatchObject({ type: 'failed', fault: shown })
    }
  })
})

describe('a whole answer', () => {
  test('is its body, once it is committed', () => {
    const bench = new EngineBench()
    bench.join(['m'], 1)
    const answer = bench.ask({ stream: false })
    bench.work().done()
    const { lines, end } = answer.take()!
    expect(lines).toEqual([])
    expect(end?.type === 'done' && textOf([end.body])).toEqual([wholeAnswer])
    expect(answer.take()).toBeNull()
  })

  test('that is none is bad_answer, and tried elsewhere', () => {
    const bench = new EngineBench()
    bench.join(['m'], 1)
    const answer = bench.ask({ stream: false })
    bench.work().done('{"choices":[]}')
    bench.join(['m'], 1)
    bench.system.pass(200)
    bench.work().done()
    expect(answer.take()?.end?.type).toBe('done')
  })

  test('with a forged nonce commits nothing, and the true one still does', () => {
    const bench = new EngineBench()
    bench.join(['m'], 1)
    const answer = bench.ask({ stream: false })
    const work = bench.work()
    work.done(wholeAnswer.replace('hi', 'forged'), { nonce: new Uint8Array(16).fill(7) })
    expect(bench.take('settled')).toMatchObject([
      { frame: { acks: [[expect.anything(), expect.anything(), 'stale']] } },
    ])
    expect(answer.take()).toBeNull()
    work.done()
    const end = answer.take()?.end
    expect(end?.type === 'done' && textOf([end.body])).toEqual([wholeAnswer])
  })

  test('from somebody else commits nothing', () => {
    const bench = new EngineBench()
    bench.join(['m'], 1)
    const answer = bench.ask({ stream: false })
    const work = bench.work()
    work.session = bench.join(['m'])
    work.done()
    expect(answer.take()).toBeNull()
    expect(bench.take('settled')).toMatchObject([
      { frame: { acks: [[expect.anything(), expect.anything(), 'stale']] } },
    ])
  })
})

describe('a reader that does not read', () => {
  test('makes the scout pause, and go on once it reads', () => {
    const { bench, answer, work } = stage()
    work.say(bulk(streamBufferBytes - 1_000))
    expect(bench.take('flow')).toEqual([])
    work.say(bulk(2_000))
    const { task, attempt } = work.lease
    expect(bench.take('flow')).toMatchObject([{ session: work.session, frame: { task, attempt, paused: true } }])
    work.say(bulk(1_000))
    expect(bench.take('flow')).toEqual([])
    expect(answer.take()?.lines.length).toBe(3)
    expect(bench.take('flow')).toMatchObject([{ frame: { task, attempt, paused: false } }])
    work.say(bulk(1_000), finishLine)
    work.done()
    expect(answer.take()?.end?.type).toBe('done')
    expect(bench.take('flow')).toEqual([])
  })

  test('gets a single line that is larger than any buffer', () => {
    const { bench, answer, work } = stage()
    work.say(bulk(2 * (streamBufferBytes + streamOverrunBytes)))
    expect(bench.take('flow')).toMatchObject([{ frame: { paused: true } }])
    answer.take()
    work.say(finishLine)
    work.done()
    expect(answer.take()?.end?.type).toBe('done')
  })

  test('gets one with what follows it at once, before it could be read', () => {
    const { answer, work } = stage()
    work.say(bulk(4 * (streamBufferBytes + streamOverrunBytes)))
    work.say(finishLine)
    work.done()
    expect(answer.take()).toMatchObject({ lines: [{}, {}], end: { type: 'done' } })
  })

  test('gets as many last lines as a scout cares to send', () => {
    const { answer, work } = stage()
    // In one frame: a chunk that is larger than that holds no more lines.
    const count = Math.floor(inlineBodyBytesMax / (finishLine.length + 1))
    work.chunk(`${finishLine}\n`.repeat(count))
    work.done()
    expect(answer.take()?.lines.length).toBe(count)
  })

  test('and a scout that does not pause fail the answer before memory does', () => {
    const { bench, answer, work } = stage()
    for (let sent = 0; sent <= streamBufferBytes + streamOverrunBytes + 100_000; sent += 50_000) work.say(bulk(50_000))
    expect(bench.take('cancel')).toMatchObject([{ frame: { reason: 'scout_error' } }])
    const part = answer.take()!
    expect(part.end).toMatchObject({ type: 'failed', fault: { code: 'scout_error' } })
    expect(part.end?.type === 'failed' && part.end.forwardedBytes).toBe(textOf(part.lines).join('').length)
  })

  test('cannot be waited for by what is held back: too much of it is no answer', () => {
    const bench = new EngineBench({ attemptsMax: 1 })
    bench.join(['m'], 1)
    const answer = bench.ask()
    const work = bench.work()
    const idle = `{"choices":[{"index":0,"delta":{"padding":"${'x'.repeat(60_000)}"}}]}`
    for (let sent = 0; sent <= streamBufferBytes + 60_000; sent += 60_000) work.say(idle)
    expect(bench.take('flow')).toEqual([])
    expect(answer.take()?.end).toMatchObject({ type: 'failed', fault: { code: 'bad_answer' }, forwardedBytes: 0 })
  })

  describe('with others of its tenant', () => {
    const count = Math.floor(unreadBytesPerTenantMax / 2 ** 20)

    /** So many answers of a tenant, each with a line of about a megabyte that waits: together its share. */
    function crowd() {
      const bench = new EngineBench()
      bench.join(['m'], count + 3, { concurrency: count + 3 })
      const begin = (tenant: string) => {
        const answer = bench.ask({ tenant })
        const work = bench.work()
        work.started()
        return { answer, work }
      }
      const many = Array.from({ length: count }, () => begin('many'))
      const line = bulk(2 ** 20 - 100)
      const rest = unreadBytesPerTenantMax - (count - 1) * line.length - bulk(0).length
      for (const [at, { work }] of many.entries()) work.say(at === 0 ? bulk(rest) : line)
      return { bench, begin, many }
    }

    test('waits for no more than a share: what is beyond it ends, and other tenants go on', () => {
      const { bench, begin } = crowd()
      const one = begin('many')
      const other = begin('another')
      for (const { work } of [one, other]) for (let at = 0; at < 3; at++) work.say(bulk(unreadBytesFree))
      expect(bench.take('cancel').map(({ frame }) => frame.task)).toEqual([one.work.lease.task])
      expect(one.answer.take()?.end).toMatchObject({ type: 'failed', fault: { code: 'client_stalled' } })
      other.work.say(finishLine)
      other.work.done()
      expect(other.answer.take()?.end?.type).toBe('done')
    })

    test('goes on when it reads, however many do not', () => {
      const { bench, begin } = crowd()
      const one = begin('many')
      for (let at = 0; at < 9; at++) {
        one.work.say(bulk(2 * unreadBytesFree))
        expect(one.answer.take()?.lines.length).toBe(1)
      }
      expect(bench.take('cancel')).toEqual([])
    })

    test('has room again when others have read, or have left', () => {
      const { bench, begin, many } = crowd()
      many[0]!.answer.take()
      many[1]!.answer.abandon()
      bench.take('cancel')
      const one = begin('many')
      for (let at = 0; at < 9; at++) one.work.say(bulk(unreadBytesFree))
      expect(bench.take('cancel')).toEqual([])
    })
  })

  test('and leaves is a cancel to the scout, once', () => {
    const { bench, answer, work } = stage()
    work.say(deltaLine('x'))
    answer.abandon()
    answer.abandon()
    expect(bench.take('cancel')).toMatchObject([{ session: work.session, frame: { reason: 'cancelled' } }])
    expect(answer.take()?.end).toMatchObject({ type: 'failed', fault: { code: 'cancelled' } })
    work.fail('scout_error', 'cancelled')
    bench.system.pass(10_000)
    expect(bench.take('cancel')).toEqual([])
  })
})
