/** A brain that dies while clients and scouts are at edges: another one takes over what those know. */
import { describe, expect, test } from 'vitest'
import type { Answer } from '../../orchestrator/engine/ports/client.ts'
import { MemoryDisk } from '../../orchestrator/store/memory/disk.ts'
import { brainLossesMax, edgesGatherMs, goneHoldMs } from '../../shared/limits/process.ts'
import { type EdgeSeat, EdgesBench } from '../support/edges/edge-bench.ts'
import { PlayedAttempt } from '../support/edges/played-attempt.ts'
import { bytesOf, deltaLine, finishLine, textOf } from '../support/hub/engine-bench.ts'

const body = bytesOf('{"messages":[]}')

/** A stream of a client at one edge, on its way from a scout at another one. */
function stage(routing = {}, disk: MemoryDisk | null = null) {
  const bench = new EdgesBench(3, disk)
  const [client, scout, other] = bench.seats as [EdgeSeat, EdgeSeat, EdgeSeat]
  const answer = client.ask({ routing, body })
  const session = scout.join(['m'], 2)
  bench.settle()
  const [granted] = scout.take('task')
  scout.take('welcome')
  return { bench, client, scout, other, answer, session, work: new PlayedAttempt(scout, session, granted!.frame) }
}

function endOf(answer: Answer) {
  const lines: string[] = []
  for (let part = answer.take(); part !== null; part = answer.take()) {
    lines.push(...textOf(part.lines))
    if (part.end !== null) return { lines, end: part.end }
  }
  return { lines, end: null }
}

/** Dies, and another one is there. */
function restart(bench: EdgesBench): void {
  bench.killBrain()
  bench.nextBrain()
  bench.settle()
}

test('what an edge keeps of an attempt keeps no frame in which it came', () => {
  const { client, scout } = stage()
  const leases = client.desks.present().carried.flatMap((task) => task.leases)
  const work = scout.desks.present().held.flatMap((session) => session.work)
  expect([leases.length, work.length]).toEqual([1, 1])
  for (const { nonce } of [...leases, ...work]) expect(nonce.buffer.byteLength).toBe(nonce.length)
})

describe('an answer that has begun', () => {
  test('goes on, and its scout notices nothing', () => {
    const { bench, answer, work, scout } = stage()
    work.say(deltaLine('1'))
    bench.settle()
    bench.killBrain()
    work.say(deltaLine('2'))
    bench.settle()
    bench.nextBrain()
    bench.settle()
    expect(bench.engine.stats()).toMatchObject({ scouts: 1, tasksLeased: 1, creditsHeld: 1 })
    work.say(deltaLine('3'), finishLine)
    work.done(1)
    bench.settle()
    const { lines, end } = endOf(answer)
    expect(lines).toEqual([deltaLine('1'), deltaLine('2'), deltaLine('3'), finishLine])
    expect(end?.type).toBe('done')
    expect(scout.sent.map(({ frame }) => frame.type)).toEqual(['settled'])
    expect(scout.closed).toEqual([])
    expect(bench.engine.stats()).toMatchObject({ tasksLeased: 0, creditsHeld: 2 })
  })

  test('ends although its end came while no brain was there', () => {
    const { bench, answer, work, scout } = stage()
    work.say(deltaLine('1'), finishLine)
    bench.killBrain()
    work.done(1)
    bench.settle()
    bench.nextBrain()
    bench.settle()
    expect(endOf(answer).end?.type).toBe('done')
    expect(scout.take('settled').map(({ frame }) => frame.acks[0]?.[2])).toEqual(['committed'])
    expect(bench.engine.stats()).toMatchObject({ tasksLeased: 0, creditsHeld: 2 })
  })

  test('fails as it would have where it broke off while no brain was there, whatever its scout settles then', () => {
    const { bench, answer, work, scout, session } = stage()
    work.say(deltaLine('1'))
    bench.settle()
    bench.killBrain()
    // A gap in the answer: what follows is not shown.
    scout.desks.scoutEvents.chunk(session, { ...work.lease, seq: 9, offset: 9 }, bytesOf('{}\n'))
    work.done(1)
    bench.settle()
    bench.nextBrain()
    bench.settle()
    const { lines, end } = endOf(answer)
    expect(lines).toEqual([deltaLine('1')])
    expect(end).toMatchObject({ type: 'failed', fault: { code: 'chunk_gap' } })
    expect(scout.take('settled').map(({ frame }) => frame.acks[0]?.[2])).toEqual(['stale'])
    expect(bench.engine.stats()).toMatchObject({ tasksLeased: 0, creditsHeld: 2 })
  })

  test('is not lost because somebody else settled it while no brain was there', () => {
    const { bench, answer, work, scout, session } = stage()
    work.say(deltaLine('1'), finishLine)
    bench.killBrain()
    const guess = new PlayedAttempt(scout, session, { ...work.lease, nonce: new Uint8Array(16) })
    guess.released()
    work.done(1)
    guess.released()
    bench.settle()
    bench.nextBrain()
    bench.settle()
    expect(endOf(answer).end?.type).toBe('done')
  })

  test('is decided once where the verdict was lost on its way', () => {
    const { bench, answer, work, scout, client } = stage()
    work.say(deltaLine('1'), finishLine)
    work.done(1)
    bench.settle()
    // A second one, of which the client has the answer and the scout no verdict.
    const second = client.ask({ body })
    bench.settle()
    const [granted] = scout.take('task')
    const again = new PlayedAttempt(scout, work.session, granted!.frame)
    again.say(deltaLine('1'), finishLine)
    again.done(1)
    scout.toBrain.deliver()
    bench.way(scout, client).deliver()
    client.toBrain.deliver()
    bench.decide()
    client.fromBrain.deliver()
    scout.take('settled')
    restart(bench)
    expect([endOf(answer).end?.type, endOf(second).end?.type]).toEqual(['done', 'done'])
    expect(scout.take('settled').length).toBe(1)
    expect(bench.engine.stats()).toMatchObject({ tasksLeased: 0, tasksQueued: 0, creditsHeld: 2 })
  })

  test('fails when its scout is gone before another brain is there', () => {
    const { bench, answer, work, scout, session } = stage()
    work.say(deltaLine('1'))
    bench.settle()
    bench.killBrain()
    scout.desks.scoutEvents.gone(session)
    bench.nextBrain()
    bench.settle()
    const { lines, end } = endOf(answer)
    expect(lines).toEqual([deltaLine('1')])
    expect(end).toMatchObject({ type: 'failed', fault: { code: 'scout_lost' } })
    expect(bench.engine.stats()).toMatchObject({ tasksLeased: 0, tasksQueued: 0 })
  })

  test('goes on elsewhere then, where the client opted in', () => {
    const { bench, answer, work, scout, session, other } = stage({ continues: true })
    work.say(deltaLine('one '))
    bench.settle()
    bench.killBrain()
    scout.desks.scoutEvents.gone(session)
    bench.nextBrain()
    const next = other.join(['m'], 1)
    bench.settle()
    const [granted] = other.take('task')
    expect(Buffer.from(granted!.body!).toString()).toContain('"one "')
    const rest = new PlayedAttempt(other, next, granted!.frame)
    rest.say(deltaLine('two'), finishLine)
    rest.done()
    bench.settle()
    expect(endOf(answer).lines).toEqual([deltaLine('one '), deltaLine('two'), finishLine])
  })
})

test('a request is tried again whose scout has to dial anew because of durable work', async () => {
  const { bench, client, scout, other, answer, session } = stage({}, new MemoryDisk())
  scout.desks.scoutEvents.credit(session, 1)
  const task = { node: 'n', kind: 'chat', model: 'm', needs: [], request: body } as const
  const plan = { tasks: [{ ...task, needs: [] }], resultNode: 'n' }
  const asked = { tenant: 't', weight: 1, plan, priority: 5, deadlineMs: 600_000, metadata: {} }
  const accepted = bench.engine.intents.accept(asked)
  bench.system.pass(1_000)
  await accepted
  bench.settle()
  const [durable] = scout.take('task')
  restart(bench)
  expect(scout.closed.map(({ why }) => why)).toEqual(['hubDraining'])
  // It is gone for the next brain until it has dialed again, and has its durable work then.
  const held = [durable!.frame.task, durable!.frame.attempt, durable!.frame.nonce] as [number, number, Uint8Array]
  const who = { name: `scout-${session}`, instance: `instance-${session}`, held: [held] }
  const back = scout.join(['m'], 0, who)
  bench.settle()
  const [welcome] = scout.take('welcome').filter((one) => one.session === back)
  expect(welcome!.frame.held.map(([, , verdict]) => verdict)).toEqual(['resumed'])
  const next = other.join(['m'], 1)
  bench.settle()
  const [again] = other.take('task')
  const work = new PlayedAttempt(other, next, again!.frame)
  work.say(deltaLine('1'), finishLine)
  work.done()
  bench.settle()
  expect(endOf(answer).end?.type).toBe('done')
  expect(client.closed).toEqual([])
})

describe('a request that has not begun', () => {
  test('waits on for a scout, also when it came while no brain was there', () => {
    const bench = new EdgesBench(2)
    const [client, scout] = bench.seats as [EdgeSeat, EdgeSeat]
    const early = client.ask({ body })
    bench.settle()
    bench.killBrain()
    const late = client.ask({ body })
    const session = scout.join(['m'], 2)
    bench.nextBrain()
    bench.settle()
    for (const { frame } of scout.take('task')) {
      const work = new PlayedAttempt(scout, session, frame)
      work.say(deltaLine('1'), finishLine)
      work.done()
    }
    bench.settle()
    expect([endOf(early).end?.type, endOf(late).end?.type]).toEqual(['done', 'done'])
    // It dialed while no brain was there, and is welcome.
    expect(scout.take('welcome').length).toBe(1)
  })

  test('is not given out twice while its task is on the way from edge to edge', () => {
    const bench = new EdgesBench(2)
    const [client, scout] = bench.seats as [EdgeSeat, EdgeSeat]
    const session = scout.join(['m'], 1)
    bench.settle()
    const answer = client.ask({ body })
    client.toBrain.deliver()
    bench.decide()
    client.fromBrain.deliver()
    bench.killBrain()
    bench.nextBrain()
    client.toBrain.deliver()
    scout.toBrain.deliver()
    bench.settle()
    const heard = scout.sent.filter((one) => one.session === session).map(({ frame }) => frame.type)
    expect(heard).toEqual(['welcome', 'task'])
    const [again] = scout.take('task')
    expect(again!.frame.attempt).toBe(2)
    const work = new PlayedAttempt(scout, session, again!.frame)
    work.say(deltaLine('1'), finishLine)
    work.done()
    bench.settle()
    const { lines, end } = endOf(answer)
    expect([lines, end?.type]).toEqual([[deltaLine('1'), finishLine], 'done'])
    expect(scout.closed).toEqual([])
  })

  test('is refused by a limit as before, and what was let in stays so', () => {
    const { bench, client, answer, work } = stage()
    work.say(deltaLine('1'))
    bench.settle()
    restart(bench)
    expect(endOf(answer).end).toBeNull()
    const unknown = client.ask({ model: 'nobody', body })
    bench.settle()
    bench.system.pass(60_000)
    bench.settle()
    expect(endOf(unknown).end).toMatchObject({ type: 'failed' })
  })
})

test('a client that left while no brain was there is noticed', () => {
  const { bench, answer, work, scout } = stage()
  work.say(deltaLine('1'))
  bench.settle()
  bench.killBrain()
  answer.abandon()
  bench.nextBrain()
  bench.settle()
  expect(scout.take('cancel').length).toBe(1)
  expect(bench.engine.core.state.tasks.size).toBe(0)
})

test('an edge that does not come back is not waited for, and the others hear of it', () => {
  const { bench, client, scout, work, other, answer } = stage()
  work.say(deltaLine('1'))
  bench.settle()
  bench.killBrain()
  bench.kill(scout)
  bench.nextBrain()
  bench.settle()
  expect(bench.engine.stats().tasksLeased).toBe(0)
  bench.system.pass(edgesGatherMs)
  bench.settle()
  expect(client.desks.ways.has(scout.edge)).toBe(false)
  expect(other.desks.ways.has(client.edge)).toBe(true)
  expect(endOf(answer).end).toMatchObject({ type: 'failed', fault: { code: 'scout_lost' } })
})

test('an edge that the brain has given up is turned away', () => {
  const { bench, scout } = stage()
  scout.brainEnd.ended('the test ends the link', false)
  bench.system.pass(goneHoldMs)
  scout.brainLost()
  scout.dialBrain()
  bench.settle()
  expect(scout.turnedAway).toContain('given up')
})

test('a request that outlives too many brains is ended, for it may be what ends them', () => {
  const { bench, answer, work } = stage()
  work.say(deltaLine('1'))
  bench.settle()
  for (let brain = 0; brain < brainLossesMax; brain++) restart(bench)
  expect(endOf(answer).end).toBeNull()
  restart(bench)
  expect(endOf(answer).end).toMatchObject({ type: 'failed', fault: { code: 'hub_overloaded' } })
  expect(bench.engine.core.state.tasks.size).toBe(0)
})
