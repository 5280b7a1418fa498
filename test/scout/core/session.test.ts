import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Hello, Session, type SessionInput, type SessionOutput } from '../../../scout/core/session.ts'
import {
  reconnectCapMs,
  reconnectWindowMs,
  silenceMs,
  supersededDelayMs,
  wakeGraceMs,
} from '../../../shared/limits/wire.ts'
import type { FrameOf } from '../../../shared/protocol/frames.ts'
import { type ScoutPhase, scoutAccepts } from '../../../shared/protocol/phases.ts'
import '../../support/law/seeded-properties.ts'

const hello: Hello = {
  name: 'n',
  instance: 'i',
  agent: 'a',
  concurrency: 1,
  offers: [],
  held: [[7, 1, new Uint8Array(16)]],
}
const opened: SessionInput = { type: 'opened', hello }
const welcome: FrameOf<'welcome'> = {
  type: 'welcome',
  version: 1,
  epoch: 1,
  scout: 's',
  heartbeatMs: 10_000,
  silenceMs: 5_000,
  leaseTtlMs: 30_000,
  creditMax: 4,
  held: [],
}
const welcomed: SessionInput = { type: 'frame', frame: welcome }
const ping: SessionInput = { type: 'frame', frame: { type: 'ping', ping: 1, acks: [] } }
const hubDrain: SessionInput = { type: 'frame', frame: { type: 'hubDrain', windowMs: 100_000, reason: '' } }
const tick: SessionInput = { type: 'tick' }
const drain: SessionInput = { type: 'drain', reason: 'r' }
const leave: SessionInput = { type: 'leave' }
const closed = (code: number, reason = ''): SessionInput => ({ type: 'closed', code, reason })

/** A session with a clock in the test's hand. */
class Stage {
  nowMs = 1_000
  readonly session = new Session(this.nowMs)

  step(input: SessionInput, random = 0.5): SessionOutput[] {
    const out: SessionOutput[] = []
    this.session.step(input, { nowMs: this.nowMs, random, out })
    return out
  }

  /** Walks to `phase` on the usual way. */
  reach(phase: ScoutPhase): this {
    const way: Record<ScoutPhase, SessionInput[]> = {
      waiting: [],
      dialing: [tick],
      greeting: [tick, opened],
      ready: [tick, opened, welcomed],
      draining: [tick, opened, welcomed, drain],
      stopped: [leave],
    }
    for (const input of way[phase]) this.step(input)
    expect(this.session.phase).toBe(phase)
    return this
  }

  /** Loses the session with `code` and returns the delay before the next dial. */
  delayAfter(input: SessionInput, random: number): number {
    const waiting = this.step(input, random).find((output) => output.type === 'waiting')
    return (waiting as { delayMs: number }).delayMs
  }
}

const at = (phase: ScoutPhase) => new Stage().reach(phase)
const types = (outputs: SessionOutput[]) => outputs.map(({ type }) => type)

describe('a session walks through its phases', () => {
  const rows: [from: ScoutPhase, input: SessionInput, to: ScoutPhase, outputs: SessionOutput['type'][]][] = [
    ['waiting', tick, 'dialing', ['dial']],
    ['dialing', opened, 'greeting', ['send']],
    ['dialing', closed(1006), 'waiting', ['waiting']],
    ['dialing', { type: 'refused', status: 503 }, 'waiting', ['waiting']],
    ['dialing', drain, 'stopped', ['close', 'stopped']],
    ['greeting', welcomed, 'ready', ['welcomed']],
    ['greeting', ping, 'waiting', ['close', 'waiting']],
    ['greeting', closed(4400), 'waiting', ['waiting']],
    ['ready', ping, 'ready', ['deliver']],
    ['ready', welcomed, 'waiting', ['close', 'lost', 'waiting']],
    ['ready', { type: 'violation', reason: 'x' }, 'waiting', ['close', 'lost', 'waiting']],
    ['ready', closed(1006), 'waiting', ['lost', 'waiting']],
    ['ready', drain, 'draining', ['send']],
    ['draining', ping, 'draining', ['deliver']],
    ['draining', drain, 'draining', []],
    ['draining', leave, 'stopped', ['close', 'lost', 'stopped']],
    ['draining', closed(1006), 'stopped', ['lost', 'stopped']],
    ['waiting', drain, 'stopped', ['stopped']],
    ['stopped', leave, 'stopped', []],
    ['stopped', drain, 'stopped', []],
    ['stopped', { type: 'violation', reason: 'x' }, 'stopped', []],
  ]
  test.each(rows)('from %s with %o to %s', (from, input, to, outputs) => {
    const stage = at(from)
    expect(types(stage.step(input))).toEqual(outputs)
    expect(stage.session.phase).toBe(to)
  })

  test.each<[ScoutPhase, SessionInput]>([
    ['waiting', opened],
    ['greeting', opened],
    ['ready', opened],
    ['stopped', opened],
    ['stopped', closed(1006)],
  ])('an impossible move is a defect: in %s, %o', (phase, input) => {
    expect(() => at(phase).step(input)).toThrow(/cannot go from/)
  })

  test('the hello carries the held leases and the version', () => {
    expect(at('dialing').step(opened)).toEqual([{ type: 'send', frame: { type: 'hello', version: 1, ...hello } }])
  })

  test('nothing that a network can do breaks it, and a due moment exists until it stops', () => {
    const inputs = fc.constantFrom<SessionInput>(
      tick,
      ping,
      welcomed,
      hubDrain,
      { type: 'violation', reason: 'x' },
      closed(1006),
      closed(4409),
      { type: 'refused', status: 502 },
      opened,
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(inputs, fc.nat(40_000)), { maxLength: 60 }), (steps) => {
        const stage = new Stage()
        for (const [input, waitMs] of steps) {
          stage.nowMs += waitMs
          const { phase } = stage.session
          const socket = phase !== 'waiting' && phase !== 'stopped'
          // The link hears a socket only while there is one, and it opens once.
          const isSocketEvent = input.type !== 'tick' && input.type !== 'violation'
          if (isSocketEvent && !socket) continue
          if (
            (input.type === 'opened' || input.type === 'refused') !== (phase === 'dialing') &&
            input.type !== 'tick'
          ) {
            if (input.type === 'opened' || input.type === 'refused' || input.type === 'frame') continue
          }
          stage.step(input, 0.9)
          if (stage.session.phase !== 'stopped') expect(stage.session.dueMs).toBeLessThan(Number.POSITIVE_INFINITY)
        }
      }),
    )
  })

  test('frames are accepted exactly in the phases of the table', () => {
    expect(scoutAccepts.greeting).toEqual(['welcome'])
    const early = at('greeting').step(ping)
    expect(early[0]).toMatchObject({ type: 'close', code: 4400 })
  })
})

describe('after a loss', () => {
  test('of a hub that had welcomed us, the first delay is uniform over the window', () => {
    expect(at('ready').delayAfter(closed(1006), 0)).toBe(0)
    expect(at('ready').delayAfter(closed(1006), 0.5)).toBe(reconnectWindowMs / 2)
    expect(at('ready').delayAfter(closed(4400), 0.999)).toBeLessThan(reconnectWindowMs)
  })

  test('of a hub that named a window when it drained, the delay lies in that window', () => {
    const stage = at('ready')
    expect(types(stage.step(hubDrain))).toEqual(['deliver'])
    expect(stage.delayAfter(closed(4412), 0.5)).toBe(50_000)
  })

  test('of a hub that named no window at all, there is still a pause', () => {
    const stage = at('ready')
    stage.step({ type: 'frame', frame: { type: 'hubDrain', windowMs: 0, reason: '' } })
    expect(stage.delayAfter(closed(4412), 0.5)).toBe(500)
  })

  test('the window of a hub that drained is forgotten with the next welcome', () => {
    const stage = at('ready')
    stage.step(hubDrain)
    stage.nowMs += stage.delayAfter(closed(4412), 0.5)
    for (const input of [tick, opened, welcomed]) stage.step(input)
    expect(stage.delayAfter(closed(1006), 0.5)).toBe(reconnectWindowMs / 2)
  })

  test('failed dials back off with full jitter up to the cap, and never end', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), (random) => {
        const stage = new Stage()
        for (let failed = 0; failed < 40; failed++) {
          stage.nowMs = Math.max(stage.nowMs, stage.session.dueMs)
          stage.step(tick)
          const delayMs = stage.delayAfter(closed(1006, 'ECONNREFUSED'), random)
          expect(delayMs).toBe(Math.floor(random * Math.min(reconnectCapMs, 1_000 * 2 ** failed)))
        }
      }),
    )
  })

  test('a welcome starts the backoff anew', () => {
    const stage = new Stage()
    for (let failed = 0; failed < 9; failed++) {
      stage.step(tick)
      stage.step(closed(1006), 0)
    }
    for (const input of [tick, opened, welcomed]) stage.step(input)
    stage.step(closed(1006), 0)
    stage.step(tick)
    expect(stage.delayAfter(closed(1006), 0.99)).toBeLessThan(1_000)
  })

  test('to a newer session of the same scout, the older waits at least a minute', () => {
    expect(at('ready').delayAfter(closed(4409), 0)).toBe(supersededDelayMs)
    expect(at('ready').delayAfter(closed(4409), 0.99)).toBeLessThan(supersededDelayMs + reconnectWindowMs)
  })
})

describe('the range of a close code is the rule', () => {
  test('4000 to 4499 and everything outside our range dial again, 4500 to 4999 stop', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_000, max: 4_999 }), (code) => {
        const stage = at('ready')
        stage.step(closed(code))
        expect(stage.session.phase).toBe(code >= 4_500 ? 'stopped' : 'waiting')
      }),
    )
  })

  test.each([
    [4501, /SCOUT_KEY was revoked.*new one/],
    [4503, /different protocol versions.*update/],
    [4504, /refuses this scout: too loud; ask/],
    [4777, /\(4777: too loud\)/],
  ])('a stop with %i tells the operator what to do', (code, sentence) => {
    const [, stopped] = at('ready').step(closed(code, 'too loud'))
    expect(stopped).toMatchObject({ type: 'stopped', refused: true, reason: expect.stringMatching(sentence) })
  })

  test.each([
    [401, /does not know the key in SCOUT_KEY/],
    [403, /not allowed to run a scout/],
    [400, /different protocol versions/],
    [426, /different protocol versions/],
  ])('an upgrade refused with %i stops with a sentence', (status, sentence) => {
    const [stopped] = at('dialing').step({ type: 'refused', status })
    expect(stopped).toMatchObject({ type: 'stopped', refused: true, reason: expect.stringMatching(sentence) })
  })

  test.each([404, 429, 500, 502, 503])('an upgrade refused with %i is tried again', (status) => {
    const stage = at('dialing')
    stage.step({ type: 'refused', status })
    expect(stage.session.phase).toBe('waiting')
  })

  test('a welcome of another version closes with 4503 and stops', () => {
    const outputs = at('greeting').step({ type: 'frame', frame: { ...welcome, version: 2 } })
    expect(outputs[0]).toMatchObject({ type: 'close', code: 4503 })
    expect(outputs[1]).toMatchObject({ type: 'stopped', refused: true })
  })
})

describe('silence', () => {
  test('for as long as the welcome says closes with 4408 and dials again', () => {
    const stage = at('ready')
    expect(stage.session.dueMs).toBe(stage.nowMs + welcome.silenceMs)
    stage.nowMs += welcome.silenceMs - 1
    expect(stage.step(tick)).toEqual([])
    stage.nowMs += 1
    const outputs = stage.step(tick)
    expect(outputs[0]).toMatchObject({ type: 'close', code: 4408 })
    expect(types(outputs)).toEqual(['close', 'lost', 'waiting'])
  })

  test('is broken by any frame', () => {
    const stage = at('ready')
    stage.nowMs += welcome.silenceMs - 1
    stage.step(ping)
    expect(stage.session.dueMs).toBe(stage.nowMs + welcome.silenceMs)
  })

  test('is not judged by a process that stood still before it has read what arrived meanwhile', () => {
    const stage = at('ready')
    stage.nowMs += welcome.silenceMs + 20_000
    expect(stage.step(tick)).toEqual([])
    const graceMs = stage.session.dueMs - stage.nowMs
    expect(graceMs).toBe(Math.min(wakeGraceMs, welcome.silenceMs))
    stage.nowMs += graceMs
    expect(types(stage.step(tick))).toEqual(['close', 'lost', 'waiting'])
  })

  test('after a standstill is over with a frame, and the next standstill gets its moment too', () => {
    const stage = at('ready')
    for (let times = 0; times < 3; times++) {
      stage.nowMs += welcome.silenceMs + 20_000
      expect(stage.step(tick)).toEqual([])
      stage.step(ping)
      expect(stage.session.dueMs).toBe(stage.nowMs + welcome.silenceMs)
    }
  })

  test.each<ScoutPhase>(['dialing', 'greeting'])('of a hub while %s is not waited for without end', (phase) => {
    const stage = at(phase)
    stage.nowMs += silenceMs
    expect(types(stage.step(tick))).toEqual(['close', 'waiting'])
  })
})
