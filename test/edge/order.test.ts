/** The order of things where clients and scouts are at different edges: each link keeps its own order, and no other. */
import { describe, expect, test } from 'vitest'
import { goneHoldMs } from '../../shared/limits/process.ts'
import { type EdgeSeat, EdgesBench } from '../support/edges/edge-bench.ts'
import { PlayedAttempt } from '../support/edges/played-attempt.ts'
import { bytesOf, deltaLine, finishLine, textOf } from '../support/hub/engine-bench.ts'

/** A scout does what it was sent. */
function play(scout: EdgeSeat, session: number): void {
  const [granted] = scout.take('task')
  const work = new PlayedAttempt(scout, session, granted!.frame)
  work.say(deltaLine('1'), finishLine)
  work.done()
}

/** A stream of a client at one edge, on its way from a scout at another one. */
function stage(routing = {}) {
  const bench = new EdgesBench(3)
  const [client, scout, other] = bench.seats as [EdgeSeat, EdgeSeat, EdgeSeat]
  const answer = client.ask({ routing, body: bytesOf('{"messages":[]}') })
  const session = scout.join(['m'], 2)
  bench.settle()
  const [granted] = scout.take('task')
  const work = new PlayedAttempt(scout, session, granted!.frame)
  return { bench, client, scout, other, answer, session, work }
}

test('an answer passes from edge to edge, and its body never the brain', () => {
  const { bench, answer, work, scout } = stage()
  work.say(deltaLine('1'))
  work.say(deltaLine('2'), finishLine)
  work.done(1)
  bench.settle()
  const part = answer.take()!
  expect(textOf(part.lines)).toEqual([deltaLine('1'), deltaLine('2'), finishLine])
  expect(part.end?.type).toBe('done')
  expect(scout.take('settled').map(({ frame }) => frame.acks[0]?.[2])).toEqual(['committed'])
  expect(bench.engine.stats()).toMatchObject({ tasksLeased: 0, creditsHeld: 2 })
})

test('a cancel does not overtake the task that it is about', () => {
  const bench = new EdgesBench(2)
  const [client, scout] = bench.seats as [EdgeSeat, EdgeSeat]
  const session = scout.join(['m'], 1)
  bench.settle()
  const answer = client.ask({ body: bytesOf('{"messages":[]}') })
  client.toBrain.deliver()
  bench.decide()
  // The task is on its way to the client's edge, as its client leaves.
  answer.abandon()
  client.toBrain.deliver()
  bench.decide()
  scout.fromBrain.deliver()
  bench.settle()
  const heard = scout.sent.filter((one) => one.session === session).map(({ frame }) => frame.type)
  expect(heard).toEqual(['welcome', 'task', 'cancel'])
})

describe('content that began while the brain voided its attempt', () => {
  test('ends the answer, and never begins anew', () => {
    const { bench, client, scout, answer, session, work, other } = stage()
    const next = other.join(['m'], 1)
    bench.settle()
    work.say(deltaLine('seen'))
    bench.way(scout, client).deliver()
    // The brain learns that the scout is gone before it learns that content began.
    scout.desks.scoutEvents.gone(session)
    scout.toBrain.deliver()
    bench.system.pass(goneHoldMs)
    bench.decide()
    bench.settle()
    bench.system.pass(60_000)
    bench.settle()
    const part = answer.take()!
    expect(textOf(part.lines)).toEqual([deltaLine('seen')])
    expect(part.end).toMatchObject({ type: 'failed', fault: { code: 'scout_lost' } })
    expect(other.take('task').filter((granted) => granted.session === next && granted.frame.attempt > 2)).toEqual([])
  })

  test('is not followed by that of another attempt that races', () => {
    const { bench, client, scout, other, answer, session, work } = stage({ hedgeAfterMs: 30 })
    const next = other.join(['m'], 1)
    bench.settle()
    bench.system.pass(1_000)
    bench.settle()
    const [granted] = other.take('task')
    const second = new PlayedAttempt(other, next, granted!.frame)
    work.say(deltaLine('seen'))
    bench.way(scout, client).deliver()
    scout.desks.scoutEvents.gone(session)
    scout.toBrain.deliver()
    bench.system.pass(goneHoldMs)
    bench.decide()
    client.fromBrain.deliver()
    second.say(deltaLine('again'))
    bench.way(other, client).deliver()
    bench.settle()
    const part = answer.take()!
    expect(textOf(part.lines)).toEqual([deltaLine('seen')])
    expect(part.end).toMatchObject({ type: 'failed', fault: { code: 'scout_lost' } })
  })

  test.each([false, true])('is not followed by it where it broke off here first; continues: %s', (continues) => {
    const { bench, client, scout, other, answer, work } = stage({ hedgeAfterMs: 30, continues })
    const next = other.join(['m'], 1)
    bench.settle()
    bench.system.pass(1_000)
    bench.settle()
    const second = new PlayedAttempt(other, next, other.take('task')[0]!.frame)
    // Handed back and answered all the same, and wrongly, in one breath; the brain goes on with the first.
    second.released()
    second.say(deltaLine('seen'))
    second.leap()
    bench.way(other, client).deliver()
    work.say(deltaLine('again'))
    bench.way(scout, client).deliver()
    bench.settle()
    work.say(deltaLine('and again'), finishLine)
    work.done()
    bench.settle()
    const part = answer.take()!
    expect(textOf(part.lines)).toEqual([deltaLine('seen')])
    expect(part.end).toMatchObject({ type: 'failed', fault: { code: 'scout_lost' } })
    expect(scout.take('cancel').map(({ frame }) => frame.attempt)).toEqual([1])
  })

  test('goes on after it where the client opted in, whatever the brain knew', () => {
    const { bench, client, scout, answer, session, work, other } = stage({ continues: true })
    work.say(deltaLine('one '))
    bench.way(scout, client).deliver()
    scout.desks.scoutEvents.gone(session)
    scout.toBrain.deliver()
    bench.system.pass(goneHoldMs)
    bench.decide()
    const next = other.join(['m'], 1)
    bench.settle()
    bench.system.pass(1_000)
    bench.settle()
    const [granted] = other.take('task')
    expect(Buffer.from(granted!.body!).toString()).toContain('"one "')
    const rest = new PlayedAttempt(other, next, granted!.frame)
    rest.say(deltaLine('two'), finishLine)
    rest.done()
    bench.settle()
    const part = answer.take()!
    expect(textOf(part.lines)).toEqual([deltaLine('one '), deltaLine('two'), finishLine])
    expect(part.end?.type).toBe('done')
  })
})

test('the end of a session does not overtake what its scout settled before', () => {
  const { bench, client, scout, answer, session, work } = stage()
  work.say(deltaLine('1'), finishLine)
  work.done()
  scout.desks.scoutEvents.gone(session)
  scout.toBrain.deliver()
  bench.decide()
  bench.system.pass(goneHoldMs / 2)
  bench.way(scout, client).deliver()
  client.toBrain.deliver()
  bench.decide()
  bench.system.pass(goneHoldMs)
  bench.settle()
  expect(answer.take()?.end?.type).toBe('done')
  const [record] = [...bench.engine.core.state.roster.records.values()]
  expect(record).toMatchObject({ done: 1, failed: 0 })
})

test('a task that comes after the end of its session costs nobody anything', () => {
  const bench = new EdgesBench(3)
  const [client, scout, other] = bench.seats as [EdgeSeat, EdgeSeat, EdgeSeat]
  const session = scout.join(['m'], 1)
  bench.settle()
  const answer = client.ask({ routing: { attemptsMax: 1 }, body: bytesOf('{"messages":[]}') })
  client.toBrain.deliver()
  bench.decide()
  client.fromBrain.deliver()
  scout.desks.scoutEvents.gone(session)
  scout.toBrain.deliver()
  bench.decide()
  bench.settle()
  bench.system.pass(goneHoldMs)
  bench.settle()
  expect(scout.take('task')).toEqual([])
  const [record] = [...bench.engine.core.state.roster.records.values()]
  expect(record).toMatchObject({ done: 0, failed: 0 })
  // The only attempt that its client allows is still to be had.
  const next = other.join(['m'], 1)
  bench.settle()
  play(other, next)
  bench.settle()
  expect(answer.take()?.end?.type).toBe('done')
})

test('credits that come along with a settlement are not overtaken by a smaller offer', () => {
  const { bench, client, scout, session, work } = stage()
  scout.desks.scoutEvents.credit(session, 6)
  work.say(deltaLine('1'), finishLine)
  work.done(1)
  scout.desks.scoutEvents.offers(session, 4, [])
  scout.toBrain.deliver()
  bench.decide()
  bench.way(scout, client).deliver()
  bench.settle()
  expect(scout.closed).toEqual([])
})

test('a scout that reports under a nonce that is not its own gets no credit back for what it has', () => {
  const { bench, client, scout, answer, work } = stage()
  work.forged()
  bench.settle()
  expect(scout.take('settled').map(({ frame }) => frame.acks[0]?.[2])).toEqual(['stale'])
  answer.abandon()
  client.toBrain.deliver()
  bench.settle()
  expect(scout.take('cancel').length).toBe(1)
  expect(bench.engine.stats()).toMatchObject({ creditsHeld: 1 })
})

test('nothing overtakes the welcome of a scout that comes back at another edge', () => {
  const { bench, client, scout, other, session, work } = stage()
  // The client reads nothing, so its edge pauses the scout.
  work.say(deltaLine('x'.repeat(200_000)))
  bench.settle()
  expect(scout.take('flow').map(({ frame }) => frame.paused)).toEqual([true])
  scout.desks.scoutEvents.gone(session)
  bench.settle()
  bench.system.pass(goneHoldMs)
  bench.decide()
  const { task, attempt, nonce } = work.lease
  const who = { name: `scout-${session}`, instance: `instance-${session}` }
  const back = other.join(['m'], 0, { ...who, held: [[task, attempt, nonce]] })
  other.toBrain.deliver()
  bench.decide()
  // The client's edge learns of it first, and its word comes before that of the brain.
  client.fromBrain.deliver()
  bench.way(client, other).deliver()
  expect(other.sent).toEqual([])
  bench.settle()
  const heard = other.sent.filter((one) => one.session === back).map(({ frame }) => frame.type)
  expect(heard).toEqual(['welcome', 'flow'])
  expect(other.take('welcome')[0]!.frame.held).toEqual([[task, attempt, 'resumed', 1]])
})

test('content that broke off before the brain knew of it does not begin anew', () => {
  const { bench, client, scout, other, answer, work } = stage()
  // Handed back and answered all the same, and wrongly, in one breath.
  work.released()
  work.say(deltaLine('1'))
  work.leap()
  bench.way(scout, client).deliver()
  const next = other.join(['m'], 1)
  bench.settle()
  expect(other.take('task')).toEqual([])
  const { lines, end } = answer.take()!
  expect(textOf(lines)).toEqual([deltaLine('1')])
  expect(end).toMatchObject({ type: 'failed', fault: { code: 'scout_lost' } })
  // The credit of what was not sent is there again.
  expect(bench.engine.core.state.roster.bySession.get(next)?.credits).toBe(1)
})

describe('an edge that dies', () => {
  test.each([false, true])(
    'costs no scout a credit for what had not come from there (comes later: %s)',
    (comesLater) => {
      const bench = new EdgesBench(2)
      const [client, scout] = bench.seats as [EdgeSeat, EdgeSeat]
      const session = scout.join(['m'], 1)
      bench.settle()
      client.ask({ body: bytesOf('{"messages":[]}') })
      client.toBrain.deliver()
      bench.decide()
      client.fromBrain.deliver()
      const way = bench.way(client, scout)
      if (comesLater) way.outlive()
      bench.kill(client)
      bench.settle()
      way.deliver()
      bench.settle()
      const heard = scout.sent.filter((one) => one.session === session).map(({ frame }) => frame.type)
      expect(heard).toEqual(['welcome'])
      expect(bench.engine.core.state.roster.bySession.get(session)?.credits).toBe(1)
      bench.system.pass(10_000)
      bench.settle()
      expect(scout.take('cancel')).toEqual([])
    },
  )

  test('leaves no scout without a verdict on what it did for its clients', () => {
    const { bench, client, scout, work } = stage()
    work.say(deltaLine('1'), finishLine)
    bench.settle()
    bench.kill(client)
    bench.settle()
    work.done(1)
    bench.settle()
    expect(scout.take('settled').map(({ frame }) => frame.acks[0]?.[2])).toEqual(['stale'])
    expect(bench.engine.stats().creditsHeld).toBe(2)
  })

  test('takes its clients along, and the work for them is stopped', () => {
    const { bench, client, scout, work } = stage()
    work.say(deltaLine('1'))
    bench.settle()
    bench.kill(client)
    bench.settle()
    expect(scout.take('cancel').length).toBe(1)
    expect(bench.engine.core.state.tasks.size).toBe(0)
  })

  test('takes its scouts along, and unseen work is done elsewhere', () => {
    const { bench, client, scout, other, answer } = stage()
    bench.kill(scout)
    bench.system.pass(goneHoldMs)
    bench.decide()
    const next = other.join(['m'], 1)
    bench.settle()
    bench.system.pass(1_000)
    bench.settle()
    play(other, next)
    bench.settle()
    expect(answer.take()?.end?.type).toBe('done')
    expect(client.closed).toEqual([])
  })
})
