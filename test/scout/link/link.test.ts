import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { heldSystem } from '../../support/clocks/held-system.ts'
import { ScoutStage } from '../../support/scout/scout-stage.ts'

let stage: ScoutStage

beforeEach(async () => {
  stage = new ScoutStage()
  await stage.start()
})
afterEach(() => stage.close())

describe('a hub that breaks the protocol', () => {
  test.each([
    ['a malformed frame', new Uint8Array([0xc1])],
    ['a frame that only scouts send', new Uint8Array([0x92, 2, 1])],
    ['a map', new Uint8Array([0x80])],
    ['an endless declaration', new Uint8Array([0xdd, 0xff, 0xff, 0xff, 0xff])],
  ])('with %s is closed with 4400, and the scout dials again', async (_, bytes) => {
    const session = await stage.connected()
    session.raw(bytes)
    expect(await session.ended()).toMatchObject({ code: 4400 })
    await stage.hub.session()
  })

  test('with text is closed with 4400', async () => {
    const session = await stage.connected()
    session.text('hello')
    expect(await session.ended()).toMatchObject({ code: 4400, reason: 'a message was text; frames are binary' })
  })

  test('with a message larger than a frame loses the socket, and the scout dials again', async () => {
    const session = await stage.connected()
    session.raw(new Uint8Array(70_000))
    await session.ended()
    await stage.hub.session()
  })

  test('with work before the welcome is closed with 4400', async () => {
    const session = await stage.hub.session(null)
    session.task(1)
    expect(await session.ended()).toMatchObject({ code: 4400 })
  })

  test('takes nothing from a task that runs: it goes on in the next session', async () => {
    const session = await stage.connected()
    session.task(1)
    const call = await stage.provider.call()
    session.raw(new Uint8Array([0xc1]))
    await session.ended()
    const next = await stage.hub.session({ held: [[1, 1, 'resumed', 0]] })
    call.done()
    expect((await next.answered(1)).settle.outcome).toBe('done')
  })
})

describe('a hub that goes away', () => {
  test('is dialed again until it is back, with one calm line each time', async () => {
    const session = await stage.connected()
    stage.hub.refuseWith = 503
    session.cut()
    await stage.hub.conditions.until('three refused dials', () => stage.hub.dials.length >= 4)
    stage.hub.refuseWith = null
    const next = await stage.hub.session()
    await next.heard('credit')
    const lines = stage.log.map(({ message }) => message)
    expect(lines[0]).toBe('Connected as tester, offering 1 model')
    expect(lines[1]).toBe('Not connected: the connection ended (1006); dialing again in 0.0 s')
    expect(lines[2]).toBe('Not connected: the orchestrator answered HTTP 503; dialing again in 0.0 s')
  })

  test('falls silent and is closed with 4408', async () => {
    const session = await stage.hub.session({ silenceMs: 60 })
    expect(await session.ended()).toMatchObject({ code: 4408 })
    await stage.hub.session()
  })

  test('is not silent as long as it pings', async () => {
    const clock = heldSystem()
    const patient = new ScoutStage(clock)
    onTestFinished(() => patient.close())
    await patient.start()
    const silenceMs = 500
    const session = await patient.hub.session({ silenceMs })
    await session.heard('credit')
    for (let ping = 1; ping <= 20; ping++) {
      clock.advance(silenceMs - 1)
      session.send({ type: 'ping', ping, acks: [] })
      await session.heard('pong', (pong) => pong.ping === ping)
    }
    expect(session.closed).toBeNull()
    clock.advance(silenceMs)
    expect(await session.ended()).toMatchObject({ code: 4408 })
  })

  test('and refuses for good ends the scout with a sentence', async () => {
    const session = await stage.connected()
    session.close(4501)
    expect(await stage.stopped()).toMatchObject({ refused: true, reason: expect.stringContaining('revoked') })
  })

  test('and knows the key no more ends the scout with a sentence', async () => {
    const session = await stage.connected()
    stage.hub.refuseWith = 401
    session.cut()
    expect(await stage.stopped()).toMatchObject({ refused: true, reason: expect.stringContaining('SCOUT_KEY') })
  })
})

describe('offers', () => {
  test('that change are told to the hub', async () => {
    const session = await stage.connected()
    stage.provider.models = ['m', 'n']
    await stage.catalog.open()
    const offers = await session.heard('offers')
    expect(offers.offers.map(([, model]) => model)).toEqual(['m', 'n'])
  })

  test('that change between the hello and the welcome are sent after the welcome', async () => {
    const session = await stage.hub.session(null)
    stage.provider.models = ['m', 'n']
    await stage.catalog.open()
    session.welcome()
    const { offers } = await session.heard('offers')
    expect(offers.map(([, model]) => model)).toEqual(['m', 'n'])
  })

  test('that are those of the hello are not sent again after the welcome', async () => {
    const session = await stage.connected()
    await stage.catalog.open()
    session.send({ type: 'ping', ping: 1, acks: [] })
    await session.heard('pong')
    expect(session.count('offers')).toBe(0)
  })
})

describe('a drain', () => {
  test('finishes what runs, hands back what comes too late, waits for the acknowledgement and leaves', async () => {
    const session = await stage.connected()
    session.task(1)
    const call = await stage.provider.call()
    await call.line('{"n":0}')
    stage.scout.drain('test')
    expect(await session.heard('drain')).toEqual({ type: 'drain', reason: 'test' })
    // Sent on a credit granted before the hub heard of the drain.
    session.task(2)
    expect((await session.answered(2)).settle).toMatchObject({ outcome: 'released', fault: 'scout_draining' })
    session.send({ type: 'settled', acks: [[2, 1, 'committed']] })
    await call.line('{"n":1}')
    call.done()
    const { settle, lines } = await session.answered(1)
    expect(settle.outcome).toBe('done')
    expect(lines).toBe('{"n":0}\n{"n":1}\n')
    expect(stage.end).toBeNull()
    session.send({ type: 'settled', acks: [[1, 1, 'committed']] })
    expect(await stage.stopped()).toMatchObject({ refused: false })
    expect(await session.ended()).toMatchObject({ code: 4420 })
    expect(session.credits).toBe(4)
  })

  test('without work leaves at once', async () => {
    const session = await stage.connected()
    stage.scout.drain('test')
    expect(await session.ended()).toMatchObject({ code: 4420 })
    expect(await stage.stopped()).toMatchObject({ refused: false })
  })

  test('still answers pings', async () => {
    const session = await stage.connected()
    session.task(1)
    const call = await stage.provider.call()
    stage.scout.drain('test')
    session.send({ type: 'ping', ping: 9, acks: [] })
    expect(await session.heard('pong')).toEqual({ type: 'pong', ping: 9, running: 1 })
    call.done()
    await session.answered(1)
    session.send({ type: 'settled', acks: [[1, 1, 'committed']] })
    await stage.stopped()
  })

  test('of the hub stops the credits and the work goes on', async () => {
    const session = await stage.connected()
    session.task(1)
    const call = await stage.provider.call()
    session.send({ type: 'hubDrain', windowMs: 0, reason: 'restart' })
    session.send({ type: 'ping', ping: 1, acks: [] })
    await session.heard('pong')
    call.done()
    await session.answered(1)
    session.send({ type: 'ping', ping: 2, acks: [] })
    await session.heard('pong', ({ ping }) => ping === 2)
    expect(session.credits).toBe(4)
    session.close(4412)
    const next = await stage.hub.session({ held: [[1, 1, 'committed', 0]] })
    await stage.hub.conditions.until('credits', () => next.credits === 4)
  })
})
