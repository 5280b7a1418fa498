/** Tasks that no scout works on: when a decision is asked for, what it does, how it expands or ends a scroll. */
import { describe, expect, test } from 'vitest'
import type { AcceptedTask } from '../../../orchestrator/core/events.ts'
import { fault } from '../../../shared/faults.ts'
import { CoreHarness, type Grant, offersOf } from '../../support/hub/core-harness.ts'

const cause = fault('internal_error', 'It cannot go on.')
const control = { control: true, state: 'blocked' } as const

function stage(): CoreHarness {
  const bench = new CoreHarness()
  bench.join(['m'], 8, { concurrency: 8 })
  bench.join(['m'], 8, { concurrency: 8 })
  return bench
}

/** A part that a scout works on, a control node that needs it, and a result that needs that. */
function threesome(bench: CoreHarness, as: Partial<AcceptedTask> = {}) {
  return bench.accept({ part: [], map: ['part'], end: ['map'] }, {}, { map: { ...control, ...as } })
}

function asked(bench: CoreHarness): number[] {
  return bench.take('decide').map(({ task }) => task)
}

function byTask(bench: CoreHarness): Map<number, Grant> {
  return new Map(bench.take('grant').map((grant) => [grant.task, grant]))
}

const stateOf = (bench: CoreHarness, task: number) => bench.state.tasks.get(task)?.state

describe('a control node', () => {
  test('is asked for at once when it needs nothing, and goes to no scout', () => {
    const bench = stage()
    const { only } = bench.accept({ only: [] }, {}, { only: control })
    expect([asked(bench), bench.take('grant'), stateOf(bench, only)]).toEqual([[only], [], 'deciding'])
  })

  test('is asked for when the last thing it needs is done, after that was persisted', () => {
    const bench = stage()
    const { map } = threesome(bench)
    expect(asked(bench)).toEqual([])
    const effects = bench.settle(bench.grant())
    const settled = effects.findIndex((effect) => effect.type === 'persist' && effect.change.change === 'settle')
    expect(effects.findIndex(({ type }) => type === 'decide')).toBeGreaterThan(settled)
    expect([asked(bench), bench.take('grant')]).toEqual([[map], []])
  })

  test('sees needs that failed or were skipped, where another task would be skipped', () => {
    const bench = stage()
    const ids = bench.accept(
      { bad: [], lost: ['bad'], vote: ['bad', 'lost'], plain: ['bad'], end: ['vote'] },
      {},
      { vote: control },
    )
    bench.settle(bench.grant(), 'failed', 'invalid_request')
    expect(asked(bench)).toEqual([ids.vote])
    expect([stateOf(bench, ids.plain), stateOf(bench, ids.end)]).toEqual([undefined, 'blocked'])
    bench.step({ type: 'decided', task: ids.vote })
    bench.settle(bench.grant())
    expect(bench.changes().at(-1)).toBe('int done')
  })

  test('is done by its decision, which frees what needs it in the same step', () => {
    const bench = stage()
    const { map, end } = threesome(bench)
    bench.settle(bench.grant())
    bench.changes()
    bench.step({ type: 'decided', task: map })
    expect(bench.changes()).toEqual([`decide ${map}`, `unblock ${end}`, `lease ${end}`])
    expect(bench.ended(map).fault).toBeNull()
  })

  test('fails by its decision, and with it what needs it', () => {
    const bench = stage()
    const { map, end } = threesome(bench)
    bench.settle(bench.grant())
    bench.changes()
    bench.step({ type: 'decisionFailed', task: map, fault: cause })
    expect(bench.changes()).toEqual([`${map} failed`, `${end} skipped`, 'int failed'])
  })

  test.each(['decided', 'decisionFailed', 'expanded'] as const)(
    'is over for a decision that comes too late: %s',
    (type) => {
      const bench = stage()
      const { map } = threesome(bench)
      bench.settle(bench.grant())
      bench.step({ type: 'cancelIntent', intent: 'int', fault: fault('cancelled', 'The client cancelled it.') })
      bench.changes()
      const late = {
        decided: {},
        decisionFailed: { fault: cause },
        expanded: { tasks: [bench.accepted(99)], waitFor: [99] },
      }
      bench.step({ type, task: map, ...late[type] } as Parameters<typeof bench.step>[0])
      expect([bench.changes(), bench.state.tasks.size]).toEqual([[], 0])
    },
  )

  test('is not asked for when its intent is cancelled under it', () => {
    const bench = stage()
    threesome(bench)
    bench.step({ type: 'cancelIntent', intent: 'int', fault: fault('cancelled', 'The client cancelled it.') })
    expect([asked(bench), bench.changes().at(-1)]).toEqual([[], 'int cancelled'])
  })

  test('fails with its deadline while nobody decides', () => {
    const bench = stage()
    const { only } = bench.accept({ only: [] }, { deadlineMs: 500 }, { only: control })
    bench.pass(600)
    expect(bench.ended(only).fault).toMatchObject({ code: 'deadline_exceeded' })
  })
})

describe('a scroll that grows', () => {
  test('gives out what joined it, and asks again when what it waits for is over, done or not', () => {
    const bench = stage()
    const { map } = bench.accept({ map: [] }, {}, { map: control })
    bench.changes()
    const [one, two, sum] = bench.expand(map, [[], [], [2, 3]])
    expect(bench.changes().slice(0, 1)).toEqual([`expand ${map}`])
    expect([stateOf(bench, map), stateOf(bench, sum!)]).toEqual(['blocked', 'blocked'])
    const grants = byTask(bench)
    asked(bench)
    bench.settle(grants.get(one!)!)
    expect(asked(bench)).toEqual([])
    bench.settle(grants.get(two!)!, 'failed', 'invalid_request')
    expect([asked(bench), stateOf(bench, map)]).toEqual([[map], 'deciding'])
    bench.step({ type: 'decided', task: map })
    expect(bench.changes().at(-1)).toBe('int done')
  })

  test('may need what was there before, done already or still to come', () => {
    const bench = stage()
    const { early, late, map } = bench.accept({ early: [], late: [], map: ['early'] }, {}, { map: control })
    const grants = byTask(bench)
    bench.settle(grants.get(early)!)
    const [one, two] = bench.expand(map, [[early], [late, early]])
    expect([...byTask(bench).keys()]).toEqual([one])
    bench.settle(grants.get(late)!)
    expect([...byTask(bench).keys()]).toEqual([two])
  })

  test('skips what joins it to need something that has ended without a result', () => {
    const bench = stage()
    const { bad, map } = bench.accept({ bad: [], map: ['bad'] }, {}, { map: control })
    bench.settle(bench.grant(), 'failed', 'invalid_request')
    bench.changes()
    const [lost] = bench.expand(map, [[bad]])
    expect(bench.changes()).toEqual([`expand ${map}`, `${lost} skipped`])
    expect(asked(bench)).toEqual([map, map])
  })

  test('asks again at once when it waits for nothing', () => {
    const bench = stage()
    const { map } = bench.accept({ map: [] }, {}, { map: control })
    asked(bench)
    bench.expand(map, [])
    expect([asked(bench), stateOf(bench, map)]).toEqual([[map], 'deciding'])
  })

  test('may expand by control nodes, which expand in their turn', () => {
    const bench = stage()
    const { map } = bench.accept({ map: [] }, {}, { map: control })
    const [inner] = bench.expand(map, [[]], [true])
    const [leaf] = bench.expand(inner!, [[]])
    expect(asked(bench)).toEqual([map, inner])
    bench.settle(bench.grant())
    expect(leaf).toBeGreaterThan(inner!)
    bench.step({ type: 'decided', task: inner! })
    expect(asked(bench)).toEqual([inner, map])
  })

  test('is asked for again after a restart when what it waits for is over, and only then', () => {
    const bench = stage()
    const { part, map } = threesome(bench)
    bench.settle(bench.grant())
    bench.expand(map, [[], []])
    const grants = bench.take('grant')
    bench.settle(grants[0]!)
    const [stored] = bench.mirror.recover(bench.nowMs)
    const next = new CoreHarness()
    next.step(stored!)
    expect(next.take('decide')).toEqual([])
    bench.settle(grants[1]!)
    const [again] = bench.mirror.recover(bench.nowMs)
    const last = new CoreHarness()
    last.step(again!)
    expect(last.take('decide')).toEqual([{ type: 'decide', task: map }])
    expect(last.state.tasks.has(part)).toBe(false)
  })
})

describe('what a task of a scroll asks for on its own', () => {
  const terms = (own: AcceptedTask['terms']) => ({ terms: own })

  test('a deadline counts from when all it needs is done', () => {
    const bench = stage()
    const { b } = bench.accept({ a: [], b: ['a'] }, {}, { b: terms({ deadlineMs: 300 }) })
    const first = bench.grant()
    bench.pass(1_000)
    bench.settle(first)
    bench.take('grant')
    bench.pass(200)
    expect(stateOf(bench, b)).toBe('leased')
    bench.pass(150)
    expect(bench.ended(b).fault).toMatchObject({ code: 'deadline_exceeded' })
  })

  test('attempts are no more than it allows', () => {
    const bench = stage()
    const { a } = bench.accept({ a: [] }, {}, { a: terms({ attemptsMax: 1 }) })
    bench.settle(bench.grant(), 'failed')
    expect(bench.ended(a).fault).toMatchObject({ code: 'scout_error' })
  })

  test('a boost lets it go before others of its tenant, within the scale', () => {
    const bench = new CoreHarness()
    const { b } = bench.accept({ a: [], b: [] }, { priority: 8 }, { b: terms({ boost: 5 }) })
    expect(bench.state.tasks.get(b)!.priority).toBe(9)
    bench.join(['m'], 1)
    expect(bench.grant().task).toBe(b)
  })

  test('it goes only where the offer has what it requires; an unknown context passes, unknown prices do not', () => {
    const requires = { contextTokensMin: 1_000, abilities: 2, priceMax: 50 }
    const bench = new CoreHarness()
    const { a } = bench.accept({ a: [] }, {}, { a: terms({ requires }) })
    const [plain] = offersOf('m')
    const fits = { ...plain!, abilities: 3, promptPrice: 10, answerPrice: 50 }
    const lacking = [{ contextTokens: 999 }, { abilities: 1 }, { answerPrice: 51 }, { promptPrice: null }]
    for (const less of lacking) bench.join(['m'], 1, { offers: [{ ...fits, ...less }] })
    expect(bench.take('grant')).toEqual([])
    const session = bench.join(['m'], 1, { offers: [fits] })
    expect(bench.grant()).toMatchObject({ task: a, session })
  })

  test('one that requires trust goes neither to a scout without a record nor to one that fails too often', () => {
    const bench = new CoreHarness()
    const { a } = bench.accept({ a: [] }, {}, { a: terms({ requires: { trustMin: 0.9 } }) })
    bench.join(['m'], 1)
    const flaky = bench.join(['m'], 0)
    const good = bench.join(['m'], 0)
    const record = (session: number) => bench.state.roster.bySession.get(session)!.record
    Object.assign(record(flaky), { done: 50, failureRate: 0.2 })
    Object.assign(record(good), { done: 50, failureRate: 0.05 })
    bench.credit(flaky, 1)
    expect(bench.take('grant')).toEqual([])
    bench.credit(good, 1)
    expect(bench.grant()).toMatchObject({ task: a, session: good })
  })
})

describe('the order of a scroll', () => {
  test('what has the longest chain behind it goes first', () => {
    const bench = new CoreHarness()
    const { long, mid, short } = bench.accept({
      short: [],
      mid: [],
      x: ['mid'],
      long: [],
      y: ['long'],
      z: ['y'],
      end: ['short', 'x', 'z'],
    })
    bench.join(['m'], 3)
    expect(bench.take('grant').map(({ task }) => task)).toEqual([long, mid, short])
    bench.step({ type: 'cancelIntent', intent: 'int', fault: fault('cancelled', 'The client cancelled it.') })
    const idle = new CoreHarness()
    idle.join(['m'], 2)
    idle.accept({ short: [], mid: [], x: ['mid'], long: [], y: ['long'], z: ['y'], end: ['short', 'x', 'z'] })
    expect(idle.take('grant').map(({ task }) => task)).toEqual([long, mid])
  })

  test('siblings go to different operators while both have room, and a plain chat pays nothing for that', () => {
    const bench = new CoreHarness()
    for (const operator of ['one', 'two']) {
      bench.join(['m'], 8, { scout: `${operator}/s`, operator, concurrency: 8 })
    }
    bench.accept({ a: [], b: [], c: [], d: [] })
    const grants = bench.take('grant')
    expect(grants.filter(({ served }) => served.scout === 'one/s')).toHaveLength(2)
    expect(grants.map(({ cost }) => cost.scrollMs)).toEqual([0, 0, 300, 300])
    bench.submit()
    expect(bench.grant().cost.scrollMs).toBe(0)
  })

  test('the scout that answered a need is a little cheaper', () => {
    const bench = new CoreHarness()
    bench.join(['m'], 4)
    bench.accept({ a: [], b: ['a'] })
    bench.settle(bench.grant())
    expect(bench.grant().cost.scrollMs).toBe(-300)
  })
})

describe('a budget of tokens', () => {
  test('once used up fails what is not given out yet, and lets what is under way come to its end', () => {
    const bench = stage()
    const { a, c, vote } = bench.accept(
      { a: [], b: [], c: ['a'], vote: ['c'] },
      { budgetTokens: 100 },
      { vote: control },
    )
    const grants = byTask(bench)
    const { session, attempt, nonce } = grants.get(a)!
    const done = {
      session,
      task: a,
      attempt,
      nonce,
      outcome: 'done',
      fault: null,
      tokens: 1,
      provider: '',
      credits: 0,
    } as const
    bench.step({ type: 'settle', ...done, usedTokens: 100 })
    expect(bench.ended(c).fault).toMatchObject({ code: 'budget_exceeded' })
    expect([asked(bench), bench.take('cancelAttempt'), bench.take('grant')]).toEqual([[vote], [], []])
  })

  test('also stops what waits in the queue, and counts what was used before a restart', () => {
    const bench = new CoreHarness()
    const done = { state: 'done', usedTokens: 60 } as const
    const waiting = bench.accept({ a: [], b: [], c: [] }, { budgetTokens: 100 }, { a: done })
    bench.join(['m'], 1)
    const { session, task, attempt, nonce } = bench.grant()
    const settled = {
      session,
      task,
      attempt,
      nonce,
      outcome: 'done',
      fault: null,
      tokens: 1,
      provider: '',
      credits: 0,
    } as const
    bench.step({ type: 'settle', ...settled, usedTokens: 40 })
    bench.credit(session, 1)
    expect(bench.take('grant')).toEqual([])
    const left = task === waiting.b ? waiting.c : waiting.b
    expect(bench.ended(left).fault).toMatchObject({ code: 'budget_exceeded' })
  })
})
