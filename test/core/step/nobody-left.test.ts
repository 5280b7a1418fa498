/** What clients are told when nobody will take their task: no scout is left for the model, or all are paused. */
import { describe, expect, test } from 'vitest'
import { defaultRouting } from '../../../orchestrator/core/model/routing-options.ts'
import { departedModelsMax, departedModelsMs } from '../../../shared/limits/scheduling.ts'
import { CoreHarness, offersOf, pair } from '../../support/hub/core-harness.ts'

const who = { scout: 'operator/s', instance: 'i' }
/** As in production, where a wait is much shorter than the grace. */
const waits = { modelWaitMs: 2_000, modelGraceMs: 6_000, returnWindowMs: 1_500 }

describe('a model whose last scout is gone', () => {
  test('is waited for as long as most scouts need to come back, then a task that nobody had fails for that', () => {
    const bench = new CoreHarness(waits)
    bench.gone(bench.join(['m']))
    const task = bench.submit()
    bench.pass(waits.modelWaitMs - 100)
    expect(bench.take('finished')).toEqual([])
    bench.pass(200)
    expect(bench.ended(task).fault).toEqual({
      code: 'no_scout_available',
      message: 'No connected scout offers "m" for chat: the last one that did lost its connection 2 s ago.',
      retryAfterMs: waits.returnWindowMs,
    })
  })

  test('ends a task that somebody had with what happened to it', () => {
    const bench = new CoreHarness(waits)
    const session = bench.join(['m'], 1)
    const task = bench.submit()
    bench.started(bench.grant())
    bench.gone(session)
    bench.pass(waits.modelWaitMs - 100)
    expect(bench.take('finished')).toEqual([])
    bench.pass(200)
    expect(bench.ended(task).fault).toMatchObject({
      code: 'scout_lost',
      message: expect.stringMatching(
        /^The scout that worked on this lost its connection\. No connected scout offers "m"/,
      ),
    })
  })

  test('fails a task at its return when the wait is over by then', () => {
    const { bench, task, grant } = pair(waits)
    bench.started(grant)
    for (const session of [1, 2]) {
      bench.step({ type: 'scoutOffers', session, concurrency: 4, offers: [] })
    }
    for (let beats = 0; beats < 5; beats++) {
      bench.pass(500)
      bench.step({ type: 'heartbeat', session: grant.session })
    }
    bench.settle(grant, 'released', 'scout_draining')
    expect(bench.ended(task).fault).toMatchObject({ code: 'scout_draining', retryAfterMs: waits.returnWindowMs })
  })

  test('is refused at once from then on, with why it went, and for some minutes after it was forgotten', () => {
    const bench = new CoreHarness(waits)
    const session = bench.join(['m'])
    bench.step({ type: 'scoutDraining', session })
    bench.gone(session)
    bench.pass(3_000)
    const refused = () => bench.ended(bench.submit()).fault
    expect(refused()).toEqual({
      code: 'model_not_found',
      message: 'No connected scout offers "m" for chat: the last one that did left 3 s ago.',
      param: 'model',
    })
    bench.pass(waits.modelGraceMs)
    expect(bench.state.index.entry('chat', 'm')).toBeUndefined()
    expect(refused()!.message).toContain('the last one that did left 9 s ago')
    bench.nowMs += 300_000
    bench.pass(50)
    expect(refused()!.message).toContain('left 5 min ago')
    bench.nowMs += departedModelsMs
    bench.pass(50)
    expect(refused()!.message).toBe('No connected scout offers "m" for chat, nor anything else for it right now.')
  })

  test('is not waited for when its provider refused the key or has it no more: nobody is on the way back', () => {
    for (const [code, words] of [
      ['provider_unauthorized', '0 s ago the provider of the last one that did refused its key or its account'],
      ['not_offered', '0 s ago the provider of the last one that did had it no more'],
    ] as const) {
      const bench = new CoreHarness(waits)
      const session = bench.join(['m', 'n'], 2)
      const tried = bench.submit()
      bench.settle(bench.grant(), 'failed', code)
      bench.step({ type: 'scoutOffers', session, concurrency: 4, offers: [] })
      const fresh = bench.ended(bench.submit()).fault
      expect(fresh).toMatchObject({ code: 'model_not_found', message: expect.stringContaining(words) })
      bench.pass(bench.settings.retryBaseMs + 50)
      const expected = code === 'not_offered' ? 'model_not_found' : code
      expect(bench.ended(tried).fault).toMatchObject({ code: expected, message: expect.stringContaining(words) })
      // That a model is gone says nothing about the others.
      const other = bench.submit({ model: 'n' })
      if (code === 'not_offered') expect(bench.take('finished')).toEqual([])
      else expect(bench.ended(other).fault?.message).toContain('refused its key')
    }
  })

  test('is waited for when it was taken back without a reason, or long after one', () => {
    const bench = new CoreHarness(waits)
    const session = bench.join(['m'], 1)
    bench.submit({ deadlineMs: 1_000 })
    bench.settle(bench.grant(), 'failed', 'provider_unauthorized')
    for (let beats = 0; beats < 70; beats++) {
      bench.pass(1_000)
      bench.step({ type: 'heartbeat', session })
    }
    bench.step({ type: 'scoutOffers', session, concurrency: 4, offers: [] })
    bench.take('finished')
    const task = bench.submit()
    expect(bench.take('finished')).toEqual([])
    bench.pass(waits.modelWaitMs + 50)
    expect(bench.ended(task).fault).toMatchObject({
      code: 'no_scout_available',
      message: expect.stringContaining('the last one that did took it back'),
    })
  })

  test('says nothing of what a provider said: that was about the request of somebody else', () => {
    const bench = new CoreHarness(waits)
    const session = bench.join(['m'], 1)
    bench.submit({ tenant: 'one' })
    bench.settle(bench.grant(), 'failed', 'not_offered')
    bench.step({ type: 'scoutOffers', session, concurrency: 4, offers: [] })
    expect(bench.ended(bench.submit({ tenant: 'other' })).fault?.message).not.toContain('It said')
  })

  test('is offered again as if nothing had been, and may go for another reason', () => {
    const bench = new CoreHarness(waits)
    bench.gone(bench.join(['m'], 0, who))
    bench.pass(1_000)
    const back = bench.join(['m'], 1, who)
    const task = bench.submit()
    expect(bench.grant().task).toBe(task)
    bench.step({ type: 'scoutDraining', session: back })
    bench.gone(back)
    bench.pass(waits.modelWaitMs + 700)
    bench.take('finished')
    expect(bench.ended(bench.submit()).fault?.message).toContain('left')
  })

  test('leaves the durable tasks that wait for it alone', () => {
    const bench = new CoreHarness(waits)
    bench.gone(bench.join(['m']))
    const { a } = bench.accept({ a: [] })
    bench.pass(3 * waits.modelGraceMs)
    expect(bench.state.tasks.get(a)?.state).toBe('ready')
    bench.join(['m'], 1)
    expect(bench.grant().task).toBe(a)
  })

  test('that was never here is refused at once, though a durable task waits for it', () => {
    const bench = new CoreHarness(waits)
    bench.accept({ a: [] })
    expect(bench.ended(bench.submit()).fault).toMatchObject({ code: 'model_not_found' })
    bench.pass(20_000)
    expect(bench.ended(bench.submit()).fault).toMatchObject({ code: 'model_not_found' })
  })

  test('stays within a bound as a memory, whatever names there were', () => {
    const bench = new CoreHarness({ ...waits, modelsPerOwnerMax: 64, modelsMax: 64 })
    const session = bench.join([], 0, who)
    const inAll = departedModelsMax + 500
    const core = bench.core
    for (let model = 0; model < inAll; model++) {
      // As slowly as new names are taken up.
      bench.nowMs += 20
      core.step({ type: 'scoutOffers', session, concurrency: 1, offers: offersOf(`m${model}`) }, bench.nowMs, [])
    }
    expect(bench.state.departed.size).toBe(departedModelsMax)
    expect(bench.state.departed.find(`chat\tm${inAll - 100}`, bench.nowMs)).toMatchObject({ why: 'withdrawn' })
    expect(bench.state.departed.find('chat\tm1', bench.nowMs)).toBeNull()
  })
})

describe('a model of which every scout is paused', () => {
  /** So many scouts, each paused for its time. */
  function paused(...pausesMs: number[]) {
    const bench = new CoreHarness()
    const sessions = pausesMs.map((_, at) => bench.join(['m'], 4, { scout: `operator/s${at}` }))
    // One scout after the other has the task, until none is left.
    const task = bench.submit({ deadlineMs: 20_000 })
    for (const ms of pausesMs) {
      const [grant] = bench.take('grant')
      bench.settle(grant!, 'released', 'provider_rate_limited', ms)
    }
    return { bench, sessions, task }
  }

  test('refuses at once what cannot wait so long, with the time after which it can be asked again', () => {
    const { bench, task } = paused(120_000, 45_000, 60_000)
    expect(bench.ended(task).fault).toEqual({
      code: 'rate_limited',
      message: 'Every provider of "m" is at its rate limit: try again in 45 s, or name another model.',
      retryAfterMs: 45_000,
    })
    bench.pass(5_000)
    expect(bench.ended(bench.submit()).fault).toMatchObject({ code: 'rate_limited', retryAfterMs: 40_000 })
  })

  test('keeps what can wait, and serves it then', () => {
    const { bench, task } = paused(3_000, 9_000)
    bench.pass(2_900)
    expect(bench.take('finished')).toEqual([])
    bench.pass(200)
    expect(bench.grant().task).toBe(task)
  })

  test('decides by how long each request can wait', () => {
    const { bench } = paused(5_000)
    bench.take('finished')
    const hasty = bench.submit({ deadlineMs: 4_000 })
    const patient = bench.submit({ deadlineMs: 60_000 })
    expect(bench.ended(hasty).fault).toMatchObject({ code: 'rate_limited', retryAfterMs: 5_000 })
    bench.pass(5_100)
    expect(bench.take('grant').map(({ task }) => task)).toContain(patient)
  })

  test('ends what has been waiting for a busy scout when that is paused, too', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 1)
    bench.submit()
    const grant = bench.grant()
    const waiting = [bench.submit(), bench.submit()]
    const { a } = bench.accept({ a: [] })
    bench.settle(grant, 'released', 'provider_rate_limited', 60_000)
    bench.pass(50)
    const ended = bench.take('finished')
    expect(ended.map(({ task }) => task).sort()).toEqual([grant.task, ...waiting].sort())
    for (const { fault } of ended) expect(fault?.code).toBe('rate_limited')
    // A durable task has the time.
    expect(bench.state.tasks.get(a)?.state).toBe('ready')
  })

  test('is that also when the last scout that was not paused is gone', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 1, { scout: 'operator/limited' })
    const task = bench.submit()
    const grant = bench.grant()
    const other = bench.join(['m'], 0)
    bench.settle(grant, 'released', 'provider_rate_limited', 60_000)
    bench.pass(100)
    expect(bench.take('finished')).toEqual([])
    bench.gone(other)
    bench.pass(50)
    expect(bench.ended(task).fault).toMatchObject({ code: 'rate_limited' })
  })

  test('is open again as soon as one is', () => {
    const { bench, sessions } = paused(60_000, 60_000)
    bench.take('finished')
    expect(bench.ended(bench.submit()).fault?.code).toBe('rate_limited')
    const fresh = bench.join(['m'], 1)
    const task = bench.submit()
    expect(bench.grant()).toMatchObject({ task, session: fresh })
    bench.gone(fresh)
    bench.gone(sessions[0]!)
    bench.pass(200)
    bench.take('finished')
    expect(bench.ended(bench.submit()).fault).toMatchObject({ code: 'rate_limited' })
  })

  test('is no matter of a pause that was moved, or of a scout that drains or has gone', () => {
    const { bench, sessions } = paused(40_000, 50_000, 60_000)
    bench.take('finished')
    const endOf = (session: number) => bench.state.roster.bySession.get(session)!.pauses!.get('m')!.dueMs
    const [first, second] = sessions.toSorted((one, other) => endOf(one) - endOf(other))
    bench.gone(first!)
    bench.step({ type: 'scoutDraining', session: second! })
    expect(bench.ended(bench.submit()).fault).toMatchObject({ retryAfterMs: 60_000 })
  })

  test('counts by the scouts that a request may have: those that it leaves out are not waited for', () => {
    const { bench } = paused(3_000, 45_000, 60_000)
    bench.take('finished')
    const record = (ms: number) => {
      const scouts = [...bench.state.roster.bySession.values()]
      return scouts.find(({ pauses }) => pauses!.get('m')!.dueMs - bench.nowMs === ms)!.record.scout
    }
    const [soon, later, latest] = [record(3_000), record(45_000), record(60_000)]
    const refused = (routing: object) => {
      return bench.ended(bench.submit({ routing: { ...defaultRouting, ...routing } })).fault
    }
    expect(refused({ only: [latest] })).toMatchObject({ code: 'rate_limited', retryAfterMs: 60_000 })
    expect(refused({ ignore: [soon] })).toMatchObject({ code: 'rate_limited', retryAfterMs: 45_000 })
    expect(refused({ ignore: [soon, later] })).toMatchObject({ code: 'rate_limited', retryAfterMs: 60_000 })
    bench.submit({ routing: { ...defaultRouting, ignore: [latest] } })
    expect(bench.take('finished')).toEqual([])
  })

  test('holds for "auto" when it holds for all models', () => {
    const bench = new CoreHarness()
    bench.join(['m', 'n'], 4)
    for (const [model, ms] of [
      ['m', 90_000],
      ['n', 70_000],
    ] as const) {
      bench.submit({ model })
      bench.settle(bench.grant(), 'released', 'provider_rate_limited', ms)
    }
    bench.take('finished')
    expect(bench.ended(bench.submit({ model: 'auto' })).fault).toMatchObject({
      code: 'rate_limited',
      retryAfterMs: 70_000,
    })
  })

  test('says the true time when a request has waited in vain, or finds no room to', () => {
    const bench = new CoreHarness({ readyTasksMax: 1 })
    bench.join(['m'], 1)
    bench.submit()
    const grant = bench.grant()
    bench.submit()
    expect(bench.ended(bench.submit()).fault).toMatchObject({ code: 'queue_full', retryAfterMs: 2_000 })
    bench.settle(grant, 'released', 'provider_rate_limited', 9_900)
    bench.take('finished')
    expect(bench.ended(bench.submit()).fault).toMatchObject({ code: 'queue_full', retryAfterMs: 9_900 })
  })

  test('keeps as many times as its scouts need, however often they are paused', () => {
    const bench = new CoreHarness({ creditMax: 8 })
    const session = bench.join(['m'], 8, { concurrency: 8 })
    for (let times = 0; times < 200; times++) {
      bench.submit()
      bench.settle(bench.grant(), 'released', 'provider_rate_limited', 1_000)
      bench.credit(session, 1)
      bench.step({ type: 'cancel', task: times + 1, fault: { code: 'cancelled', message: 'Gone.' } })
      bench.pass(1_100)
    }
    expect(bench.state.index.entry('chat', 'm')!.resumes!.heap.length).toBeLessThan(40)
  })

  test('keeps each of them once, however often its scouts change what they offer', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m', 'n'], 2)
    for (const model of ['m', 'n']) {
      bench.submit({ model })
      bench.settle(bench.grant(), 'released', 'provider_rate_limited', 60_000)
    }
    for (let times = 0; times < 200; times++) {
      const models = times % 2 === 0 ? ['n', 'm'] : ['m', 'n']
      bench.step({ type: 'scoutOffers', session, concurrency: 4, offers: offersOf(...models) })
    }
    for (const model of ['m', 'n', 'auto']) {
      expect(bench.state.index.entry('chat', model)!.resumes!.heap.length).toBeLessThan(40)
    }
    bench.take('finished')
    expect(bench.ended(bench.submit()).fault).toMatchObject({ code: 'rate_limited', retryAfterMs: 60_000 })
  })
})
