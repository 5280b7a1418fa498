/** One scout's socket as the hub sees it: phases, allowances, silence and the one end. */
import { describe, expect, test } from 'vitest'
import * as wireLimits from '../../shared/limits/wire.ts'
import { closeTable } from '../../shared/protocol/close-codes.ts'
import { encode } from '../../shared/protocol/codec.ts'
import type { FrameOf, HubFrame, ScoutFrame } from '../../shared/protocol/frames.ts'
import { isValidOffer } from '../../shared/protocol/offers.ts'
import { type HubPhase, hubAccepts } from '../../shared/protocol/phases.ts'
import { offerOf } from '../../shared/task.ts'
import { chunkOf, hello, nonce, SessionStage, settleOf } from '../support/hub/session-stage.ts'

const samples = {
  hello,
  credit: { type: 'credit', count: 1 },
  started: { type: 'started', task: 1, attempt: 1, provider: 'p', model: 'm' },
  chunk: chunkOf(new Uint8Array(3), 3),
  settle: settleOf(new Uint8Array(3), 3),
  fragment: { type: 'fragment', task: 1, attempt: 1, index: 0, bytes: new Uint8Array(1) },
  pong: { type: 'pong', ping: 0, running: 0 },
  drain: { type: 'drain', reason: '' },
  offers: { type: 'offers', concurrency: 1, offers: [] },
} as unknown as Record<ScoutFrame['type'], ScoutFrame>

function taskOf(task: number, body: Uint8Array): FrameOf<'task'> {
  const asked = { kind: 'chat', model: 'm', stream: false, ttlMs: 30_000, deadlineMs: 60_000 } as const
  return { type: 'task', task, attempt: 1, nonce, ...asked, acks: [], size: body.length, body: null }
}

function inPhase(phase: HubPhase): SessionStage {
  const stage = new SessionStage({ greeted: phase !== 'greeting' })
  if (phase === 'draining') stage.say({ type: 'drain', reason: '' })
  if (phase === 'closed') stage.session.close('silent')
  stage.closes.length = 0
  stage.heard.length = 0
  expect(stage.session.phase).toBe(phase)
  return stage
}

describe('the phases', () => {
  for (const phase of ['greeting', 'ready', 'draining'] as const) {
    for (const type of Object.keys(samples) as ScoutFrame['type'][]) {
      const accepted = hubAccepts[phase].includes(type)
      test(`${type} in phase ${phase} ${accepted ? 'is heard' : 'closes with 4400'}`, () => {
        const stage = inPhase(phase)
        stage.say(samples[type])
        expect(stage.code).toBe(accepted ? undefined : 4400)
        if (!accepted) expect(stage.closes[0]![1]).toContain(`${type} in phase ${phase}`)
      })
    }
  }

  test('nothing is heard after the close', () => {
    const stage = inPhase('closed')
    for (const frame of Object.values(samples)) stage.say(frame)
    expect([stage.heard, stage.closes]).toEqual([[], []])
  })

  test('the hello introduces the scout once, under the key that opened the socket', () => {
    const stage = new SessionStage({ greeted: false })
    stage.say(hello)
    expect(stage.heard).toMatchObject([
      ['joined', { session: 7, operator: 'key', address: '::1', hello: { name: 'scout' } }],
    ])
  })

  test('a scout of a name that its key is not for is closed with 4504', () => {
    const stage = new SessionStage({ greeted: false, mayBeNamed: (name) => name === 'alice' })
    stage.say({ ...hello, name: 'mallory' })
    expect(stage.closes).toMatchObject([[4504, expect.stringContaining('name "mallory"')]])
    expect(stage.heard.filter(([what]) => what === 'joined')).toEqual([])
  })

  test('a scout of another version is closed with 4503, which tells it the right one', () => {
    const stage = new SessionStage({ greeted: false })
    stage.say({ ...hello, version: 2 })
    expect(stage.closes).toMatchObject([[4503, expect.stringContaining('speaks version 1')]])
    expect(stage.heard).toEqual([])
  })

  test('a scout that says no hello is closed with 4408; one that did is left alone', () => {
    const late = new SessionStage({ greeted: false })
    expect(late.session.helloDue(late.nowMs + wireLimits.helloTimeoutMs - 1)).toBe(false)
    expect(late.code).toBeUndefined()
    expect(late.session.helloDue(late.nowMs + wireLimits.helloTimeoutMs)).toBe(true)
    expect(late.code).toBe(4408)
    const fine = new SessionStage()
    expect(fine.session.helloDue(fine.nowMs + wireLimits.helloTimeoutMs)).toBe(false)
    expect(fine.code).toBeUndefined()
  })
})

describe('a message that is no frame', () => {
  const hostile: [string, Uint8Array | string][] = [
    ['text', 'hello'],
    ['nothing', new Uint8Array(0)],
    ['noise', new Uint8Array([0xc1, 0xff, 0x00])],
    ['a frame of the hub', encode({ type: 'ping', ping: 1, acks: [] })],
    ['more than a frame holds', new Uint8Array(wireLimits.frameBytesMax + 1)],
  ]
  for (const [what, message] of hostile) {
    test(`${what} closes with 4400 and a reason that fits`, () => {
      const stage = new SessionStage()
      stage.session.receive(message, stage.nowMs)
      expect(stage.code).toBe(4400)
      expect(Buffer.byteLength(stage.closes[0]![1])).toBeLessThanOrEqual(123)
    })
  }
})

describe('the allowance', () => {
  test('of control frames closes with 4429 beyond a second of them', () => {
    const stage = new SessionStage()
    // The hello was one of them.
    for (let sent = 1; sent < wireLimits.controlFramesPerSecond; sent++) stage.say({ type: 'credit', count: 0 })
    expect(stage.code).toBeUndefined()
    stage.say({ type: 'credit', count: 0 })
    expect(stage.code).toBe(4429)
  })

  test('grows back with time, up to its burst', () => {
    const stage = new SessionStage()
    for (let second = 0; second < 5; second++) {
      stage.nowMs += 1_000
      for (let sent = 0; sent < wireLimits.controlFramesPerSecond; sent++) stage.say({ type: 'credit', count: 0 })
    }
    expect(stage.code).toBeUndefined()
    stage.nowMs += 100
    for (let sent = 0; sent <= wireLimits.controlFramesPerSecond / 10; sent++) stage.say({ type: 'credit', count: 0 })
    expect(stage.code).toBe(4429)
  })

  test('of control bytes closes with 4429, whatever the number of frames', () => {
    const stage = new SessionStage()
    const body = new Uint8Array(wireLimits.inlineBodyBytesMax)
    for (let task = 0; task < 33; task++) stage.say(settleOf(body, body.length, task))
    expect(stage.code).toBe(4429)
  })

  test('of answers has the end of each task that was sent, once, and no other', () => {
    const stage = new SessionStage()
    const body = new Uint8Array(100)
    const tasks = 3 * wireLimits.controlFramesPerSecond
    for (let task = 0; task < tasks; task++) stage.session.send(taskOf(task, body), body)
    for (let task = 0; task < tasks; task++) stage.say(settleOf(body, body.length, task))
    expect(stage.code).toBeUndefined()
    // The hello was one of them.
    for (let task = 1; task < wireLimits.controlFramesPerSecond; task++) stage.say(settleOf(body, body.length, task))
    expect(stage.code).toBeUndefined()
    stage.say(settleOf(body, body.length, 0))
    expect(stage.code).toBe(4429)
  })

  test('of answers is its own: a full stream leaves control frames room', () => {
    const stage = new SessionStage()
    const body = new Uint8Array(16_384)
    const burst = (2 * wireLimits.dataBytesPerSecond) / body.length
    for (let task = 0; task < 0.9 * burst; task++) stage.say(chunkOf(body, body.length, task))
    stage.say({ type: 'credit', count: 1 })
    expect(stage.code).toBeUndefined()
    for (let task = 0; task < 0.2 * burst; task++) stage.say(chunkOf(body, body.length, task))
    expect(stage.code).toBe(4429)
  })
})

test('a session that ends with its key is told as one that will not come back', () => {
  for (const [why, isForsaken] of [
    ['keyRevoked', true],
    ['silent', false],
  ] as const) {
    const stage = new SessionStage()
    stage.session.close(why)
    expect(stage.heard).toEqual([['gone', 7, isForsaken]])
  }
})

describe('after the hub stood still', () => {
  test('a scout has a round trip before it is called silent, and is pinged at once', () => {
    const stage = new SessionStage()
    stage.nowMs += 24_000
    stage.session.check(stage.nowMs)
    stage.nowMs += 20_000
    const before = stage.sent.length
    stage.session.stood(20_000, stage.nowMs)
    expect(stage.sent.slice(before).map(({ type }) => type)).toEqual(['ping'])
    stage.session.check(stage.nowMs + wireLimits.wakeGraceMs)
    expect(stage.code).toBeUndefined()
    stage.session.check(stage.nowMs + wireLimits.wakeGraceMs + 1)
    expect(stage.code).toBe(4408)
  })

  test('what a scout has sent meanwhile is no flood, what it sends from then on is', () => {
    const stage = new SessionStage()
    const all = wireLimits.controlFramesPerSecond * 20
    stage.nowMs += 20_000
    stage.session.stood(20_000, stage.nowMs)
    for (let frame = 0; frame < all; frame++) stage.say({ type: 'credit', count: 0 })
    expect(stage.code).toBeUndefined()
    for (let frame = 0; frame <= 2 * wireLimits.controlFramesPerSecond; frame++) stage.say({ type: 'credit', count: 0 })
    expect(stage.code).toBe(4429)
  })

  test('one whose welcome has not been sent yet is not pinged', () => {
    const stage = new SessionStage({ welcomed: false })
    stage.session.stood(20_000, stage.nowMs + 20_000)
    stage.session.check(stage.nowMs + 20_000)
    expect(stage.sent).toEqual([])
  })

  test('one that has not greeted has a moment more', () => {
    const stage = new SessionStage({ greeted: false })
    stage.nowMs += 20_000
    stage.session.stood(20_000, stage.nowMs)
    expect(stage.session.helloDue(stage.nowMs)).toBe(false)
    expect(stage.session.helloDue(stage.nowMs + wireLimits.helloTimeoutMs)).toBe(true)
  })
})

describe('silence', () => {
  test('is measured by round trips: frames do not count, pongs do', () => {
    const stage = new SessionStage()
    for (let second = 1; second <= 60; second++) {
      stage.nowMs += 1_000
      stage.say({ type: 'credit', count: 0 })
      stage.session.check(stage.nowMs)
    }
    expect(stage.code).toBe(4408)
    const alive = new SessionStage()
    for (let second = 1; second <= 120; second++) {
      alive.nowMs += 1_000
      alive.session.check(alive.nowMs)
      const last = alive.sent.at(-1)
      if (last?.type === 'ping') alive.say({ type: 'pong', ping: last.ping, running: 0 })
    }
    expect(alive.code).toBeUndefined()
    expect(alive.names().filter((what) => what === 'heartbeat').length).toBe(alive.sent.length)
    expect(alive.sent.length).toBeGreaterThan(9)
  })

  const taskOf = (task: number): HubFrame => ({
    ...{ type: 'task', task, attempt: 1, nonce, kind: 'chat', model: 'm', stream: false, ttlMs: 1, deadlineMs: 1 },
    ...{ size: 0, body: new Uint8Array(0), acks: [] },
  })
  test('is broken by tasks that are answered, which take the place of pings and of their pongs', () => {
    const stage = new SessionStage()
    const seconds = 120
    for (let second = 1; second <= seconds; second++) {
      stage.nowMs += 1_000
      stage.session.check(stage.nowMs)
      stage.session.send(taskOf(second), new Uint8Array(0))
      stage.say(settleOf(new Uint8Array(0), 0, second))
    }
    expect(stage.code).toBeUndefined()
    expect(stage.sent.map(({ type }) => type)).toEqual(new Array(seconds).fill('task'))
    // As often as with pings, which renew the leases of other tasks.
    const heartbeats = stage.names().filter((what) => what === 'heartbeat').length
    expect(heartbeats).toBeGreaterThanOrEqual(seconds / 6)
    expect(heartbeats).toBeLessThanOrEqual(seconds / 5)
    stage.nowMs += wireLimits.heartbeatMs
    stage.session.check(stage.nowMs)
    expect(stage.sent.at(-1)).toMatchObject({ type: 'ping' })
  })

  test('is not broken by answers that come late, to other tasks, or are none', () => {
    for (const outcome of ['done', 'failed'] as const) {
      const stage = new SessionStage()
      let pings = 0
      for (let second = 1; second <= 60; second++) {
        stage.nowMs += 1_000
        stage.session.check(stage.nowMs)
        stage.session.send(taskOf(second), new Uint8Array(0))
        const task = outcome === 'done' ? second - 8 : second
        if (task > 0) stage.say({ ...settleOf(new Uint8Array(0), 0, task), outcome })
        pings = stage.sent.filter(({ type }) => type === 'ping').length
      }
      expect([outcome, stage.code]).toEqual([outcome, 4408])
      expect(pings).toBe(5)
    }
  })

  test('ends after its time and not before, also while the hub goes on sending', () => {
    const stage = new SessionStage()
    stage.session.check(stage.nowMs + wireLimits.silenceMs)
    expect(stage.code).toBeUndefined()
    stage.session.send({ type: 'settled', acks: [[1, 1, 'stale']] })
    stage.session.check(stage.nowMs + wireLimits.silenceMs + 1)
    expect(stage.closes).toEqual([[4408, closeTable.silent.meaning]])
  })

  test('is broken by a slow answer too, once per ping and never by an invented one', () => {
    const stage = new SessionStage()
    for (const second of [10, 20]) stage.session.check(stage.nowMs + second * 1_000)
    expect(stage.sent).toMatchObject([{ ping: 1 }, { ping: 2 }])
    stage.nowMs += 21_000
    for (const ping of [1, 1, 3, 0]) stage.say({ type: 'pong', ping, running: 0 })
    expect(stage.names()).toEqual(['heartbeat'])
    stage.session.check(stage.nowMs + wireLimits.silenceMs)
    expect(stage.code).toBeUndefined()
    stage.session.check(stage.nowMs + wireLimits.silenceMs + 1)
    expect(stage.code).toBe(4408)
  })

  test('before the hello is the hello timeout, not this', () => {
    const stage = new SessionStage({ greeted: false })
    stage.session.check(stage.nowMs + 100_000)
    expect([stage.code, stage.sent.length]).toEqual([undefined, 0])
  })
})

describe('the end', () => {
  test('is told to the engine once, whoever began it', () => {
    const stage = new SessionStage()
    stage.session.close('keyRevoked')
    stage.session.closed()
    stage.session.close('silent')
    expect(stage.names()).toEqual(['gone'])
    expect(stage.closes).toEqual([[4501, closeTable.keyRevoked.meaning]])
  })

  test("of a scout that never greeted is nobody else's business", () => {
    const stage = new SessionStage({ greeted: false })
    stage.session.closed()
    expect(stage.heard).toEqual([])
  })
})

describe('a model name that means the hub itself', () => {
  test.each(['auto', 'AUTO', 'chasm/auto', 'Chasm/mine'])('%s closes with 4400, in a hello and in offers', (model) => {
    const offers = [['chat', model, 'p', 0, 0, null, null, '']] as typeof hello.offers
    const greeting = new SessionStage({ greeted: false })
    greeting.say({ ...hello, offers })
    expect(greeting.closes).toEqual([[4400, expect.stringContaining(`"${model}" is reserved`)]])
    expect(greeting.heard).toEqual([])
    const greeted = new SessionStage()
    greeted.say({ type: 'offers', concurrency: 1, offers })
    expect(greeted.code).toBe(4400)
    expect(greeted.names()).toEqual(['gone'])
    expect(isValidOffer(offerOf({ kind: 'chat', model, provider: 'p' }))).toBe(false)
  })

  test('is not one that only begins like it', () => {
    const stage = new SessionStage()
    const offers = ['auto-1', 'openrouter/auto', 'chasm'].map((model) => ['chat', model, 'p', 0, 0, null, null, ''])
    stage.say({ type: 'offers', concurrency: 1, offers: offers as unknown as typeof hello.offers })
    expect(stage.names()).toEqual(['offers'])
  })
})
