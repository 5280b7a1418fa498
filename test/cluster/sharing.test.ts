import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Batch, batchBytes, readBatch } from '../../orchestrator/cluster/sharing/batch.ts'
import { FrameLink } from '../../orchestrator/cluster/sharing/frame-link.ts'
import { Serving } from '../../orchestrator/cluster/sharing/serving.ts'
import type { Answer, AnswerEnd, AnswerPart, Submission } from '../../orchestrator/engine/ports/client.ts'
import { type Fault, fault } from '../../shared/faults.ts'
import { linkBatchBytesMax, linkSignMs, linkSilenceMs } from '../../shared/limits/cluster/sharing.ts'
import { fragmentBytes, inlineBodyBytesMax } from '../../shared/limits/wire.ts'
import { decodeFromScout, encode } from '../../shared/protocol/codec.ts'
import type { FrameOf, HubFrame } from '../../shared/protocol/frames.ts'
import { offerOf } from '../../shared/task.ts'
import { ManualSystem } from '../support/clocks/manual-system.ts'
import '../support/law/seeded-properties.ts'

const offers = [offerOf({ kind: 'chat', model: 'm', provider: 'demo' })]
const welcome: FrameOf<'welcome'> = {
  ...{ type: 'welcome', version: 1, epoch: 1, scout: 'hub:beta/beta', heartbeatMs: 5_000, silenceMs: 28_000 },
  ...{ leaseTtlMs: 30_000, creditMax: 256, held: [] },
}
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

/** An answer of the engine that the test writes. */
class HeldAnswer implements Answer {
  readonly id = 'chatcmpl-1'
  readonly created = 0
  readonly served = { scout: 'key/worker', provider: 'demo', model: 'm' }
  readonly attempts = 1
  readonly queuedMs = 0
  readonly cost = null
  readonly trust = null
  readonly microDollars = null
  isAbandoned = false
  private parts: AnswerPart[] = []
  private wake: (() => void) | null = null

  position(): number | null {
    return null
  }

  take(): AnswerPart | null {
    return this.parts.shift() ?? null
  }

  onReadable(wake: () => void): void {
    if (this.parts.length > 0) wake()
    else this.wake = wake
  }

  abandon(): void {
    this.isAbandoned = true
    this.end({ type: 'failed', fault: fault('cancelled', 'The client left.'), forwardedBytes: 0 })
  }

  lines(...lines: string[]): void {
    this.add({ lines: lines.map((line) => Buffer.from(line)), end: null })
  }

  end(end: AnswerEnd): void {
    this.add({ lines: [], end })
  }

  fail(cause: Fault): void {
    this.end({ type: 'failed', fault: cause, forwardedBytes: 0 })
  }

  get waiting(): number {
    return this.parts.length
  }

  private add(part: AnswerPart): void {
    this.parts.push(part)
    this.wake?.()
  }
}

/** This hub serves another one, which the test plays. */
function serving(creditsMax = 4) {
  const system = new ManualSystem()
  const answers: HeldAnswer[] = []
  const asked: Submission[] = []
  const frames: ReturnType<typeof decodeFromScout>[] = []
  let seq = 0
  let hasEnded = false
  const send = (payload: Uint8Array) => {
    for (const frame of readBatch(Uint8Array.from(payload))!.frames) frames.push(decodeFromScout(frame))
    return true
  }
  const link = new FrameLink({
    ...{ system, side: 'serves', link: 1, send },
    onFrame: (frame) => service.receive(frame),
    onEnd: () => {
      hasEnded = true
      service.ended()
    },
  })
  const submit = (submission: Submission) => {
    asked.push(submission)
    answers.push(new HeldAnswer())
    return answers.at(-1)!
  }
  const hub = { submit }
  const service = new Serving({ system, hub, own: { name: 'beta', boot: 3 }, asker: 'alpha' }, link, offers)
  const give = (...given: HubFrame[]) => giveBytes(...given.map((frame) => Uint8Array.from(encode(frame))))
  const giveBytes = (...given: Uint8Array[]) =>
    link.receive({ from: 'asks', link: 1, seq: seq++, isLast: false, frames: given })
  /** What was sent since the last look. */
  const sent = async () => {
    for (let turns = 0; turns < 5; turns++) await Promise.resolve()
    system.pass(0)
    return frames.splice(0)
  }
  give(welcome)
  service.look(offers, creditsMax)
  return { system, service, link, answers, asked, give, giveBytes, sent, isOver: () => hasEnded }
}

function task(number: number, body = '{"messages":[]}', size = body.length): FrameOf<'task'> {
  const bytes = Buffer.from(body)
  return {
    ...{ type: 'task', task: number, attempt: 1, nonce: new Uint8Array(16), kind: 'chat', model: 'm', stream: true },
    ...{ ttlMs: 30_000, deadlineMs: 60_000, acks: [], size, body: size > inlineBodyBytesMax ? null : bytes },
  }
}

describe('serving another hub', () => {
  test('greets as a scout, grants a share, and passes tasks to the engine under the name of who asked', async () => {
    const { answers, asked, give, sent, isOver } = serving()
    const [hello, credit] = await sent()
    expect(hello).toMatchObject({ type: 'hello', name: 'beta', instance: '3-1', held: [] })
    expect(credit).toEqual({ type: 'credit', count: 4 })
    give(task(7))
    expect(asked[0]).toMatchObject({ tenant: 'hub:alpha', kind: 'chat', model: 'm', stream: true, deadlineMs: 60_000 })
    expect(asked[0]!.routing).toEqual({ ignore: ['hub:'] })
    answers[0]!.lines('{"a":1}', '{"b":2}')
    const [chunk] = await sent()
    expect(chunk).toMatchObject({ type: 'chunk', task: 7, seq: 0, offset: 0, size: 16 })
    expect(text((chunk as FrameOf<'chunk'>).body!)).toBe('{"a":1}\n{"b":2}\n')
    answers[0]!.end({ type: 'done', body: Buffer.from('{"usage":{}}') })
    const [settle] = await sent()
    expect(settle).toMatchObject({ type: 'settle', task: 7, outcome: 'done', chunks: 1, provider: 'demo', credits: 1 })
    expect(isOver()).toBe(false)
  })

  test('waits for large requests, and sends large answers in pieces', async () => {
    const { answers, asked, give, sent } = serving()
    const body = 'x'.repeat(inlineBodyBytesMax + 10)
    give(task(1, body))
    expect(asked).toEqual([])
    const pieces = [body.slice(0, fragmentBytes), body.slice(fragmentBytes)]
    for (const [index, piece] of pieces.entries()) {
      give({ type: 'fragment', task: 1, attempt: 1, index, bytes: Buffer.from(piece) })
    }
    expect(text(asked[0]!.body)).toBe(body)
    answers[0]!.lines('y'.repeat(inlineBodyBytesMax))
    await sent()
    answers[0]!.end({ type: 'done', body: Buffer.from(body) })
    const types = (await sent()).map(({ type }) => type)
    expect(types).toEqual(['settle', 'fragment', 'fragment'])
  })

  test('hands back what it could not begin, and reports what its scouts report', async () => {
    const { answers, give, sent } = serving()
    const ends: [Fault, string, string][] = [
      [fault('no_scout_available', 'Nobody is free.'), 'released', 'scout_draining'],
      [fault('queue_full', 'Too many wait.'), 'released', 'scout_draining'],
      [fault('context_length_exceeded', 'Too long.'), 'failed', 'context_length_exceeded'],
    ]
    for (const [at, [cause, outcome, code]] of ends.entries()) {
      give(task(at))
      answers[at]!.fail(cause)
      const settle = (await sent()).find(({ type }) => type === 'settle')
      expect(settle).toMatchObject({ outcome, fault: code, message: cause.message })
    }
    give(task(9))
    answers.at(-1)!.lines('{}')
    answers.at(-1)!.fail(fault('scout_lost', 'It is lost.'))
    const settle = (await sent()).find(({ type }) => type === 'settle')
    expect(settle).toMatchObject({ outcome: 'failed', fault: 'provider_unavailable', chunks: 1 })
  })

  test('stops on cancel, waits while paused, and gives a sign of life while there is nothing else', async () => {
    const { system, service, answers, give, sent } = serving()
    give(task(1), task(2), { type: 'flow', task: 2, attempt: 1, paused: true }, { type: 'ping', ping: 5, acks: [] })
    expect((await sent()).at(-1)).toEqual({ type: 'pong', ping: 5, running: 2 })
    answers[1]!.lines('{}')
    system.pass(linkSignMs)
    service.look(offers, 4)
    expect((await sent()).map((frame) => [frame.type, (frame as { task?: number }).task])).toEqual([
      ['credit', undefined],
      ['started', 1],
    ])
    give({ type: 'flow', task: 2, attempt: 1, paused: false }, { type: 'cancel', task: 1, attempt: 1, reason: 'gone' })
    const frames = await sent()
    expect(frames.find(({ type }) => type === 'chunk')).toMatchObject({ task: 2 })
    expect(frames.find(({ type }) => type === 'settle')).toMatchObject({ task: 1, outcome: 'cancelled' })
    expect(answers[0]!.isAbandoned).toBe(true)
  })

  test('ends the link, and the work, of a hub that takes more than it was granted or sends garbage', async () => {
    const over = serving(1)
    over.give(task(1), task(2))
    expect(over.isOver()).toBe(true)
    expect(over.answers.map(({ isAbandoned }) => isAbandoned)).toEqual([true])
    const twice = serving()
    twice.give(task(1), task(1))
    expect(twice.isOver()).toBe(true)
    for (const garbage of [Uint8Array.of(0xc1), Uint8Array.of(0x93, 1, 2, 3), new Uint8Array(100)]) {
      const stage = serving()
      stage.giveBytes(garbage)
      expect(stage.isOver()).toBe(true)
    }
    const scrambled = serving()
    scrambled.give(task(1, 'x'.repeat(inlineBodyBytesMax + 1)))
    scrambled.give({ type: 'fragment', task: 1, attempt: 1, index: 1, bytes: Buffer.from('x') })
    expect(scrambled.isOver()).toBe(true)
  })

  test('grants nothing while it may not, and nothing more once it leaves', async () => {
    const { service, give, sent } = serving(0)
    expect((await sent()).map(({ type }) => type)).toEqual(['hello'])
    service.look(offers, 2)
    expect(await sent()).toEqual([{ type: 'credit', count: 2 }])
    service.drain('restarting')
    give(task(1))
    service.look([], 9)
    const types = (await sent()).map(({ type }) => type)
    expect(types).toEqual(['drain', 'offers'])
  })

  test('ends a link on which nothing comes, be it that its greeting was lost, and keeps one that is pinged', () => {
    const { system, service, give, isOver } = serving()
    for (let passed = 0; passed < 3 * linkSilenceMs; passed += 5_000) {
      system.pass(5_000)
      give({ type: 'ping', ping: passed, acks: [] })
      service.look(offers, 4)
    }
    expect(isOver()).toBe(false)
    system.pass(linkSilenceMs + 1)
    service.look(offers, 4)
    expect(isOver()).toBe(true)
  })
})

describe('a link', () => {
  const batch = (seq: number, ...frames: Uint8Array[]): Batch => {
    return { from: 'asks', link: 1, seq, isLast: false, frames }
  }

  function linkOf(takes = true) {
    const system = new ManualSystem()
    const sent: Batch[] = []
    const received: number[] = []
    let ends = 0
    const link = new FrameLink({
      ...{ system, side: 'serves', link: 1 },
      send: (payload) => takes && sent.push(readBatch(payload)!) > 0,
      onFrame: (frame) => received.push(frame[0]!),
      onEnd: () => {
        ends++
      },
    })
    return { system, link, sent, received, ends: () => ends }
  }

  test('sends what one turn makes as one message, and large amounts before its end', () => {
    const { system, link, sent } = linkOf()
    for (const byte of [1, 2, 3]) link.write(Uint8Array.of(byte))
    expect(sent).toEqual([])
    system.pass(0)
    expect(sent.map(({ seq, frames }) => [seq, frames.length])).toEqual([[0, 3]])
    for (let bytes = 0; bytes < linkBatchBytesMax; bytes += 32_768) link.write(new Uint8Array(32_768))
    expect(sent).toHaveLength(2)
  })

  test('ends, once, when a message is missing, repeated, last, or not taken', () => {
    for (const second of [batch(0), batch(2), { ...batch(1), isLast: true }]) {
      const { link, received, ends } = linkOf()
      link.receive(batch(0, Uint8Array.of(1)))
      link.receive(second)
      link.receive(batch(1, Uint8Array.of(2)))
      link.end()
      expect([received, ends(), link.isOpen]).toEqual([[1], 1, false])
    }
    const { system, link, ends } = linkOf(false)
    link.write(Uint8Array.of(1))
    system.pass(0)
    expect(ends()).toBe(1)
  })

  test('reads batches as they were written, and no garbage as one', () => {
    const whole: Batch = {
      from: 'serves',
      link: 7,
      seq: 9,
      isLast: true,
      frames: [Uint8Array.of(1, 2), Uint8Array.of(3)],
    }
    const bytes = batchBytes(whole)
    const back = readBatch(bytes)!
    expect({ ...back, frames: back.frames.map((frame) => [...frame]) }).toEqual({ ...whole, frames: [[1, 2], [3]] })
    for (let length = 0; length < bytes.length; length++) {
      const part = readBatch(bytes.subarray(0, length))
      expect(part === null || part.frames.length < whole.frames.length).toBe(true)
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (garbage) => {
        const read = readBatch(garbage)
        expect(read === null || read.frames.every(({ length }) => length > 0)).toBe(true)
      }),
    )
  })
})
