/** Bodies larger than a frame, both ways: fragments, turns, bounds, and what becomes of them when something breaks. */
import { describe, expect, test } from 'vitest'
import { ByteAccount } from '../../shared/byte-account.ts'
import * as wireLimits from '../../shared/limits/wire.ts'
import { fragmentsOf } from '../../shared/protocol/fragments.ts'
import type { FrameOf, FrameType, HubFrame } from '../../shared/protocol/frames.ts'
import { chunkOf, nonce, SessionStage, settleOf } from '../support/hub/session-stage.ts'

describe('a body from the scout', () => {
  test('rides in its frame when it is small', () => {
    const stage = new SessionStage()
    const body = new Uint8Array([1, 2, 3])
    stage.say(chunkOf(body, 3))
    stage.say(settleOf(body, 3))
    expect(stage.names()).toEqual(['chunk', 'settle'])
    for (const fact of stage.heard) expect(Buffer.compare(fact[3] as Uint8Array, body)).toBe(0)
  })

  test('may be empty, said either way', () => {
    const stage = new SessionStage()
    stage.say(settleOf(new Uint8Array(0), 0))
    stage.say(settleOf(null, 0))
    expect(stage.heard.map((fact) => (fact[3] as Uint8Array).length)).toEqual([0, 0])
  })

  test('of another size than announced closes with 4400', () => {
    const stage = new SessionStage()
    stage.say(chunkOf(new Uint8Array(3), 4))
    expect(stage.code).toBe(4400)
  })

  test('comes in fragments when it is large; other frames go in between', () => {
    const stage = new SessionStage()
    const body = Uint8Array.from({ length: 100_000 }, (_, i) => i)
    const other = Uint8Array.from({ length: 70_000 }, (_, i) => 3 * i)
    stage.say(settleOf(null, body.length, 1))
    stage.say(chunkOf(null, other.length, 2))
    const [one, two] = [fragmentsOf(1, 1, body), fragmentsOf(2, 1, other)]
    for (let part = 0; part < 4; part++) {
      for (const fragment of [one.next(), two.next()]) if (!fragment.done) stage.say(fragment.value)
      stage.say({ type: 'credit', count: 1 })
    }
    const bodies = stage.heard.filter(([what]) => what === 'settle' || what === 'chunk')
    expect(bodies.map(([what]) => what)).toEqual(['chunk', 'settle'])
    expect(Buffer.compare(bodies[0]![3] as Uint8Array, other)).toBe(0)
    expect(Buffer.compare(bodies[1]![3] as Uint8Array, body)).toBe(0)
    expect(stage.names().filter((what) => what === 'alive').length).toBe(5)
    expect(stage.code).toBeUndefined()
  })

  const misfits: [string, Partial<FrameOf<'fragment'>>][] = [
    ['out of order', { index: 1 }],
    ['empty', { bytes: new Uint8Array(0) }],
    ['beyond the announced size', { bytes: new Uint8Array(32_768) }],
  ]
  for (const [what, fields] of misfits) {
    test(`with a fragment ${what} is broken, and only that attempt`, () => {
      const stage = new SessionStage()
      stage.say(settleOf(null, 100))
      stage.say({ type: 'fragment', task: 1, attempt: 1, index: 0, bytes: new Uint8Array(10), ...fields })
      expect(stage.heard).toMatchObject([['broken', 7, 1, 1, { code: 'chunk_gap' }]])
      stage.say({ type: 'fragment', task: 1, attempt: 1, index: 1, bytes: new Uint8Array(10) })
      expect([stage.heard.length, stage.code]).toEqual([1, undefined])
    })
  }

  test('cannot begin before the last one of its attempt is complete', () => {
    const stage = new SessionStage()
    stage.say(chunkOf(null, 100))
    stage.say(settleOf(null, 100))
    expect(stage.code).toBe(4400)
  })

  test('is forgotten when its attempt is given up: the rest of it need not come', () => {
    const stage = new SessionStage()
    for (let task = 1; task <= 10; task++) {
      stage.say(chunkOf(null, wireLimits.bodyBytesMax, task))
      stage.say({ ...settleOf(new Uint8Array(0), 0, task), outcome: 'cancelled' })
    }
    expect([stage.names(), stage.code]).toEqual([Array.from({ length: 10 }, () => 'settle'), undefined])
  })

  test('is refused while too many others are half-delivered, and taken once they are complete', () => {
    const stage = new SessionStage()
    const whole = wireLimits.bodyBytesMax
    for (let task = 1; task <= wireLimits.assemblyBytesMax / whole; task++) stage.say(settleOf(null, whole, task))
    expect(stage.heard).toEqual([])
    stage.say(settleOf(null, 40_000, 99))
    expect(stage.heard).toMatchObject([['broken', 7, 99, 1, { code: 'scout_error' }]])
    for (const fragment of fragmentsOf(1, 1, new Uint8Array(whole))) stage.say(fragment)
    stage.heard.length = 0
    stage.say(settleOf(null, 40_000, 100))
    expect(stage.heard).toEqual([])
  })
})

describe('half-delivered bodies', () => {
  const KiB = 1024
  const piece = (task: number, bytes: number, index = 0) => {
    return { type: 'fragment', task, attempt: 1, index, bytes: new Uint8Array(bytes) } as const
  }

  test('beyond the share of an operator fail their own attempt, and beyond the room for all go back free', () => {
    const bytesInFlight = new ByteAccount(128 * KiB, 64 * KiB)
    const stage = new SessionStage({ bytesInFlight })
    stage.say(settleOf(null, 64 * KiB, 1))
    stage.say(piece(1, 1 * KiB))
    expect(bytesInFlight.held).toBe(64 * KiB)
    stage.say(settleOf(null, 40 * KiB, 2))
    stage.say(piece(2, 1 * KiB))
    expect(stage.heard.at(-1)).toMatchObject(['broken', 7, 2, 1, { code: 'scout_error' }])
    bytesInFlight.take('somebody else', 64 * KiB)
    const other = new SessionStage({ bytesInFlight: new ByteAccount(1, 64 * KiB) })
    other.say(settleOf(null, 64 * KiB, 1))
    other.say(piece(1, 1 * KiB))
    expect(other.heard.at(-1)).toMatchObject(['broken', 7, 1, 1, { code: 'hub_overloaded' }])
    stage.say(piece(1, 32 * KiB, 1))
    stage.say(piece(1, 31 * KiB, 2))
    expect(stage.heard.at(-1)![0]).toBe('settle')
    expect(bytesInFlight.held).toBe(64 * KiB)
  })

  test('are counted as they arrive, and no more once their socket is gone', () => {
    const bytesInFlight = new ByteAccount(1_024 * KiB, 1_024 * KiB)
    const stage = new SessionStage({ bytesInFlight })
    for (let task = 1; task <= 3; task++) stage.say(chunkOf(null, 300 * KiB, task))
    expect(bytesInFlight.held).toBe(0)
    for (let task = 1; task <= 3; task++) stage.say(piece(task, 1 * KiB))
    expect(bytesInFlight.held).toBe(3 * 64 * KiB)
    stage.session.close('rate')
    expect(bytesInFlight.held).toBe(0)
  })

  test('that never end fail their attempt, however alive the scout is', () => {
    const bytesInFlight = new ByteAccount(1_024 * KiB, 1_024 * KiB)
    const stage = new SessionStage({ bytesInFlight })
    const size = 48 * KiB * 10
    stage.say(chunkOf(null, size))
    const lateMs = wireLimits.fragmentedBodyMs + 10_000
    for (let index = 0; index < lateMs / 1_000; index++) {
      expect(stage.names()).not.toContain('broken')
      stage.say(piece(1, 1, index))
      stage.nowMs += 1_000
      stage.session.check(stage.nowMs)
    }
    expect(stage.heard.at(-1)).toMatchObject(['broken', 7, 1, 1, { code: 'scout_error' }])
    expect([bytesInFlight.held, stage.code]).toEqual([0, undefined])
  })
})

describe('a body to the scout', () => {
  const head = { type: 'task', task: 5, attempt: 1, nonce, kind: 'chat', model: 'm', stream: true } as const
  const taskOf = (body: Uint8Array, task = 5) => {
    return { ...head, task, ttlMs: 1, deadlineMs: 1, acks: [], size: body.length, body: null } satisfies HubFrame
  }
  const types = (stage: SessionStage): FrameType[] => stage.sent.map((frame) => frame.type)

  test('rides in its frame when it is small', () => {
    const stage = new SessionStage()
    const body = new Uint8Array(wireLimits.inlineBodyBytesMax)
    stage.session.send(taskOf(body), body)
    const [task] = stage.sent
    expect(task?.type === 'task' && task.body?.length).toBe(body.length)
    expect(types(stage)).toEqual(['task'])
  })

  test('follows in fragments when it is large, held back by a full socket while pings pass', () => {
    const stage = new SessionStage()
    const body = Uint8Array.from({ length: 150_000 }, (_, i) => i)
    stage.buffered = wireLimits.fragmentBacklogBytes
    stage.session.send(taskOf(body), body)
    expect(types(stage)).toEqual(['task'])
    stage.session.check(stage.nowMs + wireLimits.heartbeatMs)
    expect(types(stage)).toEqual(['task', 'ping'])
    stage.buffered = 0
    stage.session.pump()
    const pieces = stage.sent.filter((frame) => frame.type === 'fragment')
    expect(pieces.map((frame) => frame.index)).toEqual([0, 1, 2, 3, 4])
    expect(Buffer.compare(Buffer.concat(pieces.map((frame) => frame.bytes)), body)).toBe(0)
  })

  test('on a slow line is at most two stretches ahead of the last answered ping', () => {
    const stage = new SessionStage()
    const body = new Uint8Array(wireLimits.bodyBytesMax)
    const sentBytes = () => stage.sent.reduce((sum, f) => sum + (f.type === 'fragment' ? f.bytes.length : 0), 0)
    stage.session.send(taskOf(body), body)
    for (let stretches = 2; sentBytes() < body.length; stretches++) {
      expect(sentBytes()).toBe(stretches * wireLimits.fragmentStretchBytes)
      stage.session.pump()
      expect(sentBytes()).toBe(stretches * wireLimits.fragmentStretchBytes)
      const mark = stage.sent.findLast((frame) => frame.type === 'ping')
      stage.say({ type: 'pong', ping: mark?.ping ?? 0, running: 1 })
    }
    expect(sentBytes()).toBe(body.length)
    expect(stage.code).toBeUndefined()
  })

  test('of 20 MB holds up no other task: its frame goes out behind two stretches at most', () => {
    const stage = new SessionStage()
    const body = new Uint8Array(20_000_000)
    const small = new Uint8Array(100)
    stage.session.send(taskOf(body, 1), body)
    stage.session.send(taskOf(small, 2), small)
    const before = types(stage).filter((type) => type === 'fragment').length
    expect(before).toBe((2 * wireLimits.fragmentStretchBytes) / wireLimits.fragmentBytes)
    expect(stage.sent.at(-1)).toMatchObject({ type: 'task', task: 2 })
  })

  test('takes turns with other bodies', () => {
    const stage = new SessionStage()
    const body = new Uint8Array(70_000)
    stage.buffered = wireLimits.fragmentBacklogBytes
    for (const task of [1, 2]) stage.session.send(taskOf(body, task), body)
    stage.buffered = 0
    stage.session.pump()
    const order = stage.sent.flatMap((frame) => (frame.type === 'fragment' ? [frame.task] : []))
    expect(order).toEqual([1, 2, 1, 2, 1, 2])
  })

  test('is not sent on after a cancel of its attempt', () => {
    const stage = new SessionStage()
    const body = new Uint8Array(100_000)
    stage.buffered = wireLimits.fragmentBacklogBytes
    for (const task of [1, 2]) stage.session.send(taskOf(body, task), body)
    stage.session.send({ type: 'cancel', task: 1, attempt: 1, reason: 'cancelled' })
    stage.buffered = 0
    stage.session.pump()
    const order = stage.sent.flatMap((frame) => (frame.type === 'fragment' ? [frame.task] : []))
    expect(order).toEqual([2, 2, 2, 2])
  })

  test('ends with a socket that drops what it is given: 4413', () => {
    const stage = new SessionStage()
    stage.sendResult = 0
    const body = new Uint8Array(1_000_000)
    stage.session.send(taskOf(body), body)
    expect(stage.code).toBe(4413)
    expect(stage.names()).toEqual(['gone'])
    stage.sendResult = 1
    stage.session.pump()
    stage.session.send({ type: 'ping', ping: 1, acks: [] })
    expect(stage.sent).toEqual([])
  })
})
