import { expect, test } from 'vitest'
import { leaseGraceMs, leaseTtlMs } from '../../../shared/limits/scheduling.ts'
import { journalRetryMs } from '../../../shared/limits/store.ts'
import { bytesOf, deltaLine, finishLine, tail, textOf, Work } from '../../support/hub/engine-bench.ts'
import { FickleDisk, IntentsBench, outline } from '../../support/hub/intents-stage.ts'

const idempotency = { route: 'POST /v1/intents', key: 'k', bodyHash: 'hash' }

function prompt(request: Uint8Array): unknown {
  return (JSON.parse(textOf([request])[0]!) as { messages: unknown }).messages
}

test('an intent is accepted after its commit and not before, and no scout hears of it sooner', async () => {
  const bench = new IntentsBench()
  bench.join(['m'], 1)
  let accepted = false
  const plan = {
    tasks: [{ node: 'a', kind: 'chat' as const, model: 'm', needs: [], request: bytesOf('{}') }],
    resultNode: 'a',
  }
  const rest = { tenant: 'key_a', weight: 1, priority: 5, deadlineMs: 1_000, metadata: {} }
  const promise = bench.engine.intents.accept({ ...rest, plan }).then(() => {
    accepted = true
  })
  await Promise.resolve()
  expect([accepted, bench.store.intents({ tenant: null, limit: 9 }).length, bench.take('task').length]).toEqual([
    false,
    0,
    0,
  ])
  bench.turn()
  await promise
  expect(bench.store.intents({ tenant: null, limit: 9 })).toHaveLength(1)
  expect(bench.take('task')).toHaveLength(1)
})

test('a scroll of three runs parents first, passes their answers on, and keeps the last one’s', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ a: [], b: [], c: ['b', 'a'] })
  bench.join(['m'], 3)
  bench.turn()
  const leases = bench.take('task')
  const requests = leases.map(({ body }) => prompt(body!))
  expect(requests).toEqual(expect.arrayContaining([[{ role: 'user', content: 'a' }], [{ role: 'user', content: 'b' }]]))
  const [one, two] = bench.store.tasksOf(id).map(({ task }) => leases.find(({ frame }) => frame.task === task)!)
  for (const [lease, text] of [
    [one!, 'from a'],
    [two!, 'from b'],
  ] as const) {
    bench.finish(new Work(bench, lease.session, lease.frame, lease.body!), text)
  }
  const last = bench.work()
  expect(prompt(last.request)).toEqual([
    { role: 'user', content: 'Result of "b":\n\nfrom b' },
    { role: 'user', content: 'Result of "a":\n\nfrom a' },
    { role: 'user', content: 'c' },
  ])
  bench.finish(last, 'the end')
  const { intents } = bench.engine
  expect(intents.intent(id, null)).toMatchObject({ state: 'done', fault: null, usage: { completionTokens: 9 } })
  expect(textOf([intents.result(id, 'c')!])[0]).toContain('"content":"the end"')
  expect(intents.tasks(id).map(({ state, attempts }) => [state, attempts])).toEqual(Array(3).fill(['done', 1]))
  expect(bench.take('settled').map(({ frame }) => frame.acks[0]![2])).toEqual(Array(3).fill('committed'))
  expect(bench.store.usage('key_a')).toEqual([{ model: 'm', tasks: 3, promptTokens: 0, completionTokens: 9 }])
})

test('a settlement is acknowledged after its commit, and a repeated one hears the same in its turn', async () => {
  const bench = new IntentsBench()
  await bench.accepted({ a: [] })
  bench.join(['m'], 1)
  const work = bench.work()
  bench.fickle.trouble = 'full'
  work.say(deltaLine('x'), finishLine)
  work.done()
  work.done()
  bench.turn()
  expect(bench.take('settled')).toEqual([])
  // Its socket breaks: what only the core knows is not told to be committed.
  bench.scouts.gone(work.session)
  const session = bench.rejoin(work)
  expect(bench.take('welcome').at(-1)!.frame.held).toEqual([[work.lease.task, 1, 'resumed', 1]])
  work.session = session
  work.done()
  bench.turn()
  expect(bench.take('settled')).toEqual([])
  bench.fickle.trouble = null
  bench.system.pass(journalRetryMs)
  expect(bench.take('settled').map(({ session: to, frame }) => [to === session, frame.acks[0]![2]])).toContainEqual([
    true,
    'committed',
  ])
  expect(bench.store.usage(null)).toMatchObject([{ tasks: 1 }])
})

test.each(['full', 'busy', 'io', 'unknown'] as const)(
  'a disk that is %s: 503 with a time, and the next is taken once it heals',
  async (trouble) => {
    const bench = new IntentsBench()
    bench.fickle.trouble = trouble
    const refused = { type: 'refused', fault: { code: 'store_unavailable', retryAfterMs: expect.any(Number) } }
    expect(await bench.accept({ a: [] })).toMatchObject(refused)
    expect(await bench.accept({ a: [] }, { idempotency })).toMatchObject(refused)
    bench.fickle.trouble = null
    bench.system.pass(journalRetryMs)
    expect(await bench.accept({ a: [] }, { idempotency })).toMatchObject({ type: 'accepted', replayed: false })
    expect(bench.store.intents({ tenant: null, limit: 9 })).toHaveLength(1)
  },
)

test('the same key gives the same intent, in this life of the hub and the next, and also while it drains', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ a: [] }, { idempotency })
  expect(await bench.accept({ a: [] }, { idempotency })).toEqual({ type: 'accepted', id, replayed: true })
  const other = { idempotency: { ...idempotency, bodyHash: 'another' } }
  expect(await bench.accept({ a: [] }, other)).toMatchObject({ fault: { code: 'idempotency_mismatch' } })
  expect(await bench.accept({ a: [] }, { idempotency, tenant: 'key_b' })).toMatchObject({ replayed: false })
  const next = bench.restart()
  expect(await next.accept({ a: [] }, { idempotency })).toEqual({ type: 'accepted', id, replayed: true })
  void next.engine.drain()
  expect(await next.accept({ a: [] }, { idempotency })).toEqual({ type: 'accepted', id, replayed: true })
  expect(await next.accept({ a: [] })).toMatchObject({ fault: { code: 'hub_draining' } })
})

test('two requests with one key at the same time make one intent', async () => {
  const bench = new IntentsBench()
  const plan = {
    tasks: [{ node: 'a', kind: 'chat' as const, model: 'm', needs: [], request: bytesOf('{}') }],
    resultNode: 'a',
  }
  const submission = { tenant: 'key_a', weight: 1, priority: 5, deadlineMs: 1_000, metadata: {}, plan, idempotency }
  const both = [bench.engine.intents.accept(submission), bench.engine.intents.accept(submission)]
  bench.turn()
  expect(await Promise.all(both)).toMatchObject([{ type: 'accepted' }, { fault: { code: 'idempotency_in_flight' } }])
})

test('a tenant sees and cancels its own intents only, an admin all of them', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ a: [] }, { metadata: { of: 'a' } })
  const other = await bench.accepted({ a: [] }, { tenant: 'key_b' })
  const { intents } = bench.engine
  expect([intents.intent(id, 'key_b'), intents.events(id, 'key_b', null)]).toEqual([undefined, undefined])
  expect(await intents.cancel(id, 'key_b')).toMatchObject({ code: 'not_found' })
  expect(await intents.cancel('int_unknown', null)).toMatchObject({ code: 'not_found' })
  expect(intents.list('key_b', { limit: 9 }).map((view) => view.id)).toEqual([other])
  expect(intents.list(null, { limit: 9 }).map((view) => view.id)).toEqual([other, id])
  expect(intents.intent(id, null)).toMatchObject({ state: 'running', metadata: { of: 'a' } })
})

test('a page of intents is one question to the store, and the tasks of one intent are read once', async () => {
  const bench = new IntentsBench()
  const ids = [await bench.accepted({ a: [], b: [] }), await bench.accepted({ a: [] })]
  bench.join(['m'], 1)
  bench.finish(bench.work(), 'x')
  const asked: string[] = []
  for (const name of ['intent', 'intents', 'tasksOf', 'openIntent'] as const) {
    const ask = bench.store[name] as (of: never) => never
    bench.store[name] = (of: never) => {
      asked.push(name)
      return ask(of)
    }
  }
  const { intents } = bench.engine
  const listed = intents.list(null, { limit: 9 })
  expect(asked.splice(0)).toEqual(['intents'])
  expect(listed.map(({ usage }) => usage.completionTokens).sort()).toEqual([0, 3])
  expect(listed).toEqual(ids.toReversed().map((id) => intents.intent(id, null)))
  asked.length = 0
  const whole = intents.whole(ids[1]!, 'key_a')!
  expect(asked.splice(0)).toEqual(['intent', 'tasksOf'])
  expect(whole).toEqual({ view: listed[0], tasks: intents.tasks(ids[1]!), result: intents.result(ids[1]!, 'a') })
  expect(intents.whole(ids[1]!, 'key_b')).toBeUndefined()
})

test('a cancel ends all that is open, tells the scouts after the commit, and changes nothing twice', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ a: [], b: ['a'], c: ['b'] })
  bench.join(['m'], 1)
  const work = bench.work()
  const cancelled = bench.engine.intents.cancel(id, 'key_a')
  expect(bench.take('cancel')).toEqual([])
  bench.turn()
  expect(await cancelled).toBeNull()
  expect(bench.take('cancel').map(({ frame }) => frame.task)).toEqual([work.lease.task])
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'cancelled', fault: { code: 'cancelled' } })
  expect(bench.engine.intents.tasks(id).map(({ state }) => state)).toEqual(['cancelled', 'skipped', 'skipped'])
  work.say(deltaLine('late'), finishLine)
  work.done()
  bench.turn()
  expect(bench.take('settled').map(({ frame }) => frame.acks[0]![2])).toEqual(['stale'])
  const again = bench.engine.intents.cancel(id, 'key_a')
  bench.turn()
  expect(await again).toBeNull()
  expect(outline(bench.events(id)).at(-1)).toBe('done cancelled')
})

test('a task that fails for good skips what needs it, and the intent fails with its cause', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ a: [], b: ['a'] })
  bench.join(['m'], 1)
  bench.work().fail('invalid_request', 'failed', 'Such a request never works.')
  bench.turn()
  const fault = { code: 'invalid_request', message: 'Such a request never works.' }
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'failed', fault })
  expect(bench.engine.intents.tasks(id).map(({ state }) => state)).toEqual(['failed', 'skipped'])
})

test('results that do not fit into the request of the next task end it, not the hub', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ a: [], b: [], c: ['a', 'b'] })
  bench.join(['m'], 3)
  bench.turn()
  for (const { session, frame, body } of bench.take('task')) {
    const work = new Work(bench, session, frame, body!)
    for (let line = 0; line < 11; line++) work.say(deltaLine('x'.repeat(200_000)))
    work.say(finishLine)
    work.done()
    bench.turn()
  }
  bench.turn()
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'failed', fault: { code: 'request_too_large' } })
})

test('an answer that cannot be written down fails its attempt, and another scout gets the task', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ a: [] })
  bench.join(['m'], 1)
  const work = bench.work()
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  work.say(deltaLine('x'), `{"choices":[{"index":0,"delta":{"x":${deep}}}]}`, finishLine)
  work.done()
  bench.turn()
  expect(bench.take('settled').map(({ frame }) => frame.acks[0]![2])).toEqual(['stale'])
  bench.join(['m'], 1)
  bench.system.pass(1_000)
  bench.finish(bench.work(), 'fine')
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'done' })
})

test('a scout that comes back after a restart goes on with its lease, and its answer is the result', async () => {
  const before = new IntentsBench()
  const id = await before.accepted({ a: [], b: ['a'] })
  before.join(['m'], 1)
  const work = before.work()
  work.started()
  work.say(deltaLine('one '))
  const bench = before.restart()
  const session = bench.rejoin(work, 1)
  expect(bench.take('welcome').map(({ frame }) => frame.held)).toEqual([[[work.lease.task, 1, 'resumed', 0]]])
  expect(bench.take('task')).toEqual([])
  const resumed = new Work(bench, session, work.lease, work.request)
  resumed.started()
  resumed.say(deltaLine('one '), deltaLine('two'), finishLine)
  resumed.done(tail)
  bench.turn()
  expect(bench.take('settled').map(({ frame }) => frame.acks[0]![2])).toEqual(['committed'])
  expect(textOf([bench.engine.intents.result(id, 'a')!])[0]).toContain('one two')
  const [first] = bench.engine.intents.tasks(id)
  expect(first).toMatchObject({ state: 'done', attempts: 1, served: { scout: 'operator/scout-1', model: 'm' } })
  expect(prompt(bench.work().request)).toMatchObject([{ content: 'Result of "a":\n\none two' }, { content: 'b' }])
})

test('a scout that stays away after a restart loses its lease after one lease’s time, and hears stale', async () => {
  const before = new IntentsBench()
  const id = await before.accepted({ a: [] })
  before.join(['m'], 1)
  const work = before.work()
  const bench = before.restart()
  bench.join(['m'], 1, { name: 'another', instance: 'another' })
  bench.system.pass(leaseTtlMs + leaseGraceMs - 100)
  expect(bench.take('task')).toEqual([])
  bench.system.pass(1_000)
  const next = bench.work()
  expect(next.lease).toMatchObject({ task: work.lease.task, attempt: 2 })
  bench.rejoin(work)
  expect(bench.take('welcome').at(-1)!.frame.held).toEqual([[work.lease.task, 1, 'stale', 0]])
  bench.finish(next, 'mine')
  expect(outline(bench.events(id))).toEqual([
    'planned',
    'task_started a 1',
    'attempt_reset a 1',
    'task_started a 2',
    'task_settled a done',
    'done done',
  ])
})

test('whatever was open is taken up again, in order and with what is left of its time', async () => {
  const before = new IntentsBench()
  const late = await before.accepted({ a: [] }, { deadlineMs: 500 })
  const ids = [await before.accepted({ a: [], b: ['a'] }), await before.accepted({ a: [] })]
  const bench = before.restart()
  bench.system.pass(1_000)
  expect(bench.engine.intents.intent(late, null)).toMatchObject({
    state: 'failed',
    fault: { code: 'deadline_exceeded' },
  })
  bench.join(['m'], 1)
  bench.finish(bench.work(), 'x')
  expect(bench.engine.intents.tasks(ids[0]!).map(({ state }) => state)).toEqual(['done', 'ready'])
  for (let left = 2; left > 0; left--) {
    bench.scouts.credit(1, 1)
    bench.finish(bench.work(), 'x')
  }
  expect(ids.map((id) => bench.engine.intents.intent(id, null)!.state)).toEqual(['done', 'done'])
  expect(bench.engine.core.state.tasks.size).toBe(0)
})

test('a drain leaves what waits in the store and gives out nothing more', async () => {
  const bench = new IntentsBench()
  const id = await bench.accepted({ a: [], b: ['a'] })
  bench.join(['m'], 2)
  const work = bench.work()
  let idle = false
  void bench.engine.drain().then(() => {
    idle = true
  })
  bench.finish(work, 'x')
  await Promise.resolve()
  expect([idle, bench.take('task').length]).toEqual([true, 0])
  bench.engine.stop()
  const next = bench.restart()
  next.join(['m'], 1)
  next.finish(next.work(), 'y')
  expect(next.engine.intents.intent(id, null)).toMatchObject({ state: 'done' })
})

test('a disk in trouble when old intents are to be forgotten is no defect', async () => {
  const bench = new IntentsBench(new FickleDisk())
  bench.fickle.trouble = 'busy'
  expect(() => bench.system.pass(30_000)).not.toThrow()
})

test('a hub that starts anew gives a settlement of its former life the acknowledgement it had', async () => {
  const before = new IntentsBench()
  const id = await before.accepted({ a: [], b: ['a'] })
  before.join(['m'], 1)
  const work = before.work()
  before.finish(work, 'x')
  expect(before.take('settled').map(({ frame }) => frame.acks[0]![2])).toEqual(['committed'])
  const bench = before.restart()
  const { task, nonce } = work.lease
  const forged = nonce.with(0, nonce[0]! ^ 1)
  const session = bench.rejoin(work)
  expect(bench.take('welcome').at(-1)!.frame.held).toEqual([[task, 1, 'committed', 0]])
  bench.rejoin(new Work(bench, session, { ...work.lease, nonce: forged }, work.request))
  expect(bench.take('welcome').at(-1)!.frame.held).toEqual([[task, 1, 'stale', 0]])
  const repeats = [{}, { nonce: forged }, { attempt: 2 }, { task: bench.store.tasksOf(id)[1]!.task }]
  const last = bench.join(['m'])
  const repeat = new Work(bench, last, work.lease, work.request)
  for (const wrong of repeats) repeat.done(tail, wrong)
  bench.turn()
  const heard = bench.take('settled').map(({ frame }) => frame.acks[0]![2])
  expect(heard).toEqual(['committed', 'stale', 'stale', 'stale'])
  expect(bench.engine.stats().staleSettlements).toBe(3)
  expect(bench.store.usage(null)).toMatchObject([{ tasks: 1 }])
})

test('a lease that was never sent is not waited for once its scout greets, nor is the welcome held up', async () => {
  const before = new IntentsBench()
  const id = await before.accepted({ a: [] })
  before.join(['m'], 1)
  before.work()
  const bench = before.restart()
  bench.fickle.trouble = 'full'
  const session = bench.join(['m'])
  expect(bench.take('welcome')).toHaveLength(1)
  bench.scouts.credit(session, 1)
  bench.turn()
  expect(bench.take('task')).toEqual([])
  bench.fickle.trouble = null
  bench.system.pass(journalRetryMs)
  const again = bench.work()
  // The second was taken back when it could not be written.
  expect([again.session, again.lease.attempt]).toEqual([session, 3])
  bench.finish(again, 'x')
  expect(bench.engine.intents.intent(id, null)).toMatchObject({ state: 'done' })
  expect(bench.store.tasksOf(id)).toMatchObject([{ charged: 0, returned: 1, attempt: 3 }])
})
