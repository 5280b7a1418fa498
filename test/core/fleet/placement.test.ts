/** Where tasks go: offers, credits, queues and their bounds, models that come and go. */
import { describe, expect, test } from 'vitest'
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
