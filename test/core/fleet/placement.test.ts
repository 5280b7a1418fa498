/** Where tasks go: offers, credits, queues and their bounds, models that come and go, and which scout is preferred. */
import { describe, expect, test } from 'vitest'
import { costOf } from '../../../orchestrator/core/fleet/cost.ts'
import { noteTried } from '../../../orchestrator/core/task/leases.ts'
import { type Offer, offerOf } from '../../../shared/task.ts'
import { CoreHarness, offersOf } from '../../support/hub/core-harness.ts'

describe('offers', () => {
  test('two scouts with different models each get only what they offer', () => {
    const bench = new CoreHarness()
    const a = bench.join(['alpha'], 4)
    const b = bench.join(['beta'], 4)
    for (const model of ['alpha', 'beta', 'beta', 'alpha']) {
      bench.submit({ model })
      expect(bench.grant()).toMatchObject({ session: model === 'alpha' ? a : b, model })
    }
  })

  test('a chat model is not offered for embeddings', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 1)
    expect(bench.ended(bench.submit({ kind: 'embed' })).fault?.code).toBe('model_not_found')
  })

  test('an unknown model is refused in a sentence that names what is offered', () => {
    const bench = new CoreHarness()
    bench.join(['alpha', 'beta'])
    const end = bench.ended(bench.submit({ model: 'alfa' }))
    expect(end.fault).toMatchObject({ code: 'model_not_found', param: 'model' })
    expect(end.fault?.message).toBe(
      'No connected scout offers "alfa" for chat. Offered now: alpha, beta. "auto" takes the most suitable.',
    )
  })

  test('the sentence names at most ten models', () => {
    const bench = new CoreHarness()
    bench.join(Array.from({ length: 30 }, (_, i) => `model-${i}`))
    const { fault } = bench.ended(bench.submit({ model: 'none' }))
    expect(fault?.message.match(/model-\d+/g)?.length).toBe(10)
    expect(fault?.message).toContain(', …')
  })

  test('"auto" takes any scout, tells it a model that it offers, and waits when there is none', () => {
    const bench = new CoreHarness()
    const early = bench.submit({ model: 'auto' })
    expect(bench.take('finished')).toEqual([])
    const session = bench.join(['alpha', 'beta'], 1)
    expect(bench.grant()).toMatchObject({ task: early, session, model: 'alpha' })
  })

  test('a scout that offers "auto" as if it were a model gains nothing by it', () => {
    const bench = new CoreHarness()
    bench.join(['auto'], 1)
    bench.submit({ model: 'auto' })
    expect(bench.take('grant')).toEqual([])
  })

  test('a change of offers moves waiting work to the scout that can do it now', () => {
    const bench = new CoreHarness()
    const session = bench.join(['alpha'], 1)
    bench.join(['beta'])
    const task = bench.submit({ model: 'beta' })
    bench.step({ type: 'scoutOffers', session, concurrency: 4, offers: offersOf('beta') })
    expect(bench.grant()).toMatchObject({ task, session, model: 'beta' })
    expect(bench.state.index.entry('chat', 'alpha')?.offerers).toBe(0)
  })

  test('a model whose last scout left is held open for a while, then those who wait hear so', () => {
    const bench = new CoreHarness()
    const first = bench.join(['m'])
    bench.gone(first)
    const waiting = bench.submit()
    bench.pass(bench.settings.modelGraceMs - 200)
    expect(bench.take('finished')).toEqual([])
    bench.pass(300)
    expect(bench.ended(waiting).fault?.code).toBe('no_scout_available')
    expect(bench.ended(bench.submit()).fault?.code).toBe('model_not_found')
    expect(bench.state.index.entry('chat', 'm')).toBeUndefined()
  })

  test('a scout that comes back within the grace serves what waited for it', () => {
    const bench = new CoreHarness()
    bench.gone(bench.join(['m']))
    const task = bench.submit()
    bench.pass(bench.settings.modelGraceMs / 2)
    bench.join(['m'], 1)
    expect(bench.grant().task).toBe(task)
    bench.pass(2 * bench.settings.modelGraceMs)
    expect(bench.state.index.entry('chat', 'm')?.offerers).toBe(1)
  })

  test('after a restart unknown models wait for the fleet, and no longer than the boot grace', () => {
    const bench = new CoreHarness({ bootGraceMs: 2_000 })
    const known = bench.submit({ model: 'known' })
    const unknown = bench.submit({ model: 'unknown' })
    bench.pass(1_000)
    bench.join(['known'], 1)
    expect(bench.grant().task).toBe(known)
    bench.pass(1_100)
    expect(bench.ended(unknown).fault?.code).toBe('model_not_found')
    expect(bench.ended(bench.submit({ model: 'unknown' })).fault?.code).toBe('model_not_found')
  })

  test('a task whose model was forgotten while it was worked on finds the scouts that came later', () => {
    const bench = new CoreHarness({ firstSignMs: 60_000 })
    const busy = bench.join(['m'], 1)
    const task = bench.submit()
    const grant = bench.grant()
    bench.step({ type: 'scoutOffers', session: busy, concurrency: 4, offers: [] })
    for (let s = 0; s < 6; s++) {
      bench.pass(1_000)
      bench.step({ type: 'heartbeat', session: busy })
    }
    expect(bench.state.index.entry('chat', 'm')).toBeUndefined()
    const later = bench.join(['m'], 1)
    bench.settle(grant, 'released', 'scout_draining')
    expect(bench.grant()).toMatchObject({ task, session: later })
  })

  test('a task whose model was forgotten while it was worked on and never came back fails at its return', () => {
    const bench = new CoreHarness({ modelGraceMs: 100 })
    const session = bench.join(['m'], 1)
    const task = bench.submit()
    const grant = bench.grant()
    bench.step({ type: 'scoutOffers', session, concurrency: 4, offers: [] })
    bench.pass(200)
    bench.settle(grant, 'released', 'scout_draining')
    expect(bench.ended(task).fault?.code).toBe('scout_draining')
  })
})

describe('credits', () => {
  test('start at nothing; each grant consumes one', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'])
    for (let i = 0; i < 5; i++) bench.submit()
    expect(bench.take('grant').length).toBe(0)
    bench.credit(session, 2)
    expect(bench.take('grant').length).toBe(2)
    bench.credit(session, 1)
    expect(bench.take('grant').length).toBe(1)
    expect(bench.state.roster.bySession.get(session)).toMatchObject({ credits: 0 })
  })

  test('never let more run than the scout advertised, whatever it grants', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 2, { concurrency: 2 })
    for (let i = 0; i < 6; i++) bench.submit()
    bench.credit(session, 2)
    expect(bench.take('grant').length).toBe(2)
    expect(bench.state.roster.bySession.get(session)).toMatchObject({ credits: 2 })
  })

  test('beyond the capacity close the session', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 3, { concurrency: 4 })
    expect(bench.credit(session, 2)).toMatchObject([
      { type: 'closeSession', session, why: 'badFrame', detail: expect.stringContaining('credits') },
    ])
    expect(bench.state.roster.bySession.get(session)?.credits).toBe(3)
  })

  test('are capped by what the hub will hold, which the welcome says', () => {
    const bench = new CoreHarness({ creditMax: 3 })
    const session = bench.join(['m'], 0, { concurrency: 200 })
    expect(bench.take('welcome')).toMatchObject([{ creditMax: 3 }])
    expect(bench.credit(session, 3)).toEqual([])
    expect(bench.credit(session, 1)).toMatchObject([{ type: 'closeSession' }])
  })

  test('shrink with the concurrency that the scout advertises', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 4)
    bench.step({ type: 'scoutOffers', session, concurrency: 1, offers: offersOf('m') })
    bench.submit()
    bench.submit()
    expect(bench.take('grant').length).toBe(1)
  })

  test('of a session are gone with it', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 4, { scout: 'operator/s', instance: 'i' })
    bench.join(['m'], 0, { scout: 'operator/s', instance: 'i' })
    bench.submit()
    expect(bench.take('grant')).toEqual([])
  })

  test('of a draining scout are not used', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 2)
    bench.step({ type: 'scoutDraining', session })
    bench.submit()
    bench.credit(session, 1)
    expect(bench.take('grant')).toEqual([])
  })
})

describe('the queue', () => {
  test('takes turns between tenants, so that one with many requests delays another by one place', () => {
    const bench = new CoreHarness({ creditMax: 50 })
    const session = bench.join(['m'], 0, { concurrency: 50 })
    for (let i = 0; i < 20; i++) bench.submit({ tenant: 'busy' })
    const quiet = bench.submit({ tenant: 'quiet' })
    const order: number[] = []
    for (let i = 0; i < 21; i++) {
      bench.credit(session, 1)
      order.push(bench.grant().task)
    }
    expect(order.indexOf(quiet)).toBe(1)
  })

  test('takes turns between tenants also when one frame grants many credits', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 0, { concurrency: 8 })
    for (let i = 0; i < 4; i++) bench.submit({ tenant: 'a' })
    for (let i = 0; i < 4; i++) bench.submit({ tenant: 'b' })
    bench.credit(session, 8)
    const tenants = bench.take('grant').map(({ task }) => (task <= 4 ? 'a' : 'b'))
    expect(tenants.join('')).toBe('abababab')
  })

  test('serves the earlier deadline first within a tenant', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'])
    const patient = bench.submit({ deadlineMs: 9_000 })
    const urgent = bench.submit({ deadlineMs: 1_000 })
    bench.credit(session, 2)
    expect(bench.take('grant').map((grant) => grant.task)).toEqual([urgent, patient])
  })

  test('refuses beyond its bound with a time to come back, and takes more once there is room', () => {
    const bench = new CoreHarness({ readyTasksMax: 2 })
    const session = bench.join(['m'])
    bench.submit({ tenant: 'a' })
    bench.submit({ tenant: 'b' })
    expect(bench.ended(bench.submit({ tenant: 'c' })).fault).toMatchObject({ code: 'queue_full', retryAfterMs: 2_000 })
    bench.credit(session, 1)
    bench.submit({ tenant: 'c' })
    expect(bench.take('finished')).toEqual([])
  })

  test('refuses one tenant beyond its share and still takes others', () => {
    const bench = new CoreHarness({ readyTasksPerTenantMax: 2 })
    bench.join(['m'])
    for (let i = 0; i < 2; i++) bench.submit({ tenant: 'greedy' })
    expect(bench.ended(bench.submit({ tenant: 'greedy' })).fault?.code).toBe('queue_full')
    bench.submit({ tenant: 'other' })
    expect(bench.take('finished')).toEqual([])
  })

  test('counts nothing that went straight to a scout', () => {
    const bench = new CoreHarness({ readyTasksMax: 0 })
    bench.join(['m'], 1)
    bench.submit()
    bench.grant()
    expect(bench.ended(bench.submit()).fault?.code).toBe('queue_full')
  })

  test('gives up after its timeout; the sentence tells what happened before', () => {
    const bench = new CoreHarness()
    bench.join(['m'])
    const plain = bench.submit()
    bench.pass(bench.settings.queueTimeoutMs + 50)
    expect(bench.ended(plain).fault).toMatchObject({
      code: 'no_scout_available',
      message: 'No scout was free for "m" within 10 s.',
      retryAfterMs: 5_000,
    })
    const session = bench.join(['m'], 1)
    const tried = bench.submit()
    bench.settle(bench.grant(), 'released', 'scout_draining')
    bench.step({ type: 'scoutDraining', session })
    bench.pass(bench.settings.queueTimeoutMs + 50)
    expect(bench.ended(tried).fault?.message).toContain('The attempt before failed: It said scout_draining.')
  })

  test('a freed scout takes what has waited longest over all of its models', () => {
    const bench = new CoreHarness()
    const session = bench.join(['x', 'y'])
    const first = bench.submit({ model: 'y' })
    bench.pass(50)
    bench.submit({ model: 'x' })
    bench.credit(session, 1)
    expect(bench.grant().task).toBe(first)
  })

  test('says how long a task waited for its first scout', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'])
    bench.submit()
    bench.pass(700)
    bench.credit(session, 1)
    const grant = bench.grant()
    expect(grant.queuedMs).toBe(700)
    bench.pass(300)
    bench.settle(grant)
    expect(bench.ended(grant.task).queuedMs).toBe(700)
  })
})

describe('the choice among idle scouts', () => {
  const busyOf = (bench: CoreHarness, session: number) => bench.state.roster.bySession.get(session)!.running

  test('prefers the one that is known to be faster', () => {
    const bench = new CoreHarness({ creditMax: 8 })
    const [slow, fast] = [
      bench.join(['m', 'slow'], 8, { concurrency: 8 }),
      bench.join(['m', 'fast'], 8, { concurrency: 8 }),
    ]
    const speed = (session: number) => bench.capability(session, 'm')
    Object.assign(speed(slow), { firstContentMs: 5_000, tokensPerSecond: 5, samples: 3 })
    Object.assign(speed(fast), { firstContentMs: 50, tokensPerSecond: 500, samples: 3 })
    for (const session of [slow, fast]) bench.state.roster.bySession.get(session)!.record.done = 3
    for (let i = 0; i < 6; i++) bench.submit()
    expect(busyOf(bench, fast)).toBe(6)
  })

  test.each([
    ['about as fast', 30, 'own'],
    ['much faster', 5, 'hub'],
  ] as const)('weighs a scout of its own against another hub that is %s', (_what, firstContentMs, who) => {
    const bench = new CoreHarness({ creditMax: 64 })
    const scouts = { own: 'operator/ant', hub: 'hub:beta/beta' }
    const sessions = Object.entries(scouts).map(([name, scout]) => {
      const operator = scout.slice(0, scout.indexOf('/'))
      const session = bench.join(['m', name], 64, { scout, operator, concurrency: 64 })
      const known = { firstContentMs: name === 'own' ? 50 : firstContentMs, tokensPerSecond: 1e6, samples: 3 }
      Object.assign(bench.capability(session, 'm'), known)
      bench.state.roster.bySession.get(session)!.record.done = 3
      return [name, session] as const
    })
    for (let i = 0; i < 8; i++) bench.submit()
    for (const [name, session] of sessions) expect(busyOf(bench, session)).toBe(name === who ? 8 : 0)
  })

  test('spreads over equal scouts', () => {
    const bench = new CoreHarness()
    const sessions = Array.from({ length: 4 }, () => bench.join(['m'], 4))
    for (let i = 0; i < 8; i++) bench.submit()
    for (const session of sessions) expect(busyOf(bench, session)).toBeLessThan(5)
    expect(sessions.filter((session) => busyOf(bench, session) > 0).length).toBeGreaterThan(2)
  })

  test('can name the terms of its cost, and they add up', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 1)
    bench.submit()
    const { task: id } = bench.grant()
    const task = bench.state.tasks.get(id)!
    noteTried(task, task.lease!)
    const cost = costOf(bench.capability(session, 'm'), task)
    const { totalMs, ...terms } = cost
    expect(Object.values(terms).reduce((sum, term) => sum + term, 0)).toBe(totalMs)
    expect(cost.operatorMs).toBeGreaterThan(0)
    expect(cost.loadMs).toBeGreaterThan(0)
  })

  test('books speed and success of the identity, and they outlive the session', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 1, { scout: 'operator/steady' })
    bench.submit()
    const grant = bench.grant()
    bench.pass(100)
    bench.content(grant)
    bench.pass(1_000)
    bench.settle(grant)
    bench.gone(session)
    const record = bench.state.roster.records.get('operator/steady')!
    expect(record).toMatchObject({ done: 1, failed: 0, sessions: 0 })
    const speed = { firstContentMs: 100, tokensPerSecond: 10, samples: 1 }
    expect([...record.speeds!.values()]).toEqual([speed])
    expect(bench.capability(bench.join(['m'], 1, { scout: 'operator/steady' }), 'm')).toMatchObject(speed)
  })

  test('an offer of two kinds is told apart', () => {
    const bench = new CoreHarness()
    const offers: Offer[] = [
      offerOf({ kind: 'chat', model: 'm', provider: 'talker' }),
      offerOf({ kind: 'embed', model: 'm', provider: 'embedder' }),
    ]
    bench.join([], 2, { offers })
    bench.submit({ kind: 'embed' })
    expect(bench.grant()).toMatchObject({ kind: 'embed', served: { provider: 'embedder' } })
    bench.submit({ kind: 'chat', model: 'auto' })
    expect(bench.grant()).toMatchObject({ kind: 'chat', model: 'm', served: { provider: 'talker' } })
  })
})
