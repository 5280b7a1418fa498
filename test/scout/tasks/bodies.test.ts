import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bodyBytesMax, fragmentBytes } from '../../../shared/limits/wire.ts'
import { ScoutStage } from '../../support/scout/scout-stage.ts'

let stage: ScoutStage

beforeEach(async () => {
  stage = new ScoutStage()
  await stage.start()
})
afterEach(() => stage.close())

const hash = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex')
/** JSON of about `bytes` bytes, different at every place. */
function long(bytes: number): string {
  const words: number[] = []
  for (let i = 0; words.length * 10 < bytes; i++) words.push(100_000_000 + ((i * 2_654_435_761) % 900_000_000))
  return JSON.stringify({ words })
}

describe('a body larger than a frame', () => {
  test('arrives whole in both directions', async () => {
    const session = await stage.connected()
    const request = Buffer.from(long(600_000))
    session.task(1, { stream: false }, request)
    const call = await stage.provider.call()
    expect(hash(call.request.body)).toBe(hash(request))
    const answer = long(1_000_000)
    call.done(answer)
    const { body, settle } = await session.answered(1)
    expect(hash(body)).toBe(hash(answer))
    expect(settle).toMatchObject({ outcome: 'done', size: answer.length, body: null })
  })

  test('lets pongs and the chunks of others pass between its fragments', async () => {
    const session = await stage.connected()
    session.task(1)
    const large = await stage.provider.call()
    session.task(2)
    const small = await stage.provider.call()
    void large.line(long(3_000_000))
    await session.heard('fragment')
    session.send({ type: 'ping', ping: 1, acks: [] })
    await small.line('{"small":true}')
    small.done()
    large.done()
    await session.answered(1)
    await session.answered(2)
    await session.heard('pong')
    const last = session.frames.findLastIndex((frame) => frame.type === 'fragment')
    expect(session.frames.findIndex((frame) => frame.type === 'chunk' && frame.task === 2)).toBeLessThan(last)
    expect(session.frames.findIndex((frame) => frame.type === 'pong')).toBeLessThan(last)
  })

  test('keeps the order within its attempt: no chunk and no settlement overtakes its fragments', async () => {
    const session = await stage.connected()
    session.task(1)
    const call = await stage.provider.call()
    const pieces = [long(100_000), '{"n":1}', long(200_000), '{"n":2}']
    for (const piece of pieces) void call.line(piece)
    const tail = long(150_000)
    call.done(tail)
    const { lines, body } = await session.answered(1)
    expect(hash(lines)).toBe(hash(pieces.map((piece) => `${piece}\n`).join('')))
    expect(hash(body)).toBe(hash(tail))
  })

  test('interleaves with others at full size: four answers of the largest size come through whole', async () => {
    const session = await stage.connected()
    const answer = long(bodyBytesMax - 100_000)
    for (const task of [1, 2, 3, 4]) session.task(task, { stream: false })
    for (const _ of [1, 2, 3, 4]) (await stage.provider.call()).done(answer)
    for (const task of [1, 2, 3, 4]) expect(hash((await session.answered(task)).body)).toBe(hash(answer))
  })

  test('beyond the limit of an answer fails with answer_too_large', async () => {
    const session = await stage.connected()
    session.task(1, { stream: false })
    ;(await stage.provider.call()).done(long(bodyBytesMax + 100_000))
    expect((await session.answered(1)).settle).toMatchObject({ outcome: 'failed', fault: 'answer_too_large' })
    session.task(2)
    const call = await stage.provider.call()
    const refused = call.line(long(bodyBytesMax + 100_000))
    await expect(refused).rejects.toMatchObject({ fault: { code: 'answer_too_large' } })
    await refused.catch((error) => call.fail(error))
    expect((await session.answered(2)).settle).toMatchObject({
      outcome: 'failed',
      fault: 'answer_too_large',
      chunks: 0,
    })
  })

  test('is sent again from its beginning when the socket was cut in its middle', async () => {
    const session = await stage.connected()
    session.task(1, { stream: false })
    const answer = long(2_000_000)
    ;(await stage.provider.call()).done(answer)
    await session.heard('fragment', ({ index }) => index === 3)
    session.cut()
    const next = await stage.hub.session({ held: [[1, 1, 'resumed', 0]] })
    expect(hash((await next.answered(1)).body)).toBe(hash(answer))
  })

  test('that is not sent in order closes the session with 4400', async () => {
    const session = await stage.connected()
    session.task(1, { size: 100_000, body: null }, {})
    session.send({ type: 'fragment', task: 1, attempt: 1, index: 1, bytes: new Uint8Array(fragmentBytes) })
    expect(await session.ended()).toMatchObject({ code: 4400 })
  })

  test('that nobody waits for any more is ignored', async () => {
    const session = await stage.connected()
    session.task(1, { size: 100_000, body: null }, {})
    session.send({ type: 'cancel', task: 1, attempt: 1, reason: '' })
    session.send({ type: 'fragment', task: 1, attempt: 1, index: 0, bytes: new Uint8Array(fragmentBytes) })
    expect((await session.answered(1)).settle.outcome).toBe('cancelled')
    session.send({ type: 'ping', ping: 1, acks: [] })
    expect(await session.heard('pong')).toMatchObject({ running: 0 })
  })

  test('that is larger than what the scout offered fails, and nothing of it is kept', async () => {
    const session = await stage.connected()
    session.task(1, { size: bodyBytesMax + 1, body: null }, {})
    expect((await session.answered(1)).settle).toMatchObject({ outcome: 'failed', fault: 'scout_error' })
    session.send({ type: 'fragment', task: 1, attempt: 1, index: 0, bytes: new Uint8Array(fragmentBytes) })
    session.task(2, { stream: false })
    ;(await stage.provider.call()).done()
    expect((await session.answered(2)).settle.outcome).toBe('done')
  })

  test('of the largest size may come for every place at once', async () => {
    const session = await stage.connected()
    const request = Buffer.from(long(bodyBytesMax - 100_000))
    for (const task of [1, 2, 3, 4]) session.task(task, { stream: false }, request)
    for (const task of [1, 2, 3, 4]) {
      const call = await stage.provider.call()
      expect(hash(call.request.body)).toBe(hash(request))
      call.done()
      expect((await session.answered(task)).settle.outcome).toBe('done')
    }
  })

  test('whose size its frame denies closes the session with 4400', async () => {
    const session = await stage.connected()
    session.task(1, { size: 3 })
    expect(await session.ended()).toMatchObject({ code: 4400 })
  })

  test('of a stream longer than what is kept goes through, but does not outlive its session', async () => {
    const session = await stage.connected()
    session.task(1)
    const call = await stage.provider.call()
    const piece = long(100_000)
    const count = Math.ceil(bodyBytesMax / piece.length) + 2
    for (let i = 0; i < count; i++) await call.line(piece)
    await session.heard('chunk', ({ seq }) => seq === count - 1)
    session.cut()
    const next = await stage.hub.session()
    expect((await next.heard('hello')).held).toEqual([])
    await stage.provider.aborted(call)
  })
})
