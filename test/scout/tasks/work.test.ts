import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { ProviderError } from '../../../scout/providers/provider.ts'
import { fault } from '../../../shared/faults.ts'
import { abortGraceMs, unsentBytesMax } from '../../../shared/limits/scout.ts'
import { chunkFrameBytes } from '../../../shared/limits/wire.ts'
import { heldSystem } from '../../support/clocks/held-system.ts'
import { until } from '../../support/clocks/until.ts'
import { ScriptedProvider } from '../../support/providers/scripted-provider.ts'
import { eagerSystem, ScoutStage } from '../../support/scout/scout-stage.ts'

let stage: ScoutStage
let spare: ScriptedProvider

beforeEach(async () => {
  spare = new ScriptedProvider('spare', ['m', 'only-spare'])
  stage = new ScoutStage(eagerSystem(), 4, [spare])
  await stage.start()
})
afterEach(() => stage.close())

const line = (i: number) => `{"n":${i}}`
const limited = () => new ProviderError(fault('provider_rate_limited', 'slow down', { retryAfterMs: 1234.5 }))

describe('a task', () => {
  test('follows a dial with key and subprotocol, a hello with the offers, and credits for every place', async () => {
    const session = await stage.connected()
    const hello = await session.heard('hello')
    expect(stage.hub.dials[0]).toEqual({ authorization: 'Bearer key', protocol: 'chasm.v1', path: '/v1/scout' })
    expect(hello).toMatchObject({ version: 1, name: 'tester', concurrency: 4, held: [] })
    expect(hello.offers).toEqual([
      ['chat', 'm', 'scripted', 0, 0, null, null, ''],
      ['chat', 'only-spare', 'spare', 0, 0, null, null, ''],
    ])
    expect(session.credits).toBe(4)
  })

  test('reaches the provider as the client wrote it; lines come back in order, the answer settles it', async () => {
    const session = await stage.connected()
    session.task(1, {}, { messages: [{ role: 'user', content: 'hi' }] })
    const call = await stage.provider.call()
    expect(call.request).toMatchObject({ kind: 'chat', model: 'm', stream: true })
    expect(JSON.parse(Buffer.from(call.request.body).toString()).messages[0].content).toBe('hi')
    for (let i = 0; i < 50; i++) await call.line(line(i))
    call.done('{"choices":[],"usage":{}}')
    const { lines, settle, body } = await session.answered(1)
    expect(lines).toBe(Array.from({ length: 50 }, (_, i) => `${line(i)}\n`).join(''))
    expect(settle).toMatchObject({ outcome: 'done', fault: '', message: '', retryAfterMs: 0, attempt: 1 })
    expect(body.toString()).toBe('{"choices":[],"usage":{}}')
    expect(settle.chunks).toBe(session.count('chunk'))
    expect(settle.provider).toBe('scripted')
    expect(session.count('started')).toBe(0)
  })

  test('lets go of its request once the answer has begun, not before: the next provider gets it whole', async () => {
    const session = await stage.connected()
    session.task(1, {}, { messages: [{ role: 'user', content: 'hi' }] })
    const first = await stage.provider.call()
    const asked = Buffer.from(first.request.body)
    first.fail(new ProviderError(fault('provider_unavailable', 'down')))
    const second = await spare.call()
    expect(Buffer.from(second.request.body)).toEqual(asked)
    await second.line(line(0))
    expect(second.request.body).toHaveLength(0)
    second.done()
    expect((await session.answered(1)).settle.outcome).toBe('done')
  })

  test('of which nothing is said for two seconds is said to be under way', async () => {
    const session = await stage.connected()
    session.task(1)
    const call = await stage.provider.call()
    expect(await session.heard('started')).toMatchObject({ task: 1, attempt: 1, provider: 'scripted' })
    call.done()
    expect((await session.answered(1)).settle.provider).toBe('scripted')
  })

  test('has the lines of one turn coalesced into one chunk, none larger than the limit', async () => {
    const session = await stage.connected()
    session.task(1)
    const call = await stage.provider.call()
    const small = Array.from({ length: 200 }, (_, i) => line(i))
    for (const json of small) void call.line(json)
    const first = await session.heard('chunk')
    expect(Buffer.from(first.body!).toString()).toBe(small.map((json) => `${json}\n`).join(''))
    const padded = JSON.stringify({ pad: 'x'.repeat(5_000) })
    for (let i = 0; i < 10; i++) void call.line(padded)
    call.done()
    await session.answered(1)
    const sizes = session.frames.filter((f) => f.type === 'chunk').map((f) => f.size)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(chunkFrameBytes)
    expect(sizes.length).toBeGreaterThan(3)
  })

  test('gives its credit back when it ends, and no credit is granted beyond the concurrency', async () => {
    const session = await stage.connected()
    for (const task of [1, 2, 3, 4]) session.task(task)
    const calls = await Promise.all([1, 2, 3, 4].map(() => stage.provider.call()))
    expect(session.credits).toBe(4)
    for (const call of calls) call.done()
    for (const task of [1, 2, 3, 4]) expect((await session.answered(task)).settle.credits).toBe(1)
    expect(session.credits).toBe(8)
    expect(session.count('credit')).toBe(1)
  })

  test('beyond the granted credits closes the session with 4400', async () => {
    const session = await stage.connected()
    for (const task of [1, 2, 3, 4, 5]) session.task(task)
    expect(await session.ended()).toMatchObject({ code: 4400, reason: 'more tasks than credits' })
  })

  test('sent twice as the same attempt closes the session with 4400', async () => {
    const session = await stage.connected()
    session.task(1)
    session.task(1)
    expect(await session.ended()).toMatchObject({ code: 4400 })
  })

  test('for a model that is not offered fails with not_offered', async () => {
    const session = await stage.connected()
    session.task(1, { model: 'unheard-of' })
    const { settle } = await session.answered(1)
    expect(settle).toMatchObject({ outcome: 'failed', fault: 'not_offered', chunks: 0 })
  })
})

describe('a failing provider', () => {
  test('is replaced by the next one that offers the model, as long as it has said nothing', async () => {
    const session = await stage.connected()
    session.task(1)
    ;(await stage.provider.call()).fail(limited())
    ;(await spare.call()).done()
    expect((await session.answered(1)).settle).toMatchObject({ outcome: 'done', provider: 'spare' })
    await session.heard('started', ({ provider }) => provider === 'spare')
  })

  test('is not replaced once it has answered a line: the attempt fails with its fault', async () => {
    const session = await stage.connected()
    session.task(1)
    const call = await stage.provider.call()
    await call.line(line(0))
    call.fail(limited())
    const { settle, lines } = await session.answered(1)
    expect(settle).toMatchObject({ outcome: 'failed', fault: 'provider_rate_limited', retryAfterMs: 1235, chunks: 1 })
    expect(lines).toBe(`${line(0)}\n`)
    expect(spare.calls).toEqual([])
  })

  test('that is rate limited before its first line hands the task back untouched', async () => {
    const session = await stage.connected()
    session.task(1)
    ;(await stage.provider.call()).fail(limited())
    ;(await spare.call()).fail(limited())
    const { settle } = await session.answered(1)
    expect(settle).toMatchObject({ outcome: 'released', fault: 'provider_rate_limited', retryAfterMs: 1235 })
  })

  test('that refuses the request itself is not replaced, and its words arrive on one line', async () => {
    const session = await stage.connected()
    session.task(1)
    ;(await stage.provider.call()).fail(new ProviderError(fault('invalid_request', 'no\n such\u0007 field')))
    const { settle } = await session.answered(1)
    expect(settle).toMatchObject({ outcome: 'failed', fault: 'invalid_request', message: 'no  such  field' })
    expect(spare.calls).toEqual([])
  })

  test('that breaks in an unknown way counts as the fault of the scout, and its words stay here', async () => {
    const session = await stage.connected()
    session.task(1, { model: 'only-spare' })
    ;(await spare.call()).fail(new TypeError('secret of the adapter'))
    const { settle } = await session.answered(1)
    expect(settle).toMatchObject({ outcome: 'failed', fault: 'scout_error' })
    expect(settle.message).not.toContain('secret')
    expect(stage.log.some(({ level }) => level === 'error')).toBe(true)
  })

  test('that is over the deadline of the task is aborted and settles as provider_timeout', async () => {
    const session = await stage.connected()
    session.task(1, { deadlineMs: 40 })
    const call = await stage.provider.call()
    await stage.provider.aborted(call)
    expect((await session.answered(1)).settle).toMatchObject({ outcome: 'failed', fault: 'provider_timeout' })
  })
})

describe('a cancel', () => {
  test('reaches the provider and is settled as cancelled', async () => {
    const session = await stage.connected()
    session.task(1)
    const call = await stage.provider.call()
    await call.line(line(0))
    session.send({ type: 'cancel', task: 1, attempt: 1, reason: 'client gone' })
    await stage.provider.aborted(call)
    expect((await session.answered(1)).settle).toMatchObject({ outcome: 'cancelled', fault: 'cancelled', chunks: 1 })
    await expect(call.line(line(1))).rejects.toThrow()
  })

  test('is settled within half a second even when the provider ignores it', async () => {
    const clock = heldSystem()
    const slow = new ScoutStage(clock)
    onTestFinished(() => slow.close())
    slow.provider.ignoresAbort = true
    await slow.start()
    const session = await slow.connected()
    session.task(1)
    const call = await slow.provider.call()
    session.send({ type: 'cancel', task: 1, attempt: 1, reason: '' })
    await slow.provider.aborted(call)
    await until('the time of grace to run', () => clock.delays().includes(abortGraceMs))
    expect(session.count('settle')).toBe(0)
    clock.advance(abortGraceMs)
    expect((await session.answered(1)).settle.outcome).toBe('cancelled')
    expect(abortGraceMs).toBeLessThan(500)
  })

  test('frees a provider call that is held back by a pause', async () => {
    const session = await stage.connected()
    session.task(1)
    const call = await stage.provider.call()
    session.send({ type: 'flow', task: 1, attempt: 1, paused: true })
    session.send({ type: 'ping', ping: 1, acks: [] })
    await session.heard('pong')
    const held = call.line(line(0))
    session.send({ type: 'cancel', task: 1, attempt: 1, reason: '' })
    await expect(held).rejects.toThrow()
    expect((await session.answered(1)).settle.outcome).toBe('cancelled')
  })

  test('of an unknown attempt is ignored', async () => {
    const session = await stage.connected()
    session.send({ type: 'cancel', task: 99, attempt: 1, reason: '' })
    session.send({ type: 'ping', ping: 5, acks: [] })
    expect(await session.heard('pong')).toEqual({ type: 'pong', ping: 5, running: 0 })
  })
})

describe('flow', () => {
  test('a paused attempt holds its provider back until it is resumed, and others go on', async () => {
    const session = await stage.connected()
    session.task(1)
    const slow = await stage.provider.call()
    session.task(2)
    const other = await stage.provider.call()
    session.send({ type: 'flow', task: 1, attempt: 1, paused: true })
    session.send({ type: 'ping', ping: 1, acks: [] })
    expect((await session.heard('pong')).running).toBe(2)
    let freed = false
    const held = slow.line(line(0)).then(() => {
      freed = true
    })
    await other.line(line(0))
    other.done()
    await session.answered(2)
    expect(freed).toBe(false)
    session.send({ type: 'flow', task: 1, attempt: 1, paused: false })
    await held
    slow.done()
    await session.answered(1)
  })

  test('a provider that does not wait finds its later calls held once enough is unsent', async () => {
    const session = await stage.connected()
    session.task(1)
    const call = await stage.provider.call()
    const json = JSON.stringify({ pad: 'x'.repeat(1_000) })
    const count = Math.ceil((2 * unsentBytesMax) / json.length)
    const all = Array.from({ length: count }, () => call.line(json))
    await Promise.all(all)
    call.done()
    const { lines } = await session.answered(1)
    expect(lines.length).toBe(count * (json.length + 1))
  })
})

describe('a lease', () => {
  test('that no sign of the hub has renewed for its ttl is given up without a word', async () => {
    const session = await stage.connected()
    session.task(1, { ttlMs: 50 })
    const call = await stage.provider.call()
    await stage.provider.aborted(call)
    await stage.hub.conditions.until('the place is free again', () => {
      if (session.closed !== null) throw new Error('the session ended')
      session.send({ type: 'ping', ping: session.count('pong'), acks: [] })
      return session.frames.some((frame) => frame.type === 'pong' && frame.running === 0)
    })
    expect(session.count('settle')).toBe(0)
  })
})
