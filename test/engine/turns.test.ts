/** Events of one turn of the loop are stepped together, in order; what may not wait for its end does not. */
import { expect, test } from 'vitest'
import { turnEventsMax } from '../../shared/limits/scheduling.ts'
import { bytesOf, deltaLine, EngineBench, finishLine, tail } from '../support/hub/engine-bench.ts'

const plain = { tenant: 't', kind: 'chat', model: 'm', stream: true, body: bytesOf('{}') } as const

/** A hub with one scout, whose reports are left to gather. */
function stage(credits: number, settings = {}) {
  const bench = new EngineBench(settings)
  const session = bench.join(['m'], credits)
  const { engine } = bench
  return { bench, session, engine, edge: engine.scoutEvents, tasks: () => bench.take('task') }
}

test('what clients and scouts bring in one turn is stepped at its end, in order', () => {
  const { bench, session, engine, edge, tasks } = stage(0)
  const answers = [engine.submit(plain), engine.submit(plain)]
  edge.credit(session, 2)
  expect(tasks()).toEqual([])
  expect(engine.stats().tasksQueued).toBe(0)
  bench.system.pass(0)
  expect(tasks().length).toBe(2)
  expect(answers.map((answer) => answer.take())).toEqual([null, null])
})

test('a turn that gathers too much is stepped before its end', () => {
  const { engine } = stage(0)
  for (let at = 0; at < turnEventsMax; at++) engine.submit(plain)
  expect(engine.stats().tasksQueued).toBe(turnEventsMax)
})

test('a client that leaves in the turn in which it came costs no scout anything', () => {
  const { bench, engine, tasks } = stage(1)
  const answer = engine.submit(plain)
  answer.abandon()
  bench.system.pass(0)
  expect(answer.take()?.end).toMatchObject({ type: 'failed', fault: { code: 'cancelled' } })
  // The grant went out and was cancelled behind it.
  expect(tasks().length).toBe(1)
  expect(bench.take('cancel').length).toBe(1)
})

test('a grant to a socket that closed in the same turn is taken back, and nobody is charged', () => {
  const { bench, session, engine, edge, tasks } = stage(1, { attemptsMax: 1 })
  const answer = engine.submit(plain)
  edge.gone(session)
  bench.system.pass(0)
  expect(tasks()).toEqual([])
  expect(answer.attempts).toBe(0)
  const [record] = [...engine.core.state.roster.records.values()]
  expect(record).toMatchObject({ failed: 0, failureRate: 0 })
  const other = bench.join(['m'], 1)
  const work = bench.work()
  expect(work.session).toBe(other)
  work.say(deltaLine('x'), finishLine)
  work.done()
  expect(answer.take()?.end?.type).toBe('done')
})

test('content of an attempt that was voided earlier in the turn does not reach the client', () => {
  const { bench, session, edge } = stage(1)
  const answer = bench.ask()
  const { lease } = bench.work()
  const { task, attempt } = lease
  edge.broken(session, task, attempt, { code: 'chunk_gap', message: 'No fit.' })
  const body = bytesOf(`${deltaLine('lost')}\n`)
  edge.chunk(session, { task, attempt, seq: 0, offset: 0 }, body)
  expect(answer.take()).toBeNull()
  bench.join(['m'], 1)
  bench.system.pass(1_000)
  const work = bench.work()
  work.say(deltaLine('kept'), finishLine)
  work.done()
  const lines = answer.take()!.lines.map((line) => Buffer.from(line).toString())
  expect(lines).toEqual([deltaLine('kept'), finishLine])
})

test('of two that race, what one shows that was handed back earlier in the turn does not reach the client', () => {
  const { bench, session, edge } = stage(1)
  const answer = bench.ask({ routing: { hedgeAfterMs: 30 } })
  const first = bench.work()
  const other = bench.join(['m'], 1)
  bench.system.pass(1_000)
  const second = bench.work()
  expect([first.session, second.session]).toEqual([session, other])
  const { task, attempt, nonce } = second.lease
  const told = { fault: 'scout_draining', message: '', param: '', retryAfterMs: 0, provider: '', credits: 0 }
  edge.settle(other, { task, attempt, nonce, outcome: 'released', chunks: 0, ...told }, bytesOf(''))
  edge.chunk(other, { task, attempt, seq: 0, offset: 0 }, bytesOf(`${deltaLine('lost')}\n`))
  edge.chunk(other, { task, attempt, seq: 9, offset: 9 }, bytesOf(`${deltaLine('lost')}\n`))
  first.say(deltaLine('kept'), finishLine)
  first.done()
  const part = answer.take()!
  expect(part.lines.map((line) => Buffer.from(line).toString())).toEqual([deltaLine('kept'), finishLine])
  expect(part.end?.type).toBe('done')
})

test('of two settlements in one turn the first counts, whatever the second is', () => {
  const { bench, session, edge } = stage(1)
  const answer = bench.ask()
  const work = bench.work()
  work.say(deltaLine('x'), finishLine)
  const { task, attempt, nonce } = work.lease
  const rest = { fault: '', message: '', param: '', retryAfterMs: 0, provider: '', credits: 0 }
  edge.settle(session, { task, attempt, nonce, outcome: 'done', chunks: 1, ...rest }, bytesOf(tail))
  edge.settle(session, { task, attempt, nonce, outcome: 'done', chunks: 9, ...rest }, bytesOf('no answer'))
  bench.system.pass(0)
  const end = answer.take()?.end
  expect(end?.type === 'done' && Buffer.from(end.body).toString()).toBe(tail)
})

test('a drain and a stop step what waits first', async () => {
  const { bench, engine, tasks } = stage(1)
  const answer = engine.submit(plain)
  const drained = engine.drain()
  expect(tasks().length).toBe(1)
  engine.submit(plain)
  engine.stop()
  await drained
  expect(answer.take()?.end).toMatchObject({ fault: { code: 'hub_draining' } })
  expect(bench.system.pending).toBe(0)
})
