/** The single writer and its read side: time, drain, listings, places in the queue, and who is told what. */
import { describe, expect, test } from 'vitest'
import { memoryStore } from '../../orchestrator/store/memory/store.ts'
import { leaseTtlMs, tickMs } from '../../shared/limits/scheduling.ts'
import { heartbeatMs } from '../../shared/limits/wire.ts'
import type { FrameOf } from '../../shared/protocol/frames.ts'
import { bytesOf, deltaLine, EngineBench, finishLine, wholeAnswer } from '../support/hub/engine-bench.ts'

describe('a task on its way to a scout', () => {
  test('carries the request untouched, the model, a nonce of its own, and durations', () => {
    const bench = new EngineBench()
    const session = bench.join(['m'], 2)
    const body = bytesOf('{"messages":[]}')
    bench.ask({ body, deadlineMs: 7_000 })
    bench.ask({ body })
    const [first, second] = bench.take('task')
    expect(first).toMatchObject({ session, body, frame: { attempt: 1, kind: 'chat', model: 'm', stream: true } })
    expect(first!.frame).toMatchObject({ size: body.length, body: null, ttlMs: leaseTtlMs, deadlineMs: 7_000 })
    expect(first!.frame.nonce.length).toBe(16)
    expect(first!.frame.nonce).not.toEqual(second!.frame.nonce)
    expect(second!.frame.task).toBe(first!.frame.task + 1)
  })

  test('is numbered above every task of earlier runs', () => {
    const bench = new EngineBench()
    bench.join(['m'], 1)
    bench.ask()
    expect(bench.work().lease.task).toBe(3 * 2 ** 32)
  })

  test('that is refused ends at once', () => {
    const bench = new EngineBench({ bootGraceMs: 0 })
    expect(bench.ask().take()?.end).toMatchObject({
      type: 'failed',
      fault: { code: 'model_not_found', param: 'model' },
    })
    expect(bench.engine.stats().tasksFinished).toEqual({ model_not_found: 1 })
  })

  test('waits at the place that its reader is told', () => {
    const bench = new EngineBench()
    const session = bench.join(['m'])
    const answers = [bench.ask({ tenant: 'a' }), bench.ask({ tenant: 'a' }), bench.ask({ tenant: 'b' })]
    expect(answers.map((answer) => answer.position())).toEqual([0, 2, 1])
    bench.scouts.credit(session, 1)
    expect(answers.map((answer) => answer.position())).toEqual([null, 1, 0])
    const work = bench.work()
    work.say(finishLine)
    work.done()
    expect(answers[0]!.position()).toBeNull()
  })

  test('waits at its place also when it will not go to every scout, and at none that has been served', () => {
    const bench = new EngineBench()
    const session = bench.join(['m'])
    const routing = { ignore: ['somebody-else'] }
    const answers = [{}, { routing }, { routing }, { tenant: 'b' }].map((fields) => bench.ask({ ...fields }))
    expect(answers.map((answer) => answer.position())).toEqual([0, 2, 3, 1])
    bench.scouts.credit(session, 3)
    expect(answers.map((answer) => answer.position())).toEqual([null, null, 0, null])
  })

  test('lives as long as its scout answers pings', () => {
    const bench = new EngineBench()
    const session = bench.join(['m'], 1)
    const answer = bench.ask({ stream: false })
    const work = bench.work()
    work.started()
    for (let beat = 0; beat < 20; beat++) {
      bench.system.pass(heartbeatMs)
      bench.scouts.heartbeat(session)
    }
    work.done()
    expect(answer.take()?.end?.type).toBe('done')
  })

  test('lives on chunks alone', () => {
    const bench = new EngineBench()
    bench.join(['m'], 1)
    const answer = bench.ask()
    const work = bench.work()
    for (let chunk = 0; chunk < 30; chunk++) {
      bench.system.pass(10_000)
      work.say(deltaLine('x'))
    }
    expect(answer.take()?.lines.length).toBe(30)
    expect(bench.take('cancel')).toEqual([])
  })

  test('is lost with a scout that says nothing', () => {
    const bench = new EngineBench({ attemptsMax: 1 })
    bench.join(['m'], 1)
    const answer = bench.ask()
    bench.work().started()
    bench.system.pass(40_000)
    expect(answer.take()?.end).toMatchObject({ type: 'failed', fault: { code: 'scout_silent' } })
  })
})

describe('a scout', () => {
  test('is welcomed with the terms of its session', () => {
    const bench = new EngineBench()
    const session = bench.join(['m'], 0, { concurrency: 5 })
    expect(bench.take('welcome')).toMatchObject([
      { session, frame: { version: 1, epoch: 3, scout: 'operator/scout-1', creditMax: 5, held: [], leaseTtlMs } },
    ])
  })

  test('whose body can never be complete fails that attempt only', () => {
    const bench = new EngineBench({ attemptsMax: 1 })
    const session = bench.join(['m'], 2)
    const [broken, fine] = [bench.ask({ stream: false }), bench.ask({ stream: false })]
    const leases = bench.take('task').map(({ frame }) => frame)
    const { task, attempt } = leases[0]!
    bench.scouts.broken(session, task, attempt, { code: 'chunk_gap', message: 'No fit.' })
    expect(broken.take()?.end).toMatchObject({ type: 'failed', fault: { code: 'chunk_gap' } })
    expect(fine.take()).toBeNull()
    expect(bench.closed).toEqual([])
  })

  test('that reports a body of an attempt it does not have breaks nothing', () => {
    const bench = new EngineBench()
    bench.join(['m'], 1)
    const stranger = bench.join(['n'])
    const answer = bench.ask()
    const work = bench.work()
    bench.scouts.broken(stranger, work.lease.task, 1, { code: 'chunk_gap', message: 'No fit.' })
    expect(bench.take('cancel')).toMatchObject([{ session: stranger }])
    work.say(deltaLine('x'), finishLine)
    work.done()
    expect(answer.take()?.end?.type).toBe('done')
  })

  test('that grants too many credits is closed, and its work goes elsewhere', () => {
    const bench = new EngineBench()
    const greedy = bench.join(['m'], 1)
    bench.ask()
    bench.work()
    bench.scouts.credit(greedy, 200)
    expect(bench.closed).toEqual([{ session: greedy, why: 'badFrame' }])
    const other = bench.join(['m'], 1)
    bench.system.pass(200)
    expect(bench.work().session).toBe(other)
    expect(bench.engine.scouts().length).toBe(1)
  })

  test('that dials anew supersedes its older session', () => {
    const bench = new EngineBench()
    const older = bench.join(['m'], 1, { name: 's', instance: 'i' })
    bench.join(['m'], 1, { name: 's', instance: 'i' })
    expect(bench.closed).toEqual([{ session: older, why: 'superseded' }])
    expect(bench.engine.scouts().length).toBe(1)
  })
})

describe('the listings', () => {
  test('show each model with its kinds, scouts, providers and largest context, sorted', () => {
    const bench = new EngineBench()
    const offers: FrameOf<'hello'>['offers'] = [
      ['chat', 'zeta', 'p', 1_000, 0, null, null, ''],
      ['chat', 'alpha', 'p', 0, 0, null, null, ''],
      ['embed', 'alpha', 'q', 0, 0, null, null, ''],
    ]
    bench.join([], 1, { offers })
    bench.join([], 0, { offers: [['chat', 'zeta', 'q', 9_000, 0, null, null, '']] })
    const [alpha, zeta] = bench.engine.models()
    expect(alpha).toMatchObject({ id: 'alpha', kinds: ['chat', 'embed'], scouts: 1, idle: 1 })
    expect(zeta).toMatchObject({ id: 'zeta', scouts: 2, idle: 1, providers: ['p', 'q'], contextTokens: 9_000 })
    expect(bench.engine.model('zeta')).toEqual(zeta!)
    expect(bench.engine.model('auto')).toBeUndefined()
  })

  test('forget a model with its last scout, at once', () => {
    const bench = new EngineBench()
    const session = bench.join(['m'])
    expect(bench.engine.models().length).toBe(1)
    bench.scouts.gone(session)
    expect(bench.engine.models()).toEqual([])
  })

  test('show each scout with its work and record', () => {
    const bench = new EngineBench()
    bench.join(['m'], 3, { agent: 'scout/1' })
    bench.ask()
    bench.ask()
    const [first] = bench.take('task')
    expect(bench.engine.stats()).toMatchObject({ scouts: 1, tasksLeased: 2, creditsHeld: 1, attempts: 2 })
    const { task, attempt, nonce } = first!.frame
    const plain = {
      outcome: 'failed',
      chunks: 0,
      fault: 'scout_error',
      message: '',
      param: '',
      retryAfterMs: 0,
      provider: '',
      credits: 0,
    } as const
    bench.scouts.settle(1, { task, attempt, nonce, ...plain }, new Uint8Array(0))
    expect(bench.engine.scouts()).toMatchObject([
      {
        id: 'operator/scout-1',
        name: 'scout-1',
        agent: 'scout/1',
        phase: 'ready',
        credits: 1,
        inFlight: 1,
        failed: 1,
        offers: [{ model: 'm' }],
      },
    ])
    bench.scouts.draining(1)
    expect(bench.engine.scouts()[0]?.phase).toBe('draining')
  })
})

describe('the end of a hub', () => {
  test('drains: refuses what is new, waits for what is under way', async () => {
    const bench = new EngineBench()
    bench.join(['m'], 1)
    const answer = bench.ask({ stream: false })
    const work = bench.work()
    let drained = false
    const end = bench.engine.drain().then(() => {
      drained = true
    })
    expect(bench.engine.ready()).toBe(false)
    expect(bench.ask().take()?.end).toMatchObject({ fault: { code: 'hub_draining' } })
    await Promise.resolve()
    expect(drained).toBe(false)
    work.done(wholeAnswer)
    await end
    expect(answer.take()?.end?.type).toBe('done')
  })

  test('without work is drained at once', async () => {
    await new EngineBench().engine.drain()
  })

  test('stops: ends what is left, tells the scout, and stops the clock', () => {
    const bench = new EngineBench()
    bench.join(['m'], 1)
    const answer = bench.ask()
    bench.work().say(deltaLine('x'))
    bench.engine.stop()
    expect(answer.take()?.end).toMatchObject({ type: 'failed', fault: { code: 'hub_draining' } })
    expect(bench.take('cancel').length).toBe(1)
    bench.system.pass(10 * tickMs)
    expect(bench.system.pending).toBe(0)
    expect(bench.engine.ready()).toBe(false)
  })
})

test('rows of usage that were not booked, or were given up, are counted for the operator', () => {
  const store = { ...memoryStore(), unbooked: () => 3 }
  const bench = new EngineBench({}, store)
  bench.engine.journal.dropped = 5
  expect(bench.engine.stats()).toMatchObject({ usageUnbooked: 3, usageDropped: 5, answersInCheck: 0 })
})

test('what a scout says of a failure reaches a client without what looks like a secret', () => {
  const bench = new EngineBench()
  bench.join(['m'], 1)
  const answer = bench.ask()
  bench.work().fail('invalid_request', 'failed', 'http://me:hunter2@engine/ wants sk-live-0123456789abcdef')
  const end = answer.take()?.end
  expect(end?.type === 'failed' && end.fault.message).toBe('http://[removed]@engine/ wants [removed]')
})
