/**
 * Newcomers have few tasks at once where somebody has proved itself, and share their owner's places: when probation
 * begins and ends, that nobody gets more, and that whoever found no place gets work as soon as there is one.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defaultRouting } from '../../../orchestrator/core/model/routing-options.ts'
import { newcomersInFlightMax, newcomersWokenMax, newcomerWindow } from '../../../shared/limits/trust/audits.ts'
import { peerOperator } from '../../../shared/scouts/scout-id.ts'
import { offerOf } from '../../../shared/task.ts'
import { CoreHarness, type Grant } from '../../support/hub/core-harness.ts'
import '../../support/law/seeded-properties.ts'

/** One who has proved itself with `m` and takes nothing, so that what happens to the others can be seen. */
function stage(creditMax = 8) {
  const bench = new CoreHarness({ creditMax, queueTimeoutMs: 600_000 })
  const mark = (scout: string, isProven: boolean, model = 'm') => {
    const state = isProven ? 'trusted' : 'new'
    bench.step({ type: 'trust', scout, model, state, trustMs: 0, isConvicted: false, isProven })
  }
  const newcomer = (owner: string, name: string, models = ['m'], credits = creditMax) =>
    bench.join(models, credits, { scout: `${owner}/${name}`, operator: owner, concurrency: creditMax })
  const submit = (count: number, model = 'm') => Array.from({ length: count }, () => bench.submit({ model }))
  /** Sessions to which tasks went since the last look. */
  const served = () => bench.take('grant').map(({ session }) => session)
  return { bench, mark, newcomer, submit, served }
}

describe('a newcomer', () => {
  test('has as much as it asks for while nobody has proved itself with the model', () => {
    const { bench, newcomer, submit, served } = stage()
    newcomer('ann', 's')
    submit(8)
    expect(served()).toHaveLength(8)
    expect(bench.state.index.newcomers.next()).toBeUndefined()
  })

  test('gets work at once, and two tasks of a model at a time where somebody has', () => {
    const { bench, mark, newcomer, submit, served } = stage()
    mark('old/s', true)
    const session = newcomer('ann', 's')
    submit(5)
    const grants = bench.take('grant')
    expect(grants.map((grant) => grant.session)).toEqual([session, session])
    bench.settle(grants[0]!)
    expect(served()).toEqual([session])
  })

  test('has two of each of its models, and the other model is not held up', () => {
    const { mark, newcomer, submit, served } = stage()
    mark('old/s', true)
    newcomer('ann', 's', ['m', 'free'])
    submit(3)
    submit(4, 'free')
    expect(served()).toHaveLength(newcomerWindow + 4)
  })

  test('has no more through `auto`', () => {
    const { mark, newcomer, submit, served } = stage()
    mark('old/s', true)
    newcomer('ann', 's')
    submit(5, 'auto')
    expect(served()).toHaveLength(newcomerWindow)
  })

  test('has no more when a client names it', () => {
    const { bench, mark, newcomer, served } = stage()
    mark('old/s', true)
    newcomer('ann', 's')
    for (let time = 0; time < 5; time++) bench.submit({ routing: { ...defaultRouting, only: ['ann/s'] } })
    expect(served()).toHaveLength(newcomerWindow)
  })

  test('leaves the rest to who has proved itself', () => {
    const { bench, mark, newcomer, submit, served } = stage()
    mark('old/s', true)
    const session = newcomer('ann', 's')
    const old = bench.join(['m'], 8, { scout: 'old/s', operator: 'old', concurrency: 8 })
    submit(10)
    const got = served()
    expect(got.filter((one) => one === session)).toHaveLength(newcomerWindow)
    expect(got.filter((one) => one === old)).toHaveLength(8)
  })

  test('has all that waits when its probation ends, and few again when it begins anew', () => {
    const { bench, mark, newcomer, submit, served } = stage()
    mark('old/s', true)
    const session = newcomer('ann', 's')
    submit(6)
    expect(served()).toHaveLength(newcomerWindow)
    mark('ann/s', true)
    expect(served()).toHaveLength(4)
    mark('ann/s', false)
    submit(1)
    expect(served()).toEqual([])
    expect(bench.state.roster.bySession.get(session)?.running).toBe(6)
  })

  test('is one after it has dialled anew, with the tasks that it still has', () => {
    const { bench, mark, newcomer, submit } = stage()
    mark('old/s', true)
    const session = newcomer('ann', 's')
    submit(3)
    const [first, second] = bench.take('grant') as [Grant, Grant]
    for (const grant of [first, second]) bench.content(grant)
    bench.gone(session)
    const held = [first, second].map(({ task, attempt, nonce }) => ({ task, attempt, nonce }))
    bench.join(['m'], 4, { scout: 'ann/s', operator: 'ann', instance: `i${session}`, held })
    expect(bench.take('grant')).toEqual([])
    bench.settle({ ...first, session: session + 1 })
    expect(bench.take('grant')).toHaveLength(1)
  })

  test('has as much as it asks for again when the last one who has proved itself is a newcomer', () => {
    const { mark, newcomer, submit, served } = stage()
    mark('old/s', true)
    newcomer('ann', 's')
    submit(6)
    expect(served()).toHaveLength(newcomerWindow)
    mark('old/s', false)
    expect(served()).toHaveLength(4)
  })

  test('keeps what failures made of its window', () => {
    const { bench, mark, newcomer, submit } = stage()
    mark('old/s', true)
    const session = newcomer('ann', 's')
    submit(1)
    bench.settle(bench.grant(), 'failed')
    mark('ann/s', true)
    const { windows } = bench.state.roster.bySession.get(session)!
    expect([...windows!]).toMatchObject([['chat\tm', { size: 4, places: null }]])
  })

  test('is no session of another hub, and none for embeddings', () => {
    const { bench, mark, submit, served } = stage()
    mark('old/s', true)
    const hub = peerOperator('beta')
    bench.join(['m'], 8, { scout: `${hub}/p`, operator: hub, concurrency: 8 })
    submit(5)
    expect(served()).toHaveLength(5)
    const offers = [offerOf({ kind: 'embed', model: 'm', provider: 'p' })]
    bench.join([], 8, { scout: 'ann/e', operator: 'ann', concurrency: 8, offers })
    for (let time = 0; time < 5; time++) bench.submit({ kind: 'embed' })
    expect(served()).toHaveLength(5)
  })
})

describe("an owner's newcomers", () => {
  const six = ['a', 'b', 'c', 'd', 'e', 'f']

  test('have eight tasks in all, and those of another owner eight of their own', () => {
    const { bench, mark, newcomer, submit, served } = stage()
    mark('old/s', true)
    for (const name of six) newcomer('ann', name)
    const other = newcomer('bob', 'a')
    submit(20)
    const got = served()
    expect(got.filter((session) => session === other)).toHaveLength(newcomerWindow)
    expect(got).toHaveLength(newcomersInFlightMax + newcomerWindow)
    expect(bench.state.queued).toBe(20 - got.length)
  })

  test('who found no place for lack of it get work when one is free, whatever it is for', () => {
    const { bench, mark, newcomer, submit } = stage()
    mark('old/s', true)
    mark('old/s', true, 'rare')
    for (const name of six.slice(0, 4)) newcomer('ann', name)
    const rare = newcomer('ann', 'z', ['rare'])
    submit(8)
    const [first] = bench.take('grant') as [Grant]
    const [task] = submit(1, 'rare')
    expect(bench.take('grant')).toEqual([])
    bench.settle(first)
    expect(bench.grant()).toMatchObject({ session: rare, task })
  })

  test('get it when a session with tasks is lost as well', () => {
    const { bench, mark, newcomer, submit } = stage()
    mark('old/s', true)
    for (const name of six.slice(0, 4)) newcomer('ann', name)
    const late = newcomer('ann', 'z')
    submit(9)
    const grants = bench.take('grant')
    expect(grants).toHaveLength(newcomersInFlightMax)
    const { session } = grants.find((grant) => grant.session !== late)!
    bench.gone(session)
    expect(bench.take('grant').length).toBeGreaterThan(0)
    expect(bench.state.queued).toBeLessThanOrEqual(2)
  })

  test('are woken a few in each step, however many wait', () => {
    const { bench, mark, newcomer, submit } = stage()
    mark('old/s', true)
    for (let at = 0; at < 40; at++) newcomer('ann', `s${at}`)
    submit(9)
    const grants = bench.take('grant')
    expect(grants).toHaveLength(newcomersInFlightMax)
    bench.step({ type: 'cancel', task: 9, fault: { code: 'cancelled', message: 'Gone.' } })
    const [places] = bench.state.index.newcomers.all()
    const waiting = places!.waiting.size
    expect(waiting).toBeGreaterThan(newcomersWokenMax)
    bench.settle(grants[0]!)
    expect(places!.waiting.size).toBe(waiting - newcomersWokenMax)
    bench.pass(2_000)
    expect(places!.waiting.size).toBe(0)
  })
})

// Whatever happens in whatever order, no grant goes beyond the bounds; the harness recounts the rest after each step.
test('no newcomer gets more than its own, and no owner more than its newcomers may have', () => {
  const step = fc.record({
    what: fc.constantFrom('submit', 'submit', 'submit', 'settle', 'fail', 'gone', 'join', 'credit', 'mark', 'pass'),
    which: fc.nat(999),
  })
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), fc.nat(), (steps, seed) => {
      const bench = new CoreHarness({ creditMax: 8, queueTimeoutMs: 600_000, returnWindowMs: 0 }, seed)
      const names = ['ann/a', 'ann/b', 'ann/c', 'ann/d', 'ann/e', 'bob/a', 'old/a']
      const open: Grant[] = []
      const sessions = new Map<string, number>()
      const join = (scout: string) => {
        if (sessions.has(scout)) return
        const models = scout.endsWith('e') ? ['x', 'm'] : ['m']
        sessions.set(scout, bench.join(models, 4, { scout, operator: scout.slice(0, 3), concurrency: 8 }))
      }
      const look = () => {
        for (const grant of bench.take('grant')) {
          open.push(grant)
          const { roster, index } = bench.state
          const scout = roster.bySession.get(grant.session)!
          const entry = scout.klass.entries.find(({ model }) => model === grant.model)!
          if (!index.marks.isOnProbation(scout.record, entry)) continue
          const window = scout.windows!.get(entry.key)!
          expect(window.running).toBeLessThanOrEqual(newcomerWindow)
          expect(window.places!.running).toBeLessThanOrEqual(newcomersInFlightMax)
        }
      }
      for (const name of names) join(name)
      for (const { what, which } of steps) {
        const name = names[which % names.length]!
        const session = sessions.get(name)
        const [grant] = open.length > 0 && ['settle', 'fail'].includes(what) ? open.splice(which % open.length, 1) : []
        if (what === 'submit') bench.submit({ model: which % 5 === 0 ? 'x' : 'm' })
        else if (grant !== undefined && bench.state.roster.bySession.has(grant.session))
          bench.settle(grant, what === 'settle' ? 'done' : 'failed')
        else if (what === 'gone' && session !== undefined) {
          sessions.delete(name)
          bench.gone(session)
        } else if (what === 'join') join(name)
        else if (what === 'credit' && session !== undefined) {
          const { credits, capacity } = bench.state.roster.bySession.get(session)!
          if (credits < capacity) bench.credit(session, 1)
        } else if (what === 'mark') {
          const values = { trustMs: 0, isConvicted: which % 11 === 0, isProven: which % 3 === 0 }
          const model = which % 4 === 0 ? 'x' : 'm'
          // What it has now it may keep: only later grants are looked at.
          bench.step({ type: 'trust', scout: name, model, state: 'trusted', ...values })
        } else if (what === 'pass') bench.pass(1_000)
        look()
      }
    }),
    { numRuns: 150 },
  )
})
