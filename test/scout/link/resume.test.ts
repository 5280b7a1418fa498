import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { nonceOf } from '../../support/scout/fake-hub.ts'
import { ScoutStage } from '../../support/scout/scout-stage.ts'

let stage: ScoutStage

beforeEach(async () => {
  stage = new ScoutStage()
  await stage.start()
})
afterEach(() => stage.close())

const line = (i: number) => `{"n":${i}}`

/** A task of which `count` chunks with one line each have arrived. */
async function underWay(count: number) {
  const session = await stage.hub.session()
  await session.heard('credit')
  session.task(1)
  const call = await stage.provider.call()
  for (let i = 0; i < count; i++) {
    await call.line(line(i))
    await session.heard('chunk', ({ seq }) => seq === i)
  }
  return { session, call }
}

describe('after the socket was cut', () => {
  test('exactly the missing chunks are sent again, and the answer goes on behind them', async () => {
    const { session, call } = await underWay(5)
    session.cut()
    await session.ended()
    await call.line(line(5))
    const next = await stage.hub.session({ held: [[1, 1, 'resumed', 3]] })
    expect((await next.heard('hello')).held).toEqual([[1, 1, new Uint8Array(nonceOf(1))]])
    await call.line(line(6))
    call.done()
    const { settle } = await next.answered(1)
    const { chunks } = next.answer(1)
    expect([...chunks.keys()][0]).toBe(3)
    const lines = [...chunks.values()].join('')
    expect(lines).toBe([3, 4, 5, 6].map((i) => `${line(i)}\n`).join(''))
    expect(settle).toMatchObject({ outcome: 'done', chunks: 3 + chunks.size })
    expect(stage.provider.calls.length).toBe(1)
  })

  test('the offset of the first chunk sent again is the sum of those before it', async () => {
    const { session } = await underWay(4)
    session.cut()
    const next = await stage.hub.session({ held: [[1, 1, 'resumed', 2]] })
    const chunk = await next.heard('chunk')
    expect(chunk).toMatchObject({ seq: 2, offset: 2 * (line(0).length + 1) })
  })

  test('a settlement is sent again in every session until it is acknowledged', async () => {
    const { session, call } = await underWay(1)
    call.done('{"choices":[]}')
    await session.answered(1)
    session.cut()
    const second = await stage.hub.session({ held: [[1, 1, 'resumed', 1]] })
    await second.answered(1)
    expect(second.count('chunk')).toBe(0)
    second.cut()
    const third = await stage.hub.session({ held: [[1, 1, 'resumed', 1]] })
    await third.answered(1)
    third.send({ type: 'settled', acks: [[1, 1, 'committed']] })
    third.send({ type: 'ping', ping: 1, acks: [] })
    await third.heard('pong')
    third.cut()
    const fourth = await stage.hub.session()
    expect((await fourth.heard('hello')).held).toEqual([])
  })

  test.each(['committed', 'stale'] as const)('an attempt that the hub calls %s is dropped', async (verdict) => {
    const { session, call } = await underWay(1)
    session.cut()
    const next = await stage.hub.session({ held: [[1, 1, verdict, 0]] })
    await stage.provider.aborted(call)
    await stage.hub.conditions.until('all credits', () => next.credits === 4)
    expect(next.frames.filter(({ type }) => type === 'chunk' || type === 'settle')).toEqual([])
  })

  test('an attempt that the hub does not mention is dropped as well', async () => {
    const { session, call } = await underWay(1)
    session.cut()
    await stage.hub.session()
    await stage.provider.aborted(call)
  })

  test('a resumed attempt keeps its place: credits leave it out', async () => {
    const { session, call } = await underWay(1)
    session.cut()
    const next = await stage.hub.session({ held: [[1, 1, 'resumed', 1]] })
    await next.heard('credit')
    expect(next.credits).toBe(3)
    call.done()
    expect((await next.answered(1)).settle.credits).toBe(1)
  })

  test('a task whose request had not fully arrived is not held', async () => {
    const session = await stage.hub.session()
    await session.heard('credit')
    session.send({
      type: 'task',
      task: 1,
      attempt: 1,
      nonce: nonceOf(1),
      kind: 'chat',
      model: 'm',
      stream: true,
      ttlMs: 30_000,
      deadlineMs: 60_000,
      acks: [],
      size: 100_000,
      body: null,
    })
    session.send({ type: 'ping', ping: 1, acks: [] })
    await session.heard('pong')
    session.cut()
    const next = await stage.hub.session()
    expect((await next.heard('hello')).held).toEqual([])
    expect(stage.provider.calls).toEqual([])
  })

  test('a settled verdict while the provider still works stops the work', async () => {
    const { session, call } = await underWay(1)
    session.send({ type: 'settled', acks: [[1, 1, 'stale']] })
    await stage.provider.aborted(call)
  })
})
