/** Scouts that leave, come back, come twice, and what becomes of the work they hold. */
import { describe, expect, test } from 'vitest'
import { CoreHarness, type Grant } from '../../support/hub/core-harness.ts'

const who = { scout: 'operator/s', instance: 'i' }

function holding({ task, attempt, nonce }: Grant) {
  return [{ task, attempt, nonce }]
}

/** One scout that works on one task, and another that could. */
function stage(): { bench: CoreHarness; session: number; task: number; grant: Grant; other: number } {
  const bench = new CoreHarness()
  const session = bench.join(['m'], 1, who)
  const task = bench.submit()
  const grant = bench.grant()
  bench.started(grant)
  const other = bench.join(['m'], 1)
  bench.take('welcome')
  return { bench, session, task, grant, other }
}

describe("a provider's pause", () => {
  function paused(retryAfterMs: number) {
    const bench = new CoreHarness()
    const session = bench.join(['m', 'n'], 1, who)
    bench.submit()
    bench.settle(bench.grant(), 'released', 'provider_rate_limited', retryAfterMs)
    return { bench, session }
  }

  test('outlives the session of its scout, for its time and for its model alone', () => {
    const { bench, session } = paused(5_000)
    bench.gone(session)
    bench.pass(2_000)
    bench.join(['m', 'n'], 2, who)
    expect(bench.take('grant')).toEqual([])
    bench.submit({ model: 'n' })
    const other = bench.grant()
    expect(other.model).toBe('n')
    bench.settle(other)
    bench.pass(2_900)
    expect(bench.take('grant')).toEqual([])
    bench.pass(200)
    expect(bench.grant()).toMatchObject({ model: 'm', attempt: 2 })
  })

  test('is passed on by a session that is superseded, and again by the next', () => {
    const { bench } = paused(6_000)
    bench.join(['m'], 1, who)
    bench.pass(1_000)
    const last = bench.join(['m'], 1, who)
    expect(bench.take('closeSession')).toHaveLength(2)
    expect(bench.state.roster.bySession.get(last)!.pauses!.get('m')!.dueMs).toBe(1_000 + 6_000)
    bench.pass(5_100)
    expect(bench.grant()).toMatchObject({ session: last, attempt: 2 })
  })

  test('that was over before the scout came back is forgotten, and no other identity has it', () => {
    const { bench, session } = paused(1_000)
    const other = bench.join(['m'], 1)
    expect(bench.grant()).toMatchObject({ session: other })
    bench.gone(session)
    bench.pass(1_100)
    const back = bench.join(['m'], 1, who)
    expect(bench.state.roster.bySession.get(back)!.pauses).toBeNull()
    bench.gone(back)
    expect(bench.state.roster.records.get(who.scout)!.pauses).toBeNull()
  })
})

describe('a scout that is gone', () => {
  test('before content leaves its task to another after at most the retry delay', () => {
    const { bench, session, task, other } = stage()
    bench.gone(session)
    expect(bench.take('attemptVoid')).toMatchObject([{ task, attempt: 1 }])
    bench.pass(bench.settings.retryBaseMs + 50)
    expect(bench.grant()).toMatchObject({ task, session: other, attempt: 2 })
  })

  test('after content is waited for, and no longer than the resume window', () => {
    const { bench, session, task, grant } = stage()
    bench.content(grant)
    bench.gone(session)
    bench.pass(bench.settings.resumeWindowMs - 100)
    expect(bench.take('finished')).toEqual([])
    bench.pass(200)
    expect(bench.ended(task)).toMatchObject({ attempts: 1, fault: { code: 'scout_lost' } })
    expect(bench.take('grant')).toEqual([])
  })

  test('leaves nothing armed and nothing counted', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 2, who)
    bench.submit()
    bench.settle(bench.grant(), 'released', 'provider_rate_limited', 60_000)
    bench.step({ type: 'renewed', session, task: 77, attempt: 1 })
    bench.gone(session)
    bench.pass(bench.settings.queueTimeoutMs + bench.settings.modelGraceMs)
    expect(bench.state.wheel.armed).toBe(0)
    expect([...bench.state.index.offerClasses()]).toEqual([])
    expect(bench.state.roster.bySession.size).toBe(0)
  })

  test('twice is gone once', () => {
    const { bench, session } = stage()
    bench.gone(session)
    expect(bench.gone(session)).toEqual([])
    expect(bench.credit(session, 1)).toEqual([])
  })
})

describe('a scout that comes back', () => {
  test('within the window goes on with the leases it presents', () => {
    const { bench, session, task, grant } = stage()
    bench.content(grant)
    bench.gone(session)
    bench.pass(500)
    const back = bench.join(['m'], 0, { ...who, held: holding(grant) })
    expect(bench.take('welcome')).toMatchObject([{ session: back, held: [{ task, attempt: 1, verdict: 'resumed' }] }])
    bench.pass(2_000)
    bench.step({ type: 'heartbeat', session: back })
    bench.pass(2_000)
    bench.settle({ ...grant, session: back })
    expect(bench.ended(task)).toMatchObject({ fault: null, attempts: 1 })
  })

  test('has its presented lease judged by all of task, attempt, nonce, identity and instance', () => {
    const wrong: [string, Partial<Grant>, object][] = [
      ['task', { task: 99 }, {}],
      ['attempt', { attempt: 2 }, {}],
      ['nonce', { nonce: new Uint8Array(16) }, {}],
      ['identity', {}, { scout: 'operator/other' }],
      ['instance', {}, { instance: 'other' }],
    ]
    for (const [what, fields, greeting] of wrong) {
      const { bench, session, task, grant } = stage()
      bench.content(grant)
      bench.gone(session)
      bench.join(['m'], 0, { ...who, ...greeting, held: holding({ ...grant, ...fields }) })
      expect([what, bench.take('welcome')[0]?.held[0]?.verdict]).toEqual([what, 'stale'])
      bench.pass(bench.settings.resumeWindowMs + 100)
      expect(bench.ended(task).fault?.code).toBe('scout_lost')
    }
  })

  test('learns that a settlement it had sent was committed', () => {
    const { bench, session, task, grant } = stage()
    bench.settle(grant)
    bench.gone(session)
    bench.join(['m'], 0, { ...who, held: holding(grant) })
    expect(bench.take('welcome')[0]?.held).toMatchObject([{ task, attempt: 1, verdict: 'committed' }])
  })

  test('learns that its task went elsewhere meanwhile', () => {
    const { bench, session, grant } = stage()
    bench.gone(session)
    bench.pass(200)
    bench.grant()
    const back = bench.join(['m'], 0, { ...who, held: holding(grant) })
    expect(bench.take('welcome')[0]?.held[0]?.verdict).toBe('stale')
    expect(bench.settle({ ...grant, session: back })).toMatchObject([{ verdict: 'stale' }])
  })

  test('cannot take up one lease twice', () => {
    const { bench, session, grant } = stage()
    bench.content(grant)
    bench.gone(session)
    bench.join(['m'], 0, { ...who, held: [...holding(grant), ...holding(grant)] })
    expect(bench.take('welcome')[0]?.held.map((reply) => reply.verdict)).toEqual(['resumed', 'stale'])
  })

  test('cannot be continued by its old session', () => {
    const { bench, session, task, grant } = stage()
    bench.content(grant)
    bench.gone(session)
    bench.join(['m'], 0, { ...who, held: holding(grant) })
    expect(bench.settle(grant)).toEqual([])
    expect(bench.state.tasks.get(task)?.state).toBe('leased')
  })

  test('has its record back: nothing is washed off by dialing again', () => {
    const { bench, session, grant } = stage()
    bench.settle(grant, 'failed')
    bench.gone(session)
    bench.join(['m'], 0, who)
    expect(bench.state.roster.records.get('operator/s')).toMatchObject({ failed: 1, sessions: 1 })
  })
})

describe('a lost scout is not waited for', () => {
  /** Comes with what it presents, and has presented it. */
  function greets(bench: CoreHarness, instance: string, held: ReturnType<typeof holding> = []): number {
    const session = bench.join(['m'], 0, { ...who, instance, held })
    bench.step({ type: 'claimsEnded', session })
    return session
  }

  function seen() {
    const all = stage()
    all.bench.content(all.grant)
    return all
  }

  test('when it comes back without the answer that its client has begun to read', () => {
    const { bench, session, task } = seen()
    bench.gone(session)
    bench.pass(100)
    greets(bench, who.instance)
    expect(bench.ended(task).fault).toMatchObject({
      code: 'scout_lost',
      message: 'The scout that worked on this lost its connection and came back without it.',
    })
  })

  test('when another process has come in its place', () => {
    const { bench, session, task } = seen()
    bench.gone(session)
    bench.pass(100)
    greets(bench, 'its successor')
    expect(bench.ended(task).fault).toMatchObject({
      code: 'scout_lost',
      message: 'The scout that worked on this ended and was started anew.',
    })
  })

  test('but is when it is not certain whose place the process takes', () => {
    const unclear: [string, (bench: CoreHarness, session: number, grant: Grant) => void][] = [
      [
        'one that was here before, and lost as well',
        (bench, session) => {
          const sibling = bench.join(['m'], 0, { ...who, instance: 'sibling' })
          bench.gone(session)
          bench.gone(sibling)
          greets(bench, 'sibling')
        },
      ],
      [
        'of several that were lost',
        (bench, session) => {
          const sibling = bench.join(['m'], 0, { ...who, instance: 'sibling' })
          bench.gone(session)
          bench.gone(sibling)
          greets(bench, 'new')
        },
      ],
      [
        'beside one that is connected',
        (bench, session) => {
          bench.join(['m'], 0, { ...who, instance: 'sibling' })
          bench.gone(session)
          greets(bench, 'new')
        },
      ],
      [
        'one that presents something, as a process that has just begun does not',
        (bench, session, grant) => {
          bench.gone(session)
          greets(bench, 'a clone', holding(grant))
        },
      ],
      [
        'of another name',
        (bench, session) => {
          bench.gone(session)
          bench.step({ type: 'claimsEnded', session: bench.join(['m'], 0) })
        },
      ],
    ]
    for (const [what, happens] of unclear) {
      const { bench, session, task, grant } = seen()
      happens(bench, session, grant)
      expect([what, bench.state.tasks.get(task)?.state]).toEqual([what, 'leased'])
      const back = greets(bench, who.instance, holding(grant))
      bench.settle({ ...grant, session: back })
      expect([what, bench.ended(task).fault]).toEqual([what, null])
    }
  })

  test('by a durable task, when its process is another: the task goes on elsewhere, charged', () => {
    const bench = new CoreHarness()
    const session = bench.join(['m'], 1, who)
    const { a } = bench.accept({ a: [] })
    bench.started(bench.grant())
    bench.gone(session)
    greets(bench, 'its successor')
    expect(bench.state.tasks.get(a)).toMatchObject({ charged: 1, lastFault: { code: 'scout_lost' } })
  })

  test('by a durable task longer than most need to come back, where another one offers its model', () => {
    const { resumeWindowMs, leaseTtlMs, leaseGraceMs } = new CoreHarness().settings
    for (const [others, waitMs] of [
      [1, resumeWindowMs],
      [0, leaseTtlMs + leaseGraceMs],
    ] as const) {
      const bench = new CoreHarness()
      const session = bench.join(['m'], 1, who)
      const { a } = bench.accept({ a: [] })
      bench.started(bench.grant())
      for (let scout = 0; scout < others; scout++) bench.join(['m'], 1)
      bench.gone(session)
      bench.pass(waitMs - 100)
      expect([others, bench.state.tasks.get(a)?.state]).toEqual([others, 'leased'])
      bench.pass(200)
      expect([others, bench.state.tasks.get(a)?.charged]).toEqual([others, 1])
    }
  })

  test('at all, when it had said that it leaves', () => {
    for (const isDurable of [false, true]) {
      const bench = new CoreHarness()
      const session = bench.join(['m'], 1, who)
      const task = isDurable ? bench.accept({ a: [] }).a : bench.submit()
      const grant = bench.grant()
      bench.content(grant)
      bench.step({ type: 'scoutDraining', session })
      bench.gone(session)
      if (isDurable) expect(bench.state.tasks.get(task)).toMatchObject({ charged: 1 })
      else expect(bench.ended(task).fault?.code).toBe('scout_lost')
    }
  })
  test('when its key stopped working: what it had goes back uncharged, and leaves no mark on it', () => {
    for (const isDurable of [false, true]) {
      const bench = new CoreHarness()
      const session = bench.join(['m'], 1, who)
      const task = isDurable ? bench.accept({ a: [] }).a : bench.submit()
      bench.started(bench.grant())
      const { record } = bench.state.roster.bySession.get(session)!
      bench.step({ type: 'scoutDraining', session })
      bench.step({ type: 'scoutGone', session, isExpelled: true })
      expect(bench.state.tasks.get(task)).toMatchObject({ lease: null, charged: 0, handedBack: 1 })
      expect([record.done, record.failed]).toEqual([0, 0])
    }
  })
})

describe('a second session of the same process', () => {
  test('supersedes the first and takes its leases along, content or not', () => {
    for (const began of [false, true]) {
      const { bench, session, task, grant } = stage()
      if (began) bench.content(grant)
      const newer = bench.join(['m'], 0, { ...who, held: holding(grant) })
      expect(bench.take('closeSession')).toEqual([{ type: 'closeSession', session, why: 'superseded' }])
      expect(bench.take('welcome')[0]?.held[0]?.verdict).toBe('resumed')
      bench.gone(session)
      expect(bench.take('attemptVoid')).toEqual([])
      bench.settle({ ...grant, session: newer })
      expect(bench.ended(task).fault).toBeNull()
    }
  })

  test('that does not present a lease gives it up', () => {
    const { bench, task, other } = stage()
    bench.join(['m'], 0, who)
    bench.pass(200)
    expect(bench.grant()).toMatchObject({ task, session: other })
  })

  test('leaves nothing to say to the first', () => {
    const { bench, session, grant } = stage()
    bench.step({ type: 'renewed', session, task: 1_000, attempt: 1 })
    bench.join(['m'], 0, { ...who, held: holding(grant) })
    bench.take('cancelAttempt')
    bench.take('closeSession')
    const late = [...bench.credit(session, 1), ...bench.settle(grant), ...bench.pass(1_000)]
    expect(late.filter((effect) => 'session' in effect && effect.session === session)).toEqual([])
  })

  test('of another process of the same name lives beside it', () => {
    const { bench } = stage()
    bench.join(['m'], 1, { ...who, instance: 'second' })
    expect(bench.take('closeSession')).toEqual([])
    expect(bench.state.roster.records.get('operator/s')?.sessions).toBe(2)
  })
})

describe('the records', () => {
  test('of those who left are bounded, the longest-gone goes first', () => {
    const bench = new CoreHarness({ recordsMax: 3 })
    for (const name of ['a', 'b', 'c', 'd', 'e']) bench.gone(bench.join(['m'], 0, { scout: name }))
    expect([...bench.state.roster.records.keys()]).toEqual(['c', 'd', 'e'])
  })

  test('of those who are connected are kept whatever the bound', () => {
    const bench = new CoreHarness({ recordsMax: 1 })
    for (const name of ['a', 'b', 'c']) bench.join(['m'], 0, { scout: name })
    bench.gone(bench.join(['m'], 0, { scout: 'd' }))
    expect([...bench.state.roster.records.keys()]).toEqual(['a', 'b', 'c'])
  })
})
